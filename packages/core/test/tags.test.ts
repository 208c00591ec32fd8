import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  cached,
  cacheTag,
  closeAllCaches,
  createCache,
  invalidateTags,
  memoize,
  noStore,
  OptionError,
} from '@reprise/core';
import { holdRuns, runOf, settle, until } from './deferred.ts';
import { homes, sharedHomes } from './homes.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

describe.each(homes)('labels in %s', (_kind, makeHome) => {
  /** A function that counts its runs, with labels from its options. */
  function counting(options: object) {
    let runs = 0;
    return makeHome().wrap(async (id: string) => `${id}${++runs}`, options);
  }

  it('from the options void an entry', async () => {
    const user = counting({ tags: ['users'] });
    await user('a');
    expect(await user('a')).toBe('a1');
    await invalidateTags(['users']);
    expect([await user.has('a'), await user.peek('a'), await user.inspect('a')]).toEqual([false, undefined, undefined]);
    expect(await user('a')).toBe('a2');
    expect(await user('a')).toBe('a2');
  });

  it('from the value and the arguments void exactly the entries that have them', async () => {
    const user = counting({ tags: (value: string, id: string) => [`user:${id}`, `value:${value}`] });
    await user('a');
    await user('b');
    await user('c');
    await invalidateTags(['user:a', 'value:c3']);
    expect([await user('a'), await user('b'), await user('c')]).toEqual(['a4', 'b2', 'c5']);
  });

  it('set inside of the function void its entry, after an await too', async () => {
    let runs = 0;
    const { wrap } = makeHome();
    const user = wrap(async (id: string) => {
      cacheTag('early');
      await sleep(1);
      cacheTag(`user:${id}`, 'users');
      return `${id}${++runs}`;
    });
    await user('a');
    await user('b');
    await invalidateTags(['user:a']);
    expect([await user('a'), await user('b')]).toEqual(['a3', 'b2']);
    await invalidateTags(['early']);
    expect([await user('a'), await user('b')]).toEqual(['a4', 'b5']);
  });

  it('that nobody has void nothing, nor does an empty list', async () => {
    const user = counting({ tags: ['users'] });
    await user('a');
    await invalidateTags(['user', 'users:', 'Users', '', '__proto__']);
    await invalidateTags([]);
    expect(await user('a')).toBe('a1');
  });

  it('may be any strings, and 150 of them', async () => {
    const names = [...Array(147).keys()].map((n) => `tag ${n}`).concat('__proto__', '', 'ä:"\n');
    let runs = 0;
    const user = makeHome().wrap(async () => ++runs, { tags: names });
    for (const name of [names[0], names[146], '__proto__', '', 'ä:"\n']) {
      await user();
      expect((await user.inspect())?.tags).toHaveLength(150);
      const before = runs;
      await invalidateTags([name as string]);
      await user();
      expect(runs).toBe(before + 1);
    }
  });

  it('that an entry does not have any more do not void it', async () => {
    let tags = ['old'];
    const user = counting({ tags: () => tags });
    await user('a');
    tags = ['new'];
    await user.refresh('a');
    await settle();
    await invalidateTags(['old']);
    expect(await user('a')).toBe('a2');
    await user.set(['a'], 'set');
    tags = [];
    await user.set(['a'], 'set again');
    await settle();
    await invalidateTags(['new', 'old']);
    expect(await user('a')).toBe('set again');
  });

  it('are those of the moment at which the entry was made', async () => {
    const labels = ['one'];
    const user = counting({ tags: () => labels });
    await user('a');
    labels[0] = 'another';
    ((await user.inspect('a'))?.tags as string[]).length = 0;
    await invalidateTags(['one']);
    expect(await user('a')).toBe('a2');
  });

  it('keep the result of a run that began before the invalidation from being kept', async () => {
    const { wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load, { tags: (_value, id) => [`user:${id}`] });
    const before = user('a');
    await runOf(load, 0);
    const told = invalidateTags(['user:a']);
    (await runOf(load, 0)).resolve('old');
    expect(await before).toBe('old');
    await told;
    await settle();
    const after = user('a');
    (await runOf(load, 1)).resolve('new');
    expect([await after, await user('a')]).toEqual(['new', 'new']);
    expect(load.runs).toHaveLength(2);
  });

  it('keep a later call from the result of a run that turns out to have them', async () => {
    const { wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load, { tags: (_value, id) => [`user:${id}`] });
    const before = user('a');
    await runOf(load, 0);
    const told = invalidateTags(['user:a']);
    const after = [user('a'), user('a'), user('a')];
    (await runOf(load, 0)).resolve('old');
    expect(await before).toBe('old');
    await told;
    (await runOf(load, 1)).resolve('new');
    expect(await Promise.all(after)).toEqual(['new', 'new', 'new']);
    await settle();
    expect(await user('a')).toBe('new');
    expect(load.runs).toHaveLength(2);
  });

  it('do so however often they are invalidated, before the call came and after', async () => {
    const { wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load, { tags: ['users'] });
    const before = user('a');
    await runOf(load, 0);
    await invalidateTags(['users']);
    const after = user('a');
    await settle();
    await invalidateTags(['users']);
    (await runOf(load, 0)).resolve('old');
    await before;
    (await runOf(load, 1)).resolve('new');
    expect(await after).toBe('new');
  });

  it('do so where the run has failed', async () => {
    const { wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(
      async (id: string) => {
        cacheTag(`user:${id}`);
        return load(id);
      },
      { cacheErrors: { ttl: '1h' } },
    );
    const before = Promise.allSettled([user('a')]);
    await runOf(load, 0);
    const told = invalidateTags(['user:a']);
    const after = user('a');
    (await runOf(load, 0)).reject(new Error('old'));
    expect(await before).toMatchObject([{ reason: { message: 'old' } }]);
    await told;
    (await runOf(load, 1)).resolve('new');
    expect([await after, await user('a')]).toEqual(['new', 'new']);
  });

  it('do not keep a call from a run that has others', async () => {
    const { wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load, { tags: (_value, id) => [`user:${id}`] });
    const first = user('a');
    await runOf(load, 0);
    await invalidateTags(['user:b']);
    const second = user('a');
    (await runOf(load, 0)).resolve('a');
    expect(await Promise.all([first, second, user('a')])).toEqual(['a', 'a', 'a']);
    expect(load.runs).toHaveLength(1);
  });

  it('void a value that was put there', async () => {
    const user = counting({ tags: (_value: string, id: string) => [`user:${id}`] });
    await user.set(['a'], 'set');
    expect(await user('a')).toBe('set');
    await invalidateTags(['user:a']);
    expect(await user('a')).toBe('a1');
  });

  it('void a remembered error, where they are known without a value', async () => {
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(
      async (id: string) => {
        cacheTag(`user:${id}`);
        throw new Error(`${++runs}`);
      },
      { cacheErrors: { ttl: '1h' }, tags: ['users'] },
    );
    for (const tag of ['users', 'user:a']) {
      await expect(user('a')).rejects.toThrow();
      await settle();
      const before = runs;
      await expect(user('a')).rejects.toThrow();
      expect(runs).toBe(before);
      await invalidateTags([tag]);
      await expect(user('a')).rejects.toThrow();
      expect(runs).toBe(before + 1);
    }
  });

  it('void what a run has invalidated itself', async () => {
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(
      async () => {
        await invalidateTags(['users']);
        return ++runs;
      },
      { tags: ['users'] },
    );
    expect([await user(), await user()]).toEqual([1, 2]);
  });

  it('cost the caller nothing where the callback throws, or answers no list; the value is not kept', async () => {
    const answers: unknown[] = ['users', [1], undefined, null, Promise.resolve(['users'])];
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(async () => ++runs, {
      tags: () => {
        if (answers.length === 0) throw new Error('trap');
        return answers.shift() as string[];
      },
    });
    const errors: unknown[] = [];
    user.on('error', ({ error }) => errors.push(error));
    for (let call = 1; call <= 6; call++) expect(await user()).toBe(call);
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ code: 'E_CALLBACK' });
  });
});

