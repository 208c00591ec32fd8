import { performance } from 'node:perf_hooks';
import { type MemoryRecord, RepriseError } from '@reprise/store/contract';
import type { Answers } from './answers.ts';
import type { Attendance } from './attendance.ts';
import { addTags, passTags } from './context.ts';
import { areLoadsObserved } from './diagnostics.ts';
import type { Flight, Flights } from './flight.ts';
import { defaultRetryAfter, isWithinWindow } from './freshness.ts';
import { cloneTrusted, cloneValue, freezeValue } from './isolate.ts';
import { isolationError, type Keeping, keepError, keepPlainly, keepValue, tagsOf } from './keeping.ts';
import { isOneShot } from './one-shot.ts';
import type { Policy } from './options.ts';
import { hasVoidedTags } from './record.ts';
import type { Remembered } from './remembered.ts';
import type { Shelf, Work } from './shelf.ts';
import type { Counts } from './stats.ts';
import { Stopwatch } from './stopwatch.ts';
import { areVoided } from './tags.ts';

/**
 * What becomes of a run that has ended. Whether its result may be kept is decided here and nowhere else: when the flight settles and
 * has not been voided since it opened.
 */
export class Settlement {
  /** Times the runs. */
  readonly watch: Stopwatch = new Stopwatch();
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;
  readonly #flights: Flights;
  readonly #answers: Answers;
  readonly #attendance: Attendance;

  constructor(remembered: Remembered, shelf: Shelf, flights: Flights, answers: Answers, attendance: Attendance) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#flights = flights;
    this.#answers = answers;
    this.#attendance = attendance;
  }

  /** Whether a run has been under way for longer than its callers wanted it to be the only one. */
  isAbandoned(flight: Flight, { timeout }: Policy): boolean {
    if (timeout?.abandon === undefined || flight.startedAt === 0) return false;
    return performance.now() - flight.startedAt >= timeout.abandon;
  }

  /** @returns what the caller gets */
  settle(
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
    let loadTime = this.told(flight, counts, start);
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
      const judged = this.#answers.judged(flight, policy, self, args);
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
    if (this.isAbandoned(flight, policy)) flight.voided = true;
    this.#flights.close(flight);
    this.#attendance.settleOpener(flight, counts, false);
    if (!flight.voided) {
      this.#flights.supersede(flight);
      shelf.keep(
        flight.key,
        kept,
        keeping,
        answer === value ? promise : promise && Promise.resolve(kept),
        loadTime,
        flight.epoch,
        flight.permit,
      );
    } else flight.permit?.end();
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
  fail(
    flight: Flight,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    counts: Counts,
    start: number,
    error: unknown,
  ): unknown {
    counts.errors++;
    this.told(flight, counts, start, error);
    const { policy } = work;
    const record = flight.fallback;
    let stale: MemoryRecord | undefined;
    let keeping: Keeping | undefined;
    // A label of the run that failed says nothing of the entry that it was to replace, nor that others did not join it.
    const isVoided = flight.voided;
    const isAnswerable = !isVoided || (flight.isGivenUp && !flight.fenced);
    if (policy.isElaborate || policy.cacheErrors !== undefined || flight.notes !== undefined) {
      const own = Array.isArray(policy.tags) ? policy.tags : [];
      this.#noteTags(flight, [...own, ...(flight.notes?.tags ?? [])]);
    }
    if (isAnswerable) {
      const { home } = this.#remembered;
      const judged = this.#answers.judged(flight, policy, self, args);
      const now = home.now();
      const isThere = record !== undefined && !hasVoidedTags(record) && isWithinWindow(record, now);
      const isForgiven = isThere && this.#answers.isForgiven(flight, record, judged, error, now);
      if (isForgiven && !flight.isBehind) stale = record;
      if (!isVoided && isThere && (isForgiven || flight.isBehind)) {
        let until = now + (policy.retryAfter ?? defaultRetryAfter);
        // An error that no stale answer hides is not hidden by the pause either.
        if (!isForgiven) until = Math.min(until, record.expiresAt + (policy.staleWhileRevalidate ?? 0));
        this.#shelf.rest(flight.key, record, until);
      }
      // Nothing takes the place of a value that is allowed yet, nor of what somebody wanted to have anew.
      const staysThere = isThere || flight.leavesEntry;
      if (!flight.voided && !staysThere && policy.cacheErrors !== undefined && !this.isAbandoned(flight, policy)) {
        keeping = keepError(this.#remembered, judged, error, flight.notes);
      }
    }
    const { promise } = flight;
    this.#flights.close(flight);
    this.#attendance.settleOpener(flight, counts, stale !== undefined);
    // A callback or a listener may have invalidated it.
    if (keeping === undefined || flight.voided) {
      flight.permit?.end();
      this.#shelf.release(flight.key);
    } else if (this.#shelf.keep(flight.key, error, keeping, promise, undefined, flight.epoch, flight.permit)) {
      this.#flights.supersede(flight);
    }
    if (flight.isBehind) this.#remembered.reportBehind(error, () => this.#shelf.textOf(flight.key));
    if (stale === undefined) throw error;
    if (flight.joined) this.#answers.modelRecord(flight, stale, policy);
    if (stale.rest?.tags !== undefined) {
      flight.tags = stale.rest.tags;
      passTags(stale.rest.tags);
    }
    return this.#answers.valueOf(stale, policy);
  }

  /** A run has ended: its time is counted and told. */
  told(flight: Flight, counts: Counts, start: number, error?: unknown): number | undefined {
    const duration = this.watch.stop(start, counts);
    if (this.#remembered.heard !== 0 || areLoadsObserved()) this.#tellLoad(flight, duration, error);
    return duration;
  }

  #tellLoad(flight: Flight, duration: number | undefined, error: unknown): void {
    this.#remembered.emit('load', () => this.#shelf.textOf(flight.key), {
      ...(duration !== undefined && { duration }),
      ...(error !== undefined && { error }),
    });
  }
}
