/** The Redis driver of bentocache. */
import { lifetime } from '../feature.ts';
import { type MakeServerShelf, redisUrl } from '../redis.ts';
import { openShelf, type Values } from './keyv-redis.ts';

/** Without a memory in front. */
export const openBentoRedis: MakeServerShelf = () =>
  openShelf(async (): Promise<Values> => {
    const { BentoCache, bentostore } = await import('bentocache');
    const bento = new BentoCache({
      default: 'redis',
      prefix: `bento-${process.pid}`,
      stores: { redis: bentostore().useL2Layer(await driver()) },
    });
    return { set: (key, value, ttl) => bento.set({ key, value, ttl }), get: (key) => bento.get({ key }) };
  });

/** With one. */
export async function wrapBentoTiers(fn: (id: string) => Promise<number>): Promise<(id: string) => Promise<number>> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const memory = memoryDriver({ maxItems: lifetime.maxSize, serialize: false });
  const bento = new BentoCache({
    default: 'tiers',
    prefix: `tiers-${process.pid}`,
    ttl: lifetime.ttl,
    stores: {
      tiers: bentostore()
        .useL1Layer(memory)
        .useL2Layer(await driver()),
    },
  });
  return (id) => bento.getOrSet({ key: `find:${id}`, factory: () => fn(id) }) as Promise<number>;
}

async function driver(): Promise<ReturnType<typeof import('bentocache/drivers/redis').redisDriver>> {
  const { redisDriver } = await import('bentocache/drivers/redis');
  const { port } = new URL(redisUrl());
  return redisDriver({ connection: { host: '127.0.0.1', port: Number(port) } });
}
