import { OptionError } from '@reprise/store/contract';
import { locate, makeVerb } from './decorator/verb.ts';
import { isDisabled } from './disabled.ts';
import type { Member } from './member.ts';
import { isThenable } from './one-shot.ts';
import { isAsyncFunction } from './runs.ts';
import type { AnyFunction, InvalidatesVerb, UpdatesVerb } from './types.ts';
import { type Deed, joinAll, type Place, prepareCacheDeed, prepareInvalidation, prepareUpdate } from './write-deed.ts';
import { readInvalidation, readUpdate } from './write-options.ts';

/** What a write does to caches, as far as it is the same for all calls. */
interface Effect {
  readonly verb: 'invalidates' | 'updates';
  /** Whether it is done before the write begins. */
  readonly before: boolean;
  /** What one call does. @throws OptionError where what is meant is not there */
  prepare(self: unknown, place: Place): Deed;
}

/** A function with the effects on it. */
interface Write {
  readonly fn: AnyFunction;
  readonly effects: readonly Effect[];
  /** Whether it returns promises, as far as its syntax tells. */
  readonly isAsync: boolean;
}

/** What stands behind each wrapper that is made here: stacked effects are those of one write. */
const writes = new WeakMap<AnyFunction, Write>();

function addEffect(fn: AnyFunction, member: Member, effect: Effect): AnyFunction {
  refuseGenerator(fn, locate(effect.verb, member));
  if (isDisabled()) return fn;
  const inner = writes.get(fn);
  const write: Write = {
    fn: inner?.fn ?? fn,
    effects: [...(inner?.effects ?? []), effect],
    isAsync: isAsyncFunction(fn),
  };
  const { wrapper } = {
    // A method, and so no constructor.
    wrapper(this: unknown, ...args: unknown[]): unknown {
      member.notice(this, wrapper);
      return callWrite(write, member, this, args);
    },
  };
  writes.set(wrapper, write);
  return wrapper;
}

/** A generator has not run when it returns: nobody knows when what it writes is written. */
function refuseGenerator(fn: AnyFunction, where: string): void {
  if (!/Generator/.test(Object.prototype.toString.call(fn))) return;
  throw new OptionError(
    `${where}: a generator runs when it is read, and not when it is called; decorate the method that writes, or call ` +
      'invalidate where it has been written',
  );
}

function callWrite(write: Write, member: Member, self: unknown, args: readonly unknown[]): unknown {
  const first: Deed[] = [];
  const invalidations: Deed[] = [];
  const updates: Deed[] = [];
  try {
    for (const effect of write.effects) {
      const deed = effect.prepare(self, () => locate(effect.verb, member));
      (effect.before ? first : effect.verb === 'updates' ? updates : invalidations).push(deed);
    }
  } catch (error) {
    if (write.isAsync) return Promise.reject(error);
    throw error;
  }
  const begun = performAll(first, undefined, args, false);
  // In whichever order they are written, what a write knows is stored after what it invalidates has gone.
  const run = (): unknown => runWrite(write.fn, self, args, [...invalidations, ...updates], begun);
  return begun !== undefined && write.isAsync ? begun.then(run) : run();
}

/** @param begun what was begun before the write, and has to be finished when its caller goes on */
function runWrite(
  fn: AnyFunction,
  self: unknown,
  args: readonly unknown[],
  deeds: readonly Deed[],
  begun: Promise<void> | undefined,
): unknown {
  const end = (): void => {
    for (const deed of deeds) deed.end?.();
  };
  for (const deed of deeds) deed.begin?.();
  let result: unknown;
  try {
    result = Reflect.apply(fn, self, args);
  } catch (error) {
    end();
    throw error;
  }
  if (!isThenable(result)) {
    end();
    // Done here; nobody can wait for what a store has to be told.
    void performAll(deeds, result, args, false);
    return result;
  }
  return (result instanceof Promise ? result : Promise.resolve(result)).then(
    (value) => {
      end();
      const rest = joinAll([begun, performAll(deeds, value, args, true)]);
      return rest === undefined ? value : rest.then(() => value);
    },
    (error: unknown) => {
      end();
      if (begun === undefined) throw error;
      return begun.then(() => {
        throw error;
      });
    },
  );
}

