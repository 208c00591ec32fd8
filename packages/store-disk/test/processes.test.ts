import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Lease } from '@reprise/store';
import { type DiskStore, diskStore } from '@reprise/store-disk';
import { entryOf, listFiles, makeDirectory, Reports } from './directory.ts';
import { StoreProcess } from './store-process.ts';

const invalidations: readonly (readonly [name: string, args: readonly unknown[]])[] = [
  ['delete', ['k']],
  ['clear', []],
  ['invalidateTags', [['t']]],
];

describe('a process that computes while another one invalidates', () => {
  it.each(invalidations)('keeps nothing after %s', async (method, args) => {
    const directory = await makeDirectory();
    const [one, other] = await Promise.all([StoreProcess.open({ directory }), StoreProcess.open({ directory })]);
    const generation = await one.call<string>('generation');
    await other.call(method, ...args);
    expect(await one.call('set', 'k', { ...entryOf('old'), tags: ['t'], generation })).toBe(false);
    const store = diskStore({ directory });
    for (const found of [await one.call('get', 'k'), await other.call('get', 'k'), await store.get('k')]) {
      expect(found).toBeUndefined();
    }
    await store.close();
  });

  it.each(invalidations)('and has looked already, keeps nothing after %s', async (method, args) => {
    const directory = await makeDirectory();
    const one = await StoreProcess.open({ directory });
    const store = diskStore({ directory });
    const generation = await one.call<string>('generation');
    const { stopped } = await one.stopAt('before rename');
    const setting = one.call('set', 'k', { ...entryOf('old'), tags: ['t'], generation });
    await stopped;
    await (store[method as keyof DiskStore] as (...args: unknown[]) => Promise<unknown>)(...args);
    await one.call('resume');
    expect(await setting).toBe(false);
    expect(await store.get('k')).toBeUndefined();
    expect(await listFiles(directory)).toEqual([]);
    await store.close();
  });

  it.each(invalidations)(
    'and dies before it can look once more, has left nothing that is served after %s',
    async (method, args) => {
      const directory = await makeDirectory();
      const one = await StoreProcess.open({ directory });
      const store = diskStore({ directory });
      const reports = new Reports();
      store.listen(reports);
      const generation = await one.call<string>('generation');
      const before = await one.stopAt('before rename');
      void one.call('set', 'k', { ...entryOf('old'), tags: ['t'], generation });
      await before.stopped;
      await (store[method as keyof DiskStore] as (...args: unknown[]) => Promise<unknown>)(...args);
      await one.goOnTo('after rename');
      await one.kill();
      expect(await listFiles(directory, 'content-v2')).toHaveLength(1);
      expect(await store.size()).toBe(0);
      expect(await store.get('k')).toBeUndefined();
      expect(reports.failures).toEqual([]);
      await store.close();
      expect(await listFiles(directory)).toEqual([]);
    },
  );

  it('loses to what another one has set by hand', async () => {
    const directory = await makeDirectory();
    const one = await StoreProcess.open({ directory });
    const store = diskStore({ directory });
    const generation = await one.call<string>('generation');
    const { stopped } = await one.stopAt('before rename');
    const setting = one.call('set', 'k', { ...entryOf('computed'), generation });
    await stopped;
    await store.set('k', entryOf('by hand'));
    await one.call('resume');
    expect(await setting).toBe(false);
    // Nothing or the newer one: what was put in its place for a moment is gone.
    expect([undefined, 'by hand']).toContain((await store.get('k'))?.value);
    await store.close();
  });
});

