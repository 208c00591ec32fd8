import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { createCodec, OptionError, RepriseError, StoreError } from '@reprise/store';
import { type SqliteStoreOptions, sqliteStore } from '@reprise/store-sqlite';
import { manualClock } from '@reprise/store-testkit';
import {
  drivers,
  endOfTick,
  entryOf,
  makeFilename,
  makeFolder,
  open,
  openDatabase,
  Reports,
  resultOf,
} from './places.ts';

const sizeOf = (filename: string): number =>
  ['', '-wal'].reduce((sum, end) => sum + (statSync(filename + end, { throwIfNoEntry: false })?.size ?? 0), 0);

describe('options', () => {
  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /options as one object/],
    ['no filename', {}, /filename is missing: give the path/],
    ['an empty filename', { filename: '' }, /filename is missing/],
    ['a filename with NUL', { filename: 'a\0b' }, /filename is missing/],
    ['a database in memory', { filename: ':memory:' }, /for entries in memory there is memoryStore/],
    ['a URI', { filename: 'file:cache.sqlite' }, /filename is "file:cache.sqlite"/],
    ['a folder', { filename: '.' }, /which is a folder/],
    ['a path through a file', { filename: 'package.json/cache.sqlite' }, /leads through a file/],
    ['an unknown option', { filename: 'f', directory: 'd' }, /no option 'directory'; it takes filename, namespace/],
    ['a namespace that is no text', { filename: 'f', namespace: 1 }, /namespace must be a string/],
    ['a negative maxSize', { filename: 'f', maxSize: -1 }, /maxSize must be a whole number from 0 on/],
    ['maxBytes that is null', { filename: 'f', maxBytes: null }, /maxBytes must be .* not null/],
    ['half a codec', { filename: 'f', codec: { name: 'x' } }, /codec must be an object/],
    ['a clock that is none', { filename: 'f', clock: Date.now }, /clock must be an object with now/],
    ['a leaseDuration of 0', { filename: 'f', leaseDuration: 0 }, /leaseDuration must be from 1/],
    ['a leaseDuration that is null', { filename: 'f', leaseDuration: null }, /leaseDuration .*not null/],
    ['a lockTimeout that is null', { filename: 'f', lockTimeout: null }, /lockTimeout .*not null/],
    ['a leaseDuration without unit', { filename: 'f', leaseDuration: '5' }, /leaseDuration.*unit/],
    ['an endless lockTimeout', { filename: 'f', lockTimeout: Infinity }, /lockTimeout must be from 1 to 60000/],
    [
      'a driver that there is not',
      { filename: 'f', driver: 'sqlite3' },
      /driver must be 'better-sqlite3' or 'node:sqlite'/,
    ],
  ])('%s: an OptionError that says so', (_name, options, message) => {
    expect(() => sqliteStore(options as SqliteStoreOptions)).toThrow(OptionError);
    expect(() => sqliteStore(options as SqliteStoreOptions)).toThrow(message);
  });

  it.each([
    ['better-sqlite3', /cannot load better-sqlite3: npm i better-sqlite3@12, or use a Node that has node:sqlite/],
    ['node:sqlite', /cannot load node:sqlite: it comes with Node 22\.5/],
  ] as const)(
    'a driver that this Node does not have is said to be missing, with the way out: %s',
    (driver, message) => {
      const make = () => sqliteStore({ filename: 'never made', driver });
      if (drivers.includes(driver)) expect(make().name).toBe('sqlite');
      else {
        expect(make).toThrow(StoreError);
        expect(make).toThrow(message);
      }
    },
  );

  it('touch nothing until the store is used, and a store that is not used makes no file', () => {
    const filename = join(makeFolder(), 'new/cache.sqlite');
    const store = sqliteStore({ filename });
    store.close();
    expect(existsSync(join(filename, '..'))).toBe(false);
  });
});

