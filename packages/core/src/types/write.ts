import type { AnyCache, AnyFunction, Value } from './function.ts';
import type { MemberFunction } from './handle.ts';
import type { MethodDecorator, NoContext } from './verb.ts';

/**
 * Whose entries a write is about: a cached or memoized member of the object that is written (for a static method of its class), by
 * name; that of another class, or of one object; or a function wrapped by `cached` or `memoize`.
 */
export type EffectTarget = PropertyKey | readonly [owner: object, name: PropertyKey] | AnyFunction;

/** The arguments of a target's calls, as far as its type is known. */
export type TargetArguments<T> = T extends AnyFunction
  ? Readonly<Parameters<T>>
  : T extends readonly [infer Owner, infer Name]
    ? Readonly<Parameters<MemberFunction<Owner, Name>>>
    : readonly unknown[];

/** Adds nothing to a union but that array literals are taken for tuples, while a target's type is being inferred. */
type AsTuple = readonly [never];

/** What a write is asked: with its result (`undefined` with `before: true`, when there is none yet) and its own arguments. */
type Asked<F extends AnyFunction, This, Result, Answer> = (
  this: This,
  result: Result,
  ...args: Parameters<F>
) => Answer;

/** Labels, or keys: a list, or what makes one of the write. */
type Listed<F extends AnyFunction, This, Result> = readonly string[] | Asked<F, This, Result, readonly string[]>;

interface CallTarget<T> {
  readonly of: T;
  readonly cache?: undefined;
  readonly tags?: undefined;
  readonly keys?: undefined;
}

type CallEffect<F extends AnyFunction, This, T> = CallTarget<T> &
  (
    | { readonly all: true; readonly args?: undefined; readonly before?: boolean | undefined }
    | {
        readonly before: true;
        readonly all?: false | undefined;
        readonly args?: Asked<F, This, undefined, TargetArguments<T> | AsTuple> | undefined;
      }
    | {
        readonly before?: false | undefined;
        readonly all?: false | undefined;
        readonly args?: Asked<F, This, Value<F>, TargetArguments<T> | AsTuple> | undefined;
      }
  );

interface CacheTarget {
  readonly of?: undefined;
  readonly args?: undefined;
  readonly all?: undefined;
  readonly cache?: AnyCache | string | undefined;
}

type CacheEffect<F extends AnyFunction, This> = CacheTarget &
  (
    | {
        readonly before: true;
        readonly tags?: Listed<F, This, undefined> | undefined;
        readonly keys?: Listed<F, This, undefined> | undefined;
      }
    | {
        readonly before?: false | undefined;
        readonly tags?: Listed<F, This, Value<F>> | undefined;
        readonly keys?: Listed<F, This, Value<F>> | undefined;
      }
  );

export type InvalidateEffect<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  T extends EffectTarget = EffectTarget,
> = CallEffect<F, This, T> | CacheEffect<F, This>;

export interface UpdateEffect<
  F extends AnyFunction = AnyFunction,
  This = ThisParameterType<F>,
  T extends EffectTarget = EffectTarget,
> {
  readonly of: T;
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

export interface InvalidatesVerb {
  <F extends AnyFunction, const T extends EffectTarget = EffectTarget>(
    fn: F,
    effect: InvalidateEffect<F, ThisParameterType<F>, T> & NoContext,
  ): F;
  <This = any, F extends AnyFunction = AnyFunction, const T extends EffectTarget = EffectTarget>(
    effect: InvalidateEffect<F, This, T>,
  ): MethodDecorator<This, F>;
}

export interface UpdatesVerb {
  <F extends AnyFunction, const T extends EffectTarget = EffectTarget>(
    fn: F,
    effect: UpdateEffect<F, ThisParameterType<F>, T> & Storable<F, T> & NoContext,
  ): F;
  <This = any, F extends AnyFunction = AnyFunction, const T extends EffectTarget = EffectTarget>(
    effect: UpdateEffect<F, This, T> & Storable<F, T>,
  ): MethodDecorator<This, F>;
}
