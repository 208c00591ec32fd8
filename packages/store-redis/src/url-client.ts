import { performance } from 'node:perf_hooks';
import { StoreError } from '@reprise/store';
import type { RedisConnection } from './client.ts';
import { connectIoredis } from './ioredis.ts';
import { connectNodeRedis } from './node-redis.ts';

/** Between two attempts to connect anew there are so many milliseconds, at least. */
const pause = 100;

/** What the two packages do each in its way. */
interface OwnClient {
  readonly connection: RedisConnection;
  /** Whether it is neither connected nor about to be, and does nothing about it. */
  isAtRest(): boolean;
  connect(): Promise<unknown>;
  /** Whether it keeps the process alive. */
  hold(isHeld: boolean): void;
  end(): void;
}

/**
 * A client of the store's own, of whichever package is installed. It does not connect anew by itself, since that would keep the process
 * alive for as long as there is no server, but when it is needed.
 *
 * @throws StoreError that says what to install
 */
export async function connectUrl(url: string): Promise<RedisConnection> {
  const ioredis = await import('ioredis').catch(() => undefined);
  if (ioredis !== undefined) return owned(ownIoredis(ioredis, url));
  const redis = await import('redis').catch((cause: unknown) => {
    throw new StoreError('neither ioredis nor redis can be loaded: npm i ioredis', { cause });
  });
  return owned(ownNodeRedis(redis, url));
}

function ownIoredis({ Redis }: Pick<typeof import('ioredis'), 'Redis'>, url: string): OwnClient {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000 });
  return {
    connection: connectIoredis(client),
    isAtRest: () => client.status === 'wait' || client.status === 'end',
    connect: () => client.connect(),
    hold(isHeld) {
      const { stream } = client as unknown as { readonly stream?: { ref(): void; unref(): void } };
      if (isHeld) stream?.ref();
      else stream?.unref();
    },
    end: () => client.disconnect(),
  };
}

function ownNodeRedis({ createClient }: Pick<typeof import('redis'), 'createClient'>, url: string): OwnClient {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
  // Without a listener a failure to connect would end the process; the store listens as soon as it has the connection.
  client.on('error', () => {});
  return {
    connection: connectNodeRedis(client),
    isAtRest: () => !client.isOpen,
    connect: () => client.connect(),
    hold: (isHeld) => (isHeld ? client.ref() : client.unref()),
    end: () => {
      if (client.isOpen) client.destroy();
    },
  };
}

function owned(own: OwnClient): RedisConnection {
  const { connection } = own;
  let unanswered = 0;
  let connecting: Promise<void> | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let isEnded = false;
  const connect = (): Promise<void> => {
    triedAt = performance.now();
    const attempt = own.connect().then(
      () => {
        if (unanswered === 0) own.hold(false);
      },
      // It says so to those who listen.
      () => {},
    );
    connecting = attempt.finally(() => {
      connecting = undefined;
    });
    return connecting;
  };
  void connect();
  return {
    get state() {
      return connection.state;
    },
    get turn() {
      return connection.turn;
    },
    revive() {
      if (connecting !== undefined) return connecting;
      if (isEnded || !own.isAtRest() || performance.now() - triedAt < pause) return undefined;
      return connect();
    },
    // Only what is without an answer keeps the process alive.
    async send(key, command, args) {
      if (unanswered++ === 0) own.hold(true);
      try {
        return await connection.send(key, command, args);
      } finally {
        if (--unanswered === 0) own.hold(false);
      }
    },
    listen: (failed) => connection.listen(failed),
    ...(connection.watch && { watch: connection.watch }),
    close: async () => {
      isEnded = true;
      own.end();
      await connecting;
    },
  };
}
