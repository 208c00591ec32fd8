import { OptionError } from '@reprise/store/contract';
import { AsyncEngine } from './async-engine.ts';
import { Batch, type Loader } from './batch.ts';
import { isSettledAtOnce, noteWrapper, ownPolicy, placeInCache, type Read } from './cached.ts';
import { locate, makeVerb } from './decorator/verb.ts';
import { type Cached, handleNames } from './handle.ts';
import { Ids, nameKind } from './ids.ts';
import { ignoreThis } from './key/ignore-this.ts';
import type { Member } from './member.ts';
import { checkTogether, manyTable, readOptions } from './options.ts';
import type { AnyFunction, CachedManyVerb } from './types.ts';

/** The options in their checked form. */
interface ReadMany extends Read {
  readonly cacheAbsent?: number;
}

function wrap(fn: AnyFunction, member: Member, options: unknown): AnyFunction {
  const where = locate('cachedMany', member);
  const { key, cacheAbsent = 0, ...read } = readOptions(manyTable, options, where) as ReadMany;
  checkTogether(read as Record<string, unknown>, where);
  if (key === ignoreThis) {
    throw new OptionError(`${where}: key tells the id of an item here; to share between instances say per: 'class'`);
  }
  const loader: Loader = { fn, key, where: () => locate('cachedMany', member) };
  const cached = placeInCache({
    verb: 'cachedMany',
    fn: makeLoadOne(loader),
    original: fn,
    member,
    read: { ...read, ...weighAbsences(read) },
    policy: { ...ownPolicy(read), absentFor: cacheAbsent },
    takesIds: true,
  });
  const wrapper = makeWrapper(cached, loader, member);
  if (isSettledAtOnce(cached, member, read)) cached.engine();
  return noteWrapper(wrapper, cached, member);
}

/** What runs for one entry alone: `refresh`. Asynchronous by its syntax, as every answer is. */
function makeLoadOne(loader: Loader): AnyFunction {
  return async function loadOne(this: unknown, id: unknown, ...rest: unknown[]): Promise<unknown> {
    const batch = new Batch(loader, this, rest, undefined, []);
    const item = batch.load(id, rest);
    batch.seal();
    return item;
  };
}

/** An absence weighs nothing, and is not shown to who weighs items. */
function weighAbsences({ sizeOf }: Read): Pick<Read, 'sizeOf'> | undefined {
  if (sizeOf === undefined) return undefined;
  return { sizeOf: (item: unknown) => (item === undefined ? 0 : sizeOf(item)) };
}

function makeWrapper(cached: Cached, loader: Loader, member: Member): AnyFunction {
  let isNoticed = member.kind === 'function';
  const { wrapper } = {
    // A method, and so no constructor.
    wrapper(this: unknown, ids: unknown, ...rest: unknown[]): Promise<unknown[]> {
      if (!isNoticed) {
        isNoticed = true;
        member.notice(this, wrapper);
      }
      return askMany(cached, loader, this, ids, rest);
    },
  };
  return wrapper;
}

async function askMany(
  cached: Cached,
  loader: Loader,
  self: unknown,
  list: unknown,
  rest: readonly unknown[],
): Promise<unknown[]> {
  if (!Array.isArray(list)) {
    throw new OptionError(
      `${loader.where()}: the first argument must be an array of ids, not ${nameKind(list)}; for one id write [id]`,
    );
  }
  const engine = cached.engine();
  const remembered = cached.remembered();
  const ids = new Ids(remembered.label());
  // Now, and not again: the list is the caller's, who may change it while he waits.
  const places = Array.from(list, (id) => ids.add(id));
  if (places.length === 0) return [];
  const calls = ids.list.map((id) => [id, ...rest]);
  const signal = remembered.isOff ? undefined : remembered.signalOf(self, calls[0] as unknown[]);
  const batch = new Batch(loader, self, rest, signal, ids.list);
  const work = {
    fn: (id: unknown, ...given: unknown[]) => batch.load(id, given),
    policy: remembered.policy,
    signal,
    joined: (args: ArrayLike<unknown>) => batch.decide(args[0]),
  };
  const answers = engine.askEach(work, self, calls);
  batch.seal(engine instanceof AsyncEngine ? answers : undefined);
  const items = await Promise.all(answers);
  return places.map((place) => items[place]);
}

/**
 * Remembers what a function returned that takes a list of ids, each id in an entry of its own: a call runs the function for the ids
 * that are missing only, once for each however many calls overlap, and answers in the order of its list.
 *
 * Wraps a function, `cachedMany(fn, options?)`, or decorates methods, `@cachedMany`, `@cachedMany()`, `@cachedMany(options)`, in both
 * dialects. The first argument is the list, further ones are part of the key of each id. The function answers an array, whose items
 * `key: (item) => id` tells apart (without `key`: one for each id, in their order), or a `Map` of items by ids. Ids compare by value,
 * as arguments do; an id in the list twice is asked for once. What the function left out is `undefined` in its place, and is asked for
 * again the next time, unless `cacheAbsent` says for how long that is remembered. An empty list runs nothing.
 *
 * All other options are those of {@link cached}, and get the item, its id and the further arguments. The handle takes an id in place of
 * the list. Every call counts once for each id in `stats()`.
 *
 * @throws OptionError (a `TypeError`) at definition, naming member and option, on options that cannot be meant; calls reject with one
 * where the function answered neither an array nor a `Map`, or, without `key`, another number of items
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cachedMany } from '@reprise/core';
 *
 * const queries: string[][] = [];
 * const users = cachedMany(
 *   async (ids: string[]) => {
 *     queries.push(ids);
 *     return ids.filter((id) => id !== '3').map((id) => ({ id, name: `user ${id}` }));
 *   },
 *   { key: (user) => user.id, ttl: '5m', cacheAbsent: '10s' },
 * );
 * await users(['1']);
 * const [three, one, two] = await users(['3', '1', '2']);
 * assert.deepEqual([three, one?.name, two?.name], [undefined, 'user 1', 'user 2']);
 * assert.deepEqual(queries, [['1'], ['3', '2']]);
 * users.invalidate('1');
 */
export const cachedMany: CachedManyVerb = /* @__PURE__ */ makeVerb({
  verb: 'cachedMany',
  getters: false,
  handle: handleNames,
  wrap,
}) as CachedManyVerb;
