import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type CacheEvent, cached, closeAllCaches, createCache } from '@reprise/core';
import type { Store, StoreListener } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { settle } from './deferred.ts';
import { asyncMemory } from './store-kinds.ts';

afterEach(closeAllCaches);

/** A store that says what it is told to say. */
function talkingStore(): Store & { readonly listeners: Set<StoreListener> } {
  const listeners = new Set<StoreListener>();
  return {
    ...asyncMemory(),
    listeners,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function hear(cache: { on(type: 'error' | 'evict' | 'expire', listener: (event: CacheEvent) => void): () => void }) {
  const events: CacheEvent[] = [];
  for (const type of ['error', 'evict', 'expire'] as const) cache.on(type, (event) => events.push(event));
  return events;
}

describe('what a store tells by itself', () => {
  function make() {
    const store = talkingStore();
    const [one, other] = [createCache({ name: 'one', store }), createCache({ name: 'other', store })];
    const user = cached(async (id: string) => id, { cache: one, name: 'user' });
    return { store, one, other, user };
  }

  it('is an event of the function that it befell, with the key of the call', async () => {
    const { store, one, user } = make();
    await user('1');
    const heard = hear(one);
    const failure = new Error('damaged');
    for (const { failed, removed } of store.listeners) {
      failed?.(failure, 'one/user("1")');
      removed?.('one/user("1")', 'evict');
    }
    expect(heard).toEqual([
      { type: 'error', cache: 'one', name: 'user', key: 'user("1")', error: failure },
      { type: 'evict', cache: 'one', name: 'user', key: 'user("1")' },
    ]);
    expect(user.stats().evictions).toBe(1);
  });

  it('is no event of another cache in the same store', async () => {
    const { store, other, one } = make();
    hear(one);
    const heard = hear(other);
    for (const { failed, removed } of store.listeners) {
      failed?.(new Error('damaged'), 'one/user("1")');
      removed?.('one/user("1")', 'evict');
    }
    expect(heard).toEqual([]);
  });

  it('about no key is an event of the cache, or a warning where nobody listens', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const store = talkingStore();
    const cache = createCache({ name: 'one', store });
    const tell = () => {
      for (const { failed } of store.listeners) failed?.(new Error('the sweep did not finish'));
    };
    tell();
    tell();
    expect(warn).toHaveBeenCalledTimes(1);
    const heard = hear(cache);
    tell();
    expect([heard.length, warn.mock.calls.length]).toEqual([1, 1]);
    warn.mockRestore();
  });

  it('about a key of nobody here costs nothing', () => {
    const { store } = make();
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    for (const { failed, removed } of store.listeners) {
      failed?.(new Error('damaged'), 'one/');
      failed?.(new Error('damaged'), '');
      removed?.('elsewhere/user("1")', 'expire');
      removed?.(undefined, 'evict');
    }
    warn.mockRestore();
  });

  it('is heard no more by a cache that was closed', async () => {
    const { store, one, other } = make();
    await one.close();
    expect(store.listeners.size).toBe(1);
    await other.close();
    expect(store.listeners.size).toBe(0);
  });
});

describe('evictions of a synchronous store of text keys', () => {
  it('are counted and told for the function they befell', async () => {
    const store = chaosStore(memoryStore({ maxSize: 2 })) as Store;
    const cache = createCache({ name: 'small', store });
    const [a, b] = ['a', 'b'].map((name) => cached((n: number) => n, { cache, name }));
    const heard = hear(cache);
    await a?.(1);
    await b?.(1);
    await b?.(2);
    await settle();
    expect(heard).toEqual([{ type: 'evict', cache: 'small', name: 'a', key: 'a(1)' }]);
    expect([a?.stats(), b?.stats()]).toEqual([
      expect.objectContaining({ evictions: 1, size: 0 }),
      expect.objectContaining({ evictions: 0, size: 2 }),
    ]);
  });
});
