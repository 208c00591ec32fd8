import type { Peer } from '../feature.ts';
import { lifetime } from '../feature.ts';

export const peer: Peer = {
  name: 'lru-cache',
  features: {
    async one(fn) {
      const { LRUCache } = await import('lru-cache');
      return memo(new LRUCache<string, number>({ max: lifetime.maxSize }), fn);
    },
    async expiring(fn) {
      const { LRUCache } = await import('lru-cache');
      return memo(new LRUCache<string, number>({ max: lifetime.maxSize, ttl: lifetime.ttl }), fn);
    },
    async shared(fn) {
      const { LRUCache } = await import('lru-cache');
      const remembered = memo(new LRUCache<string, number>({ max: lifetime.maxSize }), (key) =>
        fn(key.slice('find:'.length)),
      );
      return (id) => remembered(`find:${id}`);
    },
    async awaitedExpiring(fn) {
      const { LRUCache } = await import('lru-cache');
      const cache = new LRUCache<string, number>({ max: lifetime.maxSize, ttl: lifetime.ttl, fetchMethod: fn });
      return (id) => cache.fetch(id) as Promise<number>;
    },
    async concurrent(fn) {
      const { LRUCache } = await import('lru-cache');
      const cache = new LRUCache<string, number>({ max: lifetime.maxSize, fetchMethod: fn });
      return (id) => cache.fetch(id) as Promise<number>;
    },
  },
  absent: { evicting: 'limit', memory: 'limit', importing: 'limit', awaited: 'unbounded', other: 'wrapper' },
};

/** As its manual shows it, by hand: `memo` of its own costs more. */
function memo(
  cache: { get(id: string): number | undefined; set(id: string, value: number): unknown },
  fn: (id: string) => number,
): (id: string) => number {
  return (id) => {
    const known = cache.get(id);
    if (known !== undefined) return known;
    const made = fn(id);
    cache.set(id, made);
    return made;
  };
}
