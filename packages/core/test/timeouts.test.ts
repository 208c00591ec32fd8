import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, TimeoutError } from '@reprise/core';
import { chaosStore } from '@reprise/store-testkit';
import { holdRuns, runOf, settle } from './deferred.ts';
import { sharedHomes } from './homes.ts';
import { tellStatuses } from './statuses.ts';
import { asyncMemory } from './store-kinds.ts';

afterEach(async () => {
  await closeAllCaches();
  jest.restoreAllMocks();
});

/** What a call answers that is made again where the machine was too slow for its hard limit. */
async function answerOf<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
}

/** Lets a minute pass at once, for all that measures how long something takes. */
function passMinute(): void {
  const now = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_000);
}

describe.each(sharedHomes)('timeout in %s', (_kind, makeHome) => {
  it('hard fails each caller, and the one run goes on and is stored', async () => {
    const { wrap } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { timeout: 200 });
    const told = tellStatuses(load);
    const early = Promise.allSettled(Array.from({ length: 5 }, () => load('a')));
    await runOf(held, 0);
    for (const each of await early) expect((each as PromiseRejectedResult).reason).toBeInstanceOf(TimeoutError);
    let asked = 0;
    const late = answerOf(() => {
      asked++;
      return load('a');
    });
    await settle();
    held.runs[0]?.resolve('value');
    expect(await late).toBe('value');
    await settle();
    expect([await load('a'), held.runs.length]).toEqual(['value', 1]);
    expect(told.statuses()).toEqual(told.counted());
    expect(told.counted()).toMatchObject({ misses: 1, coalesced: 4 + asked, hits: 1 });
  });

  it.each(['invalidate', 'clear', 'set', 'invalidateTags'] as const)(
    'hard leaves a run that %s voids: it is not stored, and the next call begins its own',
    async (verb) => {
      const { wrap, cache } = makeHome();
      const held = holdRuns<[string], string>();
      const load = wrap(held, { timeout: 60, tags: ['label'] });
      const early = load('a');
      early.catch(() => {});
      const run = await runOf(held, 0);
      if (verb === 'invalidate') await load.invalidate('a');
      else if (verb === 'clear') await load.clear();
      else if (verb === 'set') await load.set(['a'], 'set');
      else await cache.invalidateTags(['label']);
      await expect(early).rejects.toThrow(TimeoutError);
      run.resolve('old');
      await settle();
      if (verb === 'set') expect(await answerOf(() => load('a'))).toBe('set');
      else {
        const late = answerOf(() => load('a'));
        (await runOf(held, 1)).resolve('new');
        expect(await late).toBe('new');
      }
    },
  );

  it('hard hears nothing more of a run that fails later', async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on('unhandledRejection', hear);
    try {
      const { wrap } = makeHome();
      const held = holdRuns<[string], string>();
      const load = wrap(held, { timeout: 60 });
      const early = Promise.allSettled([load('a'), load('a'), load('a')]);
      const run = await runOf(held, 0);
      await early;
      run.reject(new Error('late'));
      await settle();
      await wait(5);
      const next = answerOf(() => load('a'));
      (await runOf(held, 1)).resolve('value');
      expect(await next).toBe('value');
      expect(unheard).toEqual([]);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it('hard answers with an error, whatever stale value the run’s failure would have allowed', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { ttl: 1_000, staleIfError: '1h', timeout: 200, retryAfter: 0 });
    const told = tellStatuses(load);
    const first = load('a');
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    const timed = Promise.allSettled([load('a'), load('a')]);
    const run = await runOf(held, 1);
    for (const each of await timed) expect((each as PromiseRejectedResult).reason).toBeInstanceOf(TimeoutError);
    run.reject(new Error('late'));
    await settle();
    expect(told.statuses()).toEqual(told.counted());
    expect(told.counted()).toMatchObject({ misses: 2, coalesced: 1, stale: 0 });
  });

  it('soft answers stale each caller who waits that long, and counts each once, however the run ends', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const { wrap, clock } = makeHome();
      const held = holdRuns<[string], string>();
      const load = wrap(held, { ttl: 1_000, staleIfError: '1h', retryAfter: 0, timeout: { soft: 30, hard: 5_000 } });
      const told = tellStatuses(load);
      const first = load('a');
      (await runOf(held, 0)).resolve('old');
      await first;
      await settle();
      clock.advance(1_000);
      const answers = Promise.all([load('a'), load('a'), load('a')]);
      const run = await runOf(held, 1);
      expect(await answers).toEqual(['old', 'old', 'old']);
      if (end === 'resolve') run.resolve('new');
      else run.reject(new Error('late'));
      await settle();
      expect(told.statuses()).toEqual(told.counted());
      expect(told.counted()).toMatchObject({ misses: 1, stale: 3, coalesced: 0 });
    }
  });

  it('soft serves a stale value to callers who joined a refresh, too', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { ttl: 1_000, staleIfError: '1h', timeout: { soft: 30, hard: 5_000 } });
    const told = tellStatuses(load);
    const first = load('a');
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    const refreshed = (async () => load.refresh('a'))();
    const run = await runOf(held, 1);
    expect(await Promise.all([load('a'), load('a')])).toEqual(['old', 'old']);
    run.resolve('new');
    expect(await refreshed).toBe('new');
    await settle();
    expect(told.statuses()).toEqual(told.counted());
    expect(told.counted()).toMatchObject({ stale: 2, coalesced: 0 });
  });

  it('soft without a stale value waits for the run, and then for hard', async () => {
    const { wrap } = makeHome();
    const held = holdRuns<[string], string>();
    const patient = wrap(held, { timeout: { soft: 5, hard: '1h' } });
    const slow = patient('a');
    const run = await runOf(held, 0);
    expect(await Promise.race([slow, wait(30, 'nothing yet')])).toBe('nothing yet');
    run.resolve('value');
    expect(await slow).toBe('value');
    const strict = wrap(held, { timeout: { soft: 5, hard: 60 } });
    await expect(strict('a')).rejects.toThrow(TimeoutError);
    (await runOf(held, 1)).resolve('late');
    await settle();
  });

  it('soft does not answer what was invalidated meanwhile', async () => {
    // A machine that has not come to the invalidation in time gets more.
    for (let soft = 60, isInTime = false; !isInTime; soft *= 4) {
      const { wrap, clock } = makeHome();
      const held = holdRuns<[string], string>();
      const load = wrap(held, { ttl: 1_000, staleIfError: '1h', timeout: { soft } });
      const first = load('a');
      (await runOf(held, 0)).resolve('old');
      await first;
      await settle();
      clock.advance(1_000);
      const soon = wait(soft, 'soft');
      const waiting = [load('a'), load('a')];
      const run = await runOf(held, 1);
      const invalidated = load.invalidate('a');
      isInTime = (await Promise.race([soon, wait(0, 'in time')])) === 'in time';
      await invalidated;
      await wait(soft + 20);
      run.resolve('new');
      const answers = await Promise.all(waiting);
      if (isInTime) expect(answers).toEqual(['new', 'new']);
    }
  });

  it('abandon lets a later call begin another run, and the abandoned one is not stored', async () => {
    const { wrap } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { timeout: { abandon: '1m' } });
    const early = load('a');
    const first = await runOf(held, 0);
    const joined = load('a');
    await settle();
    passMinute();
    const late = load('a');
    (await runOf(held, 1)).resolve('new');
    expect(await late).toBe('new');
    first.resolve('old');
    expect([await early, await joined]).toEqual(['old', 'old']);
    await settle();
    expect([await load('a'), held.runs.length]).toEqual(['new', 2]);
  });

  it('abandon lets a later stale answer begin another run behind it', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { ttl: 1_000, staleWhileRevalidate: '1h', timeout: { abandon: '1m' } });
    const first = load('a');
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    expect(await load('a')).toBe('old');
    const hanging = await runOf(held, 1);
    expect(await load('a')).toBe('old');
    expect(held.runs).toHaveLength(2);
    passMinute();
    expect(await load('a')).toBe('old');
    (await runOf(held, 2)).resolve('new');
    await settle();
    hanging.resolve('older');
    await settle();
    expect(await load('a')).toBe('new');
  });

  it('of an abandoned run that fails remembers no error', async () => {
    const { wrap } = makeHome();
    const held = holdRuns<[string], string>();
    const load = wrap(held, { timeout: { abandon: '1m' }, cacheErrors: { ttl: '1h' } });
    const early = load('a').catch(() => 'failed');
    const run = await runOf(held, 0);
    passMinute();
    run.reject(new Error('late'));
    expect(await early).toBe('failed');
    await settle();
    const next = load('a');
    (await runOf(held, 1)).resolve('value');
    expect(await next).toBe('value');
  });
});

it('timeout does not concern a synchronous run', () => {
  const load = cached((n: number) => n + 1, { timeout: { soft: 0, hard: 0 } });
  expect(load(1)).toBe(2);
});

it('a TimeoutError says of which call, and a private cache knows its key after an invalidation, too', async () => {
  const held = holdRuns<[string, string], string>();
  const load = cached(held, { timeout: 30, name: 'load' });
  const timed = load('a', 'b');
  load.invalidate('a', 'b');
  await expect(timed).rejects.toThrow('load: load("a","b") took longer than 30 ms');
  held.runs[0]?.resolve('');
});

describe('a hard limit that is shorter than storeTimeout', () => {
  it('leaves time for the function where the store hangs', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const cache = createCache({ name: 'hanging', store, storeTimeout: '1m' });
    cache.on('error', () => {});
    let runs = 0;
    const load = cached(async () => ++runs, { cache, name: 'load', timeout: 200 });
    expect(await load()).toBe(1);
    store.heal();
    await cache.close();
  });

  it('ends the wait for a refresh, too', async () => {
    const load = cached(() => new Promise<never>(() => {}), { timeout: 5 });
    await expect(load.refresh()).rejects.toBeInstanceOf(TimeoutError);
  });
});
