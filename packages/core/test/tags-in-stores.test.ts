import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, invalidateTags, StoreError } from '@reprise/core';
import type { AsyncStore, Entry, Store, SyncStore } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { type ChaosStore, chaosStore } from '@reprise/store-testkit';
import { defer, holdRuns, runOf, settle } from './deferred.ts';
import { homeOn, makeFolder } from './homes.ts';
import { program } from './program.ts';
import { asyncMemory } from './store-kinds.ts';
import { fakeDate } from './troubled-cache.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
  warn.mockRestore();
});

/** Stores that know nothing of labels, and what is underneath. */
const kinds: [kind: string, make: () => { store: ChaosStore; underneath: Store }][] = [
  [
    'a synchronous store',
    () => {
      const underneath = memoryStore();
      return { store: chaosStore(underneath as Store), underneath };
    },
  ],
  [
    'an asynchronous store',
    () => {
      const underneath = asyncMemory();
      return { store: chaosStore(underneath as Store), underneath };
    },
  ],
];

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.entries?.() ?? []) keys.push(key);
  return keys;
}

/** An entry as another process would leave it. */
function foreign(value: unknown, tags: string[], generation: number | string | undefined = 'another:7'): Entry {
  const now = 1_700_000_000_000;
  const rest = generation === undefined ? {} : { generation };
  return { value, createdAt: now, expiresAt: Infinity, staleUntil: Infinity, tags, ...rest };
}

