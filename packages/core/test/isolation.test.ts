import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import type { Store } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { sqliteStore } from '@reprise/store-sqlite';
import { tieredStore } from '@reprise/store-tiered';
import { holdRuns, runOf, settle } from './deferred.ts';
import { homeOn, homes, makeFolder, sharedHomes } from './homes.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

interface Basket {
  items: string[];
}

/** Puts something of its own into a basket. */
function spoil(basket: Basket | undefined): void {
  basket?.items.push('spoilt');
}

const clean = { items: ['apple'] };
const byReference = homes.filter(([kind]) => !/bytes|disk|SQLite|Redis/.test(kind));

describe.each(homes)("isolate: 'clone' in %s", (_kind, makeHome) => {
  function make(options: object = {}) {
    const load = holdRuns<[id: string], Basket>();
    const home = makeHome();
    const basket = home.wrap(load, { isolate: 'clone', ...options });
    const fill = async (index: number) => (await runOf(load, index)).resolve({ items: ['apple'] });
    return { ...home, load, basket, fill };
  }

  it('gives every caller a copy: the first one, those of its flight, and each hit', async () => {
    const { basket, fill, load } = make();
    const answers = [basket('a'), basket('a'), basket('a')];
    await fill(0);
    for (const [index, answer] of answers.entries()) {
      const got = await answer;
      expect([index, got]).toEqual([index, clean]);
      spoil(got);
    }
    await settle();
    for (let hit = 0; hit < 3; hit++) {
      const got = await basket('a');
      expect(got).toEqual(clean);
      spoil(got);
    }
    expect(load.runs).toHaveLength(1);
  });

  it('gives a copy to whoever peeks', async () => {
    const { basket, fill } = make();
    const answer = basket('a');
    await fill(0);
    await answer;
    spoil(await basket.peek('a'));
    await settle();
    spoil(await basket.peek('a'));
    expect([await basket.peek('a'), await basket('a')]).toEqual([clean, clean]);
  });

  it('keeps nothing of what was put there', async () => {
    const { basket } = make();
    const put = { items: ['apple'] };
    const done = basket.set(['a'], put);
    spoil(put);
    await done;
    expect(await basket('a')).toEqual(clean);
  });

  it('gives a copy to whoever refreshes, and joins', async () => {
    const { basket, fill } = make();
    const refreshed = basket.refresh('a') as Promise<Basket>;
    await runOf((basket as { original: ReturnType<typeof make>['load'] }).original, 0);
    const joined = basket('a');
    await fill(0);
    const [one, other] = [await refreshed, await joined];
    expect([one, other]).toEqual([clean, clean]);
    spoil(one);
    spoil(other);
    await settle();
    expect(await basket('a')).toEqual(clean);
  });

  it('leaves the function its own value', async () => {
    const own: Basket = { items: ['apple'] };
    const basket = makeHome().wrap(async () => own, { isolate: 'clone' });
    spoil(await basket());
    if (!/bytes|disk|SQLite|Redis/.test(_kind)) expect(own).toEqual(clean);
    own.items = [];
    await settle();
    expect(await basket()).toEqual(clean);
  });

  it('gives primitives as they are', async () => {
    const values = [1, 'text', undefined, null, true, 10n];
    const user = makeHome().wrap(async (index: number) => values[index], { isolate: 'clone' });
    for (let round = 0; round < 2; round++) {
      expect(await Promise.all(values.map((_, index) => user(index)))).toEqual(values);
      await settle();
    }
  });
});

