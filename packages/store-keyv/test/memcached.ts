import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** Whether `memcached` is on this machine. */
export function hasMemcached(): boolean {
  return spawnSync('memcached', ['-V']).status === 0;
}

/** A Memcached of one's own, on a free port of 127.0.0.1. */
export interface OwnMemcached {
  readonly port: number;
  /** Stops it, by its process id. Idempotent. */
  stop(): Promise<void>;
}

/** @throws what it has said, if it does not come up */
export async function startMemcached(): Promise<OwnMemcached> {
  const port = await freePort();
  // It refuses to be root, and any other user is told to stay what he is.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('memcached', [
    '-l',
    '127.0.0.1',
    '-p',
    String(port),
    '-U',
    '0',
    '-m',
    '64',
    '-I',
    '8m',
    '-c',
    '1024',
    ...user,
  ]);
  let said = '';
  child.stderr.on('data', (text) => {
    said += String(text);
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`memcached has ended: ${said}`);
  });
  await Promise.race([failed, answers(port)]);
  failed.catch(() => {});
  return { port, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      // Not yet.
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
