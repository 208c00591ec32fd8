import type { AsyncStore, Store, SyncStore } from '@reprise/store/contract';
import type { Cache } from './cache.ts';
import type { AnyCache, AnyFunction } from './function.ts';
import type { CachedFunction, MemoizedFunction } from './handle.ts';
import type { CachedOptions, MemoizeOptions } from './options.ts';

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
