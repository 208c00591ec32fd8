import { beginWait, closesCircle, currentRun, enterRun, leaveRun, noteWait } from './context.ts';
import { warnOnce } from './events.ts';
import type { Level } from './key/index-level.ts';
import { type ArgumentPath, capturePath } from './key/index-token.ts';
import { isObject } from './key/value-kind.ts';
import type { Member } from './member.ts';
import { missing, settledValues } from './memoize-leaf.ts';
import type { MemoizeFlight, Shelf } from './memoize-shelf.ts';
import { isOneShot, isThenable } from './one-shot.ts';
import { isAsyncFunction } from './runs.ts';
import { Stopwatch } from './stopwatch.ts';
import type { AnyFunction } from './types.ts';

/** Recursion beyond this depth makes no more flights inside flights: their frames would cost it a good part of the stack. */
const deepest = 24;

/**
 * What happens beyond a hit, for one memoized function: its runs, who waits for them, and what is kept of them.
 *
 * A synchronous run is only known to the shelf as being on the stack. A run that may return a promise is a flight: it is opened
 * before the function is called, so that a call from inside it is recognised, and it is known to the graph of waits.
 */
export class MemoizeEngine {
  readonly fn: AnyFunction;
  readonly member: Member;
  /** A function has no class that a call could tell. */
  readonly isFunction: boolean;
  readonly #watch = new Stopwatch();
  /** Whether the function returns promises, as far as its last run showed; at first, by its syntax. */
  isAsync: boolean;
  /**
   * Whether a run is to be a flight: until the function has shown that it returns none, and again for ever once it has returned a promise.
   * The run by which a function that was synchronous first turns out not to be is none: it alone does not notice that it waits for itself.
   */
  #flies = true;
  #hasPromised = false;
  /** How many flights are on the stack. */
  #nested = 0;

  constructor(fn: AnyFunction, member: Member) {
    this.fn = fn;
    this.member = member;
    this.isFunction = member.kind === 'function';
    this.isAsync = isAsyncFunction(fn);
  }

  /** Answers a call whose result stands, or is to stand, at `path`. */
  ask(shelf: Shelf, path: ArgumentPath, self: unknown, args: readonly unknown[]): unknown {
    const kept = this.#find(shelf, path);
    if (kept !== missing) return kept;
    const flight = shelf.flightOf(path);
    if (flight !== undefined) return this.#join(flight, shelf, self, args);
    shelf.tally.misses++;
    shelf.tally.loads++;
    if (this.#flies && this.#nested < deepest) return this.#fly(shelf, path, self, args);
    return this.#runAtOnce(shelf, path, self, args);
  }

  /** What is kept for a call, which then is a hit. */
  #find(shelf: Shelf, path: ArgumentPath): unknown {
    const { tally } = shelf;
    // The hit path has counted this call as a hit and sends it as a sample.
    const isSample = tally.left === 0;
    const kept = shelf.fresh(path);
    if (kept !== missing) {
      if (isSample || --tally.left === 0) shelf.spare(path);
    } else if (isSample) {
      // It looked fresh to the hit path, and has expired since.
      tally.uncount();
    }
    return kept;
  }

