import { OptionError } from '@reprise/store';
import type { Argument, NodeRedisClient, RedisConnection, RedisWatch, Reply, WatchHearer } from './client.ts';
import { listenToClient, turnOf } from './client-events.ts';
import { readOrigin } from './state.ts';

/** Texts as bytes: `$` is what the protocol calls them. */
const options = { typeMapping: { [36]: Buffer } };

interface Shape {
  /** A cluster's client routes by key, and has nodes; a sentinel's wants to know whether a command reads. */
  readonly slots?: unknown;
  readonly acquire?: unknown;
  /** A command that came with version 6. */
  readonly ARCOUNT?: unknown;
  readonly options?: { readonly keyPrefix?: unknown };
  readonly _keyPrefix?: unknown;
  /** What `withTypeMapping` and the like derive a client from: events are its alone. */
  readonly _self?: NodeRedisClient;
}

type Send = (args: readonly Argument[], key: Buffer) => Promise<unknown>;

/** Whether this is a client of `redis`, of whatever version. */
export function isNodeRedis(client: object): client is NodeRedisClient {
  const { isOpen, sendCommand } = client as Partial<NodeRedisClient>;
  return typeof isOpen === 'boolean' && typeof sendCommand === 'function';
}

/** @throws OptionError for a version that gives answers to the wrong callers, and where the client changes keys on their way */
export function connectNodeRedis(client: NodeRedisClient): RedisConnection {
  const shape = client as NodeRedisClient & Shape;
  if (typeof shape.ARCOUNT !== 'function') {
    throw new OptionError(
      "redisStore: client is of a version of redis (@redis/client) below 6, which after a reset connection hands one key's value to " +
        'the caller who asked for another: npm i redis@6, or give a client of ioredis 5.11 or later',
    );
  }
  const keyPrefix = shape.options?.keyPrefix ?? shape._keyPrefix;
  if (keyPrefix !== undefined && String(keyPrefix) !== '') {
    throw new OptionError(
      "redisStore: client has a keyPrefix, which would change the store's keys: give another client, and the store's own option prefix",
    );
  }
  // A pool has no state of its own.
  const isSingle = shape.slots === undefined && typeof shape.acquire !== 'function' && shape.isReady !== undefined;
  return new NodeRedisConnection(client, chooseSend(shape), isSingle);
}

function chooseSend(shape: NodeRedisClient & Shape): Send {
  const client = shape as unknown as { sendCommand(...args: unknown[]): Promise<unknown> };
  // Reads go to the master as well (`false`): a replica may not know yet what has been invalidated.
  if (shape.slots !== undefined) return (args, key) => client.sendCommand(key, false, args, options);
  if (typeof shape.acquire === 'function') return (args) => client.sendCommand(false, args, options);
  return (args) => client.sendCommand(args, options);
}

class NodeRedisConnection implements RedisConnection {
  readonly #client: NodeRedisClient;
  /** Where its events come from. */
  readonly #source: NodeRedisClient;
  readonly #send: Send;
  readonly #isSingle: boolean;
  readonly watch?: (prefixes: readonly Buffer[], hearer: WatchHearer) => Promise<RedisWatch>;
  #wasReady = false;

  constructor(client: NodeRedisClient, send: Send, isSingle: boolean) {
    this.#client = client;
    this.#source = (client as Shape)._self ?? client;
    this.#send = send;
    this.#isSingle = isSingle;
    // On a cluster, or with sentinels, the node would have to be found, and found anew whenever another takes its place.
    if (isSingle) this.watch = (prefixes, hearer) => watchWith(client, prefixes, hearer);
  }

  get state(): RedisConnection['state'] {
    if (this.#client.isReady) {
      this.#wasReady = true;
      return 'ready';
    }
    return this.#client.isOpen && !this.#wasReady ? 'connecting' : 'lost';
  }

  get turn(): number | undefined {
    return this.#isSingle ? turnOf(this.#source) : undefined;
  }

  send(key: Buffer, command: string, args: readonly Argument[]): Promise<Reply> {
    return this.#send([command, ...args], key) as Promise<Reply>;
  }

  listen(failed: (error: unknown) => void): () => void {
    return listenToClient(this.#source, failed);
  }
}

interface Watching extends NodeRedisClient {
  connect(): Promise<unknown>;
  sendCommand(args: readonly Argument[]): Promise<unknown>;
  ping(): Promise<unknown>;
  destroy(): void;
  unref(): void;
  on(event: string, listener: (...given: never[]) => void): unknown;
}

/** A connection of the protocol's third version, on which what changes comes by itself. */
async function watchWith(
  client: NodeRedisClient,
  prefixes: readonly Buffer[],
  hearer: WatchHearer,
): Promise<RedisWatch> {
  const { options: given } = client as { readonly options?: { readonly socket?: object } };
  const once = {
    RESP: 3,
    emitInvalidate: true,
    clientSideCache: undefined,
    disableOfflineQueue: true,
    socket: { ...given?.socket, reconnectStrategy: false, connectTimeout: 2_000 },
  };
  const watching = (client.duplicate as (options: object) => unknown)(once) as Watching;
  let isClosed = false;
  let origin = '';
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    if (watching.isOpen) watching.destroy();
  };
  const ended = (error?: unknown): void => {
    if (!isClosed) hearer.ended(error ?? new Error('its connection has ended'));
  };
  watching.on('error', ended as () => void);
  watching.on('end', (() => ended()) as () => void);
  watching.on('invalidate', ((key: string | Buffer | null) => {
    if (key === null) return hearer.changed(null);
    const bytes = Buffer.from(key as string);
    // What is no text has been read as one: nobody knows which key it was.
    hearer.changed(String(key).includes('\ufffd') ? null : [bytes]);
  }) as () => void);
  try {
    await watching.connect();
    origin = readOrigin(String(await watching.sendCommand(['INFO', 'replication'])));
    // The client has switched it on for the keys that it reads itself.
    await watching.sendCommand(['CLIENT', 'TRACKING', 'OFF']);
    // Nobody waits for it.
    watching.unref();
    await watching.sendCommand([
      'CLIENT',
      'TRACKING',
      'ON',
      'BCAST',
      ...prefixes.flatMap((prefix) => ['PREFIX', prefix]),
    ]);
  } catch (error) {
    close();
    throw error;
  }
  return {
    origin,
    ping: async () => {
      await watching.ping();
    },
    close,
  };
}
