import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore, seededRandom } from '@reprise/store-testkit';
import { defer, holdRuns, settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

/*
 * What was measured to break in other libraries (node 20, November 2026), each as a test by the name of what broke.
 */

afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
});

describe.each(storeKinds)('in %s', (_kind, makeStore) => {
  it('an invalidation wins over the read that was computing (p-memoize, cache-manager, bentocache, cacheable …)', async () => {
    const cache = createCache({ name: 'source', store: makeStore() });
    let source = 'old';
    const gate = defer();
    const read = cached(
      async () => {
        const seen = source;
        await gate.promise;
        return seen;
      },
      { cache, name: 'read' },
    );
    const started = read();
    await settle();
    source = 'new';
    await read.invalidate();
    gate.resolve();
    expect(await started).toBe('old');
    await settle();
    expect(await read()).toBe('new');
  });

  it('an invalidation rejects no waiting caller (lru-cache fetch)', async () => {
    const cache = createCache({ name: 'source', store: makeStore() });
    const load = holdRuns<[], string>();
    const read = cached(load, { cache, name: 'read' });
    const waiting = Promise.all([read(), read()]);
    await settle();
    await read.clear();
    load.runs[0]?.resolve('answer');
    expect(await waiting).toEqual(['answer', 'answer']);
  });

  it('functions without a name that share a cache keep their keys apart (cacheable)', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const [price, stock] = [
      cached(async (sku: string) => `price of ${sku}`, { cache }),
      cached(async (sku: string) => `stock of ${sku}`, { cache }),
    ];
    expect([await price('a'), await stock('a')]).toEqual(['price of a', 'stock of a']);
  });

  it('closures with the same source keep tenants apart (ocache)', async () => {
    const cache = createCache({ name: 'tenants', store: makeStore() });
    const [a, b] = ['a', 'b'].map((tenant) => cached(async (id: string) => `${tenant}'s ${id}`, { cache }));
    expect([await a?.('1'), await b?.('1')]).toEqual(["a's 1", "b's 1"]);
  });

  it('methods of one name in two classes keep apart (type-cacheable, @nestjs/cache-manager)', async () => {
    const cache = createCache({ name: 'classes', store: makeStore() });
    class Users {
      @cached({ cache, per: 'class' })
      async get(id: number): Promise<string> {
        return `user ${id}`;
      }
    }
    class Orders {
      @cached({ cache, per: 'class' })
      async get(id: number): Promise<string> {
        return `order ${id}`;
      }
    }
    expect([await new Users().get(5), await new Orders().get(5)]).toEqual(['user 5', 'order 5']);
  });

  it('an override and its super of one name do not deadlock (type-cacheable)', async () => {
    const cache = createCache({ name: 'override', store: makeStore() });
    class Base {
      @cached({ cache, per: 'class' })
      async get(): Promise<string> {
        return 'base';
      }
    }
    class Derived extends Base {
      @cached({ cache, per: 'class' })
      override async get(): Promise<string> {
        return `derived of ${await super.get()}`;
      }
    }
    expect(await new Derived().get()).toBe('derived of base');
  });

  it('all arguments count, not the first one only (p-memoize, memoize, lodash)', async () => {
    const cache = createCache({ name: 'arguments', store: makeStore() });
    const add = cached(async (a: number, b: number) => a + b, { cache, name: 'add' });
    expect([await add(1, 2), await add(1, 3)]).toEqual([3, 4]);
  });

  it('a failing function runs once for a hundred callers (bentocache)', async () => {
    const cache = createCache({ name: 'failing', store: makeStore() });
    const load = holdRuns<[], string>();
    const read = cached(load, { cache, name: 'read' });
    const all = Promise.allSettled(Array.from({ length: 100 }, () => read()));
    await settle();
    load.runs[0]?.reject(new Error('down'));
    expect((await all).every(({ status }) => status === 'rejected')).toBe(true);
    expect(load.runs).toHaveLength(1);
  });

  it('an error is thrown, not swallowed into undefined (cacheable)', async () => {
    const cache = createCache({ name: 'failing', store: makeStore() });
    const read = cached(
      async () => {
        throw new Error('down');
      },
      { cache, name: 'read' },
    );
    await expect((async () => read())()).rejects.toThrow('down');
  });

  it('a rejected promise is not kept for ever (lodash, memoize, nano-memoize, fast-memoize)', async () => {
    const cache = createCache({ name: 'failing', store: makeStore() });
    let calls = 0;
    const read = cached(
      async () => {
        if (++calls === 1) throw new Error('down');
        return 'up';
      },
      { cache, name: 'read' },
    );
    await (async () => read())().catch(() => {});
    expect(await read()).toBe('up');
  });

  it('an old rejection does not evict the newer value (moize)', async () => {
    const cache = createCache({ name: 'failing', store: makeStore() });
    const load = holdRuns<[], string>();
    const read = cached(load, { cache, name: 'read' });
    const failing = Promise.allSettled([read()]);
    await settle();
    await read.invalidate();
    const newer = read();
    await settle();
    load.runs[1]?.resolve('new');
    await newer;
    await settle();
    load.runs[0]?.reject(new Error('late'));
    await failing;
    await settle();
    expect([await read(), load.runs.length]).toEqual(['new', 2]);
  });

  it.each([undefined, null, false, 0, '', Number.NaN])(
    'the falsy value %p is remembered (nano-memoize, async-cache-dedupe, ocache, cacheable, bentocache …)',
    async (value) => {
      const cache = createCache({ name: 'falsy', store: makeStore() });
      let calls = 0;
      const give = cached(
        async () => {
          calls++;
          return value;
        },
        { cache, name: 'give' },
      );
      await give();
      await settle();
      expect([await give(), calls]).toEqual([value, 1]);
    },
  );

  it('a function that enters its own key again does not hang (twelve of seventeen)', async () => {
    const cache = createCache({ name: 'reentry', store: makeStore() });
    let depth = 0;
    const read: () => Promise<string> = cached(async (): Promise<string> => (++depth === 1 ? read() : 'inner'), {
      cache,
      name: 'read',
    });
    expect(await read()).toBe('inner');
  });

  it('a ttl of 30 days does not end at once (micro-memoize, moize, nano-memoize), nor throw (memoize, memoizee)', async () => {
    const cache = createCache({ name: 'month', store: makeStore() });
    let calls = 0;
    const count = cached(async () => ++calls, { cache, name: 'count', ttl: '30d' });
    await count();
    await settle();
    expect(await count()).toBe(1);
  });

  it('keys do not collide (cacheable: 6 of 200,000 by a 32-bit hash)', async () => {
    const cache = createCache({ name: 'collisions', store: makeStore() });
    const seed = 20_261_121;
    const random = seededRandom(seed);
    const echo = cached(async (id: string) => id, { cache, name: 'echo' });
    for (let turn = 0; turn < 2_000; turn++) {
      const id = `SKU-${Math.floor(random() * 2 ** 40).toString(36)}`;
      if ((await echo(id)) !== id) throw new Error(`seed ${seed}: ${id} answered another's value`);
    }
    expect([await echo('SKU-2A'), await echo('SKU-1b')]).toEqual(['SKU-2A', 'SKU-1b']);
  });
});

