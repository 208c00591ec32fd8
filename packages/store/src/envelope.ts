import { Buffer } from 'node:buffer';
import { asBuffer } from './codec/bytes.ts';
import type { Codec, CodecContext } from './codec.ts';
import { CodecError } from './contract.ts';
import type { Entry } from './entry.ts';

// Version 1. Numbers are little-endian; a text is a length (u32, its highest bit set for UTF-16) and that many bytes.
//
//    0  magic        4 bytes  'RPRS'
//    4  version      u8
//    5  checksum    32 bytes  SHA-256 of everything else: bytes 0 to 4, and 37 to the end
//   37  flags        u16      which of the optional fields there are
//   39  createdAt    f64
//   47  expiresAt    f64
//   55  staleUntil   f64
//   63  key          text     the whole key as the store knows it
//       codec        text     the name of the codec that made the body
//       … the optional fields in the order of their flags …
//       body                  to the end: the value, or the error where `failed` is set
const magic = 0x53525052;
const version = 1;
const checksumAt = 5;
const checkedAt = 37;
const fieldsAt = 63;

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
  const writer = new FieldWriter();
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
  const head = Buffer.allocUnsafe(fieldsAt + writer.length);
  head.writeUInt32LE(magic, 0);
  head[4] = version;
  head.writeUInt16LE(present, checkedAt);
  head.writeDoubleLE(entry.createdAt, checkedAt + 2);
  head.writeDoubleLE(entry.expiresAt, checkedAt + 10);
  head.writeDoubleLE(entry.staleUntil, checkedAt + 18);
  writer.copy(head, fieldsAt);
  const context = new EnvelopeContext(key, head);
  const body = asBuffer(failed ? encodeError(entry.error, codec, context) : encodeBody(entry.value, codec, context));
  const bytes = Buffer.allocUnsafeSlow(head.length + body.length);
  head.copy(bytes);
  body.copy(bytes, head.length);
  checksumOf(bytes).copy(bytes, checksumAt);
  return bytes;
}

/**
 * The entry in an envelope, after every check: it is whole and unaltered, of a known format, of this codec, and of this key.
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
  if (found !== version) throw refuse(key, `is damaged: there is no format version ${found}`);
  if (source.length < fieldsAt) throw refuse(key, 'is truncated');
  if (!checksumOf(source).equals(source.subarray(checksumAt, checkedAt))) {
    throw refuse(key, 'is damaged or truncated: its checksum does not match');
  }
  const present = source.readUInt16LE(checkedAt);
  if ((present & ~knownFlags) !== 0) throw refuse(key, 'is of a later release: it has fields that are not known here');
  const reader = new FieldReader(source, fieldsAt, key);
  const foundKey = reader.text();
  if (foundKey !== key) throw refuse(key, `is another key's: it was written for ${shorten(foundKey)}`);
  const codecName = reader.text();
  if (codecName !== codec.name) {
    throw refuse(key, `is of another codec: '${codecName}' wrote it, '${codec.name}' was to read it`);
  }
  const entry: Mutable<Entry> = {
    createdAt: source.readDoubleLE(checkedAt + 2),
    expiresAt: source.readDoubleLE(checkedAt + 10),
    staleUntil: source.readDoubleLE(checkedAt + 18),
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
    body = codec.decode(reader.rest(), new EnvelopeContext(key, source.subarray(0, reader.at)));
  } catch (cause) {
    throw refuse(key, `cannot be read by the codec '${codec.name}'`, cause);
  }
  if (present & flags.failed) entry.error = body;
  else entry.value = body;
  return entry;
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** What a body is bound to: what stands before it, without the checksum. Most codecs do not ask. */
class EnvelopeContext implements CodecContext {
  readonly key: string;
  readonly #head: Buffer;

  constructor(key: string, head: Buffer) {
    this.key = key;
    this.#head = head;
  }

  get header(): Uint8Array {
    return Buffer.concat([this.#head.subarray(0, checksumAt), this.#head.subarray(checkedAt)]);
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

function refuse(key: string, what: string, cause?: unknown): CodecError {
  return new CodecError(`The entry of ${shorten(key)} ${what}`, cause === undefined ? undefined : { cause });
}

function shorten(key: string): string {
  return JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}…` : key);
}

/** Loaded when first used: it takes as long as the rest of a program's start. */
let crypto: typeof import('node:crypto') | undefined;
const copiedLength = 65_536;

function checksumOf(bytes: Buffer): Buffer {
  crypto ??= process.getBuiltinModule('node:crypto');
  if (bytes.length > copiedLength) {
    const before = bytes.subarray(0, checksumAt);
    return crypto.createHash('sha256').update(before).update(bytes.subarray(checkedAt)).digest();
  }
  // One call on a copy takes half the time of three on the parts.
  const covered = Buffer.allocUnsafe(bytes.length - checkedAt + checksumAt);
  bytes.copy(covered, 0, 0, checksumAt);
  bytes.copy(covered, checksumAt, checkedAt);
  return crypto.hash('sha256', covered, 'buffer');
}

/** Collects the fields whose length is not known beforehand. */
class FieldWriter {
  readonly #parts: Buffer[] = [];
  length = 0;

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.length += part.length;
  }

  count(value: number): void {
    const part = Buffer.allocUnsafe(4);
    part.writeUInt32LE(value, 0);
    this.#add(part);
  }

  double(value: number): void {
    const part = Buffer.allocUnsafe(8);
    part.writeDoubleLE(value, 0);
    this.#add(part);
  }

  /** A lone surrogate has no UTF-8: two keys that differ in one would become the same. */
  text(value: string): void {
    const wide = !(value as string & { isWellFormed(): boolean }).isWellFormed();
    const bytes = Buffer.from(value, wide ? 'utf16le' : 'utf8');
    this.count(wide ? bytes.length + wideBit : bytes.length);
    this.#add(bytes);
  }

  copy(target: Buffer, start: number): void {
    let at = start;
    for (const part of this.#parts) at += part.copy(target, at);
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
