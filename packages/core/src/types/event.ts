/** What can happen in a cache. The first five are the status of one call; calls are the sum of these. */
export type CacheEventType =
  | 'hit'
  | 'miss'
  | 'stale'
  | 'coalesced'
  | 'bypass'
  | 'load'
  | 'store'
  | 'refresh'
  | 'evict'
  | 'expire'
  | 'invalidate'
  | 'error';

/** One thing that happened, as listeners of `on` get it. */
export interface CacheEvent<Type extends CacheEventType = CacheEventType> {
  /** What happened. */
  readonly type: Type;
  /** The cache's name; `undefined` for the private cache of one function. */
  readonly cache: string | undefined;
  /** What tells the function apart: `Users.find`; `undefined` where the cache itself is meant, as in `getOrSet`. */
  readonly name: string | undefined;
  /** The key as `keyOf` gives it; `undefined` where no single key is meant, as in `clear`. */
  readonly key: string | undefined;
  /** Milliseconds that it took; of `load` only. */
  readonly duration?: number;
  /** What went wrong, for `error`. */
  readonly error?: unknown;
}

/** Hears of events. Whatever it throws is contained, and is a process warning. */
export type CacheListener<Type extends CacheEventType = CacheEventType> = (event: CacheEvent<Type>) => void;

/** Counts since the cache or the wrapped function was made; `clear` resets only `size`. */
export interface Stats {
  /** Calls answered by a fresh entry. */
  readonly hits: number;
  /** Calls that began a run of the function. */
  readonly misses: number;
  /** Calls answered by an entry past its ttl, inside a declared window. */
  readonly stale: number;
  /** Calls that joined a run already under way. */
  readonly coalesced: number;
  /** Calls that neither read nor wrote. */
  readonly bypass: number;
  /** Runs of the function; those of bypassed calls do not count. */
  readonly loads: number;
  /** Runs that failed. */
  readonly errors: number;
  /** Entries that went for want of room. */
  readonly evictions: number;
  /** Entries held at the moment; on stores of text keys those that this process has written and not seen leave. */
  readonly size: number;
  /** (hits + stale) / (calls − bypass); 0 before the first call. */
  readonly hitRatio: number;
  /** The mean time of a run, in milliseconds. */
  readonly loadTime: number;
  /** The sum of the run times that hits and stale answers spared, in milliseconds. */
  readonly timeSaved: number;
}

/** What is known of one entry. Times in milliseconds from now. */
export interface Inspection {
  /** The key as `keyOf` gives it. */
  readonly key: string;
  /** Before its expiry, or between it and the end of the longest declared window. */
  readonly status: 'fresh' | 'stale';
  /** Since the run settled. */
  readonly age: number;
  /** Until it is no longer fresh: `Infinity` without a ttl, 0 when it is stale. */
  readonly expiresIn: number;
  /** How long it may still be answered stale, from now or from its expiry; 0 without a declared window. */
  readonly staleFor: number;
  /** Its labels, those of what it was built from included. */
  readonly tags: readonly string[];
  /** The store that holds it: `memory`, `disk`, `redis`. */
  readonly tier: string;
}
