import { execFile } from 'node:child_process';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { OptionError, StoreError } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { manualClock } from '@reprise/store-testkit';
import cacache from 'cacache';
import { entryOf, listFiles, makeDirectory, onlyFile, Reports } from './directory.ts';

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('the files', () => {
  it('are for their owner only', async () => {
    const directory = join(await makeDirectory(), 'made/here');
    const store = diskStore({ directory });
    await store.set('a', entryOf(1));
    await store.set('a', entryOf(2));
    const files = [...(await listFiles(directory)), ...(await listFiles(directory, 'fences'))];
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(await mode(file)).toBe('600');
      for (let folder = dirname(file); folder.startsWith(directory); folder = dirname(folder)) {
        expect(await mode(folder)).toBe('700');
      }
    }
    await store.close();
  });

  it('are what cacache reads, lists and verifies', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory, namespace: 'n' });
    await store.set('a', entryOf('x', 5, 10));
    await store.set('a', entryOf('y'));
    const listed = await cacache.ls(directory);
    expect(Object.keys(listed)).toEqual(['reprise/n:a']);
    const { data, size } = await cacache.get(directory, 'reprise/n:a');
    expect(data).toHaveLength(size as number);
    expect(await cacache.verify(directory)).toMatchObject({ verifiedContent: 1, reclaimedCount: 0, totalEntries: 1 });
    expect((await store.get('a'))?.value).toBe('y');
    await store.close();
  });

  it('of one key stay two, however often it is written, and its index stays one line', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf(0));
    const { size } = await stat(await onlyFile(directory, 'index-v5'));
    for (let count = 1; count <= 1_000; count++) await store.set('a', entryOf(count));
    // The generation has become longer.
    expect((await stat(await onlyFile(directory, 'index-v5'))).size).toBeLessThan(size + 10);
    await onlyFile(directory, 'content-v2');
    expect(await listFiles(directory)).toHaveLength(2);
    expect((await store.get('a'))?.value).toBe(1_000);
    await store.close();
  });

  it('are gone after delete and clear', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    for (const key of ['a', 'b', 'c']) await store.set(key, entryOf('same'));
    await store.delete('a');
    expect(await listFiles(directory)).toHaveLength(4);
    expect((await store.get('b'))?.value).toBe('same');
    await store.clear();
    expect(await listFiles(directory)).toEqual([]);
    await store.close();
  });

  it('that an interrupted write left are removed by prune, once they are old', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf(1));
    const used = await listFiles(directory);
    const lost = join(dirname(await onlyFile(directory, 'content-v2')), 'ff');
    const drafts = [join(directory, 'tmp/old'), join(directory, 'tmp/young')] as const;
    for (const file of [lost, ...drafts]) await writeFile(file, 'x');
    const anHourAgo = Date.now() / 1_000 - 3_600;
    for (const file of [lost, drafts[0], ...used]) await utimes(file, anHourAgo, anHourAgo);
    expect(await store.prune()).toBe(0);
    expect((await listFiles(directory)).sort()).toEqual([...used, drafts[1]].sort());
    expect((await store.get('a'))?.value).toBe(1);
    await store.close();
  });
});

