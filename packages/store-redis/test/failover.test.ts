import { afterEach, describe, expect, it } from '@jest/globals';
import type { AsyncStore } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { type RedisStore, redisStore } from '@reprise/store-redis';
import {
  type OwnRedisCluster,
  type OwnRedisServer,
  startRedisCluster,
  startRedisSentinel,
} from '@reprise/store-testkit';
import { tieredStore } from '@reprise/store-tiered';
import { Redis } from 'ioredis';
import { Redis as Redis6 } from 'ioredis-6';
import { createSentinel } from 'redis';
import { clients, clusterClients, newPrefix, type OwnClient } from './clients.ts';
import { answersOf, entryOf, until } from './entries.ts';
import { mistakes } from './mistakes.ts';
import { beginPair, cutOffReplicas, follow, leadTo, onPort, promote, replicated, startPair } from './replication.ts';
import { withServers } from './with-server.ts';

/** What a replica may have missed. */
const invalidations: Readonly<Record<string, (store: RedisStore) => Promise<unknown>>> = {
  'a key was deleted': (store) => store.delete('k'),
  'a label was invalidated': (store) => store.invalidateTags(['t']),
  'all was cleared': (store) => store.clear(),
  'a newer value was set': (store) => store.set('k', entryOf('new')),
};

/** Clients that end with each test, whatever becomes of it. */
function useClients(): (made: Promise<OwnClient>) => Promise<OwnClient> {
  const all: OwnClient[] = [];
  afterEach(async () => {
    for (const one of all.splice(0)) await one.close();
  });
  return async (made) => {
    const own = await made;
    all.push(own);
    return own;
  };
}

withServers(
  'a replica that is promoted, and has missed that',
  (pair) => {
    const use = useClients();
    const open = (own: OwnClient, prefix = newPrefix()): RedisStore => redisStore({ client: own.client, prefix });

    describe.each(Object.entries(clients))('with %s:', (_, connect) => {
      it.each(Object.entries(invalidations))('%s, gives no older value', async (what, invalidate) => {
        const [master, replica] = await beginPair(pair());
        const own = await use(connect(pair().address.port));
        const store = open(own);
        await store.set('k', entryOf('old', { tags: what.includes('label') ? ['t'] : [] }));
        for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
        const generation = await store.generation();
        await replicated(master.port);
        await cutOffReplicas(master.port);
        await invalidate(store);
        await master.kill();
        await promote(replica.port);
        leadTo(pair(), replica);
        expect(await answersOf(store, 'k')).toEqual(Array(4).fill(undefined));
        // The bytes are there again, and count for nothing.
        expect(await onPort(replica.port, (client) => client.keys('*:e::k'))).toHaveLength(1);
        expect(await store.set('k', entryOf('old', { generation }))).toBe(false);
        expect(await store.set('k', entryOf('newest'))).toBe(true);
        expect((await store.get('k'))?.value).toBe('newest');
      });

      it('and that gives back what it has to the master of before, which then is one again, gives no older value', async () => {
        const [master, replica] = await beginPair(pair());
        const own = await use(connect(pair().address.port));
        const store = open(own);
        await store.set('k', entryOf('old'));
        for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
        await replicated(master.port);
        await cutOffReplicas(master.port);
        await store.delete('k');
        // Nobody has asked the second one for anything: what it has was written by the first, whose process lives on.
        await promote(replica.port);
        await follow(master.port, replica.port);
        await promote(master.port);
        leadTo(pair(), master);
        expect(await onPort(master.port, (client) => client.keys('*:e::k'))).toHaveLength(1);
        expect(await answersOf(store, 'k')).toEqual(Array(4).fill(undefined));
      });
    });

    it('memory in front of it does not go on by what the master of before tells', async () => {
      const [master, replica] = await beginPair(pair());
      const own = await use(clients.ioredis(pair().address.port));
      const prefix = newPrefix();
      const tiers = tieredStore(memoryStore(), open(own, prefix)) as AsyncStore;
      tiers.listen?.({ failed: () => {} });
      const keepNear = async (value: string): Promise<void> => {
        await until(async () => {
          const found = await tiers.get('k').catch(() => undefined);
          return found?.value === value && tiers.tierOf?.('k') === 'memory';
        });
      };
      await tiers.set('k', entryOf('old'));
      await keepNear('old');
      // Only the connection for commands breaks, and is made anew to the other server; the first one goes on to answer on that for changes.
      const id = await (own.client as Redis).client('ID');
      await promote(replica.port);
      pair().address.leadTo(replica.port);
      await onPort(master.port, (client) => client.client('KILL', 'ID', id));
      await until(() => tiers.set('k', entryOf('newer')).catch(() => false));
      await keepNear('newer');
      const other = open(await use(clients.ioredis(replica.port)), prefix);
      await other.delete('k');
      const promised = performance.now() + 100;
      await until(() => performance.now() > promised);
      expect(await tiers.get('k')).toBeUndefined();
      await tiers.close?.();
    });

    it('a replica answers nothing: it may have missed something', async () => {
      const [master, replica] = await beginPair(pair());
      const prefix = newPrefix();
      const [writer, reader] = [await use(clients.ioredis(master.port)), await use(clients.ioredis(replica.port))];
      await open(writer, prefix).set('k', entryOf('v'));
      await replicated(master.port);
      const store = open(reader, prefix);
      expect(await store.get('k')).toBeUndefined();
      await expect(store.generation()).rejects.toThrow(/read-only replica/);
      expect((await open(writer, prefix).get('k'))?.value).toBe('v');
    });

    describe('and a mistake in the store is found out:', () => {
      let undo = (): void => {};
      afterEach(() => undo());

      it.each(mistakes)('%s', async (_, mistake, tags) => {
        undo = mistake();
        const [master, replica] = await beginPair(pair());
        const store = open(await use(clients.ioredis(pair().address.port)));
        await store.set('k', entryOf('old', { tags: [...tags] }));
        for (let index = 0; index < 3; index++) await store.get('k');
        await replicated(master.port);
        await cutOffReplicas(master.port);
        await store.delete('k');
        await promote(replica.port);
        leadTo(pair(), replica);
        expect(await answersOf(store, 'k')).toContain('old');
      });
    });
  },
  startPair,
);

