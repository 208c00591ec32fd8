import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { cacheKey } from './cache-key.ts';
import { classNameOf, functionNameOf, identityOf } from './identity.ts';
import { encodeName } from './key-text.ts';
import { holdsElementsOnly, isIndex } from './list-shape.ts';
import { quoteText } from './quote-text.ts';
import { hasFakeConstructor, kindOf } from './value-kind.ts';
import { type TextOptions, Walk } from './walk.ts';

/*
 * The text of a value can be read back without doubt, which is why different values have different texts:
 *
 *   1  "a"  1n  true  null  undefined             primitives; -0 is 0
 *   [1,_,"a"]  [_*9]                              arrays; `_` is a hole
 *   {"a":1,"b":2}                                 plain objects, keys sorted by UTF-16 unit
 *   Date(…)  RegExp("a","g")  Uint8Array(AQI=)    built-in classes by name and content
 *   Map{"a":1}  Set{1,2}                          entries sorted by their text
 *   Error{~"message":"boom"}                      any of these may be followed by further own properties; `~` is not enumerable
 *   {[Symbol.for("a")]:1}  {[symbol:a#3]:1}       symbols as keys
 *   ^0                                            the object that is open at this place, see `Walk`
 *   Users#3  function:find#4  symbol:tag#5        known by identity
 *   <User#6>7  <User>7                            what `[cacheKey]()` returned, with the class: in memory, and for other processes
 *
 * Not part of it, and so not told apart: the order of keys, of a Map and of a Set; accessors from data with the same value; a
 * missing prototype from `Object.prototype`; an error's `stack`; where in its buffer a typed array begins; frozen from open.
 */

const dateToISO: () => string = Date.prototype.toISOString;
const dateToNumber: () => number = Date.prototype.getTime;
const urlToText: () => string = URL.prototype.toString;
const searchParamsToText: () => string = URLSearchParams.prototype.toString;
const eachOfMap: Map<unknown, unknown>['forEach'] = Map.prototype.forEach;
const eachOfSet: Set<unknown>['forEach'] = Set.prototype.forEach;
const joinElements: () => string = Object.getPrototypeOf(Uint8Array.prototype).join;
const unboxers: Readonly<Record<string, () => unknown>> = {
  Number: Number.prototype.valueOf,
  String: String.prototype.valueOf,
  Boolean: Boolean.prototype.valueOf,
  BigInt: BigInt.prototype.valueOf,
  Symbol: Symbol.prototype.valueOf,
};
const isEnumerable: (key: PropertyKey) => boolean = Object.prototype.propertyIsEnumerable;

/** Up to here sorting by insertion is faster. */
const fewKeys = 12;

/** The keys that were met lately, as text: the longest of them, and how many. */
const keyTexts = new Map<string, string>();
const longestKeyText = 64;
const maxKeyTexts = 1_000;

/**
 * The text of a call's arguments: equal for equal arguments, different for different ones, their number included.
 * `('42', { b: 1, a: [] })` is `"42",{"a":[],"b":1}`, `()` is empty, `(undefined)` is `undefined`.
 *
 * A `KeyError` names the index of the argument that cannot be read or, without `identity`, has no value form. It also arises
 * beyond 500 levels of nesting and 1,000,000 objects.
 */
export function textOfArguments(args: ArrayLike<unknown>, options: TextOptions): string {
  let text = '';
  for (let index = 0; index < args.length; index++) {
    const value = args[index];
    const part = textOfPrimitive(value) ?? readText(value, options, index);
    text = index === 0 ? part : `${text},${part}`;
  }
  return text;
}

/**
 * The text of one value, as {@link textOfArguments} writes it. `subject` says in messages what it is: `'what per returned'`.
 */
export function textOfArgument(value: unknown, options: TextOptions, subject: string = 'the value'): string {
  return textOfPrimitive(value) ?? readText(value, options, subject);
}

/** `undefined` for what is not a primitive, and for symbols, which have an identity. */
function textOfPrimitive(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return quoteText(value);
    case 'number':
    case 'boolean':
      return `${value}`;
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return `${value}n`;
    default:
      return value === null ? 'null' : undefined;
  }
}

function readText(value: unknown, options: TextOptions, subject: string | number): string {
  const walk = new Walk(options, subject);
  try {
    return textOfValue(value, walk, undefined);
  } catch (error) {
    throw walk.explain(error);
  }
}

function textOfValue(value: unknown, walk: Walk, key: PropertyKey | undefined): string {
  const text = textOfPrimitive(value);
  if (text !== undefined) return text;
  walk.step(key);
  const read = typeof value === 'symbol' ? textOfIdentity(value, walk) : textOfObject(value as object, walk);
  walk.back(key);
  return read;
}

