import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, cacheSignal, closeAllCaches, TimeoutError, withCacheMode } from '@reprise/core';
import { chaosStore } from '@reprise/store-testkit';
import { defer, holdRuns, runOf, settle } from './deferred.ts';
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

const signal = (_id: string, given?: AbortSignal): AbortSignal | undefined => given;
const options = { signal };

function held() {
  return holdRuns<[id: string, signal?: AbortSignal], string>();
}

async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value,
    (reason: unknown) => ({ reason }),
  );
}

describe.each(homes)('a caller’s signal, in %s', (_kind, makeHome) => {
  function make(more: object = {}) {
    const load = held();
    const home = makeHome();
    return { ...home, load, user: home.wrap(load, { ...options, ...more }) };
  }

  it('is no part of the key', async () => {
    const { load, user } = make();
    const [one, other] = [new AbortController().signal, new AbortController().signal];
    const answers = [user('a', one), user('a', other), user('a')];
    (await runOf(load, 0)).resolve('A');
    expect(await Promise.all(answers)).toEqual(['A', 'A', 'A']);
    await settle();
    expect([await user('a', new AbortController().signal), load.runs.length]).toEqual(['A', 1]);
    expect([user.keyOf('a', one), user.keyOf('b')].map((key) => key.replace(/^.*\(/, '('))).toEqual(['("a")', '("b")']);
    expect(await user.peek('a', other)).toBe('A');
    expect(await user.invalidate('a', other)).toBe(true);
    expect(await user.has('a')).toBe(false);
  });

  it('is not the one that the function gets: that is the run’s', async () => {
    const { load, user } = make();
    const given = new AbortController().signal;
    const answer = user('a', given);
    const run = await runOf(load, 0);
    expect(run.args[1]).toBeInstanceOf(AbortSignal);
    expect(run.args[1]).not.toBe(given);
    run.resolve('A');
    await answer;
  });

  it('lets him leave alone', async () => {
    const { load, user } = make();
    const [first, second] = [new AbortController(), new AbortController()];
    const answers = [user('a', first.signal), user('a', second.signal)].map(outcomeOf);
    const run = await runOf(load, 0);
    const reason = new Error('gone');
    first.abort(reason);
    expect(await answers[0]).toEqual({ reason });
    expect(((await answers[0]) as { reason: unknown }).reason).toBe(reason);
    expect(run.args[1]?.aborted).toBe(false);
    run.resolve('A');
    expect(await answers[1]).toBe('A');
    await settle();
    expect(await user.has('a')).toBe(true);
    expect(user.stats()).toMatchObject({ misses: 1, coalesced: 1, loads: 1, errors: 0 });
  });

  it('aborts the run when all have left, and a later caller begins another', async () => {
    const { load, user } = make();
    const controllers = [new AbortController(), new AbortController()];
    const answers = controllers.map((controller) => outcomeOf(user('a', controller.signal)));
    const run = await runOf(load, 0);
    const reasons = controllers.map((controller, index) => {
      controller.abort(index);
      return { reason: index };
    });
    expect(await Promise.all(answers)).toEqual(reasons);
    expect([run.args[1]?.aborted, run.args[1]?.reason]).toEqual([true, 1]);
    const later = user('a', new AbortController().signal);
    const next = await runOf(load, 1);
    expect(next.args[1]?.aborted).toBe(false);
    // The one that was aborted comes to an end after all: for nobody.
    run.resolve('old');
    await settle();
    next.resolve('new');
    expect(await later).toBe('new');
    await settle();
    expect([await user('a'), load.runs.length]).toEqual(['new', 2]);
  });

  it('that was aborted before he came runs nothing, and answers nothing', async () => {
    const { load, user } = make();
    const reason = new Error('early');
    expect(await outcomeOf(user('a', AbortSignal.abort(reason)))).toEqual({ reason });
    expect(load.runs).toHaveLength(0);
    await user.set(['a'], 'set');
    expect(await outcomeOf(user('a', AbortSignal.abort(reason)))).toEqual({ reason });
    expect(user.stats()).toMatchObject({ bypass: 2, misses: 0, hits: 0 });
  });

  it('of one cannot take the run from one who has none', async () => {
    const { load, user } = make();
    const controller = new AbortController();
    const answers = [user('a'), outcomeOf(user('a', controller.signal))];
    const run = await runOf(load, 0);
    controller.abort();
    await answers[1];
    run.resolve('A');
    expect(await answers[0]).toBe('A');
    await settle();
    expect([await user('a'), load.runs.length]).toEqual(['A', 1]);
  });

  it('has no listeners left when the calls are over, however they end', async () => {
    const { load, user } = make();
    const { signal: long } = new AbortController();
    const leaves = new AbortController();
    const answers = [user('a', long), user('a', long), user('a', leaves.signal), user('b', long)].map(outcomeOf);
    await runOf(load, 1);
    leaves.abort();
    for (const { args, resolve, reject } of load.runs) args[0] === 'a' ? resolve('A') : reject(new Error('down'));
    await Promise.all(answers);
    await settle();
    await user('a', long);
    expect(getEventListeners(long, 'abort')).toEqual([]);
    expect(getEventListeners(leaves.signal, 'abort')).toEqual([]);
  });

  it('may be shared by many calls: it has one listener', async () => {
    const { load, user } = make();
    const controller = new AbortController();
    const answers = [...Array(50).keys()].map((n) => outcomeOf(user(`${n}`, controller.signal)));
    await runOf(load, 49);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('gone');
    expect(await Promise.all(answers)).toEqual(Array(50).fill({ reason: 'gone' }));
    expect(load.runs.every(({ args }) => args[1]?.aborted)).toBe(true);
  });

  it('aborted by the function itself, before it returns, lets him leave', async () => {
    const controller = new AbortController();
    const user = makeHome().wrap(async (id: string, _signal?: AbortSignal) => {
      controller.abort('from inside');
      return id;
    }, options);
    expect(await outcomeOf(user('a', controller.signal))).toEqual({ reason: 'from inside' });
  });

  it('ends his wait, and a timeout does: whichever comes first', async () => {
    const { load, user } = make({ timeout: 300 });
    const controller = new AbortController();
    const [slow, leaver] = [
      outcomeOf(user('a', new AbortController().signal)),
      outcomeOf(user('a', controller.signal)),
    ];
    const run = await runOf(load, 0);
    controller.abort('gone');
    expect(await leaver).toEqual({ reason: 'gone' });
    expect(((await slow) as { reason: unknown }).reason).toBeInstanceOf(TimeoutError);
    // Who has timed out has not left: the run goes on, and is kept.
    expect(run.args[1]?.aborted).toBe(false);
    run.resolve('A');
    await settle();
    expect([await user('a'), load.runs.length]).toEqual(['A', 1]);
  });

  it('of a caller inside of a run is his own, and so are circles', async () => {
    const { load, user, wrap } = make();
    const outer = wrap(async (id: string, own?: AbortSignal) => user(id, own), options);
    const controller = new AbortController();
    const answer = outcomeOf(outer('a', controller.signal));
    const run = await runOf(load, 0);
    controller.abort('gone');
    expect(await answer).toEqual({ reason: 'gone' });
    await settle();
    // The outer run was aborted, and with it the inner call that was given its signal.
    expect(run.args[1]?.aborted).toBe(true);
  });

  it('is cacheSignal inside of the run, at any depth of await', async () => {
    const seen: AbortSignal[] = [];
    const user = makeHome().wrap(async (_id: string, _signal?: AbortSignal) => {
      seen.push(cacheSignal());
      await sleep(1);
      seen.push(cacheSignal());
      return new Promise<string>((_, reject) => {
        cacheSignal().addEventListener('abort', () => reject(cacheSignal().reason));
      });
    }, options);
    const controller = new AbortController();
    const answer = outcomeOf(user('a', controller.signal));
    while (seen.length < 2) await sleep(1);
    controller.abort('gone');
    expect(await answer).toEqual({ reason: 'gone' });
    await settle();
    expect([seen[0] === seen[1], seen[0]?.aborted]).toEqual([true, true]);
  });

  it('whose option throws is none: reported once, and the call goes on', async () => {
    const user = makeHome().wrap(async (id: string) => id, {
      signal: () => {
        throw new Error('trap');
      },
    });
    const errors: unknown[] = [];
    user.on('error', ({ error }) => errors.push(error));
    expect(await user('a')).toBe('a');
    expect(errors).toHaveLength(1);
  });

  it.each([[5], ['signal'], [{}]])('that is none (%j) is none: reported, and the call goes on', async (answer) => {
    const user = makeHome().wrap(async (id: string) => id, { signal: () => answer as never });
    const errors: unknown[] = [];
    user.on('error', ({ error }) => errors.push(error));
    expect(await user('a')).toBe('a');
    expect(errors).toEqual([
      expect.objectContaining({ code: 'E_CALLBACK', message: expect.stringMatching(/signal.*no AbortSignal/) }),
    ]);
  });
});

describe.each(homes)('a caller of refresh with a signal, in %s', (_kind, makeHome) => {
  it('keeps the run from being aborted by those who join it', async () => {
    const load = held();
    const user = makeHome().wrap(load, options);
    const refreshed = user.refresh('a');
    const run = await runOf(load, 0);
    const controller = new AbortController();
    const joined = outcomeOf(user('a', controller.signal));
    await settle();
    controller.abort('gone');
    expect(await joined).toEqual({ reason: 'gone' });
    run.resolve('A');
    expect(await refreshed).toBe('A');
    await settle();
    expect([await user('a'), load.runs.length]).toEqual(['A', 1]);
  });

  it('can leave', async () => {
    const load = held();
    const user = makeHome().wrap(load, options);
    const controller = new AbortController();
    const refreshed = outcomeOf(user.refresh('a', controller.signal) as Promise<string>);
    const run = await runOf(load, 0);
    controller.abort('gone');
    expect(await refreshed).toEqual({ reason: 'gone' });
    expect(run.args[1]?.aborted).toBe(true);
    expect(await outcomeOf(user.refresh('a', AbortSignal.abort('early')) as Promise<string>)).toEqual({
      reason: 'early',
    });
  });
});

describe.each(sharedHomes)('a run behind an answer and the signals of callers, in %s', (_kind, makeHome) => {
  function make() {
    const load = held();
    const home = makeHome();
    const user = home.wrap(load, { ...options, ttl: 1_000, staleWhileRevalidate: 1_000 });
    const prepare = async () => {
      await user.set(['a'], 'stale');
      await settle();
      home.clock.advance(1_000);
    };
    return { ...home, load, user, prepare };
  }

  it('does not end with the caller whose answer it was', async () => {
    const { load, user, prepare } = make();
    await prepare();
    const controller = new AbortController();
    expect(await user('a', controller.signal)).toBe('stale');
    const run = await runOf(load, 0);
    controller.abort();
    expect(run.args[1]?.aborted).not.toBe(true);
    run.resolve('new');
    await settle();
    expect(await user('a')).toBe('new');
  });

  it('does not end with those who join it', async () => {
    const { load, user, prepare, clock } = make();
    await prepare();
    await user('a');
    const run = await runOf(load, 0);
    // Past the window the run is waited for.
    clock.advance(1_000);
    const controller = new AbortController();
    const joined = outcomeOf(user('a', controller.signal));
    await settle();
    controller.abort('gone');
    expect(await joined).toEqual({ reason: 'gone' });
    run.resolve('new');
    await settle();
    expect([await user('a'), load.runs.length]).toEqual(['new', 1]);
  });
});

describe('a caller’s signal, while an asynchronous store is asked', () => {
  it('lets all leave: nothing is run for nobody', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: [{ delay: gate.promise }] });
    const { wrap } = homeOn(store);
    const load = held();
    const user = wrap(load, options);
    const controllers = [new AbortController(), new AbortController()];
    const answers = controllers.map((controller) => outcomeOf(user('a', controller.signal)));
    await settle();
    for (const controller of controllers) controller.abort('gone');
    expect(await Promise.all(answers)).toEqual([{ reason: 'gone' }, { reason: 'gone' }]);
    gate.resolve();
    await settle();
    expect(load.runs).toHaveLength(0);
    expect(user.stats()).toMatchObject({ misses: 1, coalesced: 1, loads: 0 });
    const later = user('a');
    (await runOf(load, 0)).resolve('A');
    expect(await later).toBe('A');
  });

  it('lets one leave: the answer is the other’s', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: [{ delay: gate.promise }] });
    const { wrap } = homeOn(store);
    const load = held();
    const user = wrap(load, options);
    const controller = new AbortController();
    const answers = [outcomeOf(user('a', controller.signal)), user('a', new AbortController().signal)];
    await settle();
    controller.abort('gone');
    expect(await answers[0]).toEqual({ reason: 'gone' });
    gate.resolve();
    (await runOf(load, 0)).resolve('A');
    expect(await answers[1]).toBe('A');
  });

  it.each([
    ['a refresh', (user: { refresh(id: string): unknown }) => void user.refresh('a'), undefined],
    ['nothing', () => {}, 'force-cache'],
    ['nothing', () => {}, 'only-if-cached'],
  ] as const)('lets one leave at once who looks beside %s, in the mode %s', async (_what, begin, mode) => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: { delay: gate.promise } });
    const { wrap } = homeOn(store);
    const load = held();
    const user = wrap(load, options);
    begin(user as never);
    const controller = new AbortController();
    const ask = () => user('a', controller.signal);
    const answer = outcomeOf(mode === undefined ? ask() : withCacheMode(mode, ask));
    await settle();
    controller.abort('gone');
    expect(await answer).toEqual({ reason: 'gone' });
    gate.resolve();
    for (const run of load.runs) run.resolve('A');
    await settle();
    expect(load.runs).toHaveLength(mode === undefined ? 1 : 0);
  });

  it('lets a later caller begin anew, who does not wait for the look of those who left', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: [{ delay: gate.promise }] });
    const { wrap } = homeOn(store);
    const user = wrap(async (id: string, _signal?: AbortSignal) => id, options);
    const controller = new AbortController();
    const left = outcomeOf(user('a', controller.signal));
    controller.abort('gone');
    expect([await left, await user('a')]).toEqual([{ reason: 'gone' }, 'a']);
    gate.resolve();
  });
});

