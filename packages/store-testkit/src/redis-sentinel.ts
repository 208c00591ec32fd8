import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort, startProcess } from './redis-process.ts';

/** A Redis Sentinel that a test has started for itself; see {@link startRedisSentinel}. */
export interface OwnRedisSentinel {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Ends the process, and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis Sentinel that watches over one master and its replicas, and promotes one of these by itself when the master has not answered
 * for 300 milliseconds.
 *
 * @param name what clients ask for
 * @throws what the operating system says where there is no `redis-server`
 */
export async function startRedisSentinel(name: string, masterPort: number): Promise<OwnRedisSentinel> {
  const port = await findFreePort();
  const folder = mkdtempSync(join(tmpdir(), 'reprise-sentinel-'));
  const config = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${name} 300`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const running = await startProcess([config, '--sentinel'], '+monitor master');
  return {
    port,
    stop: async () => {
      await running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
