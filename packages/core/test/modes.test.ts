import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CacheMode,
  cached,
  closeAllCaches,
  createCache,
  memoize,
  OptionError,
  RepriseError,
  withCacheMode,
} from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { holdRuns, runOf, settle, until } from './deferred.ts';
import { homeOn, homes, sharedHomes } from './homes.ts';
import { program } from './program.ts';
import { asyncMemory } from './store-kinds.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

const notCached = expect.objectContaining({ code: 'E_NOT_CACHED' });

describe.each(homes)('a mode, in %s', (_kind, makeHome) => {
  function counting(options: object = {}) {
    const home = makeHome();
    let runs = 0;
    const user = home.wrap(async (id: string) => `${id}${++runs}`, options);
    return { ...home, user, runs: () => runs };
  }

  it('default is as if there were none', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    expect(await withCacheMode('default', () => user('a'))).toBe('a1');
  });

  it.each(['reload', 'no-cache'] as const)('%s runs anew each time, and stores', async (mode) => {
    const { user } = counting();
    await user('a');
    await settle();
    expect(await withCacheMode(mode, async () => [await user('a'), await user('a')])).toEqual(['a2', 'a3']);
    expect(await user('a')).toBe('a3');
    const { hits, misses, loads } = user.stats();
    expect([hits, misses, loads]).toEqual([1, 3, 3]);
  });

  it('no-store neither reads nor stores', async () => {
    const { user } = counting();
    expect(await withCacheMode('no-store', () => user('a'))).toBe('a1');
    expect(await user.has('a')).toBe(false);
    expect(await user('a')).toBe('a2');
    expect(await withCacheMode('no-store', () => user('a'))).toBe('a3');
    await settle();
    expect(await user('a')).toBe('a2');
    expect(user.stats()).toMatchObject({ bypass: 2, misses: 1, hits: 1 });
  });

  it('force-cache takes what is fresh, else runs and stores', async () => {
    const { user } = counting();
    expect(await withCacheMode('force-cache', () => user('a'))).toBe('a1');
    await settle();
    expect(await withCacheMode('force-cache', () => user('a'))).toBe('a1');
    expect(user.stats()).toMatchObject({ misses: 1, hits: 1, loads: 1 });
  });

  it('only-if-cached takes what is fresh, else fails and runs nothing', async () => {
    const { user, runs } = counting();
    await expect(withCacheMode('only-if-cached', () => user('a'))).rejects.toEqual(notCached);
    await expect(withCacheMode('only-if-cached', () => user('a'))).rejects.toBeInstanceOf(RepriseError);
    expect([runs(), user.stats().misses]).toEqual([0, 2]);
    await user('a');
    await settle();
    expect(await withCacheMode('only-if-cached', () => user('a'))).toBe('a1');
  });

  it('only-if-cached does not wait for a run under way', async () => {
    const load = holdRuns<[], string>();
    const user = makeHome().wrap(load);
    const first = user();
    await runOf(load, 0);
    await expect(withCacheMode('only-if-cached', async () => user())).rejects.toEqual(notCached);
    (await runOf(load, 0)).resolve('a');
    expect(await first).toBe('a');
  });

  it('no-cache and force-cache join a run under way, reload and no-store begin one of their own', async () => {
    for (const [mode, runs] of [
      ['no-cache', 1],
      ['force-cache', 1],
      ['reload', 2],
      ['no-store', 2],
    ] as const) {
      const load = holdRuns<[], number>();
      const user = makeHome().wrap(load);
      const first = user();
      await runOf(load, 0);
      const second = withCacheMode(mode, () => user());
      if (runs === 2) await runOf(load, 1);
      else await until(() => user.stats().coalesced === 1);
      load.runs.forEach((run, index) => {
        run.resolve(index);
      });
      expect([await first, await second, load.runs.length]).toEqual([0, runs - 1, runs]);
      await settle();
      // The newest one that may be stored is.
      expect(await user.peek()).toBe(mode === 'reload' ? 1 : 0);
    }
  });

  it('no-cache is not content with what a look under way finds', async () => {
    let runs = 0;
    const user = makeHome().wrap(async () => ++runs);
    await user();
    await settle();
    expect(await Promise.all([user(), withCacheMode('no-cache', () => user())])).toEqual([1, 2]);
    expect(runs).toBe(2);
    // The look that it waited for is no hit of its own.
    expect(user.stats()).toMatchObject({ hits: 1, misses: 2, coalesced: 0 });
  });

  it.each(['reload', 'no-cache'] as const)(
    '%s does not keep others from what is there, whatever comes of it',
    async (mode) => {
      const load = holdRuns<[], string>();
      const user = makeHome().wrap(load);
      await user.set([], 'primed');
      await settle();
      const anew = withCacheMode(mode, () => user());
      const run = await runOf(load, 0);
      const other = user();
      await settle();
      run.reject(new Error('down'));
      await expect(anew).rejects.toThrow('down');
      expect(await other).toBe('primed');
    },
  );

  it('that runs anew and fails leaves the entry', async () => {
    let fails = false;
    const user = makeHome().wrap(async () => {
      if (fails) throw new Error('down');
      return 1;
    });
    await user();
    await settle();
    fails = true;
    await expect(withCacheMode('reload', () => user())).rejects.toThrow('down');
    expect(await user()).toBe(1);
  });

  it('reaches the calls of what is run in it, at any depth of await', async () => {
    const { user } = counting();
    const { wrap } = makeHome();
    const page = wrap(async (id: string) => {
      await sleep(1);
      return Promise.all([(async () => (await sleep(1)) ?? user(id))()]);
    });
    await page('a');
    await settle();
    expect(await withCacheMode('reload', () => page('a'))).toEqual(['a2']);
    await settle();
    expect(await withCacheMode('no-store', () => page('a'))).toEqual(['a3']);
    expect(await page('a')).toEqual(['a2']);
  });

  it('is the innermost one', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    const answers = await withCacheMode('reload', async () => [
      await withCacheMode('default', () => user('a')),
      await withCacheMode('only-if-cached', async () => withCacheMode('no-store', () => user('a'))),
      await user('a'),
    ]);
    expect(answers).toEqual(['a1', 'a2', 'a3']);
  });

  it('is one flow’s own: what goes on beside it is not in it', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    const inMode = withCacheMode('no-store', async () => {
      await sleep(5);
      return user('a');
    });
    expect(await user('a')).toBe('a1');
    await sleep(1);
    expect(await user('a')).toBe('a1');
    expect(await inMode).toBe('a2');
  });

  it('stays with the runs that began in it, though its body has returned', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    const page = makeHome().wrap(async () => {
      await sleep(2);
      return user('a');
    });
    const [answer] = withCacheMode('reload', () => [page()]);
    expect(await answer).toBe('a2');
  });

  it('is over for what goes on by itself when its body has returned, whoever else is in a mode', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    let answer: Promise<string> | undefined;
    withCacheMode('no-store', () => {
      setTimeout(() => {
        answer = user('a');
      }, 2);
    });
    await withCacheMode('reload', () => sleep(10));
    expect(await answer).toBe('a1');
  });

  it('falls back to the one around it when it is over', async () => {
    const { user } = counting();
    await user('a');
    await settle();
    let late: Promise<string> | undefined;
    await withCacheMode('reload', async () => {
      withCacheMode('no-store', () => {
        setTimeout(() => {
          late = user('a');
        }, 2);
      });
      await sleep(10);
      await late;
    });
    await settle();
    // In reload, so it was stored.
    expect([await late, await user('a')]).toEqual(['a2', 'a2']);
  });

  it('does not let handles do otherwise: refresh stores, peek reads', async () => {
    const { user } = counting();
    await withCacheMode('no-store', async () => {
      await user.refresh('a');
      await settle();
      expect(await user.peek('a')).toBe('a1');
    });
    expect(await user('a')).toBe('a1');
  });

  it('is not known to memoize, but passes through it', async () => {
    const { user } = counting();
    const page = memoize(async () => user('a'));
    expect(await withCacheMode('reload', async () => [await page(), await page()])).toEqual(['a1', 'a1']);
    await settle();
    page.clear();
    expect(await withCacheMode('reload', () => page())).toBe('a2');
  });
});

