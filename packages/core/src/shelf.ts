import type { MemoryRecord } from '@reprise/store/contract';
import type { Eventual, Generation } from './counters.ts';
import type { Flight } from './flight.ts';
import type { Keeping } from './keeping.ts';
import type { Policy } from './options.ts';
import type { Permit } from './permit.ts';
import type { Counts } from './stats.ts';
import type { AnyFunction } from './types.ts';

/** Where the results of one function go; the three kinds of store each have one. */
export interface Shelf {
  /** Whether answers are promises whatever the function returns. */
  readonly isEventual: boolean;
  /**
   * Keeps a fresh result; where `keeping` is `undefined`, removes the older one instead.
   * @param epoch by which the labels of the result are judged
   * @param permit what the store said before the run began; ended by this, at the latest when the result is stored
   * @returns `false`: what is there stays, since an error takes the place of no value that may answer yet
   */
  keep(
    key: unknown,
    value: unknown,
    keeping: Keeping | undefined,
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
    epoch: number,
    permit: Permit | undefined,
  ): boolean;
  /**
   * Asks the store before a run begins, where it is shared with other processes; sets the flight's permit.
   * @param isForced whether the run of another process is no answer
   * @returns what another process has stored meanwhile, which is the answer; `undefined`: the function is to be run
   */
  admit?(flight: Flight, work: Work, isForced: boolean): Eventual<MemoryRecord | undefined>;
  /** Whether another process has invalidated the key, or one of the labels, since the run of a flight began: later calls do not join it. */
  isOvertaken?(flight: Flight, tags: readonly string[] | undefined): Eventual<boolean>;
  /** What the counters of such a store are now. */
  generation?(): Eventual<Generation>;
  /** A flight has ended and left nothing: what was only there for it can go. */
  release(key: unknown): void;
  /** What is under the key can no longer be answered: for its age, or because a label of it `isVoided`. */
  expire(key: unknown, isVoided: boolean): void;
  /** An entry with an idle time has been read, by a call with this policy. */
  touch(key: unknown, record: MemoryRecord, policy: Policy): void;
  /** The function is not to be run behind what is under the key before this moment. */
  rest(key: unknown, record: MemoryRecord, until: number): void;
  /** A call that has to be answered anew: what it waited for was invalidated before it came. */
  askAgain(key: unknown, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts, place: unknown): unknown;
  /** The key in text. */
  textOf(key: unknown): string;
  /** A copy for one more caller, on stores that give every reader a value of its own. */
  copy?(value: unknown): unknown;
}

/** What is run on a miss, and by which rules its result is judged. */
export interface Work {
  readonly fn: AnyFunction;
  readonly policy: Policy;
  /** The signal of the caller, where he has one. */
  readonly signal?: AbortSignal | undefined;
  /** Told that a call waits for a run under way, and so needs none of its own for now. */
  readonly joined?: ((args: ArrayLike<unknown>) => void) | undefined;
}