describe('a result', () => {
  it('is seen by its own process at once, and by others at the end of the tick', async () => {
    const filename = makeFilename();
    const store = open(filename);
    const other = open(filename);
    store.set('k', resultOf(store, { list: [1] }));
    expect(store.get('k')?.value).toEqual({ list: [1] });
    expect(store.get('k')?.value).not.toBe(store.get('k')?.value);
    expect(other.get('k')).toBeUndefined();
    await endOfTick();
    expect(other.get('k')?.value).toEqual({ list: [1] });
  });

  it('that waits is counted, listed, deleted and cleared like any other', () => {
    const store = open(makeFilename());
    for (const key of ['a/1', 'a/2', 'b/1', 'b/2']) store.set(key, resultOf(store, key));
    expect(store.size()).toBe(4);
    for (const key of ['a/3', 'b/3']) store.set(key, resultOf(store, key));
    expect([...store.entries('a/')].map(([key]) => key)).toEqual(['a/1', 'a/2', 'a/3']);
    store.set('b/4', resultOf(store, 'b/4'));
    expect(store.delete('b/4')).toBe(true);
    expect(store.delete('b/4')).toBe(false);
    store.set('b/5', resultOf(store, 'b/5'));
    store.clear('b/');
    expect(store.size()).toBe(3);
  });

  it('that may not be stored takes the older entry with it, unless it is void', () => {
    const clock = manualClock(1_000);
    const store = open(makeFilename(), { clock, maxBytes: 2_000 });
    const generation = store.generation();
    for (const declined of ['x'.repeat(3_000), () => {}]) {
      store.set('k', entryOf('there'));
      const current = store.generation();
      try {
        expect(store.set('k', { ...entryOf(declined), generation })).toBe(false);
        expect(store.get('k')?.value).toBe('there');
        expect(store.set('k', { ...entryOf(declined), generation: current })).toBe(false);
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_CODEC' });
      }
      expect(store.get('k')).toBeUndefined();
    }
    store.set('k', entryOf('there'));
    expect(store.set('k', { ...entryOf('ended', 0, 1_000), generation: store.generation() })).toBe(false);
    expect(store.get('k')).toBeUndefined();
  });

  it('is written at a normal end of the process, also when nothing follows it', async () => {
    const filename = makeFilename();
    const code = `
      import { sqliteStore } from '@reprise/store-sqlite';
      const store = sqliteStore({ filename: ${JSON.stringify(filename)} });
      store.set('k', { value: 'last', createdAt: 0, expiresAt: Infinity, staleUntil: Infinity, generation: store.generation() });
    `;
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const onDist = process.env['REPRISE_TEST_DIST'] === '1';
    const flags = onDist ? [] : ['-C', '@reprise/source', '--import', join(root, 'scripts/source-loader.mjs')];
    await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', code], {
      cwd: join(root, 'packages/store-sqlite'),
    });
    expect(open(filename).get('k')?.value).toBe('last');
  });

  it('is written by close, and by fake timers that never fire not held back from that', () => {
    const filename = makeFilename();
    jest.useFakeTimers();
    try {
      const store = sqliteStore({ filename });
      for (let index = 0; index < 1_500; index++) store.set(`key:${index}`, resultOf(store, index));
      store.close();
    } finally {
      jest.useRealTimers();
    }
    expect(open(filename).size()).toBe(1_500);
  });
});

describe('many entries', () => {
  it('more than 999 can be deleted, cleared, invalidated and pruned at once', () => {
    const clock = manualClock(0);
    const store = open(makeFilename(), { clock });
    const fill = (): void => {
      for (let index = 0; index < 2_500; index++) {
        store.set(`key:${index}`, { ...resultOf(store, index), staleUntil: 1_000, tags: ['t', `own:${index}`] });
      }
    };
    fill();
    expect(store.size()).toBe(2_500);
    store.invalidateTags(['t']);
    expect(store.size()).toBe(0);
    fill();
    store.clear('key:1');
    expect(store.size()).toBe(2_500 - 1_111);
    store.clear();
    expect(store.size()).toBe(0);
    fill();
    store.invalidateTags(Array.from({ length: 2_000 }, (_, index) => `own:${index}`));
    expect(store.size()).toBe(500);
    fill();
    clock.set(1_000);
    expect(store.prune()).toBe(2_500);
    expect(store.size()).toBe(0);
  });

  it.each([
    ['clear', (store: ReturnType<typeof open>) => store.clear('key:')],
    ['invalidateTags', (store: ReturnType<typeof open>) => store.invalidateTags(['t'])],
    ['prune', (store: ReturnType<typeof open>) => void store.prune()],
    [
      'delete and prune',
      (store: ReturnType<typeof open>) => {
        for (let index = 0; index < 1_200; index++) store.delete(`key:${index}`);
        store.prune();
      },
    ],
  ])('the file shrinks when they go by %s', (_name, remove) => {
    const clock = manualClock(0);
    const filename = makeFilename();
    const store = open(filename, { clock });
    store.set('kept', entryOf('kept'));
    for (let index = 0; index < 1_200; index++) {
      store.set(`key:${index}`, { ...resultOf(store, 'x'.repeat(2_000)), staleUntil: 1_000, tags: ['t'] });
    }
    store.size();
    const full = sizeOf(filename);
    expect(full).toBeGreaterThan(2_400_000);
    clock.set(1_000);
    remove(store);
    expect(sizeOf(filename)).toBeLessThan(full / 10);
    expect(store.get('kept')?.value).toBe('kept');
  });
});

