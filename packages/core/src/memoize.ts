import { locate, makeVerb } from './decorator/verb.ts';
import { isDisabled } from './disabled.ts';
import { attachHandle } from './handle.ts';
import type { Member } from './member.ts';
import { makeCall } from './memoize-call.ts';
import { makeMemoizeHandle, memoizeHandleNames } from './memoize-handle.ts';
import { MemoizeMemory } from './memoize-memory.ts';
import { readMemoizeOptions } from './memoize-options.ts';
import type { AnyFunction, MemoizeVerb } from './types.ts';

/** What stands behind each wrapper that `memoize` made. */
const memories = new WeakMap<object, MemoizeMemory>();

/** What a memoized wrapper remembers; `undefined` for any other function. */
export function memoizedBehind(wrapper: object): MemoizeMemory | undefined {
  return memories.get(wrapper);
}

/** Wraps a function, a method or a getter. Neither names nor dresses what it returns: that is the verb's business. */
function memoizeFunction(fn: AnyFunction, member: Member, options: unknown): AnyFunction {
  const read = readMemoizeOptions(options, member, locate('memoize', member));
  const passes = isDisabled();
  const memory = new MemoizeMemory(fn, member, passes ? { ...read, maxSize: 0 } : read);
  const call = passes ? makePassingCall(memory) : makeCall(memory, fn.length, read.ttl !== Infinity);
  memory.wrapper = call;
  memories.set(call, memory);
  if (member.kind === 'function') attachHandle(call, makeMemoizeHandle(memory, { self: undefined, everyone: true }));
  return call;
}

/** For `REPRISE_DISABLED=1`. */
function makePassingCall(memory: MemoizeMemory): AnyFunction {
  const { fn } = memory.engine;
  const { tally } = memory.common;
  return {
    call(this: unknown, ...args: unknown[]): unknown {
      tally.bypass++;
      return Reflect.apply(fn, this, args);
    },
  }.call;
}

/**
 * Remembers what a function returned, in the function itself and by reference: for pure, hot functions. A hit costs about as much
 * as a `Map.get`.
 *
 * Wraps functions, and decorates methods, static and `#private` ones too, and getters, in both decorator dialects. What a method
 * remembers belongs to the object that it is called on and goes with it, unless `per` says otherwise. Arguments are compared by
 * value, functions and instances of classes by identity. Of an `async` function the promise is remembered, once it is fulfilled;
 * concurrent calls make one run, and a failure is not remembered.
 *
 * Options: `ttl` (for ever), `maxSize` (10,000 results, for each object), `key`, `per`.
 *
 * @throws OptionError at definition, on what cannot be wrapped and options that cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { memoize } from '@reprise/core';
 *
 * let runs = 0;
 * const slug = memoize((title: string) => {
 *   runs++;
 *   return title.toLowerCase().replaceAll(' ', '-');
 * });
 * assert.equal(slug('Out of Sight'), 'out-of-sight');
 * assert.equal(slug('Out of Sight'), 'out-of-sight');
 * assert.equal(runs, 1);
 * slug.invalidate('Out of Sight');
 */
export const memoize: MemoizeVerb = /* @__PURE__ */ makeVerb({
  verb: 'memoize',
  getters: true,
  handle: memoizeHandleNames,
  wrap: memoizeFunction,
}) as MemoizeVerb;
