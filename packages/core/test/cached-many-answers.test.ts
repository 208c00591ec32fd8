import { afterEach, describe, expect, it } from '@jest/globals';
import {
  cached,
  cachedMany,
  cacheKey,
  closeAllCaches,
  createCache,
  ignoreThis,
  KeyError,
  OptionError,
} from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { asyncMemory } from './store-kinds.ts';

afterEach(closeAllCaches);

interface User {
  readonly id: number;
  readonly name: string;
}
const user = (id: number): User => ({ id, name: `user ${id}` });

describe('what a function of many ids answers', () => {
  it('may be an array in any order, with items left out, told by key', async () => {
    const users = cachedMany(async (_ids: number[]) => [user(3), user(1)], { key: ({ id }) => id });
    expect(await users([1, 2, 3])).toEqual([user(1), undefined, user(3)]);
  });

  it('may hold null and undefined for what is not there, told by key', async () => {
    const users = cachedMany(async (_ids: number[]) => [null, user(2), undefined], { key: ({ id }) => id });
    expect(await users([1, 2])).toEqual([undefined, user(2)]);
    expect(users.has(1)).toBe(false);
  });

  it('may be a Map by ids, in any order, with items left out', async () => {
    const users = cachedMany(async (_ids: number[]) => new Map([3, 1].map((id) => [id, user(id)])));
    expect(await users([1, 2, 3])).toEqual([user(1), undefined, user(3)]);
  });

  it('may be a Map by ids that are objects, told apart by value', async () => {
    const prices = cachedMany(
      async (_ids: { sku: string; region: string }[]) =>
        new Map([
          [{ region: 'eu', sku: 'b' }, 2],
          [{ region: 'eu', sku: 'a' }, 1],
        ]),
    );
    expect(
      await prices([
        { sku: 'a', region: 'eu' },
        { sku: 'b', region: 'eu' },
        { sku: 'a', region: 'us' },
      ]),
    ).toEqual([1, 2, undefined]);
    expect(prices.peek({ region: 'eu', sku: 'a' })).toBe(1);
  });

  it('may be one item for each id in their order, null being an item and undefined none', async () => {
    let runs = 0;
    const users = cachedMany(async (ids: number[]) => {
      runs++;
      return ids.map((id) => (id === 2 ? null : id === 3 ? undefined : user(id)));
    });
    expect(await users([1, 2, 3])).toEqual([user(1), null, undefined]);
    expect([users.has(1), users.has(2), users.has(3)]).toEqual([true, true, false]);
    await users([1, 2]);
    expect(runs).toBe(1);
  });

  it('may come at once, without a promise', async () => {
    const users = cachedMany((ids: number[]) => ids.map(user));
    const answer = users([1]);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toEqual([user(1)]);
    expect(await users.refresh(1)).toEqual(user(1));
  });

  it('may be any thenable', async () => {
    const users = cachedMany(
      (ids: number[]) =>
        ({
          // biome-ignore lint/suspicious/noThenProperty: a query builder, say
          then: (resolve: (users: User[]) => void) => resolve(ids.map(user)),
        }) as PromiseLike<User[]>,
    );
    expect(await users([1, 2])).toEqual([user(1), user(2)]);
  });

  it('is ignored where it was not asked for', async () => {
    const users = cachedMany(async (_ids: number[]) => [user(9), user(1), user(8)], { key: ({ id }) => id });
    expect(await users([1])).toEqual([user(1)]);
    expect(users.has(9)).toBe(false);
    expect(users.stats().size).toBe(1);
  });

  it('counts as it came last where there are several items of one id', async () => {
    const users = cachedMany(async (_ids: number[]) => [user(1), { id: 1, name: 'newer' }], { key: ({ id }) => id });
    expect(await users([1])).toEqual([{ id: 1, name: 'newer' }]);
  });

  it('fails all that wait where it is neither an array nor a Map, and says what it must be', async () => {
    for (const [answer, said] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [7, 'a number'],
      [{ 1: user(1) }, 'an object'],
      [new Set([user(1)]), 'an object'],
    ] as const) {
      const users = cachedMany(async function load(_ids: number[]) {
        return answer as unknown as User[];
      });
      const error = await users([1, 2]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).toContain(`cachedMany(load): the function answered ${said}; it must answer an array`);
      expect(users.stats()).toMatchObject({ errors: 2, size: 0 });
    }
  });

  it('fails where it has another number of items and no key, and names the ways out', async () => {
    const users = cachedMany(async function load(_ids: number[]) {
      return [user(1)];
    });
    const error = await users([1, 2]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toMatch(/answered 1 items for 2 ids.*key: \(item\) => item\.id.*Map/);
    expect(await users([1])).toEqual([user(1)]);
  });

  it('fails where key throws, answers nothing, or a promise', async () => {
    const trap = new Error('trap');
    const throwing = cachedMany(async (ids: number[]) => ids.map(user), {
      key: () => {
        throw trap;
      },
    });
    await expect(throwing([1])).rejects.toBe(trap);
    for (const [key, said] of [
      [() => undefined, /key answered undefined/],
      [async () => Promise.reject(new Error('unheard')), /key answered a promise/],
    ] as const) {
      const users = cachedMany(async (ids: number[]) => ids.map(user), { key: key as never });
      const error = await users([1]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(KeyError);
      expect(String(error)).toMatch(said);
    }
  });
});

describe('the ids of a call', () => {
  it('must be an array', async () => {
    const users = cachedMany(async function load(ids: number[]) {
      return ids.map(user);
    });
    for (const [ids, said] of [
      [undefined, 'undefined'],
      ['a', 'a string'],
      [new Set([1]), 'an object'],
      [null, 'null'],
    ] as const) {
      const error = await (users as any)(ids).catch((e: unknown) => e);
      expect(String(error)).toContain(
        `cachedMany(load): the first argument must be an array of ids, not ${said}; for one id write [id]`,
      );
    }
    await expect(Promise.all([1, 2].map(users as any))).rejects.toThrow(/an array of ids, not a number/);
  });

  it('may be objects that say what they are', async () => {
    class Sku {
      readonly code: string;
      constructor(code: string) {
        this.code = code;
      }
      [cacheKey](): string {
        return this.code;
      }
    }
    const lists: string[][] = [];
    const prices = cachedMany(async (ids: Sku[]) => {
      lists.push(ids.map(({ code }) => code));
      return ids.map(({ code }) => code.length);
    });
    expect(await prices([new Sku('a'), new Sku('bb'), new Sku('a')])).toEqual([1, 2, 1]);
    expect(await prices([new Sku('bb')])).toEqual([2]);
    expect(lists).toEqual([['a', 'bb']]);
  });

  it('may be objects known by identity in memory, and have no key in a store that outlives the process', async () => {
    class Thing {}
    const things = [new Thing(), new Thing()];
    let runs = 0;
    const loadThings = (ids: Thing[]) => {
      runs++;
      return ids.map((id) => things.indexOf(id));
    };
    const near = cachedMany(loadThings);
    expect(await near(things)).toEqual([0, 1]);
    expect(await near([...things].reverse())).toEqual([1, 0]);
    expect(runs).toBe(1);
    const far = cachedMany(loadThings, { store: asyncMemory({ persistent: true }) });
    await expect(far(['plain', ...things])).rejects.toThrow(KeyError);
    expect(runs).toBe(1);
  });
});

describe('the options of cachedMany', () => {
  const define = (options: unknown) => () =>
    cachedMany(async function load(ids: number[]) {
      return ids;
    }, options as object);

  it.each([
    [{ cacheAbsent: -1 }, /cachedMany\(load\): cacheAbsent/],
    [{ cacheAbsent: '5 parsecs' }, /cacheAbsent/],
    [{ key: 'id' }, /cachedMany\(load\): key must be a function/],
    [{ keys: () => 1 }, /no option 'keys'; did you mean 'key'/],
    [{ absent: '1m' }, /no option 'absent'/],
    [{ ttl: null }, /cachedMany\(load\): ttl/],
    [{ cache: 'c', maxSize: 1 }, /maxSize belongs to the shared cache/],
    [{ key: ignoreThis }, /key tells the id of an item here/],
    [7, /./],
  ])('refuse %j', (options, message) => {
    expect(define(options)).toThrow(OptionError);
    expect(define(options)).toThrow(message as RegExp);
  });

  it('take an explicit undefined for the default', async () => {
    const load = define({ key: undefined, cacheAbsent: undefined, ttl: undefined })();
    expect(await load([1, 2])).toEqual([1, 2]);
  });

  it('bound the entries, ids being entries', async () => {
    const load = cachedMany(async (ids: number[]) => ids, { maxSize: 2 });
    await load([1, 2, 3]);
    expect(load.stats()).toMatchObject({ size: 2, evictions: 1 });
  });

  it('weigh items, and absences nothing', async () => {
    const load = cachedMany(async (ids: string[]) => new Map(ids.filter((id) => id !== '').map((id) => [id, id])), {
      maxBytes: 3,
      sizeOf: (item) => item.length,
      cacheAbsent: '1m',
    });
    await load(['a', '', 'bb', 'cccc']);
    expect([load.has('a'), load.has(''), load.has('bb'), load.has('cccc')]).toEqual([true, true, true, false]);
  });

  it('leave nothing stored with ttl 0, and overlapping calls make one run still', async () => {
    const lists: number[][] = [];
    const load = cachedMany(
      async (ids: number[]) => {
        lists.push([...ids]);
        return ids;
      },
      { ttl: 0 },
    );
    await Promise.all([load([1, 2]), load([2, 3])]);
    await load([1]);
    expect(lists).toEqual([[1, 2], [3], [1]]);
  });

  it('copy or freeze each item for itself', async () => {
    const load = cachedMany(async (ids: number[]) => ids.map((id) => ({ id })), { isolate: 'clone' });
    const [first] = await load([1]);
    (first as { id: number }).id = 9;
    expect(await load([1])).toEqual([{ id: 1 }]);
    const frozen = cachedMany(async (ids: number[]) => ids.map((id) => ({ id })), { isolate: 'freeze' });
    expect(Object.isFrozen((await frozen([1]))[0])).toBe(true);
  });

  it('claim a name, and tell what it was by', () => {
    const cache = createCache({ name: 'names' });
    async function load(ids: number[]) {
      return ids;
    }
    cachedMany(load, { cache, name: 'users' });
    expect(() => cachedMany(load, { cache, name: 'users' })).toThrow(/cachedMany\(load\): the name 'users' belongs to/);
  });

  it('find a cache by its name at the first call', async () => {
    const load = cachedMany(async (ids: number[]) => ids, { cache: 'later', name: 'load' });
    await expect(load([1])).rejects.toThrow(/there is no cache named 'later'/);
    const cache = createCache({ name: 'later' });
    expect(await load([1, 2])).toEqual([1, 2]);
    expect(await load.has(1)).toBe(true);
    expect(cache.stats().size).toBe(2);
    await cache.close();
    createCache({ name: 'later' });
    expect(await load.has(1)).toBe(false);
  });

  it('keep name and length of the function, and refuse one with properties that the handle would hide', () => {
    async function load(ids: number[], _language: string) {
      return ids;
    }
    expect([cachedMany(load).name, cachedMany(load).length, cachedMany(load).original]).toEqual(['load', 2, load]);
    expect(() => cachedMany(Object.assign(async (ids: number[]) => ids, { refresh: 1 }))).toThrow(/'refresh'/);
  });
});

describe('an error that a function of one id left in a synchronous store', () => {
  it('rejects the call of many that finds it, and holds nothing up', async () => {
    const store = chaosStore(memoryStore(), {});
    const one = cached(
      (id: string): string => {
        throw new Error(`none ${id}`);
      },
      { store, name: 'load', cacheErrors: { ttl: '1h' } },
    );
    expect(() => one('b')).toThrow('none b');
    const load = cachedMany(async (ids: string[]) => ids, { store, name: 'load', replace: true });
    await expect(load(['a', 'b', 'c'])).rejects.toThrow('none b');
    expect(await load(['a', 'c'])).toEqual(['a', 'c']);
  });
});
