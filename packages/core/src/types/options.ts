import type { Duration, Store } from '@reprise/store/contract';
import type { AnyCache, AnyFunction, Id, Item, KeyPart, LoadedOne, Value } from './function.ts';

/** Whose a method's entries are; see {@link CachedOptions.per}. */
export type Per<This> = 'instance' | 'class' | ((self: This) => KeyPart);

/**
 * Options of `cached`. Its callbacks are typed from the function or method they stand on, `this` included.
 * An explicit `undefined` means the default.
 *
 * @typeParam F the function or method
 * @typeParam This what it is called on
 * @typeParam S the store's type
 * @typeParam C the shared cache's type, or `string` for one given by name
 */
export interface CachedOptions<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  S extends Store = Store,
  C extends AnyCache | string = AnyCache | string,
> {
  /** A shared cache, or the name of one, looked up at the first call. Default: a private one in memory. Excludes `store`. */
  readonly cache?: C | undefined;
  /** A store for this function alone. Excludes `cache`. */
  readonly store?: S | undefined;
  /**
   * Tells functions apart inside a cache. Default: `Class.method`, or the function's name. An explicit one is a claim: a second
   * function under it is a `TypeError`, unless it says {@link replace}. On a store that outlives the process every name is.
   */
  readonly name?: string | undefined;
  /** Takes the name over from whichever function holds it: hot reload. Default: `false`. */
  readonly replace?: boolean | undefined;
  /** What tells two calls apart, in place of all arguments by value. A throw of it fails the call. */
  readonly key?: ((this: This, ...args: Parameters<F>) => KeyPart) | undefined;
  /**
   * Whose the entries are: the object's called on (`'instance'`, the default of decorated methods), everybody's (`'class'`), or
   * everybody's with the same part (`(self) => self.tenant`). A wrapped function looks at its `this` only where this is given.
   */
  readonly per?: Per<This> | undefined;
  /** Part of the key: change it when the meaning of the result changes, and no older entry is ever read. */
  readonly version?: string | number | undefined;
  /**
   * How long an entry is fresh, counted from when the run settled: milliseconds, `'5m'`, or a function of the result.
   * Default: the cache's, else `Infinity`. `0`: not stored.
   */
  readonly ttl?: Duration | ((this: This, value: Value<F>, ...args: Parameters<F>) => Duration) | undefined;
  /** The longest that one call waits for its store before the function runs. Default: `'1s'`. */
  readonly storeTimeout?: Duration | undefined;
  /** Whether a result is stored. Default: every one. A throw of it: not stored, an `error` event. */
  readonly cacheIf?: ((this: This, value: Value<F>, ...args: Parameters<F>) => boolean) | undefined;
  /** The most entries, over all instances. Default: 1000 for a private cache. `0`: none. `Infinity`: no bound. Not beside `cache`. */
  readonly maxSize?: number | undefined;
  /** The most bytes, as {@link sizeOf} weighs them. Not beside `cache`. */
  readonly maxBytes?: number | undefined;
  /** What a value weighs, 0 or more; needed for `maxBytes` in memory. */
  readonly sizeOf?: ((value: Value<F>) => number) | undefined;
  /** Whether this call is neither answered from the cache nor stored. Default: none is. */
  readonly bypass?: ((this: This, ...args: Parameters<F>) => boolean) | undefined;
  /** Whether concurrent calls with one key make one run. Default: `true`. */
  readonly dedupe?: boolean | undefined;
  /** An entry that is not read for so long expires; {@link ttl} stays the hard limit. Default: no such limit. */
  readonly timeToIdle?: Duration | undefined;
  /**
   * The fraction, from 0 to below 1, by which a ttl is shortened at random, so that entries made together do not expire together.
   * Default: 0.
   */
  readonly jitter?: number | undefined;
  /** After the ttl, answer the stale entry at once for so long, and run the function once behind it. Default: 0. */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** After the ttl, answer the stale entry for so long where the function fails (`when`: for which errors). Default: 0. */
  readonly staleIfError?:
    | Duration
    | { readonly for: Duration; readonly when?: ((error: unknown) => boolean) | undefined }
    | undefined;
  /**
   * After a run behind an entry has failed, or a failure was answered stale, the key is not tried again for so long in this process;
   * an invalidation or `refresh` lifts it. Default: `'1s'`.
   */
  readonly retryAfter?: Duration | undefined;
  /**
   * From this fraction of the ttl on, a hit runs the function once behind it; `'probabilistic'`: by chance, the likelier the nearer
   * the expiry and the longer the load (XFetch). Default: never.
   */
  readonly refreshAhead?: number | 'probabilistic' | undefined;
  /**
   * How long a caller waits, from his call on; a duration means `hard`. After `soft` a stale entry is answered if there is one, after
   * `hard` he gets a `TimeoutError`. The run goes on and is kept; after `abandon` a later call begins another, and it is not kept.
   * Default: as long as it takes. A synchronous run cannot be timed out.
   */
  readonly timeout?:
    | Duration
    | {
        readonly soft?: Duration | undefined;
        readonly hard?: Duration | undefined;
        readonly abandon?: Duration | undefined;
      }
    | undefined;
  /** Remembers errors (`when`: which ones) for a ttl of their own. Default: none. */
  readonly cacheErrors?:
    | false
    | { readonly ttl: Duration; readonly when?: ((error: unknown) => boolean) | undefined }
    | undefined;
  /** Labels by which `invalidateTags` finds the entry. A throw of it: not stored, an `error` event. Default: none. */
  readonly tags?:
    | readonly string[]
    | ((this: This, value: Value<F>, ...args: Parameters<F>) => readonly string[])
    | undefined;
  /**
   * Whether callers share a value in memory (`'none'`), get a copy each (`'clone'`), or one that nobody can change (`'freeze'`).
   * What can be neither copied nor frozen faithfully is not stored, and reported. Default: `'none'`.
   */
  readonly isolate?: 'none' | 'clone' | 'freeze' | undefined;
  /**
   * Where the caller's `AbortSignal` is among the arguments. It leaves the key; a caller who aborts leaves alone, and the run is
   * aborted when all have left: the function gets a signal of its own in that place. Default: nowhere.
   */
  readonly signal?: ((this: This, ...args: Parameters<F>) => AbortSignal | undefined) | undefined;
}

