import { type Clock, type Codec, type Duration, defaultCodec, OptionError, parseDuration } from '@reprise/store';
import type { RedisClient, RedisConnection } from './client.ts';
import { connectIoredis, isIoredis } from './ioredis.ts';
import { connectNodeRedis, isNodeRedis } from './node-redis.ts';
import { connectUrl } from './url-client.ts';

/** What {@link redisStore} may be told: a `client` or a `url`, and more. */
export interface RedisStoreOptions {
  /** A client of `ioredis` from 5.11 on, or of `redis` from 6 on, that its owner connects and closes. Either this or `url`. */
  readonly client?: RedisClient;
  /** Where the server is, `redis://…` or `rediss://…`: the store makes a client of `ioredis` or `redis`, whichever is installed, and closes it. */
  readonly url?: string;
  /**
   * What all keys begin with, as `{prefix}:`. Stores with one prefix are of one place: they share tags and, on a cluster, a slot.
   * Any text without braces, not empty. Default: `'reprise'`.
   */
  readonly prefix?: string;
  /** Tells stores of one prefix apart: each sees, clears and counts its own entries only. Any text. Default: `''`. */
  readonly namespace?: string;
  /** Turns values into bytes. Default: `defaultCodec` of `@reprise/store`. */
  readonly codec?: Codec;
  /** Judges age, for tests: all stores of the place must have the same. Default: the clock of the cache that uses the store, else the server's. */
  readonly clock?: Clock;
  /** How long a lease lasts that is not renewed: from 1 ms to a day, in whole milliseconds. Default: `'5s'`. */
  readonly leaseDuration?: Duration;
}

/** How to get to the server. */
interface Connecting {
  readonly connect: () => Promise<RedisConnection>;
  /** Whether one can be told there of what changes. */
  readonly canWatch: boolean;
}

/** The options after their check, with the defaults in place. */
export interface Settings extends Connecting {
  readonly prefix: string;
  readonly namespace: string;
  readonly codec: Codec;
  readonly clock: Clock | undefined;
  readonly leaseDuration: number;
}

const names = ['client', 'url', 'prefix', 'namespace', 'codec', 'clock', 'leaseDuration'];

/** @throws OptionError that names the option and the way out */
export function readOptions(options: RedisStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('redisStore takes its options as one object: redisStore({ client })');
  }
  for (const name of Object.keys(options)) {
    if (name === 'maxSize' || name === 'maxBytes') {
      throw new OptionError(`redisStore has no ${name}: Redis keeps to its own maxmemory, for all that it holds`);
    }
    if (!names.includes(name))
      throw new OptionError(`redisStore has no option '${name}'; it takes ${names.join(', ')}`);
  }
  const { prefix = 'reprise', namespace = '', codec = defaultCodec, clock, leaseDuration: lasting = '5s' } = options;
  // Half a pair of surrogates has no bytes of its own: two such prefixes would be one.
  if (typeof prefix !== 'string' || prefix === '' || /[{}\p{Surrogate}]/u.test(prefix)) {
    throw new OptionError(
      "redisStore: prefix must be a text without braces and halves of characters that is not empty, such as 'reprise'",
    );
  }
  if (typeof namespace !== 'string') throw new OptionError('redisStore: namespace must be a string');
  if (typeof codec?.name !== 'string' || typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new OptionError('redisStore: codec must be an object with a name, encode(value) and decode(bytes)');
  }
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new OptionError('redisStore: clock must be an object with now(), in milliseconds since the epoch');
  }
  const leaseDuration = parseDuration(lasting, 'redisStore: leaseDuration');
  if (!Number.isInteger(leaseDuration) || leaseDuration < 1 || leaseDuration > 86_400_000) {
    throw new OptionError(
      `redisStore: leaseDuration must be from 1 ms to a day, in whole milliseconds, not ${leaseDuration}`,
    );
  }
  return {
    ...chooseConnection(options),
    prefix,
    namespace,
    codec,
    clock,
    leaseDuration,
  };
}

function chooseConnection({ client, url }: RedisStoreOptions): Connecting {
  if (client !== undefined && url !== undefined) {
    throw new OptionError('redisStore was given both a client and a url: leave one of them out');
  }
  if (client === undefined && url === undefined) {
    throw new OptionError('redisStore needs either a client (of ioredis or redis) or a url: redisStore({ client })');
  }
  if (url !== undefined) {
    if (typeof url !== 'string' || !/^rediss?:\/\//.test(url)) {
      throw new OptionError("redisStore: url must begin with redis:// or rediss://, such as 'redis://localhost:6379'");
    }
    return { connect: () => connectUrl(url), canWatch: true };
  }
  const connection = connectClient(client);
  return { connect: () => Promise.resolve(connection), canWatch: connection.watch !== undefined };
}

function connectClient(client: unknown): RedisConnection {
  if (typeof client === 'object' && client !== null) {
    if (isIoredis(client)) return connectIoredis(client);
    if (isNodeRedis(client)) return connectNodeRedis(client);
  }
  throw new OptionError('redisStore: client is neither one of ioredis (5.11 or later) nor one of redis (6 or later)');
}
