import { performance } from 'node:perf_hooks';
import { type MemoryRecord, RepriseError, TimeoutError } from '@reprise/store/contract';
import {
  addTags,
  closesCircle,
  currentMode,
  currentRun,
  enterAside,
  enterRun,
  leaveAside,
  leaveRun,
  notesOf,
  noteWait,
  type Run,
} from './context.ts';
import { areLoadsObserved, areLoadsTraced, areMissesObserved, traceLoad } from './diagnostics.ts';
import { Flight, Flights } from './flight.ts';
import { isForgiven, isWithinWindow, judge, type Verdict } from './freshness.ts';
import { cloneTrusted, cloneValue, freezeValue } from './isolate.ts';
import { isolationError, type Judged, type Keeping, keepError, keepPlainly, keepValue, tagsOf } from './keeping.ts';
import { isOneShot, isThenable } from './one-shot.ts';
import type { Policy } from './options.ts';
import { hasVoidedTags } from './record.ts';
import type { Remembered } from './remembered.ts';
import { Seat } from './seat.ts';
import { withSignal } from './signal-argument.ts';
import type { Counts } from './stats.ts';
import { Stopwatch } from './stopwatch.ts';
import { areVoided, tagEpoch } from './tags.ts';
import type { AnyFunction, CacheEventType } from './types.ts';
import { type Patience, waitWith } from './waiting.ts';

/** Where the results of one function go; the three kinds of store each have one. */
export interface Shelf {
  /** Whether answers are promises whatever the function returns. */
  readonly isEventual: boolean;
  /**
   * Keeps a fresh result; where `keeping` is `undefined`, removes the older one instead.
   * @param epoch by which the labels of the result are judged
   */
  keep(
    key: unknown,
    value: unknown,
    keeping: Keeping | undefined,
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
    epoch: number,
  ): void;
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

const defaultRetryAfter = 1_000;

/**
 * The runs of one function: opens flights, lets calls join them, and brings their results to the shelf.
 *
 * Whether a result may be kept is decided here and nowhere else: when the flight settles and has not been voided since it opened.
 * So is what a call does with what it finds under its key.
 */
export class Runs {
  readonly flights: Flights = new Flights();
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;
  readonly #watch = new Stopwatch();
  /** Whether the last result was a promise; at first, whether the function is an `async` one. */
  isAsync: boolean;
  /** Whether the last result was none. */
  #isSync = false;

  constructor(remembered: Remembered, shelf: Shelf) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.isAsync = isAsyncFunction(remembered.fn);
  }

  // ── a call ──

  /**
   * Answers a call from what is under its key, from a run under way, or by a run. For stores that answer at once.
   * @param place what the shelf needs to answer it anew
   */
  serve(
    key: unknown,
    record: MemoryRecord | undefined,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    place?: unknown,
  ): unknown {
    const mode = currentMode();
    let fallback: MemoryRecord | undefined;
    if (record !== undefined && mode !== 'reload' && mode !== 'no-cache') {
      const verdict = this.verdictOn(key, record, work.policy);
      if (this.#isAnswer(verdict, mode)) {
        if (mode === undefined || mode === 'default') this.followUp(verdict, key, record, work, self, args, counts);
        return this.answer(record, verdict, key, work.policy, counts);
      }
      if (verdict !== 'gone') fallback = record;
    }
    if (mode === 'only-if-cached') {
      const error = this.refuseUncached(key, counts);
      this.#shelf.release(key);
      return this.#raise(error);
    }
    const open = mode === 'reload' ? undefined : this.joinable(key, work.policy);
    if (open !== undefined) return this.join(open, work, self, args, counts, fallback, place);
    const flight = this.open(key, work.policy);
    flight.leavesEntry = mode === 'reload' || mode === 'no-cache';
    this.countOpener(flight, fallback, counts);
    return this.attend(this.fly(flight, work, self, args, counts), flight, work, counts);
  }

