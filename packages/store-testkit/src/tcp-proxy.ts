import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { OptionError } from '@reprise/store';
import { ProxiedStream, type StreamTrouble } from './proxied-stream.ts';

/** Where a {@link tcpProxy} leads to. */
export interface TcpProxyOptions {
  /** The port of the server. */
  readonly port: number;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
}

/** A way to a server on which everything can go wrong that does on a network; see {@link tcpProxy}. */
export interface TcpProxy {
  /** Where to connect instead, on 127.0.0.1. It stays the same. */
  readonly port: number;
  /** How many connections are open through it at this moment. */
  readonly connections: number;
  /** From now on every answer comes so many milliseconds later; `0` (the default) for none. The order stays. */
  latency(milliseconds: number): void;
  /** Breaks every connection that is open, with an RST, at once; or in the midst of answers: each after so many more bytes of them. */
  reset(afterBytes?: number): void;
  /** While on, connections are accepted and stay open, and whatever either side sends is lost. */
  blackHole(isOn: boolean): void;
  /** While on, the server gets what is sent to it, and does it; its answers are lost, and so is the news that it has closed. */
  halfOpen(isOn: boolean): void;
  /** While on, both directions stand still; what was sent meanwhile arrives when it is off again. */
  hold(isOn: boolean): void;
  /** While on, new connections are refused (ECONNREFUSED). Those that are open stay. */
  refuse(isOn: boolean): Promise<void>;
  /** New connections lead to another port from now on, as behind an address that moves to another server. Those that are open stay. */
  leadTo(port: number): void;
  /** From now on answers pass through a function, as they arrive, which may alter them; `undefined` for none. It must not throw. */
  corrupt(alter: ((answer: Buffer) => Uint8Array) | undefined): void;
  /** From now on answers arrive in pieces of so many bytes, one after the other; `Infinity` (the default) for as they come. */
  split(bytes: number): void;
  /** Breaks what is open and accepts no more. Idempotent. */
  close(): Promise<void>;
}

/**
 * A proxy in front of a server, for tests of what becomes of a client on a bad network: late, lost, altered and torn answers,
 * connections that break, hang, or are refused. It knows nothing of what is said through it.
 *
 * No stream goes on with a hole in it: when {@link TcpProxy.blackHole} or {@link TcpProxy.halfOpen} ends, the connections that have lost
 * something break, with an RST, as those of a server that was cut off do. Where the server itself refuses a connection, or breaks one,
 * the client sees an RST.
 *
 * @throws OptionError (the promise rejects with it) for what is no port
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { once } from 'node:events';
 * import { type AddressInfo, connect, createServer } from 'node:net';
 * import { tcpProxy } from '@reprise/store-testkit';
 *
 * const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
 * await once(server, 'listening');
 * const proxy = await tcpProxy({ port: (server.address() as AddressInfo).port });
 *
 * const client = connect(proxy.port, '127.0.0.1');
 * client.write('hello');
 * assert.equal(String((await once(client, 'data'))[0]), 'hello');
 *
 * proxy.reset();
 * assert.equal((await once(client, 'error'))[0].code, 'ECONNRESET');
 * await proxy.close();
 * server.close();
 */
export async function tcpProxy({ port, host = '127.0.0.1' }: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new NetworkProxy(checkPort(port), host);
  await proxy.listen();
  return proxy;
}

class NetworkProxy implements TcpProxy {
  #target: { readonly port: number; readonly host: string };
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  readonly #links = new Set<Link>();
  #port = 0;
  #latency = 0;
  #pieceSize = Infinity;
  #isBlackHole = false;
  #isHalfOpen = false;
  #isHeld = false;
  #isClosed = false;
  #corrupt: ((answer: Buffer) => Uint8Array) | undefined;

  constructor(port: number, host: string) {
    this.#target = { port, host };
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#links.size;
  }

  latency(milliseconds: number): void {
    this.#latency = checkNumber('latency', milliseconds, 0);
  }

