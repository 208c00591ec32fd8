import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CachedOptions,
  type CreateCacheOptions,
  cached,
  cacheOf,
  closeAllCaches,
  createCache,
  getCache,
} from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { asyncMemory } from './store-kinds.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

type Load = (id: string) => Promise<string>;
type Options = CachedOptions<Load>;
type Defaults = Partial<CreateCacheOptions>;

const load = async (id: string): Promise<string> => id;

/** The texts of all warnings about options so far. */
function advice(): string[] {
  return warn.mock.calls.filter(([, about]) => isAboutOptions(about)).map(([text]) => String(text));
}

function isAboutOptions(about: unknown): boolean {
  return (about as { code?: string }).code === 'REPRISE_OPTIONS';
}

const lackOfTtl = 'no effect without a ttl, from whose end';

const incoherent: readonly (readonly [title: string, options: Options, text: string])[] = [
  [
    'a soft limit above the hard one',
    { ttl: '1m', staleIfError: '1h', timeout: { soft: '2s', hard: '1s' } },
    'cached(load): timeout.soft (2000 ms) is not below timeout.hard (1000 ms): callers get the TimeoutError before a stale value ' +
      'could be answered; make soft the shorter one, or leave it out',
  ],
  [
    'a soft limit that is the hard one',
    { ttl: '1m', staleIfError: '1h', timeout: { soft: '1s', hard: '1s' } },
    'cached(load): timeout.soft (1000 ms) is not below timeout.hard (1000 ms): callers get the TimeoutError before a stale value ' +
      'could be answered; make soft the shorter one, or leave it out',
  ],
  [
    'a soft limit and nothing stale',
    { ttl: '1m', timeout: { soft: '1s', hard: '2s' } },
    'cached(load): timeout.soft answers a stale value, and there is none: neither staleIfError nor staleWhileRevalidate is given; ' +
      'give staleIfError, or leave soft out',
  ],
  [
    'a run given up while callers wait',
    { timeout: { hard: '10s', abandon: '5s' } },
    'cached(load): timeout.abandon (5000 ms) is below timeout.hard (10000 ms): while callers still wait for a run, it is given up, ' +
      'its value is not stored, and others begin a second one; make abandon at least as long as hard',
  ],
  [
    'a window behind a ttl that is not there',
    { staleWhileRevalidate: '1m' },
    `cached(load): staleWhileRevalidate has ${lackOfTtl} it counts: nothing expires; give a ttl`,
  ],
  [
    'a window behind a ttl without end',
    { ttl: Infinity, staleIfError: { for: '1m' } },
    `cached(load): staleIfError has ${lackOfTtl} it counts: nothing expires; give a ttl`,
  ],
  [
    'a fraction of a ttl that is not there',
    { refreshAhead: 0.8 },
    `cached(load): refreshAhead has ${lackOfTtl} it counts: nothing expires; give a ttl`,
  ],
  [
    'a chance of a ttl that is not there',
    { refreshAhead: 'probabilistic', timeToIdle: '1m' },
    `cached(load): refreshAhead has ${lackOfTtl} it counts: nothing expires; give a ttl`,
  ],
  [
    'all that counts from a ttl that is not there',
    { staleWhileRevalidate: '1m', staleIfError: '1h', refreshAhead: 0.8, jitter: 0.1 },
    `cached(load): staleWhileRevalidate, staleIfError, refreshAhead and jitter have ${lackOfTtl} they count: nothing expires; give a ttl`,
  ],
  [
    'a pause after nothing that retries',
    { ttl: '1m', retryAfter: '5s', cacheErrors: { ttl: '5s' } },
    'cached(load): retryAfter has nothing to hold back: it counts after a failed run behind an answer, or a failure answered stale; ' +
      'give staleWhileRevalidate, staleIfError or refreshAhead, or leave it out; to remember errors, use cacheErrors',
  ],
  [
    'an idle time as long as the ttl',
    { ttl: '1m', timeToIdle: '1m' },
    'cached(load): timeToIdle (60000 ms) is not below the 60000 ms after which an entry is gone anyway (ttl and stale windows); ' +
      'make it shorter, or leave it out',
  ],
  [
    'an idle time as long as ttl and windows',
    { ttl: '1m', staleWhileRevalidate: '30s', staleIfError: '1m', timeToIdle: '2m' },
    'cached(load): timeToIdle (120000 ms) is not below the 120000 ms after which an entry is gone anyway (ttl and stale windows); ' +
      'make it shorter, or leave it out',
  ],
  [
    'entries that nothing removes',
    { maxSize: Infinity },
    'cached(load): with maxSize: Infinity and neither ttl nor timeToIdle, every result stays for as long as the process lives, or ' +
      'its store; give it a bound, a ttl or a timeToIdle, or say ttl: Infinity, too, where that is meant',
  ],
];