function textOfObject(value: object, walk: Walk): string {
  const kind = typeof value === 'function' ? '' : kindOf(value);
  // A proxy may pretend to have any method.
  if (kind !== '' || !types.isProxy(value) || cacheKey in value) {
    const said: unknown = (value as { [cacheKey]?: unknown })[cacheKey];
    // Not opened: a reference to it would stand for it without saying what it is.
    if (typeof said === 'function') return textOfSaid(value, said.call(value), kind, walk);
  }
  if (kind === '') return textOfIdentity(value, walk);
  const open = walk.refer(value);
  if (open !== -1) return `^${open}`;
  const place = walk.enter(value);
  const text = textOfContent(value, kind, walk);
  walk.leave(place);
  return text;
}

/** What an object's `[cacheKey]()` returned, with its class: its prototype in memory, its name for other processes. */
function textOfSaid(value: object, part: unknown, kind: string, walk: Walk): string {
  if (part === undefined) walk.refuse('has a [cacheKey]() that returned undefined. Return null where that is meant.');
  if (types.isPromise(part)) walk.refuse('has a [cacheKey]() that returned a promise. It has to answer at once.');
  if (kind === 'Object') return `<>${textOfValue(part, walk, cacheKey)}`;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const type = walk.identity && prototype !== null ? identityOf(prototype) : encodeName(classNameOf(prototype));
  if (type === '')
    walk.refuse('has a [cacheKey]() but no class name, by which other processes know it. Name the class.');
  return `<${type}>${textOfValue(part, walk, cacheKey)}`;
}

function textOfIdentity(value: object | symbol, walk: Walk): string {
  if (walk.identity) return identityOf(value);
  walk.refuse(
    `is ${describe(value)}, which has no value form for a store that outlives the process. ${wayOutOf(value)}`,
  );
}

/** What tells an object of a built-in class apart from another one: its content, then what else it was given. */
function textOfContent(value: object, kind: string, walk: Walk): string {
  switch (kind) {
    case 'Object':
      return textOfPlain(value, walk);
    case 'Array':
      return textOfArray(value as unknown[], walk);
    case 'Map':
      return textOfMap(value as Map<unknown, unknown>, walk) + textOfExtras(value, walk);
    case 'Set':
      return textOfSet(value as Set<unknown>, walk) + textOfExtras(value, walk);
    case 'Date':
      return textOfDate(value, walk);
    case 'RegExp':
      return textOfRegExp(value as RegExp, walk);
    case 'URL':
      return `URL(${quoteText(urlToText.call(value))})${textOfExtras(value, walk)}`;
    case 'URLSearchParams':
      return `URLSearchParams(${quoteText(searchParamsToText.call(value))})${textOfExtras(value, walk)}`;
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'BigInt':
    case 'Symbol':
      return textOfBoxed(value, kind, walk);
    case 'ArrayBuffer':
    case 'SharedArrayBuffer':
      return textOfBuffer(value as ArrayBuffer, kind, walk);
    case 'DataView':
      return `DataView(${textOfBytes(value as DataView)})${textOfExtras(value, walk)}`;
    default:
      if (types.isNativeError(value)) return kind + textOfExtras(value, walk, (key) => key === 'stack');
      return textOfTypedArray(value as NodeJS.TypedArray, kind, walk);
  }
}

function textOfPlain(value: object, walk: Walk): string {
  const keys = Object.keys(value);
  if (Object.getOwnPropertyNames(value).length > keys.length || Object.getOwnPropertySymbols(value).length > 0) {
    return textOfProperties(value, Reflect.ownKeys(value), walk);
  }
  sortKeys(keys);
  let text = '{';
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const content = textOfValue((value as Record<string, unknown>)[key], walk, key);
    text += (index === 0 ? '' : ',') + textOfKey(key) + content;
  }
  return `${text}}`;
}

/** `"key":`, kept for the keys that keep coming. */
function textOfKey(key: string): string {
  let text = keyTexts.get(key);
  if (text === undefined) {
    text = `${quoteText(key)}:`;
    if (text.length > longestKeyText) return text;
    if (keyTexts.size === maxKeyTexts) keyTexts.clear();
    keyTexts.set(key, text);
  }
  return text;
}

/** In place, by UTF-16 unit. */
function sortKeys(keys: string[]): void {
  if (keys.length > fewKeys) {
    keys.sort();
    return;
  }
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let index = end;
    for (; index > 0 && (keys[index - 1] as string) > key; index--) keys[index] = keys[index - 1] as string;
    keys[index] = key;
  }
}

/** Any own properties: of symbols, and those that are not enumerable, too. */
function textOfProperties(value: object, keys: readonly (string | symbol)[], walk: Walk): string {
  const named = keys.map((key) => {
    const hidden = isEnumerable.call(value, key) ? '' : '~';
    return { key, name: hidden + (typeof key === 'string' ? quoteText(key) : `[${textOfSymbolKey(key, walk)}]`) };
  });
  // In a given order before they are read: of objects that form a cycle, what is read first is written out.
  named.sort((one, other) => (one.name < other.name ? -1 : 1));
  const texts = named.map(
    ({ key, name }) => `${name}:${textOfValue((value as Record<PropertyKey, unknown>)[key], walk, key)}`,
  );
  return `{${texts.join(',')}}`;
}

