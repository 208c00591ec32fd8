import type { Clock, Duration, Entry, Store, SyncStore } from '@reprise/store/contract';
import type { CacheEventType, CacheListener, Stats } from './event.ts';
import type { Answer, AnyFunction } from './function.ts';
import type { CachedOptions } from './options.ts';

/** The options that say how entries live, of a function as of a cache or of one write. */
type PolicyName =
  | 'timeToIdle'
  | 'jitter'
  | 'staleWhileRevalidate'
  | 'staleIfError'
  | 'retryAfter'
  | 'refreshAhead'
  | 'timeout'
  | 'cacheErrors'
  | 'tags'
  | 'isolate';

/** Options of `createCache`: defaults for everything cached in it, what it is built on, and what tests put in. */
export interface CreateCacheOptions<S extends Store = Store>
  extends Pick<
    CachedOptions<AnyFunction, any, S>,
    | 'store'
    | 'replace'
    | 'version'
    | 'ttl'
    | 'storeTimeout'
    | 'cacheIf'
    | 'maxSize'
    | 'maxBytes'
    | 'sizeOf'
    | 'bypass'
    | 'dedupe'
    | PolicyName
    | 'signal'
  > {
  /** What the process knows it by, and what keeps its keys apart from other caches in one store. Taken already: `E_NAME_TAKEN`. */
  readonly name: string;
  /** Judges age, in milliseconds since the epoch. Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** A number in [0, 1). Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What `configure` may change while a cache is in use. */
export type ConfigureOptions = Pick<
  CreateCacheOptions,
  'ttl' | 'storeTimeout' | 'cacheIf' | 'maxSize' | 'maxBytes' | 'dedupe' | PolicyName
>;

/** Options of one `set` or `getOrSet`; what concerns runs means nothing to `set`, which refuses it. */
export interface WriteOptions<V = unknown> extends Pick<CachedOptions<() => V>, PolicyName> {
  /** How long the entry is fresh. Default: the cache's. */
  readonly ttl?: Duration | ((value: V) => Duration) | undefined;
  /** Whether the value is stored. Default: the cache's rule. */
  readonly cacheIf?: ((value: V) => boolean) | undefined;
  /** Whether concurrent `getOrSet` of one key make one run. Default: the cache's rule. */
  readonly dedupe?: boolean | undefined;
  /** The longest that it waits for the store. Default: the cache's. */
  readonly storeTimeout?: Duration | undefined;
}

/** An entry as `entries` lists it. */
export interface CacheEntry<V = unknown> extends Entry<V> {
  /** As `keyOf` gives it, or as `getOrSet` was given it. */
  readonly key: string;
}

/** A part of a cache: the entries whose keys begin so. */
export interface Part {
  /** Default: all. */
  readonly prefix?: string | undefined;
}

/**
 * A cache that functions, modules and processes share. On a synchronous store its operations return values, on an
 * asynchronous one promises.
 *
 * @typeParam S the type of its store
 */
export interface Cache<S extends Store = Store> {
  /** As it was created. */
  readonly name: string;
  /**
   * Set to `false`: every call goes through to its function, and invalidations do nothing; if any was missed, the cache is cleared when it
   * is on again.
   */
  enabled: boolean;
  /** The value under a key; where there is none, `load` is run, once for all concurrent callers, and its result kept. */
  getOrSet<V>(
    key: string,
    load: () => V,
    options?: WriteOptions<Awaited<V>>,
  ): S extends SyncStore ? V : Promise<Awaited<V>>;
  /** The fresh value under a key, or `undefined`. */
  get<V = unknown>(key: string): Answer<S, V | undefined>;
  /** Keeps a value; fences like an invalidation, and wins over older runs. */
  set<V>(key: string, value: V, options?: WriteOptions<V>): Answer<S, void>;
  /** Whether there is a fresh value under a key. */
  has(key: string): Answer<S, boolean>;
  /** Invalidates a key. Answers whether there was an entry. */
  delete(key: string): Answer<S, boolean>;
  /**
   * Voids what carries one of the labels, in every cache of this process and each shared store that knows labels: the same as
   * `invalidateTags`.
   */
  invalidateTags(tags: readonly string[]): Promise<void>;
  /**
   * Invalidates everything, functions' entries included, or a part; fenced, in all tiers. In a store of text keys a prefix that
   * reaches beyond what shortened keys keep (206 bytes) takes all keys that begin alike so far: never too little.
   */
  clear(part?: Part): Answer<S, void>;
  /** Counts over all that is cached in it. */
  stats(): Stats;
  /** Lists fresh entries, in no order. */
  entries(part?: Part): AsyncIterableIterator<CacheEntry>;
  /** Changes options in use: later writes live by the new ttl; a lower bound evicts down to it. */
  configure(options: ConfigureOptions): void;
  /** Listens; returns how to stop. */
  on<Type extends CacheEventType>(type: Type, listener: CacheListener<Type>): () => void;
  /** Awaits pending writes, closes the store unless others use it, and frees the name. Idempotent; later calls go through to their functions. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