describe.each(sharedHomes)('a mode and what is past its ttl, in %s', (_kind, makeHome) => {
  function stale(options: object) {
    const home = makeHome();
    let runs = 0;
    const user = home.wrap(async () => ++runs, { ttl: 1_000, ...options });
    const makeStale = async () => {
      await user();
      await settle();
      home.clock.advance(1_000);
    };
    return { ...home, user, runs: () => runs, makeStale };
  }

  it.each([{ staleWhileRevalidate: '1h' }, { staleIfError: '1h' }])(
    'force-cache and only-if-cached take it in a window of %o, and run nothing behind it',
    async (window) => {
      const { user, runs, makeStale } = stale(window);
      await makeStale();
      expect(await withCacheMode('force-cache', () => user())).toBe(1);
      expect(await withCacheMode('only-if-cached', () => user())).toBe(1);
      await settle();
      expect([runs(), user.stats().stale]).toEqual([1, 2]);
    },
  );

  it('force-cache runs, only-if-cached fails, where there is no window', async () => {
    const { user, makeStale } = stale({});
    await makeStale();
    await expect(withCacheMode('only-if-cached', async () => user())).rejects.toEqual(notCached);
    expect(await withCacheMode('force-cache', () => user())).toBe(2);
  });

  it.each(['reload', 'no-cache'] as const)('%s does not answer it where the run fails', async (mode) => {
    const { wrap, clock } = makeHome();
    let fails = false;
    const user = wrap(
      async () => {
        if (fails) throw new Error('down');
        return 1;
      },
      { ttl: 1_000, staleIfError: '1h' },
    );
    await user();
    await settle();
    clock.advance(1_000);
    fails = true;
    await expect(withCacheMode(mode, () => user())).rejects.toThrow('down');
    expect(await user()).toBe(1);
  });

  it('never reaches a run behind an answer, nor what that calls', async () => {
    const { wrap, clock } = makeHome();
    let reads = 0;
    const inner = wrap(async () => ++reads);
    const outer = wrap(async () => inner(), { ttl: 1_000, staleWhileRevalidate: '1h' });
    await outer();
    await settle();
    clock.advance(1_000);
    expect(await withCacheMode('reload', () => withCacheMode('default', () => outer()))).toBe(1);
    await until(() => outer.stats().loads === 2);
    for (let turn = 0; turn < 10; turn++) await settle();
    expect([reads, outer.stats().loads]).toEqual([1, 2]);
  });

  it('tells events with the keys that people know', async () => {
    const { user, cache, makeStale } = stale({ staleWhileRevalidate: '1h' });
    const keys: unknown[] = [];
    for (const type of ['hit', 'stale', 'miss'] as const) cache.on(type, ({ key }) => keys.push(key));
    await withCacheMode('only-if-cached', async () => user()).catch(() => {});
    await user();
    await settle();
    await withCacheMode('force-cache', () => user());
    await makeStale();
    await withCacheMode('force-cache', () => user());
    expect(new Set(keys)).toEqual(new Set([user.keyOf()]));
    expect(keys).toHaveLength(5);
  });
});

