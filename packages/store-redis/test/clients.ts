import { afterAll } from '@jest/globals';
import type { RedisClient } from '@reprise/store-redis';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis-6';
import { createClient, createCluster } from 'redis';

/** A client, and how its owner closes it. */
export interface OwnClient {
  readonly client: RedisClient;
  close(): Promise<void>;
}

type Connect = (port: number) => Promise<OwnClient>;

/** A client of each package. */
export const clients: Readonly<Record<'ioredis' | 'ioredis 6' | 'node-redis', Connect>> = {
  ioredis: async (port) => {
    const client = new Redis(port, '127.0.0.1');
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  'ioredis 6': async (port) => {
    const client = new Redis6(port, '127.0.0.1');
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  'node-redis': async (port) => {
    const client = createClient({ socket: { host: '127.0.0.1', port } });
    client.on('error', () => {});
    await client.connect();
    return { client, close: async () => client.destroy() };
  },
};

/** The same for a cluster. */
export const clusterClients: typeof clients = {
  ioredis: async (port) => {
    const client = new Cluster([{ host: '127.0.0.1', port }]);
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  'ioredis 6': async (port) => {
    const client = new Cluster6([{ host: '127.0.0.1', port }]);
    client.on('error', () => {});
    return { client, close: async () => client.disconnect() };
  },
  'node-redis': async (port) => {
    const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
    client.on('error', () => {});
    await client.connect();
    return { client, close: async () => client.destroy() };
  },
};

/** Clients that end with the tests of a file, or of a suite. */
export function makeClients(): (port: number, options?: object) => Redis {
  const clients: Redis[] = [];
  afterAll(() => {
    for (const client of clients) client.disconnect();
  });
  return (port, options = {}) => {
    const client = new Redis(port, '127.0.0.1', options);
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
}

let places = 0;

/** A prefix that no other test has. */
export function newPrefix(): string {
  return `test-${process.pid}-${++places}`;
}

/** The version of a server, as a number: 6.2, say. */
export async function versionOf(client: Redis): Promise<number> {
  return Number(/redis_version:(\d+\.\d+)/.exec(await client.info('server'))?.[1]);
}
