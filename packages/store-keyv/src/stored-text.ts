import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * What stands under a key in Keyv, as text, which every serializer, compression and column keeps:
 *
 *     1:<checksum>:<root>:<count>:<place>:<envelope>
 *
 * `root` and `count` are the mark under which it was written, see `ClearMarks`; the place and the envelope are base64. The checksum is a
 * CRC-32 of all behind it.
 */
export interface StoredText {
  readonly root: string;
  readonly count: number;
  /** The store's namespace, and the whole key in it. */
  readonly namespace: string;
  readonly key: string;
  readonly envelope: Buffer;
}

export function writeText(root: string, count: number, place: string, envelope: string): string {
  const rest = `${root}:${count}:${place}:${envelope}`;
  return `1:${checksum(rest)}:${rest}`;
}

/** @returns `undefined` for what is damaged, or not ours */
export function readText(text: unknown): StoredText | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^1:([0-9a-f]{8}):(([\w-]+):(\d+):([\w-]+):([\w+/=]*))$/.exec(text);
  const [, sum, rest = '', root = '', count, place = '', envelope = ''] = match ?? [];
  if (sum === undefined || checksum(rest) !== sum) return undefined;
  const [namespace, key] = parsePlace(place);
  if (typeof namespace !== 'string' || typeof key !== 'string') return undefined;
  return { root, count: Number(count), namespace, key, envelope: Buffer.from(envelope, 'base64') };
}

function parsePlace(place: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(place, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/** The namespace and the key as one text. JSON tells all pairs apart, lone surrogates included. */
export function placeOf(namespace: string, key: string): string {
  return Buffer.from(JSON.stringify([namespace, key])).toString('base64url');
}

/**
 * The key as Keyv gets it: letters that no server folds, shortens or refuses, few enough for Memcached, and never the beginning that Keyv
 * takes for its own namespace. The whole key stands in the entry, and is compared on read.
 */
export function foreignKey(namespace: string, key: string): string {
  return `reprise-${digest(JSON.stringify([namespace, key]))}`;
}

/** A key of the store's own, which is nobody's entry. */
export function ownKey(namespace: string, purpose: 'mark' | 'clears'): string {
  return `reprise-${purpose}-${digest(JSON.stringify([namespace]))}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
