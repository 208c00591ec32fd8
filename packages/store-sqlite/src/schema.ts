import { randomBytes } from 'node:crypto';
import { StoreError } from '@reprise/store';
import type { Database } from './driver.ts';

/** 'RPRS': tells the file from every other SQLite database. */
const applicationId = 0x52505253;
/** Goes up whenever an older release would read the file wrongly. */
const schemaVersion = 1;

/**
 * - `state`: one row. `mark` tells this file from every other one, `epoch` counts all invalidations, and what was given before
 *   `floor` is void whatever it is about.
 * - `namespaces`: how many entries each has, and how many bytes they have: read at each write where there are bounds.
 * - `entries`: `key` with its namespace in front, text or bytes (key-column.ts). `stale_until` and `idle` are there to find
 *   `ends_at` anew when an entry is touched; the envelope knows them too. `used` grows with each use.
 *   `envelope` is text where the entry has one, and `bytes` what its UTF-8 takes.
 * - `fences`: the epoch at which a key or a tag, as a number, was last invalidated; `prefix_fences` the same of beginnings.
 */
const tables = `
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), mark TEXT NOT NULL, epoch INTEGER NOT NULL, floor INTEGER NOT NULL);
CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, entries INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  key NOT NULL UNIQUE,
  namespace INTEGER NOT NULL,
  ends_at REAL NOT NULL,
  stale_until REAL NOT NULL,
  idle REAL,
  used INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  tagged INTEGER NOT NULL,
  envelope NOT NULL
);
CREATE INDEX entries_by_end ON entries (ends_at) WHERE ends_at < 9e999;
CREATE TABLE tags (tag NOT NULL, entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE, PRIMARY KEY (tag, entry)) WITHOUT ROWID;
CREATE INDEX tags_by_entry ON tags (entry);
CREATE TABLE fences (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE prefix_fences (prefix NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (
  key NOT NULL PRIMARY KEY, token TEXT NOT NULL, store TEXT NOT NULL,
  host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
`;

/** Only a store that has bounds asks for it: it is a third of the price of a write. */
export const orderOfUse = 'CREATE INDEX IF NOT EXISTS entries_by_use ON entries (namespace, used, bytes)';

/**
 * Makes an open file one of ours, if it is empty, and sees that it is one.
 *
 * @returns the mark of the file; `undefined` where it cannot be what it says it is, and so is damaged
 * @throws StoreError for a database of something else, or of a later release
 */
export function prepareFile(database: Database, filename: string): string | undefined {
  // Nothing is changed before it is known whose it is.
  const isEmpty = lookInto(database, filename);
  // Before there is anything in the file; afterwards it could not be had without copying all of it.
  if (isEmpty) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 4194304');
  createTables(database);
  lookInto(database, filename);
  if (countTables(database) < tableNames.length) return undefined;
  const state = database.prepare('SELECT mark FROM state WHERE id = 1').get() as { readonly mark: string } | undefined;
  return state?.mark;
}

const tableNames = ['state', 'namespaces', 'entries', 'tags', 'fences', 'prefix_fences', 'leases'];

function countTables(database: Database): number {
  const names = tableNames.map((name) => `'${name}'`).join();
  const sql = `SELECT count(*) AS count FROM sqlite_master WHERE type = 'table' AND name IN (${names})`;
  return (database.prepare(sql).get() as { count: number }).count;
}

/**
 * In one transaction: another process may be making the file at this moment.
 *
 * @returns whether there is nothing in it yet
 */
function lookInto(database: Database, filename: string): boolean {
  database.exec('BEGIN');
  try {
    const application = readPragma(database, 'application_id');
    const version = readPragma(database, 'user_version');
    const { count } = database.prepare('SELECT count(*) AS count FROM sqlite_master').get() as { count: number };
    if (application === 0 && version === 0 && count === 0) return true;
    if (application !== applicationId) throw refuse(filename, 'is the database of something else');
    if (version > schemaVersion) {
      throw refuse(filename, `was made by a later release (schema ${version}; this release knows ${schemaVersion})`);
    }
    return false;
  } finally {
    database.exec('COMMIT');
  }
}

function createTables(database: Database): void {
  if (readPragma(database, 'user_version') !== 0) return;
  database.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have been faster.
    if (readPragma(database, 'user_version') === 0 && readPragma(database, 'application_id') === 0) {
      database.exec(tables);
      database.prepare('INSERT INTO state VALUES (1, ?, 0, 0)').run(randomBytes(8).toString('hex'));
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function readPragma(database: Database, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number> | undefined;
  return row?.[name] ?? 0;
}

function refuse(filename: string, what: string): StoreError {
  return new StoreError(`The SQLite store cannot use ${filename}: it ${what}; give it a file of its own as filename`);
}