  /** {@link ask} for one primitive argument of which it is known that nothing is kept. `one` is the level that it belongs in. */
  load(shelf: Shelf, one: Level, self: unknown, a: unknown): unknown {
    const { tally, keeps } = shelf;
    if (this.#flies) {
      const flight = shelf.flightOfOne(a);
      if (flight !== undefined) return this.#join(flight, shelf, self, [a]);
    }
    tally.misses++;
    tally.loads++;
    if (this.#flies && this.#nested < deepest) return this.#fly(shelf, capturePath([a]), self, [a]);
    const start = this.#watch.start();
    const began = shelf.enter();
    let result: unknown;
    try {
      result = Reflect.apply(this.fn, self, [a]);
    } catch (error) {
      shelf.leave();
      this.#fail(shelf, start);
      throw error;
    }
    if (isObject(result) || !shelf.isUntouched(began, keeps)) {
      return this.#settle(shelf, capturePath([a]), began, start, result);
    }
    shelf.leave();
    this.#watch.stop(start, tally);
    shelf.keepNew(one, a, result);
    return result;
  }

  /** A value as the function would have returned it. @param failed called with the promise if it is one that rejects */
  shape(value: unknown, failed: (promise: unknown) => void): unknown {
    if (!this.isAsync && !isThenable(value)) return value;
    const promise = Promise.resolve(value);
    if (isThenable(value))
      promise.then(
        (settled) => settledValues.set(promise, settled),
        () => failed(promise),
      );
    else settledValues.set(promise, value);
    return promise;
  }

  /** Runs the function, and keeps what comes of it. */
  run(shelf: Shelf, path: ArgumentPath, self: unknown, args: readonly unknown[]): unknown {
    shelf.tally.loads++;
    return this.#flies && this.#nested < deepest
      ? this.#fly(shelf, path, self, args)
      : this.#runAtOnce(shelf, path, self, args);
  }

  /** The frame that stands on the stack while the function runs: recursion has as many of them, so it is kept small. */
  #runAtOnce(shelf: Shelf, path: ArgumentPath, self: unknown, args: readonly unknown[]): unknown {
    const start = this.#watch.start();
    const began = shelf.enter();
    let result: unknown;
    try {
      result = Reflect.apply(this.fn, self, args);
    } catch (error) {
      shelf.leave();
      this.#fail(shelf, start);
      throw error;
    }
    return this.#settle(shelf, path, began, start, result);
  }

