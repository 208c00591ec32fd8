import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cachedMany, closeAllCaches, createCache, getCache } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { settle } from './deferred.ts';
import { storeKindsWithBatches } from './store-kinds.ts';

afterEach(closeAllCaches);

interface User {
  readonly id: string;
  readonly load: number;
}

describe.each(storeKindsWithBatches)('a function of many ids in %s', (_kind, makeStore) => {
  function make(options: object = {}) {
    const clock = manualClock(1_000_000);
    const cache = createCache({ name: 'many', store: makeStore(), clock });
    const loads: string[][] = [];
    const gone = new Set<string>();
    const users = cachedMany(
      async (ids: string[]): Promise<User[]> => {
        loads.push([...ids]);
        return ids
          .filter((id) => !gone.has(id))
          .map((id) => ({ id, load: loads.length }))
          .reverse();
      },
      { cache, name: 'users', key: (user) => user.id, ...options },
    );
    return { cache, clock, users, loads, gone };
  }

  it('loads the missing ones only, and answers in the order of the list', async () => {
    const { users, loads } = make();
    await users(['1', '3']);
    await settle();
    const answer = await users(['3', '2', '1', '4']);
    expect(answer.map((user) => [user?.id, user?.load])).toEqual([
      ['3', 1],
      ['2', 2],
      ['1', 1],
      ['4', 2],
    ]);
    expect(loads).toEqual([
      ['1', '3'],
      ['2', '4'],
    ]);
  });

  it('asks for an id that is in the list twice once, and answers it twice', async () => {
    const { users, loads } = make();
    const [one, two, again] = await users(['1', '2', '1']);
    expect([one?.id, two?.id, again]).toEqual(['1', '2', one]);
    expect(loads).toEqual([['1', '2']]);
    expect(users.stats()).toMatchObject({ misses: 2, loads: 2 });
  });

  it('runs nothing for an empty list, or where all are there', async () => {
    const { users, loads } = make();
    expect(await users([])).toEqual([]);
    await users(['1', '2']);
    await settle();
    await users(['2', '1']);
    expect(loads).toHaveLength(1);
  });

  it('answers undefined for what is not there, and asks for it again', async () => {
    const { users, loads, gone } = make();
    gone.add('2');
    expect((await users(['1', '2', '3'])).map((user) => user?.id)).toEqual(['1', undefined, '3']);
    await settle();
    expect(await users.has('2')).toBe(false);
    gone.clear();
    expect((await users(['1', '2', '3'])).map((user) => user?.id)).toEqual(['1', '2', '3']);
    expect(loads).toEqual([['1', '2', '3'], ['2']]);
  });

  it('remembers that there is none for as long as cacheAbsent says, and no longer', async () => {
    const { users, loads, gone, clock } = make({ ttl: '5m', cacheAbsent: '10s', staleWhileRevalidate: '1h' });
    gone.add('2');
    await users(['1', '2']);
    await settle();
    gone.clear();
    clock.advance(9_999);
    expect((await users(['1', '2'])).map((user) => user?.id)).toEqual(['1', undefined]);
    expect(loads).toHaveLength(1);
    clock.advance(1);
    expect((await users(['1', '2'])).map((user) => user?.id)).toEqual(['1', '2']);
    expect(loads[1]).toEqual(['2']);
  });

  it('removes the older entry of what is not there any more', async () => {
    const { users, gone } = make({ ttl: '1m' });
    await users(['1']);
    await settle();
    gone.add('1');
    expect(await users.refresh('1')).toBeUndefined();
    await settle();
    expect(await users.has('1')).toBe(false);
  });

  it('takes further arguments into the key of each id, and hands them on', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const calls: unknown[][] = [];
    const names = cachedMany(
      async (ids: number[], language: string, options?: { short: boolean }) => {
        calls.push([[...ids], language, options]);
        return ids.map((id) => `${language}${id}`);
      },
      { cache, name: 'names' },
    );
    expect(await names([1, 2], 'en')).toEqual(['en1', 'en2']);
    await settle();
    expect(await names([2, 1], 'de')).toEqual(['de2', 'de1']);
    await settle();
    expect(await names([1, 2], 'en', { short: true })).toEqual(['en1', 'en2']);
    await settle();
    expect(await names([2, 3], 'en', { short: true })).toEqual(['en2', 'en3']);
    expect(calls).toEqual([
      [[1, 2], 'en', undefined],
      [[2, 1], 'de', undefined],
      [[1, 2], 'en', { short: true }],
      [[3], 'en', { short: true }],
    ]);
    expect(names.keyOf(1, 'en')).toBe('names(1,"en")');
  });

  it('tells ids apart by value and type', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const loads: unknown[][] = [];
    const load = cachedMany(
      async (ids: unknown[]) => {
        loads.push([...ids]);
        return ids.map((id) => [id]);
      },
      { cache, name: 'load' },
    );
    const ids = [1, '1', 1n, true, null, undefined, Number.NaN, [1], { a: 1, b: 2 }, new Date(0), 'null'];
    expect(await load(ids)).toEqual(ids.map((id) => [id]));
    await settle();
    const same = [...ids.slice(0, 7), [1], { b: 2, a: 1 }, new Date(0), 'null', Number.NaN, -0, 0];
    await load(same);
    expect(loads).toHaveLength(2);
    expect(loads[1]).toEqual([-0]);
  });

  it('has a handle that takes an id in place of the list', async () => {
    const { users, loads, cache } = make({ ttl: '1m' });
    const events: string[] = [];
    users.on('load', ({ key }) => events.push(String(key)));
    await users(['1', '2', '3']);
    await settle();
    expect(events).toEqual(['users("1")', 'users("2")', 'users("3")']);
    expect(await users.has('1')).toBe(true);
    expect(await users.peek('2')).toMatchObject({ id: '2' });
    expect(await users.peek('9')).toBeUndefined();
    expect(users.keyOf('1')).toBe('users("1")');
    expect(await users.inspect('1')).toMatchObject({ key: 'users("1")', status: 'fresh', expiresIn: 60_000 });
    expect(await users.invalidate('1')).toBe(true);
    expect(await users.invalidate('1')).toBe(false);
    await users.set(['2'], { id: '2', load: 99 });
    expect(await users.refresh('3')).toMatchObject({ id: '3', load: 2 });
    await settle();
    expect((await users(['1', '2', '3'])).map((user) => user?.load)).toEqual([3, 99, 2]);
    expect(loads).toEqual([['1', '2', '3'], ['3'], ['1']]);
    expect(users.stats()).toMatchObject({ hits: 2, misses: 4, loads: 5, size: 3 });
    await users.clear();
    expect(users.stats().size).toBe(0);
    expect(typeof users.original).toBe('function');
    expect(getCache('many')).toBe(cache);
  });

  it('invalidates a list of ids, too', async () => {
    const { users, loads } = make();
    await users(['1', '2', '3']);
    await settle();
    expect(await users.invalidate(['1', '3'])).toBe(true);
    await users(['1', '2', '3']);
    expect(loads[1]).toEqual(['1', '3']);
    expect(await users.invalidate([])).toBe(false);
  });

  it('invalidates an id that is a list itself', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const load = cachedMany(async (ids: [string, number][]) => ids.map(String), { cache, name: 'load' });
    await load([['a', 1]]);
    await settle();
    expect(await load.has(['a', 1])).toBe(true);
    expect(await load.invalidate(['a', 1])).toBe(true);
    expect(await load.has(['a', 1])).toBe(false);
  });

  it('keeps an absence that was set only as long as cacheAbsent says', async () => {
    const { cache, clock, users } = make();
    const kept = cachedMany(async (ids: string[]) => ids, { cache, name: 'kept', cacheAbsent: '10s', ttl: '1h' });
    for (const each of [users, kept]) await each.set(['1'], undefined);
    expect([await users.has('1'), await kept.has('1')]).toEqual([false, true]);
    expect(await kept(['1'])).toEqual([undefined]);
    clock.advance('10s');
    expect(await kept(['1'])).toEqual(['1']);
  });

  it('is not touched by what the caller does to his list, or to the answer', async () => {
    const { users, loads } = make();
    await users(['1']);
    await settle();
    const list = ['1', '2'];
    const waiting = users(list);
    list.push('3');
    list[0] = '9';
    const answer = await waiting;
    expect(answer.map((user) => user?.id)).toEqual(['1', '2']);
    answer.length = 0;
    await settle();
    expect((await users(['1', '2'])).map((user) => user?.id)).toEqual(['1', '2']);
    expect(loads).toEqual([['1'], ['2']]);
  });

  it('is not touched by what the function does to the list that it gets', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const load = cachedMany(
      async (ids: string[]) => {
        const items = new Map(ids.map((id) => [id, `item ${id}`]));
        ids.sort().reverse();
        ids.push('more');
        return items;
      },
      { cache, name: 'load' },
    );
    expect(await load(['a', 'b'])).toEqual(['item a', 'item b']);
    await settle();
    expect(await load(['b', 'c', 'a'])).toEqual(['item b', 'item c', 'item a']);
  });

  it('hands options the item, its id and the further arguments, and nothing for what is not there', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    const asked: unknown[][] = [];
    const load = cachedMany(
      async (ids: string[], _language: string) => new Map(ids.filter((id) => id !== 'gone').map((id) => [id, { id }])),
      {
        cache,
        name: 'load',
        cacheAbsent: '1m',
        ttl: (item, id, language) => {
          asked.push(['ttl', item.id, id, language]);
          return '5m';
        },
        tags: (item, id, language) => {
          asked.push(['tags', item.id, id, language]);
          return [`item:${id}`];
        },
        cacheIf: (item, id, language) => {
          asked.push(['cacheIf', item.id, id, language]);
          return id !== 'secret';
        },
      },
    );
    await load(['a', 'gone', 'secret'], 'en');
    await settle();
    expect(asked.filter(([option]) => option === 'tags')).toEqual([
      ['tags', 'a', 'a', 'en'],
      ['tags', 'secret', 'secret', 'en'],
    ]);
    expect(asked.filter(([option]) => option === 'cacheIf').map(([, , id]) => id)).toEqual(['a', 'secret']);
    expect(asked.filter(([option]) => option === 'ttl').map(([, , id]) => id)).toEqual(['a']);
    expect([await load.has('a', 'en'), await load.has('gone', 'en'), await load.has('secret', 'en')]).toEqual([
      true,
      true,
      false,
    ]);
    expect((await load.inspect('a', 'en'))?.tags).toEqual(['item:a']);
  });

  it('counts each id of a call for itself', async () => {
    const { users, clock } = make({ ttl: '1m', staleWhileRevalidate: '1m' });
    const events: string[] = [];
    for (const type of ['hit', 'miss', 'stale', 'coalesced', 'bypass'] as const) {
      users.on(type, ({ key }) => events.push(`${type} ${key}`));
    }
    await users(['1', '2']);
    await settle();
    clock.advance('1m');
    await users(['3']);
    await settle();
    events.length = 0;
    await Promise.all([users(['1', '3', '4']), users(['4', '3'])]);
    expect(events.sort()).toEqual([
      'coalesced users("4")',
      'hit users("3")',
      'hit users("3")',
      'miss users("4")',
      'stale users("1")',
    ]);
    expect(users.stats()).toMatchObject({ hits: 2, misses: 4, stale: 1, coalesced: 1 });
  });

  it('passes every call through where the cache is switched off', async () => {
    const { users, loads, cache } = make();
    await users(['1']);
    await settle();
    cache.enabled = false;
    expect((await users(['1', '2', '1'])).map((user) => user?.id)).toEqual(['1', '2', '1']);
    expect(loads[1]).toEqual(['1', '2']);
    expect(await users([])).toEqual([]);
    expect(users.stats().bypass).toBe(2);
  });

  it('loads ids that are bypassed with the others, and keeps nothing of them', async () => {
    const { users, loads } = make({ bypass: (id: string) => id.startsWith('tmp') });
    await users(['1', 'tmp', '2']);
    await settle();
    await users(['1', 'tmp', '2']);
    expect(loads).toEqual([['1', 'tmp', '2'], ['tmp']]);
    expect(users.stats()).toMatchObject({ bypass: 2, hits: 2, misses: 2 });
  });

  it('fails a call of an id that has no key, before anything is loaded', async () => {
    const { users, loads } = make();
    const bad = {
      get id(): string {
        throw new Error('trap');
      },
    };
    await expect(users(['1', bad as never])).rejects.toThrow('users: an id could not be read');
    await expect((users as any)(['1', '2'], bad)).rejects.toThrow(/trap/);
    await settle();
    expect(loads).toEqual([]);
  });

  it('lives beside functions of one call in the same cache', async () => {
    const { users, cache } = make();
    const one = cached(async (id: string) => `one ${id}`, { cache, name: 'one' });
    await Promise.all([users(['1']), one('1')]);
    await settle();
    expect([await one('1'), (await users(['1']))[0]?.id]).toEqual(['one 1', '1']);
    await one.clear();
    expect(await users.has('1')).toBe(true);
  });

  it('loads ten thousand ids in one run, and answers them from their entries', async () => {
    const cache = createCache({ name: 'many', store: makeStore() });
    let runs = 0;
    const load = cachedMany(
      (ids: number[]) => {
        runs++;
        return ids.map((id) => ({ id }));
      },
      { cache, name: 'load' },
    );
    const ids = Array.from({ length: 10_000 }, (_, id) => id);
    expect(await load(ids)).toEqual(ids.map((id) => ({ id })));
    expect(runs).toBe(1);
    await settle();
    expect((await load(ids.toReversed()))[0]).toEqual({ id: 9_999 });
    expect(runs).toBe(1);
  }, 60_000);
});
