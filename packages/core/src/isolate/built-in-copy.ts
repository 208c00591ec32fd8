import { types } from 'node:util';
import { hasFakeConstructor } from '../key/value-kind.ts';

// Read through the built-in functions themselves, so that own properties of the same names cannot stand in their way.
const DateType = Date;
const dateTime: (this: Date) => number = Date.prototype.getTime;
const regExpSource = readGetter(RegExp.prototype, 'source');
const regExpFlags = readGetter(RegExp.prototype, 'flags');
const urlText: () => string = URL.prototype.toString;
const urlParams = readGetter(URL.prototype, 'searchParams');
const searchParamsText: () => string = URLSearchParams.prototype.toString;
const isResizable = readGetter(ArrayBuffer.prototype, 'resizable');
const unboxers: ReadonlyMap<string, () => unknown> = new Map<string, () => unknown>([
  ['Number', Number.prototype.valueOf],
  ['String', String.prototype.valueOf],
  ['Boolean', Boolean.prototype.valueOf],
  ['BigInt', BigInt.prototype.valueOf],
  ['Symbol', Symbol.prototype.valueOf],
]);
const errorTypes: ReadonlyMap<string, new () => Error> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
);

/**
 * A new object of a built-in class with the content of `source`, which is of this kind; `undefined` where there can be none.
 * What the object holds as properties is not copied, and neither is what a Map or a Set holds: the copy is empty.
 */
export function copyBuiltIn(source: object, kind: string): object | undefined {
  const copy = makeBuiltIn(source, kind);
  if (copy === undefined) return undefined;
  const prototype: object | null = Object.getPrototypeOf(source);
  // That of another realm.
  if (Object.getPrototypeOf(copy) !== prototype) Object.setPrototypeOf(copy, prototype);
  return copy;
}

function makeBuiltIn(source: object, kind: string): object | undefined {
  switch (kind) {
    case 'Map':
      return new Map();
    case 'Set':
      return new Set();
    case 'Date':
      return copyDate(source as Date);
    case 'RegExp':
      return copyRegExp(source);
    case 'ArrayBuffer':
      return copyBuffer(source as ArrayBuffer);
    case 'URL': {
      const text = urlText.call(source);
      const copy = new URL(text);
      return urlText.call(copy) === text ? copy : undefined;
    }
    case 'URLSearchParams': {
      const text = searchParamsText.call(source);
      const copy = new URLSearchParams(text);
      return searchParamsText.call(copy) === text ? copy : undefined;
    }
    default:
      return types.isNativeError(source) ? makeError(kind) : copyBoxed(source, kind);
  }
}

/** The parameters of a URL, which change with it. */
export function searchParamsOf(url: object): object {
  return urlParams?.call(url) as object;
}

function copyDate(source: Date): Date {
  const time = dateTime.call(source);
  const copy = new DateType(time);
  // Made by fake timers, it says so for good; whether the source does is a matter of its properties.
  return hasFakeConstructor(copy) ? Reflect.construct(copy.constructor, [time]) : copy;
}

function copyRegExp(source: object): RegExp | undefined {
  // To read the flags is to read its properties, by the names of these.
  if (Reflect.ownKeys(source).length > 1) return undefined;
  return new RegExp(regExpSource?.call(source) as string, regExpFlags?.call(source) as string);
}

/** A detached one throws. */
function copyBuffer(source: ArrayBuffer): ArrayBuffer | undefined {
  if (isResizable?.call(source) === true) return undefined;
  const bytes = new Uint8Array(source);
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** Without any property, `stack` included. */
function makeError(kind: string): Error | undefined {
  const type = errorTypes.get(kind);
  if (type === undefined && kind !== 'AggregateError') return undefined;
  // The frames of this call would be held by the copy, and their functions by them.
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  const quiet = limit?.writable === true && Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    const error = type === undefined ? new AggregateError([]) : new type();
    for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key);
    return error;
  } finally {
    if (quiet) Reflect.set(Error, 'stackTraceLimit', limit?.value);
  }
}

function copyBoxed(source: object, kind: string): object | undefined {
  const unbox = unboxers.get(kind);
  return unbox && (Object(unbox.call(source)) as object);
}

function readGetter(prototype: object, name: string): (() => unknown) | undefined {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get;
}
