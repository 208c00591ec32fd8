import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { memoize } from '../src/memoize.ts';
import { defer, settle } from './deferred.ts';

afterEach(() => {
  jest.useRealTimers();
});

const onDist = process.env['REPRISE_TEST_DIST'] === '1';
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program in a process of its own: on the sources, or on what was built where that is tested. */
async function program(code: string): Promise<string> {
  const loader = pathToFileURL(join(root, 'scripts/source-loader.mjs')).href;
  const flags = onDist ? [] : ['-C', '@reprise/source', '--import', loader];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', code], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    timeout: 20_000,
  });
  return stdout;
}

/** A memoized asynchronous function whose runs are ended by hand, oldest first. */
function manual(options: object = {}) {
  const runs: { key: unknown; resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  const load = memoize(async (key: unknown) => {
    const { promise, resolve, reject } = defer<unknown>();
    runs.push({ key, resolve, reject });
    return promise;
  }, options);
  return { load, runs };
}

describe('memoize of an asynchronous function', () => {
  it('makes one run for fifty concurrent calls, and one for each key', async () => {
    const { load, runs } = manual();
    const calls = Array.from({ length: 50 }, () => load('a'));
    const other = load('b');
    expect(runs.map(({ key }) => key)).toEqual(['a', 'b']);
    const value = {};
    runs[0]?.resolve(value);
    runs[1]?.resolve(2);
    for (const result of await Promise.all(calls)) expect(result).toBe(value);
    expect(await other).toBe(2);
    expect(load.stats()).toMatchObject({ misses: 2, coalesced: 49, hits: 0, loads: 2, size: 2 });
  });

  it('shares no iterator among those that join, whatever came before it', async () => {
    const { load, runs } = manual();
    const before = load('a');
    runs[0]?.resolve({});
    await before;
    const calls = [load('b'), load('b')];
    const [one, other] = [[1].values(), [2].values()];
    runs[1]?.resolve(one as never);
    expect(await calls[0]).toBe(one);
    runs[2]?.resolve(other as never);
    expect(await calls[1]).toBe(other);
  });

  it('answers hits with one and the same promise', async () => {
    const { load, runs } = manual();
    const first = load('a');
    runs[0]?.resolve(1);
    await first;
    expect(load('a')).toBe(first);
    expect(load('a')).toBe(first);
    expect(load.stats()).toMatchObject({ hits: 2, misses: 1 });
  });

  it('gives a failure to all that wait for it, and does not remember it', async () => {
    const { load, runs } = manual();
    const calls = Array.from({ length: 50 }, () => load('a'));
    const error = new Error('no');
    runs[0]?.reject(error);
    const reasons = (await Promise.allSettled(calls)).map((result) => (result as PromiseRejectedResult).reason);
    expect(new Set(reasons)).toEqual(new Set([error]));
    expect(load.has('a')).toBe(false);
    const again = load('a');
    runs[1]?.resolve(1);
    expect(await again).toBe(1);
    expect(load.stats()).toMatchObject({ errors: 1, loads: 2, misses: 2, size: 1 });
  });

  it('neither makes nor swallows an unhandled rejection', async () => {
    // Jest has listeners of its own, so this is told by a process of its own.
    const told = await program(`
      import { memoize } from '@reprise/core';
      const unhandled = [];
      process.on('unhandledRejection', (reason) => unhandled.push(reason));
      const fail = memoize(async (reason) => { throw reason; });
      const outer = memoize(async (reason) => fail(reason));
      fail('ignored');
      fail('handled').catch(() => {});
      outer('through another').catch(() => {});
      memoize(async () => { fail('ignored inside'); })();
      setTimeout(() => console.log(JSON.stringify(unhandled)), 20);
    `);
    expect(JSON.parse(told)).toEqual(['ignored', 'ignored inside']);
  });

  it('keeps what a plain function promises, and a thenable, as a promise', async () => {
    let runs = 0;
    const promising = memoize((value: number) => {
      runs++;
      return Promise.resolve(value);
    });
    const [one, two] = [promising(1), promising(1)];
    expect(await one).toBe(1);
    expect(await two).toBe(1);
    expect(runs).toBe(1);
    expect(promising.peek(1)).toBe(1);
    let thens = 0;
    const lazy = memoize((value: number) => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then(resolve: (value: number) => void) {
        thens++;
        resolve(value);
      },
    }));
    expect(await lazy(1)).toBe(1);
    expect(await lazy(1)).toBe(1);
    expect(await lazy(1)).toBe(1);
    expect(thens).toBe(1);
  });

  it('takes either form of result from a function that returns both', async () => {
    const mixed = memoize((value: number) => (value % 2 === 0 ? value : Promise.resolve(value)));
    expect(mixed(2)).toBe(2);
    const odd = mixed(1);
    expect(odd).toBeInstanceOf(Promise);
    expect(await odd).toBe(1);
    expect(mixed(2)).toBe(2);
    expect(mixed(1)).toBe(odd);
    expect(mixed(4)).toBe(4);
    const [one, two] = [mixed(3), mixed(3)];
    expect([await one, await two]).toEqual([3, 3]);
    expect(mixed.stats()).toMatchObject({ loads: 4 });
  });

  it('counts a ttl from when the promise was fulfilled', async () => {
    jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { load, runs } = manual({ ttl: 1_000 });
    const first = load('a');
    jest.setSystemTime(5_000);
    // However long it takes, it is one run.
    const second = load('a');
    runs[0]?.resolve({});
    const value = await first;
    expect(await second).toBe(value);
    jest.setSystemTime(5_999);
    expect(await load('a')).toBe(value);
    jest.setSystemTime(6_000);
    load('a');
    expect(runs).toHaveLength(2);
  });

  it.each([{ ttl: 0 }, { maxSize: 0 }])(
    'stores nothing but makes one run for concurrent calls: %p',
    async (options) => {
      const { load, runs } = manual(options);
      const calls = [load('a'), load('a')];
      expect(runs).toHaveLength(1);
      runs[0]?.resolve(1);
      expect(await Promise.all(calls)).toEqual([1, 1]);
      load('a');
      expect(runs).toHaveLength(2);
      expect(load.stats().size).toBe(0);
    },
  );

  describe('fences', () => {
    const voids: [string, (load: ReturnType<typeof manual>['load']) => unknown][] = [
      ['invalidate', (load) => load.invalidate('a')],
      ['clear', (load) => load.clear()],
    ];

    it.each(voids)('keeps out what began before %s, and lets a later call run for itself', async (_, voidRun) => {
      const { load, runs } = manual();
      const before = load('a');
      voidRun(load);
      const after = load('a');
      expect(runs).toHaveLength(2);
      runs[1]?.resolve('new');
      expect(await after).toBe('new');
      runs[0]?.resolve('old');
      expect(await before).toBe('old');
      expect(load.peek('a')).toBe('new');
    });

    it.each(voids)('stores nothing of a run that settles after %s', async (_, voidRun) => {
      const { load, runs } = manual();
      const before = load('a');
      voidRun(load);
      runs[0]?.resolve('old');
      expect(await before).toBe('old');
      expect(load.has('a')).toBe(false);
    });

    it('lets a value that was set win over the run before, and not over the run after', async () => {
      const { load, runs } = manual();
      const before = load('a');
      load.set(['a'], 'set');
      expect(await load('a')).toBe('set');
      runs[0]?.resolve('old');
      expect(await before).toBe('old');
      expect(load.peek('a')).toBe('set');
      const refreshed = load.refresh('a');
      runs[1]?.resolve('new');
      await refreshed;
      expect(load.peek('a')).toBe('new');
    });

    it('concerns only the call that was invalidated', async () => {
      const { load, runs } = manual();
      const call = load('a');
      load.invalidate('b');
      load.set(['c'], 1);
      runs[0]?.resolve('kept');
      await call;
      expect(load.peek('a')).toBe('kept');
    });

    it('holds for a synchronous run that invalidates its own call, and for no other', () => {
      const remembered = memoize((key: string, voided: string): object => {
        if (voided === '*') remembered.clear();
        else remembered.invalidate(voided, voided);
        remembered.set(['by the way', key], {});
        return {};
      });
      remembered('a', 'a');
      expect(remembered.has('a', 'a')).toBe(false);
      remembered('a', 'b');
      expect(remembered.has('a', 'b')).toBe(true);
      remembered('a', '*');
      expect(remembered.has('a', '*')).toBe(false);
      expect(remembered.has('by the way', 'a')).toBe(true);
    });

    it('lets a value that a run sets for its own call win over what it returns', () => {
      const remembered = memoize((key: string): string => {
        remembered.set([key], 'set');
        return 'returned';
      });
      expect(remembered('a')).toBe('returned');
      expect(remembered('a')).toBe('set');
    });
  });

  describe('refresh', () => {
    it('answers with the old entry meanwhile, and with the new one afterwards', async () => {
      const { load, runs } = manual();
      const first = load('a');
      runs[0]?.resolve('old');
      await first;
      const refreshed = load.refresh('a');
      expect(await load('a')).toBe('old');
      runs[1]?.resolve('new');
      expect(await refreshed).toBe('new');
      expect(await load('a')).toBe('new');
      expect(runs).toHaveLength(2);
      expect(load.stats()).toMatchObject({ loads: 2, misses: 1, hits: 2 });
    });

    it('rejects with the failure and keeps the old entry', async () => {
      const { load, runs } = manual();
      const first = load('a');
      runs[0]?.resolve('old');
      await first;
      const refreshed = load.refresh('a');
      runs[1]?.reject(new Error('no'));
      await expect(refreshed).rejects.toThrow('no');
      expect(await load('a')).toBe('old');
    });

    it('is the run to join where there is no entry, and the newer one wins whatever the order', async () => {
      const { load, runs } = manual();
      const first = load('a');
      const refreshed = load.refresh('a');
      const joined = load('a');
      expect(runs).toHaveLength(2);
      runs[1]?.resolve('new');
      expect(await joined).toBe('new');
      expect(await refreshed).toBe('new');
      runs[0]?.resolve('old');
      expect(await first).toBe('old');
      expect(load.peek('a')).toBe('new');
    });

    it('is joined by a call that finds the old entry expired', async () => {
      jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
      const { load, runs } = manual({ ttl: 1_000 });
      const first = load('a');
      runs[0]?.resolve('old');
      await first;
      const refreshed = load.refresh('a');
      jest.setSystemTime(1_000);
      const call = load('a');
      expect(runs).toHaveLength(2);
      runs[1]?.resolve('new');
      expect(await call).toBe('new');
      expect(await refreshed).toBe('new');
      expect(load.peek('a')).toBe('new');
    });

    it('replaces the result of a synchronous function, and keeps it where it throws', () => {
      let runs = 0;
      const remembered = memoize((_key: string) => {
        if (runs === 2) throw new Error('no');
        return ++runs;
      });
      expect(remembered('a')).toBe(1);
      expect(remembered.refresh('a')).toBe(2);
      expect(remembered('a')).toBe(2);
      expect(() => remembered.refresh('a')).toThrow('no');
      expect(remembered('a')).toBe(2);
    });
  });

  describe('that waits for itself', () => {
    it('runs directly, though the function was synchronous between two promises', async () => {
      let depth = 0;
      const find = memoize((n: number): unknown =>
        n === 0 ? 'at once' : settle().then(() => (++depth < 3 && n > 1 ? find(n) : 'found')),
      );
      expect(await find(1)).toBe('found');
      expect(find(0)).toBe('at once');
      depth = 0;
      expect(await find(2)).toBe('found');
    });

    it('is linear where it is recursive', async () => {
      let runs = 0;
      const fib = memoize(async (n: number): Promise<bigint> => {
        runs++;
        return n < 2 ? BigInt(n) : (await fib(n - 1)) + (await fib(n - 2));
      });
      expect(await fib(100)).toBe(354224848179261915075n);
      expect(runs).toBe(101);
      const both = memoize(async (n: number): Promise<bigint> => {
        if (n < 2) return BigInt(n);
        const [one, other] = await Promise.all([both(n - 1), both(n - 2)]);
        return one + other;
      });
      expect(await both(100)).toBe(354224848179261915075n);
      expect(both.stats().loads).toBe(101);
    });

    it.each([
      ['in its synchronous part', false],
      ['later', true],
    ])('runs directly on its own key %s', async (_, later) => {
      let depth = 0;
      const remembered = memoize(async (key: string): Promise<number> => {
        if (later) await null;
        return depth++ < 3 ? (await remembered(key)) + 1 : 0;
      });
      expect(await remembered('a')).toBe(3);
      expect(remembered.peek('a')).toBe(3);
      expect(depth).toBe(4);
    });

    it('runs directly through another function, A to B to A', async () => {
      const order: string[] = [];
      const a = memoize(async (depth: number): Promise<string> => {
        order.push('a');
        await null;
        return order.length > 5 ? 'end' : `a${await b(depth)}`;
      });
      const b = memoize(async (depth: number): Promise<string> => {
        order.push('b');
        await null;
        return `b${await a(depth)}`;
      });
      expect(await a(1)).toBe('abababend');
      expect(order.join('')).toBe('abababa');
    });

    it('runs directly where two runs wait for each other crosswise', async () => {
      const gate = defer<void>();
      let runs = 0;
      const visit = memoize(async (from: string, to: string): Promise<string> => {
        await gate.promise;
        return ++runs > 4 ? 'end' : `${from}${await visit(to, from)}`;
      });
      const calls = [visit('a', 'b'), visit('b', 'a')];
      gate.resolve();
      const [one, two] = await Promise.all(calls);
      expect(one).toMatch(/^(ab)+a?end$/);
      expect(two).toMatch(/^(ba)+b?end$/);
    });

    it('goes on waiting for a run that has nothing to do with it', async () => {
      const { load, runs } = manual();
      const outer = memoize(async (key: string) => load(key));
      const [one, two] = [outer('a'), load('a')];
      await settle();
      expect(runs).toHaveLength(1);
      runs[0]?.resolve(1);
      expect([await one, await two]).toEqual([1, 1]);
    });
  });

  it('makes no more runs than there are keys, over random calls and failures', async () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    let state = seed || 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return Math.floor((state / 0x8000_0000) * below);
    };
    const running = new Map<number, number>();
    const versions = new Map<number, number>();
    const pending: { key: number; settle(): void }[] = [];
    const load = memoize(
      async (key: number) => {
        const version = versions.get(key) ?? 0;
        expect(running.get(key) ?? -1).toBeLessThan(version);
        running.set(key, version);
        const { promise, resolve, reject } = defer<number>();
        const fails = random(5) === 0;
        pending.push({
          key,
          settle: () => {
            if (running.get(key) === version) running.delete(key);
            if (fails) reject(new Error('no'));
            else resolve(version);
          },
        });
        return promise;
      },
      { maxSize: 5 },
    );
    const answers: Promise<void>[] = [];
    try {
      for (let step = 0; step < 3_000; step++) {
        const key = random(8);
        const action = random(10);
        if (action < 6) {
          const asked = versions.get(key) ?? 0;
          // No answer is older than what was invalidated before the call.
          answers.push(
            load(key).then(
              (version) => expect(version).toBeGreaterThanOrEqual(asked),
              () => {},
            ),
          );
        } else if (action === 6) {
          load.invalidate(key);
          versions.set(key, (versions.get(key) ?? 0) + 1);
        } else {
          pending.splice(random(pending.length), 1)[0]?.settle();
          await settle();
        }
        expect(load.stats().size).toBeLessThanOrEqual(5);
      }
      for (const run of pending) run.settle();
      await Promise.all(answers);
    } catch (error) {
      throw new Error(`REPRISE_SEED=${seed}`, { cause: error });
    }
  }, 30_000);
});