  /** Whether, in a mode, what was found is the answer to a call. */
  #isAnswer(verdict: Verdict, mode: string | undefined): boolean {
    if (verdict === 'gone') return false;
    return verdict !== 'fallback' || mode === 'force-cache' || mode === 'only-if-cached';
  }

  /** What a call does with a record. One that was voided by its labels is gone. */
  verdictOn(key: unknown, record: MemoryRecord, policy: Policy): Verdict {
    if (hasVoidedTags(record)) {
      this.#shelf.expire(key, true);
      this.#remembered.home.metVoided();
      return 'gone';
    }
    const { home } = this.#remembered;
    const verdict = judge(record, policy, home.now(), home.random);
    if (verdict === 'gone') this.#shelf.expire(key, false);
    return verdict;
  }

  /** Runs the function behind an answer, where the verdict asks for it. */
  followUp(
    verdict: Verdict,
    key: unknown,
    record: MemoryRecord,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
  ): void {
    if (verdict === 'ahead' || verdict === 'stale') this.#flyBehind(key, record, work, self, args, counts);
  }

  /** A call's answer from a record, counted; `calls` of them where several wait for the same look into the store. */
  answer(
    record: MemoryRecord,
    verdict: Verdict,
    key: unknown,
    policy: Policy,
    counts: Counts,
    calls: number = 1,
  ): unknown {
    const isFresh = verdict === 'fresh' || verdict === 'ahead';
    if (isFresh) counts.hits += calls;
    else counts.stale += calls;
    const { rest } = record;
    if (rest?.loadTime !== undefined) {
      counts.saved += calls * rest.loadTime;
      counts.savings += calls;
    }
    if (this.#remembered.listening !== 0) {
      for (let told = 0; told < calls; told++) this.#tell(isFresh ? 'hit' : 'stale', key);
    }
    if (rest?.tags !== undefined) passTags(rest.tags);
    if (rest?.idle !== undefined) this.#shelf.touch(key, record, policy);
    return this.valueOf(record, policy);
  }

  /** What a record answers: a value, a promise of it, or the remembered error, thrown or rejecting. */
  valueOf(record: MemoryRecord, policy: Policy): unknown {
    const { rest, value } = record;
    const isPromise = this.#shelf.isEventual || rest?.promise !== undefined || rest?.promised === true;
    if (rest?.failed) {
      if (isPromise) return Promise.reject(value);
      throw value;
    }
    if (this.#isCopied(record, policy)) {
      const copy = this.#copyOf(record);
      return isPromise ? Promise.resolve(copy) : copy;
    }
    if (rest?.promise !== undefined) return rest.promise;
    return isPromise ? Promise.resolve(value) : value;
  }

  /** The value of a record for somebody who looks at it without a call; a remembered error is none. */
  look(record: MemoryRecord | undefined, policy: Policy): unknown {
    if (record === undefined || record.rest?.failed) return undefined;
    const { rest, value } = record;
    if (rest?.tags !== undefined) passTags(rest.tags);
    return this.#isCopied(record, policy) ? this.#copyOf(record) : value;
  }

  /** Whether every reader gets a copy of his own: as the policy says now, or said when it was kept. */
  #isCopied({ rest }: MemoryRecord, policy: Policy): boolean {
    return this.#shelf.copy === undefined && (policy.isolate === 'clone' || rest?.copied === true);
  }

  /** A copy for one reader. What was kept before copies were asked for may not be copied faithfully: that is reported, and shared. */
  #copyOf({ rest, value }: MemoryRecord): unknown {
    if (rest?.copied) return cloneTrusted(value);
    try {
      return cloneValue(value);
    } catch (error) {
      this.#remembered.report(isolationError(this.#remembered, error));
      return value;
    }
  }

  /** What is kept of a value that is put in place of a run's. Where it may not be kept as asked, that is reported. */
  prime(
    key: unknown,
    value: unknown,
    policy: Policy,
    self: unknown,
    args: readonly unknown[],
  ): { readonly value: unknown; readonly keeping: Keeping | undefined } {
    const judged: Judged = { policy, self, args, key: () => this.#shelf.textOf(key) };
    const tags = tagsOf(this.#remembered, judged, value, undefined);
    const keeping = keepValue(this.#remembered, judged, value, undefined, tags);
    if (policy.isolate === undefined || policy.isolate === 'none' || this.#shelf.copy !== undefined)
      return { value, keeping };
    try {
      if (policy.isolate === 'clone') return { value: cloneValue(value), keeping };
      freezeValue(value);
      return { value, keeping };
    } catch (error) {
      this.#remembered.report(isolationError(this.#remembered, error), judged.key);
      return { value, keeping: undefined };
    }
  }

  /** The error of a call that may not run, counted. */
  refuseUncached(key: unknown, counts: Counts): RepriseError {
    counts.misses++;
    if (this.#remembered.listening !== 0) this.#tell('miss', key);
    return new RepriseError(
      'E_NOT_CACHED',
      `${this.#remembered.label()}: nothing is cached for ${this.#shelf.textOf(key)}, and the mode only-if-cached lets nothing run`,
    );
  }

  #raise(error: unknown): unknown {
    if (this.isAsync || this.#shelf.isEventual) return Promise.reject(error);
    throw error;
  }

  /** Opens a flight for a key; one that is open already is joined by no more calls. */
  open(key: unknown, policy: Policy): Flight {
    const flight = new Flight(key);
    if (policy.dedupe === false) this.flights.openLoose(flight);
    else this.flights.open(flight);
    return flight;
  }

  /** The flight that a call is to join. One that has been under way for longer than `abandon`, or was voided by a label, is none. */
  joinable(key: unknown, policy: Policy): Flight | undefined {
    if (policy.dedupe === false) return undefined;
    const flight = this.flights.get(key);
    if (flight === undefined) return undefined;
    if (!this.#isAbandoned(flight, policy) && !this.#isOutdated(flight, policy)) return flight;
    this.flights.voidOne(flight);
    return undefined;
  }

  /** Whether a label that is already known of a flight has been invalidated since it began. What turns up later is judged then. */
  #isOutdated(flight: Flight, { tags }: Policy): boolean {
    // One that still asks the store begins its run later.
    if (!flight.running || flight.epoch === tagEpoch()) return false;
    if (Array.isArray(tags) && areVoided(tags, flight.epoch)) return true;
    const { notes } = flight;
    return notes?.tags !== undefined && areVoided(notes.tags, flight.epoch);
  }

  #isAbandoned(flight: Flight, { timeout }: Policy): boolean {
    if (timeout?.abandon === undefined || flight.startedAt === 0) return false;
    return performance.now() - flight.startedAt >= timeout.abandon;
  }

  /**
   * A call that finds a flight open for its key.
   * @param fallback what may be its answer should the run fail
   * @param place what the shelf needs to answer it anew
   */
  join(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    fallback: MemoryRecord | undefined,
    place?: unknown,
  ): unknown {
    const { promise } = flight;
    const waiter = currentRun();
    const seat = new Seat(!flight.running);
    // No promise yet: the call comes from inside the function's own synchronous part.
    if (promise === undefined || (waiter !== undefined && closesCircle(waiter, flight))) {
      seat.isDone = true;
      return this.attend(this.runDirectly(flight, work, self, args, counts), flight, work, counts, seat);
    }
    work.joined?.(args);
    if (waiter !== undefined) noteWait(waiter, flight, promise);
    if (seat.isEarly) flight.early++;
    else if (fallback === undefined && flight.fallback === undefined) this.#countSeat(seat, flight, counts);
    flight.joined = true;
    // One promise for each, since each may have to run for himself: what the result is, is known when it is there.
    const isLate = flight.epoch < tagEpoch();
    const settle = (): boolean => {
      if (flight.tags === undefined) return false;
      if (waiter !== undefined) addTags(waiter, flight.tags);
      // It turned out to have a label that was invalidated since it began, perhaps before this call came: a counter tells only the last time.
      return isLate && areVoided(flight.tags, flight.epoch);
    };
    const again = (): unknown => {
      this.#uncountSeat(seat, flight, counts);
      return this.#shelf.askAgain(flight.key, work, self, args, counts, place);
    };
    const joined = promise.then(
      (value) => {
        if (seat.isDone) return value;
        if (settle()) return again();
        if (flight.isUnshared) {
          this.#uncountSeat(seat, flight, counts);
          return this.runDirectly(flight, work, self, args, counts);
        }
        this.#countSeat(seat, flight, counts);
        return flight.model === undefined ? value : this.#copy(flight.model.value);
      },
      isLate || waiter !== undefined || !seat.isCounted
        ? (error: unknown) => {
            if (seat.isDone) throw error;
            if (settle()) return again();
            if (fallback !== undefined && this.#allows(fallback, flight, work.policy, self, args, error)) {
              return this.#answerInstead(fallback, flight, work.policy, counts, seat);
            }
            this.#countSeat(seat, flight, counts);
            throw error;
          }
        : undefined,
    );
    return this.attend(joined, flight, work, counts, seat, fallback);
  }

  /** Whether one caller of a run that others began may get a stale answer in place of its error. */
  #allows(
    record: MemoryRecord,
    flight: Flight,
    policy: Policy,
    self: unknown,
    args: ArrayLike<unknown>,
    error: unknown,
  ): boolean {
    if (flight.voided || hasVoidedTags(record)) return false;
    const judged = this.#judged(flight, policy, self, args);
    return this.#isForgiven(flight, record, judged, error, this.#remembered.home.now());
  }

  #answerInstead(record: MemoryRecord, flight: Flight, policy: Policy, counts: Counts, seat: Seat): unknown {
    this.#uncountSeat(seat, flight, counts);
    this.#countStale(flight, counts);
    const until = this.#remembered.home.now() + (policy.retryAfter ?? defaultRetryAfter);
    this.#shelf.rest(flight.key, record, until);
    if (record.rest?.tags !== undefined) passTags(record.rest.tags);
    return this.valueOf(record, policy);
  }

  #isCounted(seat: Seat, flight: Flight): boolean {
    return seat.isCounted || (seat.isEarly && flight.fallback === undefined);
  }

  /** He waited for the run to its end, or until he left. */
  #countSeat(seat: Seat, flight: Flight, counts: Counts): void {
    if (this.#isCounted(seat, flight)) return;
    seat.isCounted = true;
    this.countJoined(counts, flight);
  }

  /** He is answered otherwise, and counted as that. */
  #uncountSeat(seat: Seat, flight: Flight, counts: Counts): void {
    if (this.#isCounted(seat, flight)) counts.coalesced--;
    seat.isCounted = true;
    seat.isDone = true;
  }

  /** His patience has ended, or he has left by his signal. */
  #unseat(seat: Seat, flight: Flight, counts: Counts): void {
    if (seat.isEarly && !flight.running && flight.early > 0) {
      // What the store will answer does not count for him.
      flight.early--;
      seat.isCounted = true;
      this.countJoined(counts, flight);
    } else this.#countSeat(seat, flight, counts);
    seat.isDone = true;
  }

  #copy(value: unknown): unknown {
    const { copy } = this.#shelf;
    return copy === undefined ? cloneTrusted(value) : copy.call(this.#shelf, value);
  }

  /** Takes a model of the result, if somebody beside the first caller waits for it and all are to have copies. */
  model(flight: Flight, value: unknown): void {
    if (this.#shelf.copy === undefined || !flight.joined) return;
    try {
      flight.model = { value: this.#shelf.copy(value) };
    } catch {
      // What the codec refuses is not stored either, which is reported; those who wait share the one there is.
    }
  }

  /** The same where the result is an older one. */
  #modelStale(flight: Flight, record: MemoryRecord, policy: Policy): void {
    if (this.#isCopied(record, policy)) flight.model = { value: this.#copyOf(record) };
    else this.model(flight, record.value);
  }

  /** One more call that waits for a run. */
  countJoined(counts: Counts, flight: Flight): void {
    counts.coalesced++;
    if (this.#remembered.listening !== 0) this.#tell('coalesced', flight.key);
  }

  /** The call that begins a run is a miss, unless a stale answer may take the place of its result yet. */
  countOpener(flight: Flight, fallback: MemoryRecord | undefined, counts: Counts): void {
    if (fallback === undefined) this.countMiss(flight.key, counts);
    else {
      flight.fallback = fallback;
      flight.isUncounted = true;
      for (const retry of flight.impatient ?? []) retry();
      flight.impatient = undefined;
    }
  }

  countMiss(key: unknown, counts: Counts): void {
    counts.misses++;
    if (this.#remembered.heard !== 0 || areMissesObserved()) this.#tell('miss', key);
  }

  #settleOpener(flight: Flight, counts: Counts, isStale: boolean): void {
    if (!flight.isUncounted) return;
    flight.isUncounted = false;
    if (isStale) this.#countStale(flight, counts);
    else this.countMiss(flight.key, counts);
  }

  #countStale(flight: Flight, counts: Counts): void {
    counts.stale++;
    if (this.#remembered.listening !== 0) this.#tell('stale', flight.key);
  }

  /**
   * What one caller gets, who may not want to wait as long as the run takes.
   * @param seat his, if others began the run
   * @param own a stale entry that he knows of, and they perhaps do not
   */
  attend(result: unknown, flight: Flight, work: Work, counts: Counts, seat?: Seat, own?: MemoryRecord): unknown {
    const { timeout, signal: tellsSignal } = work.policy;
    if ((timeout === undefined && tellsSignal === undefined) || !(result instanceof Promise)) return result;
    const waits = seat?.isDone !== true;
    if (tellsSignal !== undefined && waits) notesOf(flight).audience++;
    const { signal } = work;
    const { soft, hard } = timeout ?? {};
    if (soft === undefined && hard === undefined && signal === undefined) return result;
    const leave = (): void => {
      if (seat === undefined) this.#settleOpener(flight, counts, false);
      else if (!seat.isDone) this.#unseat(seat, flight, counts);
    };
    const patience: Patience = {
      soft,
      hard,
      signal,
      settleSoon: () => this.#answerSoon(flight, work.policy, counts, seat, own),
      awaitAnswer: (retry) => {
        if (flight.running) return;
        // The store is still being asked.
        flight.impatient ??= [];
        flight.impatient.push(retry);
      },
      makeError: () => {
        leave();
        return new TimeoutError(
          `${this.#remembered.label()}: ${this.#shelf.textOf(flight.key)} took longer than ${hard} ms (timeout.hard); the run goes on`,
        );
      },
      leave: (reason) => {
        leave();
        if (waits) this.#leave(flight, reason);
      },
    };
    return waitWith(result, patience);
  }

  /** What there is for a caller whose soft limit has passed. */
  #answerSoon(
    flight: Flight,
    policy: Policy,
    counts: Counts,
    seat: Seat | undefined,
    own: MemoryRecord | undefined,
  ): { readonly value: unknown } | undefined {
    const record = flight.fallback ?? own;
    if (record === undefined || seat?.isDone || flight.voided || hasVoidedTags(record)) return undefined;
    if (!isWithinWindow(record, this.#remembered.home.now())) return undefined;
    if (seat === undefined) this.#settleOpener(flight, counts, true);
    else {
      this.#uncountSeat(seat, flight, counts);
      this.#countStale(flight, counts);
    }
    if (record.rest?.tags !== undefined) passTags(record.rest.tags);
    if (this.#shelf.copy === undefined) return { value: this.valueOf(record, policy) };
    // Others may be given it, too, now or when the run fails.
    return { value: this.#copy(record.value) };
  }

  /** A caller has left a run. One that nobody waits for any more is aborted, and a later call begins another. */
  #leave(flight: Flight, reason: unknown): void {
    const notes = notesOf(flight);
    // One behind an answer is for those who will come.
    if (--notes.audience > 0 || flight.isBehind) return;
    this.flights.voidOne(flight);
    notes.controller ??= new AbortController();
    notes.controller.abort(reason);
  }

  /** A run that somebody asked for while the old entry answers. He waits for it to its end, unless he leaves by his signal. */
  renew(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    const { timeout: _, ...policy } = work.policy;
    // Calls that come now wait for this run, unless the old entry answers.
    flight.refreshes = true;
    const patient: Work = { fn: work.fn, policy, signal: work.signal };
    flight.leavesEntry = true;
    return this.attend(this.fly(flight, work, self, args, counts), flight, patient, counts);
  }

  /** Answers a caller who has left before he came. */
  refuseAborted(signal: AbortSignal): unknown {
    // Who is given a signal answers with a promise, unless he has shown otherwise.
    if (this.#isSync && !this.#shelf.isEventual) throw signal.reason;
    return Promise.reject(signal.reason);
  }

  /** Runs the function for this call alone: its result is neither kept nor shared. `flight` is the one that it does not wait for. */
  runDirectly(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    counts.loads++;
    this.countMiss(flight.key, counts);
    const remembered = this.#remembered;
    const start = this.#watch.start(remembered.listening !== 0);
    const fail = (error: unknown): void => {
      counts.errors++;
      this.#told(flight, counts, start, error);
    };
    let result: unknown;
    try {
      result = areLoadsTraced()
        ? this.#trace(flight.key, () => this.pass(work, self, args))
        : this.pass(work, self, args);
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
   * Calls the function around the cache. Inside of a run its labels are that run's, as if it had been answered from the cache, and what it
   * says of an entry of its own is not meant for that run's.
   */
  pass(work: Work, self: unknown, args: ArrayLike<unknown>): unknown {
    const run = currentRun();
    return run === undefined ? Reflect.apply(work.fn, self, args) : this.#passFor(run, work, self, args);
  }

  #passFor(run: Run, work: Work, self: unknown, args: ArrayLike<unknown>): unknown {
    let result: unknown;
    try {
      result = enterAside(work.fn, self, args);
    } catch (error) {
      leaveAside();
      throw error;
    }
    const finish = (value: unknown): unknown => {
      leaveAside();
      if (work.policy.tags !== undefined) addTags(run, this.#tagsPassed(work, self, args, value));
      return value;
    };
    if (!isThenable(result)) return finish(result);
    return (result instanceof Promise ? result : Promise.resolve(result)).then(finish, (error: unknown) => {
      leaveAside();
      throw error;
    });
  }

  #tagsPassed({ policy }: Work, self: unknown, args: ArrayLike<unknown>, value: unknown): readonly string[] {
    const judged: Judged = { policy, self, args: Array.from(args), key: () => this.#remembered.label() };
    return tagsOf(this.#remembered, judged, value, undefined) ?? [];
  }

  // ── a run ──

  /** Runs the function behind an answer, unless it is running already: its result is kept, its failure reported. */
  #flyBehind(
    key: unknown,
    record: MemoryRecord,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
  ): void {
    // One that has been under way for too long is given up for another.
    this.joinable(key, work.policy);
    if (this.flights.has(key)) return;
    const flight = new Flight(key);
    flight.isBehind = true;
    flight.refreshes = true;
    flight.fallback = record;
    this.flights.open(flight);
    if (this.#remembered.listening !== 0) this.#tell('refresh', key);
    const begin = (): void => {
      if (flight.voided) {
        // A newer run was faster, and only took its right to be kept.
        this.flights.close(flight);
        this.#shelf.release(key);
        return;
      }
      try {
        const result = this.fly(flight, work, self, args, counts);
        if (isThenable(result)) result.then(undefined, () => {});
      } catch {
        // Reported where it was decided what becomes of it.
      }
    };
    // The answer does not wait for a synchronous function either.
    if (this.isAsync) begin();
    else queueMicrotask(begin);
  }

  /**
   * Runs the function as the body of an open flight. Answers what it returns; what is kept of it is decided when it settles.
   */
  fly(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    counts.loads++;
    flight.running = true;
    const { policy } = work;
    if (!flight.isBehind) {
      // Who is running waits for this run from now on: its synchronous part may already lead back to him.
      const parent = currentRun();
      if (parent !== undefined) this.flights.openFor(parent, flight);
    }
    if (policy.timeout?.abandon !== undefined) flight.startedAt = performance.now();
    let given = args;
    if (work.signal !== undefined) {
      const notes = notesOf(flight);
      notes.controller ??= new AbortController();
      given = withSignal(Array.from(args), work.signal, notes.controller.signal);
    }
    const isTimed = policy.refreshAhead === 'probabilistic';
    const start = this.#watch.start(isTimed || this.#remembered.heard !== 0 || areLoadsObserved());
    const began = isTimed ? this.#remembered.home.now() : 0;
    let result: unknown;
    try {
      result = areLoadsTraced() ? this.#enterTraced(flight, work, self, given) : enterRun(flight, work.fn, self, given);
    } catch (error) {
      leaveRun(flight);
      return this.#fail(flight, work, self, args, counts, start, error);
    }
    if (isThenable(result)) return this.#follow(flight, work, self, args, counts, start, began, result);
    leaveRun(flight);
    this.isAsync = false;
    this.#isSync = true;
    return this.#settle(flight, work, self, args, counts, start, began, result);
  }

  // These are apart from `fly`, which so needs no closures: a synchronous run costs a third less.
  #enterTraced(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>): unknown {
    return this.#trace(flight.key, () => enterRun(flight, work.fn, self, args));
  }

  #follow(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    began: number,
    result: PromiseLike<unknown>,
  ): Promise<unknown> {
    this.isAsync = true;
    this.#isSync = false;
    const promise = (result instanceof Promise ? result : Promise.resolve(result)).then(
      (value) => {
        leaveRun(flight);
        this.model(flight, value);
        return this.#settle(flight, work, self, args, counts, start, began, value);
      },
      (error: unknown) => {
        leaveRun(flight);
        return this.#fail(flight, work, self, args, counts, start, error);
      },
    );
    flight.promise ??= promise;
    return promise;
  }

  /** @returns what the caller gets */
  #settle(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    began: number,
    value: unknown,
  ): unknown {
    const shelf = this.#shelf;
    const { policy } = work;
    let loadTime = this.#told(flight, counts, start);
    if (began !== 0) {
      const { home } = this.#remembered;
      // A cache with a clock of its own lives by that clock alone.
      loadTime = Math.max(home.isClocked ? 0 : (loadTime ?? 0), home.now() - began);
    }
    let keeping: Keeping | undefined;
    let kept = value;
    let answer = value;
    if (isOneShot(value)) {
      flight.isUnshared = true;
      this.#reportOneShot(flight);
    }
    // The plain case first: no callbacks, no array of arguments.
    else if (!policy.isElaborate && flight.notes === undefined) keeping = keepPlainly(policy);
    else {
      const judged = this.#judged(flight, policy, self, args);
      const tags = tagsOf(this.#remembered, judged, value, flight.notes);
      this.#noteTags(flight, tags);
      if (!flight.voided) keeping = keepValue(this.#remembered, judged, value, flight.notes, tags);
      if (policy.isolate === 'clone' && shelf.copy === undefined) {
        kept = this.#isolate(flight, () => cloneValue(value), value);
        if (flight.isUnshared) keeping = undefined;
        else {
          flight.model = { value: kept };
          answer = cloneTrusted(kept);
        }
      } else if (policy.isolate === 'freeze' && shelf.copy === undefined) {
        this.#isolate(flight, () => freezeValue(value), value);
        if (flight.isUnshared) keeping = undefined;
      }
    }
    const { promise } = flight;
    if (this.#isAbandoned(flight, policy)) flight.voided = true;
    this.flights.close(flight);
    this.#settleOpener(flight, counts, false);
    if (!flight.voided) {
      this.flights.supersede(flight);
      shelf.keep(
        flight.key,
        kept,
        keeping,
        answer === value ? promise : promise && Promise.resolve(kept),
        loadTime,
        flight.epoch,
      );
    }
    if (flight.voided || keeping === undefined) shelf.release(flight.key);
    return answer;
  }

  #isolate(flight: Flight, work: () => unknown, value: unknown): unknown {
    try {
      return work();
    } catch (error) {
      flight.isUnshared = true;
      this.#remembered.report(isolationError(this.#remembered, error), () => this.#shelf.textOf(flight.key));
      return value;
    }
  }

  /** The labels are known now: runs that wait for this one depend on them too, and it is voided if one was invalidated meanwhile. */
  #noteTags(flight: Flight, tags: readonly string[] | undefined): void {
    if (tags === undefined || tags.length === 0) return;
    flight.tags = tags;
    if (flight.opener !== undefined) addTags(flight.opener, tags);
    if (areVoided(tags, flight.epoch)) flight.voided = true;
  }

  #judged(flight: Flight, policy: Policy, self: unknown, args: ArrayLike<unknown>): Judged {
    return { policy, self, args: Array.from(args), key: () => this.#shelf.textOf(flight.key) };
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

  /** @returns a stale answer in place of the error. @throws the error */
  #fail(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    error: unknown,
  ): unknown {
    counts.errors++;
    this.#told(flight, counts, start, error);
    const { policy } = work;
    const record = flight.fallback;
    let stale: MemoryRecord | undefined;
    let keeping: Keeping | undefined;
    if (policy.isElaborate || policy.cacheErrors !== undefined || flight.notes !== undefined) {
      const own = Array.isArray(policy.tags) ? policy.tags : [];
      this.#noteTags(flight, [...own, ...(flight.notes?.tags ?? [])]);
    }
    if (!flight.voided) {
      const { home } = this.#remembered;
      const judged = this.#judged(flight, policy, self, args);
      const now = home.now();
      const isThere = record !== undefined && !hasVoidedTags(record) && isWithinWindow(record, now);
      const isForgiven = isThere && this.#isForgiven(flight, record, judged, error, now);
      if (isForgiven && !flight.isBehind) stale = record;
      if (isThere && (isForgiven || flight.isBehind)) {
        let until = now + (policy.retryAfter ?? defaultRetryAfter);
        // An error that no stale answer hides is not hidden by the pause either.
        if (!isForgiven) until = Math.min(until, record.expiresAt + (policy.staleWhileRevalidate ?? 0));
        this.#shelf.rest(flight.key, record, until);
      }
      // Nothing takes the place of a value that is allowed yet, nor of what somebody wanted to have anew.
      const staysThere = isThere || flight.leavesEntry;
      if (!staysThere && policy.cacheErrors !== undefined && !this.#isAbandoned(flight, policy)) {
        keeping = keepError(this.#remembered, judged, error, flight.notes);
      }
    }
    const { promise } = flight;
    this.flights.close(flight);
    this.#settleOpener(flight, counts, stale !== undefined);
    if (keeping === undefined) this.#shelf.release(flight.key);
    else {
      this.flights.supersede(flight);
      this.#shelf.keep(flight.key, error, keeping, promise, undefined, flight.epoch);
    }
    if (flight.isBehind) this.#remembered.reportBehind(error, () => this.#shelf.textOf(flight.key));
    if (stale === undefined) throw error;
    if (flight.joined) this.#modelStale(flight, stale, policy);
    if (stale.rest?.tags !== undefined) {
      flight.tags = stale.rest.tags;
      passTags(stale.rest.tags);
    }
    return this.valueOf(stale, policy);
  }

  /** Whether `record` may be answered in place of the flight's error. The user is asked once, however many wait. */
  #isForgiven(
    flight: Flight,
    record: MemoryRecord,
    { policy, self, key }: Judged,
    error: unknown,
    now: number,
  ): boolean {
    if (!isForgiven(record, policy, now)) return false;
    const when = policy.staleIfError?.when;
    if (when === undefined) return true;
    flight.forgives ??= this.#remembered.ask('staleIfError.when', when, self, [error], key) === true;
    return flight.forgives;
  }

  #trace(key: unknown, run: () => unknown): unknown {
    return traceLoad({ ...this.#remembered.describe(() => this.#shelf.textOf(key)) }, run);
  }

  #told(flight: Flight, counts: Counts, start: number, error?: unknown): number | undefined {
    const duration = this.#watch.stop(start, counts);
    if (this.#remembered.heard !== 0 || areLoadsObserved()) this.#tellLoad(flight, duration, error);
    return duration;
  }

  #tellLoad(flight: Flight, duration: number | undefined, error: unknown): void {
    this.#remembered.emit('load', () => this.#shelf.textOf(flight.key), {
      ...(duration !== undefined && { duration }),
      ...(error !== undefined && { error }),
    });
  }

  #tell(type: CacheEventType, key: unknown): void {
    this.#remembered.emit(type, () => this.#shelf.textOf(key));
  }
}

/** What the code that is running depends on from now on. */
function passTags(tags: readonly string[]): void {
  const run = currentRun();
  if (run !== undefined) addTags(run, tags);
}

/** Whether a function is an `async` one by its syntax; others may return promises, too. */
export function isAsyncFunction(fn: AnyFunction): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]';
}
