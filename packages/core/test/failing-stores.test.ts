import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { settle, until } from './deferred.ts';
import { tellStatuses } from './statuses.ts';
import { asyncMemory } from './store-kinds.ts';
import { counting, fakeDate } from './troubled-cache.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
});

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a store that hangs', () => {
  it('is left alone: calls do not wait for it, nor do those that probe it, one at a time', async () => {
    fakeDate();
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const { cache, count } = counting(store, { storeTimeout: 100 });
    for (let call = 0; call < 5; call++) await count(`k${call}`);
    expect(store.counts.get.calls).toBe(5);
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => count(`left ${index}`)));
    expect(store.counts.get.calls).toBe(5);
    // What waits for the store now waits for ever.
    cache.configure({ storeTimeout: Infinity });
    jest.setSystemTime(Date.now() + 400);
    await count('probe');
    expect(store.counts.get.calls).toBe(6);
    jest.setSystemTime(Date.now() + 900);
    await count('another');
    expect(store.counts.get.calls).toBe(6);
    // It never answers: the next is not kept back for ever.
    jest.setSystemTime(Date.now() + 100);
    await count('next');
    expect(store.counts.get.calls).toBe(7);
    store.heal();
    await settle();
    const healed = await count('healed');
    await settle();
    expect(await count('healed')).toBe(healed);
    expect(store.counts.get.calls).toBeGreaterThan(7);
  });

  it('queues nothing for 20,000 calls, and sees no stampede when it is well again', async () => {
    fakeDate();
    const store = chaosStore(asyncMemory(), { get: 'hang', set: 'hang' });
    const { count, calls } = counting(store, { storeTimeout: 50 });
    const told = tellStatuses(count);
    for (let call = 0; call < 5; call++) await count(`k${call}`);
    const waiting = store.waiting;
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => count(`key ${batch} ${index}`)));
    }
    expect(calls()).toBe(20_005);
    expect(store.waiting).toBe(waiting);
    expect(told.sum()).toBe(20_005);
    store.heal();
    jest.setSystemTime(Date.now() + 1_000);
    await count('probe');
    await settle();
    const before = calls();
    expect(new Set(await Promise.all(Array.from({ length: 1_000 }, () => count('key 0 0')))).size).toBe(1);
    expect(calls()).toBe(before + 1);
    expect(told.statuses()).toEqual(told.counted());
  });

  it('takes 20,000 calls at once, each of which waits once', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang', set: 'hang' });
    const { count, calls } = counting(store, { storeTimeout: 50 });
    await Promise.all(Array.from({ length: 20_000 }, (_, index) => count(`key ${index}`)));
    expect(calls()).toBe(20_000);
    // Nothing was sent after the looks had failed, but what was on its way when the first had.
    expect(store.counts.set.calls).toBeLessThan(10);
    store.heal();
  });

  it.each(['get', 'set', 'delete', 'clear', 'touch'] as const)(
    'with %s holds nobody up for longer than storeTimeout',
    async (operation) => {
      const underneath = { ...asyncMemory(), touch: async () => {} };
      const store = chaosStore(underneath);
      const { count, cache } = counting(store, { storeTimeout: 20, timeToIdle: '1h' });
      await count('a');
      await settle();
      store.plan({ [operation]: 'hang' });
      const outcomes = Promise.allSettled([
        count('a'),
        (async () => count.peek('a'))(),
        (async () => count.has('a'))(),
        (async () => count.inspect('a'))(),
        (async () => count.refresh('a'))(),
        (async () => count.set(['b'], 'b'))(),
        (async () => count.invalidate('c'))(),
        (async () => count.clear())(),
        (async () => cache.clear())(),
        (async () => cache.invalidateTags(['label']))(),
        cache.getOrSet('shown', async () => 'shown'),
      ]);
      expect(await Promise.race([outcomes.then(() => 'in time'), wait(3_000)])).toBe('in time');
      const [call, , , , , , , , , , shown] = await outcomes;
      expect(call).toMatchObject({ status: 'fulfilled' });
      expect(shown).toMatchObject({ status: 'fulfilled', value: 'shown' });
      store.heal();
    },
  );
});

it('a synchronous store that cannot delete is left alone as well, and answers nothing of what was to go', async () => {
  fakeDate();
  const store = chaosStore(memoryStore());
  const { count } = counting(store);
  const old = await count('a');
  store.plan({ delete: 'throw' });
  expect(() => count.invalidate('a')).toThrow('delete');
  for (let call = 0; call < 100; call++) expect(await count('a')).not.toBe(old);
  expect(store.counts.delete.calls).toBeLessThanOrEqual(7);
  store.heal();
  jest.setSystemTime(Date.now() + 1_000);
  const newer = await count('a');
  expect(newer).not.toBe(old);
  expect(await count('a')).toBe(newer);
});

it('a synchronous store that cannot clear the entries of instances is told to clear those of calls on nothing', () => {
  const store = chaosStore(memoryStore());
  const { clear } = store;
  store.clear = (prefix = '') => {
    if (prefix.includes('<')) throw new Error('not today');
    clear.call(store, prefix);
  };
  let runs = 0;
  class Users {
    @cached({ cache: createCache({ name: 'users', store }) })
    find(id: string): string {
      return `${id}${++runs}`;
    }
  }
  const users = new Users();
  const { find } = Users.prototype;
  const onNothing = (): string => Reflect.apply(find, undefined, ['a']);
  expect([users.find('a'), onNothing()]).toEqual(['a1', 'a2']);
  cacheOf(Users, 'find').on('error', () => {});
  expect(() => cacheOf(Users, 'find').clear()).toThrow('not today');
  expect([users.find('a'), onNothing()]).toEqual(['a3', 'a4']);
});

it.each([
  ['a synchronous store', () => chaosStore(memoryStore()), 'reject'],
  ['an asynchronous store', () => chaosStore(asyncMemory()), 'hang'],
] as const)(
  '%s that can only be read is left alone with writes, and read all the same',
  async (_kind, makeStore, fault) => {
    fakeDate();
    const store = makeStore();
    const { count, errors } = counting(store, { storeTimeout: 20 });
    await count('a');
    await settle();
    store.plan({ set: fault });
    for (let call = 0; call < 20; call++) {
      await count(`k${call}`);
      if (call < 5) await until(() => errors.length > call);
    }
    expect(store.counts.set.calls).toBeLessThanOrEqual(7);
    expect(await count('a')).toBe('a1');
    store.heal();
    jest.setSystemTime(Date.now() + 1_000);
    const healed = await count('healed');
    await settle();
    expect(await count('healed')).toBe(healed);
  },
);
