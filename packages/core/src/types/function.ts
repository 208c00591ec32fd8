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
