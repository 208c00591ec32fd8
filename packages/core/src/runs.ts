import { RepriseError } from '@reprise/store/contract';
import { closesCircle, currentRun, enterRun, leaveRun, noteWait } from './context.ts';
import { Flight, Flights } from './flight.ts';
import { isOneShot, isThenable } from './one-shot.ts';
import type { Policy } from './options.ts';
import type { Lifetime, Remembered } from './remembered.ts';
import type { Counts } from './stats.ts';
import { Stopwatch } from './stopwatch.ts';
import type { AnyFunction } from './types.ts';

/** Where the results of one function go; the three kinds of store each have one. */
export interface Shelf {
  /** Keeps a fresh result; where `lifetime` is `undefined`, removes the older one instead. */
  keep(
    key: unknown,
    value: unknown,
    lifetime: Lifetime,
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
  ): void;
  /** A flight has ended and left nothing: what was only there for it can go. */
  release(key: unknown): void;
  /** The key in text. */
  textOf(key: unknown): string;
  /** A copy for one more caller, on stores that give every reader a value of its own. */
  copy?(value: unknown): unknown;
}

/** What is run on a miss, and by which rules its result is judged. */
export interface Work {
  readonly fn: AnyFunction;
  readonly policy: Policy;
}

/**
 * The runs of one function: opens flights, lets calls join them, and brings their results to the shelf.
 *
 * Whether a result may be kept is decided here and nowhere else: when the flight settles and has not been voided since it opened.
 */
export class Runs {
  readonly flights: Flights = new Flights();
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;
  readonly #watch = new Stopwatch();
  /** Whether the last result was a promise; at first, whether the function is an `async` one. */
  isAsync: boolean;