describe('bounds', () => {
  it('evict what was used least recently, as far as this process has read it, and say so', () => {
    const store = open(makeFilename(), { maxSize: 4 });
    const reports = new Reports();
    store.listen(reports);
    for (const key of ['a', 'b', 'c', 'd']) store.set(key, entryOf(key));
    expect(store.get('a')?.value).toBe('a');
    store.touch('b');
    store.set('e', entryOf('e'));
    store.set('f', entryOf('f'));
    expect([...store.entries()].map(([key]) => key).sort()).toEqual(['a', 'b', 'e', 'f']);
    expect(reports.removals).toEqual(['evict c', 'evict d']);
  });

  it('report what has ended as expired', () => {
    const clock = manualClock(0);
    const store = open(makeFilename(), { maxSize: 2, clock });
    const reports = new Reports();
    store.listen(reports);
    store.set('a', entryOf('a', 0, 1_000));
    store.set('b', entryOf('b'));
    clock.set(1_000);
    store.set('c', entryOf('c'));
    expect(reports.removals).toEqual(['expire a']);
  });

  it('of a namespace leave the entries of others alone', () => {
    const filename = makeFilename();
    const one = open(filename, { namespace: 'one', maxSize: 3 });
    const other = open(filename, { namespace: 'other' });
    for (let index = 0; index < 10; index++) {
      other.set(`key:${index}`, entryOf(index));
      one.set(`key:${index}`, entryOf(index));
    }
    expect([one.size(), other.size()]).toEqual([3, 10]);
    other.invalidateTags(['none']);
    one.prune();
    expect([one.size(), other.size()]).toEqual([3, 10]);
  });

  it('hold after what others have removed was counted', () => {
    const filename = makeFilename();
    const one = open(filename, { namespace: 'one', maxSize: 5 });
    const other = open(filename, { namespace: 'other' });
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 5; index++) one.set(`key:${index}`, { ...entryOf(index), tags: ['t'] });
      other.invalidateTags(['t']);
    }
    for (let index = 0; index < 5; index++) one.set(`key:${index}`, entryOf(index));
    expect(one.size()).toBe(5);
    one.set('more', entryOf(1));
    expect(one.size()).toBe(5);
  });
});

describe('prune', () => {
  it('sweeps namespaces that nobody uses any more', () => {
    const clock = manualClock(0);
    const filename = makeFilename();
    const old = open(filename, { namespace: 'version 1', clock });
    for (let index = 0; index < 20; index++) old.set(`key:${index}`, entryOf(index, 0, 1_000));
    old.set('endless', entryOf(1));
    old.close();
    clock.set(1_000);
    const store = open(filename, { namespace: 'version 2', clock });
    expect(store.prune()).toBe(20);
    expect(open(filename, { namespace: 'version 1', clock }).size()).toBe(1);
  });

  it('removes leases that were neither released nor renewed', async () => {
    const filename = makeFilename();
    const store = open(filename, { leaseDuration: 1 });
    const lease = store.lease('k');
    while (lease !== undefined && store.renew({ ...lease, token: 'none' })) await endOfTick();
    const count = (): number => {
      const database = openDatabase(filename) as unknown as {
        prepare(sql: string): { get(): { count: number } };
        close(): void;
      };
      const { count: leases } = database.prepare('SELECT count(*) AS count FROM leases').get();
      database.close();
      return leases;
    };
    do {
      await endOfTick();
      store.prune();
    } while (count() > 0);
    expect(lease && store.renew(lease)).toBe(false);
  });
});

