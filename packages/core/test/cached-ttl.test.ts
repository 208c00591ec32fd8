import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { defer, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('the ttl of a function cached in %s', (_kind, makeStore) => {
  function make(options: object) {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'clocked', clock, store: makeStore() });
    const calls: unknown[] = [];
    const twice = cached(
      async (n: number) => {
        calls.push(n);
        return n * 2;
      },
      { cache, name: 'twice', ...options },
    );
    return { clock, cache, calls, twice };
  }

  it('answers until the last millisecond before the ttl, and runs anew at the ttl itself', async () => {
    const { clock, calls, twice } = make({ ttl: 1_000 });
    await twice(1);
    await settle();
    clock.advance(999);
    expect([await twice(1), calls.length]).toEqual([2, 1]);
    clock.advance(1);
    expect([await twice(1), calls.length]).toEqual([2, 2]);
  });

  it('honours a ttl below a second', async () => {
    const { clock, calls, twice } = make({ ttl: '50ms' });
    await twice(1);
    await settle();
    clock.advance(49);
    await twice(1);
    expect(calls).toHaveLength(1);
    clock.advance(1);
    await twice(1);
    expect(calls).toHaveLength(2);
  });

  it('counts the age from the end of the run, not from the call', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'clocked', clock, store: makeStore() });
    const gate = defer<string>();
    let calls = 0;
    const slow = cached(
      async () => {
        calls++;
        return gate.promise;
      },
      { cache, name: 'slow', ttl: 1_000 },
    );
    const first = slow();
    await settle();
    clock.advance(5_000);
    gate.resolve('late');
    await first;
    await settle();
    clock.advance(999);
    expect([await slow(), calls]).toEqual(['late', 1]);
    clock.advance(1);
    await slow();
    expect(calls).toBe(2);
  });

  it('stores nothing for a ttl of 0', async () => {
    const { calls, twice } = make({ ttl: 0 });
    await twice(1);
    await settle();
    expect(await twice(1)).toBe(2);
    expect([calls.length, await twice.has(1)]).toEqual([2, false]);
  });

  it.each([undefined, Infinity])('never expires with a ttl of %s', async (ttl) => {
    const { clock, calls, twice } = make({ ttl });
    await twice(1);
    await settle();
    clock.advance('36500d');
    await twice(1);
    expect(calls).toHaveLength(1);
  });

  it('holds for longer than a timer can', async () => {
    const { clock, calls, twice } = make({ ttl: '30d' });
    await twice(1);
    await settle();
    clock.advance('29d');
    await twice(1);
    expect(calls).toHaveLength(1);
    clock.advance('1d');
    await twice(1);
    expect(calls).toHaveLength(2);
  });

  it('may depend on the value and the arguments', async () => {
    const seen: unknown[] = [];
    const { clock, calls, twice } = make({
      ttl: (value: number, n: number) => {
        seen.push([value, n]);
        return n === 1 ? '1s' : 5_000;
      },
    });
    await twice(1);
    await twice(2);
    await settle();
    clock.advance(1_000);
    await twice(1);
    await twice(2);
    expect(calls).toEqual([1, 2, 1]);
    expect(seen.slice(0, 2)).toEqual([
      [2, 1],
      [4, 2],
    ]);
  });

  it('stores nothing where the function of the ttl answers 0', async () => {
    const { calls, twice } = make({ ttl: () => 0 });
    await twice(1);
    await settle();
    await twice(1);
    expect(calls).toHaveLength(2);
  });

  it.each([
    ['throws', () => raise(new Error('no ttl'))],
    ['answers a negative number', () => -1],
    ['answers NaN', () => Number.NaN],
    ['answers text without a unit', () => '10'],
    ['answers undefined', () => undefined],
  ])('costs the caller nothing where its function %s: one error event, nothing stored', async (_case, ttl) => {
    const { calls, twice } = make({ ttl });
    const errors: unknown[] = [];
    twice.on('error', (event) => errors.push(event.error));
    expect(await twice(1)).toBe(2);
    await settle();
    expect([errors.length, await twice.has(1), calls.length]).toEqual([1, false, 1]);
  });

  it('removes the older entry where the newer result may not be stored', async () => {
    let ttl: unknown = '1h';
    const { twice } = make({ ttl: () => ttl });
    await twice(1);
    await settle();
    ttl = 0;
    await twice.refresh(1);
    await settle();
    expect(await twice.has(1)).toBe(false);
  });

  it('is the default of the cache where the function does not say', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'clocked', clock, store: makeStore(), ttl: '1m' });
    let calls = 0;
    const plain = cached(async () => ++calls, { cache, name: 'plain' });
    await plain();
    await settle();
    clock.advance(59_999);
    expect(await plain()).toBe(1);
    clock.advance(1);
    expect(await plain()).toBe(2);
  });

  it('changed on the cache affects later writes only', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'clocked', clock, store: makeStore(), ttl: 1_000 });
    let calls = 0;
    const plain = cached(async (n: number) => n + 100 * ++calls, { cache, name: 'plain' });
    await plain(1);
    await settle();
    cache.configure({ ttl: 5_000 });
    await plain(2);
    await settle();
    clock.advance(1_000);
    expect(await plain(1)).toBe(301);
    expect(await plain(2)).toBe(202);
  });

  it('says when an entry ends', async () => {
    const { clock, twice } = make({ ttl: 1_000 });
    await twice(1);
    await settle();
    clock.advance(400);
    expect(await twice.inspect(1)).toMatchObject({ status: 'fresh', age: 400, expiresIn: 600, staleFor: 0, tags: [] });
    clock.advance(600);
    expect(await twice.inspect(1)).toBeUndefined();
  });
});

