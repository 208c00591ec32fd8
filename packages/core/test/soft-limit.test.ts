import { expect, it } from '@jest/globals';
import { cached, createCache } from '@reprise/core';
import type { AsyncStore, Entry } from '@reprise/store';
import { manualClock } from '@reprise/store-testkit';
import { defer } from './deferred.ts';

it('a soft limit that passes while the store is being asked lets the stale answer go as soon as it is there', async () => {
  const entries = new Map<string, Entry>();
  let gate: Promise<unknown> = Promise.resolve();
  const store: AsyncStore = {
    sync: false,
    get: async (key) => {
      await gate;
      return entries.get(key);
    },
    set: async (key, entry) => void entries.set(key, entry),
    delete: async (key) => entries.delete(key),
    clear: async () => entries.clear(),
    close: async () => {},
  };
  const clock = manualClock(Date.now());
  const cache = createCache({ name: 'soft limit', store, clock });
  const run = defer<string>();
  let runs = 0;
  const load = cached((): Promise<string> => (++runs === 1 ? Promise.resolve('old') : run.promise), {
    cache,
    name: 'load',
    ttl: 1_000,
    staleIfError: '1h',
    timeout: { soft: 1 },
  });
  expect(await load()).toBe('old');
  clock.advance(1_000);
  const slow = defer();
  gate = slow.promise;
  const answers = Promise.all([load(), load()]);
  // Both limits pass while the store is silent.
  await new Promise((resolve) => setTimeout(resolve, 20));
  slow.resolve();
  expect(await answers).toEqual(['old', 'old']);
  run.resolve('new');
  await run.promise;
  const { misses, stale, coalesced, loads } = load.stats();
  expect({ misses, stale, coalesced, loads }).toEqual({ misses: 1, stale: 2, coalesced: 0, loads: 2 });
  await cache.close();
});
