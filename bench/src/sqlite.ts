/** One SQLite file: what Reprise does, and better-sqlite3 by itself with JSON, which checks neither a value nor its key or age. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sqliteStore } from '@reprise/store-sqlite';
import type { TableShelf } from './feature.ts';

const text = 'x'.repeat(1_000);

export function sqliteShelf(directory: string): TableShelf {
  const store = sqliteStore({ filename: join(directory, 'reprise.db'), driver: 'better-sqlite3' });
  return {
    put(ids) {
      // As results of runs: they wait for one transaction, at the end of the tick.
      const generation = store.generation();
      const now = Date.now();
      for (const id of ids) {
        const value = { number: 1, text };
        store.set(id, { value, createdAt: now, expiresAt: now + 3_600_000, staleUntil: now + 3_600_000, generation });
      }
    },
    get(id) {
      const entry = store.get(id);
      return entry === undefined ? Number.NaN : (entry.value as { number: number }).number;
    },
    list() {
      let sum = 0;
      for (const [, entry] of store.entries()) sum += (entry.value as { number: number }).number;
      return sum;
    },
  };
}

interface RawStatement {
  pluck(): RawStatement;
  get(key: string): unknown;
  run(...values: unknown[]): unknown;
  iterate(): Iterable<{ readonly key: string; readonly value: string }>;
}

interface RawDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): RawStatement;
}

export function rawSqliteShelf(directory: string): TableShelf {
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (filename: string) => RawDatabase;
  const database = new Database(join(directory, 'raw.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(
    'CREATE TABLE entries (id INTEGER PRIMARY KEY, key NOT NULL UNIQUE, ends_at REAL NOT NULL, value NOT NULL)',
  );
  database.exec('CREATE INDEX entries_by_end ON entries (ends_at)');
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const select = database.prepare('SELECT value FROM entries WHERE key = ?').pluck();
  const all = database.prepare('SELECT key, value FROM entries ORDER BY id');
  const upsert = database.prepare(
    `INSERT INTO entries (key, ends_at, value) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at, value = excluded.value`,
  );
  return {
    put(ids) {
      const endsAt = Date.now() + 3_600_000;
      begin.run();
      for (const id of ids) upsert.run(id, endsAt, JSON.stringify({ number: 1, text }));
      commit.run();
    },
    get: (id) => (JSON.parse(select.get(id) as string) as { number: number }).number,
    list() {
      let sum = 0;
      for (const { value } of all.iterate()) sum += (JSON.parse(value) as { number: number }).number;
      return sum;
    },
  };
}
