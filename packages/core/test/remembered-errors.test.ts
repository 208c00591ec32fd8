import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache, withCacheMode } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { holdRuns, runOf, settle } from './deferred.ts';
import { homeOn, makeFolder, sharedHomes } from './homes.ts';
import { tellStatuses } from './statuses.ts';
import { asyncMemory } from './store-kinds.ts';

afterEach(closeAllCaches);

class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

/** Fails with a new error at each run while `state.fails`. */
function flaky(status = 404) {
  const state = { runs: 0, fails: true, errors: [] as Error[] };
  const run = (): string => {
    state.runs++;
    if (!state.fails) return `value ${state.runs}`;
    const error = new HttpError(status);
    state.errors.push(error);
    throw error;
  };
  return { state, run, runLater: async () => run() };
}

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe.each(sharedHomes)('a remembered error in %s', (_kind, makeHome) => {
  it('answers for its own ttl, with name, message and fields of its own', async () => {
    const { wrap, clock } = makeHome();
    const { runLater, state } = flaky();
    const load = wrap(runLater, { ttl: '1h', cacheErrors: { ttl: 1_000 } });
    await errorOf(load);
    await settle();
    clock.advance(999);
    const again = await errorOf(load);
    expect(again).toBeInstanceOf(Error);
    expect({ ...(again as HttpError), message: (again as Error).message }).toMatchObject({
      name: 'HttpError',
      message: 'status 404',
      status: 404,
    });
    expect(state.runs).toBe(1);
    clock.advance(1);
    expect(await errorOf(load)).toBe(state.errors[1]);
    const { hits, misses, errors } = load.stats();
    expect({ hits, misses, errors }).toEqual({ hits: 1, misses: 2, errors: 2 });
  });

  it('is one that when lists; others reach the caller and are forgotten', async () => {
    const { wrap } = makeHome();
    const one = flaky(404);
    const other = flaky(500);
    const options = {
      cacheErrors: { ttl: 1_000, when: (error: unknown) => (error as HttpError).status === 404 },
    };
    const [listed, unlisted] = [wrap(one.runLater, options), wrap(other.runLater, options)];
    for (let call = 0; call < 3; call++) {
      await errorOf(listed);
      await errorOf(unlisted);
      await settle();
    }
    expect([one.state.runs, other.state.runs]).toEqual([1, 3]);
  });

  it('is none where when throws: the error reaches the caller, and one event tells', async () => {
    const { wrap } = makeHome();
    const { runLater, state } = flaky();
    const when = () => {
      throw new Error('when is broken');
    };
    const load = wrap(runLater, { cacheErrors: { ttl: 1_000, when } });
    const told: unknown[] = [];
    load.on('error', ({ error }) => told.push(error));
    const all = await Promise.allSettled([load(), load(), load()]);
    expect(new Set(all.map((each) => (each as PromiseRejectedResult).reason))).toEqual(new Set(state.errors));
    expect(told).toEqual([expect.objectContaining({ code: 'E_CALLBACK' })]);
    await settle();
    expect(await errorOf(load)).toBe(state.errors[1]);
  });

  it('of a hundred callers is one object, of one run', async () => {
    const { wrap } = makeHome();
    const held = holdRuns<[], string>();
    const load = wrap(held, { cacheErrors: { ttl: 1_000 } });
    const told = tellStatuses(load);
    const all = Promise.allSettled(Array.from({ length: 100 }, () => load()));
    const error = new HttpError(404);
    (await runOf(held, 0)).reject(error);
    expect(new Set((await all).map((each) => (each as PromiseRejectedResult).reason))).toEqual(new Set([error]));
    expect(held.runs).toHaveLength(1);
    expect(told.statuses()).toEqual(told.counted());
    expect(told.sum()).toBe(100);
  });

  it('is thrown by a synchronous function as it was', async () => {
    const { wrap } = makeHome();
    const { run, state } = flaky();
    const load = wrap(run, { cacheErrors: { ttl: 1_000 } });
    const first = await errorOf(load);
    await settle();
    const second = await errorOf(load);
    expect(first).toBe(state.errors[0]);
    expect(second).toMatchObject({ name: 'HttpError', message: 'status 404', status: 404 });
    expect(state.runs).toBe(1);
  });

  it('is no value: peek, has and refresh do not give it', async () => {
    const { wrap } = makeHome();
    const { runLater, state } = flaky();
    const load = wrap(runLater, { cacheErrors: { ttl: 1_000 } });
    await errorOf(load);
    await settle();
    expect([await load.peek(), await load.has()]).toEqual([undefined, false]);
    state.fails = false;
    expect(await load.refresh()).toBe('value 2');
    expect(await load()).toBe('value 2');
  });

  it('is not made where the function says no to what its cache says', async () => {
    const { clock, cache } = makeHome();
    cache.configure({ cacheErrors: { ttl: 1_000 } });
    const { state, runLater } = flaky();
    const [by, over] = [
      cached(runLater, { cache, name: 'by the cache' }),
      cached(runLater, { cache, name: 'over it', cacheErrors: false }),
    ];
    for (let call = 0; call < 2; call++) {
      await errorOf(by);
      await settle();
    }
    expect(state.runs).toBe(1);
    for (let call = 0; call < 2; call++) {
      await errorOf(over);
      await settle();
    }
    expect(state.runs).toBe(3);
    clock.advance(1);
  });

  it('never takes the place of a stale value that is still allowed, to other errors at least', async () => {
    const { wrap, clock } = makeHome();
    const { runLater, state } = flaky(404);
    state.fails = false;
    let status = 404;
    const load = wrap(async () => runLater().catch(() => Promise.reject(new HttpError(status))), {
      ttl: 1_000,
      staleIfError: { for: '1h', when: (error) => (error as HttpError).status === 500 },
      cacheErrors: { ttl: '1h' },
      retryAfter: 0,
    });
    await load();
    await settle();
    state.fails = true;
    clock.advance(1_000);
    expect(await errorOf(load)).toMatchObject({ status: 404 });
    await settle();
    expect(await errorOf(load)).toMatchObject({ status: 404 });
    await settle();
    expect(state.runs).toBe(3);
    status = 500;
    expect(await load()).toBe('value 1');
    clock.advance('1h');
    expect(await errorOf(load)).toMatchObject({ status: 500 });
    await settle();
    expect(await errorOf(load)).toMatchObject({ status: 500 });
    expect(state.runs).toBe(5);
  });

  it('does not take the place of an entry that a failed refresh was to renew', async () => {
    const { wrap, clock } = makeHome();
    const { runLater, state } = flaky();
    state.fails = false;
    const load = wrap(runLater, { ttl: 1_000, staleIfError: 1_000, cacheErrors: { ttl: '1h' }, retryAfter: 0 });
    await load();
    await settle();
    state.fails = true;
    await errorOf(() => load.refresh());
    await settle();
    expect(await load()).toBe('value 1');
    for (const mode of ['reload', 'no-cache'] as const) {
      await errorOf(() => withCacheMode(mode, () => load()));
      await settle();
      expect(await load()).toBe('value 1');
    }
    // Nor of one that is stale.
    clock.advance(1_000);
    await errorOf(() => load.refresh());
    await settle();
    expect(await load()).toBe('value 1');
    expect(load.stats()).toMatchObject({ hits: 3, stale: 1 });
  });

  it.each(['invalidate', 'clear', 'set', 'invalidateTags'] as const)(
    'answers no call after %s, made or in the making',
    async (verb) => {
      const { wrap, cache } = makeHome();
      const held = holdRuns<[], string>();
      const load = wrap(held, { cacheErrors: { ttl: '1h' }, tags: ['label'] });
      const takeAway = async () => {
        if (verb === 'invalidate') await load.invalidate();
        else if (verb === 'clear') await load.clear();
        else if (verb === 'set') await load.set([], 'set');
        else await cache.invalidateTags(['label']);
      };
      const early = errorOf(load);
      const run = await runOf(held, 0);
      await takeAway();
      run.reject(new HttpError(404));
      expect(await early).toMatchObject({ status: 404 });
      await settle();
      // In the making.
      if (verb === 'set') expect(await load()).toBe('set');
      else {
        const late = errorOf(load);
        (await runOf(held, 1)).reject(new HttpError(405));
        expect(await late).toMatchObject({ status: 405 });
        await settle();
        expect(await errorOf(load)).toMatchObject({ status: 405 });
        // Made.
        await takeAway();
        const last = load();
        (await runOf(held, 2)).resolve('value');
        expect(await last).toBe('value');
      }
    },
  );
});

