import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';

afterEach(closeAllCaches);

function counted(options: object) {
  const runs: unknown[] = [];
  const echo = cached((value: unknown) => {
    runs.push(value);
    return value;
  }, options);
  return { echo, runs };
}

describe('maxSize', () => {
  it('lets the least recently used entry go first', () => {
    const { echo, runs } = counted({ maxSize: 2 });
    for (const key of ['a', 'b', 'a', 'c']) echo(key);
    expect([echo.has('a'), echo.has('b'), echo.has('c')]).toEqual([true, false, true]);
    expect(runs).toEqual(['a', 'b', 'c']);
  });

  it('counts a look by peek, has or inspect as no use', () => {
    const { echo } = counted({ maxSize: 2 });
    echo('a');
    echo('b');
    echo.peek('a');
    echo.has('a');
    echo.inspect('a');
    echo('c');
    expect([echo.has('a'), echo.has('b')]).toEqual([false, true]);
  });

  it('is 1000 for a private cache unless told otherwise', () => {
    const { echo } = counted({});
    for (let n = 0; n < 1_500; n++) echo(n);
    expect(echo.stats()).toMatchObject({ size: 1_000, evictions: 500 });
  });

  it('of 0 calls always, stores nothing, and is no error', () => {
    const { echo, runs } = counted({ maxSize: 0 });
    const errors: unknown[] = [];
    echo.on('error', (event) => errors.push(event));
    echo('a');
    echo('a');
    expect([runs, echo.stats().size, echo.has('a'), errors]).toEqual([['a', 'a'], 0, false, []]);
  });

  it('of 0 still makes one run of concurrent calls', async () => {
    const load = holdRuns<[string], string>();
    const user = cached(load, { maxSize: 0 });
    const all = Promise.all([user('1'), user('1'), user('1')]);
    load.runs[0]?.resolve('one');
    expect([await all, load.runs.length]).toEqual([['one', 'one', 'one'], 1]);
  });

  it('of Infinity never evicts', () => {
    const { echo } = counted({ maxSize: Infinity });
    for (let n = 0; n < 20_000; n++) echo(n);
    expect(echo.stats()).toMatchObject({ size: 20_000, evictions: 0 });
  });

  it.each([1, 2, 7, 100])('of %d is never exceeded after a call, whatever the arguments', (maxSize) => {
    const { echo } = counted({ maxSize });
    for (let n = 0; n < 500; n++) {
      echo([n, String(n), BigInt(n), { n }, [n], n % 2 === 0, Number.NaN, null, undefined][n % 9]);
      expect(echo.stats().size).toBeLessThanOrEqual(maxSize);
    }
  });

  it('lets expired entries go before any that lives', () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'bounded', clock, maxSize: 100 });
    const echo = cached((n: number) => n, { cache, name: 'echo', ttl: (n: number) => (n % 2 === 0 ? '1h' : 1_000) });
    for (let n = 0; n < 100; n++) echo(n);
    clock.advance(1_000);
    for (let n = 100; n < 150; n++) echo(n * 2);
    for (let n = 0; n < 100; n += 2) expect(echo.has(n)).toBe(true);
    expect(cache.stats()).toMatchObject({ size: 100, evictions: 0 });
  });

  it('given beside a store of its own is the store’s', () => {
    const { echo } = counted({ store: memoryStore({ maxSize: 100 }), maxSize: 2 });
    for (let n = 0; n < 10; n++) echo(n);
    expect(echo.stats().size).toBe(2);
  });

  it('evicts no entry whose key is loading', async () => {
    const load = holdRuns<[string], string>();
    const user = cached(load, { maxSize: 1 });
    const first = user('a');
    const second = user('b');
    load.runs[1]?.resolve('b');
    await second;
    load.runs[0]?.resolve('a');
    await first;
    expect([await user('a'), load.runs.length]).toEqual(['a', 2]);
  });
});

