import { performance } from 'node:perf_hooks';
import type { MemoryRecord } from '@reprise/store/contract';
import { Answers } from './answers.ts';
import { Attendance } from './attendance.ts';
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
import type { Eventual, Generation } from './counters.ts';
import { areLoadsObserved, areLoadsTraced, traceLoad } from './diagnostics.ts';
import { Flight, Flights } from './flight.ts';
import type { Verdict } from './freshness.ts';
import { type Judged, tagsOf } from './keeping.ts';
import { isThenable } from './one-shot.ts';
import type { Policy } from './options.ts';
import { Permit } from './permit.ts';
import type { Remembered } from './remembered.ts';
import { Seat } from './seat.ts';
import { Settlement } from './settlement.ts';
import type { Shelf, Work } from './shelf.ts';
import { withSignal } from './signal-argument.ts';
import type { Counts } from './stats.ts';
import { areVoided, tagEpoch } from './tags.ts';
import type { AnyFunction } from './types.ts';

/**
 * The runs of one function: answers a call from what is under its key, lets it join a run under way, or begins one, and brings its
 * result to be settled. At most one run for a key can be joined.
 */
export class Runs {
  readonly flights: Flights = new Flights();
  readonly answers: Answers;
  readonly attendance: Attendance;
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;
  readonly #settlement: Settlement;
  /** Whether the last result was a promise; at first, whether the function is an `async` one. */
  isAsync: boolean;
  /** Whether the last result was none. */
  #isSync = false;