describe('the ttl in a private cache', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('follows fake timers', () => {
    let calls = 0;
    const count = cached((_of: string) => ++calls, { ttl: '1h30m' });
    count('a');
    jest.advanceTimersByTime(5_399_999);
    expect(count('a')).toBe(1);
    jest.advanceTimersByTime(1);
    expect(count('a')).toBe(2);
  });

  it('follows the wall clock also where it was read a thousand times at one moment', () => {
    let calls = 0;
    const count = cached((_of: string) => ++calls, { ttl: '1m' });
    for (let turn = 0; turn < 1_000; turn++) count('a');
    jest.advanceTimersByTime(60_000);
    expect(count('a')).toBe(2);
  });

  it('leaves calls inside of calls alone where every timer is fake', async () => {
    let runs = 0;
    const inner: (n: number) => Promise<number> = cached(async (n: number): Promise<number> => {
      runs++;
      return n + (n > 0 ? await inner(n - 1) : 0);
    });
    const outer = cached(async (n: number) => (await inner(n)) + (await inner(n)), { ttl: 1_000 });
    expect([await outer(3), await outer(3)]).toEqual([12, 12]);
    jest.advanceTimersByTime(1_000);
    expect([await outer(3), outer.stats().misses, runs]).toEqual([12, 2, 4]);
  });

  it('starts no timer', async () => {
    const user = cached(async (id: string) => id, { ttl: '1h', maxSize: 10 });
    await user('1');
    await user('1');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is that of a new run after a refresh', async () => {
    let calls = 0;
    const count = cached(async () => ++calls, { ttl: 1_000 });
    await count();
    jest.advanceTimersByTime(900);
    expect(await count.refresh()).toBe(2);
    jest.advanceTimersByTime(900);
    expect(await count()).toBe(2);
    jest.advanceTimersByTime(100);
    expect(await count()).toBe(3);
  });

  it('survives a clock that is put back', () => {
    let calls = 0;
    const count = cached(() => ++calls, { ttl: 1_000 });
    count();
    jest.setSystemTime(Date.now() - 3_600_000);
    expect(count()).toBe(1);
    jest.setSystemTime(Date.now() + 3_601_000);
    expect(count()).toBe(2);
  });
});

function raise(error: unknown): never {
  throw error;
}