describe('processes that are killed', () => {
  it('in the middle of a write leave nothing that is read, and nothing that stays', async () => {
    const directory = await makeDirectory();
    const one = await StoreProcess.open({ directory });
    const { stopped } = await one.stopAt('before rename');
    void one.call('set', 'k', entryOf('x'.repeat(10_000)));
    await stopped;
    expect(await listFiles(directory)).toHaveLength(2);
    const living = diskStore({ directory });
    expect(await living.get('k')).toBeUndefined();
    await living.prune();
    // Its writer lives: it may come to its end yet.
    expect(await listFiles(directory)).toHaveLength(2);
    await living.close();
    await one.kill();
    const store = diskStore({ directory });
    expect(await store.get('k')).toBeUndefined();
    await store.close();
    expect(await listFiles(directory)).toEqual([]);
  });

  it('before they have freed what they replaced leave it to the next prune', async () => {
    const directory = await makeDirectory();
    const one = await StoreProcess.open({ directory });
    await one.call('set', 'k', entryOf('first'));
    const { stopped } = await one.stopAt('before unlink');
    void one.call('set', 'k', entryOf('second'));
    await stopped;
    await one.kill();
    expect(await listFiles(directory, 'content-v2')).toHaveLength(2);
    const store = diskStore({ directory });
    expect((await store.get('k'))?.value).toBe('second');
    await store.prune();
    expect(await listFiles(directory, 'content-v2')).toHaveLength(1);
    expect((await store.get('k'))?.value).toBe('second');
    await store.close();
  });

  it('again and again while they write leave whole entries, all that they said was written, and no junk', async () => {
    const directory = await makeDirectory();
    const reports = new Reports();
    // Two at a time: fifty in all.
    for (let round = 0; round < 25; round++) {
      const writers = await Promise.all([StoreProcess.open({ directory }), StoreProcess.open({ directory })]);
      // A set by hand voids what it replaces before it has taken its place: then, an entry may be missing.
      const isByHand = round % 2 === 1;
      for (const [index, writer] of writers.entries()) {
        void writer.call('fill', `r${round}-${index}-`, 10_000, !isByHand);
        await writer.whenWritten(Math.min(3 + ((round * 7) % 23), 20));
      }
      const told = new Map(writers.flatMap(({ written }) => [...written]));
      await Promise.all(writers.map((writer) => writer.kill()));
      const store = diskStore({ directory });
      store.listen(reports);
      let missing = 0;
      for (const [key, index] of told) {
        const value = (await store.get(key))?.value as { key: string; index: number; text: string } | undefined;
        if (value === undefined) {
          missing++;
          continue;
        }
        expect(value.key).toBe(key);
        expect(value.index).toBeGreaterThanOrEqual(index);
        expect(value.text).toBe('x'.repeat(value.index % 5_000));
      }
      expect(missing).toBeLessThanOrEqual(isByHand ? writers.length : 0);
      await store.prune();
      expect(await listFiles(directory)).toHaveLength(2 * (await store.size()));
      await store.clear();
      await store.close();
    }
    expect(reports.failures).toEqual([]);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  }, 120_000);
});

describe('the bounds of two processes', () => {
  it('hold after one sweep, whoever has written, and the bytes are freed', async () => {
    const directory = await makeDirectory();
    const bounds = { directory, maxSize: 15, maxBytes: 40_000 };
    const processes = await Promise.all([StoreProcess.open(bounds), StoreProcess.open(bounds)]);
    await Promise.all(processes.map((each, index) => each.call('fill', `p${index}-`, 60)));
    await processes[0]?.call('prune');
    const files = await listFiles(directory, 'content-v2');
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(files.length).toBeGreaterThan(3);
    expect(files.length).toBeLessThanOrEqual(15);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(40_000);
    for (const each of processes) {
      expect(await each.call('size')).toBe(files.length);
      expect(await each.call('failures')).toEqual([]);
    }
  });
});

describe('a lease', () => {
  it('is given to one of several processes that ask at once, and to another one when it is released', async () => {
    const directory = await makeDirectory();
    const processes = await Promise.all([1, 2, 3].map(() => StoreProcess.open({ directory })));
    for (let round = 0; round < 20; round++) {
      const leases = await Promise.all(processes.map((each) => each.call<Lease | undefined>('lease', `k${round % 2}`)));
      const holder = leases.findIndex((lease) => lease !== undefined);
      expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
      expect(await processes[holder]?.call('renew', leases[holder])).toBe(true);
      await processes[holder]?.call('release', leases[holder]);
      expect(await processes[holder]?.call('renew', leases[holder])).toBe(false);
    }
  });

  it('of a process that was killed is taken over at once, by one', async () => {
    const directory = await makeDirectory();
    const [holder, ...others] = await Promise.all(
      [1, 2, 3].map(() => StoreProcess.open({ directory, leaseDuration: '1h' })),
    );
    const lease = await holder?.call<Lease>('lease', 'k');
    expect(lease).toMatchObject({ key: 'k', duration: 3_600_000 });
    for (const other of others) expect(await other.call('lease', 'k')).toBeUndefined();
    await holder?.kill();
    const taken = await Promise.all(others.map((each) => each.call<Lease | undefined>('lease', 'k')));
    expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
  });

  it('of a process that hangs is taken over when it has not been renewed, and its holder is told', async () => {
    const directory = await makeDirectory();
    const holder = await StoreProcess.open({ directory, leaseDuration: 300 });
    const store = diskStore({ directory, leaseDuration: '1h' });
    const begun = performance.now();
    const lease = await holder.call<Lease>('lease', 'k');
    holder.signal('SIGSTOP');
    let taken: Lease | undefined;
    while (taken === undefined) taken = await store.lease('k');
    // The wall clock counts in whole milliseconds.
    expect(performance.now() - begun).toBeGreaterThan(295);
    holder.signal('SIGCONT');
    expect(await holder.call('renew', lease)).toBe(false);
    await holder.call('release', lease);
    expect(await store.renew(taken)).toBe(true);
    await store.close();
  });
});
