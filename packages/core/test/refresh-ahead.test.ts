import { describe, expect, it } from '@jest/globals';
import { cached, cacheOf, createCache } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { agingHomes, chance, chancyHomes, endTests, syncHomes, until } from './aging.ts';
import { holdRuns, runOf, settle } from './deferred.ts';
import { sharedHomes } from './homes.ts';

endTests();

describe.each(agingHomes)('refreshAhead by a fraction in %s', (_kind, makeHome) => {
  async function makeAged(options: object = {}, age = 800) {
    const home = makeHome();
    const load = holdRuns<[id: string], string>();
    const errors: unknown[] = [];
    const user = home.wrap(load, { ttl: 1_000, refreshAhead: 0.8, ...options });
    user.on('error', (event) => errors.push(event.error));
    const first = user('1');
    (await runOf(load, 0)).resolve('old');
    await first;
    await settle();
    home.advance(age);
    return { home, load, user, errors };
  }

  it('makes no run a millisecond before, nor without a call', async () => {
    const { home, load, user } = await makeAged({}, 799);
    expect(await user('1')).toBe('old');
    home.advance(1);
    await settle();
    expect(load.runs).toHaveLength(1);
  });

  it('makes one run behind a hundred hits', async () => {
    const { load, user } = await makeAged();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => user('1'))))).toEqual(new Set(['old']));
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(await user('1')).toBe('new');
    await settle();
    expect(load.runs).toHaveLength(2);
    const { hits, misses, stale, coalesced, loads } = user.stats();
    expect([hits, misses, stale, coalesced, loads]).toEqual([101, 1, 0, 0, 2]);
  });

  it('tells each of its runs as a refresh, with its key, and each call as a hit', async () => {
    const { load, user } = await makeAged();
    const told: unknown[] = [];
    for (const type of ['refresh', 'hit', 'load', 'miss', 'store'] as const) {
      user.on(type, ({ key }) => told.push([type, key === (user.keyOf('1') as unknown)]));
    }
    await user('1');
    (await runOf(load, 1)).resolve('new');
    await until(async () => told.length === 4);
    expect(told).toEqual(expect.arrayContaining(['refresh', 'hit', 'load', 'store'].map((type) => [type, true])));
  });

  it('is counted anew from the newer value', async () => {
    const { home, load, user } = await makeAged();
    await user('1');
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(await user.inspect('1')).toMatchObject({ status: 'fresh', age: 0, expiresIn: 1_000 });
    home.advance(799);
    await user('1');
    await settle();
    expect(load.runs).toHaveLength(2);
    home.advance(1);
    await user('1');
    (await runOf(load, 2)).resolve('newer');
  });

  it('is a miss past the ttl, as ever', async () => {
    const { load, user } = await makeAged({}, 1_000);
    const answer = user('1');
    (await runOf(load, 1)).resolve('new');
    expect(await answer).toBe('new');
    expect(user.stats()).toMatchObject({ hits: 0, misses: 2 });
  });

  it('lets calls past the ttl wait for the run under way, not make another', async () => {
    const { home, load, user } = await makeAged();
    await user('1');
    const run = await runOf(load, 1);
    home.advance(200);
    const answers = Promise.all([user('1'), user('1')]);
    await settle();
    run.resolve('new');
    expect(await answers).toEqual(['new', 'new']);
    expect([load.runs.length, user.stats().coalesced]).toEqual([2, 2]);
  });

  it('that fails is an error event, keeps the value, and is tried again after retryAfter', async () => {
    const { home, load, user, errors } = await makeAged({ ttl: 10_000, retryAfter: 500 }, 8_000);
    const failure = new Error('down');
    await user('1');
    (await runOf(load, 1)).reject(failure);
    await until(() => errors.length > 0);
    home.advance(499);
    expect(await user('1')).toBe('old');
    await settle();
    expect([errors, load.runs.length]).toEqual([[failure], 2]);
    home.advance(1);
    expect(await user('1')).toBe('old');
    (await runOf(load, 2)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(user.stats()).toMatchObject({ hits: 3, misses: 1, errors: 1, loads: 3 });
  });

  it('that failed does not keep a call past the ttl from a run', async () => {
    const { home, load, user, errors } = await makeAged({ retryAfter: '1h' });
    await user('1');
    (await runOf(load, 1)).reject(new Error('down'));
    await until(() => errors.length > 0);
    home.advance(200);
    const answer = user('1');
    (await runOf(load, 2)).resolve('new');
    expect(await answer).toBe('new');
    await settle();
    home.advance(800);
    // What was noted of the older value is not the newer one's.
    await user('1');
    (await runOf(load, 3)).resolve('newer');
  });

  it.each(['invalidate', 'clear', 'set'] as const)('leaves nothing of a run that %s has fenced', async (verb) => {
    const { load, user } = await makeAged();
    await user('1');
    const run = await runOf(load, 1);
    if (verb === 'invalidate') expect(await user.invalidate('1')).toBe(true);
    if (verb === 'clear') await user.clear();
    if (verb === 'set') await user.set(['1'], 'mine');
    run.resolve('outdated');
    await settle();
    expect(await user.peek('1')).toBe(verb === 'set' ? 'mine' : undefined);
  });

  it('is not due by looks without a call', async () => {
    const { load, user } = await makeAged();
    expect([await user.peek('1'), await user.has('1')]).toEqual(['old', true]);
    expect(await user.inspect('1')).toMatchObject({ status: 'fresh', age: 800 });
    await settle();
    expect(load.runs).toHaveLength(1);
  });

  it('is never due where nothing expires', async () => {
    const { home, load, user } = await makeAged({ ttl: Infinity });
    home.advance(1e12);
    expect(await user('1')).toBe('old');
    await settle();
    expect(load.runs).toHaveLength(1);
  });

  it('is not due for a remembered error', async () => {
    const home = makeHome();
    const load = holdRuns<[], string>();
    const user = home.wrap(load, { ttl: 1_000, refreshAhead: 0.1, cacheErrors: { ttl: 1_000 } });
    const first = user();
    (await runOf(load, 0)).reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await settle();
    home.advance(900);
    await expect(user()).rejects.toThrow('down');
    await settle();
    expect(load.runs).toHaveLength(1);
  });

  it('goes with a stale window: ahead of the ttl hits, past it stale answers', async () => {
    const { home, load, user } = await makeAged({ staleWhileRevalidate: 1_000 });
    await user('1');
    const run = await runOf(load, 1);
    home.advance(200);
    expect(await user('1')).toBe('old');
    await settle();
    expect([load.runs.length, user.stats().hits, user.stats().stale]).toEqual([2, 1, 1]);
    run.resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
  });
});

