import { describe, expect, it } from '@jest/globals';
import { cached, cacheOf, createCache } from '@reprise/core';
import type { AsyncStore, Entry, SyncStore } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { manualClock, seededRandom } from '@reprise/store-testkit';
import { agingHomeOn, agingHomes, chance, chancyHomes, endTests, until } from './aging.ts';
import { defer, settle } from './deferred.ts';
import { homeOn, sharedHomes } from './homes.ts';

endTests();

/** A synchronous store that is not told of reads. */
function untouchedStore(): SyncStore {
  const store = memoryStore();
  return {
    name: 'untouched',
    sync: true,
    persistent: false,
    capabilities: { iteration: true },
    get: (key) => store.get(key),
    set: (key, entry) => store.set(key, entry),
    delete: (key) => store.delete(key),
    clear: (prefix) => store.clear(prefix),
    entries: (prefix) => store.entries(prefix),
    close: () => store.close(),
    useClock: (clock) => store.useClock(clock),
  };
}

describe.each([
  ...agingHomes,
  ['a synchronous store that is not told of reads', () => agingHomeOn(untouchedStore())] as (typeof agingHomes)[number],
])('timeToIdle in %s', (_kind, makeHome) => {
  async function make(options: object) {
    const home = makeHome();
    let runs = 0;
    const user = home.wrap(async (_id: string) => ++runs, options);
    await user('1');
    await home.quiet();
    return {
      home,
      user,
      runs: () => runs,
      // A read is noted in the store by and by.
      read: async () => {
        const value = await user('1');
        await home.quiet();
        return value;
      },
    };
  }

  it('ends an entry that nobody reads, at its last millisecond', async () => {
    const { home, read } = await make({ timeToIdle: 1_000 });
    home.advance(1_000);
    expect(await read()).toBe(2);
  });

  it('is begun anew by a read one millisecond before', async () => {
    const { home, user, read } = await make({ timeToIdle: 1_000 });
    for (let turn = 0; turn < 5; turn++) {
      home.advance(999);
      expect(await read()).toBe(1);
    }
    expect(user.stats()).toMatchObject({ hits: 5, misses: 1 });
    home.advance(1_000);
    expect(await read()).toBe(2);
  });

  it('leaves ttl the hard limit', async () => {
    const { home, user, read } = await make({ timeToIdle: 1_000, ttl: 2_500 });
    for (const pause of [900, 900, 699]) {
      home.advance(pause);
      expect(await read()).toBe(1);
    }
    expect(await user.inspect('1')).toMatchObject({ expiresIn: 1 });
    home.advance(1);
    expect(await read()).toBe(2);
  });

  it('is not begun anew by looks, nor by the counts', async () => {
    const { home, user, read } = await make({ timeToIdle: 1_000 });
    home.advance(900);
    expect([await user.peek('1'), await user.has('1')]).toEqual([1, true]);
    await user.inspect('1');
    user.stats();
    await user.keyOf('1');
    await home.quiet();
    home.advance(100);
    expect([await user.peek('1'), await user.has('1'), await user.inspect('1')]).toEqual([undefined, false, undefined]);
    expect(user.stats()).toMatchObject({ hits: 0, misses: 1 });
    expect(await read()).toBe(2);
  });

  it('ends a stale window as well, and a stale answer begins it anew', async () => {
    const options = { ttl: 1_000, timeToIdle: 800, staleIfError: '1h', staleWhileRevalidate: '1h', retryAfter: '1h' };
    const home = makeHome();
    let runs = 0;
    const user = home.wrap(async () => {
      if (++runs > 1) throw new Error('down');
      return runs;
    }, options);
    user.on('error', () => {});
    await user();
    await home.quiet();
    for (let turn = 0; turn < 3; turn++) {
      home.advance(700);
      expect(await user()).toBe(1);
      await home.quiet();
    }
    home.advance(800);
    await expect(user()).rejects.toThrow('down');
    expect(user.stats()).toMatchObject({ hits: 1, stale: 2, misses: 2, loads: 3 });
  });

  it('is begun anew by a newer value', async () => {
    const { home, user, read } = await make({ timeToIdle: 1_000 });
    home.advance(900);
    expect(await user.refresh('1')).toBe(2);
    await home.quiet();
    home.advance(900);
    expect(await read()).toBe(2);
    await user.set(['1'], 7);
    home.advance(999);
    expect(await read()).toBe(7);
  });
});

