import { Buffer } from 'node:buffer';
import { crc32 } from './checksum.ts';
import { asBuffer } from './codec/bytes.ts';
import type { Codec, CodecContext } from './codec.ts';
import { CodecError } from './contract.ts';
import type { Entry, MutableEntry } from './entry.ts';
import { refuse, shorten } from './refusal.ts';

// Version 2. Numbers are little-endian; a text is a length (u32, its highest bit set for UTF-16) and that many bytes.
//
//    0  magic        4 bytes  'RPRS'
//    4  version      u8
//    5  checksum     u32      CRC-32 of everything else: bytes 0 to 4, and 9 to the end
//    9  flags        u16      which of the optional fields there are
//   11  createdAt    f64
//   19  expiresAt    f64
//   27  staleUntil   f64
//   35  key          text     the whole key as the store knows it
//       codec        text     the name of the codec that made the body
//       … the optional fields in the order of their flags …
//       body                  to the end: the value, or the error where `failed` is set
//
// Version 1, which is read and no longer written, has 32 bytes of SHA-256 for the checksum, and all else 28 bytes later.
const magic = 0x53525052;
const version = 2;
const checksumAt = 5;
/** Where the flags stand, behind the checksum. */
const flagsAt = { 1: 37, 2: 9 } as const;
/** How much the flags and the times take. */
const fixedLength = 26;

const flags = {
  failed: 1,
  fullKey: 2,
  tags: 4,
  idle: 8,
  loadTime: 16,
  size: 32,
  generationNumber: 64,
  generationText: 128,
  name: 256,
  functionVersion: 512,
  id: 1024,
  promised: 2048,
} as const;
const knownFlags = 4095;

/** What an envelope may say beside the entry. Each is covered by the checksum; none is needed to read it. */
export interface EnvelopeDetails {
  /** The function's name, for people who look into the file; the key has it too. */
  readonly name?: string;
  /** The function's `version`. */
  readonly version?: string;
  /** Makes two envelopes of the same entry differ, where a store is addressed by content. */
  readonly id?: string;
}

/**
 * An entry as bytes that are bound to their key: what a store writes that keeps bytes.
 *
 * @param key the whole key, namespace included; {@link decodeEnvelope} asks for the same
 * @throws CodecError when the codec refuses the value
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { CodecError, decodeEnvelope, defaultCodec, encodeEnvelope } from '@reprise/store';
 *
 * const entry = { value: new Map([['a', 1n]]), createdAt: 1_000, expiresAt: 2_000, staleUntil: 2_000 };
 * const bytes = encodeEnvelope('users/find("42")', entry, defaultCodec);
 * assert.deepEqual(decodeEnvelope(bytes, 'users/find("42")', defaultCodec), entry);
 * assert.throws(() => decodeEnvelope(bytes, 'users/find("43")', defaultCodec), CodecError);
 */
export function encodeEnvelope(key: string, entry: Entry, codec: Codec, details: EnvelopeDetails = {}): Uint8Array {
  const failed = 'error' in entry;
  const start = flagsAt[version];
  const writer = new FieldWriter(start + fixedLength);
  writer.text(key);
  writer.text(codec.name);
  let present = failed ? flags.failed : 0;
  if (entry.key !== undefined) {
    present |= flags.fullKey;
    writer.text(entry.key);
  }
  if (entry.tags !== undefined) {
    present |= flags.tags;
    writer.count(entry.tags.length);
    for (const tag of entry.tags) writer.text(tag);
  }
  if (entry.idle !== undefined) {
    present |= flags.idle;
    writer.double(entry.idle);
  }
  if (entry.loadTime !== undefined) {
    present |= flags.loadTime;
    writer.double(entry.loadTime);
  }
  if (entry.size !== undefined) {
    present |= flags.size;
    writer.double(entry.size);
  }
  if (typeof entry.generation === 'number') {
    present |= flags.generationNumber;
    writer.double(entry.generation);
  } else if (entry.generation !== undefined) {
    present |= flags.generationText;
    writer.text(entry.generation);
  }
  if (details.name !== undefined) {
    present |= flags.name;
    writer.text(details.name);
  }
  if (details.version !== undefined) {
    present |= flags.functionVersion;
    writer.text(details.version);
  }
  if (details.id !== undefined) {
    present |= flags.id;
    writer.text(details.id);
  }
  if (entry.promised) present |= flags.promised;
  const head = writer.finish();
  head.writeUInt32LE(magic, 0);
  head[4] = version;
  head.writeUInt16LE(present, start);
  head.writeDoubleLE(entry.createdAt, start + 2);
  head.writeDoubleLE(entry.expiresAt, start + 10);
  head.writeDoubleLE(entry.staleUntil, start + 18);
  const context = new EnvelopeContext(key, head, head.length, start);
  const body = failed ? encodeError(entry.error, codec, context) : encodeBody(entry.value, codec, context);
  const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
  bytes.set(head);
  bytes.set(asBuffer(body), head.length);
  bytes.writeUInt32LE(cyclicSum(bytes), checksumAt);
  return bytes;
}