describe('an entry', () => {
  it('is read by another process', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const value = new Map<unknown, unknown>([
      ['a', 1n],
      ['b', undefined],
    ]);
    await store.set('k', entryOf(value));
    await store.close();
    const program = `
      import { diskStore } from '@reprise/store-disk';
      const store = diskStore({ directory: ${JSON.stringify(directory)} });
      const entry = await store.get('k');
      console.log(entry.value.get('a') === 1n && entry.value.has('b'));
      await store.set('back', { value: new Date(3), createdAt: 0, expiresAt: Infinity, staleUntil: Infinity });
    `;
    const root = join(import.meta.dirname, '../../..');
    const sources = ['--import', './scripts/source-loader.mjs', '-C', '@reprise/source'];
    const flags = [...(process.env['REPRISE_TEST_DIST'] === '1' ? [] : sources), '--input-type=module', '-e'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, program], { cwd: root });
    expect(stdout).toBe('true\n');
    const later = diskStore({ directory });
    expect((await later.get('back'))?.value).toEqual(new Date(3));
    await later.close();
  });

  it('is there until the very millisecond of its end', async () => {
    const clock = manualClock(1_000_000);
    const store = diskStore({ directory: await makeDirectory(), clock });
    await store.set('second', entryOf(1, clock.now(), 1_000));
    await store.set('short', entryOf(2, clock.now(), 50));
    clock.advance(49);
    expect((await store.get('short'))?.value).toBe(2);
    clock.advance(1);
    expect(await store.get('short')).toBeUndefined();
    clock.advance(949);
    expect((await store.get('second'))?.value).toBe(1);
    clock.advance(1);
    expect(await store.get('second')).toBeUndefined();
    expect(await store.size()).toBe(2);
    expect(await store.delete('second')).toBe(false);
    expect(await store.prune()).toBe(1);
    expect(await store.size()).toBe(0);
    await store.close();
  });

  it('that has ended already is not stored, and takes an older one with it', async () => {
    const clock = manualClock(1_000);
    const store = diskStore({ directory: await makeDirectory(), clock });
    await store.set('a', entryOf(1, clock.now(), 1_000));
    expect(await store.set('a', entryOf(2, clock.now(), 0))).toBe(false);
    expect(await store.get('a')).toBeUndefined();
    await store.close();
  });

  it('that the codec refuses is not stored, and takes an older one with it', async () => {
    const store = diskStore({ directory: await makeDirectory() });
    await store.set('a', entryOf(1));
    await expect(
      store.set(
        'a',
        entryOf(() => 1),
      ),
    ).rejects.toMatchObject({ code: 'E_CODEC' });
    expect(await store.get('a')).toBeUndefined();
    await store.close();
  });

  it('may have a key of 64 KB, or one that has no UTF-8', async () => {
    const store = diskStore({ directory: await makeDirectory() });
    const long = 'k'.repeat(65_536);
    const keys = [`${long}1`, `${long}2`, 'a\ud800', 'a\ud801', 'a\ufffd', '"a\\ud800"', 'A', 'a', '', '\0', '\n\t'];
    for (const [index, key] of keys.entries()) await store.set(key, entryOf(index));
    for (const [index, key] of keys.entries()) expect((await store.get(key))?.value).toBe(index);
    const listed: string[] = [];
    for await (const [key] of store.entries()) listed.push(key);
    expect(listed.sort()).toEqual([...keys].sort());
    await store.clear('a\ud800');
    expect(await store.size()).toBe(keys.length - 1);
    await store.close();
  });

  it('holds undefined apart from no entry', async () => {
    const store = diskStore({ directory: await makeDirectory() });
    await store.set('a', entryOf(undefined));
    const entry = await store.get('a');
    expect(entry !== undefined && 'value' in entry && entry.value === undefined).toBe(true);
    expect(await store.get('b')).toBeUndefined();
    await store.close();
  });
});

describe('the bounds', () => {
  it('evict what was used least recently, and say so', async () => {
    const clock = manualClock(1_000);
    const store = diskStore({ directory: await makeDirectory(), clock, maxSize: 2 });
    const reports = new Reports();
    store.listen(reports);
    await store.set('a', entryOf('a'));
    await store.set('b', entryOf('b'));
    await store.get('a');
    await store.set('c', entryOf('c'));
    expect(await store.get('b')).toBeUndefined();
    expect((await store.get('a'))?.value).toBe('a');
    expect(reports.removals).toEqual(['evict b']);
    await store.close();
  });

  it('hold for two stores in one directory, whoever writes', async () => {
    const directory = await makeDirectory();
    const stores = [diskStore({ directory, maxSize: 10 }), diskStore({ directory, maxSize: 10 })] as const;
    for (let count = 0; count < 40; count++) await stores[count % 2]?.set(`k${count}`, entryOf(count));
    expect(await stores[0].size()).toBeLessThanOrEqual(10);
    expect(await stores[1].size()).toBe(await stores[0].size());
    expect(await listFiles(directory, 'content-v2')).toHaveLength(await stores[0].size());
    await Promise.all(stores.map((store) => store.close()));
  });

  it('hold after one sweep for a store that found others’ entries', async () => {
    const directory = await makeDirectory();
    const unbounded = diskStore({ directory });
    for (let count = 0; count < 30; count++) await unbounded.set(`k${count}`, entryOf('x'.repeat(1_000)));
    const bounded = diskStore({ directory, maxBytes: 10_000 });
    await bounded.prune();
    const bytes = await Promise.all(
      (await listFiles(directory, 'content-v2')).map(async (file) => (await stat(file)).size),
    );
    expect(bytes.length).toBeGreaterThan(5);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(10_000);
    expect(await unbounded.size()).toBe(bytes.length);
    await Promise.all([unbounded.close(), bounded.close()]);
  });

  it('of one namespace leave another alone', async () => {
    const directory = await makeDirectory();
    const stores = ['a', 'a/b'].map((namespace) => diskStore({ directory, namespace, maxSize: 3 }));
    for (const store of stores) for (let count = 0; count < 5; count++) await store.set(`k${count}`, entryOf(count));
    for (const store of stores) expect(await store.size()).toBe(3);
    await stores[0]?.clear();
    expect(await stores[1]?.size()).toBe(3);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('hold through 300 sets at once', async () => {
    const store = diskStore({ directory: await makeDirectory(), maxSize: 20 });
    await Promise.all(Array.from({ length: 300 }, (_, index) => store.set(`k${index % 150}`, entryOf(index))));
    expect(await store.size()).toBe(20);
    await store.close();
  });
});

describe('two stores in one directory', () => {
  it('read each other while both store anew what they computed, and miss nothing', async () => {
    const directory = await makeDirectory();
    const [one, other] = [diskStore({ directory }), diskStore({ directory })];
    const reports = new Reports();
    one.listen(reports);
    other.listen(reports);
    const work = async (store: typeof one, name: string): Promise<void> => {
      for (let count = 0; count < 100; count++) {
        const generation = await store.generation();
        await store.set(`k${count % 3}`, { ...entryOf({ name, count, key: `k${count % 3}` }), generation });
        const entry = await store.get(`k${(count + 1) % 3}`);
        if (count > 2) expect(entry?.value).toMatchObject({ key: `k${(count + 1) % 3}` });
      }
    };
    await Promise.all([work(one, 'one'), work(other, 'other')]);
    expect(reports.failures).toEqual([]);
    expect(await one.size()).toBe(3);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a failing file system', () => {
  it('rejects with a StoreError that keeps the cause', async () => {
    const directory = join(await makeDirectory(), 'file');
    await writeFile(directory, 'in the way');
    const store = diskStore({ directory });
    for (const operation of [store.set('a', entryOf(1)), store.get('a'), store.delete('a')]) {
      const error: unknown = await operation.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: 'E_STORE', cause: { code: 'ENOTDIR' } });
    }
    await store.close();
    expect(await readFile(directory, 'utf8')).toBe('in the way');
  });
});

describe('close', () => {
  it('waits for what was asked for before, and lets nothing in afterwards', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const sets = Array.from({ length: 20 }, (_, index) => store.set(`k${index}`, entryOf(index)));
    const closing = store.close();
    await expect(store.get('k1')).rejects.toMatchObject({ code: 'E_CLOSED' });
    await expect(store.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'E_CLOSED' });
    await Promise.all([closing, store.close()]);
    const later = diskStore({ directory });
    expect(await later.size()).toBe(20);
    await Promise.all([...sets, later.close()]);
  });

  it('takes nothing away for reads that it overtakes, and ends a listing', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const keys = ['a', 'b', 'c'];
    for (const key of keys) await store.set(key, entryOf(key));
    const listing = store.entries()[Symbol.asyncIterator]();
    expect((await listing.next()).done).toBe(false);
    const reads = keys.map((key) => store.get(key));
    await Promise.all([store.close(), ...reads]);
    await expect(listing.next()).rejects.toMatchObject({ code: 'E_CLOSED' });
    const later = diskStore({ directory });
    for (const key of keys) expect((await later.get(key))?.value).toBe(key);
    await later.close();
  });
});

