/** A Redis server on this machine: what Reprise does, and ioredis by itself, which checks neither a value nor its key. */
import { type RedisStore, redisStore } from '@reprise/store-redis';
import { Redis } from 'ioredis';

const text = 'x'.repeat(950);

/** Where the server is that the bench has started. */
export const redisPort = 'REPRISE_BENCH_REDIS_PORT';

/** Values of 1 KB under ids, on a server. */
export interface ServerShelf {
  put(id: string): Promise<unknown>;
  /** Resolves to the `number` of the value, which is 1. */
  get(id: string): Promise<number>;
}

/** Where peers connect to. */
export function redisUrl(): string {
  return `redis://127.0.0.1:${process.env[redisPort]}`;
}

/** What peers keep. */
export const kilobyte: { readonly number: number; readonly text: string } = { number: 1, text };

/** Makes one of its own, empty. */
export type MakeServerShelf = () => ServerShelf;

/** A connection to it. */
export function connect(): Redis {
  return new Redis(Number(process.env[redisPort]), '127.0.0.1');
}

export function redisShelf(): ServerShelf {
  const store = redisStore({ client: connect(), prefix: `bench-${process.pid}` });
  return {
    put(id) {
      const now = Date.now();
      const times = { createdAt: now, expiresAt: now + 3_600_000, staleUntil: now + 3_600_000 };
      return store.set(id, { value: { number: 1, text }, ...times });
    },
    async get(id) {
      const entry = await store.get(id);
      return entry === undefined ? Number.NaN : (entry.value as { number: number }).number;
    },
  };
}

/** Nobody listens at port 1. */
export function unreachableRedis(): RedisStore {
  const client = new Redis(1, '127.0.0.1', { retryStrategy: () => 100 });
  client.on('error', () => {});
  return redisStore({ client });
}

/** As everybody writes it: `GET` and `JSON.parse`. */
export function rawRedisShelf(): ServerShelf {
  const client = connect();
  return {
    put: (id) => client.set(`raw-${process.pid}:${id}`, JSON.stringify({ number: 1, text }), 'PX', 3_600_000),
    get: async (id) =>
      (JSON.parse((await client.get(`raw-${process.pid}:${id}`)) as string) as { number: number }).number,
  };
}

/** `GET` alone. */
export function bareRedisShelf(): ServerShelf {
  const client = connect();
  return {
    put: (id) => client.set(`bare-${process.pid}:${id}`, JSON.stringify({ number: 1, text }), 'PX', 3_600_000),
    get: async (id) => Math.min(1, ((await client.get(`bare-${process.pid}:${id}`)) as string).length),
  };
}
