import { appendFile, copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Entry } from '@reprise/store';
import { type DiskStore, diskStore } from '@reprise/store-disk';
import { seededRandom } from '@reprise/store-testkit';
import { entryOf, listFiles, makeDirectory, onlyFile, Reports } from './directory.ts';

/** Two stores on one directory, as two processes would have them: they share files only. */
async function openTwo(): Promise<[one: DiskStore, other: DiskStore, directory: string]> {
  const directory = await makeDirectory();
  return [diskStore({ directory }), diskStore({ directory }), directory];
}

async function computed(store: DiskStore, value: unknown, tags?: readonly string[]): Promise<Entry> {
  return { ...entryOf(value), generation: await store.generation(), ...(tags && { tags }) };
}

const closeAll = (...stores: DiskStore[]): Promise<unknown> => Promise.all(stores.map((store) => store.close()));

const invalidations: Readonly<Record<string, (store: DiskStore) => Promise<unknown>>> = {
  'delete of its key': (store) => store.delete('k'),
  'clear of a beginning of its key': (store) => store.clear('k'),
  'clear of everything': (store) => store.clear(),
  'invalidateTags of one of its tags': (store) => store.invalidateTags(['other', 't']),
  'set of what is nobody’s result': (store) => store.set('k', entryOf('primed')),
};

describe('a generation', () => {
  it.each(Object.entries(invalidations))(
    'from before a %s in another store keeps nothing',
    async (name, invalidate) => {
      const [one, other] = await openTwo();
      const entry = await computed(one, 'old', ['t']);
      await invalidate(other);
      expect(await one.set('k', entry)).toBe(false);
      const value = name.startsWith('set') ? 'primed' : undefined;
      expect((await one.get('k'))?.value).toBe(value);
      expect((await other.get('k'))?.value).toBe(value);
      await closeAll(one, other);
    },
  );

  it.each(Object.entries(invalidations))(
    'asked for right after the call of a %s keeps what is computed under it',
    async (_, invalidate) => {
      const [one, other] = await openTwo();
      const invalidated = invalidate(one);
      const entry = await computed(other, 'new', ['t']);
      await invalidated;
      expect(await other.set('k', entry)).toBe(true);
      expect((await one.get('k'))?.value).toBe('new');
      expect((await one.get('k'))?.generation).toBe(entry.generation);
      await closeAll(one, other);
    },
  );

  it.each(Object.entries(invalidations))(
    'from before the call of a %s keeps nothing, though that is not done',
    async (name, invalidate) => {
      const [one, other] = await openTwo();
      const entry = await computed(one, 'old', ['t']);
      const invalidated = invalidate(one);
      expect(await other.set('k', entry)).toBe(false);
      await invalidated;
      expect((await other.get('k'))?.value).toBe(name.startsWith('set') ? 'primed' : undefined);
      await closeAll(one, other);
    },
  );

  it('is not touched by what does not cover the key', async () => {
    const [one, other, directory] = await openTwo();
    const namespaced = diskStore({ directory, namespace: 'n' });
    const entry = await computed(one, 'v', ['t']);
    await other.delete('other');
    await other.clear('kk');
    await other.invalidateTags(['u', '']);
    await namespaced.clear();
    await namespaced.delete('k');
    await namespaced.set('k', entryOf(1));
    expect(await one.set('k', entry)).toBe(true);
    expect((await other.get('k'))?.value).toBe('v');
    await closeAll(one, other, namespaced);
  });

  it('that this directory has never given keeps nothing, and leaves what is there', async () => {
    const [one, other] = await openTwo();
    const elsewhere = diskStore({ directory: await makeDirectory() });
    await one.set('k', entryOf('there'));
    const foreign = await elsewhere.generation();
    const own = await one.generation();
    for (const generation of [7, '', '3:1f', foreign, `${own}0`, `${own.split(':')[0]}:`, `${own.split(':')[0]}:NaN`]) {
      expect(await other.set('k', { ...entryOf('x'), generation })).toBe(false);
    }
    expect((await other.get('k'))?.value).toBe('there');
    await closeAll(one, other, elsewhere);
  });

  it('of a directory that was removed and made anew keeps nothing', async () => {
    const [one, other, directory] = await openTwo();
    const entry = await computed(one, 'old');
    await rm(directory, { recursive: true });
    expect(await one.set('k', entry)).toBe(false);
    await other.set('x', entryOf(1));
    expect(await one.set('k', entry)).toBe(false);
    expect(await one.set('k', await computed(one, 'new'))).toBe(true);
    expect((await other.get('k'))?.value).toBe('new');
    await closeAll(one, other);
  });

  it('covers keys of any length and any characters, and no others', async () => {
    const [one, other] = await openTwo();
    const long = 'k'.repeat(5_000);
    for (const key of [long, 'a\ud800', '', '\n\t', '"', 'ü']) {
      const entry = await computed(one, key);
      const beside = await computed(one, 'beside');
      await other.delete(key);
      expect(await one.set(key, entry)).toBe(false);
      expect(await one.set(`${key}x`, beside)).toBe(true);
      await other.clear(key);
      expect(await one.set(`${key}y`, beside)).toBe(false);
    }
    await closeAll(one, other);
  });
});

