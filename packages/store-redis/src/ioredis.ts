import { OptionError } from '@reprise/store';
import type { Argument, IoredisClient, RedisConnection, Reply } from './client.ts';
import { listenToClient } from './client-errors.ts';

/** Whether this is a client of `ioredis`. */
export function isIoredis(client: object): client is IoredisClient {
  const { status, callBuffer } = client as Partial<IoredisClient>;
  return typeof status === 'string' && typeof callBuffer === 'function';
}

/** @throws OptionError where the client changes keys on their way */
export function connectIoredis(client: IoredisClient): RedisConnection {
  const { keyPrefix, scaleReads } = client.options as { readonly keyPrefix?: unknown; readonly scaleReads?: unknown };
  if (scaleReads !== undefined && scaleReads !== 'master') {
    throw new OptionError(
      "redisStore: client reads from replicas, which may not know yet what has been invalidated: give a Cluster with scaleReads 'master'",
    );
  }
  if (keyPrefix !== undefined && keyPrefix !== '') {
    throw new OptionError(
      "redisStore: client has a keyPrefix, which would change the store's keys: give another client, and the store's own option prefix",
    );
  }
  return new IoredisConnection(client);
}

class IoredisConnection implements RedisConnection {
  readonly #client: IoredisClient;

  constructor(client: IoredisClient) {
    this.#client = client;
  }

  get state(): RedisConnection['state'] {
    const { status } = this.#client;
    if (status === 'ready') return 'ready';
    return status === 'wait' || status === 'connecting' || status === 'connect' ? 'connecting' : 'lost';
  }

  // Where a command goes ioredis finds out itself, from the keys in it.
  send(_key: Buffer, command: string, args: readonly Argument[]): Promise<Reply> {
    return this.#client.callBuffer(command, ...args) as Promise<Reply>;
  }

  listen(failed: (error: unknown) => void): () => void {
    return listenToClient(this.#client, failed);
  }
}