describe('maxBytes', () => {
  const sizes: Record<string, number> = { one: 1, two: 2, three: 3, four: 4, half: 0.5, none: 0 };
  const sizeOf = (value: unknown) => sizes[value as string] as number;

  it('is the most that all values weigh together', () => {
    const { echo } = counted({ maxBytes: 3, sizeOf });
    echo('one');
    echo('two');
    expect(echo.stats().size).toBe(2);
    echo('three');
    expect([echo.has('one'), echo.has('two'), echo.has('three')]).toEqual([false, false, true]);
  });

  it('answers a value that is too heavy, stores it not, and evicts nobody', () => {
    const { echo, runs } = counted({ maxBytes: 3, sizeOf });
    echo('one');
    echo('two');
    expect([echo('four'), echo('four')]).toEqual(['four', 'four']);
    expect([echo.has('one'), echo.has('two'), echo.has('four')]).toEqual([true, true, false]);
    expect(runs).toEqual(['one', 'two', 'four', 'four']);
  });

  it('lets the older value go where a newer one is too heavy', () => {
    let value = 'one';
    const give = cached(() => value, { maxBytes: 3, sizeOf });
    give();
    value = 'four';
    expect(give.refresh()).toBe('four');
    expect(give.has()).toBe(false);
  });

  it('takes fractions, and values that weigh nothing', () => {
    const { echo } = counted({ maxBytes: 1, sizeOf });
    for (const value of ['half', 'none', 'one']) echo(value);
    expect([echo.has('half'), echo.has('none'), echo.has('one')]).toEqual([false, expect.any(Boolean), true]);
  });

  it('weighs what a promise brings, not the promise', async () => {
    const weighed: unknown[] = [];
    const user = cached(async (id: string) => id, {
      maxBytes: 10,
      sizeOf: (value) => {
        weighed.push(value);
        return 1;
      },
    });
    await user('1');
    expect(weighed).toEqual(['1']);
  });

  it.each([
    ['throws', () => raise(new Error('no scales'))],
    ['answers NaN', () => Number.NaN],
    ['answers a negative number', () => -1],
    ['answers no number', () => '1'],
  ])('costs the caller nothing where sizeOf %s: one error event, nothing stored', (_case, broken) => {
    let isBroken = false;
    const { echo } = counted({ maxBytes: 3, sizeOf: () => (isBroken ? (broken as () => number)() : 1) });
    const errors: unknown[] = [];
    echo.on('error', ({ error }) => errors.push(error));
    echo('kept');
    isBroken = true;
    expect(echo('a')).toBe('a');
    expect([echo.has('a'), echo.has('kept'), errors.length]).toEqual([false, true, 1]);
  });

  it('is lowered to evict', async () => {
    const cache = createCache({ name: 'weighed', maxBytes: 10, sizeOf: Number });
    cache.set('a', 4);
    cache.set('b', 4);
    cache.configure({ maxBytes: 5 });
    expect([cache.has('a'), cache.has('b')]).toEqual([false, true]);
  });
});

describe('evictions', () => {
  it('are counted, and told with the key', () => {
    const { echo } = counted({ maxSize: 1 });
    const evicted: unknown[] = [];
    echo.on('evict', ({ key }) => evicted.push(key));
    for (const key of ['a', 'b', 'c']) echo(key);
    expect(evicted).toEqual([echo.keyOf('a'), echo.keyOf('b')]);
    expect(echo.stats().evictions).toBe(2);
  });

  it('are told by the function they befell, in a shared cache', () => {
    const cache = createCache({ name: 'bounded', maxSize: 2 });
    const a = cached((n: number) => n, { cache, name: 'a' });
    const b = cached((n: number) => n, { cache, name: 'b' });
    const told: unknown[] = [];
    cache.on('evict', ({ name, key }) => told.push([name, key]));
    a(1);
    b(1);
    b(2);
    expect(told).toEqual([['a', 'a(1)']]);
    expect([a.stats().evictions, b.stats().evictions, cache.stats().evictions]).toEqual([1, 0, 1]);
  });

  it('are no invalidations: a run under way is stored', async () => {
    const load = holdRuns<[string], string>();
    const user = cached(load, { maxSize: 1 });
    const primed = user('a');
    load.runs[0]?.resolve('old');
    await primed;
    const refreshed = user.refresh('a');
    user.set(['b'], 'b');
    expect(user.has('a')).toBe(false);
    load.runs[1]?.resolve('new');
    await refreshed;
    await settle();
    expect(user.peek('a')).toBe('new');
  });
});

describe('a scan of keys that come once', () => {
  it('leaves nothing behind but maxSize entries', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { echo } = counted({ maxSize: 10, ttl: '1h' });
    for (let n = 0; n < 10_000; n++) echo({ n });
    expect(echo.stats()).toMatchObject({ size: 10, evictions: 9_990, misses: 10_000 });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

function raise(error: unknown): never {
  throw error;
}
