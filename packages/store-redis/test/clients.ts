import type { RedisClient } from '@reprise/store-redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';

/** A client, and how its owner closes it. */
export interface OwnClient {
  readonly client: RedisClient;
  close(): Promise<unknown>;
}

/** A client of each package. */
export const clients: Readonly<Record<string, (port: number) => Promise<OwnClient>>> = {
  ioredis: async (port) => {
    const client = new Redis(port, '127.0.0.1');
    return { client, close: () => client.quit() };
  },
  'node-redis': async (port) => {
    const client = createClient({ socket: { host: '127.0.0.1', port } });
    client.on('error', () => {});
    await client.connect();
    return { client, close: () => client.close() };
  },
};

/** The same for a cluster. */
export const clusterClients: Readonly<Record<string, (port: number) => Promise<OwnClient>>> = {
  ioredis: async (port) => {
    const client = new Cluster([{ host: '127.0.0.1', port }]);
    return { client, close: () => client.quit() };
  },
  'node-redis': async (port) => {
    const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
    client.on('error', () => {});
    await client.connect();
    return { client, close: () => client.close() };
  },
};
