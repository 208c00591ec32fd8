import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';
import { openBentoFiles, openBentoShelf } from './bento-files.ts';
import { openBentoRedis, wrapBentoTiers } from './bento-redis.ts';

async function wrap<Value>(
  fn: (id: string) => Value | Promise<Value>,
  maxItems?: number,
): Promise<(id: string) => Promise<Value>> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const bounds = maxItems === undefined ? {} : { maxItems };
  const bento = new BentoCache({
    default: 'memory',
    ttl: maxItems === undefined ? null : lifetime.ttl,
    stores: { memory: bentostore().useL1Layer(memoryDriver({ ...bounds, serialize: false })) },
  });
  return (id) => bento.getOrSet({ key: `find:${id}`, factory: () => fn(id) }) as Promise<Value>;
}

export const peer: Peer = {
  name: 'bentocache',
  features: {
    awaited: (fn) => wrap(fn),
    awaitedExpiring: (fn) => wrap(fn, lifetime.maxSize),
    concurrent: (fn) => wrap(fn, lifetime.maxSize),
    memory: (fn) => wrap(fn, memoryEntries),
    'disk-hit-64k': openBentoFiles,
    'disk-hit-1m': openBentoFiles,
    'disk-put-64k': openBentoFiles,
    'disk-put-1m': openBentoFiles,
    'disk-open': openBentoFiles,
    diskHit: openBentoShelf,
    diskRewritten: openBentoShelf,
    diskPut: openBentoShelf,
    redisHit: openBentoRedis,
    redisTogether: openBentoRedis,
    redisHit2: openBentoRedis,
    redisHit4: openBentoRedis,
    tiered: wrapBentoTiers,
    importing: 'bentocache',
  },
  absent: { other: 'async' },
};
