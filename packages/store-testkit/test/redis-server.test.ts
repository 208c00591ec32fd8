import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { hasRedisServer, startRedisSentinel, startRedisServer } from '../src/index.ts';

/** What a server answers to one command. */
async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.end(`${command}\r\n`);
  for await (const bytes of socket) answer += String(bytes);
  return answer;
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** The same as that of the test kit, and stopped with the test. */
async function start(...args: readonly string[]): ReturnType<typeof startRedisServer> {
  const server = await startRedisServer(args);
  stops.push(server.stop);
  return server;
}

if (!hasRedisServer()) {
  it('was not run: redis-server is not on this machine (with CI=1 it has to be)', () => {
    expect(process.env['CI']).not.toBe('1');
  });
} else {
  it('a server has what it saved after it was killed, and no more', async () => {
    const server = await start();
    const { pid, port } = server;
    await ask(port, 'SET saved 1');
    await ask(port, 'SAVE');
    await ask(port, 'SET lost 1');
    await server.kill();
    await expect(ask(port, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await ask(port, 'EXISTS saved')).toBe(':1\r\n');
    expect(await ask(port, 'EXISTS lost')).toBe(':0\r\n');
    await server.stop();
    await server.stop();
    expect(existsSync(server.folder)).toBe(false);
  });

  it('a Sentinel knows the master that it was given', async () => {
    const { port } = await start();
    const sentinel = await startRedisSentinel('main', port);
    stops.push(sentinel.stop);
    expect(await ask(sentinel.port, 'SENTINEL GET-MASTER-ADDR-BY-NAME main')).toContain(String(port));
  });
}
