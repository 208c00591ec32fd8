import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CacheEvent,
  type CacheEventType,
  cached,
  closeAllCaches,
  createCache,
  invalidateTags,
  type Stats,
  withCacheMode,
} from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore, seededRandom } from '@reprise/store-testkit';
import { holdRuns, runOf, settle } from './deferred.ts';
import { homeOn, homes, sharedHomes } from './homes.ts';
import { program } from './program.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;
const stops: (() => void)[] = [];

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
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

/** What is published on the channels of events. */
function look(...some: CacheEventType[]): CacheEvent[] {
  const seen: CacheEvent[] = [];
  for (const type of some.length > 0 ? some : types) {
    const listener = (message: unknown): void => {
      seen.push(message as CacheEvent);
    };
    subscribe(`reprise:${type}`, listener);
    stops.push(() => unsubscribe(`reprise:${type}`, listener));
  }
  return seen;
}

interface Trace {
  cache?: string;
  name?: string;
  key?: string;
  result?: unknown;
  error?: unknown;
}

/** What is published of runs: what happened, and the message as it was then. */
function trace(): { readonly steps: [step: string, message: Trace][]; readonly messages: Trace[] } {
  const steps: [string, Trace][] = [];
  const messages: Trace[] = [];
  const hear =
    (step: string) =>
    (message: unknown): void => {
      messages.push(message as Trace);
      steps.push([step, { ...(message as Trace) }]);
    };
  const handlers = {
    start: hear('start'),
    end: hear('end'),
    asyncStart: hear('asyncStart'),
    asyncEnd: hear('asyncEnd'),
    error: hear('error'),
  };
  tracingChannel('reprise:load').subscribe(handlers);
  stops.push(() => tracingChannel('reprise:load').unsubscribe(handlers));
  return { steps, messages };
}