describe('a caller’s signal', () => {
  it('leaves no rejection unhandled, and swallows none', async () => {
    const told = await program(`
      import { cached } from '@reprise/core';
      process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
      const fail = cached((id, signal) => new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted ' + id)));
      }), { signal: (_id, signal) => signal });
      const controller = new AbortController();
      const answers = [fail('a', controller.signal), fail('a', controller.signal), fail('b', controller.signal)];
      const settled = Promise.allSettled(answers);
      controller.abort(new Error('left'));
      console.log((await settled).map(({ reason }) => reason.message).join());
      await fail('c', AbortSignal.abort(new Error('early'))).catch((error) => console.log(error.message));
      await new Promise((resolve) => setTimeout(resolve, 10));
      const ignored = new AbortController();
      fail('d', ignored.signal);
      ignored.abort(new Error('ignored'));
    `);
    expect(told.split('\n')).toEqual(['left,left,left', 'early', 'unhandled ignored']);
  }, 30_000);

  it('of another implementation is one, too', async () => {
    const listeners = new Set<() => void>();
    const foreign = {
      aborted: false,
      reason: 'gone',
      addEventListener: (_type: string, listener: () => void) => listeners.add(listener),
      removeEventListener: (_type: string, listener: () => void) => listeners.delete(listener),
    };
    const load = held();
    const user = cached(load, options);
    const answer = outcomeOf(user('a', foreign as never));
    await settle();
    for (const listener of listeners) listener();
    expect(await answer).toEqual({ reason: 'gone' });
    expect(listeners.size).toBe(0);
  });

  it('of a synchronous function that has shown to be one throws', () => {
    const rate = cached((id: string, _signal?: AbortSignal) => id, options);
    rate('a');
    expect(() => rate('b', AbortSignal.abort(new Error('early')))).toThrow('early');
  });

  it('one level into an object of options leaves the key, and is replaced there', async () => {
    const load = holdRuns<[id: string, more: { lang: string; signal?: AbortSignal }], string>();
    const user = cached(load, { signal: (_id, { signal: given }) => given });
    const controller = new AbortController();
    const answers = [
      outcomeOf(user('a', { lang: 'de', signal: controller.signal })),
      user('a', { lang: 'de', signal: new AbortController().signal }),
    ];
    const run = await runOf(load, 0);
    expect(run.args[1].signal).not.toBe(controller.signal);
    controller.abort('gone');
    expect(await answers[0]).toEqual({ reason: 'gone' });
    run.resolve('A');
    expect([await answers[1], load.runs.length]).toEqual(['A', 1]);
  });
});