/** A symbol of the global registry means the same in every process. */
function textOfSymbolKey(key: symbol, walk: Walk): string {
  if (!walk.identity && Symbol.keyFor(key) === undefined) {
    walk.refuse(`is the value of ${describe(key)}, which other processes could not know. ${wayOutOf(key)}`, key);
  }
  return identityOf(key);
}

/** The own properties that not every object of the class has; `''` if there are none, as nearly always. */
function textOfExtras(value: object, walk: Walk, isCommon: (key: string | symbol) => boolean = () => false): string {
  const keys = Reflect.ownKeys(value).filter((key) => !isCommon(key));
  return keys.length === 0 ? '' : textOfProperties(value, keys, walk);
}

function textOfArray(list: readonly unknown[], walk: Walk): string {
  const { length } = list;
  let text = '[';
  let keys: string[] | undefined;
  let elements = 0;
  for (let index = 0; index < length; index++) {
    if (index > 0) text += ',';
    const element = list[index];
    if (element !== undefined || Object.hasOwn(list, index)) {
      text += textOfValue(element, walk, index);
      elements++;
      continue;
    }
    // Own keys begin with the indices in order, then comes `length`. A hole may be a billion long.
    keys ??= Object.getOwnPropertyNames(list);
    const next = Number(keys[elements]);
    const hole = (next > index && next < length ? next : length) - index;
    text += hole === 1 ? '_' : `_*${hole}`;
    index += hole - 1;
  }
  text += ']';
  if (holdsElementsOnly(list, elements)) return text;
  return text + textOfExtras(list, walk, (key) => key === 'length' || isIndex(key, length));
}

function textOfMap(map: Map<unknown, unknown>, walk: Walk): string {
  const texts: string[] = [];
  const place = walk.nextPlace;
  eachOfMap.call(map, (value, key) => {
    const at = texts.length;
    texts.push(`${textOfValue(key, walk, at)}:${textOfValue(value, walk, at)}`);
    // No entry may refer to what only another one leads to: they come in any order.
    walk.closeFrom(place);
  });
  return `Map{${texts.sort().join(',')}}`;
}

function textOfSet(set: Set<unknown>, walk: Walk): string {
  const texts: string[] = [];
  const place = walk.nextPlace;
  eachOfSet.call(set, (value) => {
    texts.push(textOfValue(value, walk, texts.length));
    walk.closeFrom(place);
  });
  return `Set{${texts.sort().join(',')}}`;
}

function textOfDate(value: object, walk: Walk): string {
  const content = Number.isNaN(dateToNumber.call(value)) ? 'NaN' : dateToISO.call(value);
  return `Date(${content})${textOfExtras(value, walk, (key) => key === 'constructor' && hasFakeConstructor(value))}`;
}

function textOfRegExp(value: RegExp, walk: Walk): string {
  let text = `RegExp(${quoteText(value.source)},${quoteText(value.flags)}`;
  if (value.lastIndex !== 0) text += `,${textOfValue(value.lastIndex, walk, 'lastIndex')}`;
  return `${text})${textOfExtras(value, walk, (key) => key === 'lastIndex')}`;
}

function textOfBoxed(value: object, kind: string, walk: Walk): string {
  const content = unboxers[kind]?.call(value);
  const length = typeof content === 'string' ? content.length : -1;
  const isCommon = (key: string | symbol): boolean => length >= 0 && (key === 'length' || isIndex(key, length));
  return `${kind}(${textOfValue(content, walk, 'valueOf')})${textOfExtras(value, walk, isCommon)}`;
}

function textOfBuffer(value: ArrayBuffer, kind: string, walk: Walk): string {
  const { resizable, maxByteLength } = value as { resizable?: boolean; maxByteLength?: number };
  const room = resizable === true ? `,${maxByteLength}` : '';
  return `${kind}(${Buffer.from(value).toString('base64')}${room})${textOfExtras(value, walk)}`;
}

function textOfTypedArray(list: NodeJS.TypedArray, kind: string, walk: Walk): string {
  // Numbers, not bytes, where those would depend on the machine. So NaN is NaN and -0 is 0, as everywhere.
  const content = list.BYTES_PER_ELEMENT === 1 ? textOfBytes(list) : joinElements.call(list);
  const text = `${kind}(${content})`;
  return holdsElementsOnly(list, list.length)
    ? text
    : text + textOfExtras(list, walk, (key) => isIndex(key, list.length));
}

function textOfBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function describe(value: object | symbol): string {
  if (typeof value === 'symbol') return `a symbol (${String(value)})`;
  if (types.isProxy(value)) return 'a Proxy';
  if (typeof value === 'function') return `a function (${functionNameOf(value) || 'anonymous'})`;
  return `an instance of ${classNameOf(Object.getPrototypeOf(value)) || 'a class without a name'}`;
}

function wayOutOf(value: object | symbol): string {
  const name = typeof value === 'object' && !types.isProxy(value) ? classNameOf(Object.getPrototypeOf(value)) : '';
  return `Give ${name === '' ? 'it' : name} a [cacheKey]() method, or the function a \`key\` option that leaves it out.`;
}
