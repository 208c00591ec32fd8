/** Keyv on a Redis server, and what stands on it. */
import type { Keyv } from 'keyv';
import { lifetime } from '../feature.ts';
import { kilobyte, type MakeServerShelf, redisUrl } from '../redis.ts';

/** What puts values on a server, and reads them again. */
export interface Values {
  set(id: string, value: unknown, ttl: number): Promise<unknown>;
  get(id: string): Promise<unknown>;
}

/** What `open` makes of a new connection. */
export function openKeyvShelf(open: (keyv: Keyv) => Values | Promise<Values>): MakeServerShelf {
  return () => openShelf(async () => open(await connectKeyv()));
}

export async function connectKeyv(): Promise<Keyv> {
  const { Keyv } = await import('keyv');
  const { default: KeyvRedis } = await import('@keyv/redis');
  return new Keyv(new KeyvRedis(redisUrl()), { namespace: `keyv-${process.pid}` });
}

/** The values of the row, by what `open` gives. */
export function openShelf(open: () => Promise<Values>): ReturnType<MakeServerShelf> {
  const opened = open();
  let values: Values | undefined;
  return {
    put: async (id) => {
      values = await opened;
      await values.set(id, kilobyte, lifetime.ttl);
    },
    get: async (id) => ((await values?.get(id)) as { number: number } | undefined)?.number ?? Number.NaN,
  };
}
