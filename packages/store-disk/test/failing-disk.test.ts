import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StoreError } from '@reprise/store';
import { type DiskStore, diskStore } from '@reprise/store-disk';
import { seededRandom } from '@reprise/store-testkit';
import { entryOf, listFiles, makeDirectory, Reports } from './directory.ts';
import { makeLockable, mountDisk, whyNotMount } from './small-disk.ts';

const refusal = await whyNotMount();

/** Needs a file system of its own; where that cannot be had, the name of the test says so, and what it would have shown. */
const itOnDisk = (name: string, run: () => Promise<void>): void => {
  if (refusal === undefined) it(name, run);
  else
    it(`${name} – NOT RUN HERE: no small file system can be mounted (${refusal})`, () => expect(refusal).not.toBe(''));
};

async function codeOf(operation: Promise<unknown>): Promise<unknown> {
  const error: unknown = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(StoreError);
  return ((error as Error).cause as { code?: unknown }).code;
}

async function fillUp(store: DiskStore): Promise<string[]> {
  const kept: string[] = [];
  for (let index = 0; ; index++) {
    const code = await codeOf(store.set(`k${index}`, entryOf('x'.repeat(3_000))));
    if (code === undefined) kept.push(`k${index}`);
    else {
      expect(code).toBe('ENOSPC');
      return kept;
    }
  }
}

describe('a full disk', () => {
  itOnDisk('costs what is set, and nothing that is there; what is deleted makes room', async () => {
    const directory = await mountDisk(400);
    const store = diskStore({ directory });
    const kept = await fillUp(store);
    expect(kept.length).toBeGreaterThan(5);
    for (const key of kept) expect((await store.get(key))?.value).toBe('x'.repeat(3_000));
    expect(await store.get(`k${kept.length}`)).toBeUndefined();
    for (const key of kept.slice(0, 5)) expect(await store.delete(key)).toBe(true);
    expect(await store.set('after', entryOf('after'))).toBe(true);
    expect((await store.get('after'))?.value).toBe('after');
    await store.close();
    expect(await listFiles(directory, 'tmp')).toEqual([]);
  });

  itOnDisk('leaves no older entry under a key whose newer one found no room', async () => {
    const store = diskStore({ directory: await mountDisk(400) });
    const kept = await fillUp(store);
    const key = kept[0] as string;
    expect(await codeOf(store.set(key, entryOf('y'.repeat(200_000))))).toBe('ENOSPC');
    expect(await store.get(key)).toBeUndefined();
    await store.close();
  });

  itOnDisk('refuses what it cannot note, unless the removal makes room for the note', async () => {
    const store = diskStore({ directory: await mountDisk(400) });
    const kept = await fillUp(store);
    let code: unknown;
    while (code === undefined) code = await codeOf(store.invalidateTags([`tag ${'x'.repeat(500)}`]));
    expect(code).toBe('ENOSPC');
    expect(await codeOf(store.lease('k'.repeat(4_000)))).toBe('ENOSPC');
    await store.clear();
    for (const key of kept) expect(await store.get(key)).toBeUndefined();
    expect(await store.set('k', entryOf('again'))).toBe(true);
    expect((await store.get('k'))?.value).toBe('again');
    await store.close();
  });
});

describe('a disk that is read only', () => {
  it('is read, and rejects what it is to write, until it can be written again', async () => {
    const { directory, lock, unlock } = await makeLockable();
    const store = diskStore({ directory });
    for (const key of ['a', 'b', 'damaged']) await store.set(key, { ...entryOf(key), tags: ['t'] });
    const generation = await store.generation();
    const contents = await listFiles(directory, 'content-v2');
    await truncate(contents[0] as string, 10);
    await store.close();
    await lock();
    const stores = [diskStore({ directory }), diskStore({ directory })] as const;
    for (const [index, each] of stores.entries()) {
      const write = async (): Promise<void> => {
        const operations = [
          each.set('a', entryOf('new')),
          each.set('c', { ...entryOf('new'), generation }),
          each.delete('a'),
          each.clear(),
          each.invalidateTags(['t']),
          each.lease('k'),
        ];
        for (const operation of operations) expect(['EROFS', 'EACCES']).toContain(await codeOf(operation));
      };
      // The first thing that a store does decides how it opens its log.
      if (index === 0) await write();
      const found = await Promise.all(['a', 'b', 'damaged'].map((key) => each.get(key)));
      expect(found.filter((entry) => entry !== undefined)).toHaveLength(2);
      expect(await each.size()).toBe(3);
      expect(await each.generation()).toBe(generation);
      await write();
    }
    await unlock();
    for (const each of stores) {
      await each.invalidateTags(['t']);
      expect(await each.get('a')).toBeUndefined();
      expect(await each.set('a', { ...entryOf('new'), tags: ['t'] })).toBe(true);
      expect((await each.get('a'))?.value).toBe('new');
    }
    await Promise.all(stores.map((each) => each.close()));
  });
});

describe('a directory that vanishes again and again', () => {
  const seed = 23;
  it(`costs entries, and no wrong answer (seed ${seed})`, async () => {
    const directory = join(await makeDirectory(), 'deep/down');
    const stores = [diskStore({ directory }), diskStore({ directory, maxSize: 8 })] as const;
    const reports = new Reports();
    for (const store of stores) store.listen(reports);
    const random = seededRandom(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const work = async (): Promise<void> => {
      for (let count = 0; count < 150; count++) {
        const store = stores[pick(2)] as DiskStore;
        const key = `k${pick(12)}`;
        // What fails is a StoreError, and costs the caller of a cache nothing.
        await codeOf(
          store.set(key, { ...entryOf({ key }), ...(pick(2) === 0 && { generation: await store.generation() }) }),
        );
        const entry = await store.get(`k${pick(12)}`);
        if (entry !== undefined) expect(entry.value).toEqual({ key: expect.stringMatching(/^k\d+$/) });
        if (pick(10) === 0) await codeOf(store.clear());
        if (pick(10) === 0) await codeOf(store.prune());
      }
    };
    const vanish = async (): Promise<void> => {
      for (let count = 0; count < 25; count++) {
        await rm(join(directory, '..'), { recursive: true, force: true, maxRetries: 20 }).catch(() => undefined);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([work(), work(), vanish()]);
    for (const store of stores) {
      await store.set('end', entryOf('end'));
      expect((await store.get('end'))?.value).toBe('end');
    }
    await Promise.all(stores.map((store) => store.close()));
  });
});
