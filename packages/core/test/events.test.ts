import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type CacheEvent, type CacheEventType, cached, closeAllCaches, createCache } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

const types: CacheEventType[] = [
  'hit',
  'miss',
  'stale',
  'coalesced',
  'bypass',
  'load',
  'store',
  'refresh',
  'evict',
  'expire',
  'invalidate',
  'error',
];

function record(source: { on(type: CacheEventType, listener: (event: CacheEvent) => void): () => void }) {
  const events: CacheEvent[] = [];
  const stops = types.map((type) => source.on(type, (event) => events.push(event)));
  return { events, stop: () => stops.map((stop) => stop()), types: () => events.map(({ type }) => type) };
}

describe.each(storeKinds)('the events in %s', (_kind, makeStore) => {
  function make(options: object = {}) {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'heard', store: makeStore(), clock });
    const load = holdRuns<[id: string], string>();
    const user = cached(load, { cache, name: 'user', ...options });
    const go = async (id: string) => {
      const answer = user(id);
      await settle();
      for (const held of load.runs) held.resolve(id);
      await answer;
      await settle();
    };
    return { clock, cache, load, user, go };
  }

  it('of a miss are miss, load and store, of a hit a hit, each with cache, name and key', async () => {
    const { user, go } = make();
    const heard = record(user);
    await go('1');
    await go('1');
    expect(heard.types()).toEqual(['miss', 'load', 'store', 'hit']);
    for (const event of heard.events) expect(event).toMatchObject({ cache: 'heard', name: 'user', key: 'user("1")' });
  });

  it('of a load say how long it took', async () => {
    const { user, go } = make();
    const { events } = record(user);
    await go('1');
    expect(events.find(({ type }) => type === 'load')?.duration).toBeGreaterThanOrEqual(0);
  });

  it('of joined calls are one coalesced each', async () => {
    const { user, load } = make();
    const heard = record(user);
    const all = Promise.all([user('1'), user('1'), user('1')]);
    await settle();
    load.runs[0]?.resolve('1');
    await all;
    expect(heard.types().filter((type) => type === 'coalesced')).toHaveLength(2);
  });

  it('of a failed run are a load with the error, and no store', async () => {
    const { user, load } = make();
    const heard = record(user);
    const failure = new Error('down');
    const answer = Promise.allSettled([user('1')]);
    await settle();
    load.runs[0]?.reject(failure);
    await answer;
    expect(heard.types()).toEqual(['miss', 'load']);
    expect(heard.events[1]?.error).toBe(failure);
  });

  it('of an invalidation are one invalidate with the key, of a clear one without', async () => {
    const { user, go } = make();
    await go('1');
    const heard = record(user);
    await user.invalidate('1');
    await user.clear();
    expect(heard.events).toEqual([
      { type: 'invalidate', cache: 'heard', name: 'user', key: 'user("1")' },
      { type: 'invalidate', cache: 'heard', name: 'user', key: undefined },
    ]);
  });

  it('of a refresh are a refresh, a load and a store', async () => {
    const { user, load } = make();
    const heard = record(user);
    const refreshed = user.refresh('1');
    await settle();
    load.runs[0]?.resolve('1');
    await refreshed;
    await settle();
    expect(heard.types()).toEqual(['refresh', 'load', 'store']);
  });

  it('of a bypassed call are a bypass', async () => {
    const { user, go } = make({ bypass: () => true });
    const heard = record(user);
    await go('1');
    expect(heard.types()).toEqual(['bypass']);
  });

  it('reach the listeners of the cache, of all its functions and its own keys', async () => {
    const { cache, go } = make();
    const heard = record(cache);
    await go('1');
    await cache.set('own', 1);
    await cache.delete('own');
    expect(heard.events.map(({ type, name, key }) => [type, name, key])).toEqual([
      ['miss', 'user', 'user("1")'],
      ['load', 'user', 'user("1")'],
      ['store', 'user', 'user("1")'],
      ['store', undefined, 'own'],
      ['invalidate', undefined, 'own'],
    ]);
  });

  it('end when the listener leaves', async () => {
    const { user, go } = make();
    const heard = record(user);
    heard.stop();
    heard.stop();
    await go('1');
    expect(heard.events).toEqual([]);
  });

  it('reach each registration of one listener, and each can leave', async () => {
    const { user, go } = make();
    const listener = jest.fn();
    const stop = user.on('miss', listener);
    user.on('miss', listener);
    await go('1');
    stop();
    await go('2');
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('that a listener fails at cost the caller nothing, nor the other listeners', async () => {
    const { user, go } = make();
    const listener = jest.fn();
    user.on('miss', () => {
      throw new Error('bad listener');
    });
    user.on('miss', listener);
    await go('1');
    await go('2');
    expect(listener).toHaveBeenCalledTimes(2);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('bad listener'), expect.anything());
  });

  it('that an async listener fails at end no process', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const { user, go } = make();
    user.on('miss', (async () => {
      throw new Error('bad listener');
    }) as never);
    await go('1');
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('that a listener answers by using the cache come to an end', async () => {
    const { user, go, cache } = make();
    user.on('store', () => void user.has('1'));
    user.on('hit', () => void cache.delete('x'));
    await go('1');
    await go('1');
    expect(user.stats()).toMatchObject({ hits: 1, misses: 1 });
  });

  it('of an error that nobody hears are a process warning, once for each function and code', async () => {
    const { cache } = make();
    const broken = () => {
      throw new Error('no rule');
    };
    const one = cached(async (id: string) => id, { cache, name: 'one', cacheIf: broken });
    const other = cached(async (id: string) => id, { cache, name: 'other', cacheIf: broken });
    for (const id of ['1', '2', '3']) {
      await one(id);
      await other(id);
    }
    expect(warn.mock.calls.map(([text]) => String(text).split(':')[0])).toEqual(['one', 'other']);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('cacheIf'),
      expect.objectContaining({ code: 'E_CALLBACK', type: 'RepriseWarning' }),
    );
  });

  it('of an error that somebody hears are no warning, and come for each occurrence', async () => {
    const { cache } = make();
    const one = cached(async (id: string) => id, {
      cache,
      name: 'one',
      cacheIf: () => {
        throw new Error('no rule');
      },
    });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    for (const id of ['1', '2', '3']) await one(id);
    await settle();
    expect([errors.length, warn.mock.calls.length]).toEqual([3, 0]);
    expect(errors[0]).toMatchObject({ code: 'E_CALLBACK', cause: new Error('no rule') });
  });

  it('refuse a type that there is not, and a listener that is no function', () => {
    const { user, cache } = make();
    expect(() => user.on('hits' as never, () => {})).toThrow(/no event "hits"/);
    expect(() => cache.on('hit', 5 as never)).toThrow(TypeError);
  });

  it.each([
    ['bypass', { bypass: fail }],
    ['cacheIf', { cacheIf: fail }],
    ['ttl', { ttl: fail }],
  ])('of a %s that throws are one error: the function runs, and nothing is stored', async (option, options) => {
    const { user, load, go } = make(options);
    const errors: CacheEvent[] = [];
    user.on('error', (event) => errors.push(event));
    await go('1');
    expect([load.runs.length, errors.length, await user.has('1')]).toEqual([1, 1, false]);
    expect(errors[0]?.error).toMatchObject({ code: 'E_CALLBACK', message: expect.stringContaining(option) });
  });
});

