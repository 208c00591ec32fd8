import { Buffer, isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { CodecError } from '../contract.ts';
import { forms } from './tags.ts';

const descriptorOf = Object.getOwnPropertyDescriptor;
/** The old way to ask costs a third of `getOwnPropertyDescriptor` on array elements. */
const getterOf = (Object.prototype as unknown as { __lookupGetter__(name: PropertyKey): unknown }).__lookupGetter__;
const tagOf = Object.prototype.toString;

/** Elements of longer arrays are not looked at for accessors, which costs five times as much as writing them. */
export const inspectedLength = 64;

/** The containers met so far; mostly there is but one, which needs no set. */
let first: object | undefined;
let others: Set<object> | undefined;

/**
 * The JSON text of a value that JSON keeps exactly, with the byte of its form in front; `undefined` for any other, which is
 * not a verdict: the tagged form keeps it or says why not.
 */
export function encodePlain(value: unknown, maxDepth: number): Uint8Array | undefined {
  if (hasToJson(Object.prototype) || hasToJson(Array.prototype)) return undefined;
  try {
    if (!isPlain(value, maxDepth)) return undefined;
  } finally {
    first = undefined;
    others = undefined;
  }
  return Buffer.from(`J${JSON.stringify(value)}`);
}

function hasToJson(proto: object): boolean {
  return 'toJSON' in proto;
}

/** Runs no code of the value: what has accessors or traps is not plain. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && (value !== 0 || 1 / value > 0);
    case 'object':
      if (value === null) return true;
      if (depth === 0 || types.isProxy(value) || isKnown(value)) return false;
      return Array.isArray(value) ? isPlainArray(value, depth) : isPlainRecord(value as Record<string, unknown>, depth);
    default:
      return false;
  }
}

function isPlainArray(value: readonly unknown[], depth: number): boolean {
  const length = value.length;
  if (Object.getPrototypeOf(value) !== Array.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  // Object.keys costs a third of listing all names; hidden ones are on frozen template arrays.
  if (Object.keys(value).length !== length || Object.isFrozen(value)) return false;
  const inspected = length <= inspectedLength;
  for (let index = 0; index < length; index++) {
    if (inspected && getterOf.call(value, index) !== undefined) return false;
    if (!isPlain(value[index], depth - 1)) return false;
  }
  return true;
}

function isPlainRecord(value: Record<string, unknown>, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  // After the symbols: a getter behind Symbol.toStringTag would be run.
  if (tagOf.call(value) !== '[object Object]') return false;
  const names = Object.getOwnPropertyNames(value);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const property = descriptorOf(value, name);
    if (property?.enumerable !== true || property.get !== undefined || property.set !== undefined) return false;
    if (name === '__proto__' || !isPlain(property.value, depth - 1)) return false;
  }
  return true;
}

/** JSON would write a shared object twice and cannot write a cycle. */
function isKnown(value: object): boolean {
  if (first === undefined) {
    first = value;
    return false;
  }
  if (value === first) return true;
  others ??= new Set();
  const size = others.size;
  others.add(value);
  return others.size === size;
}

/** The value of a JSON text that {@link encodePlain} made, or that somebody else did. */
export function decodePlain(bytes: Buffer, maxDepth: number): unknown {
  const text = bytes.toString('utf8', 1);
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new CodecError('The JSON text is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CodecError('The bytes are no JSON text', { cause });
  }
  // A name may hide behind an escape, which the codec itself writes for controls and lone surrogates only.
  if (text.includes('__proto__') || text.includes('\\u00')) refuseProto(value);
  if (text.length > 2 * maxDepth) refuseDepth(bytes, maxDepth);
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

/** JSON.parse itself does not recurse; those who use the value do. Few brackets cannot nest deeply, which `indexOf` tells fast. */
function refuseDepth(bytes: Buffer, maxDepth: number): void {
  let brackets = 0;
  for (const bracket of [0x5b, 0x7b]) {
    for (let at = bytes.indexOf(bracket); at >= 0 && brackets <= maxDepth; at = bytes.indexOf(bracket, at + 1))
      brackets++;
  }
  if (brackets <= maxDepth) return;
  let depth = 0;
  let quoted = false;
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) quoted = !quoted;
    else if (quoted) at += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
    if (depth > maxDepth) throw new CodecError(`The JSON text nests deeper than ${maxDepth}`);
  }
}

/** Whether the bytes claim to be what {@link encodePlain} makes. */
export function isPlainForm(bytes: Uint8Array): boolean {
  return bytes[0] === forms.json;
}
