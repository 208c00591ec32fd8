import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cachedMany, closeAllCaches, createCache, StoreError } from '@reprise/core';
import type { AsyncStore, Entry } from '@reprise/store';
import { chaosStore, checkedStore } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { asyncMemory, batchStore, bytesStore } from './store-kinds.ts';

afterEach(closeAllCaches);

function make(store = batchStore(), name = 'joint') {
  const cache = createCache({ name, store });
  const get = cachedMany(async (ids: string[]) => ids.map((id) => `item ${id}`), { cache, name: 'get' });
  return { cache, get, store };
}

describe('an asynchronous store that reads several keys at once', () => {
  it('is asked for all ids of a call in one round trip', async () => {
    const { get, store } = make();
    await get(['1', '2', '3']);
    expect(store.trips).toEqual(['joint/get("1") joint/get("2") joint/get("3")']);
    await settle();
    expect(await get(['3', '1', '4'])).toEqual(['item 3', 'item 1', 'item 4']);
    expect(store.trips.slice(1)).toEqual(['joint/get("3") joint/get("1") joint/get("4")']);
  });

  it('is asked for what all functions need in one tick in one round trip, and for one key by get', async () => {
    const { get, cache, store } = make();
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await Promise.all([get(['1']), ...['a', 'b'].map((id) => user(id))]);
    expect(store.trips).toEqual(['joint/get("1") joint/user("a") joint/user("b")']);
    await user('c');
    expect(store.trips[1]).toBe('joint/user("c")');
  });

  it('gives each reader of bytes a value of his own', async () => {
    const { cache, store } = make(batchStore(bytesStore()));
    const load = cached(async (id: string) => ({ id }), { cache, name: 'load', dedupe: false });
    await Promise.all([load('1'), load('2')]);
    await settle();
    const [one, other] = await Promise.all([load('1'), load('1'), load('2')]);
    expect(one).toEqual(other);
    expect(one).not.toBe(other);
    expect(store.trips.slice(-2)).toEqual(['joint/load("1")', 'joint/load("1") joint/load("2")']);
  });

  it.each([
    ['fails', 'reject'],
    ['throws at once', 'throw'],
    ['answers garbage', 'garbage'],
    ['answers for too few', { return: [undefined] }],
    ['answers something that is no entry', { return: [{ value: 1 }, 7] }],
  ] as const)('that %s costs no call', async (_name, fault) => {
    const chaos = chaosStore(batchStore(), { getMany: fault });
    const cache = createCache({ name: 'joint', store: chaos });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    const get = cachedMany(async (ids: string[]) => ids.map((id) => `item ${id}`), { cache, name: 'get' });
    expect(await get(['1', '2'])).toEqual(['item 1', 'item 2']);
    // One for each id, as where it is asked one by one.
    expect(errors).toEqual([expect.any(StoreError), expect.any(StoreError)]);
    chaos.heal();
    await settle();
    expect(await get(['1', '2'])).toEqual(['item 1', 'item 2']);
  });

  it('that hangs holds a call up for storeTimeout, and no longer', async () => {
    const chaos = chaosStore(batchStore(), { getMany: 'hang' });
    const cache = createCache({ name: 'joint', store: chaos, storeTimeout: 20 });
    cache.on('error', () => {});
    const get = cachedMany(async (ids: string[]) => ids.map((id) => `item ${id}`), { cache, name: 'get' });
    expect(await get(['1', '2'])).toEqual(['item 1', 'item 2']);
    chaos.heal();
  });

  it('is a sound store under watch, whatever is read and written at once', async () => {
    const cache = createCache({ name: 'joint', store: checkedStore(batchStore()) as never });
    const get = cachedMany(async (ids: number[]) => ids.map((id) => `item ${id}`), { cache, name: 'get' });
    for (let round = 0; round < 20; round++) {
      const calls = [get([round, round + 1]), get([round + 1, round + 2])];
      void get.invalidate(round + 1);
      void get.set([round], 'set');
      await Promise.all(calls);
    }
    await settle();
    expect([await get.has(20), await get.has(21)]).toEqual([false, true]);
  });

  it('is not asked for keys of which this process knows better', async () => {
    const held = holdRuns<[], void>();
    const slow = batchStore({ ...asyncMemory(), delete: () => held() });
    const { get: later } = make(slow, 'late');
    await later(['1', '2']);
    await settle();
    void later.invalidate('1').catch(() => {});
    slow.trips.length = 0;
    expect(await later(['1', '2'])).toEqual(['item 1', 'item 2']);
    expect(slow.trips).toEqual(['late/get("2")']);
    for (const run of held.runs) run.resolve();
  });
});

describe('an asynchronous store that reads one key at a time', () => {
  it('is asked for all ids of a call at once, and the slowest decides when the function runs', async () => {
    const held = holdRuns<[key: string], Entry | undefined>();
    const store: AsyncStore = { ...asyncMemory(), get: (key) => held(key) };
    const cache = createCache({ name: 'joint', store });
    const lists: string[] = [];
    const get = cachedMany(
      async (ids: string[]) => {
        lists.push(ids.join());
        return ids;
      },
      { cache, name: 'get' },
    );
    const calls = [get(['1', '2', '3']), get(['2'])];
    await settle();
    expect(held.runs).toHaveLength(3);
    held.runs[2]?.resolve(undefined);
    held.runs[0]?.resolve(undefined);
    await settle();
    expect(lists).toEqual([]);
    held.runs[1]?.resolve(undefined);
    expect(await Promise.all(calls)).toEqual([['1', '2', '3'], ['2']]);
    // In the order of the list, whatever the order of the answers.
    expect(lists).toEqual(['1,2,3']);
  });

  it('that hangs for one id holds the call up for storeTimeout', async () => {
    const cache = createCache({
      name: 'joint',
      store: chaosStore(asyncMemory(), { get: (_call, key) => (String(key).includes('2') ? 'hang' : undefined) }),
      storeTimeout: 20,
    });
    cache.on('error', () => {});
    let runs = 0;
    const get = cachedMany(
      async (ids: string[]) => {
        runs++;
        return ids;
      },
      { cache, name: 'get' },
    );
    expect(await get(['1', '2', '3'])).toEqual(['1', '2', '3']);
    expect(runs).toBe(1);
  });
});