describe('fences', () => {
  it('count at once for all stores of the process, also in a tick in which the counter was read before', () => {
    const filename = makeFilename();
    const one = open(filename);
    const other = open(filename);
    const generation = one.generation();
    expect(one.set('first', { ...entryOf(1), generation })).toBe(true);
    other.delete('k');
    expect(one.set('k', { ...entryOf('old'), generation })).toBe(false);
    expect(one.set('second', { ...entryOf(2), generation })).toBe(true);
    other.clear();
    expect(['first', 'second', 'third'].map((key) => one.set(key, { ...entryOf(3), generation }))).toEqual([
      false,
      false,
      false,
    ]);
    expect(['first', 'second', 'third', 'k'].map((key) => one.get(key))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('of another process in the middle of a tick count in the transaction at its end, and for each read before', async () => {
    const filename = makeFilename();
    const store = open(filename);
    const generation = store.generation();
    store.set('first', { ...entryOf(1), generation });
    const database = openDatabase(filename);
    // Gives up all that was given before, as if everything had been invalidated.
    database.exec('UPDATE state SET epoch = epoch + 1, floor = epoch + 1');
    database.close();
    store.set('second', { ...entryOf(2), generation });
    expect(store.get('second')).toBeUndefined();
    store.set('third', { ...entryOf(3), generation });
    await endOfTick();
    expect(['first', 'second', 'third'].map((key) => store.get(key))).toEqual([undefined, undefined, undefined]);
    expect(store.size()).toBe(0);
  });

  it('that are too many are given up with all that began before them, and nothing older comes back', () => {
    const store = open(makeFilename());
    const old = store.generation();
    for (let index = 0; index < 3_000; index++) store.clear(`part:${index}/`);
    for (const key of ['part:0/x', 'part:2999/x', 'untouched']) {
      expect(store.set(key, { ...entryOf('old'), generation: old })).toBe(false);
    }
    expect(store.set('untouched', resultOf(store, 'new'))).toBe(true);
  });

  it('know what a file of the same name has given that is no more from what this one gives', () => {
    const one = open(makeFilename());
    const other = open(makeFilename());
    expect(one.set('k', { ...entryOf(1), generation: other.generation() })).toBe(false);
  });

  it('hold for keys, prefixes and namespaces of any characters', () => {
    const filename = makeFilename();
    for (const namespace of ['', '\ud83c', 'a\0b', '🎈']) {
      const store = open(filename, { namespace });
      for (const key of ['\udf88', '\0', '🎈x', 'é']) {
        const generation = store.generation();
        store.set('beside', entryOf('kept'));
        store.clear(key.slice(0, 1));
        expect(store.set(key, { ...entryOf('old'), generation })).toBe(false);
        expect(store.get('beside')?.value).toBe('kept');
        expect(store.set(key, resultOf(store, key))).toBe(true);
        expect(store.get(key)?.value).toBe(key);
        expect([...store.entries(key)].map(([found]) => found)).toEqual([key]);
        store.clear(key.slice(0, 1));
        expect(store.get(key)).toBeUndefined();
      }
      expect(store.size()).toBe(1);
    }
  });
});

describe('a codec of one’s own', () => {
  it('is used, and entries of another one are misses that go', () => {
    const filename = makeFilename();
    const codec = { ...createCodec(), name: 'mine' };
    const store = open(filename, { codec });
    store.set('k', entryOf('value'));
    expect(store.get('k')?.value).toBe('value');
    const other = open(filename);
    const reports = new Reports();
    other.listen(reports);
    expect(other.get('k')).toBeUndefined();
    expect(String(reports.failures[0]?.error)).toContain('another codec');
  });
});

// Made by schema 1: the entries below, then a delete of `deleted` and a clear of `cleared/`, and the mark set by hand.
describe('a file of schema 1', () => {
  it('is read as it was written', () => {
    const folder = makeFolder();
    const filename = join(folder, 'cache.sqlite');
    copyFileSync(fileURLToPath(new URL('fixtures/schema-1.sqlite', import.meta.url)), filename);
    const store = open(filename, { namespace: 'fixture' });
    expect(store.get('plain')?.value).toEqual({ id: 1, list: ['a', 'b'] });
    expect(store.get('rich')?.value).toEqual(new Map([['at', new Date(0)]]));
    expect(store.get('tagged')).toMatchObject({ value: 'tagged', tags: ['t'] });
    expect(store.get('idle')).toMatchObject({ value: 'idle', idle: 1e15 });
    expect(store.get('error')).toMatchObject({ error: expect.objectContaining({ message: 'remembered' }) });
    expect(store.get('\ud800\0')?.value).toBe('bytes for a key');
    expect(store.size()).toBe(6);
    const given = '5f1c7e0a9b3d2468:2';
    expect(store.set('deleted', { ...entryOf('old'), generation: given })).toBe(false);
    expect(store.set('cleared/1', { ...entryOf('old'), generation: given })).toBe(false);
    expect(store.set('other', { ...entryOf('old'), generation: given })).toBe(true);
    store.invalidateTags(['t']);
    expect(store.get('tagged')).toBeUndefined();
  });
});

describe('closing', () => {
  it('ends what the driver holds: the file can be removed and made anew', () => {
    const filename = makeFilename();
    const store = sqliteStore({ filename });
    store.set('k', entryOf(1));
    store.close();
    store.close();
    expect(existsSync(`${filename}-wal`)).toBe(false);
    expect(() => store.get('k')).toThrow(expect.objectContaining({ code: 'E_CLOSED' }));
    for (const operation of [
      () => store.generation(),
      () => store.lease('k'),
      () => store.touch('k'),
      () => store.invalidateTags(['t']),
      () => store.resize({ maxSize: 1 }),
    ]) {
      expect(operation).toThrow(RepriseError);
    }
  });
});
