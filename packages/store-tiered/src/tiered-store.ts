import type { AsyncStore, Store, SyncStore } from '@reprise/store/contract';
import { AsyncTiers } from './async-tiers.ts';
import { checkTiers, type FirstTier, type TieredStoreOptions } from './options.ts';
import { SyncTiers } from './sync-tiers.ts';

/** What {@link tieredStore} makes: synchronous where its second tier is, and with all that the second tier can do. */
export type TieredStore<L2 extends Store = Store> = L2 extends { readonly sync: true } ? SyncStore : AsyncStore;

/**
 * Two tiers as one store: the memory of this process in front of a store that is larger, or shared, or outlives it.
 *
 * A read is answered by the first tier if it may be believed, else by the second one, whose entry is kept in front for the rest of its
 * life. What is written goes to the second tier, what is invalidated goes from both; fences, leases, labels and listings are the second one's.
 *
 * **What another process invalidates** leaves the first tier within 100 milliseconds where the second one tells of its changes
 * (`redisStore`); when the connection that tells is lost, the first tier answers nothing until it is whole again. Elsewhere the first tier may
 * answer with it for `l1Ttl`, one second by default. This process's own invalidations hold at once. Callers share the objects that
 * the first tier holds, as in memory: see `isolate`.
 *
 * @param l1 in memory, and this store's alone: `memoryStore({ maxSize: 10_000 })`
 * @param l2 any other store
 * @throws OptionError for tiers or options that cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { diskStore } from '@reprise/store-disk';
 * import { memoryStore } from '@reprise/store-memory';
 * import { tieredStore } from '@reprise/store-tiered';
 *
 * const directory = mkdtempSync(join(tmpdir(), 'reprise-'));
 * const store = tieredStore(memoryStore({ maxSize: 1_000 }), diskStore({ directory }), { l1Ttl: '5s' });
 * const now = Date.now();
 * await store.set('k', { value: 'v', createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 });
 * assert.equal((await store.get('k'))?.value, 'v'); // from the second tier
 * assert.equal((await store.get('k'))?.value, 'v'); // from the first
 * await store.close();
 */
export function tieredStore<L2 extends Store>(
  l1: SyncStore,
  l2: L2,
  options: TieredStoreOptions = {},
): TieredStore<L2> {
  const settings = checkTiers(l1, l2, options);
  const store = l2.sync ? new SyncTiers(l1 as FirstTier, l2, settings) : new AsyncTiers(l1 as FirstTier, l2, settings);
  return store as Store as TieredStore<L2>;
}
