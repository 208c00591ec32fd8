import { performance } from 'node:perf_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import { cached, cacheOf, createCache, invalidateTags, withCacheMode } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { agingHomes, endTests, syncHomes, until } from './aging.ts';
import { defer, holdRuns, runOf, settle } from './deferred.ts';
import { sharedHomes } from './homes.ts';
import { program } from './program.ts';

endTests();

const window = { ttl: 1_000, staleWhileRevalidate: 10_000 } as const;

describe.each(agingHomes)('a stale answer from %s', (_kind, makeHome) => {
  /** A function whose first result is past its ttl. */
  async function makeStale(options: object = {}, late = 0) {
    const home = makeHome();
    const load = holdRuns<[id: string], string>();
    const errors: unknown[] = [];
    const events: string[] = [];
    const user = home.wrap(load, { ...window, ...options });
    user.on('error', (event) => errors.push(event.error));
    for (const type of ['hit', 'miss', 'stale', 'coalesced', 'refresh', 'load'] as const) {
      user.on(type, () => events.push(type));
    }
    const first = user('1');
    (await runOf(load, 0)).resolve('old');
    await first;
    await settle();
    events.length = 0;
    home.advance(1_000 + late);
    return { home, load, user, errors, events };
  }

  it('goes to a hundred readers at once, with one run behind them, and then the new value does', async () => {
    const { load, user, events } = await makeStale();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => user('1'))))).toEqual(new Set(['old']));
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(await user('1')).toBe('new');
    await settle();
    expect(load.runs).toHaveLength(2);
    const { hits, misses, stale, coalesced, loads } = user.stats();
    expect({ hits, misses, stale, coalesced, loads }).toEqual({
      hits: 1,
      misses: 1,
      stale: 100,
      coalesced: 0,
      loads: 2,
    });
    const told = (type: string) => events.filter((event) => event === type).length;
    expect([told('stale'), told('refresh'), told('load'), told('hit'), told('miss'), told('coalesced')]).toEqual([
      100, 1, 1, 1, 0, 0,
    ]);
  });

  it('comes to readers one after the other, too, while the one run is under way', async () => {
    const { load, user } = await makeStale();
    for (let reader = 0; reader < 20; reader++) expect(await user('1')).toBe('old');
    await runOf(load, 1);
    await settle();
    expect([load.runs.length, user.stats().stale]).toEqual([2, 20]);
    load.runs[1]?.resolve('new');
  });

  it('is one until the last millisecond of the window', async () => {
    const { load, user } = await makeStale({}, 9_999);
    expect(await user('1')).toBe('old');
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
  });

  it('is none at the end of the window', async () => {
    const { load, user } = await makeStale({}, 10_000);
    const answer = user('1');
    (await runOf(load, 1)).resolve('new');
    expect(await answer).toBe('new');
    expect(user.stats()).toMatchObject({ misses: 2, stale: 0 });
  });

  it('gives way to a new value with the whole ttl', async () => {
    const { home, load, user } = await makeStale({}, 5_000);
    await user('1');
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(await user.inspect('1')).toMatchObject({ status: 'fresh', age: 0, expiresIn: 1_000, staleFor: 10_000 });
    home.advance(999);
    expect(await user('1')).toBe('new');
    expect(user.stats()).toMatchObject({ hits: 1, stale: 1 });
    home.advance(1);
    await user('1');
    (await runOf(load, 2)).resolve('newer');
    expect(user.stats()).toMatchObject({ hits: 1, stale: 2 });
  });

  it('stays after a run that failed, and the function rests until retryAfter has passed by the clock of the cache', async () => {
    const { home, load, user, errors } = await makeStale({ retryAfter: 500 });
    const failure = new Error('down');
    await user('1');
    (await runOf(load, 1)).reject(failure);
    await until(() => errors.length > 0);
    expect(errors).toEqual([failure]);
    home.advance(499);
    for (let reader = 0; reader < 10; reader++) expect(await user('1')).toBe('old');
    await settle();
    expect(load.runs).toHaveLength(2);
    home.advance(1);
    expect(await user('1')).toBe('old');
    (await runOf(load, 2)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(user.stats()).toMatchObject({ hits: 0, misses: 1, stale: 12, coalesced: 0, loads: 3, errors: 1 });
    expect(errors).toHaveLength(1);
  });

  it('lets the function rest for a second where retryAfter is not said', async () => {
    const { home, load, user, errors } = await makeStale();
    await user('1');
    (await runOf(load, 1)).reject(new Error('down'));
    await until(() => errors.length > 0);
    home.advance(999);
    await user('1');
    await settle();
    expect(load.runs).toHaveLength(2);
    home.advance(1);
    await user('1');
    (await runOf(load, 2)).resolve('new');
  });

  it.each(['invalidate', 'clear', 'refresh', 'set'] as const)('is tried again at once after %s', async (verb) => {
    const { home, load, user, errors } = await makeStale({ retryAfter: '1h' });
    await user('1');
    (await runOf(load, 1)).reject(new Error('down'));
    await until(() => errors.length > 0);
    if (verb === 'invalidate') await user.invalidate('1');
    if (verb === 'clear') await user.clear();
    if (verb === 'set') await user.set(['1'], 'mine');
    if (verb === 'refresh') {
      const refreshed = Promise.resolve(user.refresh('1'));
      (await runOf(load, 2)).reject(new Error('still down'));
      await expect(refreshed).rejects.toThrow('still down');
      await settle();
    }
    const runs = load.runs.length;
    if (verb === 'set') home.advance(1_000);
    const answer = user('1');
    (await runOf(load, runs)).resolve('new');
    expect(await answer).toBe({ invalidate: 'new', clear: 'new', set: 'mine', refresh: 'old' }[verb]);
    await until(async () => (await user.peek('1')) === 'new');
  });

  it.each(['invalidate', 'clear', 'set', 'invalidateTags'] as const)(
    'leaves nothing of its run where %s comes while it is under way',
    async (verb) => {
      const tag = `users ${Math.random()}`;
      const { load, user } = await makeStale({ tags: [tag] });
      expect(await user('1')).toBe('old');
      const run = await runOf(load, 1);
      if (verb === 'invalidate') await user.invalidate('1');
      if (verb === 'clear') await user.clear();
      if (verb === 'set') await user.set(['1'], 'mine');
      if (verb === 'invalidateTags') await invalidateTags([tag]);
      run.resolve('outdated');
      await settle();
      expect(await user.peek('1')).toBe(verb === 'set' ? 'mine' : undefined);
      if (verb === 'set') return;
      const answer = user('1');
      (await runOf(load, 2)).resolve('newest');
      expect(await answer).toBe('newest');
    },
  );

  it.each(['invalidate', 'clear', 'set', 'invalidateTags'] as const)(
    'keeps the function from nothing where its run fails after %s',
    async (verb) => {
      const tag = `users ${Math.random()}`;
      const { home, load, user, errors } = await makeStale({ tags: [tag], retryAfter: '1h' });
      await user('1');
      const run = await runOf(load, 1);
      if (verb === 'invalidate') await user.invalidate('1');
      if (verb === 'clear') await user.clear();
      if (verb === 'set') await user.set(['1'], 'mine');
      if (verb === 'invalidateTags') await invalidateTags([tag]);
      run.reject(new Error('down'));
      await until(() => errors.length > 0);
      if (verb === 'set') home.advance(1_000);
      const answer = user('1');
      (await runOf(load, 2)).resolve('newest');
      expect(await answer).toBe(verb === 'set' ? 'mine' : 'newest');
      await until(async () => (await user.peek('1')) === 'newest');
    },
  );

  it('is looked at without a run', async () => {
    const { load, user } = await makeStale();
    expect([await user.peek('1'), await user.has('1')]).toEqual([undefined, false]);
    expect(await user.inspect('1')).toMatchObject({ status: 'stale', age: 1_000, expiresIn: 0, staleFor: 10_000 });
    await settle();
    expect([load.runs.length, user.stats().stale]).toEqual([1, 0]);
  });

  it('is something that an invalidation removes', async () => {
    const { user } = await makeStale();
    expect([await user.invalidate('1'), await user.invalidate('1')]).toEqual([true, false]);
  });

  it('is the answer beside an explicit refresh, too, and no further run is made', async () => {
    const { load, user } = await makeStale();
    const refreshed = Promise.resolve(user.refresh('1'));
    const run = await runOf(load, 1);
    expect(await user('1')).toBe('old');
    await settle();
    expect(load.runs).toHaveLength(2);
    run.resolve('new');
    expect(await refreshed).toBe('new');
    await until(async () => (await user.peek('1')) === 'new');
  });

  it('of a run that may not be stored is removed', async () => {
    const { load, user } = await makeStale({ cacheIf: (value: string) => value === 'old' });
    await user('1');
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.inspect('1')) === undefined);
    const answer = user('1');
    (await runOf(load, 2)).resolve('newer');
    expect(await answer).toBe('newer');
  });

  it('ends with its window while the run behind it is under way: further calls wait for that run', async () => {
    const { home, load, user, errors } = await makeStale();
    await user('1');
    const run = await runOf(load, 1);
    home.advance(10_000);
    const waiting = Promise.allSettled([user('1'), user('1')]);
    await settle();
    expect(load.runs).toHaveLength(2);
    run.reject(new Error('down'));
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([errors.length, user.stats().coalesced]).toEqual([1, 2]);
    const answer = user('1');
    (await runOf(load, 2)).resolve('new');
    expect(await answer).toBe('new');
  });

  it('is not replaced by a remembered error', async () => {
    const { load, user, errors } = await makeStale({ cacheErrors: { ttl: '1h' } });
    await user('1');
    (await runOf(load, 1)).reject(new Error('down'));
    await until(() => errors.length > 0);
    await settle();
    expect(await user('1')).toBe('old');
    const refreshed = Promise.resolve(user.refresh('1'));
    (await runOf(load, 2)).reject(new Error('down'));
    await expect(refreshed).rejects.toThrow('down');
    await settle();
    const again = user('1');
    (await runOf(load, 3)).resolve('new');
    expect(await again).toBe('old');
  });

  it('does not wait without end for a run that was given up', async () => {
    const { load, user } = await makeStale({ timeout: { abandon: '1h' } });
    await user('1');
    const run = await runOf(load, 1);
    expect(await user('1')).toBe('old');
    // How long a run has been under way is told by real time.
    const now = performance.now.bind(performance);
    const later = jest.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_000);
    try {
      expect(await user('1')).toBe('old');
      (await runOf(load, 2)).resolve('new');
      await until(async () => (await user.peek('1')) === 'new');
      run.resolve('late');
      await settle();
      expect([await user('1'), load.runs.length]).toEqual(['new', 3]);
    } finally {
      later.mockRestore();
    }
  });

  it('is revalidated without dedupe, too', async () => {
    const { load, user } = await makeStale({ dedupe: false });
    expect(await Promise.all([user('1'), user('1'), user('1')])).toEqual(['old', 'old', 'old']);
    (await runOf(load, 1)).resolve('new');
    await until(async () => (await user.peek('1')) === 'new');
    expect(load.runs).toHaveLength(2);
  });

  it('stays where nobody hears of the failure, which is a warning then and no unhandled rejection', async () => {
    const home = makeHome();
    const load = holdRuns<[], string>();
    const user = home.wrap(load, window);
    const first = user();
    (await runOf(load, 0)).resolve('old');
    await first;
    await home.quiet();
    home.advance(1_000);
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const told = () => warn.mock.calls.filter((call) => JSON.stringify(call).includes('E_BACKGROUND')).length;
    try {
      await user();
      (await runOf(load, 1)).reject(new Error('down'));
      await until(told);
      home.advance(1_000);
      await user();
      (await runOf(load, 2)).reject(new Error('down'));
      await settle();
      expect([await user(), told()]).toEqual(['old', 1]);
    } finally {
      warn.mockRestore();
    }
  });

  it('inside of another run is not waited for by it, and may itself wait for that', async () => {
    const home = makeHome();
    const gate = defer();
    let inners = 0;
    const outer: () => Promise<string> = home.wrap(async (): Promise<string> => {
      const value = await inner();
      await gate.promise;
      return `outer of ${value}`;
    }, {});
    const inner = home.wrap(async (): Promise<string> => {
      inners++;
      return inners === 1 ? 'old' : `new beside ${await outer()}`;
    }, window);
    await inner();
    await home.quiet();
    home.advance(1_000);
    const answer = outer();
    await until(() => inners === 2);
    gate.resolve();
    expect(await answer).toBe('outer of old');
    await until(async () => (await inner.peek()) === 'new beside outer of old');
  });

  it('is told of by key, each with a run of its own', async () => {
    const { home, load, user } = await makeStale();
    const two = user('2');
    (await runOf(load, 1)).resolve('2');
    await two;
    await settle();
    home.advance(1_000);
    expect(await Promise.all([user('1'), user('2'), user('1'), user('2')])).toEqual(['old', '2', 'old', '2']);
    await runOf(load, 3);
    await settle();
    expect(load.runs.slice(2).map(({ args }) => args[0])).toEqual(['1', '2']);
    for (const run of load.runs) run.resolve('new');
  });
});

