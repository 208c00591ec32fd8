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
    return withClose(connection, async () => client.disconnect());
  }
  const redis = await import('redis').catch((cause: unknown) => {
    throw new StoreError('neither ioredis nor redis can be loaded: npm i ioredis', { cause });
  });
  const client = redis.createClient({ url });
  const connection = connectNodeRedis(client);
  // Without a listener a failure to connect would end the process; the store listens as soon as it has the connection.
  client.on('error', () => {});
  client.connect().catch(() => {});
  return withClose(connection, async () => client.destroy());
}

function withClose(connection: RedisConnection, close: () => Promise<void>): RedisConnection {
  return {
    get state() {
      return connection.state;
    },
    send: (key, command, args) => connection.send(key, command, args),
    listen: (failed) => connection.listen(failed),
    ...(connection.watch && { watch: connection.watch }),
    close,
  };
}