describe.each(homes)('the channels, in %s', (_kind, makeHome) => {
  it('have each event, the very object that listeners get', async () => {
    const { wrap, cache } = makeHome();
    const user = wrap(async (id: string) => id);
    const heard: CacheEvent[] = [];
    for (const type of types) user.on(type, (event) => heard.push(event));
    const seen = look();
    await user('a');
    await settle();
    await user('a');
    await user.refresh('a');
    await settle();
    await withCacheMode('no-store', () => user('a'));
    await user.invalidate('a');
    // What is stored in files is told when it is there.
    while (seen.filter(({ type }) => type === 'store').length < 2) await settle();
    expect(seen.map(({ type }) => type).filter((type) => type !== 'store')).toEqual([
      'miss',
      'load',
      'hit',
      'refresh',
      'load',
      'bypass',
      'invalidate',
    ]);
    expect(seen).toHaveLength(heard.length);
    for (const [index, event] of seen.entries()) expect(event).toBe(heard[index]);
    expect(seen[0]).toEqual({ type: 'miss', cache: cache?.name, name: expect.any(String), key: user.keyOf('a') });
  });

  it('are heard without any listener, from the moment of the subscription until its end', async () => {
    const user = makeHome().wrap(async (id: string) => id);
    await user('a');
    await settle();
    const hits = look('hit');
    await user('a');
    await user('a');
    for (const stop of stops.splice(0)) stop();
    await user('a');
    expect(hits).toHaveLength(2);
    const misses = look('miss');
    await user('a');
    await user('b');
    expect(misses.map(({ key }) => key)).toEqual([user.keyOf('b')]);
  });

  it('trace each run, from its start to its end, with one message', async () => {
    const { wrap, cache } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load);
    const { steps, messages } = trace();
    const answers = [user('a'), user('a')];
    const run = await runOf(load, 0);
    expect(steps.map(([step]) => step)).toEqual(['start', 'end']);
    run.resolve('A');
    await Promise.all(answers);
    await settle();
    await user('a');
    expect(steps.map(([step]) => step)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(new Set(messages).size).toBe(1);
    expect(steps[0]?.[1]).toEqual({ cache: cache?.name, name: expect.any(String), key: user.keyOf('a') });
    expect(steps[3]?.[1].result).toBe('A');
  });

  it('trace a run that fails', async () => {
    const error = new Error('down');
    const user = makeHome().wrap(async () => {
      throw error;
    });
    const { steps } = trace();
    await expect(user()).rejects.toBe(error);
    expect(steps.map(([step]) => step)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(steps[2]?.[1].error).toBe(error);
  });

  it('give a run the stores that are bound to its start', async () => {
    const spans = new AsyncLocalStorage<string>();
    const { start } = tracingChannel('reprise:load');
    start.bindStore(spans, (message) => `span of ${(message as Trace).key}`);
    stops.push(() => start.unbindStore(spans));
    const user = makeHome().wrap(async (_id: string) => {
      await settle();
      return spans.getStore();
    });
    expect(await user('a')).toBe(`span of ${user.keyOf('a')}`);
    expect(spans.getStore()).toBeUndefined();
  });

  it('change nothing of what a call answers', async () => {
    trace();
    look();
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(async (id: string) => ({ id, run: ++runs }));
    const [one, other] = await Promise.all([user('a'), user('a')]);
    expect([one, other]).toEqual([
      { id: 'a', run: 1 },
      { id: 'a', run: 1 },
    ]);
    const self = wrap(async (depth: number): Promise<number> => (depth === 0 ? 0 : self(depth - 1)));
    expect(await self(5)).toBe(0);
  });
});

describe('the channels', () => {
  it('trace a synchronous run', () => {
    const { steps } = trace();
    const rate = cached((currency: string) => currency.length, { name: 'rate' });
    expect([rate('EUR'), rate('EUR')]).toEqual([3, 3]);
    expect(steps).toEqual([
      ['start', { cache: undefined, name: 'rate', key: 'rate("EUR")' }],
      ['end', { cache: undefined, name: 'rate', key: 'rate("EUR")', result: 3 }],
    ]);
    const fail = cached(() => {
      throw new Error('down');
    });
    expect(() => fail()).toThrow('down');
    expect(steps.slice(2).map(([step]) => step)).toEqual(['start', 'error', 'end']);
  });

  it('have what concerns a whole cache', async () => {
    const store = chaosStore(memoryStore());
    const { cache } = homeOn(store);
    const seen = look('invalidate', 'error');
    store.plan({ entries: 'reject' });
    await expect(invalidateTags(['a'])).rejects.toThrow();
    expect(seen).toEqual([
      { type: 'invalidate', cache: cache.name, name: undefined, key: undefined },
      { type: 'error', cache: cache.name, name: undefined, key: undefined, error: expect.any(Error) },
    ]);
  });

  it('have the keys of getOrSet as people wrote them, and no name', async () => {
    const cache = createCache({ name: 'named' });
    const seen = look('miss');
    const { steps } = trace();
    await cache.getOrSet('rates', async () => 1);
    expect(seen).toEqual([{ type: 'miss', cache: 'named', name: undefined, key: 'rates' }]);
    expect(steps[0]?.[1]).toEqual({ cache: 'named', name: undefined, key: 'rates' });
  });

  it('only look on: an error that nobody listens to is a warning all the same', async () => {
    const seen = look('error');
    const user = cached(async () => 1, {
      tags: () => {
        throw new Error('trap');
      },
    });
    await user();
    expect(seen).toHaveLength(1);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('cost a hit no event while nobody looks', async () => {
    const user = cached((id: string) => id, { name: 'user' });
    user('a');
    const publish = jest.spyOn(channel('reprise:hit'), 'publish');
    user('a');
    expect(publish).not.toHaveBeenCalled();
    publish.mockRestore();
  });

  it('leave the call alone where a subscriber throws: that is an uncaught exception, as Node has it', async () => {
    const told = await program(`
      import { subscribe } from 'node:diagnostics_channel';
      import { cached } from '@reprise/core';
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      subscribe('reprise:miss', () => { throw new Error('trap'); });
      const user = cached(async (id) => id);
      console.log(await user('a'));
      await new Promise((resolve) => setTimeout(resolve, 5));
    `);
    expect(told.split('\n').sort()).toEqual(['a', 'uncaught trap']);
  }, 30_000);
});

type Statuses = Pick<Stats, 'hits' | 'misses' | 'stale' | 'coalesced' | 'bypass'>;

function sumOf({ hits, misses, stale, coalesced, bypass }: Statuses): number {
  return hits + misses + stale + coalesced + bypass;
}

describe.each(sharedHomes)('the numbers, in %s', (_kind, makeHome) => {
  it('have exactly one status for each call, whatever happens, and so have the events of an undisturbed day', async () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Math.floor(Math.random() * 1e9));
    const random = seededRandom(seed);
    const pick = <Choice>(...choices: Choice[]): Choice => choices[Math.floor(random() * choices.length)] as Choice;
    const { wrap, clock, cache } = makeHome();
    let fails = false;
    const load = async (id: string, _signal?: AbortSignal) => {
      await settle();
      if (fails) throw new Error('down');
      return id;
    };
    const functions = [
      wrap(load, {}),
      wrap(load, { ttl: 1_000, staleWhileRevalidate: 500, tags: ['all'] }),
      wrap(load, { ttl: 1_000, staleIfError: 2_000, cacheErrors: { ttl: 100 } }),
      wrap(load, { dedupe: false, timeToIdle: 1_500 }),
      wrap(load, { signal: (_id, signal) => signal, isolate: 'clone' }),
      wrap(load, { bypass: (id) => id === 'a', cacheIf: (id) => id !== 'b' }),
    ];
    const counted: Record<string, number> = {};
    for (const type of ['hit', 'miss', 'stale', 'coalesced', 'bypass', 'load'] as const) {
      counted[type] = 0;
      cache.on(type, () => {
        counted[type] = (counted[type] ?? 0) + 1;
      });
    }
    let calls = 0;
    const open: Promise<unknown>[] = [];
    for (let step = 0; step < 300; step++) {
      const user = pick(...functions);
      const id = pick('a', 'b', 'c');
      const controller = new AbortController();
      const call = async (): Promise<unknown> => (user === functions[4] ? user(id, controller.signal) : user(id));
      const mode = pick(undefined, undefined, 'reload', 'no-cache', 'no-store', 'force-cache', 'only-if-cached');
      calls++;
      open.push((mode === undefined ? call() : withCacheMode(mode as never, call)).catch(() => {}));
      switch (Math.floor(random() * 12)) {
        case 0:
          clock.advance(400);
          break;
        case 1:
          fails = !fails;
          break;
        case 2:
          open.push(invalidateTags(['all']));
          break;
        case 3:
          open.push((async () => user.invalidate(id))());
          break;
        case 4:
          await Promise.all(open.splice(0));
          break;
        case 5:
          controller.abort();
          break;
        case 6:
          await settle();
          break;
        default:
      }
    }
    await Promise.all(open);
    for (let turn = 0; turn < 20; turn++) await settle();
    const all = functions.map((user) => user.stats());
    const total = cache.stats();
    try {
      expect(all.reduce((sum, stats) => sum + sumOf(stats), 0)).toBe(calls);
      expect(sumOf(total)).toBe(calls);
      for (const field of ['hits', 'misses', 'stale', 'coalesced', 'bypass', 'loads', 'errors'] as const) {
        expect([field, all.reduce((sum, stats) => sum + stats[field], 0)]).toEqual([field, total[field]]);
      }
      const { hits, misses, stale, bypass, loads } = total;
      // A call that joined a run in vain is told again as what became of it: only "coalesced" may be told more often.
      expect({ ...counted, coalesced: 0 }).toEqual({
        hit: hits,
        miss: misses,
        stale,
        bypass,
        load: loads,
        coalesced: 0,
      });
      expect(counted['coalesced']).toBeGreaterThanOrEqual(total.coalesced);
    } catch (error) {
      throw new Error(`REPRISE_SEED=${seed}`, { cause: error });
    }
  });
});
