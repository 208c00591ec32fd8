import type { ByteCodec, CodecFeature } from './codec.ts';
import type { MakeServerShelf } from './redis.ts';
import type { OpenStorage, StorageFeature } from './storage.ts';

/** An argument that is compared by value. */
export interface Query {
  readonly category: string;
  readonly page: number;
  readonly inStock: boolean;
}

/** What an entry holds where its memory is measured. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly age: number;
  readonly active: boolean;
}

/** An object whose method is remembered per instance. */
export interface Finder {
  readonly salt: number;
  find(id: string): number;
}

/** What keeps numbers, with 1 KB around each, in files. */
export interface DiskShelf {
  put(id: string, number: number): Promise<unknown>;
  get(id: string): Promise<number>;
  /** @returns how many there are */
  list(): Promise<number>;
}

/** What keeps the number 1, with 1 KB around it, in a table. */
export interface TableShelf {
  /** Written together, at the latest when the tick ends. */
  put(ids: readonly string[]): void;
  get(id: string): number;
  /** @returns how many there are, each of them read */
  list(): number;
}

type MakeTableShelf = (folder: string) => TableShelf;

type MakeShelf = (folder: string) => DiskShelf;

type FinderClass = new (salt: number) => Finder;

/** Makes `fn` remember. */
type Wrap<Fn extends (...args: never[]) => unknown> = (fn: Fn) => Fn | Promise<Fn>;

/**
 * What a row asks of a library: to wrap one function, or to make a class with a remembered method. Every subject
 * (a limit, Reprise, a peer) offers some of them.
 */
export interface Features extends Record<CodecFeature, ByteCodec>, Record<StorageFeature, OpenStorage> {
  /** No argument. */
  zero: Wrap<() => number>;
  one: Wrap<(id: string) => number>;
  two: Wrap<(id: string, page: number) => number>;
  three: Wrap<(id: string, page: number, deep: boolean) => number>;
  /** A plain object, by value. */
  object: Wrap<(query: Query) => number>;
  /** Per instance: `find` reads `this.salt`. */
  method: (find: (this: Finder, id: string) => number) => FinderClass | Promise<FinderClass>;
  /** With `lifetime.ttl` and `lifetime.maxSize`. */
  expiring: Wrap<(id: string) => number>;
  /** In a cache that other functions use as well. */
  shared: Wrap<(id: string) => number>;
  /** A promise, no ttl and no bound. */
  awaited: Wrap<(id: string) => Promise<number>>;
  /** A promise, with ttl and maxSize. */
  awaitedExpiring: Wrap<(id: string) => Promise<number>>;
  /** With `lifetime.maxSize` and no ttl. */
  evicting: Wrap<(id: string) => number>;
  /** Concurrent calls with one key run once. */
  concurrent: Wrap<(id: string) => Promise<number>>;
  /** Room for `memoryEntries`, with ttl. It may answer with a promise, which is awaited. */
  memory: (fn: (id: string) => User) => ((id: string) => unknown) | Promise<(id: string) => unknown>;
  /** Values of 1 KB in files, read again. */
  diskHit: MakeShelf;
  /** The same where each key was written a thousand times. */
  diskRewritten: MakeShelf;
  /** New keys. */
  diskPut: MakeShelf;
  /** 1,000 entries. */
  diskList: MakeShelf;
  /** Values of 1 KB in a table, read again. */
  sqliteHit: MakeTableShelf;
  /** New keys, 100 in a tick. */
  sqlitePut: MakeTableShelf;
  /** 1,000 entries. */
  sqliteList: MakeTableShelf;
  /** Values of 1 KB on a Redis server, read again one after the other. */
  redisHit: MakeServerShelf;
  /** The same, 64 at once. */
  redisTogether: MakeServerShelf;
  /** As `redisHit`, in two processes at once. */
  redisHit2: MakeServerShelf;
  /** In four. */
  redisHit4: MakeServerShelf;
  /** A promise, in a cache on a Redis server that nobody can reach. */
  redisDown: Wrap<(id: string) => Promise<number>>;
  /** A promise, in a shared cache with ttl. */
  tiered: Wrap<(id: string) => Promise<number>>;
  /** The name to import. */
  importing: string;
}

export type Feature = keyof Features;

/** The lifetime in every row that has one: nothing expires and nothing is evicted while hits are measured. */
export const lifetime: { readonly ttl: number; readonly maxSize: number } = { ttl: 3_600_000, maxSize: 10_000 };

/** How many entries are put where memory is measured. */
export const memoryEntries = 100_000;

/** A library beside Reprise. */
export interface Peer {
  /** As on npm. */
  readonly name: string;
  readonly features: Partial<Features>;
  /** Why it has no figure where a feature is missing; `other` for all features not named. */
  readonly absent: Partial<Record<Feature, Absence>> & { readonly other?: Absence };
}

/** The legend of the table explains each one. */
export type Absence =
  | 'async'
  | 'bounds'
  | 'wrapper'
  | 'shared'
  | 'method'
  | 'limit'
  | 'slow'
  | 'unbounded'
  | 'codec'
  | 'disk'
  | 'redis'
  | 'promises';
