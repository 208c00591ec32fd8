import { inspect, types } from 'node:util';

/** Beyond it, listing the keys costs far more than the elements: each index becomes a string. */
const fewElements = 64;

/** All own properties but the elements, in a constant time however many elements there are. */
const shapeOnly: { showHidden: boolean; maxArrayLength: number; customInspect: boolean } = {
  showHidden: true,
  maxArrayLength: 0,
  customInspect: false,
};

const subarray: () => unknown = Object.getPrototypeOf(Uint8Array.prototype).subarray;

/** Whether a key of a list of this length is the index of an element. */
export function isIndex(key: string | symbol, length: number): boolean {
  if (typeof key === 'symbol') return false;
  const index = Number(key);
  return index >= 0 && index < length && String(Math.trunc(index)) === key;
}

/**
 * Whether an array or typed array with so many elements (holes are none) has no own properties beside them, and beside an
 * array's `length`. For a long one the answer may be `false` although it has none, never the reverse.
 */
export function holdsElementsOnly(list: readonly unknown[] | NodeJS.TypedArray, elements: number): boolean {
  if (list.length <= fewElements) {
    return Reflect.ownKeys(list).length === (Array.isArray(list) ? elements + 1 : elements);
  }
  return inspect(list, shapeOnly) === inspect(makeBareTwin(list), shapeOnly);
}

/** A list of the same class and length, without further properties. */
function makeBareTwin(list: readonly unknown[] | NodeJS.TypedArray): unknown {
  if (!types.isTypedArray(list)) return new Array(list.length);
  return subarray.call(list);
}
