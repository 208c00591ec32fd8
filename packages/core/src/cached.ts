import { OptionError, type Store } from '@reprise/store/contract';
import { memoryStore } from '@reprise/store-memory';
import { adviseAboutOptions } from './advice.ts';
import { AsyncEngine } from './async-engine.ts';
import { boundsOf, homeOf } from './cache.ts';
import type { Verb } from './decorator/placing.ts';
import { locate, makeVerb } from './decorator/verb.ts';
import { DirectEngine } from './direct.ts';
import type { Engine } from './engine.ts';
import { attachHandle, type Cached, handleNames, makeHandle } from './handle.ts';
import { StoreHome, solos } from './home.ts';
import { digestOf } from './key/digest.ts';
import { ignoreThis } from './key/ignore-this.ts';
import type { Member } from './member.ts';
import { rememberMember } from './members.ts';
import { isThenable } from './one-shot.ts';
import { cachedTable, checkTogether, kindOfStore, type Policy, policyNames, readOptions } from './options.ts';
import { getCache } from './registry.ts';
import { Remembered } from './remembered.ts';
import { isAsyncFunction } from './runs.ts';
import type { AnyFunction, CachedVerb } from './types.ts';

/** The options in their checked form. */
export interface Read extends Policy {
  readonly cache?: object | string;
  readonly store?: Store;
  readonly name?: string;
  readonly replace?: boolean;
  readonly key?: AnyFunction;
  readonly per?: 'instance' | 'class' | AnyFunction;
  readonly version?: string;
  readonly maxSize?: number;
  readonly maxBytes?: number;
  readonly sizeOf?: AnyFunction;
}

const defaultMaxSize = 1_000;

/** What stands behind each wrapper that `cached` made. */
const cachedBy = new WeakMap<object, Behind>();

interface Behind {
  readonly cached: Cached;
  readonly member: Member;
}

/** The cached function behind a wrapper; `undefined` for any other function. */
export function cachedBehind(wrapper: object): Behind | undefined {
  return cachedBy.get(wrapper);
}

function wrap(fn: AnyFunction, member: Member, options: unknown): AnyFunction {
  const where = locate('cached', member);
  const read = readOptions(cachedTable, options, where) as Read;
  checkTogether(read as Record<string, unknown>, where);
  const cached = placeInCache({ verb: 'cached', fn, original: fn, member, read, policy: ownPolicy(read) });
  return noteWrapper(makeWrapper(cached, member, read), cached, member);
}

/** A function on its way into a cache. */
interface Placement {
  /** What brings the value of one entry. */
  readonly fn: AnyFunction;
  readonly original: AnyFunction;
  readonly verb: Verb;
  readonly member: Member;
  readonly read: Read;
  readonly policy: Policy;
  readonly takesIds?: boolean;
}

/** A function with its cache, which is looked for when it is first needed. */
export function placeInCache({ fn, original, verb, member, read, policy, takesIds }: Placement): Cached {
  const telling = tellingOf(read, member, original, locate(verb, member));
  let remembered: Remembered | undefined;
  let engine: Engine | undefined;
  let bound: StoreHome | undefined;
  function settle(): Engine {
    if (engine !== undefined && (typeof read.cache !== 'string' || !isRenewed(read.cache, bound))) return engine;
    // By now the class is known, more often than not.
    const here = locate(verb, member);
    const home = findHome(read, here);
    const next = new Remembered(fn, member, home, policy, read.name, remembered?.emitter);
    next.verb = verb;
    checkForHome(home, next, read, here);
    bound = home;
    remembered = next;
    engine = home.settle(next, telling);
    adviseAboutOptions(next);
    if (read.cache === undefined && read.store === undefined && engine instanceof DirectEngine && home.store.sync) {
      solos.set(home.store, engine);
    }
    return engine;
  }

  return {
    original,
    remembered: () => {
      settle();
      return remembered as Remembered;
    },
    engine: settle,
    eventual: typeof read.cache === 'string',
    isShared: telling.per === 'class',
    takesIds,
  };
}

