import { createRequire } from 'node:module';
import { StoreError } from '@reprise/store';
import type { SqliteDriver } from './options.ts';

/** What SQLite takes and gives here. */
export type SqlValue = string | number | null | Uint8Array;

/** What both drivers have in common of a prepared statement. */
export interface Statement {
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  /** better-sqlite3 only: answers the first column instead of an object, which costs less. */
  pluck?(): Statement;
}

/** What both drivers have in common of a database. */
export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

export type OpenDatabase = (filename: string, lockTimeout: number) => Database;

/**
 * Loads a driver: the one that is asked for, else the first one there is.
 *
 * @throws StoreError that says what to install
 */
export function loadDriver(wanted: SqliteDriver | undefined): OpenDatabase {
  let cause: unknown;
  if (wanted !== 'node:sqlite') {
    try {
      return loadPackage();
    } catch (error) {
      cause = error;
    }
  }
  if (wanted !== 'better-sqlite3') {
    const open = loadBuiltIn();
    if (open !== undefined) return open;
  }
  const ways =
    wanted === 'node:sqlite'
      ? 'it comes with Node 22.5; there, or without the option driver, the store works'
      : 'npm i better-sqlite3@12, or use a Node that has node:sqlite (22.5 and later)';
  throw new StoreError(`The SQLite store cannot load ${wanted ?? 'a driver'}: ${ways}`, { cause });
}

function loadPackage(): OpenDatabase {
  const Package = requireFromHere('better-sqlite3') as new (
    filename: string,
    options: { readonly timeout: number },
  ) => Database;
  // The package is there before its machine code is looked for, which may have been compiled for another Node.
  new Package(':memory:', { timeout: 0 }).close();
  return (filename, lockTimeout) => new Package(filename, { timeout: Math.ceil(lockTimeout) });
}

function loadBuiltIn(): OpenDatabase | undefined {
  // Some versions of Node that have it ask for a flag.
  const module = process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as
    | { readonly DatabaseSync: new (filename: string) => Database }
    | undefined;
  if (module === undefined) return undefined;
  return (filename, lockTimeout) => {
    const database = new module.DatabaseSync(filename);
    database.exec(`PRAGMA busy_timeout = ${Math.ceil(lockTimeout)}`);
    return database;
  };
}

/** A package that the user installs beside this one, at once: `import()` would make the store asynchronous. */
function requireFromHere(name: string): unknown {
  let failure: unknown;
  for (const base of [ownFile(), `${process.cwd()}/index.js`]) {
    if (base === undefined) continue;
    try {
      return createRequire(base)(name);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** This file's own path or URL, from a stack: a form that ES modules and CommonJS have in common, to be built from one source. */
function ownFile(): string | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, sites) => sites[0]?.getFileName() ?? undefined;
    const file = new Error('where').stack as unknown;
    return typeof file === 'string' && /^(\/|file:|[A-Za-z]:[\\/])/.test(file) ? file : undefined;
  } catch {
    // Where errors are frozen the folder of the program has to do.
    return undefined;
  } finally {
    restore(prepareStackTrace, stackTraceLimit);
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as NonNullable<typeof prepareStackTrace>;
  } catch {
    // Nothing was changed.
  }
}

/** What became of an operation, in the words of both drivers. */
export type FailureKind = 'busy' | 'damaged' | 'full' | 'other';

/** By SQLite's numbers; a read that ends too early is of its extended ones. */
const codes: Readonly<Record<number, FailureKind>> = {
  5: 'busy',
  6: 'busy',
  11: 'damaged',
  26: 'damaged',
  13: 'full',
  522: 'damaged',
};
const names = /^SQLITE_(?:(BUSY|LOCKED)|(CORRUPT|NOTADB|IOERR_SHORT_READ)|(FULL))/;

export function kindOf(error: unknown): FailureKind {
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === 'number') return codes[errcode] ?? codes[errcode & 0xff] ?? 'other';
  const match = typeof code === 'string' ? names.exec(code) : null;
  if (match === null) return 'other';
  return match[1] ? 'busy' : match[2] ? 'damaged' : 'full';
}
