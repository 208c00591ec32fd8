import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OptionError } from '@reprise/store';
import { type TcpProxy, tcpProxy } from '../src/index.ts';

/** A client that remembers what it got, and how it ended. */
class Client {
  readonly socket: Socket;
  readonly pieces: string[] = [];
  error: NodeJS.ErrnoException | undefined;
  isEnded = false;
  #changed: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes: Buffer) => {
      this.pieces.push(String(bytes));
      this.#changed();
    });
    this.socket.on('end', () => {
      this.isEnded = true;
      this.#changed();
    });
    this.socket.on('error', (error) => {
      this.error = error;
      this.#changed();
    });
  }

  get text(): string {
    return this.pieces.join('');
  }

  async until(isIt: (client: this) => boolean): Promise<void> {
    while (!isIt(this)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async ask(text: string): Promise<string> {
    const before = this.text.length;
    this.socket.write(text);
    await this.until(() => this.text.length - before >= text.length || this.error !== undefined);
    return this.text.slice(before);
  }
}

describe('tcpProxy', () => {
  let server: Server;
  let proxy: TcpProxy;
  /** What the server was sent, of all connections. */
  let heard: string;
  const onServer = new Set<Socket>();
  const clients: Client[] = [];

  beforeEach(async () => {
    heard = '';
    server = createServer({ noDelay: true }, (socket) => {
      onServer.add(socket);
      socket.on('close', () => onServer.delete(socket));
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        heard += String(bytes);
        server.emit('heard');
        socket.write(bytes);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await tcpProxy({ port: (server.address() as AddressInfo).port });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.socket.destroy();
    await proxy.close();
    for (const socket of onServer) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  async function open(): Promise<Client> {
    const client = new Client(proxy.port);
    clients.push(client);
    await client.ask('open');
    return client;
  }

  it('passes both directions on, and the end of a connection', async () => {
    const client = await open();
    const large = 'x'.repeat(3_000_000);
    expect((await client.ask(large)) === large).toBe(true);
    expect(proxy.connections).toBe(1);
    client.socket.end();
    await client.until(({ isEnded }) => isEnded);
    expect(client.error).toBeUndefined();
    if (proxy.connections > 0) await once(client.socket, 'close');
  });

  it('lets answers come later, in their order', async () => {
    const client = await open();
    const arrived = new Promise<void>((resolve) => {
      proxy.corrupt((answer) => {
        resolve();
        return answer;
      });
    });
    proxy.latency(50);
    const start = performance.now();
    client.socket.write('a');
    await arrived;
    proxy.latency(0);
    client.socket.write('b');
    await client.until(({ text }) => text.length === 6);
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
    expect(client.text).toBe('openab');
  });

  it('resets every open connection, and accepts new ones', async () => {
    const [one, two] = [await open(), await open()];
    proxy.reset();
    for (const client of [one, two]) {
      await client.until(({ error }) => error !== undefined);
      expect(client.error?.code).toBe('ECONNRESET');
    }
    expect(await (await open()).ask('again')).toBe('again');
  });

  it('resets in the midst of an answer', async () => {
    const client = await open();
    proxy.reset(3);
    client.socket.write('hello');
    await client.until(({ error }) => error !== undefined);
    expect([client.text, client.error?.code]).toEqual(['openhel', 'ECONNRESET']);
  });

  it('swallows both directions in a black hole, and breaks what has lost something at its end', async () => {
    const [torn, whole] = [await open(), await open()];
    proxy.blackHole(true);
    torn.socket.write('lost');
    const fresh = new Client(proxy.port);
    clients.push(fresh);
    await once(fresh.socket, 'connect');
    fresh.socket.write('lost too');
    for (const socket of onServer) socket.write('!');
    await expectSilence(torn, whole, fresh);
    expect([torn, whole, fresh].map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    proxy.blackHole(false);
    await torn.until(({ error }) => error !== undefined);
    expect(heard).toBe('openopen');
    expect(await (await open()).ask('again')).toBe('again');
  });

  it('goes on with a connection that lost nothing in the black hole', async () => {
    const client = await open();
    proxy.blackHole(true);
    proxy.blackHole(false);
    expect(await client.ask('still here')).toBe('still here');
  });

  it('loses the answers of a half-open connection, not what is asked', async () => {
    const client = await open();
    proxy.halfOpen(true);
    client.socket.write('done');
    await once(server, 'heard');
    expect(heard).toBe('opendone');
    for (const socket of onServer) socket.resetAndDestroy();
    await expectSilence(client);
    expect([client.text, client.error, client.isEnded]).toEqual(['open', undefined, false]);
    proxy.halfOpen(false);
    await client.until(({ error }) => error !== undefined);
    expect(client.error?.code).toBe('ECONNRESET');
  });

  it('holds both directions, and delivers all of it afterwards', async () => {
    const client = await open();
    proxy.hold(true);
    client.socket.write('later');
    await expectSilence(client);
    expect(heard).toBe('open');
    proxy.hold(false);
    await client.until(({ text }) => text === 'openlater');
  });

  it('refuses new connections, keeps the old ones, and accepts again on the same port', async () => {
    const client = await open();
    const { port } = proxy;
    await proxy.refuse(true);
    const refused = new Client(port);
    await refused.until(({ error }) => error !== undefined);
    expect(refused.error?.code).toBe('ECONNREFUSED');
    expect(await client.ask('old')).toBe('old');
    await proxy.refuse(false);
    expect(proxy.port).toBe(port);
    expect(await (await open()).ask('new')).toBe('new');
  });

  it('leads new connections to another server, and leaves those that are open', async () => {
    const other = createServer((socket) => socket.on('error', () => {}).end('other')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const before = await open();
    proxy.leadTo((other.address() as AddressInfo).port);
    const after = new Client(proxy.port);
    await after.until(({ isEnded }) => isEnded);
    expect(after.text).toBe('other');
    expect(await before.ask('here')).toBe('here');
    expect(() => proxy.leadTo(0)).toThrow(/port must be/);
    other.close();
  });

  it('alters answers, and only those', async () => {
    const client = await open();
    proxy.corrupt((answer) => Buffer.from(String(answer).toUpperCase()));
    expect(await client.ask('hello')).toBe('HELLO');
    expect(heard).toBe('openhello');
    proxy.corrupt(undefined);
    expect(await client.ask('hello')).toBe('hello');
  });

  it('splits answers into pieces', async () => {
    const client = await open();
    proxy.split(2);
    expect(await client.ask('hello')).toBe('hello');
    expect(client.pieces).toEqual(['open', 'he', 'll', 'o']);
    proxy.split(Infinity);
    expect(await client.ask('whole')).toBe('whole');
    expect(client.pieces.at(-1)).toBe('whole');
  });

  it('breaks a connection whose server is gone', async () => {
    const client = await open();
    for (const socket of onServer) socket.resetAndDestroy();
    await client.until(({ error }) => error !== undefined);
    expect(client.error?.code).toBe('ECONNRESET');
    const nowhere = await tcpProxy({ port: await freePort() });
    const lost = new Client(nowhere.port);
    await lost.until(({ error }) => error !== undefined);
    await nowhere.close();
  });

  it('closes while connections are open, or refused, and more than once', async () => {
    const client = await open();
    await proxy.close();
    await client.until(({ error }) => error !== undefined);
    await proxy.close();
    await proxy.refuse(false);
    const late = new Client(proxy.port);
    await late.until(({ error }) => error !== undefined);
    expect(late.error?.code).toBe('ECONNREFUSED');
  });

  it('refuses what is no port, no time and no size', async () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN, '80', undefined]) {
      await expect(tcpProxy({ port: port as never })).rejects.toThrow(OptionError);
    }
    for (const wrong of [-1, Number.NaN, '5']) {
      expect(() => proxy.latency(wrong as never)).toThrow(OptionError);
      expect(() => proxy.split(wrong as never)).toThrow(OptionError);
      expect(() => proxy.reset(wrong as never)).toThrow(OptionError);
    }
    expect(() => proxy.split(0)).toThrow(OptionError);
  });
});

/** By when a round trip of another connection, to a server of its own, has been made three times, an answer would be there. */
async function expectSilence(...clients: readonly Client[]): Promise<void> {
  const before = clients.map(({ text }) => text);
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = new Client((server.address() as AddressInfo).port);
  for (let round = 0; round < 3; round++) await other.ask('?');
  other.socket.destroy();
  server.close();
  expect(clients.map(({ text }) => text)).toEqual(before);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
