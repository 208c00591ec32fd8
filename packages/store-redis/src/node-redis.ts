import { OptionError } from '@reprise/store';
import type { Argument, NodeRedisClient, RedisConnection, Reply } from './client.ts';
import { listenToClient } from './client-errors.ts';

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
  return new NodeRedisConnection(client, chooseSend(shape));
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
  readonly #send: Send;
  #wasReady = false;

  constructor(client: NodeRedisClient, send: Send) {
    this.#client = client;
    this.#send = send;
  }

  get state(): RedisConnection['state'] {
    if (this.#client.isReady) {
      this.#wasReady = true;
      return 'ready';
    }
    return this.#client.isOpen && !this.#wasReady ? 'connecting' : 'lost';
  }

  send(key: Buffer, command: string, args: readonly Argument[]): Promise<Reply> {
    return this.#send([command, ...args], key) as Promise<Reply>;
  }

  listen(failed: (error: unknown) => void): () => void {
    return listenToClient(this.#client, failed);
  }
}
