import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, getCache, OptionError } from '@reprise/core';
import type { AsyncStore, Store } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { defer, settle } from './deferred.ts';
import { asyncMemory } from './store-kinds.ts';

afterEach(closeAllCaches);

async function keysOf(cache: { entries(part?: { prefix: string }): AsyncIterable<{ key: string }> }, prefix?: string) {
  const keys: string[] = [];
  for await (const { key } of cache.entries(prefix === undefined ? undefined : { prefix })) keys.push(key);
  return keys.sort();
}

describe('the registry of caches', () => {
  it('finds a cache by its name', () => {
    const rates = createCache({ name: 'rates' });
    expect(getCache('rates')).toBe(rates);
    expect(getCache('weather')).toBeUndefined();
  });

  it('refuses a second cache under a taken name, and says where the first was made', () => {
    createCache({ name: 'rates' });
    expect(() => createCache({ name: 'rates' })).toThrow(
      expect.objectContaining({
        code: 'E_NAME_TAKEN',
        message: expect.stringMatching(/'rates'.*cache-registry\.test/),
      }),
    );
  });

  it('gives the name to a second cache that says replace', () => {
    const first = createCache({ name: 'rates' });
    const second = createCache({ name: 'rates', replace: true });
    expect(getCache('rates')).toBe(second);
    expect(second).not.toBe(first);
  });

  it('keeps the name of a replacement when the replaced cache is closed', async () => {
    const first = createCache({ name: 'rates' });
    const second = createCache({ name: 'rates', replace: true });
    await first.close();
    expect(getCache('rates')).toBe(second);
  });

  it('frees the name when the cache is closed', async () => {
    await createCache({ name: 'rates' }).close();
    expect(getCache('rates')).toBeUndefined();
    expect(() => createCache({ name: 'rates' })).not.toThrow();
  });

  it('closes all caches at once', async () => {
    createCache({ name: 'a' });
    createCache({ name: 'b', store: asyncMemory() });
    await closeAllCaches();
    expect([getCache('a'), getCache('b')]).toEqual([undefined, undefined]);
  });

  it('is one for every copy of the package in the process', async () => {
    const rates = createCache({ name: 'rates' });
    const copy = '../src/registry.ts?copy';
    const second: { getCache(name: string): unknown; register(...args: unknown[]): void } = await import(copy);
    expect(second.getCache).not.toBe(getCache);
    expect(second.getCache('rates')).toBe(rates);
  });

  it('lets a refused cache hold nothing: its store closes with the one that stands', async () => {
    const store = asyncMemory();
    const close = jest.spyOn(store, 'close');
    const first = createCache({ name: 'rates', store });
    expect(() => createCache({ name: 'rates', store })).toThrow(OptionError);
    await first.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('finds a cache given by name at the first call, however late it was made', async () => {
    const rate = cached(async (currency: string) => currency.length, { cache: 'late' });
    createCache({ name: 'late' });
    expect(await rate('EUR')).toBe(3);
    expect(await keysOf(getCache('late') as never)).toEqual([
      'rate("EUR")'.replace('rate', rate.name || 'anonymous function'),
    ]);
  });

  it.each<[string, (first: { close(): Promise<void> }) => Promise<unknown>]>([
    ['was closed and made again', async (first) => first.close()],
    ['was replaced', async () => {}],
  ])('finds a cache given by name anew when it %s', async (_case, end) => {
    const first = createCache({ name: 'again' });
    let calls = 0;
    const count = cached(async () => ++calls, { cache: 'again', name: 'count' });
    class Users {
      @cached({ cache: 'again', per: 'class' })
      async find(_id: string): Promise<number> {
        return ++calls;
      }
    }
    const users = new Users();
    expect([await count(), await count(), await users.find('1'), await users.find('1')]).toEqual([1, 1, 2, 2]);
    await end(first);
    const second = createCache({ name: 'again', replace: true });
    expect([await count(), await count(), await users.find('1'), await users.find('1')]).toEqual([3, 3, 4, 4]);
    expect([second.stats().size, await count.invalidate(), await count.has()]).toEqual([2, true, false]);
    expect(await cacheOf(users, 'find').invalidate('1')).toBe(true);
  });

  it('names the cache that is missing, and what to do, at the call', async () => {
    const rate = cached(async (currency: string) => currency.length, { cache: 'nowhere' });
    await expect(rate('EUR')).rejects.toThrow(/no cache named 'nowhere'.*createCache/);
  });

  it('answers by promises where the cache was given by name, of whichever store', async () => {
    createCache({ name: 'rates' });
    const rate = cached((currency: string) => currency.length, { cache: 'rates', name: 'rate' });
    const first: unknown = rate('EUR');
    const again: unknown = rate('EUR');
    expect([first instanceof Promise, again instanceof Promise]).toEqual([true, true]);
    expect([await first, await again]).toEqual([3, 3]);
  });

  it('rejects with what the function threw where the cache was given by name', async () => {
    createCache({ name: 'rates' });
    const failure = new Error('no rate');
    const rate = cached(
      (): number => {
        throw failure;
      },
      { cache: 'rates', name: 'rate' },
    );
    await expect((async () => rate())()).rejects.toBe(failure);
  });
});

describe('close', () => {
  it('awaits writes that are under way', async () => {
    const store = asyncMemory();
    const gate = defer();
    const order: string[] = [];
    const slow: AsyncStore = {
      ...store,
      set: async (key, entry) => {
        await gate.promise;
        order.push('written');
        return store.set(key, entry);
      },
      close: async () => {
        order.push('closed');
      },
    };
    const cache = createCache({ name: 'flushed', store: slow });
    await cache.getOrSet('a', async () => 1);
    const closing = cache.close();
    gate.resolve();
    await closing;
    expect(order).toEqual(['written', 'closed']);
  });

  it('ends where the store hangs', async () => {
    const hanging: Store = { ...asyncMemory(), close: () => new Promise(() => {}) };
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const cache = createCache({ name: 'hanging', store: hanging, storeTimeout: 20 });
    const ended = cache.close().then(() => 'ended');
    expect(await Promise.race([ended, wait(1_000, 'hangs', { ref: false })])).toBe('ended');
    warn.mockRestore();
  });

  it('does not fail where the store fails to close', async () => {
    const failing: Store = { ...asyncMemory(), close: () => Promise.reject(new Error('stuck')) };
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await createCache({ name: 'stuck', store: failing }).close();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('stuck'), expect.objectContaining({ code: 'E_STORE' }));
    warn.mockClear();
    const cache = createCache({ name: 'stuck', store: { ...failing } });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    await cache.close();
    expect(errors).toEqual([expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('stuck') })]);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe('the bounds of a shared cache', () => {
  it('are those of all that is in it together', async () => {
    const cache = createCache({ name: 'bounded', maxSize: 3 });
    const a = cached((n: number) => n, { cache, name: 'a' });
    const b = cached((n: number) => n, { cache, name: 'b' });
    for (let n = 0; n < 10; n++) a(n) + b(n);
    expect(cache.stats().size).toBe(3);
  });

  it('are lowered to evict, and raised to keep', () => {
    const cache = createCache({ name: 'bounded', maxSize: 4 });
    for (const key of 'abcd') cache.set(key, key);
    cache.configure({ maxSize: 2 });
    expect([...'abcd'].map((key) => cache.has(key))).toEqual([false, false, true, true]);
    cache.configure({ maxSize: 3 });
    cache.set('e', 'e');
    expect([...'cde'].map((key) => cache.has(key))).toEqual([true, true, true]);
  });

  it('cannot be set where the store has none', () => {
    const { resize: _, ...store } = asyncMemory();
    expect(() => createCache({ name: 'boundless', store: store as Store, maxSize: 5 })).toThrow(/boundless.*bounds/);
    const cache = createCache({ name: 'boundless', store: store as Store });
    expect(() => cache.configure({ maxSize: 5 })).toThrow(/boundless.*bounds/);
  });

  it('that an asynchronous store fails to change are reported, and end no process', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const store: Store = { ...asyncMemory(), resize: () => Promise.reject(new Error('read-only')) };
      const cache = createCache({ name: 'fixed', store });
      const errors: unknown[] = [];
      cache.on('error', ({ error }) => errors.push(error));
      cache.configure({ maxSize: 5 });
      await settle();
      expect([unhandled.mock.calls.length, errors.length]).toEqual([0, 1]);
    } finally {
      process.off('unhandledRejection', unhandled);
      warn.mockRestore();
    }
  });
});

describe('the options of createCache', () => {
  it.each([
    ['no options', undefined, /needs a name/],
    ['no name', {}, /needs a name/],
    ['an empty name', { name: '' }, /name must be a string that is not empty/],
    ['an unknown option', { name: 'c', tll: 1 }, /createCache\('c'\): .*'tll'.*did you mean 'ttl'/],
    ['an option of functions', { name: 'c', per: 'class' }, /createCache\('c'\): .*'per'/],
    ['a ttl without a unit', { name: 'c', ttl: '10' }, /createCache\('c'\): ttl.*unit/],
    ['a store that is none', { name: 'c', store: {} }, /createCache\('c'\): store must be a store/],
    [
      'a store without an operation',
      { name: 'c', store: { ...asyncMemory(), clear: undefined } },
      /store has no clear\(\)/,
    ],
    ['a clock that is none', { name: 'c', clock: 5 }, /clock must be/],
    ['a random source that is none', { name: 'c', random: 5 }, /random must be a function/],
    ['maxBytes that nothing weighs', { name: 'c', maxBytes: 5 }, /maxBytes in memory needs sizeOf/],
    ['sizeOf beside a store', { name: 'c', store: memoryStore(), sizeOf: () => 1 }, /sizeOf belongs to the store/],
  ])('refuse %s, and take no name', (_case, options, message) => {
    expect(() => createCache(options as never)).toThrow(
      expect.objectContaining({ name: 'OptionError', message: expect.stringMatching(message) }),
    );
    expect(getCache('c')).toBeUndefined();
  });

  it('take undefined for the default', () => {
    expect(() =>
      createCache({ name: 'c', ttl: undefined, store: undefined, maxSize: undefined, clock: undefined }),
    ).not.toThrow();
  });
});