describe('the events of the memory store', () => {
  it('tell what has expired, when it is found', () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'heard', clock });
    const user = cached((id: string) => id, { cache, name: 'user', ttl: 1_000 });
    const heard = record(user);
    user('1');
    clock.advance(1_000);
    user('1');
    expect(heard.types()).toEqual(['miss', 'load', 'store', 'expire', 'miss', 'load', 'store']);
  });

  it('say of every load how long it took, however short the runs are', () => {
    const user = cached((id: number) => id);
    const durations: unknown[] = [];
    user.on('load', ({ duration }) => durations.push(duration));
    for (let id = 0; id < 40; id++) user(id);
    expect(durations.filter((duration) => typeof duration === 'number')).toHaveLength(40);
  });
});

describe('a store that outlives the process and has no fences', () => {
  it('is warned about once, when it first matters: at an invalidation', async () => {
    const unfenced = () => asyncMemory({ persistent: true, name: 'unfenced' });
    const [one, other] = ['a', 'b'].map((name) => createCache({ name, store: unfenced() }));
    await one?.getOrSet('k', async () => 1);
    expect(warn).not.toHaveBeenCalled();
    await one?.delete('k');
    await one?.clear();
    await other?.clear();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/unfenced.*fences/), expect.anything());
  });
});

function fail(): never {
  throw new Error('broken callback');
}