describe.each(sharedHomes)("isolate: 'clone' of a cache in %s", (_kind, makeHome) => {
  it('gives a copy to get, set and getOrSet', async () => {
    const { cache } = makeHome();
    cache.configure({ isolate: 'clone' });
    const put = { items: ['apple'] };
    const done = cache.set('k', put);
    spoil(put);
    await done;
    spoil((await cache.get('k')) as Basket);
    spoil((await cache.getOrSet('k', async () => ({ items: [] as string[] }))) as Basket);
    expect(await cache.get('k')).toEqual(clean);
    const loads = [1, 2].map(() => cache.getOrSet('other', async () => ({ items: ['apple'] })));
    for (const got of await Promise.all(loads)) {
      expect(got).toEqual(clean);
      spoil(got as Basket);
    }
    expect(await cache.get('other')).toEqual(clean);
  });

  it('is what one getOrSet can ask for, whatever was kept', async () => {
    const { cache } = makeHome();
    await cache.set('k', { items: ['apple'] });
    await settle();
    const ask = async () =>
      (await cache.getOrSet('k', async () => ({ items: [] as string[] }), { isolate: 'clone' })) as Basket;
    spoil(await ask());
    expect(await ask()).toEqual(clean);
  });

  it('gives copies of a stale answer, behind which it runs or after which it fails', async () => {
    const { wrap, clock } = makeHome();
    let fails = false;
    const basket = wrap(
      async () => {
        if (fails) throw new Error('down');
        return { items: ['apple'] };
      },
      { isolate: 'clone', ttl: 1_000, staleWhileRevalidate: 1_000, staleIfError: '1h' },
    );
    await basket();
    await settle();
    fails = true;
    clock.advance(1_000);
    spoil(await basket());
    await settle();
    spoil(await basket());
    clock.advance(1_500);
    const answers = await Promise.all([basket(), basket()]);
    for (const got of answers) {
      expect(got).toEqual(clean);
      spoil(got);
    }
  });
});

