import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';
import { connectKeyv, openKeyvShelf } from './keyv-redis.ts';

interface Bounds {
  ttl?: number;
  lruSize?: number;
}
const expiring = { ttl: lifetime.ttl, lruSize: lifetime.maxSize };

async function wrapSync<Args extends unknown[], Value>(
  fn: (...args: Args) => Value,
  bounds: Bounds = {},
): Promise<(...args: Args) => Value> {
  const { CacheableMemory } = await import('cacheable');
  return new CacheableMemory(bounds).wrap(fn, { keyPrefix: 'find' });
}

async function wrapAsync(
  fn: (id: string) => Promise<number>,
  bounds: Bounds = {},
): Promise<(id: string) => Promise<number>> {
  const { Cacheable, createKeyv } = await import('cacheable');
  return new Cacheable({ primary: createKeyv(bounds) }).wrap(fn, { keyPrefix: 'find' });
}

/** Its first level is the server, where it has two memory would answer. */
const shelf = openKeyvShelf(async (keyv) => {
  const { Cacheable } = await import('cacheable');
  const cache = new Cacheable({ primary: keyv });
  return { set: (id, value, ttl) => cache.set(id, value, ttl), get: (id) => cache.get(id) };
});

async function wrapTiers(fn: (id: string) => Promise<number>): Promise<(id: string) => Promise<number>> {
  const { Cacheable, createKeyv } = await import('cacheable');
  const tiers = new Cacheable({ primary: createKeyv(expiring), secondary: await connectKeyv() });
  return tiers.wrap(fn, { keyPrefix: 'find' });
}

export const peer: Peer = {
  name: 'cacheable',
  features: {
    zero: (fn) => wrapSync(fn),
    one: (fn) => wrapSync(fn),
    two: (fn) => wrapSync(fn),
    three: (fn) => wrapSync(fn),
    object: (fn) => wrapSync(fn),
    expiring: (fn) => wrapSync(fn, expiring),
    shared: (fn) => wrapSync(fn),
    awaited: (fn) => wrapAsync(fn),
    awaitedExpiring: (fn) => wrapAsync(fn, expiring),
    evicting: (fn) => wrapSync(fn, { lruSize: lifetime.maxSize }),
    concurrent: (fn) => wrapAsync(fn, { lruSize: lifetime.maxSize }),
    memory: (fn) => wrapSync(fn, { ttl: lifetime.ttl, lruSize: memoryEntries }),
    redisHit: shelf,
    redisTogether: shelf,
    redisHit2: shelf,
    redisHit4: shelf,
    tiered: wrapTiers,
    importing: 'cacheable',
  },
  absent: { method: 'method' },
};
