import { types } from 'node:util';

/*
 * Plain objects are the arguments that are made anew for each call and compared by value. The ones whose keys were seen before
 * are recognised without building anything: `for…in` walks an object's keys and values as fast as the engine can. What it does
 * not show must be ruled out, or different calls would share an entry: the checks here are exact, and each is the cheapest of
 * its kind.
 */

const objectPrototype: object = Object.prototype;
const { isProxy } = types;

/** The keys of a plain object as one string, in any order the same; different keys differ. */
export function signatureOf(keys: readonly string[]): string {
  return JSON.stringify([...keys].sort());
}

/**
 * Whether an object that showed `count` keys to `for…in`, none of them `__proto__`, is an ordinary one of this realm (no class
 * instance, no proxy) and has no hidden properties. Symbols as keys are another question. `false` says nothing for certain.
 */
export function isBare(value: object, count: number): boolean {
  return (
    // biome-ignore lint/suspicious/noProto: three times as fast as Object.getPrototypeOf
    (value as { readonly __proto__?: unknown }).__proto__ === objectPrototype &&
    !isProxy(value) &&
    Object.getOwnPropertyNames(value).length === count
  );
}

export function hasNoSymbols(value: object): boolean {
  return Object.getOwnPropertySymbols(value).length === 0;
}

/**
 * Whether an object has no enumerable properties but those of a shape: {@link hasNoSymbols} in half the time, for few keys. The
 * mold has just these properties and takes no others, so that assigning anything else throws. It keeps the values: only for
 * primitives.
 */
export function fitsMold(
  shape: { readonly keys: readonly string[]; mold: object | undefined },
  value: object,
): boolean {
  if (shape.keys.length > 4) return hasNoSymbols(value);
  shape.mold ??= Object.seal(Object.fromEntries(shape.keys.map((key) => [key, undefined])));
  try {
    Object.assign(shape.mold, value);
    return true;
  } catch {
    return false;
  }
}