/** A master and a replica, and clients that a Sentinel leads to whichever is the master. */
const sentinelClients: typeof clients = {
  'ioredis 6': async (port) => {
    const client = new Redis6({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' });
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  ioredis: async (port) => {
    const client = new Redis({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' });
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  'node-redis': async (port) => {
    const client = createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] });
    client.on('error', () => {});
    await client.connect();
    return { client, close: () => client.destroy() };
  },
};

withServers(
  'a replica that a Sentinel promotes',
  (pair) => {
    const use = useClients();

    it.each(Object.entries(sentinelClients))(
      'gives no older value, with %s',
      async (_, connect) => {
        const [master, replica] = await beginPair(pair());
        const sentinel = await startRedisSentinel('main', master.port);
        await onPort(sentinel.port, (client) =>
          until(async () => String(await client.call('SENTINEL', 'REPLICAS', 'main')).includes(String(replica.port))),
        );
        const own = await use(connect(sentinel.port));
        const store = redisStore({ client: own.client, prefix: newPrefix() });
        await store.set('k', entryOf('old'));
        await store.set('tagged', entryOf('old', { tags: ['t'] }));
        for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
        await replicated(master.port);
        await cutOffReplicas(master.port);
        await store.delete('k');
        await store.invalidateTags(['t']);
        await master.kill();
        expect(await answersOf(store, 'k')).toEqual(Array(4).fill(undefined));
        expect(await store.get('tagged')).toBeUndefined();
        expect(await onPort(replica.port, (client) => client.keys('*:e::k'))).toHaveLength(1);
        expect(await store.set('k', entryOf('new'))).toBe(true);
        expect((await store.get('k'))?.value).toBe('new');
        await sentinel.stop();
      },
      60_000,
    );
  },
  startPair,
);

withServers<OwnRedisCluster>(
  'a replica that takes over in a cluster',
  (cluster) => {
    const use = useClients();

    it.each(Object.entries(clusterClients))(
      'gives no older value, with %s',
      async (_, connect) => {
        const own = await use(connect(cluster().port));
        const prefix = newPrefix();
        const store = redisStore({ client: own.client, prefix });
        await store.set('k', entryOf('old'));
        await store.set('tagged', entryOf('old', { tags: ['t'] }));
        for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
        const [master, replica] = await placeOf(cluster(), `{${prefix}}:s`);
        await replicated(master);
        await cutOffReplicas(master);
        await store.delete('k');
        await store.invalidateTags(['t']);
        const server = cluster().servers.find(({ port }) => port === master) as OwnRedisServer;
        await server.kill();
        await onPort(replica, (client) => client.cluster('FAILOVER', 'TAKEOVER'));
        await until(async () =>
          onPort(replica, async (client) => (await client.cluster('INFO')).includes('cluster_state:ok')),
        );
        expect(await answersOf(store, 'k')).toEqual(Array(4).fill(undefined));
        expect(await store.get('tagged')).toBeUndefined();
        expect(await onPort(replica, (client) => client.exists(`{${prefix}}:e::k`))).toBe(1);
        expect(await store.set('k', entryOf('new'))).toBe(true);
        expect((await store.get('k'))?.value).toBe('new');
        await server.restart();
        await replicated(replica);
      },
      60_000,
    );
  },
  () => startRedisCluster(1),
);

/** The ports of the master and of the replica that have a key, as soon as one follows the other. */
function placeOf(cluster: OwnRedisCluster, key: string): Promise<readonly [number, number]> {
  return until(async () => {
    for (const { port } of cluster.servers) {
      const place = await onPort(port, async (client) => {
        const owns = await client.exists(key).catch(() => 0);
        const told = await client.info('replication');
        const found = /role:master[\s\S]*slave0:ip=[^,]*,port=(\d+)/.exec(told);
        return owns === 1 && found !== null ? ([port, Number(found[1])] as const) : undefined;
      });
      if (place !== undefined) return place;
    }
    return undefined;
  });
}