  constructor(remembered: Remembered, shelf: Shelf) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.isAsync = isAsyncFunction(remembered.fn);
  }

  /** Opens a flight for a key; one that is open already is joined by no more calls. */
  open(key: unknown, policy: Policy): Flight {
    const flight = new Flight(key);
    if (policy.dedupe === false) this.flights.openLoose(flight);
    else this.flights.open(flight);
    return flight;
  }

  /** A call that finds a flight open for its key. */
  join(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    const { promise } = flight;
    const waiter = currentRun();
    // No promise yet: the call comes from inside the function's own synchronous part.
    if (promise === undefined || (waiter !== undefined && closesCircle(waiter, flight))) {
      return this.runDirectly(flight, work, self, args, counts);
    }
    if (waiter !== undefined) noteWait(waiter, flight, promise);
    if (flight.running) this.countJoined(counts, flight);
    else flight.early++;
    flight.joined = true;
    return this.#share(promise, flight, work, self, args, counts);
  }

  #share(
    promise: Promise<unknown>,
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
  ): Promise<unknown> {
    // One promise for each, since each may have to run for himself: what the result is, is known when it is there.
    return promise.then((value) => {
      if (flight.isOneShot) {
        counts.coalesced--;
        return this.runDirectly(flight, work, self, args, counts);
      }
      return flight.model === undefined ? value : this.#shelf.copy?.(flight.model.value);
    });
  }

  /** Takes a model of the result, if somebody beside the first caller waits for it and all are to have copies. */
  model(flight: Flight, value: unknown): void {
    const { copy } = this.#shelf;
    if (copy !== undefined && flight.joined) flight.model = { value: copy(value) };
  }

  /** One more call that waits for a run. */
  countJoined(counts: Counts, flight: Flight): void {
    counts.coalesced++;
    if (this.#remembered.listening !== 0) this.#remembered.emit('coalesced', () => this.#shelf.textOf(flight.key));
  }

  /** Runs the function for this call alone: its result is neither kept nor shared. `flight` is the one that it does not wait for. */
  runDirectly(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    counts.misses++;
    counts.loads++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('miss', () => this.#shelf.textOf(flight.key));
    const start = this.#watch.start(remembered.listening !== 0);
    const fail = (error: unknown): void => {
      counts.errors++;
      this.#told(flight, counts, start, error);
    };
    let result: unknown;
    try {
      result = Reflect.apply(work.fn, self, args);
    } catch (error) {
      fail(error);
      throw error;
    }
    if (!isThenable(result)) {
      this.#told(flight, counts, start);
      return result;
    }
    // The caller gets the promise that was listened to, so that a rejection which he ignores is reported as one.
    return result.then(
      (value) => {
        this.#told(flight, counts, start);
        return value;
      },
      (error: unknown) => {
        fail(error);
        throw error;
      },
    );
  }

  /**
   * Runs the function as the body of an open flight. Answers what it returns; what is kept of it is decided when it settles.
   */
  fly(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    counts.loads++;
    flight.running = true;
    // Who is running waits for this run from now on: its synchronous part may already lead back to him.
    const parent = currentRun();
    if (parent !== undefined) this.flights.openFor(parent, flight);
    const start = this.#watch.start(this.#remembered.listening !== 0);
    let result: unknown;
    try {
      result = enterRun(flight, work.fn, self, args);
    } catch (error) {
      leaveRun();
      this.#fail(flight, counts, start, error);
      throw error;
    }
    if (isThenable(result)) return this.#follow(flight, work, self, args, counts, start, result);
    leaveRun();
    this.isAsync = false;
    this.#settle(flight, work, self, args, counts, start, result);
    return result;
  }

  // Apart from `fly`, which so needs no closures: a synchronous run costs a third less.
  #follow(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    result: PromiseLike<unknown>,
  ): Promise<unknown> {
    this.isAsync = true;
    const promise = (result instanceof Promise ? result : Promise.resolve(result)).then(
      (value) => {
        leaveRun();
        this.model(flight, value);
        this.#settle(flight, work, self, args, counts, start, value);
        return value;
      },
      (error: unknown) => {
        leaveRun();
        this.#fail(flight, counts, start, error);
        throw error;
      },
    );
    flight.promise ??= promise;
    return promise;
  }

  #settle(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    value: unknown,
  ): void {
    const shelf = this.#shelf;
    const loadTime = this.#told(flight, counts, start);
    let lifetime: Lifetime;
    const { ttl, cacheIf } = work.policy;
    if (isOneShot(value)) {
      flight.isOneShot = true;
      this.#reportOneShot(flight);
    }
    // The plain case first: no callbacks, no array of arguments.
    else if (cacheIf === undefined && typeof ttl !== 'function') lifetime = ttl === 0 ? undefined : (ttl ?? Infinity);
    else if (!flight.voided) lifetime = this.#lifetimeOf(flight, work, self, args, value);
    const { promise } = flight;
    this.flights.close(flight);
    if (!flight.voided) {
      this.flights.supersede(flight);
      shelf.keep(flight.key, value, lifetime, promise, loadTime);
    }
    if (flight.voided || lifetime === undefined) shelf.release(flight.key);
  }

  #lifetimeOf(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, value: unknown): Lifetime {
    return this.#remembered.lifetimeOf(work.policy, value, self, Array.from(args), () =>
      this.#shelf.textOf(flight.key),
    );
  }

  #reportOneShot(flight: Flight): void {
    const remembered = this.#remembered;
    remembered.report(
      new RepriseError(
        'E_ONE_SHOT',
        `${remembered.label()} returned something that can be read only once (a stream, an iterator, a Response): it went to ` +
          `the call that ran it and was neither stored nor shared; return what is read from it instead`,
      ),
      () => this.#shelf.textOf(flight.key),
    );
  }

  #fail(flight: Flight, counts: Counts, start: number, error: unknown): void {
    counts.errors++;
    this.flights.close(flight);
    this.#told(flight, counts, start, error);
    this.#shelf.release(flight.key);
  }

  #told(flight: Flight, counts: Counts, start: number, error?: unknown): number | undefined {
    const duration = this.#watch.stop(start, counts);
    if (this.#remembered.listening !== 0) this.#tell(flight, duration, error);
    return duration;
  }

  #tell(flight: Flight, duration: number | undefined, error: unknown): void {
    this.#remembered.emit('load', () => this.#shelf.textOf(flight.key), {
      ...(duration !== undefined && { duration }),
      ...(error !== undefined && { error }),
    });
  }
}

/** Whether a function is an `async` one by its syntax; others may return promises, too. */
export function isAsyncFunction(fn: AnyFunction): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]';
}
