import { appendFile, copyFile, mkdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { type Codec, CodecError, defaultCodec, encodeEnvelope } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import cacache from 'cacache';
import { entryOf, listFiles, makeDirectory, onlyFile, Reports } from './directory.ts';

type Damage = (content: string, index: string) => Promise<unknown>;

const damages: Readonly<Record<string, Damage>> = {
  'a flipped bit in the content': async (content) => {
    const bytes = await readFile(content);
    bytes[70] = (bytes[70] as number) ^ 1;
    await writeFile(content, bytes);
  },
  'a truncated content': (content) => truncate(content, 30),
  'an empty content': (content) => truncate(content, 0),
  'a content with more at its end': (content) => appendFile(content, 'x'),
  'a content that is gone': (content) => unlink(content),
  'a folder where the content was': async (content) => {
    await unlink(content);
    await mkdir(content);
  },
};

const indexDamages: Readonly<Record<string, Damage>> = {
  'a flipped bit in the index': async (_content, index) => {
    const bytes = await readFile(index);
    bytes[60] = (bytes[60] as number) ^ 1;
    await writeFile(index, bytes);
  },
  'a truncated index': (_content, index) => truncate(index, 50),
  'an empty index': (_content, index) => truncate(index, 0),
  'an index that is gone': (_content, index) => unlink(index),
};

describe('a damaged entry', () => {
  it.each(Object.entries(damages))('by %s is a miss, is reported, and heals', async (_name, damage) => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const reports = new Reports();
    store.listen(reports);
    await store.set('a', entryOf('first'));
    await damage(await onlyFile(directory, 'content-v2'), await onlyFile(directory, 'index-v5'));
    expect(await store.get('a')).toBeUndefined();
    expect(reports.failures).toEqual([{ error: expect.any(CodecError), key: 'a' }]);
    expect(await store.get('a')).toBeUndefined();
    expect(reports.failures).toHaveLength(1);
    expect(await listFiles(directory)).toEqual([]);
    await store.set('a', entryOf('first'));
    expect((await store.get('a'))?.value).toBe('first');
    await store.close();
  });

  it.each(Object.entries(damages))('by %s takes an identical set at once', async (_name, damage) => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf('same'));
    await damage(await onlyFile(directory, 'content-v2'), '');
    await store.set('a', entryOf('same'));
    expect((await store.get('a'))?.value).toBe('same');
    expect(await listFiles(directory)).toHaveLength(2);
    await store.close();
  });

  it.each(Object.entries(indexDamages))('by %s is a miss, and is written again', async (_name, damage) => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf('first'));
    await damage(await onlyFile(directory, 'content-v2'), await onlyFile(directory, 'index-v5'));
    expect(await store.get('a')).toBeUndefined();
    expect(await store.size()).toBe(0);
    await store.set('a', entryOf('second'));
    expect((await store.get('a'))?.value).toBe('second');
    await store.close();
  });

  it('by an index that leads to another key’s content is not answered', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const reports = new Reports();
    store.listen(reports);
    await store.set('mine', entryOf('mine'));
    const [mine] = await listFiles(directory, 'content-v2');
    await store.set('other', entryOf('other'));
    const other = (await listFiles(directory, 'content-v2')).find((file) => file !== mine);
    const info = await cacache.get.info(directory, 'reprise/:other');
    expect(info?.path).toBe(other);
    await cacache.index.insert(directory, 'reprise/:mine', info?.integrity as never, { size: info?.size as number });
    expect(await store.get('mine')).toBeUndefined();
    expect(reports.failures).toEqual([
      { error: expect.objectContaining({ message: expect.stringContaining("another key's") }), key: 'mine' },
    ]);
    await store.close();
  });

  it('by a copy of another content over it is not answered', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf('a'));
    await store.set('b', entryOf('b'));
    const [one, two] = (await listFiles(directory, 'content-v2')) as [string, string];
    await copyFile(one, two);
    const values = [await store.get('a'), await store.get('b')].map((entry) => entry?.value);
    expect([
      ['a', undefined],
      [undefined, 'b'],
    ]).toContainEqual(values);
    await store.close();
  });

  it('of a namespace whose name was exchanged is not answered', async () => {
    const directory = await makeDirectory();
    const bytes = encodeEnvelope('reprise/tenant1:k', entryOf('secret'), defaultCodec);
    await cacache.put(directory, 'reprise/tenant2:k', Buffer.from(bytes));
    const store = diskStore({ directory, namespace: 'tenant2' });
    expect(await store.get('k')).toBeUndefined();
    await store.close();
  });

  it('written by a later release, by another program or by another codec is a miss, and is replaced', async () => {
    const directory = await makeDirectory();
    const future = Buffer.from(encodeEnvelope('reprise/:future', entryOf(1), defaultCodec));
    future[4] = 9;
    await cacache.put(directory, 'reprise/:future', future);
    await cacache.put(directory, 'reprise/:foreign', '{"value":1}');
    const codec: Codec = { ...defaultCodec, name: 'other' };
    const other = diskStore({ directory, codec });
    await other.set('codec', entryOf(1));
    const store = diskStore({ directory });
    const reports = new Reports();
    store.listen(reports);
    for (const key of ['future', 'foreign', 'codec']) {
      expect(await store.get(key)).toBeUndefined();
      await store.set(key, entryOf('new'));
      expect((await store.get(key))?.value).toBe('new');
    }
    expect(reports.failures.map(({ error }) => (error as Error).message)).toEqual([
      expect.stringContaining('future format version'),
      expect.stringContaining('foreign'),
      expect.stringContaining('another codec'),
    ]);
    await Promise.all([store.close(), other.close()]);
  });

  it('does not stop listing, counting or clearing', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    for (const key of ['a', 'b', 'c']) await store.set(key, entryOf(key));
    await truncate((await listFiles(directory, 'content-v2'))[0] as string, 10);
    await truncate((await listFiles(directory, 'index-v5'))[0] as string, 10);
    const listed: string[] = [];
    for await (const [key] of store.entries()) listed.push(key);
    expect(listed.length).toBeGreaterThanOrEqual(1);
    expect(listed.length).toBeLessThanOrEqual(2);
    await store.clear();
    expect(await store.size()).toBe(0);
    await store.close();
  });

  it('reports to a listener that throws without harm', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    store.listen({
      failed: () => {
        throw new Error('a bad listener');
      },
    });
    await store.set('a', entryOf(1));
    await truncate(await onlyFile(directory, 'content-v2'), 10);
    expect(await store.get('a')).toBeUndefined();
    await store.close();
  });

  it('whose directory was removed under the store is a miss, and the store goes on', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('a', entryOf(1));
    await rm(directory, { recursive: true });
    expect(await store.get('a')).toBeUndefined();
    await store.set('a', entryOf(2));
    expect((await store.get('a'))?.value).toBe(2);
    await store.close();
  });
});