describe.each(chancyHomes)('timeToIdle in %s', (_kind, makeHome) => {
  it('is an option of getOrSet, and reads by get extend nothing', async () => {
    const home = makeHome();
    const { cache } = home;
    let runs = 0;
    const ask = async () => {
      const value = await cache.getOrSet('k', async () => ++runs, { timeToIdle: 1_000 });
      await home.quiet();
      return value;
    };
    await ask();
    for (let turn = 0; turn < 3; turn++) {
      home.advance(900);
      expect(await ask()).toBe(1);
    }
    home.advance(1_000);
    expect(await ask()).toBe(2);
  });

  it('is a default of the cache', async () => {
    const home = makeHome();
    const { cache, wrap } = home;
    cache.configure({ timeToIdle: 1_000, ttl: '1h' });
    let runs = 0;
    const count = wrap(async () => ++runs);
    await count();
    await home.quiet();
    home.advance(900);
    await count();
    await home.quiet();
    home.advance(900);
    expect(await count()).toBe(1);
    await home.quiet();
    home.advance(1_000);
    expect(await count()).toBe(2);
  });
});

describe('an entry whose idle time begins anew', () => {
  /** Answers reads when told, as a slow server would; what it is given it has at once. */
  function heldStore() {
    const entries = new Map<string, Entry>();
    const state = { gate: undefined as Promise<void> | undefined };
    const store: AsyncStore = {
      sync: false,
      persistent: false,
      get: async (key) => {
        const found = entries.get(key);
        await state.gate;
        return found;
      },
      set: async (key, entry) => void entries.set(key, entry),
      delete: async (key) => entries.delete(key),
      clear: async () => entries.clear(),
      close: async () => {},
    };
    return { store, state, entries };
  }

  it.each(['invalidate', 'clear', 'set'] as const)(
    'is not brought back after %s came while it was read',
    async (verb) => {
      const { store, state } = heldStore();
      const { wrap } = homeOn(store);
      let runs = 0;
      const user = wrap(async () => ++runs, { timeToIdle: 1_000 });
      await user();
      await settle();
      const gate = defer();
      state.gate = gate.promise;
      const reading = user();
      await settle();
      if (verb === 'set') await user.set([], 7);
      else await user[verb]();
      await settle();
      state.gate = undefined;
      gate.resolve();
      expect(await reading).toBe(1);
      await settle();
      expect(await user()).toBe(verb === 'set' ? 7 : 2);
    },
  );

  it('is not brought back where the read was beside a refresh', async () => {
    const { store, state } = heldStore();
    const { wrap } = homeOn(store);
    const gates = [defer<number>(), defer<number>(), defer<number>()];
    let runs = 0;
    const user = wrap(async () => gates[runs++]?.promise, { timeToIdle: 1_000 });
    gates[0]?.resolve(1);
    await user();
    await settle();
    const refreshed = user.refresh();
    const gate = defer();
    state.gate = gate.promise;
    const reading = user();
    await settle();
    await user.invalidate();
    await settle();
    state.gate = undefined;
    gate.resolve();
    expect(await reading).toBe(1);
    gates[1]?.resolve(2);
    expect(await refreshed).toBe(2);
    await settle();
    gates[2]?.resolve(3);
    expect(await user()).toBe(3);
  });

  it('does not take the place of a newer value that was there before the stale answer', async () => {
    const { clock, wrap } = homeOn(untouchedStore());
    let runs = 0;
    const load = wrap((): unknown => (++runs === 1 ? Promise.resolve('old') : 'new'), {
      ttl: 1_000,
      staleWhileRevalidate: '1h',
      timeToIdle: '1h',
    });
    await load();
    await settle();
    clock.advance(1_000);
    expect(await load()).toBe('old');
    await settle();
    expect([await load(), runs]).toEqual(['new', 2]);
  });
});