  reset(afterBytes = 0): void {
    checkNumber('reset', afterBytes, 0);
    for (const link of this.#links) link.resetAfter(afterBytes);
  }

  blackHole(isOn: boolean): void {
    this.#isBlackHole = isOn;
    this.#breakTorn();
  }

  halfOpen(isOn: boolean): void {
    this.#isHalfOpen = isOn;
    this.#breakTorn();
  }

  hold(isOn: boolean): void {
    this.#isHeld = isOn;
    for (const link of this.#links) link.pump();
  }

  async refuse(isOn: boolean): Promise<void> {
    if (this.#isClosed || isOn !== this.#server.listening) return;
    // Only the listening ends here: the connections that are open would keep its callback waiting.
    if (isOn) this.#server.close();
    else await this.listen();
  }

  leadTo(port: number): void {
    this.#target = { ...this.#target, port: checkPort(port) };
  }

  corrupt(alter: ((answer: Buffer) => Uint8Array) | undefined): void {
    this.#corrupt = alter;
  }

  split(bytes: number): void {
    this.#pieceSize = checkNumber('split', bytes, 1);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const link of this.#links) link.break();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const link = new Link(
      client,
      connect({ ...this.#target, allowHalfOpen: true, noDelay: true }),
      () => ({
        latency: 0,
        isHeld: this.#isHeld,
        isSwallowed: this.#isBlackHole,
        pieceSize: Infinity,
        corrupt: undefined,
      }),
      () => ({
        latency: this.#latency,
        isHeld: this.#isHeld,
        isSwallowed: this.#isBlackHole || this.#isHalfOpen,
        pieceSize: this.#pieceSize,
        corrupt: this.#corrupt,
      }),
      () => this.#links.delete(link),
    );
    this.#links.add(link);
  }

  #breakTorn(): void {
    if (this.#isBlackHole || this.#isHalfOpen) return;
    for (const link of this.#links) if (link.hasLost) link.break();
  }
}

/** One connection: a client, the server, and the two directions between them. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #requests: ProxiedStream;
  readonly #answers: ProxiedStream;
  /** How many bytes of answers may still pass. */
  #left = Infinity;

  constructor(
    client: Socket,
    server: Socket,
    ofRequests: () => StreamTrouble,
    ofAnswers: () => StreamTrouble,
    closed: () => void,
  ) {
    this.#client = client;
    this.#server = server;
    this.#requests = new ProxiedStream(client, server, ofRequests, (bytes) => bytes);
    this.#answers = new ProxiedStream(server, client, ofAnswers, (bytes) => {
      const allowed = Math.min(bytes, this.#left);
      this.#left -= allowed;
      // An RST takes with it what the client has not read yet: it gets the time to.
      if (this.#left === 0) setTimeout(() => this.break(), 10);
      return allowed;
    });
    for (const [socket, isCutOff] of [
      [client, () => false],
      [server, () => ofAnswers().isSwallowed],
    ] as const) {
      socket.on('error', () => {
        if (!isCutOff()) this.break();
      });
    }
    client.on('close', (isBroken: boolean) => {
      closed();
      if (isBroken) this.break();
      else server.destroySoon();
    });
  }

  get hasLost(): boolean {
    return this.#requests.hasLost || this.#answers.hasLost || this.#server.errored !== null;
  }

  pump(): void {
    this.#requests.pump();
    this.#answers.pump();
  }

  resetAfter(bytes: number): void {
    if (bytes === 0) this.break();
    else this.#left = bytes;
  }

  break(): void {
    this.#requests.stop();
    this.#answers.stop();
    for (const socket of [this.#client, this.#server]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new OptionError(`tcpProxy: port must be a whole number from 1 to 65535, not ${String(port)}`);
}

function checkNumber(what: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least) return value;
  throw new OptionError(`tcpProxy: ${what}: must be a number of at least ${least}, not ${String(value)}`);
}
