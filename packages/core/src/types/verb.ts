import type { AsyncStore, Store, SyncStore } from '@reprise/store/contract';
import type { Cache } from './cache.ts';
import type { AnyCache, AnyFunction } from './function.ts';
import type { CachedFunction, CachedManyFunction, MemoizedFunction } from './handle.ts';
import type { CachedManyOptions, CachedOptions, MemoizeOptions } from './options.ts';

/** The store that `store` and `cache` come to. A cache given by name may be anything, so its answers are promises. */
type StoreOf<S extends Store, C extends AnyCache | string> = [C] extends [never]
  ? S
  : C extends Cache<infer P>
    ? P
    : AsyncStore;

/** What a method's options must also be: nothing, or what can be neither given nor overlooked. */
type Fits<F extends AnyFunction, S extends Store> = S extends SyncStore
  ? unknown
  : ReturnType<F> extends PromiseLike<unknown>
    ? unknown
    : {
        readonly 'a method cached in an asynchronous store, or in a cache given by name, must return a promise': never;
      };

/** A decorator's context is an object too; this keeps it from being taken for options. */
export interface NoContext {
  readonly kind?: never;
}

/*
 * One signature for both dialects: with one overload for each, the inference of callbacks is lost. The standard dialect calls
 * (method, context), the other (prototype or class, name, descriptor). Being generic over the whole function type is what
 * keeps overloads, generics and parameter names.
 *
 * The defaults are for decorators that are made apart from any member and put on several: `const daily = cached({ ttl: '1d' })`.
 *
 * The order of a verb's signatures matters: a context has a `name`, and so has a function, which makes both pass for options.
 */
export type MethodDecorator<This, F extends AnyFunction> = (
  target: F | This,
  context: ClassMethodDecoratorContext<This, F> | string | symbol,
  descriptor?: TypedPropertyDescriptor<F>,
) => void;

type MemberDecorator<This, F extends AnyFunction, V> = (
  target: F | This | ((this: This) => V),
  context: ClassMethodDecoratorContext<This, F> | ClassGetterDecoratorContext<This, V> | string | symbol,
  descriptor?: TypedPropertyDescriptor<F> | TypedPropertyDescriptor<V>,
) => void;

/** The type of `cached`: `@cached`, `cached(fn, options?)`, `@cached()`, `@cached(options)`, in both decorator dialects. */
export interface CachedVerb {
  <This, F extends AnyFunction>(...application: Parameters<MethodDecorator<This, F>>): void;
  <F extends AnyFunction, S extends Store = SyncStore, C extends AnyCache | string = never>(
    fn: F,
    options?: CachedOptions<F, ThisParameterType<F>, S, C> & NoContext,
  ): CachedFunction<F, StoreOf<S, C>>;
  <This = any, F extends AnyFunction = AnyFunction, S extends Store = SyncStore, C extends AnyCache | string = never>(
    options?: CachedOptions<F, This, S, C> & Fits<F, StoreOf<S, C>>,
  ): MethodDecorator<This, F>;
}

/** What brings the items of many ids. */
type Loading = (
  this: any,
  ids: any[],
  ...rest: any
) => readonly unknown[] | ReadonlyMap<any, unknown> | PromiseLike<readonly unknown[] | ReadonlyMap<any, unknown>>;

/** The same where it is a method: its type is not changed, so it has to be that of what callers are answered. */
type LoadingMethod = (this: any, ids: any[], ...rest: any) => PromiseLike<readonly unknown[]>;

/** What the options of a method of many ids must also be: what is left out is `undefined`, and its type has to say so. */
type FitsMany<F extends AnyFunction> =
  ReturnType<F> extends PromiseLike<readonly (infer One)[]>
    ? undefined extends One
      ? unknown
      : { readonly key?: 'a method with key must be declared to return Promise<(Item | undefined)[]>' }
    : unknown;

/** The type of `cachedMany`: `@cachedMany`, `cachedMany(fn, options?)`, `@cachedMany()`, `@cachedMany(options)`, in both dialects. */
export interface CachedManyVerb {
  <This, F extends LoadingMethod>(...application: Parameters<MethodDecorator<This, F>>): void;
  <F extends Loading, S extends Store = SyncStore, C extends AnyCache | string = never>(
    fn: F,
    options?: CachedManyOptions<F, ThisParameterType<F>, S, C> & NoContext,
  ): CachedManyFunction<F, StoreOf<S, C>>;
  <This = any, F extends LoadingMethod = AnyFunction, S extends Store = SyncStore, C extends AnyCache | string = never>(
    options?: CachedManyOptions<F, This, S, C> & FitsMany<F>,
  ): MethodDecorator<This, F>;
}

/** The type of `memoize`: as {@link CachedVerb}, for getters too. */
export interface MemoizeVerb {
  <This, F extends AnyFunction>(...application: Parameters<MethodDecorator<This, F>>): void;
  <This, V>(
    target: ((this: This) => V) | This,
    context: ClassGetterDecoratorContext<This, V> | string | symbol,
    descriptor?: TypedPropertyDescriptor<V>,
  ): void;
  <F extends AnyFunction>(fn: F, options?: MemoizeOptions<F> & NoContext): MemoizedFunction<F>;
  <This = any, F extends AnyFunction = AnyFunction, V = any>(
    options?: MemoizeOptions<F, This>,
  ): MemberDecorator<This, F, V>;
}