class User {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

describe.each(byReference)('what cannot be isolated in %s', (_kind, makeHome) => {
  it.each(['clone', 'freeze'] as const)(
    "with '%s' goes to its caller as it is; those who wait run for themselves, and it is said why",
    async (isolate) => {
      const load = holdRuns<[], { user: User }>();
      const user = makeHome().wrap(load, { isolate });
      const errors: unknown[] = [];
      user.on('error', ({ error }) => errors.push(error));
      const answers = [user(), user()];
      const values = [{ user: new User('a') }, { user: new User('b') }];
      (await runOf(load, 0)).resolve(values[0] as never);
      expect(await answers[0]).toBe(values[0]);
      (await runOf(load, 1)).resolve(values[1] as never);
      expect(await answers[1]).toBe(values[1]);
      await settle();
      expect(await user.has()).toBe(false);
      expect(errors).toEqual([
        expect.objectContaining({ code: 'E_ISOLATE', message: expect.stringMatching(/value\.user is .*User/) }),
      ]);
      expect(user.stats()).toMatchObject({ misses: 2, coalesced: 0, loads: 2 });
      expect(Object.isFrozen(values[0])).toBe(false);
    },
  );

  it.each(['clone', 'freeze'] as const)(
    "with '%s' removes what was there, and so does a set of it",
    async (isolate) => {
      let value: unknown = { name: 'a' };
      const user = makeHome().wrap(async () => value, { isolate });
      user.on('error', () => {});
      await user();
      await settle();
      value = new User('b');
      expect(await user.refresh()).toBe(value);
      await settle();
      expect(await user.has()).toBe(false);
      await user.set([], { name: 'c' });
      await user.set([], value);
      expect(await user.has()).toBe(false);
    },
  );
});

describe.each(byReference)("isolate: 'freeze' in %s", (_kind, makeHome) => {
  it('freezes deeply, for every caller the same value', async () => {
    const basket = makeHome().wrap(async () => ({ items: ['apple'], by: { name: 'a' } }), { isolate: 'freeze' });
    const [one, other] = await Promise.all([basket(), basket()]);
    await settle();
    for (const got of [one, other, await basket(), await basket.peek()]) {
      expect(() => got?.items.push('spoilt')).toThrow(TypeError);
      expect(Object.isFrozen(got?.by)).toBe(true);
      expect(got).toBe(one);
    }
  });

  it('freezes what is put there', async () => {
    const basket = makeHome().wrap(async () => ({ items: ['apple'] }), { isolate: 'freeze' });
    await basket.set([], { items: ['pear'] });
    expect(() => spoil(undefined)).not.toThrow();
    const got = await basket();
    expect(() => spoil(got)).toThrow(TypeError);
  });
});

describe('isolation', () => {
  it('of one entry in memory holds for those who read it without asking for it', async () => {
    const cache = createCache({ name: 'mixed' });
    cache.set('k', { items: ['apple'] }, { isolate: 'clone' });
    spoil(cache.get('k') as Basket);
    spoil((await cache.getOrSet('k', async () => ({ items: [] as string[] }))) as Basket);
    expect(cache.get('k')).toEqual(clean);
  });

  it.each(sharedHomes)('holds for stale answers to callers who wait no longer, in %s', async (_kind, makeHome) => {
    const { wrap, clock } = makeHome();
    const hold = holdRuns<[], Basket>();
    const basket = wrap(hold, { isolate: 'clone', ttl: 1_000, staleIfError: '1h', timeout: { soft: 10 } });
    await basket.set([], { items: ['apple'] });
    await settle();
    clock.advance(1_000);
    const answers = await Promise.all([basket(), basket(), basket()]);
    for (const got of answers) {
      expect(got).toEqual(clean);
      spoil(got);
    }
    // A store that takes its time may begin it after they have their answers.
    await runOf(hold, 0);
    await settle();
    expect(hold.runs).toHaveLength(1);
  });

  it('of a synchronous function gives copies at once', () => {
    const basket = cached((_id: string): Basket => ({ items: ['apple'] }), { isolate: 'clone' });
    for (let call = 0; call < 3; call++) {
      const got = basket('a');
      expect(got).toEqual(clean);
      spoil(got);
    }
    expect(basket.stats().loads).toBe(1);
  });

  it('of a cache is its functions’, unless they say otherwise', async () => {
    const cache = createCache({ name: 'isolated', isolate: 'clone' });
    const copied = cached(async () => ({ items: ['apple'] }), { cache, name: 'copied' });
    const shared = cached(async () => ({ items: ['apple'] }), { cache, name: 'shared', isolate: 'none' });
    spoil(await copied());
    expect(await copied()).toEqual(clean);
    expect(await shared()).toBe(await shared());
  });

  it('leaves the remembered error the same object', async () => {
    const error = new Error('down');
    const user = cached(
      async () => {
        throw error;
      },
      { isolate: 'clone', cacheErrors: { ttl: '1h' } },
    );
    const reasons = (await Promise.allSettled([user(), user()])).map(
      (outcome) => (outcome as { reason: unknown }).reason,
    );
    expect([...reasons, await user().catch((reason: unknown) => reason)]).toEqual([error, error, error]);
    expect(reasons[0]).toBe(error);
    expect(user.stats().loads).toBe(1);
  });
});

it('holds for those who list the entries of a cache', async () => {
  const cache = createCache({ name: 'listed', isolate: 'clone' });
  await cache.getOrSet('k', async () => ({ a: 1 }));
  for await (const { value } of cache.entries()) (value as { a: number }).a = 9;
  expect(await cache.get('k')).toEqual({ a: 1 });
  await cache.close();
});

describe.each([
  ['the disk store', () => diskStore({ directory: makeFolder() })],
  ['the SQLite store', () => sqliteStore({ filename: join(makeFolder(), 'cache.sqlite') })],
] as [kind: string, make: () => Store][])('a tier in memory in front of %s', (_kind, makeFar) => {
  it("holds what isolate: 'freeze' has frozen, also where it has come from behind", async () => {
    const far = makeFar();
    // The second one stands for another process, with nothing in its memory.
    const open = () =>
      homeOn(tieredStore(memoryStore(), far, { l1Ttl: Infinity }), { name: 'baskets', replace: true }).cache;
    const find = async (_id: string) => ({ items: ['apple'] });
    await cached(find, { cache: open(), name: 'basket' })('1');
    const basket = cached(find, { cache: open(), name: 'basket', isolate: 'freeze' });
    for (let call = 0; call < 3; call++) {
      const got = await basket('1');
      expect(() => spoil(got)).toThrow(TypeError);
      expect(got).toEqual(clean);
      expect(await basket.peek('1')).toBe(got);
    }
    expect(basket.stats()).toMatchObject({ loads: 0, hits: 3 });
  });
});
