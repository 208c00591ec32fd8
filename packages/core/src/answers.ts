import { type MemoryRecord, RepriseError } from '@reprise/store/contract';
import { passTags } from './context.ts';
import { areMissesObserved } from './diagnostics.ts';
import type { Flight } from './flight.ts';
import { defaultRetryAfter, isForgiven, judge, type Verdict } from './freshness.ts';
import { cloneTrusted, cloneValue, freezeValue } from './isolate.ts';
import { isolationError, type Judged, type Keeping, keepValue, tagsOf } from './keeping.ts';
import type { Policy } from './options.ts';
import { hasVoidedTags } from './record.ts';
import type { Remembered } from './remembered.ts';
import type { Shelf } from './shelf.ts';
import type { Counts } from './stats.ts';
import type { CacheEventType } from './types.ts';

/** What is answered of what stands under a key: judged, copied where that is asked for, counted and told. It runs nothing. */
export class Answers {
  readonly #remembered: Remembered;
  readonly #shelf: Shelf;

  constructor(remembered: Remembered, shelf: Shelf) {
    this.#remembered = remembered;
    this.#shelf = shelf;
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
      for (let told = 0; told < calls; told++) this.tell(isFresh ? 'hit' : 'stale', key);
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
    this.#freeze(value, policy);
    if (rest?.promise !== undefined) return rest.promise;
    return isPromise ? Promise.resolve(value) : value;
  }

  /** The value of a record for somebody who looks at it without a call; a remembered error is none. */
  look(record: MemoryRecord | undefined, policy: Policy): unknown {
    if (record === undefined || record.rest?.failed) return undefined;
    const { rest, value } = record;
    if (rest?.tags !== undefined) passTags(rest.tags);
    if (this.#isCopied(record, policy)) return this.#copyOf(record);
    this.#freeze(value, policy);
    return value;
  }

  /**
   * Whether callers share a value that is to be frozen and is not: a tier of bytes, or another process, has made it anew. What is frozen
   * on its surface has been frozen here, and deeply.
   */
  isThawed(value: unknown, { isolate }: Policy): boolean {
    return isolate === 'freeze' && this.#shelf.copy === undefined && !Object.isFrozen(value);
  }

  /** What cannot be frozen was kept where that was not asked for: it is reported, and shared. */
  #freeze(value: unknown, policy: Policy): void {
    if (!this.isThawed(value, policy)) return;
    try {
      freezeValue(value);
    } catch (error) {
      this.#remembered.report(isolationError(this.#remembered, error));
    }
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
    if (this.#remembered.listening !== 0) this.tell('miss', key);
    return new RepriseError(
      'E_NOT_CACHED',
      `${this.#remembered.label()}: nothing is cached for ${this.#shelf.textOf(key)}, and the mode only-if-cached lets nothing run`,
    );
  }

  /** Whether one caller of a run that others began may get a stale answer in place of its error. */
  allows(
    record: MemoryRecord,
    flight: Flight,
    policy: Policy,
    self: unknown,
    args: ArrayLike<unknown>,
    error: unknown,
  ): boolean {
    if (flight.fenced || hasVoidedTags(record)) return false;
    const judged = this.judged(flight, policy, self, args);
    return this.isForgiven(flight, record, judged, error, this.#remembered.home.now());
  }

  /** What a call that ran for itself alone gets in place of its error. @throws the error */
  forgive(
    record: MemoryRecord,
    flight: Flight,
    policy: Policy,
    self: unknown,
    args: ArrayLike<unknown>,
    error: unknown,
  ): unknown {
    const { home } = this.#remembered;
    if (flight.fenced || hasVoidedTags(record) || !isForgiven(record, policy, home.now())) throw error;
    const when = policy.staleIfError?.when;
    const { key } = this.judged(flight, policy, self, args);
    if (when !== undefined && this.#remembered.ask('staleIfError.when', when, self, [error], key) !== true) throw error;
    this.#shelf.rest(flight.key, record, home.now() + (policy.retryAfter ?? defaultRetryAfter));
    if (record.rest?.tags !== undefined) passTags(record.rest.tags);
    return this.valueOf(record, policy);
  }

  /** A copy for one more caller, of what was kept to be copied. */
  copy(value: unknown): unknown {
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

  /** The same where the result is what a record holds. */
  modelRecord(flight: Flight, record: MemoryRecord, policy: Policy): void {
    if (this.#isCopied(record, policy)) flight.model = { value: this.#copyOf(record) };
    else this.model(flight, record.value);
  }

  /** One more call that waits for a run. */
  countJoined(counts: Counts, flight: Flight): void {
    counts.coalesced++;
    if (this.#remembered.listening !== 0) this.tell('coalesced', flight.key);
  }

  /** The call begins a run. */
  countMiss(key: unknown, counts: Counts): void {
    counts.misses++;
    if (this.#remembered.heard !== 0 || areMissesObserved()) this.tell('miss', key);
  }

  /** The call is answered past the ttl. */
  countStale(flight: Flight, counts: Counts): void {
    counts.stale++;
    if (this.#remembered.listening !== 0) this.tell('stale', flight.key);
  }

  /** The call whose outcome is judged, as callbacks are asked of it. */
  judged(flight: Flight, policy: Policy, self: unknown, args: ArrayLike<unknown>): Judged {
    return { policy, self, args: Array.from(args), key: () => this.#shelf.textOf(flight.key) };
  }

  /** Whether `record` may be answered in place of the flight's error. The user is asked once, however many wait. */
  isForgiven(
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

  /** Tells whoever listens. */
  tell(type: CacheEventType, key: unknown): void {
    this.#remembered.emit(type, () => this.#shelf.textOf(key));
  }
}