describe.each(homes)('labels of what an outer function used, with the inner one in %s', (_kind, makeHome) => {
  describe.each(homes)('and the outer one in %s', (_outerKind, makeOuter) => {
    it('are its own, on a miss and on a hit, at any depth of await', async () => {
      const { wrap } = makeHome();
      let runs = 0;
      const user = wrap(async (id: string) => `${id}${++runs}`, { tags: (_value, id) => [`user:${id}`] });
      const page = makeOuter().wrap(async (id: string) => {
        await sleep(1);
        const [name] = await Promise.all([
          Promise.resolve().then(async () => {
            await sleep(1);
            return user(id);
          }),
        ]);
        await sleep(1);
        return `page of ${name}`;
      });
      expect(await page('a')).toBe('page of a1');
      await settle();
      await invalidateTags(['user:a']);
      await user('a');
      // From here on the inner one is a hit.
      expect(await page('a')).toBe('page of a2');
      expect(runs).toBe(2);
      await settle();
      await invalidateTags(['user:a']);
      expect(await page('a')).toBe('page of a3');
      await invalidateTags(['user:b']);
      expect(await page('a')).toBe('page of a3');
    });
  });
});

describe.each(homes)('labels of what an outer function used in %s', (_kind, makeHome) => {
  /** An outer function around whatever it is given. */
  function outerOf(inner: () => Promise<unknown>) {
    let runs = 0;
    const page = makeHome().wrap(async () => {
      await inner();
      return ++runs;
    });
    /** Whether the outer entry is voided by the label. */
    const obeys = async (tag: string) => {
      await page();
      await settle();
      const before = runs;
      await page();
      expect(runs).toBe(before);
      await invalidateTags([tag]);
      return page().then(() => runs === before + 1);
    };
    return { page, obeys };
  }

  it('reach it through a flight that was joined, and through others between', async () => {
    const load = holdRuns<[], string>();
    const { wrap } = makeHome();
    const inner = wrap(load, { tags: ['inner'] });
    const middle = makeHome().wrap(async () => inner());
    let runs = 0;
    const outer = wrap(async () => `${await middle()} ${++runs}`);
    const first = middle();
    await runOf(load, 0);
    const answer = outer();
    await until(() => middle.stats().coalesced === 1);
    (await runOf(load, 0)).resolve('inner');
    await Promise.all([first, answer]);
    await settle();
    expect((await outer.inspect())?.tags).toEqual(['inner']);
    await invalidateTags(['inner']);
    expect([await outer.has(), await middle.has(), await inner.has()]).toEqual([false, false, false]);
    expect(runs).toBe(1);
  });

  it('reach it through a flight that was joined and fails', async () => {
    const load = holdRuns<[], string>();
    const { wrap } = makeHome();
    const inner = wrap(async () => {
      cacheTag('inner');
      return load();
    });
    const outer = wrap(async () => inner().catch(() => 'nothing'));
    const first = inner();
    await runOf(load, 0);
    const answer = outer();
    await until(() => inner.stats().coalesced === 1);
    (await runOf(load, 0)).reject(new Error('down'));
    await Promise.allSettled([first]);
    expect(await answer).toBe('nothing');
    await settle();
    expect((await outer.inspect())?.tags).toEqual(['inner']);
  });

  it('reach it through a failure that it has caught', async () => {
    const inner = makeHome().wrap(async () => {
      cacheTag('inner');
      throw new Error('down');
    });
    expect(await outerOf(() => inner().catch(() => {})).obeys('inner')).toBe(true);
  });

  it('reach it through peek', async () => {
    const inner = makeHome().wrap(async () => 1, { tags: ['inner'] });
    await inner();
    await settle();
    const { obeys } = outerOf(async () => inner.peek());
    expect(await obeys('inner')).toBe(true);
  });

  it('reach it where the inner one goes around its cache', async () => {
    const inner = makeHome().wrap(async () => cacheTag('inside'), { tags: ['inner'], bypass: () => true });
    expect(await outerOf(inner).obeys('inner')).toBe(true);
    expect(await outerOf(inner).obeys('inside')).toBe(true);
  });

  it('reach it where the inner one is not stored', async () => {
    const inner = makeHome().wrap(
      async () => {
        cacheTag('inside');
        noStore();
      },
      { tags: ['inner'] },
    );
    expect(await outerOf(inner).obeys('inner')).toBe(true);
    expect(await outerOf(inner).obeys('inside')).toBe(true);
  });

  it('reach it where a circle made the inner one run directly', async () => {
    const { wrap } = makeHome();
    let depth = 0;
    const self = wrap(
      async (): Promise<number> => {
        cacheTag('self');
        return ++depth % 2 === 1 ? self() : depth;
      },
      { tags: ['option'] },
    );
    expect(await outerOf(self).obeys('self')).toBe(true);
    expect(await outerOf(self).obeys('option')).toBe(true);
  });

  it('do not reach what did not use them', async () => {
    const { wrap } = makeHome();
    const inner = wrap(async () => 1, { tags: ['inner'] });
    await inner();
    const { page, obeys } = outerOf(async () => {});
    await Promise.all([page(), inner()]);
    expect(await obeys('inner')).toBe(false);
  });

  it('keep a run from being kept when they are invalidated while it goes on with what it read', async () => {
    const { wrap } = makeHome();
    const inner = wrap(async () => 1, { tags: ['inner'] });
    const hold = holdRuns<[], void>();
    let runs = 0;
    const outer = wrap(async () => {
      await inner();
      await hold();
      return ++runs;
    });
    const first = outer();
    await runOf(hold, 0);
    const told = invalidateTags(['inner']);
    const second = outer();
    (await runOf(hold, 0)).resolve();
    expect(await first).toBe(1);
    await told;
    (await runOf(hold, 1)).resolve();
    expect(await second).toBe(2);
    await settle();
    expect(await outer()).toBe(2);
  });
});

