import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  cached,
  cachedMany,
  cacheLife,
  cacheSignal,
  cacheTag,
  closeAllCaches,
  createCache,
  invalidateTags,
  noStore,
  RepriseError,
  TimeoutError,
  withCacheMode,
} from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { storeKindsWithBatches } from './store-kinds.ts';

afterEach(closeAllCaches);

/** What a run answers: each id with the number of the run. */
const itemsOf = (ids: readonly string[], run: string | number): Map<string, string> =>
  new Map(ids.map((id) => [id, `${id} of ${run}`]));

describe.each(storeKindsWithBatches)('calls of many ids at once in %s', (_kind, makeStore) => {
  function make(options: object = {}) {
    const clock = manualClock(1_000_000);
    const cache = createCache({ name: 'many', store: makeStore(), clock });
    const load = holdRuns<[ids: string[]], Map<string, string>>();
    const get = cachedMany(load, { cache, name: 'get', ...options });
    const asked = () => load.runs.map(({ args: [ids] }) => ids.join(' '));
    const answer = async (run: number) => {
      const { args, resolve } = load.runs[run] as (typeof load.runs)[number];
      resolve(itemsOf(args[0], run));
      await settle();
    };
    return { cache, clock, load, get, asked, answer };
  }

  it('load each id once where they overlap, and wait for each other’s runs', async () => {
    const { get, asked, answer } = make();
    const calls = Promise.all([get(['1', '2']), get(['2', '3']), get(['3', '1']), get(['4', '2', '3', '1'])]);
    await settle();
    expect(asked()).toEqual(['1 2', '3', '4']);
    await answer(1);
    await answer(2);
    await answer(0);
    expect(await calls).toEqual([
      ['1 of 0', '2 of 0'],
      ['2 of 0', '3 of 1'],
      ['3 of 1', '1 of 0'],
      ['4 of 2', '2 of 0', '3 of 1', '1 of 0'],
    ]);
    expect(get.stats()).toMatchObject({ misses: 4, coalesced: 6, loads: 4 });
  });

  it('run nothing of their own where every id is on its way', async () => {
    const { get, asked, answer } = make();
    const calls = [get(['1', '2']), get(['2']), get(['1'])];
    await settle();
    expect(asked()).toEqual(['1 2']);
    await answer(0);
    expect(await Promise.all(calls)).toEqual([['1 of 0', '2 of 0'], ['2 of 0'], ['1 of 0']]);
  });

  it('do not join the run of an id that was invalidated meanwhile, and join those of the others', async () => {
    const { get, asked, answer } = make();
    const before = get(['1', '2']);
    await settle();
    await get.invalidate('1');
    const after = get(['1', '2']);
    await settle();
    expect(asked()).toEqual(['1 2', '1']);
    await answer(1);
    await answer(0);
    expect(await before).toEqual(['1 of 0', '2 of 0']);
    expect(await after).toEqual(['1 of 1', '2 of 0']);
    expect(await get(['1', '2'])).toEqual(['1 of 1', '2 of 0']);
    expect(asked()).toHaveLength(2);
  });

  it('keep nothing of an older run after a clear, and of a set value', async () => {
    const { get, asked, answer } = make();
    const before = get(['1', '2']);
    await settle();
    await get.set(['2'], 'set');
    await answer(0);
    expect(await before).toEqual(['1 of 0', '2 of 0']);
    expect(await get(['1', '2'])).toEqual(['1 of 0', 'set']);
    const late = get(['3', '4']);
    await settle();
    await get.clear();
    await answer(1);
    expect(await late).toEqual(['3 of 1', '4 of 1']);
    expect([await get.has('1'), await get.has('2'), await get.has('3')]).toEqual([false, false, false]);
    expect(asked()).toHaveLength(2);
  });

  it('void what carries a tag, those on their way too, id by id', async () => {
    const { get, asked, answer } = make({ tags: (_item: string, id: string) => [`item:${id}`] });
    const before = get(['1', '2', '3']);
    await settle();
    await invalidateTags(['item:2']);
    const after = get(['1', '2', '3']);
    await answer(0);
    // Only now it is known which labels they have.
    await settle();
    expect(asked()).toEqual(['1 2 3', '2']);
    await answer(1);
    expect(await before).toEqual(['1 of 0', '2 of 0', '3 of 0']);
    expect(await after).toEqual(['1 of 0', '2 of 1', '3 of 0']);
    await invalidateTags(['item:1', 'item:3']);
    void get(['1', '2', '3']);
    await settle();
    expect(asked()[2]).toBe('1 3');
    await answer(2);
  });

  it('take nothing from before the first of two invalidations of a tag', async () => {
    const { get, answer } = make({ tags: ['all'] });
    const before = get(['1']);
    await settle();
    await invalidateTags(['all']);
    const between = get(['1']);
    await settle();
    await invalidateTags(['all']);
    await answer(0);
    await answer(1);
    expect(await before).toEqual(['1 of 0']);
    expect(await between).toEqual(['1 of 1']);
  });

  it('load what turns out to be void together, not one by one', async () => {
    const { get, asked, answer } = make({ tags: ['all'] });
    const before = get(['1', '2', '3']);
    await settle();
    await invalidateTags(['all']);
    const after = get(['3', '2', '1']);
    await answer(0);
    expect(asked()).toHaveLength(2);
    await answer(1);
    expect(await before).toEqual(['1 of 0', '2 of 0', '3 of 0']);
    expect(await after).toEqual(['3 of 1', '2 of 1', '1 of 1']);
  });

  it('all get the error of a failing run, the same object, and nothing is kept', async () => {
    const { get, load, asked, answer } = make();
    const failure = new Error('no database');
    const calls = [get(['1', '2']), get(['2', '3'])];
    const outcomes = Promise.allSettled(calls);
    await settle();
    load.runs[0]?.reject(failure);
    await answer(1);
    const [one, other] = await outcomes;
    expect(one).toEqual({ status: 'rejected', reason: failure });
    expect((one as PromiseRejectedResult).reason).toBe(failure);
    expect((other as PromiseRejectedResult).reason).toBe(failure);
    expect([await get.has('1'), await get.has('2'), await get.has('3')]).toEqual([false, false, true]);
    expect(get.stats()).toMatchObject({ errors: 2, loads: 3 });
    void get(['1']);
    await settle();
    expect(asked()).toEqual(['1 2', '3', '1']);
    await answer(2);
  });

  it('all get what the function throws at once', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const failure = new TypeError('no list');
    const get = cachedMany(
      (_ids: string[]): string[] => {
        throw failure;
      },
      { cache, name: 'get' },
    );
    const reasons = await Promise.all([get(['1', '2']).catch((e) => e), get(['2']).catch((e) => e)]);
    expect(reasons[0]).toBe(failure);
    expect(reasons[1]).toBe(failure);
  });

  it('remember errors for each id, where asked', async () => {
    const { get, load, asked } = make({ cacheErrors: { ttl: '10s' } });
    const failure = new Error('not found');
    const first = get(['1', '2']).catch((error: unknown) => error);
    await settle();
    load.runs[0]?.reject(failure);
    expect(await first).toBe(failure);
    await settle();
    await expect(get(['2'])).rejects.toThrow('not found');
    expect(asked()).toHaveLength(1);
  });

  it('answer stale ids at once, and load those behind with the missing ones in one run', async () => {
    const { get, clock, asked, answer } = make({ ttl: '1m', staleWhileRevalidate: '1m' });
    void get(['1', '2']);
    await settle();
    await answer(0);
    clock.advance('1m');
    expect(await get(['2', '1'])).toEqual(['2 of 0', '1 of 0']);
    await settle();
    expect(asked()).toEqual(['1 2', '2 1']);
    await answer(1);
    expect(await get(['1', '2'])).toEqual(['1 of 1', '2 of 1']);
    clock.advance('1m');
    const mixed = get(['1', '3', '2']);
    await settle();
    expect(asked()[2]).toBe('1 3 2');
    await answer(2);
    expect(await mixed).toEqual(['1 of 1', '3 of 2', '2 of 1']);
    expect(await get(['1', '2'])).toEqual(['1 of 2', '2 of 2']);
    expect(asked()).toHaveLength(3);
  });

  it('answer stale ids where the run fails, and fail where there is none', async () => {
    const { get, clock, load, asked, answer } = make({ ttl: '1m', staleIfError: '1h' });
    void get(['1', '2']);
    await settle();
    await answer(0);
    clock.advance('1m');
    const stale = get(['1', '2']);
    const missing = get(['2', '3']).catch((error: Error) => error.message);
    await settle();
    expect(asked()).toEqual(['1 2', '1 2', '3']);
    for (const run of load.runs.slice(1)) run.reject(new Error('down'));
    expect(await stale).toEqual(['1 of 0', '2 of 0']);
    expect(await missing).toBe('down');
    // Left alone for retryAfter, id by id.
    expect(await get(['1'])).toEqual(['1 of 0']);
    expect(asked()).toHaveLength(3);
  });

  it('obey modes', async () => {
    const { get, asked, answer, clock } = make({ ttl: '1m', staleWhileRevalidate: '1h' });
    void get(['1', '2']);
    await settle();
    await answer(0);
    const reload = withCacheMode('reload', () => get(['1', '2']));
    await settle();
    expect(asked()[1]).toBe('1 2');
    await answer(1);
    expect(await reload).toEqual(['1 of 1', '2 of 1']);
    const around = withCacheMode('no-store', () => get(['1']));
    await settle();
    await answer(2);
    expect(await around).toEqual(['1 of 2']);
    expect(await get(['1'])).toEqual(['1 of 1']);
    clock.advance('2m');
    expect(await withCacheMode('only-if-cached', () => get(['2', '1']))).toEqual(['2 of 1', '1 of 1']);
    const error = await withCacheMode('only-if-cached', () => get(['1', '3'])).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RepriseError);
    expect(error).toMatchObject({ code: 'E_NOT_CACHED' });
    expect(asked()).toHaveLength(3);
  });

  it('hand their mode on to what the function calls', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    let reads = 0;
    const inner = cached(async () => ++reads, { cache, name: 'inner' });
    const get = cachedMany(async (ids: string[]) => Promise.all(ids.map(async (id) => `${id} ${await inner()}`)), {
      cache,
      name: 'get',
    });
    await inner();
    await settle();
    expect(await get(['1'])).toEqual(['1 1']);
    await settle();
    expect(await withCacheMode('no-cache', () => get(['1', '2']))).toEqual(['1 2', '2 2']);
  });

  it('refresh one id by a run with a list of one, the old entry answering meanwhile', async () => {
    const { get, asked, answer } = make();
    void get(['1', '2']);
    await settle();
    await answer(0);
    const refreshed = get.refresh('1');
    await settle();
    expect(asked()).toEqual(['1 2', '1']);
    expect(await get(['1', '2'])).toEqual(['1 of 0', '2 of 0']);
    await answer(1);
    expect(await refreshed).toBe('1 of 1');
    expect(await get(['1', '2'])).toEqual(['1 of 1', '2 of 0']);
  });

  it('each run for themselves with dedupe: false', async () => {
    const { get, asked, answer } = make({ dedupe: false });
    const calls = [get(['1', '2']), get(['2', '1'])];
    await settle();
    expect(asked().sort()).toEqual(['1 2', '2 1']);
    await answer(0);
    await answer(1);
    const [one, other] = await Promise.all(calls);
    expect(one?.[0]).not.toBe(other?.[1]);
  });

  it('time out, and the run goes on for those who come later', async () => {
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'nextTick'] });
    const { get, asked, answer } = make({ timeout: { hard: 20 } });
    await expect(get(['1', '2'])).rejects.toThrow(TimeoutError);
    await answer(0);
    expect(await get(['1', '2'])).toEqual(['1 of 0', '2 of 0']);
    expect(asked()).toHaveLength(1);
    jest.useRealTimers();
  });
});