describe.each(syncHomes)('a synchronous function refreshed ahead in %s', (_kind, makeHome) => {
  it('stays synchronous, and runs behind the hit', async () => {
    const home = makeHome();
    let runs = 0;
    const count = home.wrap(() => ++runs, { ttl: 1_000, refreshAhead: 0.5 });
    expect(count()).toBe(1);
    home.advance(500);
    expect([count(), count(), runs]).toEqual([1, 1, 1]);
    await settle();
    expect([count(), runs, count.stats().hits]).toEqual([2, 2, 3]);
  });
});

describe.each(chancyHomes)("refreshAhead: 'probabilistic' in %s", (_kind, makeHome) => {
  /** A load that takes 200 ms by the cache's clock. */
  async function makeLoaded(options: object = {}) {
    const home = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = home.wrap(load, { ttl: 1_000, refreshAhead: 'probabilistic', ...options });
    const first = user('1');
    const run = await runOf(load, 0);
    home.advance(200);
    run.resolve('old');
    await first;
    await settle();
    return { home, load, user };
  }

  // XFetch, beta 1: the run is due when -200·ln(random) is at least the time left.
  it.each([
    [600, 0.135, true],
    [600, 0.136, false],
    [800, 0.36, true],
    [800, 0.37, false],
    [999, 0.99, true],
    [999, 0.996, false],
    [0, 0.006, true],
    [0, 0.007, false],
  ])('at the age of %d ms and a chance of %d: %p', async (age, random, isDue) => {
    const { home, load, user } = await makeLoaded();
    chance.next = () => random;
    home.advance(age);
    expect(await user('1')).toBe('old');
    await settle();
    expect(load.runs).toHaveLength(isDue ? 2 : 1);
    load.runs[1]?.resolve('new');
  });

  it('takes a chance of 0 for one of nearly 0', async () => {
    const { load, user } = await makeLoaded();
    chance.next = () => 0;
    expect(await user('1')).toBe('old');
    (await runOf(load, 1)).resolve('new');
  });

  it('never refreshes ahead what took no time by the clock of the cache', async () => {
    const home = makeHome();
    let runs = 0;
    const count = home.wrap(async () => ++runs, { ttl: 1_000, refreshAhead: 'probabilistic' });
    await count();
    await settle();
    chance.next = () => Number.MIN_VALUE;
    home.advance(999);
    expect(await count()).toBe(1);
    await settle();
    expect(runs).toBe(1);
  });

  it('makes one run for a hundred readers, and asks chance of none past the ttl', async () => {
    const { home, load, user } = await makeLoaded();
    chance.next = () => 0.5;
    home.advance(900);
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => user('1'))))).toEqual(new Set(['old']));
    await runOf(load, 1);
    await settle();
    expect([load.runs.length, user.stats().hits]).toEqual([2, 100]);
    chance.next = () => {
      throw new Error('asked');
    };
    home.advance(100);
    const answer = user('1');
    await settle();
    load.runs[1]?.resolve('new');
    expect(await answer).toBe('new');
  });
});