describe.each(chancyHomes)('jitter in %s', (_kind, makeHome) => {
  it('shortens a thousand lifetimes by up to the fraction, each by chance', async () => {
    const home = makeHome();
    chance.next = seededRandom(21);
    const user = home.wrap(async (n: number) => n, { ttl: 10_000, jitter: 0.1 });
    const lives: number[] = [];
    for (let n = 0; n < 1_000; n++) {
      await user(n);
      lives.push((await user.inspect(n))?.expiresIn ?? Number.NaN);
    }
    expect(lives.every((life) => life >= 9_000 && life <= 10_000)).toBe(true);
    expect(new Set(lives.map(Math.round)).size).toBeGreaterThan(500);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(900);
  });

  it.each([
    [0, 1_000],
    [0.5, 875],
  ])('takes a chance of %d as it is', async (random, life) => {
    const home = makeHome();
    chance.next = () => random;
    let runs = 0;
    const count = home.wrap(async () => ++runs, { ttl: 1_000, jitter: 0.25 });
    await count();
    await settle();
    home.advance(life - 1);
    expect(await count()).toBe(1);
    home.advance(1);
    expect(await count()).toBe(2);
  });

  it('moves the stale window and the refresh ahead along, and shortens neither', async () => {
    const home = makeHome();
    chance.next = () => 0.5;
    const options = { ttl: 1_000, jitter: 0.5, staleWhileRevalidate: 1_000, refreshAhead: 0.8 } as const;
    let runs = 0;
    const count = home.wrap(async () => ++runs, options);
    await count();
    await settle();
    expect(await count.inspect()).toMatchObject({ expiresIn: 750, staleFor: 1_000 });
    home.advance(599);
    await count();
    await settle();
    expect(runs).toBe(1);
    home.advance(1);
    await count();
    await until(() => runs === 2);
  });

  it('leaves what never expires alone', async () => {
    const home = makeHome();
    const count = home.wrap(async () => 1, { jitter: 0.5 });
    await count();
    expect(await count.inspect()).toMatchObject({ expiresIn: Infinity });
  });

  it('goes for a ttl that the value tells, and for a value that is set', async () => {
    const home = makeHome();
    chance.next = () => 0.5;
    const count = home.wrap(async (n: number) => n, { ttl: (value: number) => value * 1_000, jitter: 0.2 });
    await count(1);
    await count.set([2], 2);
    expect(await count.inspect(1)).toMatchObject({ expiresIn: 900 });
    expect(await count.inspect(2)).toMatchObject({ expiresIn: 1_800 });
  });
});

describe.each(sharedHomes)('a ttl told by the value in %s', (_kind, makeHome) => {
  it('is asked with this, the value and the arguments, also behind a stale answer and by set', async () => {
    const { cache, clock, wrap } = makeHome();
    const seen: unknown[] = [];
    let runs = 0;
    const count = wrap(async (of: string) => `${of}${++runs}`, {
      staleWhileRevalidate: '1h',
      ttl: (value: string, of: string) => {
        seen.push([value, of]);
        return value === 'a1' ? '1s' : '5s';
      },
    });
    await count('a');
    await settle();
    clock.advance(1_000);
    expect(await count('a')).toBe('a1');
    await until(async () => (await count.peek('a')) === 'a2');
    expect(await count.inspect('a')).toMatchObject({ expiresIn: 5_000 });
    await count.set(['b'], 'mine');
    expect(seen).toEqual([
      ['a1', 'a'],
      ['a2', 'a'],
      ['mine', 'b'],
    ]);
    await cache.close();
  });

  it('that is refused behind a stale answer removes the stale value: the newer one may not be stored', async () => {
    const { clock, wrap } = makeHome();
    const errors: unknown[] = [];
    let runs = 0;
    const count = wrap(async () => ++runs, {
      staleWhileRevalidate: '1h',
      ttl: (value: number) => (value === 1 ? '1s' : -1),
    });
    count.on('error', ({ error }) => errors.push(error));
    await count();
    await settle();
    clock.advance(1_000);
    expect(await count()).toBe(1);
    await until(async () => (await count.inspect()) === undefined);
    expect(errors).toHaveLength(1);
  });
});

it('a method has an idle time for each instance', () => {
  const clock = manualClock(Date.now());
  const cache = createCache({ name: 'idle methods', clock, timeToIdle: 1_000 });
  class Users {
    runs = 0;
    @cached({ cache })
    find(id: string): string {
      return `${id} ${++this.runs}`;
    }
  }
  const [a, b] = [new Users(), new Users()] as const;
  a.find('1');
  b.find('1');
  clock.advance(900);
  a.find('1');
  clock.advance(900);
  expect([a.find('1'), b.find('1')]).toEqual(['1 1', '1 2']);
  expect(cacheOf(a, 'find').stats()).toMatchObject({ hits: 2, misses: 1 });
});

it.each([
  [{ jitter: 1 }, 'jitter'],
  [{ jitter: -0.1 }, 'jitter'],
  [{ jitter: '0.1' }, 'jitter'],
  [{ timeToIdle: -1 }, 'timeToIdle'],
  [{ timeToIdle: '5 parsecs' }, 'timeToIdle'],
  [{ timeToIdle: null }, 'timeToIdle'],
  [{ retryAfter: Number.NaN }, 'retryAfter'],
  [{ staleWhileRevalidate: '10' }, 'staleWhileRevalidate'],
  [{ ttl: '10' }, 'ttl'],
  [{ ttl: null }, 'ttl'],
])('%p is refused at definition, by name', (options, name) => {
  expect(() => cached(async function find() {}, options as object)).toThrow(TypeError);
  expect(() => cached(async function find() {}, options as object)).toThrow(name);
});
