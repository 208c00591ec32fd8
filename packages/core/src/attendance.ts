import { type MemoryRecord, TimeoutError } from '@reprise/store/contract';
import type { Answers } from './answers.ts';
import { addTags, currentRun, notesOf, passTags, type Run } from './context.ts';
import type { Flight, Flights } from './flight.ts';
import { defaultRetryAfter, isWithinWindow } from './freshness.ts';
import type { Policy } from './options.ts';
import { hasVoidedTags } from './record.ts';
import type { Remembered } from './remembered.ts';
import type { Seat } from './seat.ts';
import type { Shelf, Work } from './shelf.ts';
import type { Counts } from './stats.ts';
import { type Patience, waitWith } from './waiting.ts';

/** Those who wait for a run: what each of them is counted as, what he gets if he does not wait to its end, and when nobody is left. */
export class Attendance {
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;
  readonly #flights: Flights;
  readonly #answers: Answers;

  constructor(remembered: Remembered, shelf: Shelf, flights: Flights, answers: Answers) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#flights = flights;
    this.#answers = answers;
  }

  /** He gets a stale entry in place of an error. */
  answerInstead(record: MemoryRecord, flight: Flight, policy: Policy, counts: Counts, seat: Seat): unknown {
    this.uncountSeat(seat, flight, counts);
    this.#answers.countStale(flight, counts);
    const until = this.#remembered.home.now() + (policy.retryAfter ?? defaultRetryAfter);
    this.#shelf.rest(flight.key, record, until);
    if (record.rest?.tags !== undefined) passTags(record.rest.tags);
    return this.#answers.valueOf(record, policy);
  }

  #isCounted(seat: Seat, flight: Flight): boolean {
    return seat.isCounted || (seat.isEarly && flight.fallback === undefined);
  }

  /** He waited for the run to its end, or until he left. */
  countSeat(seat: Seat, flight: Flight, counts: Counts): void {
    if (this.#isCounted(seat, flight)) return;
    seat.isCounted = true;
    this.#answers.countJoined(counts, flight);
  }

  /** He is answered otherwise, and counted as that. */
  uncountSeat(seat: Seat, flight: Flight, counts: Counts): void {
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
      this.#answers.countJoined(counts, flight);
    } else this.countSeat(seat, flight, counts);
    seat.isDone = true;
  }

  /** The call that begins a run is a miss, unless a stale answer may take the place of its result yet. */
  countOpener(flight: Flight, fallback: MemoryRecord | undefined, counts: Counts): void {
    if (fallback === undefined) this.#answers.countMiss(flight.key, counts);
    else {
      flight.fallback = fallback;
      flight.isUncounted = true;
      // Those who get nothing yet wait on in another list.
      const { impatient } = flight;
      flight.impatient = undefined;
      for (const retry of impatient ?? []) retry();
    }
  }

  /** It is known now what the call that began the run is counted as. */
  settleOpener(flight: Flight, counts: Counts, isStale: boolean): void {
    if (!flight.isUncounted) return;
    flight.isUncounted = false;
    if (isStale) this.#answers.countStale(flight, counts);
    else this.#answers.countMiss(flight.key, counts);
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
    const run = currentRun();
    const leave = (): void => {
      if (seat === undefined) this.settleOpener(flight, counts, false);
      else if (!seat.isDone) this.#unseat(seat, flight, counts);
    };
    const patience: Patience = {
      soft,
      hard,
      signal,
      settleSoon: () => this.#answerSoon(flight, work.policy, counts, run, seat, own),
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

  /** What there is for a caller whose soft limit has passed. @param run the one that he called from */
  #answerSoon(
    flight: Flight,
    policy: Policy,
    counts: Counts,
    run: Run | undefined,
    seat: Seat | undefined,
    own: MemoryRecord | undefined,
  ): { readonly value: unknown } | undefined {
    const record = flight.voided ? own : (flight.fallback ?? own);
    if (record === undefined || seat?.isDone || flight.fenced || hasVoidedTags(record)) return undefined;
    if (!isWithinWindow(record, this.#remembered.home.now())) return undefined;
    if (seat === undefined) this.settleOpener(flight, counts, true);
    else {
      this.uncountSeat(seat, flight, counts);
      this.#answers.countStale(flight, counts);
    }
    if (record.rest?.tags !== undefined && run !== undefined) addTags(run, record.rest.tags);
    if (this.#shelf.copy === undefined) return { value: this.#answers.valueOf(record, policy) };
    // Others may be given it, too, now or when the run fails.
    return { value: this.#answers.copy(record.value) };
  }

  /** A caller has left a run. One that nobody waits for any more is aborted, and a later call begins another. */
  #leave(flight: Flight, reason: unknown): void {
    const notes = notesOf(flight);
    // One behind an answer is for those who will come.
    if (--notes.audience > 0 || flight.isBehind) return;
    this.#flights.voidOne(flight);
    notes.controller ??= new AbortController();
    notes.controller.abort(reason);
  }
}
