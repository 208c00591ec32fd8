import { readOptions, type SqliteStoreOptions } from './options.ts';
import { type SqliteStore, TableStore } from './table-store.ts';

/**
 * A store that keeps entries in one SQLite file and so outlives the process; it is synchronous, and several processes may use
 * one file.
 *
 * Results (`set` with a `generation`) are seen by this process at once, and are written in one transaction at the end of the tick.
 * Invalidations (`delete`, `clear`, `invalidateTags`, `set` without a `generation`) are written before they return, and bind every
 * process from then on. Every entry is bound to its key and covered by a checksum: one that is damaged is a miss, is reported to
 * `listen({ failed })`, and goes. The file is opened when first used.
 *
 * @throws OptionError for an unknown option, or one that cannot be meant
 * @throws StoreError where no driver is installed: `better-sqlite3`, or a Node that has `node:sqlite`
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { sqliteStore } from '@reprise/store-sqlite';
 *
 * const folder = mkdtempSync(join(tmpdir(), 'reprise-'));
 * const store = sqliteStore({ filename: join(folder, 'cache.sqlite'), maxSize: 10_000 });
 * const now = Date.now();
 * store.set('rates', { value: new Map([['EUR', 1.1]]), createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 });
 * assert.deepEqual(store.get('rates')?.value, new Map([['EUR', 1.1]]));
 * store.close();
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  return new TableStore(readOptions(options));
}