function performAll(
  deeds: readonly Deed[],
  result: unknown,
  args: readonly unknown[],
  isPromised: boolean,
): Promise<void> | undefined {
  return joinAll(deeds.map((deed) => deed.perform(result, args, isPromised)));
}

/**
 * Says which cached results a write makes wrong: they are invalidated when it has succeeded, before its caller goes on.
 *
 * Decorates methods, static and `#private` ones too, in both dialects: `@invalidates(effect)`; several may be stacked. Wraps functions:
 * `invalidates(fn, effect)`. `this`, arguments, result and error stay what they are; what is synchronous stays so.
 *
 * - `{ of, args?, all?, before? }`: calls of a cached or memoized function. `of` is the name of a member of the same object (of the
 *   class, for a static method), `[Class, 'name']`, which means that call for every owner, or a wrapped function.
 *   `args: (result, ...args) => [...]` says what the target is called with. Without it, it is called with the write's own arguments,
 *   where these are as many as it declares; else all its entries of this owner go, as with `all: true`.
 * - `{ cache, keys?, tags?, before? }`: keys of `getOrSet` in a shared cache, or in the one of that name.
 * - `{ tags, before? }`: labels, in every cache of the process; as `invalidateTags`.
 *
 * A write that throws or rejects invalidates nothing; with `before: true` it is done before the write begins, whatever happens, and
 * callbacks get `undefined` for the result. The failure of a store is an `error` event and never the caller's. A callback that
 * throws is one, too; where it was `args`, all goes that may have been meant.
 *
 * @throws OptionError (a `TypeError`) at definition, on an effect that cannot be meant; at a call, before the write, where what is
 * meant is not there
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, invalidates } from '@reprise/core';
 *
 * class Users {
 *   names = new Map([['42', 'Ada']]);
 *   @cached({ ttl: '10m' })
 *   async find(id: string) {
 *     return this.names.get(id);
 *   }
 *   @invalidates({ of: 'find', args: (_result, id) => [id] })
 *   async rename(id: string, name: string) {
 *     this.names.set(id, name);
 *   }
 * }
 * const users = new Users();
 * await users.find('42');
 * await users.rename('42', 'Grace');
 * assert.equal(await users.find('42'), 'Grace');
 */
export const invalidates: InvalidatesVerb = /* @__PURE__ */ makeVerb({
  verb: 'invalidates',
  options: 'effect',
  getters: false,
  handle: [],
  wrap(fn, member, options) {
    const read = readInvalidation(options, locate('invalidates', member));
    const prepare: Effect['prepare'] =
      read.of === undefined
        ? (self, place) => prepareCacheDeed(read, self, place)
        : (self, place) => prepareInvalidation(read, self, place);
    return addEffect(fn, member, { verb: 'invalidates', before: read.before, prepare });
  },
}) as InvalidatesVerb;

/**
 * Says whose cached result a write's result is: the write runs always, and what it returns (of an asynchronous one what its promise
 * resolves to) is stored under the call that `args` says. It wins over older runs, as `set` of a handle does.
 *
 * Decorates and wraps as {@link invalidates} does. `{ of, args }`, both needed: `of` as there, `args: (result, ...args) => [...]` what
 * the target is called with. A write that throws or rejects leaves the old entry. Where that call is invalidated or set while the write
 * is under way, nobody knows which is newer: then the result is not stored, and the old entry goes.
 *
 * @throws OptionError (a `TypeError`) at definition, on an effect that cannot be meant; at a call, before the write, where the target
 * is not there, or has entries for each owner and it is not known whose is meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, updates } from '@reprise/core';
 *
 * let reads = 0;
 * const user = cached(async (id: string) => ({ id, name: 'Ada', read: ++reads }));
 * const save = updates(async (id: string, name: string) => ({ id, name, read: 0 }), { of: user, args: (saved) => [saved.id] });
 * await save('42', 'Grace');
 * assert.equal((await user('42')).name, 'Grace');
 * assert.equal(reads, 0);
 */
export const updates: UpdatesVerb = /* @__PURE__ */ makeVerb({
  verb: 'updates',
  options: 'effect',
  getters: false,
  handle: [],
  wrap(fn, member, options) {
    const read = readUpdate(options, locate('updates', member));
    return addEffect(fn, member, {
      verb: 'updates',
      before: false,
      prepare: (self, place) => prepareUpdate(read, self, place),
    });
  },
}) as UpdatesVerb;
