import type { AnyCache, AnyFunction, Value } from './function.ts';
import type { MemberFunction } from './handle.ts';
import type { MethodDecorator, NoContext } from './verb.ts';

/**
 * Whose entries a write is about: a cached or memoized member of the object that it is called on (of the class, for a static method),
 * by name; that of a class, for every owner, or of one object; or a function wrapped by `cached` or `memoize`.
 */
export type EffectTarget = PropertyKey | readonly [owner: object, name: PropertyKey] | AnyFunction;

/** What a target is called with, as far as its type is known: a name says nothing of it. */
export type TargetArguments<T> = T extends AnyFunction
  ? Readonly<Parameters<T>>
  : T extends readonly [infer Owner, infer Name]
    ? Readonly<Parameters<MemberFunction<Owner, Name>>>
    : readonly unknown[];

/** Adds nothing to a union but that array literals are taken for tuples, while a target's type is being inferred. */
type AsTuple = readonly [never];

/** What is asked of a write, on its object: with its result and its own arguments. */
type Asked<F extends AnyFunction, This, Result, Answer> = (
  this: This,
  result: Result,
  ...args: Parameters<F>
) => Answer;

/** Labels, or keys: a list, or what makes one of the write. */
type Listed<F extends AnyFunction, This, Result> = readonly string[] | Asked<F, This, Result, readonly string[]>;

interface CallTarget<T> {
  /** Whose entries are meant. */
  readonly of: T;
  readonly cache?: undefined;
  readonly tags?: undefined;
  readonly keys?: undefined;
}

/*
 * `before` decides what callbacks get for the result: unions told apart by it, so that it is known where they are written.
 */
type CallEffect<F extends AnyFunction, This, T> = CallTarget<T> &
  (
    | {
        /** All entries of this owner; of `[Class, 'name']` and of a function those of every owner. */
        readonly all: true;
        readonly args?: undefined;
        /** Done before the write begins, whatever comes of it. Default: after it has succeeded. */
        readonly before?: boolean | undefined;
      }
    | {
        /** Done before the write begins, whatever comes of it. There is no result yet: callbacks get `undefined`. */
        readonly before: true;
        readonly all?: false | undefined;
        /** What the target is called with, in the call that is meant. Default: the write's own arguments, as below. */
        readonly args?: Asked<F, This, undefined, TargetArguments<T> | AsTuple> | undefined;
      }
    | {
        readonly before?: false | undefined;
        readonly all?: false | undefined;
        /**
         * What the target is called with, in the call that is meant. Default: the write's own arguments, where they are as many as the
         * target declares; else all entries of this owner are meant. A throw of it, too: an `error` event, and all of them go.
         */
        readonly args?: Asked<F, This, Value<F>, TargetArguments<T> | AsTuple> | undefined;
      }
  );

interface CacheTarget {
  readonly of?: undefined;
  readonly args?: undefined;
  readonly all?: undefined;
  /** A shared cache, or the name of one, looked up at each call: where `keys` are, and who hears of what goes wrong. */
  readonly cache?: AnyCache | string | undefined;
}

type CacheEffect<F extends AnyFunction, This> = CacheTarget &
  (
    | {
        /** Done before the write begins, whatever comes of it. There is no result yet: callbacks get `undefined`. */
        readonly before: true;
        /** Labels, in every cache of the process. */
        readonly tags?: Listed<F, This, undefined> | undefined;
        /** Keys of `getOrSet` in `cache`. */
        readonly keys?: Listed<F, This, undefined> | undefined;
      }
    | {
        readonly before?: false | undefined;
        /** Labels, in every cache of the process. A throw of it: an `error` event, and nothing is invalidated by it. */
        readonly tags?: Listed<F, This, Value<F>> | undefined;
        /** Keys of `getOrSet` in `cache`. A throw of it: as of `tags`. */
        readonly keys?: Listed<F, This, Value<F>> | undefined;
      }
  );

/**
 * What `invalidates` does: to calls of a function, `{ of, args?, all?, before? }`, or to keys of a cache and to labels,
 * `{ cache?, keys?, tags?, before? }`. Its callbacks are typed from the function or method they stand on, `this` included.
 *
 * @typeParam F the function or method
 * @typeParam This what it is called on
 * @typeParam T what `of` is
 */
export type InvalidateEffect<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  T extends EffectTarget = EffectTarget,
> = CallEffect<F, This, T> | CacheEffect<F, This>;

/** What `updates` does; see {@link InvalidateEffect}. */
export interface UpdateEffect<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  T extends EffectTarget = EffectTarget,
> {
  /** Whose entry the result is. */
  readonly of: T;
  /** What the target is called with, in the call that the result is stored under. A throw of it: an `error` event, nothing is stored. */
  readonly args: Asked<F, This, Value<F>, TargetArguments<T> | AsTuple>;
}

/** What `updates` stores must be what the target returns, as far as its type is known. */
type Storable<F extends AnyFunction, T> = T extends AnyFunction
  ? StorableIn<F, T>
  : T extends readonly [infer Owner, infer Name]
    ? StorableIn<F, MemberFunction<Owner, Name>>
    : unknown;

type StorableIn<F extends AnyFunction, Target extends AnyFunction> = [Value<F>] extends [Value<Target>]
  ? unknown
  : { readonly 'the result of an update must be what its target returns': never };

/** The type of `invalidates`: `invalidates(fn, effect)`, `@invalidates(effect)`, in both decorator dialects. */
export interface InvalidatesVerb {
  <F extends AnyFunction, const T extends EffectTarget = EffectTarget>(
    fn: F,
    effect: InvalidateEffect<F, ThisParameterType<F>, T> & NoContext,
  ): F;
  <This = any, F extends AnyFunction = AnyFunction, const T extends EffectTarget = EffectTarget>(
    effect: InvalidateEffect<F, This, T>,
  ): MethodDecorator<This, F>;
}

/** The type of `updates`: as {@link InvalidatesVerb}. */
export interface UpdatesVerb {
  <F extends AnyFunction, const T extends EffectTarget = EffectTarget>(
    fn: F,
    effect: UpdateEffect<F, ThisParameterType<F>, T> & Storable<F, T> & NoContext,
  ): F;
  <This = any, F extends AnyFunction = AnyFunction, const T extends EffectTarget = EffectTarget>(
    effect: UpdateEffect<F, This, T> & Storable<F, T>,
  ): MethodDecorator<This, F>;
}