const sensible: readonly (readonly [title: string, options: Options])[] = [
  ['none', {}],
  ['a ttl', { ttl: '5m', maxSize: 10_000 }],
  ['a ttl that the result tells', { ttl: () => '5m', staleWhileRevalidate: '1m', staleIfError: '1h', jitter: 0.1 }],
  ['an idle time beside a ttl that the result tells', { ttl: () => '5m', timeToIdle: '10m' }],
  ['every window', { ttl: '1m', staleWhileRevalidate: '1m', staleIfError: '1h', refreshAhead: 0.8, retryAfter: '5s' }],
  ['windows of the same length', { ttl: '1m', staleWhileRevalidate: '1h', staleIfError: '1h' }],
  ['windows of no length', { staleWhileRevalidate: 0, staleIfError: 0, jitter: 0 }],
  ['a pause after a refresh ahead', { ttl: '1m', refreshAhead: 'probabilistic', retryAfter: '10s' }],
  ['all limits', { ttl: '1m', staleIfError: '1h', timeout: { soft: '200ms', hard: '2s', abandon: '10s' } }],
  ['a soft limit alone', { ttl: '1m', staleIfError: '1h', timeout: { soft: '200ms' } }],
  ['a hard limit', { timeout: '2s' }],
  ['a run given up when the last caller has left', { timeout: { hard: '2s', abandon: '2s' } }],
  ['a run given up, and no hard limit', { timeout: { abandon: '2s' } }],
  ['an idle time below the ttl', { ttl: '1h', timeToIdle: '5m', jitter: 0.1 }],
  ['an idle time alone', { timeToIdle: '5m', maxSize: Infinity }],
  ['an idle time that ends a stale window', { ttl: '1m', staleWhileRevalidate: '1h', timeToIdle: '5m' }],
  ['errors that outlive values', { ttl: '1m', cacheErrors: { ttl: '5m' } }],
  ['errors without a ttl of values', { cacheErrors: { ttl: '5s', when: () => true } }],
  ['no bound, and a ttl', { ttl: '1m', maxSize: Infinity }],
  ['no bound of entries, and one of bytes', { maxSize: Infinity, maxBytes: 1e6, sizeOf: (value) => value.length }],
  ['no bound and no end, said in words', { ttl: Infinity, maxSize: Infinity }],
  ['nothing stored', { ttl: 0, staleIfError: '1h', timeToIdle: '1m' }],
  ['no room', { maxSize: 0 }],
  ['labels, copies and a pass', { tags: ['all'], isolate: 'clone', bypass: () => false, dedupe: false }],
];