/** Makes a wrapper known by what stands behind it; a function becomes its own handle. */
export function noteWrapper(wrapper: AnyFunction, cached: Cached, member: Member): AnyFunction {
  cachedBy.set(wrapper, { cached, member });
  if (member.kind !== 'function') rememberMember(wrapper, member);
  if (member.kind === 'function') attachHandle(wrapper, makeHandle(cached, { self: undefined, everyone: true }));
  return wrapper;
}

/** Whether a function goes into its cache when it is defined: where neither the class nor the cache has to be known first. */
export function isSettledAtOnce({ eventual }: Cached, member: Member, read: Read): boolean {
  const store = storeAtOnce(read);
  return !eventual && (member.kind === 'function' || store === undefined || (store.sync && store.direct !== undefined));
}

/** What takes the function's place. In a memory store that is known now, it is the engine's own call, with nothing in between. */
function makeWrapper(cached: Cached, member: Member, read: Read): AnyFunction {
  const isFunction = member.kind === 'function';
  const store = storeAtOnce(read);
  if (isSettledAtOnce(cached, member, read)) return cached.engine().call;
  const { original } = cached;
  // A wrapped function answers with promises here; of a method only its syntax tells, before it has run.
  const isAsync = isFunction || isAsyncFunction(original);
  let isChecked = isAsync || store?.sync === true;
  let engine: Engine | undefined;
  const { wrapper } = {
    // A method, and so no constructor.
    wrapper(this: unknown, ...args: unknown[]): unknown {
      try {
        if (engine === undefined && !isFunction) member.notice(this, wrapper);
        if (engine === undefined || cached.eventual) engine = cached.engine();
        if (!isChecked) {
          const result = probe(engine, original, this, args, member);
          isChecked = true;
          return result;
        }
        const result: unknown = Reflect.apply(engine.call, this, args);
        return cached.eventual && !isThenable(result) ? Promise.resolve(result) : result;
      } catch (error) {
        if (isAsync && store?.sync !== true) return Promise.reject(error);
        throw error;
      }
    },
  };
  return wrapper;
}

/**
 * Whether a method returns promises is known when it has run once. One that does not cannot be cached where answers are promises:
 * it says so at its first call, before anybody takes a promise for the value.
 */
function probe(
  engine: Engine,
  original: AnyFunction,
  self: unknown,
  args: readonly unknown[],
  member: Member,
): unknown {
  if (engine instanceof AsyncEngine) {
    const start = engine.prepareCall(self, args);
    const result: unknown = Reflect.apply(original, self, args);
    if (isThenable(result)) {
      // Should the store have an answer, nobody waits for this run.
      result.then(undefined, () => {});
      return start(result);
    }
  } else {
    const result: unknown = Reflect.apply(engine.call, self, args);
    if (isThenable(result)) return result;
  }
  throw new OptionError(
    `@cached on ${member.label()}: the method is synchronous, and the answers of its cache are promises; make it async, or use a ` +
      'synchronous store (memoryStore()) that is given as an object',
  );
}

function storeAtOnce(read: Read): Store | undefined {
  if (read.store !== undefined) return read.store;
  if (typeof read.cache === 'object') return homeOf(read.cache).store;
  return undefined;
}

function tellingOf(read: Read, member: Member, fn: AnyFunction, where: string) {
  const { key, per } = read;
  if (key === ignoreThis && per !== undefined && per !== 'class') {
    throw new OptionError(
      `${where}: key: ignoreThis means per: 'class', and per says otherwise; leave one of them out`,
    );
  }
  const version = read.version === 'source' ? digestOf(Function.prototype.toString.call(fn)) : read.version;
  const ownDefault = member.kind === 'function' ? 'class' : 'instance';
  return {
    key: key === ignoreThis ? undefined : key,
    per: key === ignoreThis ? ('class' as const) : (per ?? ownDefault),
    version,
  };
}

/** The options that say how entries live. */
export function ownPolicy(read: Read): Policy {
  return Object.fromEntries(
    policyNames.filter((name) => Object.hasOwn(read, name)).map((name) => [name, read[name as keyof Read]]),
  );
}

