import { OptionError } from '@reprise/store/contract';
import type { FunctionObject } from '../types/function.ts';

/** Own properties that every function has, and that are not copied as the others are. */
const ofEveryFunction: ReadonlySet<string | symbol> = new Set(['length', 'name', 'prototype', 'arguments', 'caller']);

/** What `reflect-metadata` adds to the global `Reflect`, where the application has loaded it. */
interface MetadataReflect {
  getOwnMetadataKeys?(target: object): unknown[];
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

/**
 * Makes a wrapper look like the function it wraps: `name`, `length`, the prototype (so `Symbol.toStringTag` of asynchronous
 * functions), own properties, and the metadata that frameworks keep on a function (Nest's `SetMetadata`).
 * What is put on the function later is not seen on the wrapper; decorators further up put theirs on the wrapper themselves.
 *
 * @param where what is wrapped, for the error
 * @throws OptionError when the function has a property that the wrapper's handle would hide
 */
export function dress(wrapper: FunctionObject, fn: FunctionObject, where: string): void {
  if (wrapper === fn) return;
  for (const key of Reflect.ownKeys(fn)) {
    const descriptor = Object.getOwnPropertyDescriptor(fn, key);
    if (descriptor === undefined) continue;
    if (key === 'length' || key === 'name') Object.defineProperty(wrapper, key, { ...descriptor, configurable: true });
    else if (ofEveryFunction.has(key)) continue;
    else if (Object.hasOwn(wrapper, key)) throw hiddenError(key, where);
    else Object.defineProperty(wrapper, key, descriptor);
  }
  const prototype: object | null = Object.getPrototypeOf(fn);
  if (prototype !== Function.prototype && Object.getPrototypeOf(wrapper) === Function.prototype) {
    Object.setPrototypeOf(wrapper, prototype);
  }
  copyMetadata(fn, wrapper);
}

/**
 * Refuses a function with a property that a handle would hide.
 *
 * @param names what the handle is made of
 * @param where what is wrapped, for the error
 * @throws OptionError naming the property
 */
export function refuseHidden(fn: FunctionObject, names: readonly string[], where: string): void {
  for (const name of names) if (Object.hasOwn(fn, name)) throw hiddenError(name, where);
}

function hiddenError(key: string | symbol, where: string): OptionError {
  const property = typeof key === 'symbol' ? `[${String(key)}]` : `'${key}'`;
  return new OptionError(
    `${where}: the function has a property ${property} of its own, which the handle would hide; ` +
      'wrap a function without it, such as (...args) => fn(...args)',
  );
}

function copyMetadata(from: FunctionObject, to: FunctionObject): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as MetadataReflect;
  if (!getOwnMetadataKeys || !getOwnMetadata || !defineMetadata) return;
  for (const key of getOwnMetadataKeys(from)) defineMetadata(key, getOwnMetadata(key, from), to);
}