describe('a remembered error', () => {
  it('is the same object at each hit in memory', async () => {
    const { runLater, run, state } = flaky();
    const later = cached(runLater, { cacheErrors: { ttl: 1_000 } });
    const errors = [await errorOf(later), await errorOf(later), await errorOf(later)];
    expect(new Set(errors)).toEqual(new Set([state.errors[0]]));
    const atOnce = cached(run, { cacheErrors: { ttl: 1_000 } });
    expect(() => atOnce()).toThrow(HttpError);
    expect(() => atOnce()).toThrow(state.errors[1]);
    expect(state.runs).toBe(2);
  });

  it('may be anything that can be thrown', async () => {
    for (const thrown of [undefined, null, 'text', 0, { status: 1 }]) {
      let runs = 0;
      const load = cached(
        async () => {
          runs++;
          throw thrown;
        },
        { cacheErrors: { ttl: 1_000 } },
      );
      const caught = () =>
        load().then(
          () => Promise.reject(new Error('it did not fail')),
          (error: unknown) => error,
        );
      expect([await caught(), await caught(), runs]).toEqual([thrown, thrown, 1]);
    }
  });

  it('is restored from disk by another process', async () => {
    const directory = makeFolder();
    const { runLater, state } = flaky();
    const open = () => {
      const cache = createCache({ name: 'kept errors', store: diskStore({ directory }) });
      return { cache, load: cached(runLater, { cache, name: 'load', cacheErrors: { ttl: '1h' } }) };
    };
    const first = open();
    await errorOf(first.load);
    await first.cache.close();
    const error = await errorOf(open().load);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'HttpError', message: 'status 404', status: 404 });
    expect(state.runs).toBe(1);
  });

  it.each([
    ['a synchronous store', () => chaosStore(memoryStore())],
    ['an asynchronous store', () => chaosStore(asyncMemory())],
  ])('does not take the place of a value in %s that could not be read', async (_kind, makeStore) => {
    const store = makeStore();
    const { wrap } = homeOn(store);
    const { runLater, state } = flaky();
    state.fails = false;
    const load = wrap(runLater, { ttl: '1h', cacheErrors: { ttl: '1h' } });
    load.on('error', () => {});
    await load();
    await settle();
    state.fails = true;
    store.plan({ get: 'reject' });
    await errorOf(load);
    await settle();
    store.heal();
    expect(await load()).toBe('value 1');
  });

  it('does not take the place of what another run has stored meanwhile', async () => {
    for (const [, makeHome] of sharedHomes.slice(0, 2)) {
      const { wrap } = makeHome();
      const held = holdRuns<[], string>();
      const load = wrap(held, { dedupe: false, cacheErrors: { ttl: '1h' } });
      const [older, newer] = [load(), errorOf(load)];
      held.runs[0]?.resolve('value');
      await older;
      held.runs[1]?.reject(new HttpError(404));
      await newer;
      expect(await load()).toBe('value');
    }
  });
});
