import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { cached, createCache } from '@reprise/core';
import { type AsyncStore, type Entry, StoreError } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { sqliteStore } from '@reprise/store-sqlite';
import { chaosStore, type ManualClock, manualClock } from '@reprise/store-testkit';
import { tieredStore } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'reprise-tiered-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

/** Files, with a count of how many entries were read. */
function countedFiles(
  clock?: ManualClock,
  directory = join(root, `${++places}`),
): { far: AsyncStore; reads(): number } {
  const far = diskStore({ directory, ...(clock && { clock }) });
  let count = 0;
  const { get } = far;
  far.get = (key) => {
    count++;
    return get.call(far, key);
  };
  return { far, reads: () => count };
}

function entryOf(value: unknown, clock: ManualClock, ttl = 60_000): Entry {
  const createdAt = clock.now();
  return { value, createdAt, expiresAt: createdAt + ttl, staleUntil: createdAt + ttl };
}

describe('two tiers', () => {
  it('ask the second one once, and answer the rest of the life of its entry from the first', async () => {
    const clock = manualClock();
    const { far, reads } = countedFiles(clock);
    await far.set('k', entryOf('v', clock, 1_000));
    const store = tieredStore(memoryStore(), far, { l1Ttl: Infinity });
    store.useClock?.(clock);
    clock.advance(400);
    for (let read = 0; read < 5; read++) expect((await store.get('k'))?.expiresAt).toBe(clock.now() + 600);
    expect(reads()).toBe(1);
    clock.advance(600);
    expect(await store.get('k')).toBeUndefined();
    await store.close();
  });

  it('ask the second one again after l1Ttl, however long its entry lives', async () => {
    const clock = manualClock();
    const { far, reads } = countedFiles(clock);
    const store = tieredStore(memoryStore(), far, { l1Ttl: '2s' });
    store.useClock?.(clock);
    await far.set('k', entryOf('v', clock));
    await store.get('k');
    clock.advance(1_999);
    await store.get('k');
    expect(reads()).toBe(1);
    clock.advance(1);
    expect((await store.get('k'))?.value).toBe('v');
    expect(reads()).toBe(2);
    await store.close();
  });

  it('read several keys of the second one at once, and only those that the first has not', async () => {
    const clock = manualClock();
    const { far, reads } = countedFiles(clock);
    const store = tieredStore(memoryStore(), far) as AsyncStore;
    store.useClock?.(clock);
    for (const key of ['a', 'b', 'c']) await far.set(key, entryOf(key, clock));
    await store.get('b');
    const entries = await store.getMany?.(['a', 'b', 'x', 'c']);
    expect(entries?.map((entry) => entry?.value)).toEqual(['a', 'b', undefined, 'c']);
    expect(reads()).toBe(4);
    await store.close();
  });

  it('show what another process has invalidated for l1Ttl at most, and what this one has not at all', async () => {
    const clock = manualClock();
    const directory = join(root, `${++places}`);
    const { far } = countedFiles(clock, directory);
    const store = tieredStore(memoryStore(), far, { l1Ttl: '1s' });
    store.useClock?.(clock);
    const other = diskStore({ directory, clock });
    await other.set('k', entryOf('old', clock));
    await store.get('k');
    await other.delete('k');
    expect((await store.get('k'))?.value).toBe('old');
    clock.advance(1_000);
    expect(await store.get('k')).toBeUndefined();
    await other.set('k', entryOf('new', clock));
    await store.get('k');
    await store.delete('k');
    expect(await store.get('k')).toBeUndefined();
    await store.close();
    await other.close();
  });

  it('drop what carries an invalidated label, and nothing else', async () => {
    const clock = manualClock();
    const { far, reads } = countedFiles(clock);
    const store = tieredStore(memoryStore(), far, { l1Ttl: Infinity }) as AsyncStore;
    store.useClock?.(clock);
    await far.set('a', { ...entryOf('a', clock), tags: ['one', 'two'] });
    await far.set('b', { ...entryOf('b', clock), tags: ['two'] });
    for (const key of ['a', 'b']) await store.get(key);
    await store.invalidateTags?.(['one']);
    expect(await store.get('a')).toBeUndefined();
    expect((await store.get('b'))?.value).toBe('b');
    expect(reads()).toBe(3);
    await store.close();
  });

  it('leave entries with an idle time to the second one, which has to see each read', async () => {
    const clock = manualClock();
    const { far, reads } = countedFiles(clock);
    const store = tieredStore(memoryStore(), far);
    store.useClock?.(clock);
    await far.set('k', { ...entryOf('v', clock), idle: 5_000 });
    for (let read = 0; read < 3; read++) await store.get('k');
    expect(reads()).toBe(3);
    await store.close();
  });

  it('stay synchronous where the second one is', async () => {
    const store = tieredStore(memoryStore(), sqliteStore({ filename: join(root, `${++places}.db`) }), { l1Ttl: '1h' });
    const cache = createCache({ name: `tiers ${++places}`, store });
    let runs = 0;
    const double = cached(
      (n: number) => {
        runs++;
        return n * 2;
      },
      { cache, name: 'double' },
    );
    expect([double(2), double(2), double(2)]).toEqual([4, 4, 4]);
    expect(runs).toBe(1);
    expect(double.inspect(2)?.tier).toBe('memory');
    expect(double.invalidate(2)).toBe(true);
    expect(double(2)).toBe(4);
    expect(runs).toBe(2);
    await cache.close();
  });
});

