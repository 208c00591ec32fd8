import { isDeepStrictEqual } from 'node:util';

/**
 * Whether two values are the same to whoever reads them: types, contents and structure, cycles and holes included,
 * whatever their identity, and whichever realm (of a worker, a `vm` context, Jest) their prototypes come from.
 */
export function sameValue(actual: unknown, expected: unknown): boolean {
  return compare(actual, expected, new Map());
}

function compare(actual: unknown, expected: unknown, seen: Map<unknown, unknown>): boolean {
  if (Object.is(actual, expected)) return true;
  if (!isObject(actual) || !isObject(expected)) return false;
  if (seen.has(actual)) return seen.get(actual) === expected;
  seen.set(actual, expected);
  return typeName(actual) === typeName(expected) && compareContents(actual, expected, seen);
}

function compareContents(actual: object, expected: object, seen: Map<unknown, unknown>): boolean {
  const inside = (a: unknown, b: unknown): boolean => compare(a, b, seen);
  switch (typeTag(expected)) {
    case 'Date':
      return Object.is(Number(actual), Number(expected));
    case 'RegExp':
      return String(actual) === String(expected) && read(actual, 'lastIndex') === read(expected, 'lastIndex');
    case 'Map':
    case 'Set':
      // In order: insertion order is part of what a reader sees.
      return inside([...(actual as Iterable<unknown>)], [...(expected as Iterable<unknown>)]);
    case 'ArrayBuffer':
      return isDeepStrictEqual(toBytes(actual), toBytes(expected));
    case 'Error':
      for (const name of ['name', 'message', 'cause', 'errors']) {
        if (!inside(read(actual, name), read(expected, name))) return false;
      }
      return compareProperties(actual, expected, seen);
    case 'URL':
    case 'URLSearchParams':
      return String(actual) === String(expected);
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'BigInt':
      return inside(actual.valueOf(), expected.valueOf());
    case 'Function':
    case 'AsyncFunction':
    case 'Promise':
    case 'WeakMap':
    case 'WeakSet':
      return false;
    default:
      if (ArrayBuffer.isView(actual) && ArrayBuffer.isView(expected)) {
        return isDeepStrictEqual(viewBytes(actual), viewBytes(expected));
      }
      return read(actual, 'length') === read(expected, 'length') && compareProperties(actual, expected, seen);
  }
}

function compareProperties(actual: object, expected: object, seen: Map<unknown, unknown>): boolean {
  const names = ownNames(actual);
  if (names.length !== ownNames(expected).length) return false;
  return names.every(
    (name) =>
      Object.prototype.propertyIsEnumerable.call(expected, name) &&
      compare(read(actual, name), read(expected, name), seen),
  );
}

function ownNames(object: object): (string | symbol)[] {
  return Reflect.ownKeys(object).filter((name) => Object.prototype.propertyIsEnumerable.call(object, name));
}

function read(object: object, name: string | symbol): unknown {
  return Reflect.get(object, name);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function typeTag(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function typeName(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return 'null';
  const maker = Reflect.get(prototype as object, 'constructor') as { readonly name?: unknown } | undefined;
  return `${typeTag(value)} ${String(maker?.name)}`;
}

function toBytes(buffer: object): number[] {
  return [...new Uint8Array(buffer as ArrayBuffer)];
}

function viewBytes(view: ArrayBufferView): number[] {
  return [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];
}
