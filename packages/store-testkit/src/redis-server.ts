import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A Redis server, or a cluster of them, that a test has started for itself; see {@link startRedisServer}. */
export interface OwnRedisServer {
  /** On 127.0.0.1; of a cluster: the one of its first server. */
  readonly port: number;
  /** Ends the process, by its id, and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Whether `redis-server` can be started on this machine.
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
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a `redis-server` of one's own, on a port of 127.0.0.1 and with a folder for it alone. It keeps nothing on disk, and ends with this
 * process at the latest.
 *
 * @param args more arguments, such as `['--maxmemory', '2mb']`
 * @param port default: a free one
 * @throws what the operating system says where there is no `redis-server`; an `Error` with its output where it ends at once
 */
export async function startRedisServer(args: readonly string[] = [], port?: number): Promise<OwnRedisServer> {
  const chosen = port ?? (await findFreePort());
  const folder = mkdtempSync(join(tmpdir(), 'reprise-redis-'));
  const own = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = spawn('redis-server', [...own, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  await new Promise<void>((ready, fail) => {
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes('Ready to accept connections')) ready();
    });
    child.once('error', fail);
    child.once('close', () => fail(new Error(`redis-server ended: ${output}`)));
  });
  child.stdout.removeAllListeners('data');
  child.stdout.resume();
  return {
    port: chosen,
    stop: async () => {
      process.removeListener('exit', kill);
      kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a Redis Cluster of three masters without replicas, each as {@link startRedisServer} does; needs `redis-cli` as well.
 *
 * @throws what the operating system says where a program is missing
 */
export async function startRedisCluster(): Promise<OwnRedisServer> {
  const args = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  const servers: OwnRedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (let index = 0; index < 3; index++) servers.push(await startRedisServer(args));
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
    execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
    for (const { port } of servers) {
      while (!askRedis(port, 'cluster', 'info').includes('cluster_state:ok')) await pause(20);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { port: (servers[0] as OwnRedisServer).port, stop };
}

function askRedis(port: number, ...command: string[]): string {
  return execFileSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8' });
}

/** One with room for the port of the cluster bus, which is 10,000 above. */
async function findFreePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    if (port < 55_000) return port;
  }
}
