import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { CodecError } from '../contract.ts';
import { hasHiddenState } from './kinds.ts';
import { forms } from './tags.ts';

/** The old way to ask costs less than `getOwnPropertyDescriptor`, on array elements a third. */
const getterOf = (Object.prototype as unknown as { __lookupGetter__(name: PropertyKey): unknown }).__lookupGetter__;
const isEnumerable = Object.prototype.propertyIsEnumerable;
const tagOf = Object.prototype.toString;

/** The containers met so far: a short list is searched faster than a set is filled. */
const few: object[] = [];
let many: Set<object> | undefined;
const fewLength = 16;
/** To list the names of a longer array costs more than everything else that is looked at. */
const listedLength = 4;
/** By its first byte, where the JSON text of a value begins. There is no space in front of one that {@link encodePlain} made. */
const startsAfter = new Int8Array(256).fill(-1);
for (const start of '{["-0123456789tfn') startsAfter[start.charCodeAt(0)] = 0;
startsAfter[forms.json] = 1;

/** Whether JSON keeps a value exactly: finite numbers, texts, booleans, `null`, and trees of plain objects and arrays of these. */
export function isPlainData(value: unknown, maxDepth: number): boolean {
  if (hasToJson(Object.prototype) || hasToJson(Array.prototype)) return false;
  try {
    return isPlain(value) || isPlainObject(value, maxDepth);
  } finally {
    few.length = 0;
    many = undefined;
  }
}

/**
 * The JSON text of a value that JSON keeps exactly, and nothing else; `undefined` for any other value, which is not a verdict:
 * the tagged form keeps it or says why not.
 */
export function encodePlain(value: unknown, maxDepth: number): Uint8Array | undefined {
  return isPlainData(value, maxDepth) ? Buffer.from(JSON.stringify(value)) : undefined;
}

function hasToJson(proto: object): boolean {
  return 'toJSON' in proto;
}

/** Whether JSON keeps a value that is no object. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      // The difference is NaN for the infinities.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    default:
      return value === null;
  }
}

/** Runs no code of the value: what has accessors or traps is not plain. */
function isPlainObject(value: unknown, depth: number): value is object {
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  if (types.isProxy(value) || isKnown(value)) return false;
  return Array.isArray(value) ? isPlainArray(value, depth) : isPlainRecord(value, depth);
}

function isPlainArray(value: readonly unknown[], depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Array.prototype) return false;
  return value.length > listedLength ? isPlainLongArray(value, depth) : isPlainShortArray(value, depth);
}

function isPlainShortArray(value: readonly unknown[], depth: number): boolean {
  const { length } = value;
  if (Reflect.ownKeys(value).length !== length + 1) return false;
  for (let index = 0; index < length; index++) {
    // Nor are those enumerable that are not there.
    if (getterOf.call(value, index) !== undefined || !isEnumerable.call(value, index)) return false;
    const element = value[index];
    if (!isPlain(element) && !isPlainObject(element, depth - 1)) return false;
  }
  return true;
}

function isPlainLongArray(value: readonly unknown[], depth: number): boolean {
  const { length } = value;
  if (mayHideNames(value) || !isEnumerable.call(value, length - 1)) return false;
  for (let index = 0; index < length; index++) if (getterOf.call(value, index) !== undefined) return false;
  // What is enumerable. To list the names would make a text of each index.
  const elements = Object.values(value);
  if (elements.length !== length) return false;
  for (let index = 0; index < length; index++) {
    const element = value[index];
    // Another one where a hole or a hidden element has moved what is behind it.
    if (element !== elements[index]) return false;
    if (!isPlain(element) && !isPlainObject(element, depth - 1)) return false;
  }
  return true;
}

/** All that can be told of a long array at a bearable price: template arrays are frozen, and JSON would call a toJSON. */
function mayHideNames(value: readonly unknown[]): boolean {
  return Object.getOwnPropertySymbols(value).length > 0 || Object.isFrozen(value) || 'toJSON' in value;
}

function isPlainRecord(value: object, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  // After the symbols: a getter behind Symbol.toStringTag would be run.
  if (tagOf.call(value) !== '[object Object]') return false;
  const names = Object.getOwnPropertyNames(value);
  // A map under another prototype, say: those that are told by no name.
  if (names.length === 0 && hasHiddenState(value)) return false;
  let count = 0;
  // What is enumerable comes in the order of the names. This way V8 reads members faster than by their descriptors.
  for (const name in value) {
    // What is inherited comes behind them.
    if (count === names.length) break;
    if (name !== names[count++] || name === '__proto__' || getterOf.call(value, name) !== undefined) return false;
    // Where there is only a setter, it is undefined, which is not plain.
    const member = (value as Record<string, unknown>)[name];
    if (!isPlain(member) && !isPlainObject(member, depth - 1)) return false;
  }
  return count === names.length;
}

/** JSON would write a shared object twice and cannot write a cycle. */
function isKnown(value: object): boolean {
  if (many !== undefined) {
    const { size } = many;
    return many.add(value).size === size;
  }
  for (let index = 0; index < few.length; index++) if (few[index] === value) return true;
  few.push(value);
  if (few.length === fewLength) many = new Set(few);
  return false;
}

/** The value of a JSON text that {@link encodePlain} made, or that somebody else did; it begins at `start`. */
export function decodePlain(bytes: Buffer, start: number, maxDepth: number): unknown {
  // Without a look for what UTF-8 has to be decoded, and read twice as fast.
  const ascii = isAscii(bytes);
  const text = bytes.toString(ascii ? 'latin1' : 'utf8', start);
  if (!ascii && text.includes('\ufffd') && !isUtf8(bytes)) throw new CodecError('The JSON text is not UTF-8');
  return parsePlain(text, maxDepth);
}

/** The value of a JSON text, which may be anybody's. */
export function parsePlain(text: string, maxDepth: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CodecError('There is no JSON text', { cause });
  }
  // A name may hide behind an escape, which the codec itself writes for controls and lone surrogates only.
  if (text.includes('__proto__') || text.includes('\\u00')) refuseProto(value);
  if (text.length > 2 * maxDepth && !isFlat(value, text, maxDepth)) refuseDepth(value, maxDepth, maxDepth);
  return value;
}

function refuseProto(root: unknown): void {
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) throw new CodecError("The JSON text has a property '__proto__'");
    for (const name of Object.keys(value)) open.push((value as Record<string, unknown>)[name]);
  }
}

/** So many brackets are found faster than the elements of an array are looked at, if these are no longer than that. */
const countedBrackets = 12;
const longElement = 128;

/** Whether it is told from the text that a value does not nest too deep: an array with few brackets in it. */
function isFlat(value: unknown, text: string, maxDepth: number): boolean {
  if (!Array.isArray(value) || value.length * longElement < text.length) return false;
  let left = Math.min(countedBrackets, maxDepth);
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (left-- === 0) return false;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (left-- === 0) return false;
  return true;
}

/** JSON.parse itself does not recurse; those who use the value do. To look at the value is faster than to look at the text. */
function refuseDepth(value: unknown, left: number, maxDepth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (left === 0) throw new CodecError(`The JSON text nests deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const element: unknown = value[index];
      if (typeof element === 'object' && element !== null) refuseDepth(element, left - 1, maxDepth);
    }
    return;
  }
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object' && member !== null) refuseDepth(member, left - 1, maxDepth);
  }
}

/** Where the JSON text begins in bytes that claim to be what {@link encodePlain} makes or once made; negative in others. */
export function startOfPlain(bytes: Uint8Array): number {
  return bytes.length === 0 ? -1 : (startsAfter[bytes[0] as number] as number);
}
