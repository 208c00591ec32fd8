import type { ProcessMark } from './process-mark.ts';

// A record is a line `LF crc32 TAB nonce TAB json`. It begins with the line feed, so that one that was torn spoils no other.

/** Where in the order of all invalidations of a directory something stands. */
export type Position = number;

/** Who has a lease, and until when by the clock of his machine. */
export interface Grant {
  readonly token: string;
  readonly until: number;
  readonly holder: ProcessMark;
}

/** What a log says. Records of its table carry the position at which they were made; the others stand at their own. */
export type FenceRecord =
  | readonly [kind: 'head', head: Head]
  /** The table ends here, and the log begins. */
  | readonly [kind: 'body']
  | readonly [kind: 'key', namespace: string, name: string, at?: Position]
  | readonly [kind: 'prefix', namespace: string, prefix: string, at?: Position]
  | readonly [kind: 'tags', tags: readonly string[], at?: Position]
  /** Holds if the key's lease is still what `replaced` says: so one of several who ask gets it. */
  | readonly [kind: 'lease', namespace: string, key: string, grant: Grant, replaced: string, at?: Position]
  | readonly [kind: 'renew', namespace: string, key: string, token: string, until: number]
  | readonly [kind: 'release', namespace: string, key: string, token: string]
  /** No set that is older is done from now on. */
  | readonly [kind: 'refuse', upTo: Position]
  /** All that is void by records up to there has gone: their names need not be known any more. */
  | readonly [kind: 'settled', upTo: Position]
  /** What follows does not count: the next log does. */
  | readonly [kind: 'seal'];

/** The beginning of a log. */
export interface Head {
  readonly version: 1;
  /** Tells the counters of one directory from those of another, or of an earlier one of the same name. */
  readonly chain: string;
  /** The position at which the body begins. */
  readonly base: Position;
  /** What is older is void. */
  readonly floor: Position;
  /** A set that is older is refused. */
  readonly refused: Position;
  readonly boot: string;
  /** Pairs of positions between which none was given, or may have been lost. */
  readonly gaps: readonly Position[];
}

let zlib: typeof import('node:zlib') | undefined;

function sumOf(text: string): string {
  zlib ??= process.getBuiltinModule('node:zlib');
  return zlib.crc32(text).toString(16).padStart(8, '0');
}

/** @param nonce by which who appends finds his own record again */
export function formatRecord(record: FenceRecord, nonce = ''): string {
  const text = `${nonce}\t${JSON.stringify(record)}`;
  return `\n${sumOf(text)}\t${text}`;
}

/** @returns `undefined` for what is torn or damaged */
export function parseRecord(line: string): { readonly nonce: string; readonly record: FenceRecord } | undefined {
  const text = line.slice(9);
  if (line[8] !== '\t' || sumOf(text) !== line.slice(0, 8)) return undefined;
  const tab = text.indexOf('\t');
  try {
    return { nonce: text.slice(0, tab), record: JSON.parse(text.slice(tab + 1)) as FenceRecord };
  } catch {
    return undefined;
  }
}