describe.each(syncHomes)('a synchronous function in %s', (_kind, makeHome) => {
  function makeStale(options: object = {}) {
    const home = makeHome();
    const runs: number[] = [];
    const state = { fails: false };
    const errors: unknown[] = [];
    const count = home.wrap(
      (of: string) => {
        runs.push(runs.length + 1);
        if (state.fails) throw new Error('down');
        return `${of}${runs.length}`;
      },
      { ...window, ...options },
    );
    count.on('error', ({ error }) => errors.push(error));
    expect(count('a')).toBe('a1');
    home.advance(1_000);
    return { home, runs, count, state, errors };
  }

  it('answers stale, not as a promise, before it runs again', async () => {
    const { runs, count } = makeStale();
    expect([count('a'), count('a'), runs.length]).toEqual(['a1', 'a1', 1]);
    await settle();
    expect([count('a'), runs.length]).toEqual(['a2', 2]);
    expect(count.stats()).toMatchObject({ hits: 1, stale: 2, misses: 1, loads: 2 });
  });

  it('that fails behind a stale answer fails no call, rests, and runs again', async () => {
    const { home, runs, count, state, errors } = makeStale();
    state.fails = true;
    expect(count('a')).toBe('a1');
    await settle();
    expect([errors.length, count('a'), runs.length]).toEqual([1, 'a1', 2]);
    await settle();
    expect(runs).toHaveLength(2);
    state.fails = false;
    home.advance(1_000);
    expect(count('a')).toBe('a1');
    await settle();
    expect([count('a'), runs.length]).toEqual(['a3', 3]);
  });

  it('is not run behind where an invalidation comes first', async () => {
    const { runs, count } = makeStale();
    count('a');
    count.invalidate('a');
    await settle();
    expect([runs.length, count.peek('a')]).toEqual([1, undefined]);
    expect(count('a')).toBe('a2');
  });

  it.each([
    ['a refresh', (count: { refresh(of: string): unknown }) => count.refresh('a')],
    [
      'a call in mode reload',
      (count: unknown) => withCacheMode('reload', () => (count as (of: string) => string)('a')),
    ],
  ])('goes on being revalidated after %s has been faster than the run behind', async (_name, act) => {
    const { home, runs, count } = makeStale();
    count('a');
    expect(act(count)).toBe('a2');
    await settle();
    expect([count('a'), runs.length]).toEqual(['a2', 2]);
    home.advance(1_000);
    expect(count('a')).toBe('a2');
    await settle();
    expect([count('a'), runs.length]).toEqual(['a3', 3]);
    home.advance(11_000);
    expect(count('a')).toBe('a4');
    expect(count('a')).toBe('a4');
  });

  it('that returns a promise at times is not outlived by its older result', async () => {
    const home = makeHome();
    let runs = 0;
    const load = home.wrap((): unknown => (++runs === 1 ? Promise.resolve('old') : 'new'), {
      ...window,
      timeToIdle: '1h',
    });
    await load();
    await settle();
    home.advance(1_000);
    expect(await load()).toBe('old');
    await settle();
    expect([await load(), runs]).toEqual(['new', 2]);
  });
});

