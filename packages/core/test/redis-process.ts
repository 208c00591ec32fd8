/** A process of its own that calls a function that is cached in Redis, as often at once as it is told. */
import { cached } from '@reprise/core';
import { redisStore } from '@reprise/store-redis';

const [url = '', prefix = ''] = process.argv.slice(2);
let runs = 0;
const work = cached(
  async (id: string, duration: number) => {
    runs++;
    process.send?.({ began: id });
    await new Promise((done) => setTimeout(done, duration));
    return `result of ${id}`;
  },
  // A busy machine takes its time to connect: who does not wait for the store runs for himself.
  { store: redisStore({ url, prefix, leaseDuration: 1_500 }), name: 'work', storeTimeout: '30s' },
);

process.on('message', async ({ id, duration, calls }: { id: string; duration: number; calls: number }) => {
  const results = await Promise.all(Array.from({ length: calls }, () => work(id, duration)));
  process.send?.({ results, runs });
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