describe.each(sharedHomes)('a mode of getOrSet, in %s', (_kind, makeHome) => {
  it('is obeyed', async () => {
    const { cache } = makeHome();
    let runs = 0;
    const load = async () => ++runs;
    const ask = () => cache.getOrSet('k', load);
    await expect(withCacheMode('only-if-cached', async () => ask())).rejects.toEqual(notCached);
    expect(await withCacheMode('no-store', ask)).toBe(1);
    expect(await ask()).toBe(2);
    await settle();
    expect(await withCacheMode('reload', ask)).toBe(3);
    await settle();
    expect(await withCacheMode('force-cache', ask)).toBe(3);
  });
});

describe('a mode', () => {
  it('answers what its body answers, at once where that is no promise', () => {
    let runs = 0;
    const rate = cached(() => ++runs);
    expect([rate(), withCacheMode('reload', () => rate()), rate()]).toEqual([1, 2, 2]);
    expect(withCacheMode('reload', () => undefined)).toBeUndefined();
  });

  it('is left when its body throws', () => {
    let runs = 0;
    const rate = cached(() => ++runs);
    rate();
    expect(() =>
      withCacheMode('no-store', () => {
        throw new Error('trap');
      }),
    ).toThrow('trap');
    expect(rate()).toBe(1);
  });

  it('throws what a synchronous function cannot answer', () => {
    const rate = cached((currency: string) => currency, { name: 'rate' });
    expect(() => withCacheMode('only-if-cached', () => rate('EUR'))).toThrow(/rate.*"EUR".*only-if-cached/s);
  });

  it('asks a lazy thenable once', async () => {
    let asked = 0;
    const lazy = {
      // biome-ignore lint/suspicious/noThenProperty: as query builders are
      then(resolve: (value: number) => void) {
        resolve(++asked);
      },
    };
    expect(await withCacheMode('reload', () => lazy)).toBe(1);
    expect(asked).toBe(1);
  });

  it('does not swallow a rejection that nobody handles', async () => {
    const told = await program(`
      import { withCacheMode } from '@reprise/core';
      process.on('unhandledRejection', (error) => console.log(error.message));
      withCacheMode('reload', async () => { throw new Error('unheard'); });
    `);
    expect(told).toBe('unheard');
  }, 30_000);

  it('that is unknown, or has no body, is refused', () => {
    expect(() => withCacheMode('no-cash' as CacheMode, () => 1)).toThrow(OptionError);
    expect(() => withCacheMode('reload', 5 as never)).toThrow(OptionError);
  });

  it.each([
    ['a synchronous store', () => chaosStore(memoryStore())],
    ['an asynchronous store', () => chaosStore(asyncMemory())],
  ])('that ran anew leaves no older value where %s could not take the newer one', async (_kind, makeStore) => {
    const store = makeStore();
    const { wrap } = homeOn(store as never);
    let runs = 0;
    const user = wrap(async () => ++runs);
    await user();
    await settle();
    store.plan({ set: ['reject'] });
    expect(await withCacheMode('reload', () => user())).toBe(2);
    await settle();
    expect(await user()).toBe(3);
  });

  it('costs nothing when it is over: the storage of contexts is given back', async () => {
    const disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
    const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
    const user = cached(async (id: string) => id);
    await withCacheMode('reload', async () => user('a'));
    const [unawaited] = withCacheMode('reload', () => [user('a')]);
    await unawaited;
    await settle();
    expect(disable).toHaveBeenCalled();
    disable.mockClear();
    run.mockClear();
    await user('a');
    await settle();
    expect([run.mock.calls.length, disable.mock.calls.length]).toEqual([0, 0]);
    disable.mockRestore();
    run.mockRestore();
  });

  it('reaches a cache that is found by name', async () => {
    createCache({ name: 'named' });
    let runs = 0;
    const user = cached(async () => ++runs, { cache: 'named' });
    await user();
    expect(await withCacheMode('reload', () => user())).toBe(2);
  });
});

it('rejects a getOrSet of an async loader that finds nothing, and does not throw', async () => {
  const cache = createCache({ name: 'only' });
  const answer = withCacheMode('only-if-cached', () => cache.getOrSet('k', async () => 1));
  await expect(answer).rejects.toMatchObject({ code: 'E_NOT_CACHED' });
  await cache.close();
});