describe('the options', () => {
  const directory = '/nowhere';
  it.each<[words: RegExp, options: unknown]>([
    [/one object/, undefined],
    [/one object/, 'cache'],
    [/directory is missing/, {}],
    [/directory is missing/, { directory: '' }],
    [/directory is missing/, { directory: 5 }],
    [/no option 'maxAge'; it takes directory/, { directory, maxAge: 5 }],
    [/namespace must be a string/, { directory, namespace: 1 }],
    [/maxSize must be a whole number.*not -1/, { directory, maxSize: -1 }],
    [/maxSize .*not 1.5/, { directory, maxSize: 1.5 }],
    [/maxSize .*not NaN/, { directory, maxSize: Number.NaN }],
    [/maxSize .*not null/, { directory, maxSize: null }],
    [/maxBytes .*not string/, { directory, maxBytes: '1' }],
    [/codec must be/, { directory, codec: {} }],
    [/codec must be/, { directory, codec: null }],
    [/clock must be/, { directory, clock: {} }],
  ])('that cannot be meant are refused: %s', (words, options) => {
    expect(() => diskStore(options as never)).toThrow(OptionError);
    expect(() => diskStore(options as never)).toThrow(words);
  });

  it('may be undefined, which is the default', async () => {
    const store = diskStore({ directory: await makeDirectory(), maxSize: undefined, clock: undefined } as never);
    expect(await store.set('a', entryOf(1))).toBe(true);
    await expect(store.resize({ maxSize: -1 })).rejects.toThrow(OptionError);
    await store.close();
  });

  it('maxSize 0 stores nothing', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory, maxSize: 0 });
    expect(await store.set('a', entryOf(1))).toBe(false);
    expect(await listFiles(directory)).toEqual([]);
    await store.close();
  });

  it('clock given at construction wins over the cache’s', async () => {
    const store = diskStore({ directory: await makeDirectory(), clock: manualClock(100) });
    store.useClock(manualClock(1_000));
    await store.set('a', entryOf(1, 100, 50));
    expect((await store.get('a'))?.value).toBe(1);
    const other = diskStore({ directory: await makeDirectory() });
    other.useClock(manualClock(100));
    other.useClock(manualClock(1_000));
    await other.set('a', entryOf(1, 100, 50));
    expect((await other.get('a'))?.value).toBe(1);
    await Promise.all([store.close(), other.close()]);
  });
});