describe('an entry that was invalidated', () => {
  it('by a tag is not answered, not listed, not counted, not reported, and goes when the store is pruned', async () => {
    const [one, other, directory] = await openTwo();
    const reports = new Reports();
    other.listen(reports);
    await one.set('a', { ...entryOf('a'), tags: ['t', 'u'] });
    await one.set('b', { ...entryOf('b'), tags: ['u'] });
    await one.set('c', entryOf('c'));
    await one.invalidateTags(['t']);
    expect(await other.size()).toBe(2);
    const listed: string[] = [];
    for await (const [key] of other.entries()) listed.push(key);
    expect(listed.sort()).toEqual(['b', 'c']);
    expect(await other.prune()).toBe(0);
    expect(await listFiles(directory, 'content-v2')).toHaveLength(2);
    expect(await other.get('a')).toBeUndefined();
    expect(await other.delete('a')).toBe(false);
    expect(reports).toMatchObject({ failures: [], removals: [] });
    await closeAll(one, other);
  });

  it('by a tag may be set again with it, in every namespace', async () => {
    const directory = await makeDirectory();
    const stores = ['a', 'b'].map((namespace) => diskStore({ directory, namespace }));
    for (const store of stores) await store.set('k', { ...entryOf('old'), tags: ['t'] });
    await stores[0]?.invalidateTags(['t']);
    for (const store of stores) {
      expect(await store.get('k')).toBeUndefined();
      await store.set('k', { ...entryOf('new'), tags: ['t'] });
      expect((await store.get('k'))?.value).toBe('new');
    }
    await closeAll(...stores);
  });

  it('makes room for others before they are evicted', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory, maxSize: 3 });
    const reports = new Reports();
    store.listen(reports);
    for (const key of ['a', 'b']) await store.set(key, entryOf(key));
    await store.set('t', { ...entryOf('t'), tags: ['t'] });
    await store.invalidateTags(['t']);
    await store.prune();
    await store.set('c', entryOf('c'));
    expect(reports.removals).toEqual([]);
    expect(await store.size()).toBe(3);
    await store.close();
  });

  it('is gone for a store that opens the directory later', async () => {
    const [one, other, directory] = await openTwo();
    await one.set('a', { ...entryOf(1), tags: ['t'] });
    await one.set('b', entryOf(2));
    await other.invalidateTags(['t']);
    await closeAll(one, other);
    const later = diskStore({ directory });
    expect(await later.get('a')).toBeUndefined();
    expect((await later.get('b'))?.value).toBe(2);
    await later.close();
  });
});

