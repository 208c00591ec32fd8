import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';
import { openKeyvShelf } from './keyv-redis.ts';

async function wrap<Value>(
  fn: (id: string) => Value | Promise<Value>,
  bounds?: { ttl?: number; lruSize: number },
): Promise<(id: string) => Promise<Value>> {
  const { createCache } = await import('cache-manager');
  // Its manual takes the bounded store from cacheable.
  const stores = bounds ? [(await import('cacheable')).createKeyv(bounds)] : [];
  const cache = createCache(bounds ? { stores } : {});
  return (id) => cache.wrap(`find:${id}`, () => fn(id));
}

const shelf = openKeyvShelf(async (keyv) => {
  const { createCache } = await import('cache-manager');
  const cache = createCache({ stores: [keyv] });
  return { set: (id, value, ttl) => cache.set(id, value, ttl), get: (id) => cache.get(id) };
});

export const peer: Peer = {
  name: 'cache-manager',
  features: {
    awaited: (fn) => wrap(fn),
    awaitedExpiring: (fn) => wrap(fn, { ttl: lifetime.ttl, lruSize: lifetime.maxSize }),
    concurrent: (fn) => wrap(fn, { lruSize: lifetime.maxSize }),
    memory: (fn) => wrap(fn, { ttl: lifetime.ttl, lruSize: memoryEntries }),
    redisHit: shelf,
    redisTogether: shelf,
    redisHit2: shelf,
    redisHit4: shelf,
    importing: 'cache-manager',
  },
  absent: { other: 'async' },
};
