import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { memoize } from '../src/memoize.ts';

afterEach(() => {
  jest.useRealTimers();
});

const seed = Number(process.env['REPRISE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A generator of whole numbers below a bound; a failure prints the seed. */
function randomNumbers(): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

describe('the bounds of memoize', () => {
  it.each([1, 2, 3, 10, 100])('never hold more than maxSize results: %d', (maxSize) => {
    const identity = memoize((key: number) => ({ key }), { maxSize });
    for (let key = 0; key < 500; key++) {
      identity(key);
      expect(identity.stats().size).toBe(Math.min(key + 1, maxSize));
    }
    expect(identity.stats()).toMatchObject({ evictions: 500 - maxSize, misses: 500 });
  });

  it('hold as many as there is room for', () => {
    const identity = memoize((key: number) => ({ key }), { maxSize: 100 });
    for (let round = 0; round < 3; round++) for (let key = 0; key < 100; key++) identity(key);
    expect(identity.stats()).toMatchObject({ misses: 100, hits: 200, evictions: 0 });
  });

  it('are 10,000 results unless told otherwise', () => {
    const identity = memoize((key: number) => key);
    for (let key = 0; key < 10_100; key++) identity(key);
    expect(identity.stats()).toMatchObject({ size: 10_000, evictions: 100 });
  });

  it('can be lifted in words', () => {
    const identity = memoize((key: number) => key, { maxSize: Infinity });
    for (let key = 0; key < 20_000; key++) identity(key);
    expect(identity.stats()).toMatchObject({ size: 20_000, evictions: 0 });
  });

  it('run for every call with maxSize 0', () => {
    let runs = 0;
    const count = memoize(() => ++runs, { maxSize: 0 });
    expect([count(), count(), count()]).toEqual([1, 2, 3]);
    expect(count.stats()).toMatchObject({ size: 0, evictions: 0, misses: 3 });
  });

  it('hold for all numbers of arguments together', () => {
    const any = memoize((...args: unknown[]) => ({ args }), { maxSize: 3 });
    const calls = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [{ a: 1 }], [[1]], [{ a: 1 }, { b: 2 }]];
    for (let round = 0; round < 20; round++) {
      for (const args of calls) {
        any(...args);
        expect(any.stats().size).toBeLessThanOrEqual(3);
      }
    }
    any.clear();
    expect(any.stats().size).toBe(0);
  });

  it('let the expired go before anything fresh, among up to a hundred', () => {
    jest.useFakeTimers({ now: 0 });
    const random = randomNumbers();
    for (let round = 0; round < 50; round++) {
      const maxSize = 2 + random(99);
      const identity = memoize((key: string) => ({ key }), { maxSize, ttl: 1_000 });
      const expired = 1 + random(maxSize - 1);
      const keys = Array.from({ length: maxSize }, (_, index) => `${index}`);
      for (let index = 0; index < expired; index++) identity(keys[index] as string);
      jest.setSystemTime(Date.now() + 600);
      for (let index = expired; index < maxSize; index++) identity(keys[index] as string);
      jest.setSystemTime(Date.now() + 600);
      // As many new ones as have expired: nothing fresh has to go.
      for (let index = 0; index < expired; index++) identity(`new ${index}`);
      for (const key of keys.slice(expired)) expect([seed, key, identity.has(key)]).toEqual([seed, key, true]);
      expect(identity.stats()).toMatchObject({ evictions: 0, size: maxSize });
      identity('one too many');
      expect(identity.stats()).toMatchObject({ evictions: 1, size: maxSize });
    }
  });

  it('keep what is asked for over and over through a scan', () => {
    const identity = memoize((key: string) => ({ key }), { maxSize: 100 });
    for (let round = 0; round < 10_000; round++) {
      for (let hot = 0; hot < 5; hot++) identity(`hot ${hot}`);
      identity(`scan ${round}`);
    }
    const { hits } = identity.stats();
    expect(hits).toBeGreaterThan(47_500);
  });

  it('keep a part of a loop over more than there is room for', () => {
    const identity = memoize((key: number) => ({ key }), { maxSize: 1_000 });
    for (let step = 0; step < 100_000; step++) identity(step % 1_100);
    expect(identity.stats().hitRatio).toBeGreaterThan(0.2);
  });

  it('stand while results are removed and come again', () => {
    const random = randomNumbers();
    const identity = memoize((key: number) => ({ key }), { maxSize: 50 });
    for (let step = 0; step < 50_000; step++) {
      const key = random(80);
      if (random(2) === 0) identity.invalidate(key);
      else expect(identity(key).key).toBe(key);
      expect(identity.stats().size).toBeLessThanOrEqual(50);
    }
  });

  it('agree with a plain model over random calls of all kinds', () => {
    jest.useFakeTimers({ now: 1_000 });
    const random = randomNumbers();
    for (const options of [
      {},
      { maxSize: 7 },
      { ttl: 100 },
      { maxSize: 7, ttl: 100 },
      { maxSize: 1 },
      { maxSize: 0 },
    ]) {
      const { maxSize = Infinity, ttl = Infinity } = options;
      let run = 0;
      const kept = new Map<string, { run: number; expiresAt: number }>();
      const remembered = memoize((...args: unknown[]) => ({ text: JSON.stringify(args), run: ++run }), options);
      const draws: (() => unknown[])[] = [
        () => [],
        () => [random(4)],
        () => [`${random(4)}`],
        () => [random(4), random(4)],
        () => [{ a: random(3), b: random(2) }],
        () => [{ b: random(2), a: random(3) }],
        () => [[random(3)], { deep: [random(2)] }, null],
        () => [random(2), undefined, random(2), { a: 1 }],
      ];
      for (let step = 0; step < 5_000; step++) {
        const args = (draws[random(draws.length)] as () => unknown[])();
        const text = JSON.stringify(args.map((arg) => (isPlain(arg) ? Object.entries(arg).sort() : [typeof arg, arg])));
        const known = kept.get(text);
        const action = random(20);
        if (action === 0) {
          kept.delete(text);
          remembered.invalidate(...args);
          expect(remembered.has(...args)).toBe(false);
        } else if (action === 1) {
          jest.setSystemTime(Date.now() + random(60));
        } else if (action === 2 && random(20) === 0) {
          kept.clear();
          remembered.clear();
        } else {
          const before = run;
          const answer = remembered(...args);
          if (run === before) {
            // An old answer is the one that was last given, and fresh.
            expect([seed, answer.run]).toEqual([seed, known?.run]);
            expect(known?.expiresAt).toBeGreaterThan(Date.now());
          } else {
            // A run was due: nothing was known, it had expired, or it had to go.
            if (maxSize === Infinity) expect(known === undefined || known.expiresAt <= Date.now()).toBe(true);
            kept.set(text, { run, expiresAt: Date.now() + ttl });
          }
        }
        expect(remembered.stats().size).toBeLessThanOrEqual(maxSize);
      }
      const { hits, misses, loads } = remembered.stats();
      expect(loads).toBe(run);
      expect(misses).toBe(run);
      if (maxSize > 0) expect(hits).toBeGreaterThan(0);
    }
  }, 30_000);
});

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('the handle of a memoized function', () => {
  it('removes one result, or all', () => {
    let runs = 0;
    const count = memoize((...args: number[]) => [runs++, ...args]);
    count();
    count(1);
    count(1, 2);
    expect(count.invalidate(1)).toBe(true);
    expect(count.invalidate(1)).toBe(false);
    expect(count.invalidate()).toBe(true);
    expect(count.has(1, 2)).toBe(true);
    expect(count.stats().size).toBe(1);
    count.clear();
    expect(count.has(1, 2)).toBe(false);
    count();
    expect(runs).toBe(4);
  });

  it('looks without running, and without a trace', () => {
    const double = memoize((value: number) => value * 2, { ttl: '1h' });
    expect(double.peek(1)).toBeUndefined();
    expect(double.has(1)).toBe(false);
    expect(double.inspect(1)).toBeUndefined();
    double(1);
    const before = double.stats();
    expect(double.peek(1)).toBe(2);
    expect(double.has(1)).toBe(true);
    expect(double.stats()).toEqual(before);
  });

  it('tells the value of a promise, not the promise, and nothing before it is there', async () => {
    const load = memoize(async (value: number) => ({ value }));
    const call = load(1);
    expect(load.peek(1)).toBeUndefined();
    expect(load.has(1)).toBe(false);
    const value = await call;
    expect(load.peek(1)).toBe(value);
    expect(load.has(1)).toBe(true);
  });

  it('puts a value in the form in which the function returns it', async () => {
    const load = memoize(async (value: number) => value);
    load.set([1], 5);
    expect(load(1)).toBeInstanceOf(Promise);
    expect(await load(1)).toBe(5);
    expect(load.peek(1)).toBe(5);
    const double = memoize((value: number) => value * 2);
    double.set([1], 5);
    expect(double(1)).toBe(5);
    expect(() => double.set(1 as never, 5)).toThrow(TypeError);
  });

  it('tells what it knows of a result', () => {
    jest.useFakeTimers({ now: 1_000 });
    const load = memoize(
      function load(_id: string) {
        return 1;
      },
      { ttl: '1m' },
    );
    const forever = memoize(function forever(_id: string) {
      return 1;
    });
    load('42');
    for (let id = 0; id < 200; id++) forever(`${id}`);
    jest.setSystemTime(11_000);
    expect(load.inspect('42')).toEqual({
      key: 'load("42")',
      status: 'fresh',
      age: 10_000,
      expiresIn: 50_000,
      staleFor: 0,
      tags: [],
      tier: 'memory',
    });
    expect(forever.inspect('42')).toMatchObject({ age: 10_000, expiresIn: Infinity });
    forever.refresh('42');
    expect(forever.inspect('42')).toMatchObject({ age: 0 });
    expect(forever.inspect('43')).toMatchObject({ age: 10_000 });
    jest.setSystemTime(61_000);
    expect(load.inspect('42')).toBeUndefined();
  });

  it('writes the key as text', () => {
    const load = memoize(function load(..._args: unknown[]) {
      return 1;
    });
    expect(load.keyOf()).toBe('load()');
    expect(load.keyOf('42', { b: 1, a: [2n] })).toBe('load("42",{"a":[2n],"b":1})');
    const byId = memoize(
      function byId(_user: { id: number }) {
        return 1;
      },
      { key: (user) => user.id },
    );
    expect(byId.keyOf({ id: 7 })).toBe('byId(7)');
  });

  it('counts', () => {
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const slow = memoize((value: number) => {
      now += 20;
      if (value < 0) throw new Error('no');
      return value;
    });
    expect(slow.stats()).toEqual({
      hits: 0,
      misses: 0,
      stale: 0,
      coalesced: 0,
      bypass: 0,
      loads: 0,
      errors: 0,
      evictions: 0,
      size: 0,
      hitRatio: 0,
      loadTime: 0,
      timeSaved: 0,
    });
    for (const value of [1, 1, 1, 2]) slow(value);
    expect(() => slow(-1)).toThrow();
    expect(slow.stats()).toMatchObject({
      hits: 2,
      misses: 3,
      loads: 3,
      errors: 1,
      size: 2,
      hitRatio: 0.4,
      loadTime: 20,
      timeSaved: 40,
    });
    slow.clear();
    expect(slow.stats()).toMatchObject({ hits: 2, misses: 3, size: 0 });
    clock.mockRestore();
  });

  it('holds the function underneath, and hides nothing of it', () => {
    const load = (id: string): string => id;
    expect(memoize(load).original).toBe(load);
    expect(Object.keys(memoize(load))).toEqual([]);
    expect(() => memoize(Object.assign((id: string) => id, { peek: 1 }))).toThrow(/peek/);
    expect(memoize(Object.assign((id: string) => id, { on: 1 })).on).toBe(1);
  });
});