  constructor(remembered: Remembered, shelf: Shelf) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.isAsync = isAsyncFunction(remembered.fn);
    this.answers = new Answers(remembered, shelf);
    this.attendance = new Attendance(remembered, shelf, this.flights, this.answers);
    this.#settlement = new Settlement(remembered, shelf, this.flights, this.answers, this.attendance);
  }

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
      const verdict = this.answers.verdictOn(key, record, work.policy);
      if (this.#isAnswer(verdict, mode)) {
        if (mode === undefined || mode === 'default') this.followUp(verdict, key, record, work, self, args, counts);
        return this.answers.answer(record, verdict, key, work.policy, counts);
      }
      if (verdict !== 'gone') fallback = record;
    }
    if (mode === 'only-if-cached') {
      const error = this.answers.refuseUncached(key, counts);
      this.#shelf.release(key);
      return this.#raise(error);
    }
    const open = mode === 'reload' ? undefined : this.joinable(key, work.policy);
    if (open !== undefined) return this.join(open, work, self, args, counts, fallback, place);
    const flight = this.open(key, work.policy);
    const isAnew = mode === 'reload' || mode === 'no-cache';
    if (isAnew) flight.leavesEntry = true;
    const result = this.begin(flight, work, self, args, counts, fallback, isAnew);
    return this.attendance.attend(result, flight, work, counts);
  }

  /** Whether, in a mode, what was found is the answer to a call. */
  #isAnswer(verdict: Verdict, mode: string | undefined): boolean {
    if (verdict === 'gone') return false;
    return verdict !== 'fallback' || mode === 'force-cache' || mode === 'only-if-cached';
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
    const isOld = this.#settlement.isAbandoned(flight, policy) || this.#isOutdated(flight, policy);
    // An asynchronous store is asked before.
    const isOvertaken = !this.#shelf.isEventual && this.#shelf.isOvertaken?.(flight, labelsOf(flight, policy)) === true;
    if (!isOld && !isOvertaken) return flight;
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
    if (promise !== undefined && fallback === undefined && this.#isPlain(flight, work) && currentRun() === undefined) {
      return this.#joinPlain(promise, flight, work, self, args, counts);
    }
    return this.#joinInFull(flight, work, self, args, counts, fallback, place);
  }

  /** Apart from {@link join}, so that what it captures is not set aside for each call that joins. */
  #joinInFull(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    fallback: MemoryRecord | undefined,
    place: unknown,
  ): unknown {
    const { promise } = flight;
    const waiter = currentRun();
    // A mode that takes nothing from before is not content with what a look into the store finds, and not counted with it.
    const wantsRun = !flight.running && currentMode() === 'no-cache';
    const seat = new Seat(!flight.running && !wantsRun);
    // No promise yet: the call comes from inside the function's own synchronous part.
    if (promise === undefined || (waiter !== undefined && closesCircle(waiter, flight))) {
      seat.isDone = true;
      // What a newer run has replaced is no answer any more.
      const shared = flight.voided ? undefined : flight.fallback;
      const result = this.runDirectly(flight, work, self, args, counts, fallback ?? shared);
      return this.attendance.attend(result, flight, work, counts, seat);
    }
    work.joined?.(args);
    const joinedAt = seat.isEarly ? undefined : this.#shelf.generation?.();
    if (waiter !== undefined) {
      flight.isNested = true;
      noteWait(waiter, flight, promise);
    }
    const epoch = tagEpoch();
    const isLate = flight.epoch < epoch;
    // Who may have to ask anew, or may be answered stale, is counted when he is answered.
    if (seat.isEarly) flight.early++;
    else if (!wantsRun && !isLate && fallback === undefined && flight.fallback === undefined)
      this.attendance.countSeat(seat, flight, counts);
    flight.joined = true;
    // One promise for each, since each may have to run for himself: what the result is, is known when it is there.
    const settle = (): boolean => {
      if (wantsRun && !flight.running) return true;
      if (flight.tags === undefined) return false;
      // It turned out to have a label that was invalidated since it began, perhaps before this call came: a counter tells only the last time.
      if (flight.epoch < epoch && areVoided(flight.tags, flight.epoch)) return true;
      if (waiter !== undefined) addTags(waiter, flight.tags);
      return false;
    };
    // The same, of other processes: who came before the label was known may have come after that.
    const settleAll = (finish: () => unknown): unknown => {
      if (settle()) return again();
      const isDoubtful = seat.isEarly ? !flight.running : flight.tags?.length;
      const isOver = isDoubtful ? this.#isOvertakenSince(flight, joinedAt) : undefined;
      if (isOver === undefined || isOver === false) return finish();
      return isOver === true ? again() : isOver.then((isSo) => (isSo ? again() : finish()));
    };
    const again = (): unknown => {
      this.attendance.uncountSeat(seat, flight, counts);
      return this.#shelf.askAgain(flight.key, work, self, args, counts, place);
    };
    const joined = promise.then(
      (value) => {
        if (seat.isDone) return value;
        return settleAll(() => {
          if (flight.isUnshared) {
            this.attendance.uncountSeat(seat, flight, counts);
            return this.runDirectly(flight, work, self, args, counts);
          }
          this.attendance.countSeat(seat, flight, counts);
          return flight.model === undefined ? value : this.answers.copy(flight.model.value);
        });
      },
      isLate || waiter !== undefined || !seat.isCounted || this.#shelf.isOvertaken !== undefined
        ? (error: unknown) => {
            if (seat.isDone) throw error;
            return settleAll(() => {
              if (fallback !== undefined && this.answers.allows(fallback, flight, work.policy, self, args, error)) {
                return this.attendance.answerInstead(fallback, flight, work.policy, counts, seat);
              }
              this.attendance.countSeat(seat, flight, counts);
              throw error;
            });
          }
        : undefined,
    );
    return this.attendance.attend(joined, flight, work, counts, seat, fallback);
  }

  /** Whether all who wait for a run get what it brings, unless its result turns out to be for one of them only. */
  #isPlain(flight: Flight, { policy }: Work): boolean {
    return (
      flight.running &&
      flight.fallback === undefined &&
      flight.epoch === tagEpoch() &&
      policy.timeout === undefined &&
      policy.signal === undefined &&
      this.#shelf.isOvertaken === undefined
    );
  }

  /** {@link join} where nothing else can come of it: most calls that join are of this kind, and many at once. */
  #joinPlain(
    promise: Promise<unknown>,
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
  ): Promise<unknown> {
    work.joined?.(args);
    flight.joined = true;
    this.answers.countJoined(counts, flight);
    // One promise for each, since each may have to run for himself: what the result is, is known when it is there.
    return promise.then((value) => {
      if (flight.isUnshared) {
        counts.coalesced--;
        return this.runDirectly(flight, work, self, args, counts);
      }
      return flight.model === undefined ? value : this.answers.copy(flight.model.value);
    });
  }

  /** Whether other processes may have made void what a flight brings, before a call joined it. @param joinedAt what the counters were then */
  #isOvertakenSince(flight: Flight, joinedAt: Eventual<Generation> | undefined): Eventual<boolean> | undefined {
    const ask = (at: Generation): Eventual<boolean> | undefined => {
      // Nothing at all had been invalidated since the run began.
      if (at !== undefined && at === flight.permit?.generation) return false;
      return this.#shelf.isOvertaken?.(flight, flight.tags);
    };
    return joinedAt instanceof Promise ? joinedAt.then((at) => ask(at) ?? false) : ask(joinedAt);
  }

  /** A run that somebody asked for while the old entry answers. He waits for it to his hard limit, unless he leaves by his signal. */
  renew(flight: Flight, work: Work, self: unknown, args: ArrayLike<unknown>, counts: Counts): unknown {
    const { timeout, ...policy } = work.policy;
    // Calls that come now wait for this run, unless the old entry answers.
    flight.refreshes = true;
    // At his soft limit the old entry would not be what he asked for.
    const patient: Work = { fn: work.fn, policy: { ...policy, timeout: withoutSoft(timeout) }, signal: work.signal };
    flight.leavesEntry = true;
    const result = this.#admit(flight, work, self, args, counts, undefined, true);
    return this.attendance.attend(result, flight, patient, counts);
  }

  /** Answers a caller who has left before he came. */
  refuseAborted(signal: AbortSignal): unknown {
    // Who is given a signal answers with a promise, unless he has shown otherwise.
    if (this.#isSync && !this.#shelf.isEventual) throw signal.reason;
    return Promise.reject(signal.reason);
  }

  /**
   * Runs the function for this call alone: its result is neither kept nor shared. `flight` is the one that it does not wait for.
   * @param fallback what may be the answer should it fail
   */
  runDirectly(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    fallback?: MemoryRecord,
  ): unknown {
    counts.loads++;
    this.answers.countMiss(flight.key, counts);
    const remembered = this.#remembered;
    const start = this.#settlement.watch.start(remembered.listening !== 0);
    const fail = (error: unknown): unknown => {
      counts.errors++;
      this.#settlement.told(flight, counts, start, error);
      if (fallback === undefined) throw error;
      return this.answers.forgive(fallback, flight, work.policy, self, args, error);
    };
    let result: unknown;
    try {
      result = areLoadsTraced()
        ? this.#trace(flight.key, () => this.pass(work, self, args))
        : this.pass(work, self, args);
    } catch (error) {
      return fail(error);
    }
    if (!isThenable(result)) {
      this.#settlement.told(flight, counts, start);
      return result;
    }
    // The caller gets the promise that was listened to, so that a rejection which he ignores is reported as one.
    return result.then((value) => {
      this.#settlement.told(flight, counts, start);
      return value;
    }, fail);
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
    if (this.#remembered.listening !== 0) this.answers.tell('refresh', key);
    const begin = (): void => {
      if (flight.voided) {
        // A newer run was faster, and only took its right to be kept.
        this.flights.close(flight);
        this.#shelf.release(key);
        return;
      }
      try {
        const result = this.#admit(flight, work, self, args, counts, undefined, false);
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
   * Begins the run of an open flight, for the call that opened it, as soon as the store admits it.
   * @param fallback what may be the answer should the run fail
   * @param isForced whether what another process has stored meanwhile is no answer
   */
  begin(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    fallback: MemoryRecord | undefined,
    isForced: boolean,
  ): unknown {
    if (this.#shelf.admit !== undefined) return this.#admit(flight, work, self, args, counts, fallback, isForced);
    this.attendance.countOpener(flight, fallback, counts);
    if (flight.early > 0) this.#countEarly(flight, counts);
    return this.fly(flight, work, self, args, counts);
  }

  /** Who may be answered stale yet is counted when he is answered. */
  #countEarly(flight: Flight, counts: Counts): void {
    if (flight.fallback !== undefined) return;
    for (let joined = flight.early; joined > 0; joined--) this.answers.countJoined(counts, flight);
  }

  #admit(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    fallback: MemoryRecord | undefined,
    isForced: boolean,
  ): unknown {
    const parent = flight.isBehind ? undefined : currentRun();
    if (parent !== undefined) this.flights.openFor(parent, flight);
    const hasOpener = isOpened(flight);
    // Whose patience ends meanwhile can have what there is.
    if (hasOpener && fallback !== undefined) this.attendance.countOpener(flight, fallback, counts);
    const go = (record: MemoryRecord | undefined): unknown => {
      if (record !== undefined) return this.answerOpened(flight, record, 'fresh', work, counts);
      if (hasOpener && flight.fallback === undefined) this.attendance.countOpener(flight, undefined, counts);
      this.#countEarly(flight, counts);
      return this.fly(flight, work, self, args, counts);
    };
    const admitted = this.#shelf.admit?.(flight, work, isForced);
    if (!isThenable(admitted)) return go(admitted);
    const promise = admitted.then((record) => {
      const signal = flight.notes?.controller?.signal;
      const isUseless = flight.isBehind && flight.voided && !flight.joined;
      if (record === undefined && (signal?.aborted || isUseless)) return this.abandonOpened(flight, signal, counts);
      // Its run begins now, and is judged by the counters of now.
      flight.epoch = tagEpoch();
      return go(record);
    });
    flight.promise ??= promise;
    return promise;
  }

  /** Whether what another process has stored is the answer to a flight that is not admitted yet. */
  isNews({ key, fallback }: Flight, record: MemoryRecord, policy: Policy): boolean {
    const verdict = this.answers.verdictOn(key, record, policy);
    return verdict === 'fresh' || (verdict === 'ahead' && record.createdAt !== fallback?.createdAt);
  }

  /** All who waited for a flight turn out to be answered by what stands under its key. */
  answerOpened(flight: Flight, record: MemoryRecord, verdict: Verdict, work: Work, counts: Counts): unknown {
    this.flights.close(flight);
    if (flight.joined && !record.rest?.failed) this.answers.modelRecord(flight, record, work.policy);
    if (record.rest?.tags !== undefined) flight.tags = record.rest.tags;
    // Who joined the look may have come after another process had made void what it found.
    if (record.rest?.fence !== undefined) flight.permit = new Permit(record.rest.fence);
    const waiting = (isOpened(flight) ? 1 : 0) + (flight.fallback === undefined ? flight.early : 0);
    flight.isUncounted = false;
    const answer = this.answers.answer(record, verdict, flight.key, work.policy, counts, waiting);
    this.#shelf.release(flight.key);
    return answer;
  }

  /** Nothing is run for nobody: all who waited have left before the function began. */
  abandonOpened(flight: Flight, signal: AbortSignal | undefined, counts: Counts): Promise<never> {
    flight.permit?.end();
    this.flights.close(flight);
    if (flight.isUncounted) this.attendance.settleOpener(flight, counts, false);
    else if (isOpened(flight) && flight.fallback === undefined) this.answers.countMiss(flight.key, counts);
    this.#countEarly(flight, counts);
    this.#shelf.release(flight.key);
    return Promise.reject(signal?.reason);
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
    const start = this.#settlement.watch.start(isTimed || this.#remembered.heard !== 0 || areLoadsObserved());
    const began = isTimed ? this.#remembered.home.now() : 0;
    let result: unknown;
    try {
      result = areLoadsTraced() ? this.#enterTraced(flight, work, self, given) : enterRun(flight, work.fn, self, given);
    } catch (error) {
      leaveRun(flight);
      return this.#settlement.fail(flight, work, self, args, counts, start, error);
    }
    if (isThenable(result)) return this.#follow(flight, work, self, args, counts, start, began, result);
    leaveRun(flight);
    this.isAsync = false;
    this.#isSync = true;
    return this.#settlement.settle(flight, work, self, args, counts, start, began, result);
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
        this.answers.model(flight, value);
        return this.#settlement.settle(flight, work, self, args, counts, start, began, value);
      },
      (error: unknown) => {
        leaveRun(flight);
        return this.#settlement.fail(flight, work, self, args, counts, start, error);
      },
    );
    flight.promise ??= promise;
    return promise;
  }

  #trace(key: unknown, run: () => unknown): unknown {
    return traceLoad({ ...this.#remembered.describe(() => this.#shelf.textOf(key)) }, run);
  }
}

/** The labels that are known of a run under way. */
export function labelsOf({ notes }: Flight, { tags }: Policy): readonly string[] {
  return [...(Array.isArray(tags) ? (tags as readonly string[]) : []), ...(notes?.tags ?? [])];
}

/** Whether a call began it, and not somebody who wants an entry anew. */
function isOpened(flight: Flight): boolean {
  return !flight.isBehind && !flight.refreshes;
}

function withoutSoft(timeout: Policy['timeout']): Policy['timeout'] {
  if (timeout === undefined) return undefined;
  const { soft: _, ...rest } = timeout;
  return rest;
}

/** Whether a function is an `async` one by its syntax; others may return promises, too. */
export function isAsyncFunction(fn: AnyFunction): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]';
}
