import { Buffer } from 'node:buffer';
import { types } from 'node:util';

/**
 * The built-in classes with a value form, and whether an object really is one: it has the internal slots, and was not
 * only given the prototype. These hold in every realm, where `instanceof` does not (Jest runs each test file in its own).
 */
const checks: ReadonlyMap<string, (value: object) => boolean> = new Map<string, (value: object) => boolean>([
  ['Object', isOrdinary],
  ['Array', Array.isArray],
  ['Date', types.isDate],
  ['RegExp', types.isRegExp],
  ['Map', types.isMap],
  ['Set', types.isSet],
  ...namesOf('Number String Boolean BigInt Symbol', types.isBoxedPrimitive),
  ...namesOf(
    'Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError',
    types.isNativeError,
  ),
  ['ArrayBuffer', types.isArrayBuffer],
  ['SharedArrayBuffer', types.isSharedArrayBuffer],
  ['DataView', types.isDataView],
  ['Int8Array', types.isInt8Array],
  ['Uint8Array', types.isUint8Array],
  ['Uint8ClampedArray', types.isUint8ClampedArray],
  ['Int16Array', types.isInt16Array],
  ['Uint16Array', types.isUint16Array],
  ['Int32Array', types.isInt32Array],
  ['Uint32Array', types.isUint32Array],
  ['Float16Array', types.isTypedArray],
  ['Float32Array', types.isFloat32Array],
  ['Float64Array', types.isFloat64Array],
  ['BigInt64Array', types.isBigInt64Array],
  ['BigUint64Array', types.isBigUint64Array],
]);

/** Per prototype, the built-in class whose prototype it is, of whatever realm; `''` if it is not one. */
const builtIns = new WeakMap<object, string>();

const objectPrototype: object = Object.prototype;
const writeTag: () => string = Object.prototype.toString;
const writeSource: () => string = Function.prototype.toString;
const writeUrl: () => string = URL.prototype.toString;
const writeSearchParams: () => string = URLSearchParams.prototype.toString;

/** Whether it is an object of any kind, a function included: what can have properties, and an identity. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/**
 * The built-in class of an object that is compared by value: `'Object'` (plain, or without prototype), `'Array'`, `'Date'`,
 * `'Map'`, `'Buffer'`, `'URL'`, …. `''` for what is known by identity only: instances of classes, those derived from built-in ones
 * included (they may hold what nobody can see), proxies, promises, weak collections, iterators, `arguments`.
 *
 * Deceived by nobody but who gives a Map, or another object without a tag of its own, the prototype of plain objects.
 */
export function kindOf(value: object): string {
  if (types.isProxy(value)) return '';
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === objectPrototype || prototype === null) return isOrdinary(value) ? 'Object' : '';
  const name = builtInOf(prototype);
  if (name !== '') return checks.get(name)?.(value) ? name : '';
  if (prototype === Buffer.prototype) return types.isUint8Array(value) ? 'Buffer' : '';
  if (prototype === URL.prototype) return answers(writeUrl, value) ? 'URL' : '';
  if (prototype === URLSearchParams.prototype) return answers(writeSearchParams, value) ? 'URLSearchParams' : '';
  return types.isDate(value) && hasFakeConstructor(value) ? 'Date' : '';
}

/**
 * Whether an object is a `Date` of the usual fake timers (Jest, Sinon): of a derived class, but with an own hidden property
 * `constructor` that says it is a real one.
 */
export function hasFakeConstructor(value: object): boolean {
  const own = Object.getOwnPropertyDescriptor(value, 'constructor');
  return own !== undefined && !own.enumerable && nativeNameOf(own.value) === 'Date';
}

function builtInOf(prototype: object): string {
  let name = builtIns.get(prototype);
  if (name === undefined) {
    const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    name = nativeNameOf(type);
    // The `prototype` of a native constructor cannot be changed, so this cannot be feigned.
    if (!checks.has(name) || (type as { prototype: unknown }).prototype !== prototype) name = '';
    builtIns.set(prototype, name);
  }
  return name;
}

/** The name of a function that is part of the language: no source text of a user's function reads like this. */
function nativeNameOf(value: unknown): string {
  if (typeof value !== 'function') return '';
  return /^function (\w+)\(\) \{ \[native code\] \}$/.exec(writeSource.call(value))?.[1] ?? '';
}

/** Whether nothing is behind an object but its properties: not so for `arguments`, or a Date that was given another prototype. */
function isOrdinary(value: object): boolean {
  return (
    writeTag.call(value) === '[object Object]' ||
    // A tag of its own says nothing.
    !(
      Array.isArray(value) ||
      types.isArgumentsObject(value) ||
      types.isNativeError(value) ||
      types.isBoxedPrimitive(value) ||
      types.isDate(value) ||
      types.isRegExp(value)
    )
  );
}

function namesOf(
  names: string,
  check: (value: object) => boolean,
): readonly (readonly [string, (value: object) => boolean])[] {
  return names.split(' ').map((name) => [name, check]);
}

/** Whether a method of a class finds its private state in an object. */
function answers(method: () => unknown, value: object): boolean {
  try {
    method.call(value);
    return true;
  } catch {
    return false;
  }
}
