/** A process of its own that does with a Redis store what it is told. */
import { redisStore } from '@reprise/store-redis';
import { Redis } from 'ioredis';

const client = new Redis(Number(process.argv[2]), '127.0.0.1');
const store = redisStore({ client, prefix: 'processes', leaseDuration: 200 });
let generation = '';

process.on('message', async (question) => {
  if (question === 'begin') {
    generation = await store.generation();
    process.send?.(generation);
  } else if (question === 'keep') {
    const createdAt = Date.now();
    const times = { createdAt, expiresAt: createdAt + 60_000, staleUntil: createdAt + 60_000 };
    process.send?.(await store.set('k', { value: 'computed', ...times, generation }));
  } else {
    process.send?.((await store.lease('k')) !== undefined);
  }
});
process.on('disconnect', () => process.exit());
