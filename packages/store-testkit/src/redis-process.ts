import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** `redis-server`, or what the environment names instead. */
const program = (): string => process.env['REPRISE_REDIS_SERVER'] ?? 'redis-server';

/** Whether a program is there that {@link startProcess} could start. */
export function hasProgram(): boolean {
  try {
    execFileSync(program(), ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What one server is asked on the command line, by `redis-cli` or what the environment names instead. */
export function askRedis(...args: readonly string[]): string {
  return execFileSync(process.env['REPRISE_REDIS_CLI'] ?? 'redis-cli', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** A process of a server that runs, and ends with this one at the latest. */
export interface RunningProcess {
  readonly pid: number;
  /** By SIGKILL: it has no time to save anything. Resolves when it has ended. Idempotent. */
  kill(): Promise<void>;
}

/**
 * @param ready what it says when it can be used
 * @throws what the operating system says where there is no such program; an `Error` with its output where it ends at once
 */
export async function startProcess(args: readonly string[], ready: string): Promise<RunningProcess> {
  const child = spawn(program(), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const ended = once(child, 'close').then(() => process.removeListener('exit', end));
  ended.catch(() => {});
  await new Promise<void>((started, fail) => {
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes(ready)) started();
    });
    child.once('error', fail);
    child.once('close', () => fail(new Error(`${program()} ended: ${output}`)));
  });
  child.stdout.removeAllListeners('data');
  child.stdout.resume();
  return {
    pid: child.pid as number,
    kill: async () => {
      end();
      await ended;
    },
  };
}

/** One with room for the port of the cluster bus, which is 10,000 above. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    if (port < 55_000) return port;
  }
}
