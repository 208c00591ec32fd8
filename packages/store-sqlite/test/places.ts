import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Entry, StoreListener } from '@reprise/store';
import { type SqliteDriver, type SqliteStore, type SqliteStoreOptions, sqliteStore } from '@reprise/store-sqlite';

const folders: string[] = [];
const stores: SqliteStore[] = [];

/** A folder of its own, gone when the file's tests have ended. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-sqlite-'));
  folders.push(folder);
  return folder;
}

/** The path of a file that is not there yet. */
export function makeFilename(): string {
  return join(makeFolder(), 'cache.sqlite');
}

/** A store that is closed when the file's tests have ended. */
export function open(filename: string, options: Omit<SqliteStoreOptions, 'filename'> = {}): SqliteStore {
  const store = sqliteStore({ filename, ...options });
  stores.push(store);
  return store;
}

afterAll(async () => {
  for (const store of stores) store.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A file, open by hand, past the store. */
export function openDatabase(filename: string): { exec(sql: string): unknown; close(): void } {
  if (drivers.includes('better-sqlite3')) return new (createRequire(import.meta.url)('better-sqlite3'))(filename);
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as {
    DatabaseSync: new (filename: string) => { exec(sql: string): void; close(): void };
  };
  return new DatabaseSync(filename);
}

/** The drivers that this Node can load. */
export const drivers: readonly SqliteDriver[] = (['better-sqlite3', 'node:sqlite'] as const).filter((driver) => {
  try {
    sqliteStore({ filename: 'never opened', driver });
    return true;
  } catch {
    return false;
  }
});

/** An entry made at `createdAt` that never ends, or lives for `ttl` milliseconds. */
export function entryOf(value: unknown, createdAt = 0, ttl = Infinity): Entry {
  return { value, createdAt, expiresAt: createdAt + ttl, staleUntil: createdAt + ttl };
}

/** What a run that begins now and ends at once would store. */
export function resultOf(store: SqliteStore, value: unknown): Entry {
  return { ...entryOf(value), generation: store.generation() };
}

/** Until the writes of this tick have been done. */
export function endOfTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Collects what a store reports. */
export class Reports implements StoreListener {
  readonly removals: string[] = [];
  readonly failures: { error: unknown; key: string | undefined }[] = [];

  removed(key: unknown, cause: string): void {
    this.removals.push(`${cause} ${String(key)}`);
  }

  failed(error: unknown, key?: string): void {
    this.failures.push({ error, key });
  }
}