describe.each(sharedHomes)('refreshAhead of %s', (_kind, makeHome) => {
  it('is a default that configure changes for values stored from then on', async () => {
    const { cache, clock, wrap } = makeHome();
    cache.configure({ ttl: 1_000, refreshAhead: 0.5 });
    let runs = 0;
    const count = wrap(async () => ++runs);
    await count();
    await settle();
    clock.advance(500);
    expect(await count()).toBe(1);
    await until(async () => (await count.peek()) === 2);
    cache.configure({ refreshAhead: 0.9 });
    clock.advance(899);
    expect(await count()).toBe(2);
    await settle();
    expect(runs).toBe(2);
    clock.advance(1);
    expect(await count()).toBe(2);
    await until(async () => (await count.peek()) === 3);
  });

  it('is an option of getOrSet', async () => {
    const { cache, clock } = makeHome();
    const options = { ttl: 1_000, refreshAhead: 0.5 } as const;
    let runs = 0;
    const load = async () => ++runs;
    await cache.getOrSet('k', load, options);
    await settle();
    clock.advance(500);
    expect(await Promise.all([1, 2, 3].map(() => cache.getOrSet('k', load, options)))).toEqual([1, 1, 1]);
    await until(async () => (await cache.get('k')) === 2);
    expect(runs).toBe(2);
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 1, loads: 2 });
  });
});

it('a method is refreshed ahead for each instance', async () => {
  const clock = manualClock(Date.now());
  const cache = createCache({ name: 'methods ahead', clock, ttl: 1_000, refreshAhead: 0.5 });
  class Users {
    runs = 0;
    @cached({ cache })
    find(id: string): string {
      return `${id} ${++this.runs}`;
    }
  }
  const [a, b] = [new Users(), new Users()] as const;
  a.find('1');
  clock.advance(500);
  b.find('1');
  expect([a.find('1'), b.find('1')]).toEqual(['1 1', '1 1']);
  await settle();
  expect([a.find('1'), b.find('1'), a.runs, b.runs]).toEqual(['1 2', '1 1', 2, 1]);
  expect(cacheOf(a, 'find').stats()).toMatchObject({ hits: 2, misses: 1, loads: 2 });
});

it.each([-0.1, 1.5, Number.NaN, '0.5', 'sometimes', null])(
  'refreshAhead: %p is refused at definition',
  (refreshAhead) => {
    expect(() => cached(async () => 1, { ttl: 1_000, refreshAhead } as object)).toThrow(TypeError);
    expect(() => cached(async () => 1, { ttl: 1_000, refreshAhead } as object)).toThrow('refreshAhead');
  },
);
