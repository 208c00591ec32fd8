import { setTimeout as pause } from 'node:timers/promises';
import { askRedis } from './redis-process.ts';
import { type OwnRedisServer, startRedisServer } from './redis-server.ts';

/** A Redis Cluster that a test has started for itself; see {@link startRedisCluster}. */
export interface OwnRedisCluster {
  /** Of its first server, on 127.0.0.1. */
  readonly port: number;
  /** Three masters, then the replica of each where they have any. */
  readonly servers: readonly OwnRedisServer[];
  /** Ends all of them. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis Cluster of three masters, each as {@link startRedisServer} does; needs `redis-cli` as well.
 *
 * @param replicas how many each of them has; default: 0
 * @throws what the operating system says where a program is missing
 */
export async function startRedisCluster(replicas: 0 | 1 = 0): Promise<OwnRedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  const servers: OwnRedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (let index = 0; index < 3 * (1 + replicas); index++) servers.push(await startRedisServer(args));
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
    askRedis('--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes');
    for (const { port } of servers) {
      while (!askRedis('-p', String(port), 'cluster', 'info').includes('cluster_state:ok')) await pause(20);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { port: (servers[0] as OwnRedisServer).port, servers, stop };
}
