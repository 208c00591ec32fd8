import { stat } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import type { Lease } from '@reprise/store';
import { type DiskStore, diskStore } from '@reprise/store-disk';
import { entryOf, listFiles, makeDirectory, onlyFile } from './directory.ts';

const closeAll = (...stores: DiskStore[]): Promise<unknown> => Promise.all(stores.map((store) => store.close()));

async function openTwo(): Promise<[one: DiskStore, other: DiskStore, directory: string]> {
  const directory = await makeDirectory();
  return [diskStore({ directory }), diskStore({ directory }), directory];
}

async function granted(store: DiskStore, key: string): Promise<Lease> {
  const lease = await store.lease(key);
  if (lease === undefined) throw new Error(`there is no lease of ${key}`);
  return lease;
}

describe('a lease', () => {
  it('belongs to one store, for one key of one namespace', async () => {
    const [one, other, directory] = await openTwo();
    const elsewhere = diskStore({ directory, namespace: 'n' });
    const lease = await granted(one, 'k');
    expect(lease).toEqual({ key: 'k', token: expect.any(String), generation: expect.any(String), duration: 5_000 });
    expect(await other.lease('k')).toBeUndefined();
    expect(await one.lease('k')).toBeUndefined();
    expect((await granted(other, 'k2')).token).not.toBe(lease.token);
    expect((await granted(elsewhere, 'k')).token).not.toBe(lease.token);
    await closeAll(one, other, elsewhere);
  });

  it('lets its holder store what is computed under it', async () => {
    const [one, other] = await openTwo();
    const lease = await granted(one, 'k');
    expect(await one.set('k', { ...entryOf('v'), generation: lease.generation })).toBe(true);
    await one.release(lease);
    expect((await other.get('k'))?.value).toBe('v');
    expect((await granted(other, 'k')).generation).not.toBe(lease.generation);
    await closeAll(one, other);
  });

  it.each<[name: string, (store: DiskStore) => Promise<unknown>]>([
    ['delete of its key', (store) => store.delete('k')],
    ['clear of a beginning of its key', (store) => store.clear('k')],
    ['clear of everything', (store) => store.clear()],
    ['set by hand', (store) => store.set('k', entryOf('by hand'))],
  ])('ends with a %s in another store', async (_, invalidate) => {
    const [one, other] = await openTwo();
    const lease = await granted(one, 'k');
    await invalidate(other);
    expect(await one.renew(lease)).toBe(false);
    expect(await one.set('k', { ...entryOf('old'), generation: lease.generation })).toBe(false);
    const next = await granted(other, 'k');
    await one.release(lease);
    expect(await other.renew(next)).toBe(true);
    await closeAll(one, other);
  });

  it('outlasts what does not cover its key, and a result that is stored', async () => {
    const [one, other] = await openTwo();
    const lease = await granted(one, 'k');
    await other.delete('other');
    await other.clear('kk');
    await other.invalidateTags(['k']);
    await other.set('k', { ...entryOf('v'), generation: await other.generation() });
    expect(await one.renew(lease)).toBe(true);
    await closeAll(one, other);
  });

  it('that has been released or never given cannot be renewed, and released once more without harm', async () => {
    const [one, other] = await openTwo();
    const lease = await granted(one, 'k');
    await one.release(lease);
    await one.release(lease);
    expect(await one.renew(lease)).toBe(false);
    const next = await granted(other, 'k');
    await one.release(lease);
    await one.release({ ...next, token: 'none' });
    expect(await one.renew({ ...next, token: 'none' })).toBe(false);
    expect(await other.renew(next)).toBe(true);
    await closeAll(one, other);
  });

  it('ends when its store is closed', async () => {
    const [one, other] = await openTwo();
    await granted(one, 'k');
    await one.close();
    await granted(other, 'k');
    await other.close();
  });

  it('ends by the clock of the machine, which no fake one stops', async () => {
    jest.useFakeTimers({ now: 0 });
    try {
      const directory = await makeDirectory();
      const [one, other] = [diskStore({ directory, leaseDuration: 40 }), diskStore({ directory })];
      const lease = await granted(one, 'k');
      while ((await other.lease('k')) === undefined) expect(Date.now()).toBe(0);
      expect(await one.renew(lease)).toBe(false);
      // Who asks in vain leaves no note.
      expect((await stat(await onlyFile(directory, 'fences'))).size).toBeLessThan(5_000);
      await closeAll(one, other);
    } finally {
      jest.useRealTimers();
    }
  });

  it('is kept as long as it is renewed', async () => {
    const directory = await makeDirectory();
    const [one, other] = [diskStore({ directory, leaseDuration: 1_000 }), diskStore({ directory })];
    const lease = await granted(one, 'k');
    const end = performance.now() + 2_200;
    while (performance.now() < end) {
      expect(await one.renew(lease)).toBe(true);
      expect(await other.lease('k')).toBeUndefined();
    }
    await closeAll(one, other);
  });

  it('goes to one of a hundred that ask at once', async () => {
    const stores = await openTwo();
    const asking = Array.from({ length: 100 }, (_, index) => (stores[index % 2] as DiskStore).lease('k'));
    expect((await Promise.all(asking)).filter((lease) => lease !== undefined)).toHaveLength(1);
    await closeAll(stores[0], stores[1]);
  });

  it('leaves no file behind', async () => {
    const [one, other, directory] = await openTwo();
    for (let index = 0; index < 50; index++) await granted(one, `k${index}`);
    await closeAll(one, other);
    expect(await listFiles(directory)).toEqual([]);
  });

  it.each([
    [/leaseDuration must be 0 or more/, -1],
    [/leaseDuration must be longer than 0/, 0],
    [/leaseDuration must be longer than 0 and end/, Infinity],
    [/leaseDuration is "5".*unit/, '5'],
    [/leaseDuration .*not null/, null],
  ])('has a duration that is checked: %s', (words, leaseDuration) => {
    expect(() => diskStore({ directory: '/nowhere', leaseDuration } as never)).toThrow(words);
  });
});
