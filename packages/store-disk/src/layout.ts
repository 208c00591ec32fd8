import { join } from 'node:path';
import { hash, makeId } from './digest.ts';
import { formatMark, ownMark } from './process-mark.ts';

// The folders and lines of cacache 20, which reads, lists and verifies what this package writes; a test holds them together.
//
//   content-v2/sha512/aa/bb/…   one envelope each, under the hexadecimal SHA-512 of its bytes
//   index-v5/aa/bb/…            one bucket each, under the SHA-256 of the key: lines `sha1(json) TAB json`, the last one counts
//   tmp/…                       files on their way, named after the process that writes them
//   fences/log-…                what was invalidated, see fence-log.ts

/** What a bucket says of a key. */
export interface IndexLine {
  readonly key: string;
  /** `sha512-…` in base64; `null` in a line of cacache's own that marks a removal. */
  readonly integrity: string | null;
  /** When it was written, by the clock of the store. */
  readonly time: number;
  /** Bytes of the content. */
  readonly size: number;
  readonly metadata?: LineDetails;
}

/** What is known of an entry without reading it. */
export interface LineDetails {
  /** `null`: without end. JSON has no Infinity. */
  readonly staleUntil?: number | null;
  readonly generation?: string;
  readonly tags?: readonly string[];
  /** When it was last touched is the time of its content's file. */
  readonly idle?: number;
}

/** A place for a file on its way, by which one can tell who is writing it. */
export function draftPath(directory: string): string {
  return join(directory, 'tmp', `${formatMark(ownMark())}-${makeId()}`);
}

/** Where a key's bucket is. */
export function bucketPath(directory: string, key: string): string {
  return join(directory, 'index-v5', segments(hash('sha256', key, 'hex')));
}

/** Where content is, by its integrity; `undefined` for one that this store has not written. */
export function contentPath(directory: string, integrity: string | null): string | undefined {
  if (!integrity?.startsWith('sha512-')) return undefined;
  const digest = Buffer.from(integrity.slice(7), 'base64').toString('hex');
  return digest.length === 128 ? join(directory, 'content-v2', 'sha512', segments(digest)) : undefined;
}

function segments(digest: string): string {
  return join(digest.slice(0, 2), digest.slice(2, 4), digest.slice(4));
}

export function integrityOf(bytes: Uint8Array): string {
  return `sha512-${hash('sha512', bytes, 'base64')}`;
}

export function formatBucket(line: IndexLine): string {
  const json = JSON.stringify(line);
  return `\n${hash('sha1', json, 'hex')}\t${json}`;
}

/** The lines whose checksum matches, oldest first. What is damaged is as if it were not there. */
export function parseBucket(text: string): IndexLine[] {
  const lines: IndexLine[] = [];
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    const json = line.slice(tab + 1);
    if (tab < 0 || hash('sha1', json, 'hex') !== line.slice(0, tab)) continue;
    try {
      const parsed: unknown = JSON.parse(json);
      if (typeof (parsed as IndexLine | null)?.key === 'string') lines.push(parsed as IndexLine);
    } catch {
      // Whoever can make a checksum can still not make it JSON.
    }
  }
  return lines;
}

/** The lines that count: the last one of each key. */
export function latestLines(lines: readonly IndexLine[]): IndexLine[] {
  const latest = new Map<string, IndexLine>();
  for (const line of lines) latest.set(line.key, line);
  return [...latest.values()].filter((line) => line.integrity !== null);
}
