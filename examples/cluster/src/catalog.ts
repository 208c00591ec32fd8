import { cached, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { redisStore } from '@reprise/store-redis';
import { tieredStore } from '@reprise/store-tiered';
import type { Redis } from 'ioredis';
import type { Product } from './source.ts';

/** What one worker's calls came to, by where the answer was. */
export interface Tally {
  /** In the worker's own memory. */
  memory: number;
  /** In Redis. */
  redis: number;
  /** Computed here. */
  loads: number;
  /** Waited for a run of this worker that was under way. */
  joined: number;
}

/** The products of the source, remembered in this worker's memory and, for all workers, in Redis. */
export class Catalog {
  readonly #cache;
  readonly #find;
  readonly #source: string;
  #answeredByRedis = 0;

  constructor(source: string, client: Redis, run: string) {
    this.#source = source;
    const shared = redisStore({ client, prefix: `example-${run}` });
    const { get } = shared;
    shared.get = async (key) => {
      const entry = await get.call(shared, key);
      if (entry !== undefined) this.#answeredByRedis++;
      return entry;
    };
    this.#cache = createCache({
      name: 'catalog',
      store: tieredStore(memoryStore({ maxSize: 1_000 }), shared),
      ttl: '10m',
    });
    this.#find = cached((id: string) => this.#read(id), {
      cache: this.#cache,
      name: 'find',
      tags: (_, id) => [`product:${id}`],
    });
  }

  find(id: string): Promise<Product> {
    return this.#find(id);
  }

  /** Once this has resolved no worker computes with what the product was, and within a tenth of a second none answers it. */
  async setPrice(id: string, price: number): Promise<void> {
    await fetch(`${this.#source}/${id}`, { method: 'PUT', body: String(price) });
    await this.#cache.invalidateTags([`product:${id}`]);
  }

  tally(): Tally {
    const { hits, stale, loads, coalesced } = this.#find.stats();
    return { memory: hits + stale - this.#answeredByRedis, redis: this.#answeredByRedis, loads, joined: coalesced };
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  async #read(id: string): Promise<Product> {
    const response = await fetch(`${this.#source}/${id}`);
    if (!response.ok) throw new Error(`the source answered ${response.status} for product ${id}`);
    return (await response.json()) as Product;
  }
}