describe('advice about options', () => {
  it.each(incoherent)('speaks of %s, once', async (_title, options, text) => {
    const find = cached(load, options);
    await find('1');
    await find('2');
    find.stats();
    expect(advice()).toEqual([text]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(text, { type: 'RepriseWarning', code: 'REPRISE_OPTIONS' });
  });

  it.each(sensible)('is silent about %s', async (_title, options) => {
    const find = cached(load, options);
    await find('1');
    expect(warn).not.toHaveBeenCalled();
  });

  it('is given for each function', () => {
    cached(load, { jitter: 0.1 });
    cached(async function other() {}, { jitter: 0.1 });
    expect(advice()).toEqual([
      expect.stringMatching(/^cached\(load\): jitter/),
      expect.stringMatching(/^cached\(other\): jitter/),
    ]);
  });

  it('says several things of one function', () => {
    cached(load, { retryAfter: '1s', timeout: { soft: '2s', hard: '1s' } });
    expect(advice()).toEqual([
      expect.stringContaining('timeout.soft (2000 ms)'),
      expect.stringContaining('there is none'),
      expect.stringContaining('retryAfter'),
    ]);
  });

  it('names a method, once for all instances', async () => {
    class Users {
      @cached({ staleIfError: '1h' })
      async find(id: string): Promise<string> {
        return id;
      }
      @cached({ jitter: 0.2, store: asyncMemory() })
      async list(): Promise<string[]> {
        return [];
      }
    }
    for (const users of [new Users(), new Users()]) {
      await users.find('1');
      await users.list();
      await cacheOf(users, 'list').clear();
    }
    expect(advice()).toEqual([
      expect.stringMatching(/^@cached on (Users\.)?find: staleIfError has/),
      expect.stringMatching(/^@cached on Users\.list: jitter has/),
    ]);
  });

  it('waits for the cache that a name stands for, and is not repeated in the next one', async () => {
    const find = cached(load, { cache: 'late', staleIfError: '1h', timeToIdle: '5m' });
    const other = cached(
      async function other(id: string) {
        return id;
      },
      { cache: 'late', jitter: 0.1 },
    );
    expect(advice()).toEqual([]);
    createCache({ name: 'late', ttl: '1m' });
    await find('1');
    await other('1');
    expect(advice()).toEqual([]);
    await getCache('late')?.close();
    createCache({ name: 'late' });
    await find('1');
    await other('1');
    await getCache('late')?.close();
    createCache({ name: 'late' });
    await find('1');
    expect(advice()).toEqual([
      expect.stringContaining('cached(load): staleIfError has'),
      expect.stringContaining('cached(other): jitter has'),
    ]);
  });

  it('is not given about what is refused', () => {
    expect(() => cached(load, { jitter: 2 })).toThrow(TypeError);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('advice about the defaults of a cache', () => {
  let made = 0;
  const make = (defaults: Defaults) => createCache({ name: `advised ${++made}`, ...defaults });

  it.each<[title: string, defaults: Defaults, text: string]>([
    ['limits in the wrong order', { timeout: { soft: '2s', hard: '1s' } }, 'timeout.soft (2000 ms) is not below'],
    ['a run given up early', { timeout: { hard: '2s', abandon: '1s' } }, 'timeout.abandon (1000 ms) is below'],
    [
      'an idle time above the ttl',
      { ttl: '1m', timeToIdle: '1h' },
      'timeToIdle (3600000 ms) is not below the 60000 ms',
    ],
  ])('speaks of %s when it is made, and not again for its functions', async (_title, defaults, text) => {
    const cache = make(defaults);
    await cached(load, { cache, name: 'one' })('1');
    await cached(load, { cache, name: 'two', ttl: '1m', staleIfError: '1h' })('1');
    await cache.getOrSet('key', async () => 1);
    expect(advice()).toEqual([expect.stringContaining(`createCache('${cache.name}'): ${text}`)]);
  });

  it('speaks of a default that needs a ttl where a function has none, once for the cache', async () => {
    const cache = make({ staleIfError: '1h', jitter: 0.1 });
    cached(load, { cache, name: 'ended', ttl: '1m' });
    cached(load, { cache, name: 'endless', ttl: Infinity });
    expect(advice()).toEqual([]);
    cached(load, { cache, name: 'first' });
    cached(load, { cache, name: 'second' });
    expect(advice()).toEqual([
      `cached(load), in cache '${cache.name}': staleIfError and jitter have ${lackOfTtl} they count: nothing expires; give a ttl; ` +
        'or say ttl: Infinity where that is meant',
    ]);
  });

  it('tells what a function says itself from what its cache says', () => {
    const cache = make({ staleIfError: '1h' });
    cached(load, { cache, ttl: Infinity, jitter: 0.1 });
    expect(advice()).toEqual([`cached(load): jitter has ${lackOfTtl} it counts: nothing expires; give a ttl`]);
  });

  it.each<[title: string, defaults: Defaults, options: Options]>([
    ['a ttl of the cache', { ttl: '1m' }, { staleWhileRevalidate: '1m', jitter: 0.1, refreshAhead: 0.5 }],
    ['a window of the cache', { ttl: '1m', staleIfError: '1h' }, { timeout: { soft: '1s' }, retryAfter: '1s' }],
    ['a soft limit that only some can use', { timeout: { soft: '1s', hard: '2s' }, retryAfter: '1s' }, { ttl: '1m' }],
    ['a ttl below the cache’s idle time', { ttl: '1h', timeToIdle: '10m' }, { ttl: '1m' }],
    ['no bound of the cache, and a ttl of the function', { maxSize: Infinity }, { ttl: '1m' }],
    ['no bound, and an idle time of the cache', { maxSize: Infinity, timeToIdle: '1m' }, {}],
    ['no bound, and bytes', { maxSize: Infinity, maxBytes: 1e6, sizeOf: () => 1 }, {}],
  ])('is silent about %s', async (_title, defaults, options) => {
    const cache = make(defaults);
    await cached(load, { cache, ...options } as Options)('1');
    await cache.getOrSet('key', async () => 1);
    expect(warn).not.toHaveBeenCalled();
  });

  it('speaks of functions whose entries nothing removes', () => {
    const cache = make({ maxSize: Infinity });
    expect(advice()).toEqual([]);
    cached(load, { cache, name: 'kept' });
    cache.configure({ maxSize: 500 });
    cached(load, { cache, name: 'bounded' });
    const store = memoryStore();
    cached(load, { store, maxSize: Infinity });
    expect(advice()).toEqual([
      expect.stringMatching(/^cached\(load\): with maxSize: Infinity/),
      expect.stringMatching(/^cached\(load\): with maxSize: Infinity/),
    ]);
  });
});

describe('advice about map', () => {
  it('has a code of its own', () => {
    ['1', '2'].map(cached((id: string, ..._rest: unknown[]) => id, { jitter: 0.1 }));
    expect(warn.mock.calls.map(([, about]) => (about as unknown as { code: string }).code)).toEqual([
      'REPRISE_OPTIONS',
      'REPRISE_MAP',
    ]);
  });
});
