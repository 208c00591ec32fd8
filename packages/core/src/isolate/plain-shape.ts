import { holdsElementsOnly } from '../key/list-shape.ts';

const descriptorOf = Object.getOwnPropertyDescriptor;
/** The old way to ask takes a third of the time of `getOwnPropertyDescriptor` on array elements. */
const { __lookupGetter__: getterOf, __lookupSetter__: setterOf } = Object.prototype as unknown as Record<
  '__lookupGetter__' | '__lookupSetter__',
  (key: PropertyKey) => unknown
>;

const none: readonly string[] = [];

/** Whether a value cannot change, and consists of nothing that could. */
export function isPrimitive(value: unknown): value is string | number | boolean | bigint | symbol | null | undefined {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

/**
 * The names of the properties of a plain object that are not primitives; `undefined` where something about it is unusual: it
 * takes no further properties, or some are accessors, hidden, read-only, or known by symbols.
 */
export function listNested(source: object): readonly string[] | undefined {
  const keys = Object.keys(source);
  if (Object.getOwnPropertyNames(source).length !== keys.length || !Object.isExtensible(source)) return undefined;
  if (Object.getOwnPropertySymbols(source).length > 0) return undefined;
  let nested: string[] | undefined;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const property = descriptorOf(source, key);
    // An accessor is neither.
    if (property?.writable !== true || property.configurable !== true) return undefined;
    if (isPrimitive(property.value)) continue;
    if (nested === undefined) nested = [key];
    else nested.push(key);
  }
  return nested ?? none;
}

/**
 * Whether some elements of an array are not primitives; `undefined` where something about it is unusual: it takes no further
 * elements, has holes or other properties, or some elements are accessors. That single ones are read-only is not noticed: to
 * ask takes four times as long.
 */
export function isNested(source: readonly unknown[]): boolean | undefined {
  const { length } = source;
  if (!Object.isExtensible(source)) return undefined;
  let nested = false;
  for (let index = 0; index < length; index++) {
    if (getterOf.call(source, index) !== undefined) return undefined;
    const item = source[index];
    if (item === undefined && (setterOf.call(source, index) !== undefined || !Object.hasOwn(source, index))) {
      return undefined;
    }
    if (!isPrimitive(item)) nested = true;
  }
  return holdsElementsOnly(source, length) ? nested : undefined;
}
