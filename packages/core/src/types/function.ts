import type { AsyncStore, Store, SyncStore } from '@reprise/store/contract';

/** Any function or method, whatever its `this`, arguments and result. */
export type AnyFunction = (this: any, ...args: any) => any;

/** A function or a class, looked at rather than called. */
// biome-ignore lint/complexity/noBannedTypes: no other type holds classes and functions alike
export type FunctionObject = Function;

/** Any cache that `createCache` made, whatever its store. */
export interface AnyCache {
  readonly name: string;
  /** Runs a function at a miss: by this a cache is known from other objects. */
  readonly getOrSet: AnyFunction;
}

/** What a call of `F` comes to: for an asynchronous function, what its promise resolves to. */
export type Value<F extends AnyFunction> = Awaited<ReturnType<F>>;

type IsAny<T> = 0 extends 1 & T ? true : false;

/** An id of which `F` takes a list. */
export type Id<F extends AnyFunction> =
  IsAny<Parameters<F>> extends true ? any : Parameters<F>[0] extends readonly (infer One)[] ? One : never;

/** What `F` takes beside the list of ids. */
export type Rest<F extends AnyFunction> =
  IsAny<Parameters<F>> extends true ? any[] : Parameters<F> extends [any, ...infer Further] ? Further : [];

/** What `F` answers for an id: an element of its array, or a value of its `Map`. */
export type Item<F extends AnyFunction> =
  IsAny<Value<F>> extends true
    ? any
    : Value<F> extends readonly (infer One)[]
      ? Exclude<One, undefined>
      : Value<F> extends ReadonlyMap<any, infer One>
        ? Exclude<One, undefined>
        : never;

/** A function of one id, which brings an item: as callbacks and `set` see a function of many. */
export type LoadedOne<F extends AnyFunction> = (
  this: ThisParameterType<F>,
  id: Id<F>,
  ...rest: Rest<F>
) => Promise<Item<F>>;

/** A function of one id, which may find nothing: as the handle sees a function of many. */
export type FoundOne<F extends AnyFunction> = (
  this: ThisParameterType<F>,
  id: Id<F>,
  ...rest: Rest<F>
) => Promise<Item<F> | undefined>;

/** `F` as it is called when each of its ids is cached for itself. */
export type FoundMany<F extends AnyFunction> = (
  this: ThisParameterType<F>,
  ids: readonly Id<F>[],
  ...rest: Rest<F>
) => Promise<(Item<F> | undefined)[]>;

/**
 * What a key function or a `per` function may answer: anything by value or by identity, except `undefined` and promises,
 * which are a `KeyError` when they get there.
 */
export type KeyPart = string | number | bigint | boolean | symbol | null | (object & { readonly then?: never });

/** What an operation answers: the result itself on a synchronous store, a promise of it on an asynchronous one. */
export type Answer<S extends Store, Result> = S extends SyncStore ? Result : Promise<Result>;

/**
 * `F` as it is called when its results live in a store `S`: itself where the store is synchronous or `F` returns a promise
 * anyway; else a function that returns a promise (on an unknown store: either), with the last overload's parameters.
 */
export type Kept<F extends AnyFunction, S extends Store> = [S] extends [SyncStore]
  ? F
  : [ReturnType<F>] extends [Promise<unknown>]
    ? F
    : [S] extends [AsyncStore]
      ? (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<Value<F>>
      : (this: ThisParameterType<F>, ...args: Parameters<F>) => ReturnType<F> | Promise<Value<F>>;
