import type { Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';

type One<Value> = (id: string) => Promise<Value>;

async function define<Value>(fn: (id: string) => Value | Promise<Value>, size: number): Promise<One<Value>> {
  const { createCache } = await import('async-cache-dedupe');
  const cache = createCache({ ttl: lifetime.ttl / 1000, storage: { type: 'memory', options: { size } } });
  // Its own declaration asks for an argument of type any and gives the method no type.
  return (cache.define('find', fn) as unknown as { find: One<Value> }).find;
}

export const peer: Peer = {
  name: 'async-cache-dedupe',
  features: {
    awaitedExpiring: (fn) => define(fn, lifetime.maxSize),
    concurrent: (fn) => define(fn, lifetime.maxSize),
    memory: (fn) => define(fn, memoryEntries),
    importing: 'async-cache-dedupe',
  },
  absent: { awaited: 'unbounded', other: 'async' },
};
