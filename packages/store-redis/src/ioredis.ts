import { OptionError } from '@reprise/store';
import type { Argument, IoredisClient, RedisConnection, RedisWatch, Reply, WatchHearer } from './client.ts';
import { listenToClient, turnOf } from './client-events.ts';
import { readOrigin } from './state.ts';

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
  readonly #isCluster: boolean;
  readonly watch?: (prefixes: readonly Buffer[], hearer: WatchHearer) => Promise<RedisWatch>;

  constructor(client: IoredisClient) {
    this.#client = client;
    this.#isCluster = 'isCluster' in client && client.isCluster === true;
    // On a cluster the node would have to be found that has the slot, and found anew whenever that moves.
    if (!this.#isCluster) this.watch = (prefixes, hearer) => watchWith(client, prefixes, hearer);
  }

  get state(): RedisConnection['state'] {
    const { status } = this.#client;
    if (status === 'ready') return 'ready';
    return status === 'wait' || status === 'connecting' || status === 'connect' ? 'connecting' : 'lost';
  }

  get turn(): number | undefined {
    return this.#isCluster ? undefined : turnOf(this.#client);
  }

  // Where a command goes ioredis finds out itself, from the keys in it.
  // By the command's own method: with automatic pipelines `call` loses the name of the command.
  send(_key: Buffer, command: string, args: readonly Argument[]): Promise<Reply> {
    const methods = this.#client as unknown as Readonly<
      Record<string, (...args: readonly Argument[]) => Promise<Reply>>
    >;
    return (methods[`${command.toLowerCase()}Buffer`] as (typeof methods)[string]).apply(
      this.#client,
      args as Argument[],
    );
  }

  listen(failed: (error: unknown) => void): () => void {
    return listenToClient(this.#client, failed);
  }
}

interface Subscriber extends IoredisClient {
  connect(): Promise<void>;
  call(command: string, ...args: (string | Buffer)[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  disconnect(): void;
  on(event: string, listener: (...given: never[]) => void): unknown;
}

/** One connection for both: the tracking is redirected to itself, and what changes comes as messages of a channel. */
async function watchWith(client: IoredisClient, prefixes: readonly Buffer[], hearer: WatchHearer): Promise<RedisWatch> {
  const once = {
    lazyConnect: true,
    retryStrategy: null,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    readOnly: false,
    enableAutoPipelining: false,
    stringNumbers: false,
    // Later versions speak the third one, in which changes do not come as messages of a channel.
    protocol: 2,
  };
  const subscriber = (client.duplicate as (options: object) => unknown)(once) as Subscriber;
  let isClosed = false;
  let origin = '';
  const close = (): void => {
    isClosed = true;
    subscriber.disconnect();
  };
  const ended = (error?: unknown): void => {
    if (!isClosed) hearer.ended(error ?? new Error('its connection has ended'));
  };
  subscriber.on('error', ended as () => void);
  subscriber.on('end', (() => ended()) as () => void);
  try {
    await subscriber.connect();
    origin = readOrigin(String(await subscriber.call('INFO', 'replication')));
    const id = String(await subscriber.call('CLIENT', 'ID'));
    const wanted = prefixes.flatMap((prefix) => ['PREFIX', prefix]);
    await subscriber.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...wanted);
    subscriber.on('messageBuffer', ((_channel: Buffer, keys: readonly Buffer[] | Buffer | null) => {
      hearer.changed(Buffer.isBuffer(keys) ? [keys] : keys);
    }) as () => void);
    await subscriber.subscribe('__redis__:invalidate');
    // Nobody waits for it.
    (subscriber as unknown as { readonly stream?: { unref(): void } }).stream?.unref();
  } catch (error) {
    close();
    throw error;
  }
  return {
    origin,
    ping: async () => {
      await subscriber.ping();
    },
    close,
  };
}