describe.each(kinds)('invalidated labels in %s that knows none', (_kind, makeStore) => {
  function make(options: object = {}) {
    const { store, underneath } = makeStore();
    const home = homeOn(store, options);
    let runs = 0;
    const user = home.wrap(async (id: string) => `${id}${++runs}`, { tags: (_value, id) => [`user:${id}`] });
    const errors: unknown[] = [];
    home.cache.on('error', ({ error }) => errors.push(error));
    return { ...home, store, underneath, user, errors };
  }

  it('remove what carries them, and nothing else', async () => {
    const { underneath, user, wrap } = make();
    const plain = wrap(async () => 1);
    await Promise.all([user('a'), user('b'), plain()]);
    await settle();
    expect(await keysOf(underneath)).toHaveLength(3);
    await invalidateTags(['user:a']);
    const left = await keysOf(underneath);
    expect(left).toHaveLength(2);
    expect(left.some((key) => key.includes('"a"'))).toBe(false);
  });

  it.each(['delete', 'entries'] as const)(
    'are a StoreError where %s fails, after everybody else was told, and void nevertheless',
    async (operation) => {
      const { cache, store, user, errors } = make();
      const other = makeStore();
      const { cache: healthy } = homeOn(other.store);
      const secret = cached(async () => 1, { tags: ['user:a'] });
      await Promise.all([user('a'), user('b'), secret()]);
      await cache.set('k', 1, { tags: ['user:a'] });
      await healthy.set('k', 1, { tags: ['user:a'] });
      await settle();
      store.plan({ [operation]: 'reject' });
      await expect(invalidateTags(['user:a'])).rejects.toThrow(StoreError);
      expect(errors).not.toEqual([]);
      expect(await keysOf(other.underneath)).toEqual([]);
      expect(secret.has()).toBe(false);
      // The store still holds them, and answers none.
      expect([await user.has('a'), await user.peek('a'), await user.inspect('a')]).toEqual([
        false,
        undefined,
        undefined,
      ]);
      expect([await cache.has('k'), await cache.get('k'), await user('b')]).toEqual([false, undefined, 'b2']);
      store.plan({});
      const values: unknown[] = [];
      for await (const { value } of cache.entries()) values.push(value);
      expect(values).toEqual(['b2']);
      expect(await user('a')).toBe('a3');
    },
  );

  it.each([
    ['', 2_000],
    [', though the clock was set back', -3_600_000],
  ])('that could not be told are told when one is met, and then no other process finds them%s', async (_, passed) => {
    fakeDate();
    const { cache, store, underneath, user } = make();
    await user('a');
    await cache.set('k', 1, { tags: ['user:a'] });
    await settle();
    store.plan({ delete: 'reject' });
    await expect(invalidateTags(['user:a'])).rejects.toThrow(StoreError);
    store.heal();
    jest.setSystemTime(Date.now() + passed);
    await cache.getOrSet('k', async () => 2);
    await settle();
    const left = await keysOf(underneath);
    expect(left).toHaveLength(1);
    expect(left[0]).toContain('"k"');
  });

  it('that could not be told are told with the next ones, and when the cache is closed', async () => {
    const { cache, store, underneath, user } = make();
    await Promise.all([user('a'), user('b')]);
    await settle();
    store.plan({ delete: 'reject' });
    await expect(invalidateTags(['user:a'])).rejects.toThrow(StoreError);
    store.heal();
    await invalidateTags(['nobody']);
    expect((await keysOf(underneath)).some((key) => key.includes('"a"'))).toBe(false);
    store.plan({ delete: 'reject' });
    await expect(invalidateTags(['user:b'])).rejects.toThrow(StoreError);
    store.heal();
    store.plan({ close: { return: undefined } });
    await cache.close();
    expect(await keysOf(underneath)).toEqual([]);
  });

  it('void what another process has left, which answered before', async () => {
    const { cache, underneath } = make();
    const key = `${cache.name}/("k")`;
    await underneath.set(key, foreign(1, [cache.name]));
    expect(await cache.get('k')).toBe(1);
    await invalidateTags(['other']);
    expect(await cache.get('k')).toBe(1);
    await invalidateTags([cache.name]);
    expect([await cache.get('k'), await keysOf(underneath)]).toEqual([undefined, []]);
  });

  it.each(['another:7', 1_000_000, undefined])('void an entry of generation %s', async (generation) => {
    const { cache, store, underneath } = make();
    const key = `${cache.name}/("k")`;
    await underneath.set(key, foreign(1, ['old'], generation));
    store.plan({ entries: 'reject' });
    await expect(invalidateTags(['old'])).rejects.toThrow(StoreError);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('do not void what another process has put there since the store was told', async () => {
    const { cache, underneath } = make();
    const key = `${cache.name}/("k")`;
    await invalidateTags(['shared']);
    await underneath.set(key, foreign('newer', ['shared']));
    expect(await cache.get('k')).toBe('newer');
    expect(await cache.getOrSet('k', async () => 'own')).toBe('newer');
  });

  it('void what the store held when its cache was made after the invalidation', async () => {
    await invalidateTags(['early']);
    const { cache, underneath } = make();
    const key = `${cache.name}/("k")`;
    await underneath.set(key, foreign('old', ['early']));
    expect(await cache.get('k')).toBeUndefined();
    await invalidateTags(['unrelated']);
    expect(await keysOf(underneath)).toEqual([]);
  });

  it('leave an entry alone that is garbage', async () => {
    const { store, user } = make();
    await user('a');
    await settle();
    store.plan({ entries: { return: [['x', null] as never, ['y', 5] as never, ['z', { tags: 7 }] as never] } });
    if (!store.sync) return;
    await invalidateTags(['user:a']);
    expect(await user('a')).toBe('a2');
  });
});

describe('invalidated labels in an asynchronous store', () => {
  it('void a value that is on its way there, and it does not stay', async () => {
    const written = defer();
    const underneath = asyncMemory();
    const store = chaosStore(underneath, { set: [{ delay: written.promise }] });
    const { wrap } = homeOn(store);
    let runs = 0;
    const user = wrap(async () => ++runs, { tags: ['users'] });
    await user();
    const told = invalidateTags(['users']);
    expect(await user.peek()).toBeUndefined();
    written.resolve();
    await told;
    expect(await keysOf(underneath)).toEqual([]);
    expect(await user()).toBe(2);
  });

  it('keep a write that was given up from staying when it lands', async () => {
    const underneath = asyncMemory();
    const store = chaosStore(underneath, { set: ['hang'] });
    const { cache, wrap } = homeOn(store, { storeTimeout: 20 });
    const givenUp = new Promise((resolve) => cache.on('error', resolve));
    const user = wrap(async () => 1, { tags: ['users'] });
    await user();
    await givenUp;
    await invalidateTags(['users']);
    store.resume();
    await settle();
    expect(await keysOf(underneath)).toEqual([]);
  });

  it.each(['delete', 'get'] as const)('end with a StoreError where %s hangs', async (operation) => {
    const store = chaosStore(asyncMemory());
    const { wrap } = homeOn(store, { storeTimeout: 20 });
    let runs = 0;
    const user = wrap(async () => ++runs, { tags: ['users'] });
    await user();
    await settle();
    store.plan({ [operation]: 'hang' });
    await expect(invalidateTags(['users'])).rejects.toThrow(StoreError);
    expect(await user()).toBe(2);
    store.heal();
  });

  it('end with a StoreError where its listing hangs', async () => {
    const plain = asyncMemory();
    const store: AsyncStore = {
      ...plain,
      entries: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
    };
    const { wrap } = homeOn(store, { storeTimeout: 20 });
    let runs = 0;
    const user = wrap(async () => ++runs, { tags: ['users'] });
    await user();
    await settle();
    await expect(invalidateTags(['users'])).rejects.toThrow(StoreError);
    expect(await user()).toBe(2);
  });

  it('are told in rounds, however many there are', async () => {
    const store = chaosStore(asyncMemory());
    const { wrap } = homeOn(store);
    const user = wrap(async (id: string) => id, { tags: (_value, id) => [id] });
    await Promise.all([...Array(100).keys()].map((n) => user(`${n}`)));
    await settle();
    await Promise.all([...Array(100).keys()].map((n) => invalidateTags([`${n}`])));
    expect(store.counts.entries.calls).toBeLessThanOrEqual(2);
    expect(await keysOf(store)).toEqual([]);
  });

  it('are waited for by close', async () => {
    const gate = defer();
    const underneath = asyncMemory();
    const store = chaosStore(underneath, { delete: { delay: gate.promise }, close: { return: undefined } });
    const { wrap, cache } = homeOn(store);
    const user = wrap(async () => 1, { tags: ['users'] });
    await user();
    await settle();
    void invalidateTags(['users']);
    await settle();
    const closed = cache.close();
    await settle();
    gate.resolve();
    await closed;
    expect(await keysOf(underneath)).toEqual([]);
  });

  it('do not keep a run from being kept that began after them, though its call looked into the store before', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: [{ delay: gate.promise }] });
    const { wrap } = homeOn(store);
    const load = holdRuns<[], string>();
    const user = wrap(load, { tags: ['users'] });
    const early = user();
    await invalidateTags(['users']);
    const late = user();
    gate.resolve();
    (await runOf(load, 0)).resolve('new');
    expect(await Promise.all([early, late, user()])).toEqual(['new', 'new', 'new']);
    await settle();
    expect([await user(), load.runs.length]).toEqual(['new', 1]);
  });
});