describe.each(storeKindsWithBatches)('a run for many ids in %s', (_kind, makeStore) => {
  const make = () => createCache({ name: 'many', store: makeStore() });

  it('labels the entry of each by cacheTag, and what is built from any of them', async () => {
    const cache = make();
    let runs = 0;
    const get = cachedMany(
      async (ids: string[]) => {
        cacheTag('batch');
        await settle();
        return itemsOf(ids, ++runs);
      },
      { cache, name: 'get' },
    );
    let pages = 0;
    const page = cached(async (id: string) => `page ${++pages}: ${(await get([id]))[0]}`, { cache, name: 'page' });
    await get(['1', '2']);
    await settle();
    expect((await get.inspect('1'))?.tags).toEqual(['batch']);
    expect(await page('2')).toBe('page 1: 2 of 1');
    await settle();
    await invalidateTags(['batch']);
    expect(await get(['1', '2'])).toEqual(['1 of 2', '2 of 2']);
    expect(await page('2')).toBe('page 2: 2 of 2');
  });

  it('hands the labels of what it used itself to each entry', async () => {
    const cache = make();
    const rates = cached(async () => 1, { cache, name: 'rates', tags: ['rates'] });
    const get = cachedMany(
      async (ids: string[]) => {
        await rates();
        return ids;
      },
      { cache, name: 'get' },
    );
    await get(['1', '2']);
    await settle();
    await invalidateTags(['rates']);
    expect([await get.has('1'), await get.has('2')]).toEqual([false, false]);
  });

  it('says how long each lives, and that none is stored', async () => {
    const cache = make();
    const get = cachedMany(
      async (ids: string[], isKept: boolean) => {
        cacheLife('30s');
        if (!isKept) noStore();
        return itemsOf(
          ids.filter((id) => id !== 'gone'),
          1,
        );
      },
      { cache, name: 'get', ttl: '1h', cacheAbsent: '10s' },
    );
    await get(['1', '2', 'gone'], true);
    await get(['1', '2', 'gone'], false);
    await settle();
    const lifeOf = async (id: string) => Math.ceil(((await get.inspect(id, true))?.expiresIn ?? 0) / 1_000);
    expect([await lifeOf('1'), await lifeOf('2'), await lifeOf('gone')]).toEqual([30, 30, 10]);
    expect([await get.has('1', false), await get.has('2', false), await get.has('gone', false)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('that asks for one of its own ids runs again for that one, and comes to an end', async () => {
    const cache = make();
    const lists: string[] = [];
    const get: (ids: readonly string[]) => Promise<(string | undefined)[]> = cachedMany(
      async (ids: string[]): Promise<string[]> => {
        lists.push(ids.join(' '));
        if (lists.length > 1) return ids;
        await settle();
        const inner = await get(['2', '3', '1']);
        return ids.map((id) => `${id} (${inner.join()})`);
      },
      { cache, name: 'get' },
    );
    expect(await get(['1', '2'])).toEqual(['1 (2,3,1)', '2 (2,3,1)']);
    expect(lists).toEqual(['1 2', '2 3 1']);
    await settle();
    // What ran directly was not kept; what it had to load was.
    expect(await get(['1', '3'])).toEqual(['1 (2,3,1)', '3']);
    expect(lists).toHaveLength(2);
  });

  it('that waits in a circle with another run comes to an end', async () => {
    const cache = make();
    const lists: string[] = [];
    const other: Record<string, string> = { a: 'b', b: 'a' };
    const get: (ids: readonly string[]) => Promise<(string | undefined)[]> = cachedMany(
      async (ids: string[]): Promise<string[]> => {
        lists.push(ids.join(' '));
        if (lists.length > 3) return ids;
        await settle();
        const inner = await get(ids.map((id) => other[id] ?? id));
        return ids.map((id, index) => `${id}>${inner[index]}`);
      },
      { cache, name: 'get' },
    );
    const [one, two] = await Promise.all([get(['a', 'x']), get(['b', 'y'])]);
    expect(one?.[0]).toMatch(/^a>b/);
    expect(two?.[0]).toMatch(/^b>a/);
  });

  it('that is asked for inside of itself by two functions comes to an end', async () => {
    const cache = make();
    let depth = 0;
    const get: (ids: readonly string[]) => Promise<(string | undefined)[]> = cachedMany(
      async (ids: string[]): Promise<string[]> => (++depth > 3 ? ids : [await page(ids[0] as string)]),
      { cache, name: 'get' },
    );
    const page: (id: string) => Promise<string> = cached(
      async (id: string): Promise<string> => `p${(await get([id]))[0]}`,
      {
        cache,
        name: 'page',
      },
    );
    expect(await page('1')).toMatch(/^p+1$/);
  });

  it('gets a signal that aborts when all who wait for any of its ids have left', async () => {
    const cache = make();
    const seen: AbortSignal[] = [];
    const inside: AbortSignal[] = [];
    const get = cachedMany(
      (ids: string[], signal?: AbortSignal) => {
        seen.push(signal as AbortSignal);
        inside.push(cacheSignal());
        return new Promise<string[]>((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          if (ids.includes('now')) resolve(ids);
        });
      },
      { cache, name: 'get', signal: (_id, signal) => signal },
    );
    expect(await get(['now', '0'], new AbortController().signal)).toEqual(['now', '0']);
    const [one, other] = [new AbortController(), new AbortController()];
    const calls = [get(['1', '2'], one.signal), get(['2'], other.signal)];
    const outcomes = Promise.allSettled(calls);
    await settle();
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(inside[1]);
    one.abort(new Error('one left'));
    await settle();
    expect(seen[1]?.aborted).toBe(false);
    other.abort(new Error('the other left'));
    await settle();
    expect(seen[1]?.aborted).toBe(true);
    expect((await outcomes).map((outcome) => String((outcome as PromiseRejectedResult).reason))).toEqual([
      'Error: one left',
      'Error: the other left',
    ]);
    await expect(get(['3'], one.signal)).rejects.toThrow('one left');
    expect(seen).toHaveLength(2);
    // The signal is no part of the key.
    expect(await get.has('now', other.signal)).toBe(true);
  });

  it('runs with the asynchronous context of its caller', async () => {
    const cache = make();
    const tenant = new AsyncLocalStorage<string>();
    const get = cachedMany(async (ids: string[]) => ids.map((id) => `${tenant.getStore()} ${id}`), {
      cache,
      name: 'get',
    });
    const both = await Promise.all([tenant.run('acme', () => get(['1', '2'])), tenant.run('zeta', () => get(['3']))]);
    expect(both).toEqual([['acme 1', 'acme 2'], ['zeta 3']]);
  });

  it('gives an item that can be read only once to the call that loaded it', async () => {
    const cache = make();
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    let runs = 0;
    const get = cachedMany(
      async (ids: string[]) => {
        runs++;
        return ids.map((id) => (id === 'stream' ? [id].values() : id));
      },
      { cache, name: 'get' },
    );
    const [one, other] = await Promise.all([get(['stream', '1']), get(['1', 'stream'])]);
    expect(one[0]).not.toBe(other[1]);
    expect([...(one[0] as Iterable<string>)]).toEqual(['stream']);
    expect([...(other[1] as Iterable<string>)]).toEqual(['stream']);
    expect(runs).toBe(2);
    expect(errors).toEqual([expect.objectContaining({ code: 'E_ONE_SHOT' })]);
  });
});
