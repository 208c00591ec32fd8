import { Buffer } from 'node:buffer';
import { crc32 } from './checksum.ts';
import { textFormOf } from './codec/text-form.ts';
import type { Codec } from './codec.ts';
import { CodecError } from './contract.ts';
import type { Entry, MutableEntry } from './entry.ts';
import { refuse, shorten } from './refusal.ts';

// Version 3, the first that is text. A line ends with a line feed, and is empty for what is not there. A digit is one of 64
// characters, from '0' on. A number is 8 digits, or '#' and a line with its decimal text where these cannot hold it.
//
//    0  version      '3'
//    1  checksum     6 digits: CRC-32 of the UTF-8 of everything behind it
//    7  createdAt, expiresAt, staleUntil, loadTime   numbers, or empty lines; the third is empty where it equals the second
//       generation   a line: '#' and a decimal number, or '"' and a text
//       others       a line: the JSON text of those of the other fields that there are
//       codec        a line: the name of the codec that made the body
//       key          its length as a number, and the whole key as the store knows it
//       body         to the end: the JSON text of the value
const version = '3';
const sumAt = 1;
const restAt = 7;
const lineFeed = 10;
const zero = 48;
const numberSign = 35;
const numberLength = 8;
/** Above all numbers of so many digits. */
const tooLarge = 2 ** 48;

/**
 * The same as {@link encodeEnvelope} in a text, for a store whose medium hands out texts faster than bytes.
 *
 * @param key the whole key, namespace included; {@link decodeTextEnvelope} asks for the same
 * @returns well-formed text without NUL; `undefined` where the entry has none, and an envelope of bytes may keep it: only codecs
 * that {@link createCodec} made have texts, and only for plain JSON data under keys that are well-formed
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { CodecError, decodeTextEnvelope, defaultCodec, encodeTextEnvelope } from '@reprise/store';
 *
 * const entry = { value: { name: 'Ada' }, createdAt: 1_000, expiresAt: 2_000, staleUntil: 2_000 };
 * const text = encodeTextEnvelope('users/find("42")', entry, defaultCodec) ?? '';
 * assert.deepEqual(decodeTextEnvelope(text, 'users/find("42")', defaultCodec), entry);
 * assert.throws(() => decodeTextEnvelope(text, 'users/find("43")', defaultCodec), CodecError);
 * assert.equal(encodeTextEnvelope('users/find("42")', { ...entry, value: new Map() }, defaultCodec), undefined);
 */
export function encodeTextEnvelope(key: string, entry: Entry, codec: Codec): string | undefined {
  const form = textFormOf(codec);
  if (form === undefined || 'error' in entry || !isFaithful(key)) return undefined;
  const { createdAt, expiresAt, staleUntil, loadTime } = entry;
  const generation = writeGeneration(entry.generation);
  const others = writeOthers(entry);
  if (generation === undefined || others === undefined) return undefined;
  let body: string | undefined;
  try {
    body = form.encode(entry.value);
  } catch {
    // Whoever makes bytes of it says what is wrong.
  }
  if (body === undefined) return undefined;
  const until = Object.is(staleUntil, expiresAt) ? '\n' : writeNumber(staleUntil);
  const taken = loadTime === undefined ? '\n' : writeNumber(loadTime);
  const times = writeNumber(createdAt) + writeNumber(expiresAt) + until + taken;
  const head = `${times}${generation}\n${others}\n${codec.name}\n${writeNumber(key.length)}${key}`;
  return version + writeSum(sumOf(head, body)) + head + body;
}

/**
 * The entry in a text of {@link encodeTextEnvelope}, after the same checks as {@link decodeEnvelope} makes.
 *
 * @param key the whole key that the store was asked for, namespace included
 * @throws CodecError saying which check failed; what the text holds is then no answer
 */
export function decodeTextEnvelope(text: string, key: string, codec: Codec): Entry {
  if (text[0] !== version) throw refuse(key, whyForeign(text));
  if (crc32(text.slice(restAt)) !== readDigits(text, sumAt, restAt - sumAt)) {
    throw refuse(key, 'is damaged or truncated: its checksum does not match');
  }
  at = restAt;
  const createdAt = readNumber(text, key);
  const expiresAt = readNumber(text, key);
  const entry: MutableEntry = {
    createdAt,
    expiresAt,
    staleUntil: skipEmpty(text) ? expiresAt : readNumber(text, key),
    value: undefined,
  };
  if (!skipEmpty(text)) entry.loadTime = readNumber(text, key);
  if (!skipEmpty(text)) entry.generation = readGeneration(text, key);
  if (!skipEmpty(text)) readOthers(entry, readLine(text, key), key);
  expectCodec(text, codec.name, key);
  expectKey(text, key);
  const body = text.slice(at);
  try {
    // A copy of that name is another codec.
    const form = textFormOf(codec);
    if (form === undefined) throw new CodecError('It reads bytes only');
    entry.value = form.decode(body);
  } catch (cause) {
    throw refuse(key, `cannot be read by the codec '${codec.name}'`, cause);
  }
  return entry;
}

function whyForeign(text: string): string {
  const found = /^[4-9]/.test(text) ? text[0] : undefined;
  if (found === undefined) return 'is foreign: it is no envelope of Reprise';
  return `is of a future format version (${found}; this release reads ${version})`;
}