/**
 * The entry in an envelope, after every check: it is whole, not damaged, of a known format, of this codec, and of this key.
 *
 * The checksum finds damage. It does not find what somebody altered who can make a checksum: that takes a secret, see
 * {@link sealedCodec}. Nothing is executed in any case, and nothing beyond the end of the bytes is read.
 *
 * @param key the whole key that the store was asked for, namespace included
 * @throws CodecError saying which check failed; what the envelope holds is then no answer
 */
export function decodeEnvelope(bytes: Uint8Array, key: string, codec: Codec): Entry {
  const source = asBuffer(bytes);
  if (source.length < 5 || source.readUInt32LE(0) !== magic)
    throw refuse(key, 'is foreign: it is no envelope of Reprise');
  const found = source[4] as number;
  if (found > version) throw refuse(key, `is of a future format version (${found}; this release reads ${version})`);
  if (found !== 1 && found !== version) throw refuse(key, `is damaged: there is no format version ${found}`);
  const start = flagsAt[found];
  if (source.length < start + fixedLength) throw refuse(key, 'is truncated');
  const isWhole = found === 1 ? hasSecureSum(source) : cyclicSum(source) === source.readUInt32LE(checksumAt);
  if (!isWhole) throw refuse(key, 'is damaged or truncated: its checksum does not match');
  const present = source.readUInt16LE(start);
  if ((present & ~knownFlags) !== 0) throw refuse(key, 'is of a later release: it has fields that are not known here');
  const reader = new FieldReader(source, start + fixedLength, key);
  const otherKey = reader.otherThan(key);
  if (otherKey !== undefined) throw refuse(key, `is another key's: it was written for ${shorten(otherKey)}`);
  const otherCodec = reader.otherThan(codec.name);
  if (otherCodec !== undefined) {
    throw refuse(key, `is of another codec: '${otherCodec}' wrote it, '${codec.name}' was to read it`);
  }
  const entry: MutableEntry = {
    createdAt: source.readDoubleLE(start + 2),
    expiresAt: source.readDoubleLE(start + 10),
    staleUntil: source.readDoubleLE(start + 18),
  };
  if (present & flags.fullKey) entry.key = reader.text();
  if (present & flags.tags) entry.tags = reader.texts();
  if (present & flags.idle) entry.idle = reader.double();
  if (present & flags.loadTime) entry.loadTime = reader.double();
  if (present & flags.size) entry.size = reader.double();
  if (present & flags.generationNumber) entry.generation = reader.double();
  if (present & flags.generationText) entry.generation = reader.text();
  if (present & flags.name) reader.text();
  if (present & flags.functionVersion) reader.text();
  if (present & flags.id) reader.text();
  if (present & flags.promised) entry.promised = true;
  let body: unknown;
  try {
    body = codec.decode(reader.rest(), new EnvelopeContext(key, source, reader.at, start));
  } catch (cause) {
    throw refuse(key, `cannot be read by the codec '${codec.name}'`, cause);
  }
  if (present & flags.failed) entry.error = body;
  else entry.value = body;
  return entry;
}

/** What a body is bound to: what stands before it, without the checksum. Most codecs do not ask. */
class EnvelopeContext implements CodecContext {
  readonly key: string;
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #flagsAt: number;

  constructor(key: string, bytes: Buffer, end: number, start: number) {
    this.key = key;
    this.#bytes = bytes;
    this.#end = end;
    this.#flagsAt = start;
  }

