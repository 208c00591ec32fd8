import { StoreError } from '@reprise/store';
import type { RedisConnection } from './client.ts';
import { connectIoredis } from './ioredis.ts';
import { connectNodeRedis } from './node-redis.ts';

/**
 * A client of the store's own, of whichever package is installed.
 *
 * @throws StoreError that says what to install
 */
export async function connectUrl(url: string): Promise<RedisConnection> {
  const ioredis = await import('ioredis').catch(() => undefined);
  if (ioredis !== undefined) {
    const client = new ioredis.Redis(url, { maxRetriesPerRequest: 1 });
    const connection = connectIoredis(client);
    // Only what is without an answer keeps the process alive.
    const hold = (isHeld: boolean): void => {
      const { stream } = client as unknown as { readonly stream?: { ref(): void; unref(): void } };
      if (isHeld) stream?.ref();
      else stream?.unref();
    };
    return owned(connection, hold, async () => client.disconnect());
  }
  const redis = await import('redis').catch((cause: unknown) => {
    throw new StoreError('neither ioredis nor redis can be loaded: npm i ioredis', { cause });
  });
  const client = redis.createClient({ url });
  const connection = connectNodeRedis(client);
  // Without a listener a failure to connect would end the process; the store listens as soon as it has the connection.
  client.on('error', () => {});
  client.connect().catch(() => {});
  const hold = (isHeld: boolean): void => (isHeld ? client.ref() : client.unref());
  return owned(connection, hold, async () => client.destroy());
}

function owned(
  connection: RedisConnection,
  hold: (isHeld: boolean) => void,
  close: () => Promise<void>,
): RedisConnection {
  let unanswered = 0;
  return {
    get state() {
      return connection.state;
    },
    get turn() {
      return connection.turn;
    },
    async send(key, command, args) {
      if (unanswered++ === 0) hold(true);
      try {
        return await connection.send(key, command, args);
      } finally {
        if (--unanswered === 0) hold(false);
      }
    },
    listen: (failed) => connection.listen(failed),
    ...(connection.watch && { watch: connection.watch }),
    close,
  };
}