describe.each(sharedHomes)('getOrSet of %s', (_kind, makeHome) => {
  it('answers stale by the options of the call, and revalidates with its loader', async () => {
    const { cache, clock } = makeHome();
    const load = holdRuns<[], string>();
    const options = { ttl: 1_000, staleWhileRevalidate: '1m' } as const;
    await cache.getOrSet('k', async () => 'old', options);
    await settle();
    clock.advance(1_000);
    const answers = await Promise.all([1, 2, 3].map(() => cache.getOrSet('k', load, options)));
    expect(answers).toEqual(['old', 'old', 'old']);
    (await runOf(load, 0)).resolve('new');
    await until(async () => (await cache.get('k')) === 'new');
    expect(load.runs).toHaveLength(1);
    const { hits, misses, stale, loads } = cache.stats();
    expect({ hits, misses, stale, loads }).toEqual({ hits: 0, misses: 1, stale: 3, loads: 2 });
  });

  it('lives by what configure said when the value was stored', async () => {
    const { cache, clock } = makeHome();
    cache.configure({ ttl: 1_000 });
    await cache.getOrSet('early', async () => 'early');
    await settle();
    cache.configure({ staleWhileRevalidate: '1m' });
    await cache.getOrSet('late', async () => 'late');
    await settle();
    clock.advance(1_000);
    expect(await cache.getOrSet('early', async () => 'new')).toBe('new');
    expect(await cache.getOrSet('late', async () => 'new')).toBe('late');
    await until(async () => (await cache.get('late')) === 'new');
  });

  it('reads are no calls: get and has answer nothing stale and begin no run', async () => {
    const { cache, clock } = makeHome();
    cache.configure({ ttl: 1_000, staleWhileRevalidate: '1m' });
    await cache.getOrSet('k', async () => 'old');
    await settle();
    clock.advance(1_000);
    expect([await cache.get('k'), await cache.has('k')]).toEqual([undefined, false]);
  });
});

