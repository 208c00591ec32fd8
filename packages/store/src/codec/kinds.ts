import { Buffer } from 'node:buffer';
import { types } from 'node:util';

const tagOf = Object.prototype.toString;
const sourceOf = Function.prototype.toString;
const viewTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get;
const urlHref = Object.getOwnPropertyDescriptor(URL.prototype, 'href')?.get;

/** The prototypes of this realm, as they were at the start. */
const intrinsics: Readonly<Record<string, object | undefined>> = {
  Map: Map.prototype,
  Set: Set.prototype,
  Date: Date.prototype,
  RegExp: RegExp.prototype,
  ArrayBuffer: ArrayBuffer.prototype,
  Uint8Array: Uint8Array.prototype,
  Error: Error.prototype,
  TypeError: TypeError.prototype,
};

/** Whether a prototype is `Object.prototype`, of this or of any other realm (a Jest environment, a `vm` context). */
export function isObjectPrototype(proto: object): boolean {
  if (proto === Object.prototype) return true;
  return !types.isProxy(proto) && Object.getPrototypeOf(proto) === null && isNamedIntrinsic(proto, 'Object');
}

/** Whether a prototype is `Array.prototype`, of this or of any other realm. */
export function isArrayPrototype(proto: object | null): boolean {
  return proto === Array.prototype || isIntrinsicPrototype(proto, 'Array', 1);
}

/**
 * Whether `proto` is the prototype of the built-in class `name` of some realm, and not of a class derived from it:
 * it stands `above` prototypes below the end of its chain, and its constructor is native and has that name.
 */
export function isIntrinsicPrototype(proto: object | null, name: string, above: number): boolean {
  if (proto === null) return false;
  if (proto === intrinsics[name]) return true;
  let next: object | null = proto;
  for (let count = 0; count < above; count++) {
    // A proxy would run its traps.
    if (next === null || types.isProxy(next)) return false;
    next = Object.getPrototypeOf(next);
  }
  return next !== null && isObjectPrototype(next) && isNamedIntrinsic(proto, name);
}

function isNamedIntrinsic(proto: object, name: string): boolean {
  if (types.isProxy(proto)) return false;
  const maker: unknown = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value;
  if (typeof maker !== 'function' || types.isProxy(maker)) return false;
  return (
    Object.getOwnPropertyDescriptor(maker, 'name')?.value === name &&
    /\{\s*\[native code\]\s*\}$/.test(sourceOf.call(maker))
  );
}

/**
 * Whether an object that is no array, and is no proxy, is nothing but its properties: the prototype `null` or any realm's
 * `Object.prototype`, and none of the built-in classes behind it.
 */
export function isPlainObject(value: object, proto: object | null): boolean {
  if (proto !== null && !isObjectPrototype(proto)) return false;
  // Asked before toString, which would run a getter behind Symbol.toStringTag.
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  // Catches arguments, errors, dates, regular expressions and boxed primitives whose prototype was changed.
  return tagOf.call(value) === '[object Object]' && !hasHiddenState(value);
}

/** Objects that `Object.prototype.toString` does not tell from plain ones when their prototype was changed. */
export function hasHiddenState(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value) ||
    types.isPromise(value) ||
    types.isModuleNamespaceObject(value) ||
    types.isExternal(value)
  );
}

/** The name of a typed array's or `DataView`'s class, by its internal slot. */
export function viewName(value: ArrayBufferView): string {
  return (viewTag?.call(value) as string | undefined) ?? 'DataView';
}

/** Whether a view is of the built-in class itself. */
export function isIntrinsicView(proto: object | null, name: string): boolean {
  return isIntrinsicPrototype(proto, name, name === 'DataView' ? 1 : 2);
}

/** Whether a value is a Buffer itself and not of a class derived from it. */
export function isBuffer(proto: object | null): boolean {
  return proto === Buffer.prototype;
}

/** The text of a URL; `undefined` for anything else. */
export function hrefOf(value: object, proto: object | null): string | undefined {
  if (proto !== URL.prototype) return undefined;
  try {
    return urlHref?.call(value) as string | undefined;
  } catch {
    return undefined;
  }
}

/** What an object is called in a message. Runs no code of the object. */
export function describeObject(value: object): string {
  if (types.isProxy(value)) return 'a Proxy';
  if (types.isPromise(value)) return 'a promise';
  if (types.isGeneratorObject(value)) return 'a generator';
  if (types.isMapIterator(value) || types.isSetIterator(value)) return 'an iterator';
  if (types.isBoxedPrimitive(value)) return 'a boxed primitive';
  if (types.isArgumentsObject(value)) return 'an arguments object';
  if (types.isModuleNamespaceObject(value)) return 'a module';
  for (let proto: object | null = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
    if (types.isProxy(proto)) break;
    const maker: unknown = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value;
    if (typeof maker !== 'function' || types.isProxy(maker)) continue;
    const name: unknown = Object.getOwnPropertyDescriptor(maker, 'name')?.value;
    if (typeof name === 'string' && name !== '') return `an instance of ${name}`;
  }
  return 'an object with a prototype of its own';
}
