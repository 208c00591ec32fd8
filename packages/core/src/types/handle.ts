import type { Store, SyncStore } from '@reprise/store/contract';
import type { CacheEventType, CacheListener, Inspection, Stats } from './event.ts';
import type { Answer, AnyFunction, FoundMany, FoundOne, Id, Kept, Rest, Value } from './function.ts';

/**
 * What can be done with the entries of one memoized function, by its own arguments (of the last overload).
 * On a synchronous store (and for `memoize`) these return values, on an asynchronous one promises.
 */
export interface MemoizeHandle<F extends AnyFunction, S extends Store = SyncStore> {
  /**
   * Removes the entry of this call; no run that began before will fill it again. Answers whether there was one.
   * Of a whole class in a store of text keys, whose owners cannot be listed, all entries of the method go.
   */
  invalidate(...args: Parameters<F>): Answer<S, boolean>;
  /** Removes all entries of the function, or of the owner that the handle stands for. */
  clear(): Answer<S, void>;
  /** Runs anew, the old entry answering meanwhile. A failure rejects and keeps the old entry. */
  refresh(...args: Parameters<F>): ReturnType<Kept<F, S>>;
  /** The fresh value of this call, or `undefined`. Never runs the function, never throws a remembered error. */
  peek(...args: Parameters<F>): Answer<S, Value<F> | undefined>;
  /** Whether this call has a fresh value. */
  has(...args: Parameters<F>): Answer<S, boolean>;
  /** Puts a value in place of a run's: fences like an invalidation, and wins over older runs. */
  set(args: Parameters<F>, value: Value<F>): Answer<S, void>;
  /**
   * The key of this call in text. A store is given it behind the cache's name, and shortened where that is longer than 250 bytes.
   */
  keyOf(...args: Parameters<F>): string;
  /** What is known of this call's entry, without a trace in recency or stats. */
  inspect(...args: Parameters<F>): Answer<S, Inspection | undefined>;
  /** The counts. */
  stats(): Stats;
  /** The function underneath. */
  readonly original: F;
}

/** What can be done with the entries of one cached function: a {@link MemoizeHandle} that can be listened to. */
export interface Handle<F extends AnyFunction, S extends Store = SyncStore> extends MemoizeHandle<F, S> {
  /** Listens to this function's events; returns how to stop. */
  on<Type extends CacheEventType>(type: Type, listener: CacheListener<Type>): () => void;
}

/** A function wrapped by `cached`: called as before, and its own handle. */
export type CachedFunction<F extends AnyFunction, S extends Store = SyncStore> = Kept<F, S> & Handle<F, S>;

/** A function wrapped by `memoize`: called as before, and its own handle. */
export type MemoizedFunction<F extends AnyFunction> = F & MemoizeHandle<F>;

/** What can be done with the entries of a function wrapped by `cachedMany`: a {@link Handle} that takes an id in place of the list. */
export interface ManyHandle<F extends AnyFunction, S extends Store = SyncStore>
  extends Omit<Handle<FoundOne<F>, S>, 'invalidate' | 'original'> {
  /** Removes the entry of an id, or those of several; no run that began before will fill them again. Answers whether there was one. */
  invalidate(id: Id<F> | readonly Id<F>[], ...rest: Rest<F>): Answer<S, boolean>;
  /** The function underneath. */
  readonly original: F;
}

/** A function wrapped by `cachedMany`: called with a list of ids, answered in its order, and its own handle. */
export type CachedManyFunction<F extends AnyFunction, S extends Store = SyncStore> = FoundMany<F> & ManyHandle<F, S>;

/** The names of what `cacheOf` can find on an owner: its members; for a class its static ones and its instances'. */
export type MemberName<Owner> = 0 extends 1 & Owner
  ? any
  : keyof Owner | (Owner extends { readonly prototype: infer P } ? keyof P : never);

type FunctionOf<Member> = Member extends AnyFunction ? Member : () => Member;

type InstanceMember<Owner, Name> = Owner extends { readonly prototype: infer P }
  ? Name extends keyof P
    ? P[Name]
    : never
  : never;

/** The function behind a name: a method, a getter as a function without arguments; for a class its static method first. */
export type MemberFunction<Owner, Name> = Name extends keyof Owner
  ? Owner[Name] extends AnyFunction
    ? Owner[Name]
    : [InstanceMember<Owner, Name>] extends [never]
      ? FunctionOf<Owner[Name]>
      : FunctionOf<InstanceMember<Owner, Name>>
  : FunctionOf<InstanceMember<Owner, Name>>;

/**
 * The handle of a method. Of one that takes a list and answers one it is not known here whether each list is cached, or each id by
 * `cachedMany`: it takes both.
 */
export type MemberHandle<F extends AnyFunction> = Handle<F, Store> &
  (F extends (ids: any[], ...rest: any) => PromiseLike<readonly unknown[]> ? Handle<FoundOne<F>, Store> : unknown);

/**
 * The type of `cacheOf`. The owner is taken through a mapped type, so that inside of a class `cacheOf(this, 'find')` knows the
 * arguments (of the type `this` itself they would be deferred), and private members can be named.
 */
export type CacheOf = <Owner extends object, Name extends MemberName<Owner>>(
  owner: { readonly [Key in keyof Owner]: Owner[Key] } | object,
  name: Name,
) => MemberHandle<MemberFunction<Owner, Name>>;