describe('the log of invalidations', () => {
  const logOf = (directory: string): Promise<string> => onlyFile(directory, 'fences');

  it('is followed by another one when it has grown, and generations outlast that', async () => {
    const [one, other, directory] = await openTwo();
    const [early, covered] = [await computed(one, 'early'), await computed(one, 'covered')];
    await one.set('before', await computed(one, 'before'));
    const first = await logOf(directory);
    await other.delete('covered');
    for (let count = 0; (await logOf(directory)) === first; count++) {
      for (let index = 0; index < 500; index++) await other.invalidateTags([`tag ${index} ${'x'.repeat(100)}`]);
      expect(count).toBeLessThan(100);
    }
    expect((await stat(await logOf(directory))).size).toBeLessThan(500_000);
    expect((await one.get('before'))?.value).toBe('before');
    expect(await one.set('covered', covered)).toBe(false);
    expect(await one.set('early', early)).toBe(true);
    const late = await computed(other, 'late');
    await one.delete('late');
    expect(await other.set('late', late)).toBe(false);
    await closeAll(one, other);
  });

  it('whose last record was torn by a dying process costs nothing until somebody writes behind it', async () => {
    const [one, other, directory] = await openTwo();
    await one.set('a', entryOf('a'));
    await appendFile(await logOf(directory), '\n1234');
    expect((await other.get('a'))?.value).toBe('a');
    await other.delete('b');
    expect(await one.get('a')).toBeUndefined();
    await one.set('a', entryOf('again'));
    expect((await other.get('a'))?.value).toBe('again');
    await closeAll(one, other);
  });

  it('that is gone voids what it guarded', async () => {
    const [one, other, directory] = await openTwo();
    await one.set('a', entryOf('a'));
    const entry = await computed(one, 'a');
    await rm(join(directory, 'fences'), { recursive: true });
    expect(await other.get('a')).toBeUndefined();
    expect(await one.set('a', entry)).toBe(false);
    await other.set('a', entryOf('new'));
    expect((await one.get('a'))?.value).toBe('new');
    await closeAll(one, other);
  });

  it('that has lost its end voids everything once an entry tells', async () => {
    const [one, , directory] = await openTwo();
    await one.set('early', entryOf('early'));
    const { size } = await stat(await logOf(directory));
    await one.set('late', { ...entryOf('late'), tags: ['t'] });
    await one.close();
    await truncate(await logOf(directory), size);
    const later = diskStore({ directory });
    expect(await later.get('late')).toBeUndefined();
    expect(await later.get('early')).toBeUndefined();
    for (let count = 0; count < 10; count++) await later.delete('other');
    expect(await later.get('late')).toBeUndefined();
    await later.set('late', entryOf('new'));
    expect((await later.get('late'))?.value).toBe('new');
    await later.close();
  });

  const seed = 11;
  it(`answers nothing that was invalidated, however it is damaged (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 60; round++) {
      const directory = await makeDirectory();
      const store = diskStore({ directory });
      await store.set('kept', entryOf('kept'));
      const voided = await computed(store, 'voided', ['t']);
      await store.set('tagged', voided);
      await store.invalidateTags(['t']);
      await store.delete('k');
      if (round % 3 > 0) await store.close();
      const log = await logOf(directory);
      const bytes = await readFile(log);
      const at = Math.floor(random() * bytes.length);
      if (round % 2 === 0) bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      await writeFile(
        log,
        round % 2 === 0 ? bytes : Buffer.concat([bytes.subarray(0, at), Buffer.from('\nfff'), bytes.subarray(at)]),
      );
      const later = diskStore({ directory });
      expect([undefined, 'kept']).toContain((await later.get('kept'))?.value);
      expect(await later.get('tagged')).toBeUndefined();
      expect(await later.set('k', voided)).toBe(false);
      await later.set('new', await computed(later, 'new'));
      expect((await later.get('new'))?.value).toBe('new');
      await later.close();
      await store.close();
    }
  });

  it('is never one of another directory', async () => {
    const [one, other] = [await makeDirectory(), await makeDirectory()];
    const stores = [diskStore({ directory: one }), diskStore({ directory: other })] as const;
    await stores[0].set('k', entryOf('one'));
    await stores[1].set('k', entryOf('other'));
    await closeAll(...stores);
    await copyFile(await logOf(other), await logOf(one));
    const store = diskStore({ directory: one });
    expect(await store.get('k')).toBeUndefined();
    await store.close();
  });

  it('leaves nothing of its own behind', async () => {
    const [one, other, directory] = await openTwo();
    await Promise.all([one.set('a', entryOf(1)), other.set('b', entryOf(2))]);
    await closeAll(one, other);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
    expect(await readdir(join(directory, 'fences'))).toEqual(['log-1']);
  });
});