  #settle(shelf: Shelf, path: ArgumentPath, began: number, start: number, result: unknown): unknown {
    const stands = shelf.stands(path, began);
    shelf.leave();
    if (isThenable(result)) {
      this.isAsync = true;
      this.#flies = true;
      // Another run of this call may have become a flight meanwhile, which is then the one to join.
      if (!stands || shelf.flightOf(path) !== undefined) return this.#observe(shelf, start, result);
      return this.#await(shelf, path, shelf.open(path), start, result, undefined);
    }
    this.#watch.stop(start, shelf.tally);
    if (isOneShot(result)) this.#refuse(shelf, path, stands);
    else if (stands) shelf.keep(path, result);
    return result;
  }

  #fly(shelf: Shelf, path: ArgumentPath, self: unknown, args: readonly unknown[]): unknown {
    const flight = shelf.open(path);
    const start = this.#watch.start();
    // Who is running waits for this run from now on: its synchronous part may already lead back to him.
    const parent = currentRun();
    if (parent !== undefined) beginWait(parent, flight);
    let result: unknown;
    this.#nested++;
    try {
      result = enterRun(flight, this.fn, self, args);
      this.#nested--;
    } catch (error) {
      this.#nested--;
      leaveRun(flight);
      parent?.waits?.delete(flight);
      shelf.close(path, flight);
      this.#fail(shelf, start);
      throw error;
    }
    if (isThenable(result)) return this.#await(shelf, path, flight, start, result, leaveRun);
    leaveRun(flight);
    parent?.waits?.delete(flight);
    this.isAsync = false;
    this.#flies = this.#hasPromised;
    this.#watch.stop(start, shelf.tally);
    shelf.close(path, flight);
    if (isOneShot(result)) this.#refuse(shelf, path, !flight.voided);
    else if (!flight.voided) shelf.keep(path, result);
    return result;
  }

  /**
   * The promise that callers get, and that is kept: it settles after what comes of the run has been kept, and nobody listens to it
   * but callers, so that a rejection which no caller handles is reported as one.
   */
  #await(
    shelf: Shelf,
    path: ArgumentPath,
    flight: MemoizeFlight,
    start: number,
    result: PromiseLike<unknown>,
    leave: ((flight: MemoizeFlight) => void) | undefined,
  ): Promise<unknown> {
    this.isAsync = true;
    this.#hasPromised = true;
    const settled = promiseOf(result);
    const promise = settled.then(
      (value) => {
        leave?.(flight);
        this.#watch.stop(start, shelf.tally);
        shelf.close(path, flight);
        cut(flight);
        if (isOneShot(value)) {
          this.#refuse(shelf, path, !flight.voided);
          return value;
        }
        if (!flight.voided) {
          settledValues.set(promise, value);
          shelf.keep(path, promise);
        }
        return value;
      },
      (error: unknown) => {
        leave?.(flight);
        shelf.close(path, flight);
        cut(flight);
        this.#fail(shelf, start);
        throw error;
      },
    );
    flight.promise = promise;
    flight.settled = settled;
    const waiter = currentRun();
    if (waiter !== undefined) noteWait(waiter, flight, settled);
    return promise;
  }

  /** A call that finds its key under way: waits for that run, unless it would wait for itself. */
  #join(flight: MemoizeFlight, shelf: Shelf, self: unknown, args: readonly unknown[]): unknown {
    const { promise, settled } = flight;
    const waiter = currentRun();
    // Without a promise the function's synchronous part is on the stack, and the call comes from there.
    if (promise === undefined || settled === undefined || (waiter !== undefined && closesCircle(waiter, flight))) {
      shelf.tally.misses++;
      return this.#runDirectly(shelf, self, args);
    }
    if (waiter !== undefined) noteWait(waiter, flight, settled);
    shelf.tally.coalesced++;
    // One promise for each, since each may have to run for himself: what the result is, is known when it is there.
    return promise.then((value) => {
      if (!isOneShot(value)) return value;
      shelf.tally.coalesced--;
      shelf.tally.misses++;
      return this.#runDirectly(shelf, self, args);
    });
  }

  /** Runs the function for one call alone. What comes of it is neither kept nor shared. */
  #runDirectly(shelf: Shelf, self: unknown, args: readonly unknown[]): unknown {
    const { tally } = shelf;
    tally.loads++;
    const start = this.#watch.start();
    try {
      const result: unknown = Reflect.apply(this.fn, self, args);
      if (isThenable(result)) return this.#observe(shelf, start, result);
      this.#watch.stop(start, tally);
      return result;
    } catch (error) {
      this.#fail(shelf, start);
      throw error;
    }
  }

  /** Counts what comes of a promise that is not kept. */
  #observe(shelf: Shelf, start: number, result: PromiseLike<unknown>): Promise<unknown> {
    return promiseOf(result).then(
      (value) => {
        this.#watch.stop(start, shelf.tally);
        return value;
      },
      (error: unknown) => {
        this.#fail(shelf, start);
        throw error;
      },
    );
  }

  #fail(shelf: Shelf, start: number): void {
    shelf.tally.errors++;
    this.#watch.stop(start, shelf.tally);
  }

  /** A result that can be read only once goes to the call that ran the function; what was kept before is outdated. */
  #refuse(shelf: Shelf, path: ArgumentPath, stands: boolean): void {
    if (stands) shelf.drop(path);
    warnOnce(
      this,
      'E_ONE_SHOT',
      'E_ONE_SHOT',
      `${this.member.label()} returned something that can be read only once (a stream, an iterator, a Response): it went to the call ` +
        'that ran it and was neither kept nor shared; return what is read from it instead (said once)',
    );
  }
}

/** Contexts of later code lead to a flight for long, and its promise to the context it was made in: a chain of runs would hold all. */
function cut(flight: MemoizeFlight): void {
  flight.promise = undefined;
  flight.settled = undefined;
  flight.waits = undefined;
}

function promiseOf(result: PromiseLike<unknown>): Promise<unknown> {
  return result instanceof Promise ? result : Promise.resolve(result);
}
