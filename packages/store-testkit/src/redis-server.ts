import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort, hasProgram, startProcess } from './redis-process.ts';

/** A Redis server that a test has started for itself; see {@link startRedisServer}. */
export interface OwnRedisServer {
  /** On 127.0.0.1. It stays the same. */
  readonly port: number;
  /** Of the process, to stop and continue it by signals; another one after each {@link OwnRedisServer.restart}. */
  readonly pid: number;
  /** Where it keeps what it saves, for as long as it is not stopped. */
  readonly folder: string;
  /** Ends the process, by SIGKILL: what it has not saved is gone. Its folder stays. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same folder; kills it first where it runs. */
  restart(): Promise<void>;
  /** Ends the process, by its id, and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Whether `redis-server` can be started on this machine, or what the environment names instead: `REPRISE_REDIS_SERVER`, and
 * `REPRISE_REDIS_CLI` for `redis-cli`.
 *
 * @example
 * import { hasRedisServer, startRedisServer } from '@reprise/store-testkit';
 *
 * if (hasRedisServer()) {
 *   const server = await startRedisServer();
 *   // redis://127.0.0.1:<server.port>
 *   await server.stop();
 * }
 */
export function hasRedisServer(): boolean {
  return hasProgram();
}

/**
 * Starts a `redis-server` of one's own, on a port of 127.0.0.1 and with a folder for it alone. By itself it keeps nothing on disk; a test
 * may have it `SAVE`, and find that again after a {@link OwnRedisServer.restart}. It ends with this process at the latest.
 *
 * @param args more arguments, such as `['--maxmemory', '2mb']`, or `['--replicaof', '127.0.0.1 <port>']` for a replica
 * @param port default: a free one
 * @throws what the operating system says where there is no `redis-server`; an `Error` with its output where it ends at once
 */
export async function startRedisServer(args: readonly string[] = [], port?: number): Promise<OwnRedisServer> {
  const chosen = port ?? (await findFreePort());
  const folder = mkdtempSync(join(tmpdir(), 'reprise-redis-'));
  const own = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  // A replica of a test is there at once.
  const quick = ['--repl-diskless-sync-delay', '0'];
  const start = () => startProcess([...own, ...quick, ...args], 'Ready to accept connections');
  let running = await start();
  let restarting: Promise<void> | undefined;
  return {
    port: chosen,
    folder,
    get pid() {
      return running.pid;
    },
    kill: () => running.kill(),
    restart: () => {
      restarting = running.kill().then(async () => {
        running = await start();
      });
      return restarting;
    },
    stop: async () => {
      // One that is just being started would be left behind.
      await restarting?.catch(() => {});
      await running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