describe('a store that knows labels', () => {
  /** Remembers what it was told; voids nothing itself. */
  function knowing(kind: 'sync' | 'async', fail: () => boolean) {
    const told: (readonly string[])[] = [];
    const base = kind === 'sync' ? chaosStore(memoryStore()) : chaosStore(asyncMemory());
    const hear = (tags: readonly string[]): void => {
      if (fail()) throw new Error('down');
      told.push(tags);
    };
    const store = {
      sync: base.sync,
      capabilities: { tags: true },
      get: (key: string) => base.get(key),
      set: (key: string, entry: Entry) => base.set(key, entry),
      delete: (key: string) => base.delete(key),
      clear: (prefix?: string) => base.clear(prefix),
      close: () => base.close(),
      entries: (prefix?: string) => base.entries?.(prefix),
      invalidateTags: kind === 'sync' ? hear : async (tags: readonly string[]) => hear(tags),
    } as Store;
    return { store, told, base };
  }

  it.each(['sync', 'async'] as const)('is told them, and again what failed (%s)', async (kind) => {
    let isDown = false;
    const { store, told, base } = knowing(kind, () => isDown);
    const { cache } = homeOn(store);
    await cache.set('k', 1, { tags: ['a'] });
    await settle();
    told.length = 0;
    await invalidateTags(['seen before']);
    told.length = 0;
    isDown = true;
    await expect(invalidateTags(['a'])).rejects.toThrow(StoreError);
    expect(await cache.get('k')).toBeUndefined();
    isDown = false;
    await invalidateTags(['b', 'c']);
    expect(told).toEqual([['a', 'b', 'c']]);
    await invalidateTags(['d']);
    expect(told[1]).toEqual(['d']);
    expect(base.counts.entries.calls).toBe(0);
  });
});