describe.each(sharedHomes)('labels of a cache in %s', (_kind, makeHome) => {
  it('void what getOrSet and set have put there', async () => {
    const { cache } = makeHome();
    let runs = 0;
    const load = async () => ++runs;
    await cache.getOrSet('rates', load, { tags: ['rates'] });
    await cache.set('other', 1, { tags: ['rates', 'other'] });
    await settle();
    await cache.invalidateTags(['rates']);
    expect([await cache.get('rates'), await cache.has('other')]).toEqual([undefined, false]);
    expect(await cache.getOrSet('rates', load, { tags: ['rates'] })).toBe(2);
  });

  it('can be set inside of a loader', async () => {
    const { cache } = makeHome();
    const load = async () => {
      await sleep(1);
      cacheTag('inside');
      return 1;
    };
    await cache.getOrSet('rates', load);
    await settle();
    await invalidateTags(['inside']);
    expect(await cache.has('rates')).toBe(false);
  });

  it('reach an outer function through get', async () => {
    const { cache, wrap } = makeHome();
    await cache.set('rates', 1, { tags: ['rates'] });
    const outer = wrap(async () => cache.get('rates'));
    await outer();
    await settle();
    await invalidateTags(['rates']);
    expect(await outer.has()).toBe(false);
  });

  it('do not take away what is put there again without them', async () => {
    const { cache } = makeHome();
    await cache.set('rates', 1, { tags: ['rates'] });
    await settle();
    await cache.set('rates', 2);
    await settle();
    await invalidateTags(['rates']);
    expect(await cache.get('rates')).toBe(2);
  });

  it('do not take away what is put there while the store is told', async () => {
    const { cache } = makeHome();
    await cache.set('rates', 1, { tags: ['rates'] });
    await settle();
    const told = invalidateTags(['rates']);
    const put = cache.set('rates', 2);
    await Promise.all([told, put]);
    await settle();
    expect(await cache.get('rates')).toBe(2);
  });

  it('are not listed when they are void', async () => {
    const { cache, wrap } = makeHome();
    const user = wrap(async (id: string) => id, { tags: (id) => [id] });
    await Promise.all([user('a'), user('b')]);
    await settle();
    await invalidateTags(['a']);
    const left: unknown[] = [];
    for await (const { value } of cache.entries()) left.push(value);
    expect(left).toEqual(['b']);
  });

  it('are those of every cache: invalidateTags of one voids in all', async () => {
    const one = makeHome();
    const other = makeHome();
    await one.cache.set('k', 1, { tags: ['both'] });
    await other.cache.set('k', 1, { tags: ['both'] });
    const secret = cached(async () => 1, { tags: ['both'] });
    await secret();
    await one.cache.invalidateTags(['both']);
    expect([await one.cache.has('k'), await other.cache.has('k'), secret.has()]).toEqual([false, false, false]);
  });

  it('reach an outer function through a stale answer', async () => {
    const { wrap, clock } = makeHome();
    let fails = false;
    const inner = wrap(
      async () => {
        if (fails) throw new Error('down');
        return 1;
      },
      { ttl: 1_000, staleIfError: '1h', tags: ['inner'] },
    );
    const revalidated = wrap(async () => 1, { ttl: 1_000, staleWhileRevalidate: '1h', tags: ['revalidated'] });
    await Promise.all([inner(), revalidated()]);
    await settle();
    clock.advance(1_000);
    fails = true;
    const outer = wrap(async () => [await inner(), await revalidated()]);
    await outer();
    await settle();
    expect((await outer.inspect())?.tags).toEqual(['inner', 'revalidated']);
    await invalidateTags(['inner']);
    expect(await outer.has()).toBe(false);
    // Nor is the stale value answered any more.
    await expect(inner()).rejects.toThrow('down');
  });

  it('void a stale answer, and the run behind it', async () => {
    const { wrap, clock } = makeHome();
    const load = holdRuns<[], number>();
    const user = wrap(load, { ttl: 1_000, staleWhileRevalidate: '1h', tags: ['users'] });
    const first = user();
    (await runOf(load, 0)).resolve(1);
    await first;
    await settle();
    clock.advance(1_000);
    expect(await user()).toBe(1);
    await runOf(load, 1);
    await invalidateTags(['users']);
    const after = user();
    (await runOf(load, 1)).resolve(2);
    (await runOf(load, 2)).resolve(3);
    expect(await after).toBe(3);
    await settle();
    expect(await user()).toBe(3);
  });
});

