import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';

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
    importing: 'bentocache',
  },
  absent: { other: 'async' },
};
