import { types } from 'node:util';

/*
 * When two arguments are equal, said a second time and in another way: by comparison, without any text. Slow and plain, to
 * check the text against. Cyclic values are equal if no way into them shows a difference.
 */

type Assumed = (readonly [object, object])[];

/** Whether no function could tell two arguments apart by reading them, as far as keys promise. */
export function isEqual(one: unknown, other: unknown, assumed: Assumed = []): boolean {
  if (!isObject(one) || !isObject(other)) return one === other || Object.is(one, other);
  if (one === other) return true;
  if (assumed.some(([a, b]) => a === one && b === other)) return true;
  const type = classOf(one);
  if (type === undefined || type !== classOf(other)) return false;
  const further: Assumed = [...assumed, [one, other]];
  if (!isEqualContent(type, one, other, further)) return false;
  const keys = keysOf(one);
  if (keys.length !== keysOf(other).length) return false;
  return keys.every((key) => {
    const [a, b] = [Object.getOwnPropertyDescriptor(one, key), Object.getOwnPropertyDescriptor(other, key)];
    if (a === undefined || b === undefined || a.enumerable !== b.enumerable) return false;
    return isEqual(Reflect.get(one, key), Reflect.get(other, key), further);
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const byValue = new Set(
  (
    'Object Array Date RegExp Map Set Number String Boolean BigInt Symbol URL URLSearchParams Error TypeError RangeError AggregateError ' +
    'ArrayBuffer SharedArrayBuffer DataView Buffer Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array ' +
    'Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array'
  ).split(' '),
);

/** The class of what is compared by value. No class of the tests has the name of a built-in one. */
function classOf(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return 'Object';
  const name = Object.hasOwn(prototype, 'constructor') ? prototype.constructor.name : '';
  return byValue.has(name) ? name : undefined;
}

function keysOf(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value).filter((key) => !(types.isNativeError(value) && key === 'stack'));
}

function isEqualContent(type: string, one: object, other: object, assumed: Assumed): boolean {
  switch (type) {
    case 'Date':
      return isEqual(Number(one), Number(other));
    case 'RegExp':
    case 'URL':
    case 'URLSearchParams':
      return String(one) === String(other);
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'BigInt':
    case 'Symbol':
      return isEqual(one.valueOf(), other.valueOf());
    case 'ArrayBuffer':
    case 'SharedArrayBuffer':
      return isEqualBuffer(one as ArrayBuffer, other as ArrayBuffer);
    case 'DataView': {
      const bytesOf = (view: DataView): number[] =>
        Array.from({ length: view.byteLength }, (_, index) => view.getUint8(index));
      return isEqual(bytesOf(one as DataView), bytesOf(other as DataView));
    }
    case 'Map':
      return isSameBag([...(one as Map<unknown, unknown>)], [...(other as Map<unknown, unknown>)], assumed);
    case 'Set':
      return isSameBag([...(one as Set<unknown>)], [...(other as Set<unknown>)], assumed);
    default:
      return true;
  }
}

function isEqualBuffer(one: ArrayBuffer, other: ArrayBuffer): boolean {
  const limitOf = (buffer: ArrayBuffer): unknown =>
    Reflect.get(buffer, 'resizable') && Reflect.get(buffer, 'maxByteLength');
  return limitOf(one) === limitOf(other) && isEqual([...new Uint8Array(one)], [...new Uint8Array(other)]);
}

/** Whether each member has a counterpart of its own. Equality divides into classes, so any counterpart will do. */
function isSameBag(ones: unknown[], others: unknown[], assumed: Assumed): boolean {
  if (ones.length !== others.length) return false;
  const left = [...others];
  return ones.every((one) => {
    const index = left.findIndex((other) => isEqual(one, other, assumed));
    if (index !== -1) left.splice(index, 1);
    return index !== -1;
  });
}