  get header(): Uint8Array {
    return Buffer.concat([this.#bytes.subarray(0, checksumAt), this.#bytes.subarray(this.#flagsAt, this.#end)]);
  }
}

function encodeBody(value: unknown, codec: Codec, context: CodecContext): Uint8Array {
  try {
    return asBytes(codec.encode(value, context), codec);
  } catch (cause) {
    throw asRefusal(cause, codec);
  }
}

function encodeError(error: unknown, codec: Codec, context: CodecContext): Uint8Array {
  if (codec.encodeError === undefined) return encodeBody(error, codec, context);
  try {
    return asBytes(codec.encodeError(error, context), codec);
  } catch (cause) {
    throw asRefusal(cause, codec);
  }
}

function asBytes(bytes: unknown, codec: Codec): Uint8Array {
  if (bytes instanceof Uint8Array || ArrayBuffer.isView(bytes)) return bytes as Uint8Array;
  throw new CodecError(`The codec '${codec.name}' gave ${typeof bytes} where a Uint8Array was due`);
}

function asRefusal(cause: unknown, codec: Codec): CodecError {
  if (cause instanceof CodecError) return cause;
  return new CodecError(`The codec '${codec.name}' failed to encode a value`, { cause });
}

/** Loaded when first used. */
let crypto: typeof import('node:crypto') | undefined;
/** The sum of the bytes in front of the checksum, which are the same in all envelopes. */
let sumOfStart: number | undefined;

function cyclicSum(bytes: Buffer): number {
  sumOfStart ??= crc32(bytes.subarray(0, checksumAt));
  return crc32(bytes.subarray(flagsAt[version]), sumOfStart);
}

function hasSecureSum(bytes: Buffer): boolean {
  crypto ??= process.getBuiltinModule('node:crypto');
  const hash = crypto.createHash('sha256').update(bytes.subarray(0, checksumAt)).update(bytes.subarray(flagsAt[1]));
  return hash.digest().equals(bytes.subarray(checksumAt, flagsAt[1]));
}

/** Up to so many characters are faster one by one than by a call into Node. */
const shortText = 128;

/** Writes the fields whose length is not known beforehand, behind room for those whose length is. */
class FieldWriter {
  #bytes: Buffer = Buffer.allocUnsafe(512);
  #at: number;

  constructor(start: number) {
    this.#at = start;
  }

  #reserve(count: number): void {
    if (count <= this.#bytes.length - this.#at) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#at + count, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  count(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** A lone surrogate has no UTF-8: two keys that differ in one would become the same. */
  text(value: string): void {
    const { length } = value;
    this.#reserve(4 + 3 * length);
    const bytes = this.#bytes;
    const at = this.#at;
    if (length <= shortText) {
      let index = 0;
      for (let unit = 0; index < length; index++) {
        unit = value.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[at + 4 + index] = unit;
      }
      if (index === length) {
        bytes.writeUInt32LE(length, at);
        this.#at = at + 4 + length;
        return;
      }
    }
    const wide = !(value as string & { isWellFormed(): boolean }).isWellFormed();
    const written = bytes.write(value, at + 4, wide ? 'utf16le' : 'utf8');
    bytes.writeUInt32LE(wide ? written + wideBit : written, at);
    this.#at = at + 4 + written;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
}

const wideBit = 0x8000_0000;

/** Reads behind a checksum that matched; still, whoever can make a checksum shall not make it read beyond the end. */
class FieldReader {
  readonly #bytes: Buffer;
  readonly #key: string;
  #at: number;

  constructor(bytes: Buffer, start: number, key: string) {
    this.#bytes = bytes;
    this.#at = start;
    this.#key = key;
  }

  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw refuse(this.#key, 'is damaged: a field reaches beyond its end');
    this.#at = start + count;
    return start;
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(): string {
    const length = this.#bytes.readUInt32LE(this.#take(4));
    const bytes = length % wideBit;
    const start = this.#take(bytes);
    return this.#bytes.toString(length >= wideBit ? 'utf16le' : 'utf8', start, start + bytes);
  }

  /** Passes over a text; gives it back where it is another one than `expected`. */
  otherThan(expected: string): string | undefined {
    const bytes = this.#bytes;
    const before = this.#at;
    const { length } = expected;
    if (length <= shortText && length + 4 <= bytes.length - before && bytes.readUInt32LE(before) === length) {
      const start = before + 4;
      let index = 0;
      for (let byte = 0; index < length; index++) {
        byte = bytes[start + index] as number;
        if (byte > 0x7f || byte !== expected.charCodeAt(index)) break;
      }
      if (index === length) {
        this.#at = start + length;
        return undefined;
      }
    }
    const found = this.text();
    return found === expected ? undefined : found;
  }

  texts(): string[] {
    const count = this.#bytes.readUInt32LE(this.#take(4));
    const texts: string[] = [];
    for (let index = 0; index < count; index++) texts.push(this.text());
    return texts;
  }

  get at(): number {
    return this.#at;
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
