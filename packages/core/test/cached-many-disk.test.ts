import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { cachedMany, closeAllCaches, createCache, invalidateTags } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';

const directories: string[] = [];
const makeDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'reprise-many-'));
  directories.push(directory);
  return directory;
};
afterEach(closeAllCaches);
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

describe('a function of many ids on disk', () => {
  it('finds each id again in another process, and loads what is missing', async () => {
    const directory = await makeDirectory();
    const lists: string[] = [];
    async function loadUsers(ids: string[]) {
      lists.push(ids.join());
      return new Map(ids.filter((id) => id !== 'gone').map((id) => [id, { id, born: new Date(0) }]));
    }
    const open = () => createCache({ name: 'many', store: diskStore({ directory }), ttl: '1h' });
    const first = open();
    await cachedMany(loadUsers, { cache: first, cacheAbsent: '1m' })(['1', '2', 'gone']);
    await first.close();
    const second = open();
    const users = cachedMany(loadUsers, { cache: second, cacheAbsent: '1m' });
    expect(await users(['3', 'gone', '2'])).toEqual([
      { id: '3', born: new Date(0) },
      undefined,
      { id: '2', born: new Date(0) },
    ]);
    expect(lists).toEqual(['1,2,gone', '3']);
    expect(users.keyOf('1')).toBe('loadUsers("1")');
  });

  it('loads each id once where calls overlap, and keeps nothing of what was invalidated meanwhile', async () => {
    const clock = manualClock(Date.now());
    const cache = createCache({ name: 'many', store: diskStore({ directory: await makeDirectory() }), clock });
    const load = holdRuns<[ids: number[]], string[]>();
    const get = cachedMany(load, { cache, name: 'get', ttl: '1m', tags: (_item, id) => [`item:${id}`] });
    const calls = [get([1, 2]), get([2, 3]), get([3, 1])];
    const waitFor = async (runs: number) => {
      while (load.runs.length < runs) await settle();
    };
    await waitFor(2);
    expect(load.runs.map(({ args: [ids] }) => ids)).toEqual([[1, 2], [3]]);
    await get.invalidate(2);
    for (const { args, resolve } of load.runs) resolve(args[0].map((id) => `${id} first`));
    expect(await Promise.all(calls)).toEqual([
      ['1 first', '2 first'],
      ['2 first', '3 first'],
      ['3 first', '1 first'],
    ]);
    expect([await get.has(1), await get.has(2), await get.has(3)]).toEqual([true, false, true]);
    await invalidateTags(['item:3']);
    const again = get([1, 2, 3]);
    await waitFor(3);
    expect(load.runs[2]?.args[0]).toEqual([2, 3]);
    load.runs[2]?.resolve(['2 second', '3 second']);
    expect(await again).toEqual(['1 first', '2 second', '3 second']);
    clock.advance('1m');
    void get([1]);
    await waitFor(4);
    load.runs[3]?.resolve(['1 third']);
    await settle();
  });

  it('loads 1,000 ids in one run', async () => {
    const cache = createCache({ name: 'many', store: diskStore({ directory: await makeDirectory() }) });
    let runs = 0;
    const get = cachedMany(
      async (ids: number[]) => {
        runs++;
        return ids.map((id) => ({ id }));
      },
      { cache, name: 'get', storeTimeout: '10s' },
    );
    const ids = Array.from({ length: 1_000 }, (_, id) => id);
    await get(ids);
    await cache.close();
    expect(runs).toBe(1);
  });
});
