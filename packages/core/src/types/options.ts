import type { Duration, Store } from '@reprise/store/contract';
import type { AnyCache, AnyFunction, KeyPart, Value } from './function.ts';

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
