import { types } from 'node:util';

/*
 * Plain objects are the arguments that are made anew for each call and compared by value. The ones whose keys were seen
 * before are recognised without building anything: `for…in` walks an object's keys and values as fast as the engine can.
 */

const objectPrototype: object = Object.prototype;

/** The keys of a plain object as one string, in any order the same; different keys differ. */
export function signatureOf(keys: readonly string[]): string {
  return JSON.stringify([...keys].sort());
}

/**
 * Whether an object that showed `count` keys to `for…in` is nothing but these: no proxy, no class instance, no symbols as keys,
 * nothing that is not enumerable.
 */
export function isBare(value: object, count: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === objectPrototype || prototype === null) &&
    !types.isProxy(value) &&
    Object.getOwnPropertyNames(value).length === count &&
    Object.getOwnPropertySymbols(value).length === 0
  );
}
