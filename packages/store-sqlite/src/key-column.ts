import { Buffer } from 'node:buffer';

/** What stands in a column for a text. */
export type KeyColumn = string | Uint8Array;

/**
 * Texts as SQLite keeps them: as text where that is exact, else as bytes. UTF-8 has no form for a lone surrogate, and a NUL ends a text in
 * more than one place; the bytes of such a text are its UTF-16 units. Text and bytes are never equal in SQLite.
 */
export function toColumn(text: string): KeyColumn {
  return isPlain(text) ? text : Buffer.from(text, 'utf16le');
}

export function fromColumn(column: KeyColumn): string {
  if (typeof column === 'string') return column;
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('utf16le');
}

export function isPlain(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes('\0');
}

/**
 * The first text, in SQLite's order, after all those that begin with a plain `prefix`. That begins with a digit here: there is always one.
 */
export function endOfPrefix(prefix: string): string {
  const points = Array.from(prefix);
  while (points.at(-1) === '\u{10ffff}') points.pop();
  const point = points.pop()?.codePointAt(0) as number;
  // What lies between are surrogates, which stand for themselves in no UTF-8.
  return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
}

/**
 * A number from 0 to 2⁵³ for a text, the same in every process. For fences only: two texts with one number share their
 * invalidations, which costs a result that could have been kept, and never keeps one that could not.
 */
export function numberOf(kind: 'key' | 'tag', text: string): number {
  let high = kind === 'key' ? 0xdeadbeef : 0x9e3779b9;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
