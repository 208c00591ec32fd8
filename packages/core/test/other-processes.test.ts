import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type AnyFunction, cached, cacheTag, closeAllCaches, createCache, withCacheMode } from '@reprise/core';
import type { Entry, Lease, Store } from '@reprise/store';
import { manualClock } from '@reprise/store-testkit';
import { defer, holdRuns, runOf, settle, until } from './deferred.ts';
import { asyncStoreOn, Ground, syncStoreOn } from './ground.ts';

/*
 * This process has a cache on a ground; another process is played by operations on the ground itself.
 */
let made = 0;
let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

const kinds: [kind: string, make: (ground: Ground) => Store][] = [
  ['a synchronous store', syncStoreOn],
  ['an asynchronous store', asyncStoreOn],
];

describe.each(kinds)('on %s that several processes share,', (_kind, makeStore) => {
  function open(options: object = {}) {
    const ground = new Ground();
    const clock = manualClock(Date.now());
    const name = `shop${++made}`;
    const cache = createCache({ name, store: makeStore(ground), clock });
    const load = holdRuns<[id: string], string>();
    const user = wrap(load);
    const key = `${name}/user("a")`;
    /** What another process computes and stores. */
    const store = (value: unknown, generation: number | string | undefined = ground.generation()): boolean => {
      const createdAt = clock.now();
      const expiresAt = createdAt + 60_000;
      const entry: Entry = { value, createdAt, expiresAt, staleUntil: expiresAt, promised: true };
      return ground.set(key, generation === undefined ? entry : { ...entry, generation });
    };
    function wrap<F extends AnyFunction>(fn: F, more: object = {}): F & { peek: AnyFunction; stats: AnyFunction } {
      return cached(fn, { name: 'user', cache, replace: true, ...options, ...more } as never) as never;
    }
    return { ground, clock, cache, load, user: user as typeof user & Record<string, AnyFunction>, wrap, key, store };
  }

  describe('an invalidation of another process', () => {
    const invalidations: [what: string, invalidate: (ground: Ground, key: string) => void][] = [
      ['of the key', (ground, key) => void ground.delete(key)],
      ['of all', (ground) => ground.clear()],
      ['of a beginning of the key', (ground, key) => ground.clear(key.slice(0, -3))],
      ['of a tag', (ground) => ground.invalidateTags(['users'])],
    ];

    it.each(invalidations)('%s keeps out the run that began before it', async (_what, invalidate) => {
      const { ground, load, user, key } = open({ tags: ['users'] });
      const old = user('a');
      const run = await runOf(load, 0);
      invalidate(ground, key);
      run.resolve('old');
      expect(await old).toBe('old');
      await settle();
      expect(ground.entries.get(key)).toBeUndefined();
      const newer = user('a');
      (await runOf(load, 1)).resolve('new');
      expect(await newer).toBe('new');
      await until(() => ground.entries.get(key)?.value === 'new');
    });

    const leases: [where: string, prepare: (ground: Ground) => unknown][] = [
      ['', () => {}],
      [', where no lease could be had', (ground) => ground.broken.add('lease')],
      [', where the store cannot tell', (ground) => ground.broken.add('isCurrent')],
    ];
    const cases = leases.flatMap(([where, prepare]) =>
      invalidations.map(([what, invalidate]) => [what, where, invalidate, prepare] as const),
    );

    it.each(cases)(
      '%s lets no later call join the run that began before it%s',
      async (_what, _where, invalidate, prepare) => {
        const { ground, load, user, key } = open({ tags: ['users'] });
        prepare(ground);
        const old = user('a');
        const run = await runOf(load, 0);
        invalidate(ground, key);
        const newer = user('a');
        (await runOf(load, 1)).resolve('new');
        expect(await newer).toBe('new');
        run.resolve('old');
        expect(await old).toBe('old');
        await settle();
        expect(ground.entries.get(key)?.value).toBe('new');
      },
    );

    it.each(['ends', 'fails'])('of a tag that is known when the run %s sends later calls on', async (how) => {
      const { ground, user: _user, wrap } = open();
      const load = holdRuns<[id: string], string>();
      const user = wrap(async (id: string) => {
        const answer = load(id);
        await settle();
        cacheTag('late');
        return answer;
      });
      const old = user('a');
      const run = await runOf(load, 0);
      ground.invalidateTags(['late']);
      const newer = user('a');
      await settle();
      await settle();
      if (how === 'ends') run.resolve('old');
      else run.reject(new Error('old'));
      (await runOf(load, 1)).resolve('new');
      if (how === 'ends') expect(await old).toBe('old');
      else await expect(old).rejects.toThrow('old');
      expect(await newer).toBe('new');
    });

    it('voids what this process has sent and the store has not taken yet', async () => {
      const { ground, load, user, key } = open();
      const first = user('a');
      const run = await runOf(load, 0);
      ground.delete(key);
      run.resolve('old');
      await first;
      // The write is under way; whether this call meets it or not, it is not answered with what it carries.
      const newer = user('a');
      (await runOf(load, 1)).resolve('new');
      expect(await newer).toBe('new');
    });

    it('of another key changes nothing', async () => {
      const { ground, load, user, key } = open();
      const first = user('a');
      const run = await runOf(load, 0);
      ground.delete(`${key}!`);
      ground.clear('elsewhere');
      ground.invalidateTags(['others']);
      const second = user('a');
      run.resolve('one');
      expect(await Promise.all([first, second])).toEqual(['one', 'one']);
      await until(() => ground.entries.get(key)?.value === 'one');
      expect(load.runs).toHaveLength(1);
    });

    it('keeps out a refresh that began before it', async () => {
      const { ground, load, user, key, store } = open();
      store('there');
      const refreshed = user['refresh']?.('a');
      const run = await runOf(load, 0);
      ground.delete(key);
      run.resolve('old');
      expect(await refreshed).toBe('old');
      await settle();
      expect(ground.entries.get(key)).toBeUndefined();
    });

    it('keeps out a run behind an answer that began before it', async () => {
      const { ground, clock, load, user, key, store } = open({ ttl: '1m', staleWhileRevalidate: '1h' });
      store('there');
      const there = ground.entries.get(key) as Entry;
      ground.entries.set(key, { ...there, staleUntil: there.expiresAt + 3_600_000 });
      clock.advance('2m');
      expect(await user('a')).toBe('there');
      const run = await runOf(load, 0);
      ground.delete(key);
      run.resolve('old');
      await settle();
      expect(ground.entries.get(key)).toBeUndefined();
    });

    it('is outlived by what this process sets after it', async () => {
      const { ground, user, key } = open();
      ground.delete(key);
      await user['set']?.(['a'], 'set');
      expect(ground.entries.get(key)?.value).toBe('set');
      expect(await user('a')).toBe('set');
    });
  });

  it('what this process sets keeps out the older run of another', async () => {
    const { ground, user, key, store } = open();
    const generation = ground.generation();
    await user['set']?.(['a'], 'set');
    expect(store('old', generation)).toBe(false);
    expect(ground.entries.get(key)?.value).toBe('set');
  });

  it('so do its invalidations', async () => {
    const { ground, cache, user, store } = open();
    const before = ground.generation();
    await user['invalidate']?.('a');
    expect(store('old', before)).toBe(false);
    const between = ground.generation();
    await cache.clear();
    expect(store('old', between)).toBe(false);
  });

  it('a store that cannot tell its counters keeps nothing, and no call suffers', async () => {
    const { ground, load, user, key } = open();
    ground.broken.add('generation').add('lease').add('isCurrent');
    const first = user('a');
    const second = user('a');
    (await runOf(load, 0)).resolve('one');
    expect(await Promise.all([first, second])).toEqual(['one', 'one']);
    await settle();
    expect(ground.entries.get(key)).toBeUndefined();
    ground.broken.clear();
    const third = user('a');
    (await runOf(load, 1)).resolve('two');
    expect(await third).toBe('two');
    await until(() => ground.entries.get(key)?.value === 'two');
  });

  describe('a lease', () => {
    const holds = (ground: Ground, key: string): Lease => ground.lease(key) as Lease;

    it('is held while the function runs, and given back when its result is stored', async () => {
      const { ground, load, user, key } = open();
      const answer = user('a');
      const run = await runOf(load, 0);
      expect(ground.leases.has(key)).toBe(true);
      run.resolve('one');
      await answer;
      await until(() => !ground.leases.has(key));
      expect(ground.entries.get(key)?.value).toBe('one');
    });

    it('is given back when the function fails, and when nothing is kept', async () => {
      const { ground, load, user, key, wrap } = open();
      const answer = user('a');
      (await runOf(load, 0)).reject(new Error('down'));
      await expect(answer).rejects.toThrow('down');
      await until(() => !ground.leases.has(key));
      const picky = wrap(async (id: string) => id, { cacheIf: () => false });
      await picky('a');
      await until(() => !ground.leases.has(key));
      expect(ground.entries.size).toBe(0);
    });

    it('of another process is waited for: its result answers all, and the function does not run', async () => {
      const { ground, load, user, key, store } = open();
      const lease = holds(ground, key);
      const answers = [user('a'), user('a')];
      await until(() => (ground.asked.get('lease') ?? 0) > 2);
      store('theirs', lease.generation);
      ground.release(lease);
      expect(await Promise.all(answers)).toEqual(['theirs', 'theirs']);
      expect(load.runs).toHaveLength(0);
      expect(user.stats()).toMatchObject({ hits: 2, misses: 0, loads: 0 });
      expect(ground.leases.size).toBe(0);
    });

    it('of another process that ends without a result lets the function run here', async () => {
      const { ground, load, user, key } = open();
      const lease = holds(ground, key);
      const answer = user('a');
      await until(() => (ground.asked.get('lease') ?? 0) > 2);
      expect(load.runs).toHaveLength(0);
      ground.release(lease);
      (await runOf(load, 0)).resolve('ours');
      expect(await answer).toBe('ours');
      await until(() => ground.entries.get(key)?.value === 'ours');
    });

    it('is looked behind: what was stored just before it was granted is the answer', async () => {
      const { ground, load, user, key, store } = open();
      const lease = holds(ground, key);
      const get = ground.get.bind(ground);
      let looks = 0;
      ground.get = (asked) => {
        const found = get(asked);
        // Between the look and the lease.
        if (++looks === 1) {
          store('theirs', lease.generation);
          ground.release(lease);
        }
        return found;
      };
      expect(await user('a')).toBe('theirs');
      expect(load.runs).toHaveLength(0);
    });

    it('is renewed while the run goes on', async () => {
      const { ground, load, user } = open();
      const answer = user('a');
      const run = await runOf(load, 0);
      await until(() => (ground.asked.get('renew') ?? 0) >= 3);
      run.resolve('one');
      await answer;
      await until(() => ground.leases.size === 0);
      const renewed = ground.asked.get('renew');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(ground.asked.get('renew')).toBe(renewed);
    });

    it('that lasts longer than a timer can is not renewed before its time', async () => {
      const { ground, load, user } = open();
      const lease = ground.lease.bind(ground);
      ground.lease = (key) => {
        const granted = lease(key);
        return granted && { ...granted, duration: 90 * 86_400_000 };
      };
      const answer = user('a');
      const run = await runOf(load, 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(ground.asked.get('renew')).toBeUndefined();
      run.resolve('one');
      expect(await answer).toBe('one');
    });

    it('is not waited for any longer when this process invalidates', async () => {
      const { ground, load, user, key } = open();
      holds(ground, key);
      const answer = user('a');
      await until(() => (ground.asked.get('lease') ?? 0) > 1);
      await user['invalidate']?.('a');
      (await runOf(load, 0)).resolve('ours');
      expect(await answer).toBe('ours');
    });

    it('is not asked for by those who want a run of their own', async () => {
      const { ground, load, user, key } = open();
      holds(ground, key);
      for (const [index, mode] of (['reload', 'no-cache', 'no-store'] as const).entries()) {
        const answer = withCacheMode(mode, () => user('a'));
        (await runOf(load, index)).resolve(mode);
        expect(await answer).toBe(mode);
      }
      const refreshed = user['refresh']?.('a');
      (await runOf(load, 3)).resolve('refreshed');
      expect(await refreshed).toBe('refreshed');
      expect(ground.asked.get('lease')).toBe(1);
    });

    if (makeStore === asyncStoreOn) {
      it('that is granted later than anybody waits for it is given back', async () => {
        const { ground, load, user } = open({ storeTimeout: 20 });
        const late = defer();
        const lease = ground.lease.bind(ground);
        let answered = false;
        ground.lease = ((key: string) => late.promise.then(() => lease(key)).finally(() => (answered = true))) as never;
        const answer = user('a');
        (await runOf(load, 0)).resolve('one');
        expect(await answer).toBe('one');
        late.resolve();
        await until(() => answered);
        await until(() => ground.leases.size === 0);
        expect(ground.entries.size).toBe(0);
      });
    }

    it('of another process keeps a run behind an answer from doubling', async () => {
      const { ground, clock, load, user, key, store } = open({ ttl: '1m', staleWhileRevalidate: '1h' });
      store('old');
      const there = ground.entries.get(key) as Entry;
      ground.entries.set(key, { ...there, staleUntil: there.expiresAt + 3_600_000 });
      clock.advance('2m');
      const lease = holds(ground, key);
      expect(await user('a')).toBe('old');
      await until(() => (ground.asked.get('lease') ?? 0) > 1);
      const looks = ground.asked.get('get') ?? 0;
      store('theirs', lease.generation);
      ground.release(lease);
      await until(() => (ground.asked.get('get') ?? 0) > looks);
      await settle();
      expect(await user('a')).toBe('theirs');
      expect(load.runs).toHaveLength(0);
    });

    it('is waited for five seconds by a run that others wait for, whose result is fenced as any other', async () => {
      const { ground, load, user, key, wrap } = open();
      holds(ground, key);
      const outer = wrap(async (id: string) => `outer ${await user(id)}`, { name: 'outer' });
      const answer = outer('a');
      while (load.runs.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const run = await runOf(load, 0);
      ground.delete(key);
      run.resolve('old');
      expect(await answer).toBe('outer old');
      await settle();
      expect(ground.entries.has(key)).toBe(false);
    }, 20_000);

    it('that nobody waits for any more is not asked for again', async () => {
      const { ground, key, wrap } = open();
      holds(ground, key);
      const controller = new AbortController();
      const runs: string[] = [];
      const user = wrap(
        async (id: string, _signal?: AbortSignal) => {
          runs.push(id);
          return id;
        },
        { signal: (_id: string, signal?: AbortSignal) => signal },
      );
      const answer = user('a', controller.signal);
      await until(() => (ground.asked.get('lease') ?? 0) > 1);
      controller.abort(new Error('left'));
      await expect(answer).rejects.toThrow('left');
      await new Promise((resolve) => setTimeout(resolve, 60));
      const asked = ground.asked.get('lease');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(ground.asked.get('lease')).toBe(asked);
      expect(runs).toEqual([]);
    });
  });
});