describe('a store that neither knows labels nor lists its entries', () => {
  it('voids them in this process, and says once that it is so', async () => {
    const { entries: _, ...plain } = asyncMemory({ persistent: true, name: 'mute' });
    const { cache } = homeOn(plain as AsyncStore);
    await cache.set('k', 1, { tags: ['a'] });
    await settle();
    await invalidateTags(['a']);
    await invalidateTags(['b']);
    expect(await cache.get('k')).toBeUndefined();
    const codes = warn.mock.calls.map(([, options]) => (options as { code?: string }).code);
    expect(codes.filter((code) => code === 'REPRISE_NO_TAGS')).toHaveLength(1);
  });
});

describe('labels between processes on one disk', () => {
  const write = (directory: string, more: string) => `
    import { cached, createCache, invalidateTags } from '@reprise/core';
    import { diskStore } from '@reprise/store-disk';
    const cache = createCache({ name: 'kept', store: diskStore({ directory: ${JSON.stringify(directory)} }) });
    let runs = 0;
    const user = cached(async (id) => { runs++; return id + process.pid; }, { cache, name: 'user', tags: (_value, id) => ['user:' + id] });
    ${more}
    await cache.close();
  `;

  it('void entries that an earlier process has written, for a later one too', async () => {
    const directory = makeFolder();
    await program(write(directory, `await Promise.all([user('a'), user('b')]);`));
    const second = await program(
      write(
        directory,
        `const [a, b] = [await user('a'), await user('b')];
         const hits = runs;
         await invalidateTags(['user:a']);
         console.log(hits, await user.has('a'), await user.has('b'));`,
      ),
    );
    expect(second).toBe('0 false true');
    const third = await program(
      write(directory, `await user('b'); const before = runs; await user('a'); console.log(before, runs);`),
    );
    expect(third).toBe('0 1');
  }, 30_000);

  it('void a value whose writing was under way when the process ended', async () => {
    const directory = makeFolder();
    await program(write(directory, `await user('a'); invalidateTags(['user:a']);`));
    expect(await program(write(directory, `await user('a'); console.log(runs);`))).toBe('1');
  }, 30_000);
});

describe('the counters of labels', () => {
  it('void by a number, whatever the number of entries: no store is looked through in memory', async () => {
    const store = memoryStore();
    const records = jest.spyOn((store as SyncStore & { direct: { records(): unknown } }).direct, 'records');
    const cache = createCache({ name: 'counted', store });
    const user = cached(async (id: number) => id, { cache, tags: () => ['all'] });
    for (let id = 0; id < 1_000; id++) await user(id);
    await invalidateTags(['all']);
    expect(records).not.toHaveBeenCalled();
    expect(user.has(5)).toBe(false);
  });

  it('are given up when there are too many: what is older than that is void, what is newer is not', async () => {
    const user = cached(async (id: string) => id, { tags: (id) => [`kept:${id}`] });
    await user('old');
    for (let n = 0; n < 100_001; n++) void invalidateTags([`number ${n}`]);
    await user('new');
    expect([user.has('old'), user.has('new')]).toEqual([false, true]);
    // The newer half of them is still known.
    for (let n = 0; n < 49_000; n++) void invalidateTags([`further ${n}`]);
    expect(user.has('new')).toBe(true);
    await invalidateTags(['kept:new']);
    expect(user.has('new')).toBe(false);
  });

  it('do not keep anything void for good', async () => {
    const user = cached(async (id: string) => id, { tags: (id) => [`kept:${id}`] });
    for (let n = 0; n < 100_001; n++) void invalidateTags([`another ${n}`]);
    await user('a');
    expect(user.has('a')).toBe(true);
  });

  it('are one space for every copy of the package in the process', async () => {
    const user = cached(async () => 1, { tags: ['shared by copies'] });
    await user();
    const copy = '../src/tags.ts?copy';
    const other = (await import(copy)) as { invalidateTags: typeof invalidateTags };
    expect(other.invalidateTags).not.toBe(invalidateTags);
    await other.invalidateTags(['shared by copies']);
    expect(user.has()).toBe(false);
  });
});
