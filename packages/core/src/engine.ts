import type { Eventual } from './counters.ts';
import type { Policy } from './options.ts';
import type { Runs } from './runs.ts';
import type { Scope } from './scope.ts';
import type { Work } from './shelf.ts';
import type { Counts } from './stats.ts';
import type { AnyFunction, Inspection } from './types.ts';

/** One function with the entries it has on one kind of store: what calls and handles do, each in that store's way. */
export interface Engine {
  /** What takes the function's place: same `this`, same arguments. */
  readonly call: AnyFunction;
  readonly runs: Runs;
  /** What can be done by the function's own arguments; `args` are those of a call. */
  invalidate(scope: Scope, args: readonly unknown[]): Eventual<boolean>;
  refresh(scope: Scope, args: readonly unknown[]): unknown;
  peek(scope: Scope, args: readonly unknown[]): Eventual<unknown>;
  has(scope: Scope, args: readonly unknown[]): Eventual<boolean>;
  set(scope: Scope, args: readonly unknown[], value: unknown, policy?: Policy): Eventual<void>;
  /** A call that is no call of the function, but of `work`: `getOrSet`. */
  askFor(work: Work, args: readonly unknown[]): unknown;
  /**
   * Calls that one run of `work` may answer together: each is looked up, joined or begun by itself, all in one tick. Whether and when
   * `work.fn` is called for one of them is known as soon as its entry has been looked up.
   *
   * @returns the answers, in the order of the calls; throws where a key cannot be told, before anything has begun
   */
  askEach(work: Work, self: unknown, calls: readonly (readonly unknown[])[]): unknown[];
  inspect(scope: Scope, args: readonly unknown[]): Eventual<Inspection | undefined>;
  keyOf(scope: Scope, args: readonly unknown[]): string;
  clear(scope: Scope): Eventual<void>;
  /** How many entries the scope has, as far as is known at once. */
  size(scope: Scope): number;
  /** What was counted for the scope. */
  countsOf(scope: Scope): Counts;
  /** Voids and drops what begins so in text, without the namespace; on text stores only what is known here: the store is cleared once for all. */
  clearPrefix(prefix: string): void;
}
