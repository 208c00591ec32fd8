import { afterEach, describe, expect, it } from '@jest/globals';
import { type CachedFunction, closeAllCaches } from '@reprise/core';
import type { Store } from '@reprise/store';
import { defer, holdRuns, runOf, settle } from './deferred.ts';
import { sharedHomes } from './homes.ts';
import { tellStatuses } from './statuses.ts';

afterEach(closeAllCaches);

/** An error with a field of its own. */
function failWith(status: number): Error {
  return Object.assign(new Error(`status ${status}`), { status });
}

/** Answers what it is told, run by run; an error is thrown. */
function scripted(...answers: unknown[]) {
  const state = { runs: 0 };
  const run = (): unknown => {
    const answer = answers[Math.min(state.runs++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { state, run, runLater: async () => run() };
}

describe.each(sharedHomes)('staleIfError in %s', (_kind, makeHome) => {
  it('answers stale where the function fails, as long as it lasts, then the error itself', async () => {
    const { wrap, clock } = makeHome();
    const error = failWith(503);
    const { runLater, state } = scripted('old', error);
    const load = wrap(runLater, { ttl: 1_000, staleIfError: 5_000, retryAfter: 0 });
    expect(await load()).toBe('old');
    await settle();
    clock.advance(1_000);
    expect(await load()).toBe('old');
    clock.advance(4_999);
    expect(await load()).toBe('old');
    clock.advance(1);
    await expect(load()).rejects.toBe(error);
    expect(state.runs).toBe(4);
  });

  it('lets a synchronous function stay what it is', async () => {
    const { wrap, clock } = makeHome();
    const error = failWith(503);
    const { run } = scripted('old', error);
    const load = wrap(run, { ttl: 1_000, staleIfError: 5_000, retryAfter: 0 });
    expect(await load()).toBe('old');
    await settle();
    clock.advance(1_000);
    expect(await load()).toBe('old');
    clock.advance(5_000);
    await expect((async () => load())()).rejects.toBe(error);
  });

  it('leaves the function alone for retryAfter, a second by default, and tries it again then', async () => {
    for (const [retryAfter, pause] of [
      [undefined, 1_000],
      ['5s', 5_000],
    ] as const) {
      const { wrap, clock } = makeHome();
      const { runLater, state } = scripted('old', failWith(503), 'new');
      const load = wrap(runLater, { ttl: 1_000, staleIfError: '1h', retryAfter });
      await load();
      await settle();
      clock.advance(1_000);
      expect([await load(), await load(), state.runs]).toEqual(['old', 'old', 2]);
      clock.advance(pause - 1);
      expect([await load(), state.runs]).toEqual(['old', 2]);
      clock.advance(1);
      expect([await load(), state.runs]).toEqual(['new', 3]);
      const { hits, misses, stale, errors } = load.stats();
      expect({ hits, misses, stale, errors }).toEqual({ hits: 0, misses: 2, stale: 3, errors: 1 });
    }
  });

  it('leaves it alone too where another run has brought a newer value before it failed', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[], string>();
    const load = wrap(held, { ttl: 1_000, staleIfError: '1h', refreshAhead: 0.5, dedupe: false });
    await load.set([], 'old');
    await settle();
    clock.advance(1_000);
    // One after the other: a store of files may answer the second look first.
    const first = load();
    const newer = await runOf(held, 0);
    const second = load();
    const failing = await runOf(held, 1);
    newer.resolve('new');
    await settle();
    failing.reject(failWith(503));
    expect(await Promise.all([first, second])).toEqual(['new', 'old']);
    await settle();
    clock.advance(999);
    expect(await load()).toBe('new');
    await settle();
    expect(held.runs).toHaveLength(2);
  });

  it('tries again at once after a refresh or an invalidation', async () => {
    const { wrap, clock } = makeHome();
    const { runLater, state } = scripted('old', failWith(503), failWith(504), 'new');
    const load = wrap(runLater, { ttl: 1_000, staleIfError: '1h', retryAfter: '1h' });
    await load();
    await settle();
    clock.advance(1_000);
    await load();
    await expect((async () => load.refresh())()).rejects.toMatchObject({ status: 504 });
    // The failed refresh has kept the entry.
    expect([await load(), state.runs]).toEqual(['new', 4]);
    await load.invalidate();
    expect([await load(), state.runs]).toEqual(['new', 5]);
  });

  it('answers only the errors that when allows, and gives the others to each caller as they are', async () => {
    const { wrap, clock } = makeHome();
    const refused = failWith(404);
    const held = holdRuns<[], string>();
    const seen: unknown[] = [];
    const when = (error: unknown) => {
      seen.push(error);
      return (error as { status: number }).status !== 404;
    };
    const load = wrap(held, { ttl: 1_000, staleIfError: { for: '1h', when }, retryAfter: 0 });
    const first = load();
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    const refusals = Promise.allSettled(Array.from({ length: 100 }, () => load()));
    (await runOf(held, 1)).reject(refused);
    expect(new Set((await refusals).map((result) => (result as PromiseRejectedResult).reason))).toEqual(
      new Set([refused]),
    );
    expect(held.runs).toHaveLength(2);
    const answers = Promise.all(Array.from({ length: 100 }, () => load()));
    (await runOf(held, 2)).reject(failWith(500));
    expect(new Set(await answers)).toEqual(new Set(['old']));
    // One error, one question.
    expect(seen).toEqual([refused, expect.objectContaining({ status: 500 })]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('when is broken');
      },
    ],
    ['answers a promise', async () => true],
  ])('gives the error itself where when %s, and tells that once', async (_what, when) => {
    const { wrap, clock } = makeHome();
    const error = failWith(503);
    const { runLater } = scripted('old', error);
    const load = wrap(runLater, { ttl: 1_000, staleIfError: { for: '1h', when: when as never } });
    const told: unknown[] = [];
    load.on('error', (event) => told.push(event.error));
    await load();
    await settle();
    clock.advance(1_000);
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => load()));
    expect(new Set(all.map((result) => (result as PromiseRejectedResult).reason))).toEqual(new Set([error]));
    expect(told).toEqual([expect.objectContaining({ code: 'E_CALLBACK' })]);
  });

  it.each(['invalidate', 'clear', 'set', 'invalidateTags'] as const)(
    'does not bring back by its fallback what %s took away meanwhile',
    async (verb) => {
      const { wrap, clock, cache } = makeHome();
      const held = holdRuns<[], string>();
      const load = wrap(held, { ttl: 1_000, staleIfError: '1h', tags: ['label'] });
      const first = load();
      (await runOf(held, 0)).resolve('old');
      await first;
      await settle();
      clock.advance(1_000);
      const error = failWith(503);
      const early = Promise.allSettled([load(), load()]);
      await runOf(held, 1);
      await takeAway(verb, load, cache);
      const late = load();
      held.runs[1]?.reject(error);
      expect(await early).toEqual([
        { status: 'rejected', reason: error },
        { status: 'rejected', reason: error },
      ]);
      if (verb === 'set') expect(await late).toBe('set');
      else {
        (await runOf(held, 2)).reject(error);
        await expect(late).rejects.toBe(error);
      }
      await settle();
      expect(load.stats().stale).toBe(0);
    },
  );

  it('tells every call once, and as its stats do', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[], string>();
    const load = wrap(held, { ttl: 1_000, staleIfError: '1h', retryAfter: 0 });
    const told = tellStatuses(load);
    const first = load();
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    const failing = Promise.all([load(), load(), load()]);
    (await runOf(held, 1)).reject(failWith(503));
    expect(await failing).toEqual(['old', 'old', 'old']);
    const working = Promise.all([load(), load()]);
    (await runOf(held, 2)).resolve('new');
    expect(await working).toEqual(['new', 'new']);
    await settle();
    expect(told.statuses()).toEqual(told.counted());
    expect(told.sum()).toBe(6);
  });

  it('answers callers of a failing refresh that the stale entry is allowed to, and tells each of them once', async () => {
    const { wrap, clock } = makeHome();
    const held = holdRuns<[], string>();
    const load = wrap(held, { ttl: 1_000, staleIfError: '1h', retryAfter: 0 });
    const told = tellStatuses(load);
    const first = load();
    (await runOf(held, 0)).resolve('old');
    await first;
    await settle();
    clock.advance(1_000);
    const error = failWith(503);
    const refreshed = Promise.allSettled([(async () => load.refresh())()]);
    await runOf(held, 1);
    const joined = Promise.all([load(), load(), load()]);
    // The stores are asked in the order of the questions.
    for (let turn = 0; turn < 3; turn++) await load.has();
    await settle();
    held.runs[1]?.reject(error);
    expect(await joined).toEqual(['old', 'old', 'old']);
    expect(await refreshed).toEqual([{ status: 'rejected', reason: error }]);
    expect(told.statuses()).toEqual(told.counted());
    expect(told.counted()).toMatchObject({ misses: 1, stale: 3, coalesced: 0 });
  });

  it('answers who waits for a run that a newer one was faster than, and that fails', async () => {
    const { cache, clock } = makeHome();
    const options = { ttl: 1_000, staleIfError: 5_000 };
    const slow = defer<string>();
    const first = cache.getOrSet('key', () => slow.promise, options);
    await settle();
    await cache.getOrSet('key', async () => 'newer', { ...options, dedupe: false });
    await settle();
    clock.advance(1_000);
    const second = cache.getOrSet('key', () => slow.promise, options);
    await settle();
    const error = failWith(503);
    slow.reject(error);
    await expect(first).rejects.toBe(error);
    expect(await second).toBe('newer');
  });

  it('after a failure behind an answer answers past staleWhileRevalidate only what when allows', async () => {
    const { wrap, clock } = makeHome();
    const error = failWith(404);
    const { runLater, state } = scripted('old', error);
    const load = wrap(runLater, {
      ttl: 1_000,
      staleWhileRevalidate: 1_000,
      staleIfError: { for: '1h', when: (failed) => (failed as { status: number }).status !== 404 },
      retryAfter: '10s',
    });
    const told: unknown[] = [];
    load.on('error', (event) => told.push(event.error));
    await load();
    await settle();
    clock.advance(1_900);
    expect(await load()).toBe('old');
    await settle();
    expect([await load(), state.runs, told]).toEqual(['old', 2, [error]]);
    clock.advance(100);
    await expect(load()).rejects.toBe(error);
    expect(state.runs).toBe(3);
  });

  it('leaves nothing behind', async () => {
    const { wrap, clock } = makeHome();
    const { runLater } = scripted('old', failWith(503));
    const load = wrap(runLater, { ttl: 1_000, staleIfError: 1_000, retryAfter: 0 });
    await load();
    await settle();
    clock.advance(1_000);
    await load();
    clock.advance(1_000);
    await expect(load()).rejects.toThrow('503');
    expect(await load.inspect()).toBeUndefined();
    expect(await load.has()).toBe(false);
  });
});

async function takeAway(
  verb: 'invalidate' | 'clear' | 'set' | 'invalidateTags',
  load: CachedFunction<() => Promise<string>, Store>,
  cache: { invalidateTags(tags: string[]): unknown },
): Promise<void> {
  if (verb === 'invalidate') await load.invalidate();
  else if (verb === 'clear') await load.clear();
  else if (verb === 'set') await load.set([], 'set');
  else await cache.invalidateTags(['label']);
}