describe('a function that is cached in two tiers', () => {
  it('is answered at once by the first one: the second is not asked', async () => {
    const { far, reads } = countedFiles();
    const cache = createCache({ name: `tiers ${++places}`, store: tieredStore(memoryStore(), far, { l1Ttl: '1h' }) });
    const length = cached(async (text: string) => text.length, { cache, name: 'length', ttl: '1h' });
    const stored = new Promise((resolve) => length.on('store', resolve));
    await length('four');
    await stored;
    await length('four');
    const before = reads();
    for (let call = 0; call < 50; call++) expect(await length('four')).toBe(4);
    expect(reads()).toBe(before);
    expect((await length.inspect('four'))?.tier).toBe('memory');
    expect(length.stats()).toMatchObject({ hits: 51, misses: 1, loads: 1 });
    await cache.close();
  });

  it.each([
    ['an asynchronous second one', () => diskStore({ directory: join(root, `${++places}`) })],
    ['a synchronous second one', () => sqliteStore({ filename: join(root, `${++places}.sqlite`) })],
  ])('are both closed where the first one fails to close, with %s', async (_kind, makeFar) => {
    const near = memoryStore();
    near.close = () => {
      throw new Error('stuck');
    };
    const far = makeFar();
    const store = tieredStore(near, far as AsyncStore);
    await expect((async () => store.close())()).rejects.toThrow('stuck');
    await expect((async () => far.get('k'))()).rejects.toMatchObject({ code: 'E_CLOSED' });
  });

  it('says which tier an entry is in', async () => {
    const { far } = countedFiles();
    const cache = createCache({ name: `tiers ${++places}`, store: tieredStore(memoryStore(), far, { l1Ttl: 0 }) });
    const length = cached(async (text: string) => text.length, { cache, name: 'length' });
    await length('four');
    expect((await length.inspect('four'))?.tier).toBe('disk');
    await cache.close();
  });

  it('tells of each hit, by key, and counts the time that it spared', async () => {
    const { far } = countedFiles();
    const cache = createCache({ name: `tiers ${++places}`, store: tieredStore(memoryStore(), far, { l1Ttl: '1h' }) });
    const slow = cached(async (a: string, b: number) => new Promise((go) => setTimeout(go, 5, `${a}${b}`)), {
      cache,
      name: 'slow',
    });
    const stored = new Promise((resolve) => slow.on('store', resolve));
    await slow('a', 1);
    await stored;
    const keys: unknown[] = [];
    slow.on('hit', ({ key }) => keys.push(key));
    for (let call = 0; call < 3; call++) await slow('a', 1);
    expect(keys).toEqual(['slow("a",1)', 'slow("a",1)', 'slow("a",1)']);
    expect(slow.stats().timeSaved).toBeGreaterThan(12);
    await cache.close();
  });

  it('is not answered by the first tier with what it invalidates itself, be it by key, label, part or all', async () => {
    const { far } = countedFiles();
    const cache = createCache({
      name: `tiers ${++places}`,
      store: tieredStore(memoryStore(), far, { l1Ttl: Infinity }),
    });
    let version = 1;
    const read = cached(async (_id: string) => version, { cache, name: 'read', tags: ['all'] });
    const plain = cached(async (_id: string) => version, { cache, name: 'plain' });
    const invalidations = [
      () => read.invalidate('x'),
      () => read.clear(),
      () => cache.clear(),
      () => cache.invalidateTags(['all']),
      () => read.refresh('x'),
    ];
    for (const invalidate of invalidations) {
      for (let call = 0; call < 3; call++) expect(await read('x')).toBe(version);
      version++;
      const done = invalidate();
      // From the moment it is called.
      if (invalidate !== invalidations.at(-1)) expect(await read('x')).toBe(version);
      await done;
      expect(await read('x')).toBe(version);
    }
    for (let call = 0; call < 3; call++) await plain('x');
    version++;
    const done = plain.invalidate('x');
    expect(await plain('x')).toBe(version);
    await done;
    await cache.close();
  });

  it('has its calls told apart as by the keys of the second tier', async () => {
    const { far } = countedFiles();
    const cache = createCache({ name: `tiers ${++places}`, store: tieredStore(memoryStore(), far, { l1Ttl: '1h' }) });
    const show = cached(
      async (...args: unknown[]) => args.map((arg) => `${typeof arg} ${JSON.stringify(arg)}`).join(),
      {
        cache,
        name: 'show',
      },
    );
    const calls: unknown[][] = [
      [],
      [undefined],
      [null],
      [1],
      ['1'],
      [true],
      ['true'],
      [1, 2],
      [[1, 2]],
      [{ a: 1 }],
      ['{"a":1}'],
    ];
    const first = await Promise.all(calls.map((args) => show(...args)));
    for (let round = 0; round < 3; round++) {
      for (const [index, args] of calls.entries()) expect(await show(...args)).toBe(first[index]);
    }
    expect(show.stats().loads).toBe(calls.length);
    expect(await show({ b: 1, a: 2 })).toBe(await show({ a: 2, b: 1 }));
    await cache.close();
  });

  it('gives every caller a copy of its own where that is asked for', async () => {
    const { far } = countedFiles();
    const cache = createCache({
      name: `tiers ${++places}`,
      store: tieredStore(memoryStore(), far, { l1Ttl: '1h' }),
      isolate: 'clone',
    });
    const make = cached(async (_id: string) => ({ list: [1] }), { cache, name: 'make' });
    for (let call = 0; call < 4; call++) {
      const own = await make('x');
      expect(own).toEqual({ list: [1] });
      own.list.push(2);
    }
    await cache.close();
  });

  it('stores what it returned, though a caller has changed that while it waited for an older operation', async () => {
    const { far: files } = countedFiles();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    // Without fences a run does not wait for what this process has invalidated itself.
    const far: AsyncStore = {
      name: 'far',
      sync: false,
      persistent: true,
      get: (key) => files.get(key),
      set: (key, entry) => files.set(key, entry),
      delete: (key) => gate.then(() => files.delete(key)),
      clear: (prefix) => files.clear(prefix),
      close: () => files.close(),
      copy: (value) => files.copy?.(value),
    };
    const cache = createCache({ name: `tiers ${++places}`, store: tieredStore(memoryStore(), far, { l1Ttl: 0 }) });
    const make = cached(async (_id: string) => ({ list: [1] }), { cache, name: 'make' });
    const invalidation = make.invalidate('x');
    const stored = new Promise((resolve) => make.on('store', resolve));
    (await make('x')).list.push(2);
    release();
    await Promise.all([invalidation, stored]);
    expect(await make('x')).toEqual({ list: [1] });
    await cache.close();
  });

  it('gets its value when the second tier fails, and does not take back from it what was invalidated meanwhile', async () => {
    const { far } = countedFiles();
    const troubled = chaosStore(far);
    const cache = createCache({
      name: `tiers ${++places}`,
      store: tieredStore(memoryStore(), troubled, { l1Ttl: Infinity }),
    });
    cache.on('error', () => {});
    let version = 1;
    const read = cached(async (_id: string) => version, { cache, name: 'read' });
    for (let call = 0; call < 3; call++) await read('x');
    troubled.plan({
      get: 'reject',
      getMany: 'reject',
      delete: 'reject',
      set: 'reject',
      generation: 'reject',
      lease: 'reject',
    });
    version = 2;
    await expect(read.invalidate('x')).rejects.toThrow(StoreError);
    expect(await read('x')).toBe(2);
    troubled.heal();
    for (let call = 0; call < 5; call++) expect(await read('x')).toBe(2);
    await cache.close();
  });
});
