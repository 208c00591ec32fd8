import type { CacheClient } from '@type-cacheable/core';
import { LRUCache } from 'lru-cache';
import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';

/** Its clients are packages of their own; this is the least that one for memory can be. */
function createClient(known: {
  get(key: string): unknown;
  set(key: string, value: object | number): unknown;
  delete(key: string): boolean;
}): CacheClient {
  return {
    get: async (key) => known.get(key),
    set: async (key, value) => known.set(key, value),
    del: async (key) => (typeof key === 'string' ? known.delete(key) : undefined),
    keys: async () => [],
    delHash: async () => undefined,
    getClientTTL: () => 0,
  };
}

async function wrap<Value>(
  fn: (id: string) => Value | Promise<Value>,
  client: CacheClient,
): Promise<(id: string) => Promise<Value>> {
  const { Cacheable } = await import('@type-cacheable/core');
  class Finder {
    find(id: string): Promise<Value> {
      return Promise.resolve(fn(id));
    }
  }
  // It knows the legacy dialect only, so it is called as that dialect calls it.
  const options = { client, cacheKey: ([id]: string[]) => `find:${id}` };
  const descriptor = Object.getOwnPropertyDescriptor(Finder.prototype, 'find') as PropertyDescriptor;
  Object.defineProperty(Finder.prototype, 'find', Cacheable(options)(Finder.prototype, 'find', descriptor));
  const finder = new Finder();
  return (id) => finder.find(id);
}

const bounded = (max: number): CacheClient => createClient(new LRUCache({ max, ttl: lifetime.ttl }));

export const peer: Peer = {
  name: '@type-cacheable/core',
  features: {
    awaited: (fn) => wrap(fn, createClient(new Map())),
    awaitedExpiring: (fn) => wrap(fn, bounded(lifetime.maxSize)),
    concurrent: (fn) => wrap(fn, bounded(lifetime.maxSize)),
    memory: (fn) => wrap(fn, bounded(memoryEntries)),
    importing: '@type-cacheable/core',
  },
  absent: { other: 'async' },
};