/** Whether a text is the same after it was UTF-8, and ends nowhere before its end. */
function isFaithful(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes('\0');
}

function writeNumber(value: number): string {
  if (!(value > 0 && value < tooLarge && Math.floor(value) === value)) return `#${writeDecimal(value)}\n`;
  const high = Math.floor(value / 0x1000000);
  const low = value % 0x1000000;
  return String.fromCharCode(
    zero + (high >> 18),
    zero + ((high >> 12) & 63),
    zero + ((high >> 6) & 63),
    zero + (high & 63),
    zero + (low >> 18),
    zero + ((low >> 12) & 63),
    zero + ((low >> 6) & 63),
    zero + (low & 63),
  );
}

function writeDecimal(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function writeGeneration(generation: number | string | undefined): string | undefined {
  if (generation === undefined) return '';
  if (typeof generation === 'number') return `#${writeDecimal(generation)}`;
  return isFaithful(generation) && !generation.includes('\n') ? `"${generation}` : undefined;
}

function readGeneration(text: string, key: string): number | string {
  const isNumber = text.charCodeAt(at++) === numberSign;
  const line = readLine(text, key);
  return isNumber ? Number(line) : line;
}

interface Others {
  readonly key?: unknown;
  readonly tags?: unknown;
  readonly idle?: unknown;
  readonly size?: unknown;
  readonly promised?: unknown;
}

function writeOthers({ key, tags, idle, size, promised }: Entry): string | undefined {
  if (key === undefined && tags === undefined && idle === undefined && size === undefined && !promised) return '';
  if (!isPlainNumber(idle) || !isPlainNumber(size)) return undefined;
  return JSON.stringify({ key, tags, idle, size, promised: promised ? true : undefined } satisfies Others);
}

/** Whether JSON keeps a number, where there is one. */
function isPlainNumber(value: number | undefined): boolean {
  return value === undefined || (Number.isFinite(value) && !Object.is(value, -0));
}

/** Behind a checksum that matched; still, whoever can make a checksum shall not make an entry of other types. */
function readOthers(entry: MutableEntry, line: string, owner: string): void {
  let others: Others | null;
  try {
    others = JSON.parse(line) as Others | null;
  } catch (cause) {
    throw refuse(owner, 'is damaged: its fields are no JSON text', cause);
  }
  const { key, tags, idle, size, promised } = others ?? {};
  if (typeof key === 'string') entry.key = key;
  if (Array.isArray(tags)) entry.tags = tags.map(String);
  if (typeof idle === 'number') entry.idle = idle;
  if (typeof size === 'number') entry.size = size;
  if (promised === true) entry.promised = true;
}

/** Texts of up to a third of it are summed up in it: to join them first would cost as much as the sum. */
const scratchLength = 32_768;
let scratch: Buffer | undefined;

function sumOf(head: string, body: string): number {
  if (3 * (head.length + body.length) > scratchLength) return crc32(body, crc32(head));
  scratch ??= Buffer.allocUnsafeSlow(scratchLength);
  const middle = scratch.write(head, 0);
  return crc32(scratch.subarray(0, middle + scratch.write(body, middle)));
}

function writeSum(sum: number): string {
  return String.fromCharCode(
    zero + (sum >>> 30),
    zero + ((sum >>> 24) & 63),
    zero + ((sum >>> 18) & 63),
    zero + ((sum >>> 12) & 63),
    zero + ((sum >>> 6) & 63),
    zero + (sum & 63),
  );
}

/** A number of so many digits; NaN where there are others. */
function readDigits(text: string, start: number, length: number): number {
  let value = 0;
  for (let index = start; index < start + length; index++) {
    const digit = text.charCodeAt(index) - zero;
    if (!(digit >= 0 && digit < 64)) return Number.NaN;
    value = value * 64 + digit;
  }
  return value;
}

/** Where the next line begins. Nothing else is read until one envelope has been: an object for it would be a tenth of the time. */
let at = restAt;

/** Whether the next line is empty, which is then passed over. */
function skipEmpty(text: string): boolean {
  if (text.charCodeAt(at) !== lineFeed) return false;
  at++;
  return true;
}

function readLine(text: string, key: string): string {
  const start = at;
  const end = text.indexOf('\n', start);
  if (end < 0) throw refuse(key, 'is damaged: a field reaches beyond its end');
  at = end + 1;
  return text.slice(start, end);
}

function readNumber(text: string, key: string): number {
  if (text.charCodeAt(at) === numberSign) {
    at++;
    return Number(readLine(text, key));
  }
  const value = readDigits(text, at, numberLength);
  at += numberLength;
  return value;
}

function expectCodec(text: string, name: string, key: string): void {
  const end = at + name.length;
  if (!text.startsWith(name, at) || text.charCodeAt(end) !== lineFeed) {
    throw refuse(key, `is of another codec: '${readLine(text, key)}' wrote it, '${name}' was to read it`);
  }
  at = end + 1;
}

function expectKey(text: string, key: string): void {
  const length = readNumber(text, key);
  const start = at;
  at = start + length;
  if (length === key.length && text.startsWith(key, start)) return;
  throw refuse(key, `is another key's: it was written for ${shorten(text.slice(start, at))}`);
}