describe('in memory', () => {
  it('one decorator object on two methods remembers two functions (p-memoize)', () => {
    const remember = cached();
    class Values {
      @remember
      one(): number {
        return 1;
      }
      @remember
      two(): number {
        return 2;
      }
    }
    const values = new Values();
    expect([values.one(), values.two()]).toEqual([1, 2]);
  });

  it('frozen instances are taken (typescript-memoize)', () => {
    class Values {
      @cached()
      one(): number {
        return 1;
      }
    }
    const values = Object.freeze(new Values());
    expect([values.one(), values.one()]).toEqual([1, 1]);
  });

  it('length is kept (everywhere)', () => {
    expect(cached((_a: number, _b: number, _c: number) => 0).length).toBe(3);
  });

  it('a subclass’s override and a spy on the prototype are seen (p-memoize)', () => {
    class Base {
      @cached()
      get(): string {
        return 'base';
      }
    }
    class Derived extends Base {
      override get(): string {
        return 'derived';
      }
    }
    expect(new Derived().get()).toBe('derived');
    const spy = jest.spyOn(Base.prototype, 'get').mockReturnValue('spied');
    expect(new Base().get()).toBe('spied');
    spy.mockRestore();
    expect(new Base().get()).toBe('base');
  });

  it('expired entries do not stay until they are read again (cacheable, cache-manager)', () => {
    jest.useFakeTimers();
    const echo = cached((n: number) => n, { ttl: 1_000, maxSize: 50 });
    for (let n = 0; n < 50; n++) echo(n);
    jest.advanceTimersByTime(1_000);
    for (let n = 100; n < 150; n++) echo(n);
    expect(echo.stats()).toMatchObject({ size: 50, evictions: 0 });
  });

  it('memory is bounded by default (memoizee, p-memoize, cacheable, cache-manager)', () => {
    const echo = cached((n: number) => n);
    for (let n = 0; n < 5_000; n++) echo(n);
    expect(echo.stats().size).toBeLessThanOrEqual(1_000);
  });

  it.each([Number.NaN, '5 minutes', -1, '10', null])('the ttl %p is refused (6 of 9 took NaN)', (ttl) => {
    expect(() => cached(() => 1, { ttl: ttl as never })).toThrow(TypeError);
  });

  it("'5m' is five minutes (3 left it unparsed)", () => {
    jest.useFakeTimers();
    let calls = 0;
    const count = cached(() => ++calls, { ttl: '5m' });
    count();
    jest.advanceTimersByTime(299_999);
    expect(count()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(count()).toBe(2);
  });

  it('the ttl starts at the result, not at the call (six)', async () => {
    jest.useFakeTimers();
    const load = holdRuns<[], string>();
    const read = cached(load, { ttl: 1_000 });
    const slow = read();
    jest.advanceTimersByTime(5_000);
    load.runs[0]?.resolve('late');
    await slow;
    jest.advanceTimersByTime(999);
    expect([await read(), load.runs.length]).toEqual(['late', 1]);
  });

  it('unknown options are refused, not ignored (requests-cache)', () => {
    expect(() => cached(() => 1, { expireAfter: 5 } as never)).toThrow(/expireAfter/);
  });

  it('equal arguments of 12 kinds are found, and 42 differing pairs told apart (nobody had both)', () => {
    const kinds: (() => unknown)[] = [
      () => Number.NaN,
      () => ({ a: 1, b: 2 }),
      () => [1, [2]],
      () => new Date(5),
      () => new Map([['a', 1]]),
      () => new Set(['a']),
      () => /a/g,
      () => new Uint8Array([1]),
      () => Buffer.from([1]),
      () => new URL('https://a.org'),
      () => new Error('a'),
      () => 1n,
      () => undefined,
      () => null,
      () => 'undefined',
      () => '',
      () => [],
      () => ({}),
      () => new Map(),
      () => new Set(),
      () => [undefined],
      () => [null],
      () => ({ a: undefined }),
    ];
    let runs = 0;
    const echo = cached((_value: unknown) => ++runs);
    const first = kinds.map((make) => echo(make()));
    expect(new Set(first).size).toBe(kinds.length);
    expect(kinds.map((make) => echo(make()))).toEqual(first);
  });
});

describe('beside a store', () => {
  it('a read that never answers does not hang the call (all eleven)', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const read = cached(async (id: string) => id, { store, name: 'read', storeTimeout: 20 });
    read.on('error', () => {});
    expect(await Promise.race([read('1'), wait(2_000, 'hung', { ref: false })])).toBe('1');
    store.heal();
  });

  it('a write that never answers does not hang the call', async () => {
    const store = chaosStore(asyncMemory(), { set: 'hang' });
    const read = cached(async (id: string) => id, { store, name: 'read', storeTimeout: 20 });
    read.on('error', () => {});
    expect(await Promise.race([read('1'), wait(2_000, 'hung', { ref: false })])).toBe('1');
    store.heal();
  });

  it('two functions that share a store do not get each other’s values (cachetools)', async () => {
    for (const store of [memoryStore(), asyncMemory()]) {
      const one = cached(async (n: number) => `one ${n}`, { store });
      const two = cached(async (n: number) => `two ${n}`, { store });
      expect([await one(1), await two(1)]).toEqual(['one 1', 'two 1']);
    }
  });

  it('an async function answers a second await (cachetools)', async () => {
    const read = cached(async () => 'answer');
    const answer = read();
    expect([await answer, await answer, await read()]).toEqual(['answer', 'answer', 'answer']);
  });

  it('a recycled instance is no hit (Flask-Caching)', () => {
    class Users {
      readonly id: number;
      constructor(id: number) {
        this.id = id;
      }
      @cached()
      who(): number {
        return this.id;
      }
    }
    for (let id = 0; id < 1_000; id++) expect(new Users(id).who()).toBe(id);
  });
});
