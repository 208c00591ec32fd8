import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who holds a lease: a store in a process on a machine. */
export interface Holder {
  readonly store: string;
  readonly host: string;
  readonly pid: number;
  readonly started: string;
}

let here: { readonly host: string; readonly started: string } | undefined;

/** A new holder in this process. */
export function makeHolder(): Holder {
  here ??= { host: describeHost(), started: startOf(process.pid) };
  return { store: randomBytes(8).toString('hex'), host: here.host, pid: process.pid, started: here.started };
}

/** Whether a holder's process is known to be gone. Of another machine nothing is known. */
export function isDead({ host, pid, started }: Holder): boolean {
  if (host !== here?.host) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as { readonly code?: unknown }).code === 'ESRCH';
  }
  // Another process may have got its number since.
  const found = startOf(pid);
  return found !== '' && started !== '' && found !== started;
}

/** A name for where process numbers mean the same: containers that share a file do not share those. */
function describeHost(): string {
  const parts = [hostname()];
  for (const read of [
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    () => readlinkSync('/proc/self/ns/pid'),
  ]) {
    try {
      parts.push(read());
    } catch {
      // Not on Linux.
    }
  }
  return parts.join(' ');
}

/** When a process was started, as Linux tells it; empty elsewhere. */
function startOf(pid: number): string {
  try {
    // The name of the program, in parentheses, may hold anything; the 20th field behind it is the time.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has died and was not waited for still has its number.
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
