import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('the counts in %s', (_kind, makeStore) => {
  function make(options: object = {}) {
    const cache = createCache({ name: 'counted', store: makeStore() });
    const load = holdRuns<[id: string], string>();
    return { cache, load, user: cached(load, { cache, name: 'user', ...options }) };
  }
  async function run(world: ReturnType<typeof make>, id: string) {
    const answer = world.user(id);
    await settle();
    world.load.runs.at(-1)?.resolve(id);
    await answer;
    await settle();
  }

  it('are all zero at first', () => {
    expect(make().user.stats()).toEqual({
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
  });

  it('tell hits, misses and loads, and the ratio of hits', async () => {
    const world = make();
    await run(world, '1');
    for (let call = 0; call < 3; call++) await world.user('1');
    expect(world.user.stats()).toMatchObject({ hits: 3, misses: 1, loads: 1, coalesced: 0, size: 1, hitRatio: 0.75 });
  });

  it('tell calls that joined a run as coalesced', async () => {
    const { user, load } = make();
    const all = Promise.all([user('1'), user('1'), user('1')]);
    await settle();
    load.runs[0]?.resolve('1');
    await all;
    expect(user.stats()).toMatchObject({ hits: 0, misses: 1, coalesced: 2, loads: 1, hitRatio: 0 });
  });

  it('tell failed runs as errors, once each, and never as hits', async () => {
    const { user, load } = make();
    const all = Promise.allSettled([user('1'), user('1')]);
    await settle();
    load.runs[0]?.reject(new Error('down'));
    await all;
    expect(user.stats()).toMatchObject({ hits: 0, misses: 1, coalesced: 1, loads: 1, errors: 1, size: 0 });
  });

  it('tell bypassed calls, which the ratio leaves out', async () => {
    const world = make({ bypass: (id: string) => id === 'live' });
    await run(world, '1');
    await world.user('1');
    const live = world.user('live');
    world.load.runs.at(-1)?.resolve('now');
    expect(await live).toBe('now');
    expect(world.user.stats()).toMatchObject({ hits: 1, misses: 1, bypass: 1, hitRatio: 0.5, size: 1 });
  });

  it('add up to the calls', async () => {
    const world = make({ bypass: (id: string) => id === 'live' });
    let calls = 0;
    for (const id of ['1', '2', '1', 'live', '2', '2', 'live', '3']) {
      calls++;
      const answer = world.user(id);
      await settle();
      for (const held of world.load.runs) held.resolve(id);
      await answer;
      await settle();
    }
    const { hits, stale, misses, coalesced, bypass } = world.user.stats();
    expect(hits + stale + misses + coalesced + bypass).toBe(calls);
  });

  it('keep all but the size when the function is cleared', async () => {
    const world = make();
    await run(world, '1');
    await world.user('1');
    const before = world.user.stats();
    await world.user.clear();
    expect(world.user.stats()).toEqual({ ...before, size: 0 });
  });

  it('follow the size down when entries are invalidated', async () => {
    const world = make();
    await run(world, '1');
    await run(world, '2');
    expect(world.user.stats().size).toBe(2);
    await world.user.invalidate('1');
    expect(world.user.stats().size).toBe(1);
  });

  it('tell an entry that was set in the size, once', async () => {
    const { user } = make();
    await user.set(['1'], 'a');
    await user.set(['1'], 'b');
    expect(user.stats().size).toBe(1);
  });

  it('tell an entry that was made anew after it expired once', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'aging', store: makeStore(), clock, ttl: 1_000 });
    const count = cached(async () => 1, { cache, name: 'count' });
    for (let turn = 0; turn < 3; turn++) {
      await count();
      await settle();
      clock.advance(1_000);
    }
    await count();
    await settle();
    expect(count.stats().size).toBe(1);
  });

  it('follow the size down when the cache is cleared, whole or in part', async () => {
    const world = make();
    await run(world, '1');
    await run(world, '2');
    await world.cache.clear({ prefix: 'user("1' });
    expect(world.user.stats().size).toBe(1);
    await world.cache.clear();
    expect(world.user.stats().size).toBe(0);
  });

  it('of looks that run nothing stay as they are', async () => {
    const world = make();
    await run(world, '1');
    const before = world.user.stats();
    await world.user.peek('1');
    await world.user.has('2');
    await world.user.inspect('1');
    world.user.keyOf('3');
    for await (const _entry of world.cache.entries());
    expect(world.user.stats()).toEqual(before);
  });

  it('of a cache are those of all that is in it', async () => {
    const world = make();
    const other = cached(async () => 'other', { cache: world.cache, name: 'other' });
    await run(world, '1');
    await world.user('1');
    await other();
    await settle();
    await world.cache.getOrSet('own', async () => 1);
    await settle();
    await world.cache.getOrSet('own', async () => 1);
    expect(world.cache.stats()).toMatchObject({ hits: 2, misses: 3, loads: 3, size: 3 });
    expect(other.stats()).toMatchObject({ hits: 0, misses: 1, size: 1 });
  });

  it('say how long runs take, and what hits spared', async () => {
    const cache = createCache({ name: 'timed', store: makeStore() });
    const slow = cached(
      async () => {
        const end = performance.now() + 5;
        while (performance.now() < end);
        return 1;
      },
      { cache, name: 'slow' },
    );
    await slow();
    await settle();
    await slow();
    await slow();
    const { loadTime, timeSaved } = slow.stats();
    expect(loadTime).toBeGreaterThanOrEqual(5);
    expect(timeSaved).toBeCloseTo(2 * loadTime, 5);
  });
});

describe.each(storeKinds)('the counts of methods in %s', (_kind, makeStore) => {
  it('are those of one instance, or of the class', async () => {
    const cache = createCache({ name: 'counted', store: makeStore() });
    class Users {
      @cached({ cache })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const [one, other] = [new Users(), new Users()];
    await one.find('1');
    await settle();
    await one.find('1');
    await other.find('1');
    await settle();
    expect(cacheOf(Users, 'find').stats()).toMatchObject({ hits: 1, misses: 2, size: 2 });
    expect(cacheOf(one, 'find').stats()).toMatchObject({ hits: 1, misses: 1, size: 1, hitRatio: 0.5 });
    expect(cacheOf(other, 'find').stats()).toMatchObject({ hits: 0, misses: 1, size: 1 });
  });
});
