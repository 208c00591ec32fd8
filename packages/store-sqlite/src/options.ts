import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Clock, type Codec, type Duration, defaultCodec, OptionError, parseDuration } from '@reprise/store';

/** What reaches SQLite: the package `better-sqlite3`, or the module that Node has from 22.5 on. */
export type SqliteDriver = 'better-sqlite3' | 'node:sqlite';

/** What {@link sqliteStore} may be told. */
export interface SqliteStoreOptions {
  /**
   * The file that holds the entries; made when first used, for its owner only, as are the folders above it. SQLite keeps two more
   * beside it, with `-wal` and `-shm` at their ends. Several stores and processes of one machine may share it; a network
   * file system will not do.
   */
  readonly filename: string;
  /** Tells stores in one file apart: each sees, clears and counts its own entries only. Any text. Default: `''`. */
  readonly namespace?: string;
  /** How many entries there may be in the namespace: a whole number; `0` stores nothing. Default: `Infinity`, no bound. */
  readonly maxSize?: number;
  /** How many bytes the encoded entries may have: a whole number; a larger one is declined. Default: `Infinity`, no bound. */
  readonly maxBytes?: number;
  /** Turns values into bytes. Default: `defaultCodec` of `@reprise/store`. */
  readonly codec?: Codec;
  /** Judges age. Default: the clock of the cache that uses the store, else the wall clock. */
  readonly clock?: Clock;
  /** How long a lease lasts that is not renewed: from 1 ms on, not `Infinity`. Default: `'5s'`. */
  readonly leaseDuration?: Duration;
  /**
   * How long one operation waits, blocking, for another process that is writing, before it fails with a `StoreError`: from
   * 1 ms to a minute. Default: `'1s'`.
   */
  readonly lockTimeout?: Duration;
  /** Default: `better-sqlite3` where it is installed, else `node:sqlite` where Node has it. */
  readonly driver?: SqliteDriver;
}

/** The options after their check, with the defaults in place. */
export interface Settings {
  readonly filename: string;
  readonly namespace: string;
  readonly maxSize: number;
  readonly maxBytes: number;
  readonly codec: Codec;
  readonly clock: Clock | undefined;
  readonly leaseDuration: number;
  readonly lockTimeout: number;
  readonly driver: SqliteDriver | undefined;
}

const names = [
  'filename',
  'namespace',
  'maxSize',
  'maxBytes',
  'codec',
  'clock',
  'leaseDuration',
  'lockTimeout',
  'driver',
];

/** @throws OptionError that names the option and the way out */
export function readOptions(options: SqliteStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError("sqliteStore takes its options as one object: sqliteStore({ filename: '…' })");
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name))
      throw new OptionError(`sqliteStore has no option '${name}'; it takes ${names.join(', ')}`);
  }
  const { namespace = '', maxSize = Infinity, maxBytes = Infinity, codec = defaultCodec, clock, driver } = options;
  const { leaseDuration = '5s', lockTimeout = '1s' } = options;
  if (typeof namespace !== 'string') throw new OptionError('sqliteStore: namespace must be a string');
  if (typeof codec?.name !== 'string' || typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new OptionError('sqliteStore: codec must be an object with a name, encode(value) and decode(bytes)');
  }
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new OptionError('sqliteStore: clock must be an object with now(), in milliseconds since the epoch');
  }
  if (driver !== undefined && driver !== 'better-sqlite3' && driver !== 'node:sqlite') {
    throw new OptionError(
      `sqliteStore: driver must be 'better-sqlite3' or 'node:sqlite', not ${JSON.stringify(driver)}`,
    );
  }
  return {
    filename: checkFilename(options.filename),
    namespace,
    maxSize: checkBound('maxSize', maxSize),
    maxBytes: checkBound('maxBytes', maxBytes),
    codec,
    clock,
    leaseDuration: checkDuration('leaseDuration', leaseDuration, Number.MAX_SAFE_INTEGER),
    lockTimeout: checkDuration('lockTimeout', lockTimeout, 60_000),
    driver,
  };
}

function checkFilename(filename: unknown): string {
  const wayOut = 'give the path of a file that the store may own';
  if (typeof filename !== 'string' || filename === '' || filename.includes('\0')) {
    throw new OptionError(`sqliteStore: filename is missing: ${wayOut}`);
  }
  if (filename === ':memory:' || filename.startsWith('file:')) {
    throw new OptionError(
      `sqliteStore: filename is ${JSON.stringify(filename)}: ${wayOut}; for entries in memory there is memoryStore of @reprise/store-memory`,
    );
  }
  const path = resolve(filename);
  const hindrance = findHindrance(path);
  if (hindrance !== undefined) throw new OptionError(`sqliteStore: filename is ${path}, ${hindrance}: ${wayOut}`);
  return path;
}

/** Why a path cannot be one of a file; what may change by itself is left to the first use. */
function findHindrance(path: string): string | undefined {
  if (statOf(path)?.isDirectory()) return 'which is a folder';
  let folder = dirname(path);
  while (statOf(folder) === undefined && folder !== dirname(folder)) folder = dirname(folder);
  return statOf(folder)?.isDirectory() === false ? 'which leads through a file' : undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function checkDuration(name: string, duration: Duration, most: number): number {
  const milliseconds = parseDuration(duration, `sqliteStore: ${name}`);
  if (milliseconds >= 1 && milliseconds <= most) return milliseconds;
  throw new OptionError(`sqliteStore: ${name} must be from 1 to ${most} milliseconds, not ${milliseconds}`);
}

/** @throws OptionError for anything but a whole number from 0 on, or `Infinity` */
export function checkBound(name: string, value: unknown): number {
  if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
  const found = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
  throw new OptionError(
    `sqliteStore: ${name} must be a whole number from 0 on, or Infinity for no bound, not ${found}`,
  );
}