describe('labels', () => {
  it('must be an array of strings', () => {
    for (const wrong of ['users', [1], undefined, null, { 0: 'users' }, new Set(['users'])]) {
      expect(() => invalidateTags(wrong as never)).toThrow(OptionError);
      expect(() => cached(async () => 1, { tags: wrong === undefined ? 5 : wrong } as never)).toThrow(OptionError);
    }
    const cache = createCache({ name: 'checked' });
    expect(() => cache.invalidateTags('users' as never)).toThrow(OptionError);
  });

  it('are the strings that the list had when it was given', async () => {
    const user = cached(async () => 1, { tags: ['mine'] });
    await user();
    const list = ['mine'];
    const told = invalidateTags(list);
    list[0] = 'other';
    await told;
    expect(user.has()).toBe(false);
  });

  it('are neither carried nor obeyed by memoize', async () => {
    const inner = cached(async () => 1, { tags: ['inner'] });
    let runs = 0;
    const page = memoize(async () => {
      cacheTag('page');
      return (await inner()) + ++runs;
    });
    const outer = cached(async () => page());
    await outer();
    await invalidateTags(['inner', 'page']);
    expect([await page(), outer.has()]).toEqual([2, true]);
  });

  it('of a synchronous function void its entry, and reach an outer one', async () => {
    let runs = 0;
    const rate = cached(
      (currency: string) => {
        cacheTag('rates');
        return `${currency}${++runs}`;
      },
      { tags: (_value, currency) => [currency] },
    );
    const price = cached((currency: string) => `price in ${rate(currency)}`);
    expect([price('EUR'), price('EUR')]).toEqual(['price in EUR1', 'price in EUR1']);
    void invalidateTags(['EUR']);
    expect(price('EUR')).toBe('price in EUR2');
    void invalidateTags(['rates']);
    expect(price('EUR')).toBe('price in EUR3');
  });

  it('of a method reach outer methods', async () => {
    const inner = cached(async (id: string) => id, { tags: (id) => [id] });
    class Pages {
      runs = 0;
      @cached()
      async show(id: string) {
        this.runs++;
        return inner(id);
      }
    }
    const pages = new Pages();
    await pages.show('a');
    await invalidateTags(['a']);
    await pages.show('a');
    expect(pages.runs).toBe(2);
  });
});
