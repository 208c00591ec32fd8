/** One SQLite file with values of several sizes: Reprise, and better-sqlite3 by itself with JSON. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { sqliteStore } from '@reprise/store-sqlite';
import { type OpenStorage, year } from './storage.ts';

export const openSqlite: OpenStorage = (folder, length, clock) => {
  const store = sqliteStore({ filename: join(folder, 'reprise.db'), driver: 'better-sqlite3', clock });
  const text = 'x'.repeat(length);
  return {
    async put(id, number, life = year) {
      const now = clock.now();
      const value = { number, text };
      const generation = store.generation();
      store.set(id, { value, createdAt: now, expiresAt: now + life, staleUntil: now + life, generation });
      // As the result of a run, it is written when the tick ends.
      await setImmediate();
    },
    get(id) {
      const entry = store.get(id);
      return entry === undefined ? Number.NaN : (entry.value as { number: number }).number;
    },
    prune: () => store.prune(),
    close: () => store.close(),
  };
};

interface RawStatement {
  pluck(): RawStatement;
  get(key: string): unknown;
  run(...values: unknown[]): { readonly changes: number };
}

interface RawDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): RawStatement;
  close(): void;
}

export const openRawSqlite: OpenStorage = (folder, length, clock) => {
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (filename: string) => RawDatabase;
  const database = new Database(join(folder, 'raw.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(`CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key NOT NULL UNIQUE, ends_at REAL NOT NULL, value NOT NULL
  )`);
  database.exec('CREATE INDEX IF NOT EXISTS entries_by_end ON entries (ends_at)');
  const select = database.prepare('SELECT value FROM entries WHERE key = ?').pluck();
  const sweep = database.prepare('DELETE FROM entries WHERE ends_at <= ?');
  const upsert = database.prepare(
    `INSERT INTO entries (key, ends_at, value) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at, value = excluded.value`,
  );
  const text = 'x'.repeat(length);
  return {
    put: (id, number, life = year) => upsert.run(id, clock.now() + life, JSON.stringify({ number, text })),
    get: (id) => (JSON.parse(select.get(id) as string) as { number: number }).number,
    prune: () => sweep.run(clock.now()).changes,
    close: () => database.close(),
  };
};
