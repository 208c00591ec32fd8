import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { redisStore } from '@reprise/store-redis';
import { startRedisCluster, storeConformance } from '@reprise/store-testkit';
import { Redis } from 'ioredis';
import { clients, clusterClients, type OwnClient } from './clients.ts';
import { withServer, withServers } from './with-server.ts';

/** @param tracking whether the client can be told of what changes */
function conform(client: () => OwnClient, tracking: boolean): void {
  storeConformance(
    it,
    ({ clock, namespace }, place) =>
      redisStore({ client: client().client, prefix: place, clock, ...(namespace !== undefined && { namespace }) }),
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
      tracking,
    },
  );
}

withServer('redisStore', (server) => {
  describe.each(Object.entries(clients))('on %s, with foreign keys around', (_, connect) => {
    let own: OwnClient;

    beforeAll(async () => {
      own = await connect(server().port);
      const foreign = new Redis(server().port, '127.0.0.1');
      for (let index = 0; index < 2_000; index++) await foreign.set(`foreign:${index}`, 'theirs');
      await foreign.quit();
    });

    afterAll(() => own.close());

    conform(() => own, true);
  });
});

withServers(
  'redisStore on a cluster',
  (server) => {
    describe.each(Object.entries(clusterClients))('by %s', (_, connect) => {
      let own: OwnClient;

      beforeAll(async () => {
        own = await connect(server().port);
      });

      afterAll(() => own.close());

      conform(() => own, false);
    });
  },
  startRedisCluster,
);
