import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { redisStore } from '@reprise/store-redis';
import { storeConformance } from '@reprise/store-testkit';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisClient } from '../src/client.ts';
import { withServer } from './with-server.ts';

const kinds: Readonly<
  Record<string, (port: number) => Promise<{ client: RedisClient; close: () => Promise<unknown> }>>
> = {
  ioredis: async (port) => {
    const client = new Redis(port, '127.0.0.1');
    return { client, close: () => client.quit() };
  },
  'node-redis': async (port) => {
    const client = createClient({ socket: { host: '127.0.0.1', port } });
    client.on('error', () => {});
    await client.connect();
    return { client: client as unknown as RedisClient, close: () => client.close() };
  },
};

withServer('redisStore', (server) => {
  describe.each(Object.keys(kinds))('on %s, with foreign keys around', (kind) => {
    let own: { client: RedisClient; close: () => Promise<unknown> };

    beforeAll(async () => {
      own = await (kinds[kind] as (typeof kinds)[string])(server().port);
      const foreign = new Redis(server().port, '127.0.0.1');
      for (let index = 0; index < 2_000; index++) await foreign.set(`foreign:${index}`, 'theirs');
      await foreign.set('{case}:e', 'theirs');
      await foreign.quit();
    });

    afterAll(() => own.close());

    storeConformance(
      it,
      ({ clock, namespace }, place) =>
        redisStore({ client: own.client, prefix: place, clock, ...(namespace !== undefined && { namespace }) }),
      {
        fences: true,
        leases: true,
        tags: true,
        touch: true,
        iteration: true,
        batches: true,
        prune: true,
        bytes: true,
        persistent: true,
      },
    );
  });
});
