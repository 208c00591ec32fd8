import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { makeDigest } from './digest.ts';
import { codeOf } from './file-errors.ts';

/** What tells one process from all others, also from a later one with the same number. */
export interface ProcessMark {
  /** Where its number means something: a host, and there a space of process numbers. */
  readonly place: string;
  readonly pid: number;
  /** When it was started; `'x'` where the system does not tell. */
  readonly start: string;
}

const unknown = 'x';
let place: string | undefined;
let own: ProcessMark | undefined;
let boot: string | undefined;

/** The mark of this process. */
export function ownMark(): ProcessMark {
  if (own?.pid === process.pid) return own;
  place ??= makeDigest(`${hostname()} ${readLink('/proc/self/ns/pid')}`);
  own = { place, pid: process.pid, start: startOf(process.pid) };
  return own;
}

/** Tells this run of the machine from the one before; `''` where the system does not tell. */
export function bootMark(): string {
  boot ??= readText('/proc/sys/kernel/random/boot_id').trim();
  return boot;
}

/** Whether a process is known to have ended. One of another host is not. */
export function isDead({ place, pid, start }: ProcessMark): boolean {
  if (place !== ownMark().place) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true;
  }
  if (start === unknown) return false;
  const found = startOf(pid);
  return found !== unknown && found !== start;
}

/** A mark as a file's name has it. */
export function formatMark({ place, pid, start }: ProcessMark): string {
  return `${place}-${pid}-${start}`;
}

/** The mark at the beginning of a file's name; `undefined` where there is none. */
export function parseMark(name: string): ProcessMark | undefined {
  const match = /^([0-9a-f]{16})-([1-9]\d{0,9})-([0-9a-f]{16}|x)-/.exec(name);
  return match === null ? undefined : { place: match[1] as string, pid: Number(match[2]), start: match[3] as string };
}

function startOf(pid: number): string {
  // The program's name, in parentheses, may hold anything.
  const fields = readText(`/proc/${pid}/stat`).split(')').at(-1)?.trim().split(' ') ?? [];
  const ticks = fields[19];
  return ticks === undefined ? unknown : makeDigest(`${bootMark()} ${ticks}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