/**
 * Options of `cachedMany`: those of `cached`, whose callbacks get the item, its id and the further arguments.
 *
 * @typeParam F the function or method, which takes a list of ids
 */
export interface CachedManyOptions<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  S extends Store = Store,
  C extends AnyCache | string = AnyCache | string,
> extends Omit<CachedOptions<LoadedOne<F>, This, S, C>, 'key'> {
  /**
   * The id of an item: what it was asked for by, of the same type. Default: the function answers a `Map` by ids, or one item for each
   * id, in their order.
   */
  readonly key?: ((this: This, item: NonNullable<Item<F>>) => Id<F>) | undefined;
  /** How long it is remembered that there is no item for an id. Default: not at all. */
  readonly cacheAbsent?: Duration | undefined;
}

/** Options of `memoize`. An explicit `undefined` means the default. */
export interface MemoizeOptions<F extends AnyFunction = AnyFunction, This = ThisParameterType<F>> {
  /** How long a result is remembered, counted from when it was there. Default: `Infinity`. `0`: not at all. */
  readonly ttl?: Duration | undefined;
  /** The most results, for each instance. Default: 10,000. `0`: none. `Infinity`: no bound. */
  readonly maxSize?: number | undefined;
  /** What tells two calls apart, in place of all arguments by value. A throw of it fails the call. */
  readonly key?: ((this: This, ...args: Parameters<F>) => KeyPart) | undefined;
  /** Whose the results are; as {@link CachedOptions.per}. */
  readonly per?: Per<This> | undefined;
}