function findHome(read: Read, where: string): StoreHome {
  const { cache, store } = read;
  if (store !== undefined) {
    const home = homeOfStore(store);
    const { maxSize, maxBytes } = read;
    if (maxSize !== undefined || maxBytes !== undefined) home.resize(boundsOf({ maxSize, maxBytes }));
    return home;
  }
  if (cache === undefined) {
    const { maxSize = defaultMaxSize, maxBytes, sizeOf } = read;
    const bounds = boundsOf({ maxSize, maxBytes, sizeOf });
    return new StoreHome({ name: undefined, store: memoryStore(bounds), solo: true, defaults: {}, bounds });
  }
  if (typeof cache === 'object') return homeOf(cache);
  const named = getCache(cache);
  if (named !== undefined) return homeOf(named);
  throw new OptionError(
    `${where}: there is no cache named '${cache}' yet; call createCache({ name: '${cache}' }) before the first call, in a module ` +
      'that is imported before',
  );
}

/** Whether there is another cache by now under a name: the first one was closed, or replaced. */
function isRenewed(name: string, bound: StoreHome | undefined): boolean {
  const current = getCache(name);
  return current !== undefined && homeOf(current) !== bound;
}

const homes = new WeakMap<Store, StoreHome>();

/** Functions that are given the same store share it, told apart by their names. */
function homeOfStore(store: Store): StoreHome {
  let home = homes.get(store);
  if (home === undefined) {
    home = new StoreHome({ name: undefined, store, solo: false, defaults: {} });
    homes.set(store, home);
  }
  return home;
}

/** What a store that outlives the process asks of a function, and the claim of its name. */
function checkForHome(home: StoreHome, remembered: Remembered, read: Read, where: string): void {
  const { member } = remembered;
  const replace = read.replace === true;
  if (read.name !== undefined) {
    home.claim(read.name, remembered, replace);
    return;
  }
  if (!home.isPersistent) return;
  const owner = member.owner();
  const label = member.label();
  const kind = kindOfStore(home.store);
  const ask = `give it a name (name: 'users.find') that stays the same in every process`;
  if (member.kind === 'function' && member.name === '') {
    throw new OptionError(
      `${where}: an anonymous function has no key in a ${kind}, which outlives the process; ${ask}`,
    );
  }
  if (
    member.kind !== 'function' &&
    (owner === undefined || typeof member.name === 'symbol' || /\(anonymous/.test(label))
  ) {
    throw new OptionError(`${where}: its class is unknown or has no name, and a ${kind} outlives the process; ${ask}`);
  }
  if (label.length <= 2 || isMinified(label)) {
    throw new OptionError(
      `${where}: '${label}' looks like the work of a minifier, and may mean another function tomorrow; ${ask}`,
    );
  }
  home.claim(label, remembered, replace);
}

/** Whether the class is called as minifiers call classes: one or two letters, the first one small. */
function isMinified(label: string): boolean {
  return /^[a-z$_][\w$]?\./.test(label);
}

/**
 * Remembers what a function returned, in a cache: private and in memory by default, shared, or in any store.
 *
 * Wraps a function, `cached(fn, options?)`, or decorates methods, `@cached`, `@cached()`, `@cached(options)`, in the standard dialect
 * and in that of `experimentalDecorators`. A wrapped function is its own handle (`invalidate`, `refresh`, `stats`, …); for methods see
 * {@link cacheOf}. Concurrent calls with the same key run the function once.
 *
 * @throws OptionError (a `TypeError`) at definition, naming member and option, on options that cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached } from '@reprise/core';
 *
 * let queries = 0;
 * const user = cached(async (id: string) => ({ id, query: ++queries }), { ttl: '5m', maxSize: 10_000 });
 * await Promise.all([user('42'), user('42')]);
 * assert.equal(queries, 1);
 * user.invalidate('42');
 * assert.equal((await user('42')).query, 2);
 */
export const cached: CachedVerb = /* @__PURE__ */ makeVerb({
  verb: 'cached',
  getters: false,
  handle: handleNames,
  wrap,
}) as CachedVerb;