it('a method answers stale to each instance by itself', async () => {
  const clock = manualClock(Date.now());
  const cache = createCache({ name: 'methods that age', clock, ...window });
  class Users {
    runs = 0;
    readonly tenant: string;
    constructor(tenant: string) {
      this.tenant = tenant;
    }
    @cached({ cache })
    async find(id: string): Promise<string> {
      return `${this.tenant} ${id} ${++this.runs}`;
    }
  }
  const [a, b] = [new Users('a'), new Users('b')] as const;
  await Promise.all([a.find('1'), b.find('1')]);
  await settle();
  clock.advance(1_000);
  expect(await Promise.all([a.find('1'), a.find('1'), b.find('1')])).toEqual(['a 1 1', 'a 1 1', 'b 1 1']);
  await settle();
  expect([await a.find('1'), await b.find('1'), a.runs, b.runs]).toEqual(['a 1 2', 'b 1 2', 2, 2]);
  expect(cacheOf(a, 'find').stats()).toMatchObject({ hits: 1, stale: 2, misses: 1 });
});

it('a run that fails behind an answer does not end the process', async () => {
  const told = await program(`
    import { cached, createCache } from '@reprise/core';
    process.on('warning', ({ code }) => console.log(code));
    let now = 0;
    const cache = createCache({ name: 'aged', clock: { now: () => now }, ttl: 1_000, staleWhileRevalidate: '1h' });
    let runs = 0;
    const slow = cached(async () => { if (++runs > 1) throw new Error('down'); return 'old'; }, { cache, name: 'slow' });
    const quick = cached(() => { if (++runs > 2) throw new Error('down'); return 'old'; }, { cache, name: 'quick' });
    await slow();
    quick();
    now = 1_000;
    console.log(await slow(), quick());
    await new Promise((resolve) => setImmediate(resolve));
    console.log('alive', runs);
  `);
  expect(told.split('\n')).toEqual(['old old', 'E_BACKGROUND', 'E_BACKGROUND', 'alive 4']);
});
