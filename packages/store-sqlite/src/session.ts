import { type BigIntStats, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database, OpenDatabase, SqlValue, Statement } from './driver.ts';
import { type KeyColumn, toColumn } from './key-column.ts';
import { KnownRows, unknown } from './known-rows.ts';
import { prepareFile } from './schema.ts';

const reclaimedAtOnce = 1_000;

/** An entry as it stands in the table: text where it has one, which both drivers hand out faster, else bytes. */
export type Envelope = string | Uint8Array;

/** A prepared statement of one row and one column. */
type Lookup = (given?: SqlValue) => unknown;

/** A file that is open, and all that holds for this very file only. */
export class Session {
  readonly database: Database;
  /** Tells the file from every other one. */
  readonly mark: string;
  readonly identity: string;
  /** How many fences were set through it since they were last counted. */
  fencesSet = 0;
  readonly #statements = new Map<string, Statement>();
  readonly #lookups = new Map<string, Lookup>();
  readonly #namespaces = new Map<string, number>();
  readonly #rows = new KnownRows();
  #envelopes: Lookup | undefined;
  #envelopesById: Lookup | undefined;
  #epochs: Lookup | undefined;

  constructor(database: Database, mark: string, identity: string) {
    this.database = database;
    this.mark = mark;
    this.identity = identity;
  }

  /** A statement, prepared once. */
  statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** What stands in the one column, called `value`, of the one row that a statement finds; `undefined` where there is none. */
  value(sql: string, ...values: readonly [] | readonly [SqlValue]): unknown {
    let lookup = this.#lookups.get(sql);
    if (lookup === undefined) {
      lookup = this.#lookup(sql);
      this.#lookups.set(sql, lookup);
    }
    return values.length === 0 ? lookup() : lookup(values[0]);
  }

  #lookup(sql: string): Lookup {
    const statement = this.database.prepare(sql);
    // A method that is called as one: with bind it would take a tenth longer.
    const plucked = statement.pluck?.();
    if (plucked) return (given) => (given === undefined ? plucked.get() : plucked.get(given));
    return (given) => {
      const row = given === undefined ? statement.get() : statement.get(given);
      return (row as { readonly value: unknown } | undefined)?.value;
    };
  }

  /** What stands under a key, namespace included. */
  envelope(key: KeyColumn): Envelope | undefined {
    this.#envelopes ??= this.#lookup('SELECT envelope AS value FROM entries WHERE key = ?');
    return this.#envelopes(key) as Envelope | undefined;
  }

  /**
   * The same, faster for keys that are read again and again. What it answers may be the envelope of another key: whoever finds
   * that asks {@link forgetRow}, and once more.
   *
   * @param key without its namespace
   */
  find(key: string, fullKey: string): Envelope | undefined {
    const id = this.#rows.get(key);
    if (id === undefined) return this.envelope(toColumn(fullKey));
    if (id !== unknown) {
      this.#envelopesById ??= this.#lookup('SELECT envelope AS value FROM entries WHERE id = ?');
      const found = this.#envelopesById(id) as Envelope | undefined;
      if (found !== undefined) return found;
    }
    const row = this.statement('SELECT id, envelope FROM entries WHERE key = ?').get(toColumn(fullKey)) as
      | { readonly id: number; readonly envelope: Envelope }
      | undefined;
    this.#rows.set(key, row?.id);
    return row?.envelope;
  }

  /** @returns whether it was known where the entry of a key lies; it is no longer */
  forgetRow(key: string): boolean {
    return this.#rows.forget(key);
  }

  /** How many invalidations there have been in this file, whoever's. */
  epoch(): number {
    this.#epochs ??= this.#lookup('SELECT epoch AS value FROM state WHERE id = 1');
    return this.#epochs() as number;
  }

  /** The number of a namespace; one that is new is added, which only a transaction that writes may cause. */
  namespace(name: string): number {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const column = toColumn(name);
    this.statement('INSERT INTO namespaces (name) VALUES (?) ON CONFLICT DO NOTHING').run(column);
    const id = this.value('SELECT id AS value FROM namespaces WHERE name = ?', column) as number;
    this.#namespaces.set(name, id);
    return id;
  }

  /** What was learnt in a transaction that is undone may not be so. */
  forget(): void {
    this.#namespaces.clear();
  }

  /** Gives the room of what was removed back to the file system, in steps between which others may write. */
  reclaim(): void {
    let left = this.#freePages();
    while (left > 0) {
      this.database.exec(`PRAGMA incremental_vacuum(${reclaimedAtOnce})`);
      const now = this.#freePages();
      if (now >= left) break;
      left = now;
    }
    // The file itself is cut when the log is written into it.
    this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  #freePages(): number {
    return (this.database.prepare('PRAGMA freelist_count').get() as { readonly freelist_count: number }).freelist_count;
  }

  close(): void {
    this.#statements.clear();
    this.#lookups.clear();
    this.database.close();
  }
}

/** What opening a file came to: a session, or the identity of a file that is damaged, and why it is thought so. */
export type Opened = { readonly session: Session } | { readonly damaged: string; readonly cause: unknown };

/** @throws what the file system or SQLite failed with, and StoreError for a file that must not be used */
export function openFile(filename: string, open: OpenDatabase, isDamage: (error: unknown) => boolean): Opened {
  mkdirSync(dirname(filename), { recursive: true, mode: 0o700 });
  for (;;) {
    createFile(filename);
    const identity = identityOf(filename);
    if (identity === undefined) continue;
    let database: Database | undefined;
    try {
      database = open(filename, 0);
      const mark = prepareFile(database, filename);
      if (identityOf(filename) === identity) {
        if (mark !== undefined) return { session: new Session(database, mark, identity) };
        database.close();
        return { damaged: identity, cause: undefined };
      }
      database.close();
    } catch (error) {
      try {
        database?.close();
      } catch {
        // It says the same once more.
      }
      if (isDamage(error)) return { damaged: identity, cause: error };
      throw error;
    }
  }
}

/**
 * Makes the file if it is not there; SQLite gives its own two files the same permissions. One that is there must not be opened: closing
 * it would take from the process all the locks on it that SQLite holds for other stores.
 */
export function createFile(filename: string): void {
  try {
    closeSync(openSync(filename, 'wx', 0o600));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'EEXIST') throw error;
  }
}

/** What tells a file from another one of the same name; `undefined` where there is none. */
export function identityOf(filename: string): string | undefined {
  const stats: BigIntStats | undefined = statSync(filename, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
