import { CodecError, MemoryRecord, type RemovalCause } from '@reprise/store/contract';
import { Admission } from './admission.ts';
import { steadyNow, within } from './bounded.ts';
import { currentMode, currentRun, holdMode, modes } from './context.ts';
import type { Eventual, Generation } from './counters.ts';
import { areHitsObserved } from './diagnostics.ts';
import type { Engine } from './engine.ts';
import { textOf } from './events.ts';
import type { Flight } from './flight.ts';
import type { Keeping } from './keeping.ts';
import type { BoundKey } from './key/key-text.ts';
import { KnownKeys } from './known-keys.ts';
import { type KnownPlace, KnownPlaces } from './known-places.ts';
import type { Lanes } from './lanes.ts';
import type { Policy } from './options.ts';
import { Permit } from './permit.ts';
import { inspectRecord, isLiving, recordToStore } from './record.ts';
import type { Remembered } from './remembered.ts';
import { RetryTimes } from './retry-times.ts';
import { labelsOf, Runs } from './runs.ts';
import type { Scope } from './scope.ts';
import type { Sender } from './sender.ts';
import type { Shelf, Work } from './shelf.ts';
import { type Counts, PartCounts } from './stats.ts';
import { tagEpoch } from './tags.ts';
import type { TextKeys } from './text-keys.ts';
import type { AnyFunction, CacheMode, Inspection } from './types.ts';
import { waitWith } from './waiting.ts';

/** What the engine asks of the store beside what {@link Lanes} does. */
export interface AsyncShelf {
  readonly lanes: Lanes;
  readonly sender: Sender;
  /** A copy for one more reader, where the store keeps bytes. */
  copy?(value: unknown): unknown;
}

/** A key on its way through the engine: the flight's and the lane's is `key`. */
interface Place extends BoundKey {
  readonly text: string;
  /** Where calls with it are counted: its owner's. */
  readonly counts: Counts;
  /** Whether its next result takes the place of an entry that answers meanwhile, and must not be outlived by it. */
  isRefreshed?: boolean;
  /** Whether the store could not say what it has. */
  isUnknown?: boolean;
  /** When the store was first asked on behalf of the call, by the steady clock. */
  askedAt?: number;
  /** On whose behalf the store is asked. */
  readonly sender: Sender;
}

/**
 * A function's entries in an asynchronous store. One flight covers the look into the store and the run: calls that come while the store
 * is being asked wait for the same answer.
 */
export class AsyncEngine implements Engine, Shelf {
  readonly call: AnyFunction;
  readonly runs: Runs;
  readonly copy?: (value: unknown) => unknown;
  readonly admit?: (flight: Flight, work: Work, isForced: boolean) => Eventual<MemoryRecord | undefined>;
  readonly generation?: () => Eventual<Generation>;
  readonly isOvertaken?: (flight: Flight, tags: readonly string[] | undefined) => Eventual<boolean>;
  readonly #remembered: Remembered;
  readonly #shelf: AsyncShelf;
  readonly #keys: TextKeys;
  readonly #counts = new PartCounts();
  /** Keys in text and whole, of the flights under way. */
  readonly #places = new Map<string, Place>();
  readonly #known = new KnownKeys();
  /** Where the store has a part in memory, and a call is known by its arguments. */
  readonly #near: KnownPlaces | undefined;
  readonly #retries = new RetryTimes();
  /** How often something was invalidated. */
  #invalidations = 0;
  readonly isEventual = true;

  constructor(remembered: Remembered, shelf: AsyncShelf, keys: TextKeys) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#keys = keys;
    if (shelf.copy !== undefined) this.copy = (value) => this.#copy(value);
    const { counters } = shelf.lanes;
    if (counters.isKnown) {
      const admission = new Admission(counters);
      this.admit = (flight, work, isForced) => this.#admit(admission, flight, work, isForced);
      this.generation = () => counters.generation(shelf.sender);
      this.isOvertaken = (flight, tags) => admission.isOvertaken(flight, tags, shelf.sender);
    }
    this.runs = new Runs(remembered, this);
    const { bypass, signal: signalOf } = remembered.policy;
    const isPlain = keys.isByArguments && bypass === undefined && signalOf === undefined;
    const near = isPlain && shelf.lanes.hasNear ? new KnownPlaces() : undefined;
    this.#near = near;
    const engine = this;
    this.call = {
      call(this: unknown, a?: unknown): unknown {
        if (near !== undefined && modes === 0) {
          const answer = engine.#answerNear(arguments.length === 1 ? near.find1(a) : near.find(arguments));
          if (answer !== undefined) return answer;
        }
        return engine.#callFar(this, [...arguments]);
      },
    }.call;
  }

  /** A call that what is in this process's memory does not answer. */
  #callFar(self: unknown, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    if (remembered.isOff || remembered.isBypassed(self, args)) return this.#pass(remembered, self, args);
    const signal = remembered.signalOf(self, args);
    if (signal?.aborted) return this.#leave(signal);
    try {
      const place = this.#place(self, args, remembered.policy, signal ?? null);
      return this.ask(remembered.workFor(signal), place, self, args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What is fresh in this process's memory, where nothing but its age is to be looked at; `undefined`: the longer way. */
  #answerNear(place: KnownPlace | undefined): Promise<unknown> | undefined {
    if (place === undefined) return undefined;
    const remembered = this.#remembered;
    const record = this.#shelf.lanes.near(place.key, remembered.home.isAhead, place);
    if (record === undefined || remembered.isOff || !this.#isFresh(record)) return undefined;
    const { policy } = remembered;
    const { promise, loadTime = 0 } = record.rest ?? {};
    if (promise === undefined || policy.refreshAhead !== undefined || policy.isolate === 'clone') return undefined;
    if (this.runs.answers.isThawed(record.value, policy)) return undefined;
    const { counts } = place;
    counts.hits++;
    if (loadTime > 0) {
      counts.saved += loadTime;
      counts.savings++;
    }
    if (remembered.heard !== 0 || areHitsObserved()) remembered.emit('hit', () => place.text);
    return promise;
  }

  /** A call whose function is to be run before it is known whether it may be: its key first, then what its run has begun. */
  prepareCall(self: unknown, args: readonly unknown[]): (result: PromiseLike<unknown>) => Promise<unknown> {
    const remembered = this.#remembered;
    if (remembered.isOff || remembered.isBypassed(self, args)) return (result) => Promise.resolve(result);
    const place = this.#place(self, args);
    return (result) => this.ask({ fn: () => result, policy: remembered.policy }, place, self, args);
  }

  /** A caller who has left before he came. */
  #leave(signal: AbortSignal): unknown {
    this.#counts.common.bypass++;
    if (this.#remembered.listening !== 0) this.#remembered.emit('bypass', undefined);
    return this.runs.refuseAborted(signal);
  }

  askFor(work: Work, args: readonly unknown[]): unknown {
    if (this.#remembered.isOff) return this.#pass(work, undefined, args);
    return this.ask(work, this.#place(undefined, args, work.policy), undefined, args);
  }

  askEach(work: Work, self: unknown, calls: readonly (readonly unknown[])[]): unknown[] {
    const remembered = this.#remembered;
    const { policy, signal } = work;
    if (remembered.isOff) return calls.map((args) => this.#pass(work, self, args));
    if (signal?.aborted) return calls.map(() => this.#leave(signal));
    const part = this.#keys.partOf(self);
    // All keys first: where one of them cannot be told, nothing begins.
    const places = calls.map((args) =>
      remembered.isBypassed(self, args) ? undefined : this.#place(self, args, policy, signal ?? null, part),
    );
    return places.map((place, index) => {
      const args = calls[index] as readonly unknown[];
      return place === undefined ? this.#pass(work, self, args) : this.ask(work, place, self, args);
    });
  }

  /** A call: from the value on its way to the store, a flight under way, the store, or a run. */
  ask(work: Work, place: Place, self: unknown, args: readonly unknown[]): Promise<unknown> {
    if (modes === 0) return this.#askInMode(undefined, work, place, self, args);
    const release = holdMode();
    try {
      return this.#askInMode(currentMode(), work, place, self, args).finally(release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #askInMode(
    mode: CacheMode | undefined,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
  ): Promise<unknown> {
    if (mode === 'force-cache' || mode === 'only-if-cached') {
      return this.#attendLook(work, this.#askStored(work, place, self, args, mode));
    }
    const reads = mode !== 'reload' && mode !== 'no-cache';
    // What is there goes on answering if the newer value cannot be written.
    if (!reads) place.isRefreshed = true;
    // Where another process may have made it void, it is answered by whoever looks.
    const pending = reads && this.admit === undefined ? this.#shelf.lanes.pending(place.key) : undefined;
    if (pending !== undefined) {
      this.#retries.apply(place.key, pending);
      const answer = this.#answer(pending, work, place, self, args, true, true);
      if (answer !== undefined) return answer;
    }
    const near =
      reads && place.full === undefined ? this.#shelf.lanes.near(place.key, this.#remembered.home.isAhead) : undefined;
    if (near !== undefined) {
      this.#retries.apply(place.key, near);
      const answer = this.#answer(near, work, place, self, args, false, true);
      if (answer !== undefined && work === this.#remembered) this.#near?.note(args, place);
      if (answer !== undefined) return answer;
    }
    return this.#joinOrOpen(work, place, self, args, reads, mode === 'reload');
  }

  /** A mode that takes what there is, whatever its age: nobody shall join a look that ends so. */
  async #askStored(
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    mode: 'force-cache' | 'only-if-cached',
  ): Promise<unknown> {
    const record = await this.#living(place);
    if (!this.runs.flights.has(place.key)) this.#places.set(place.key, place);
    if (record !== undefined) {
      const isFresh = this.#isFresh(record);
      const answer = this.runs.answers.answer(
        record,
        isFresh ? 'fresh' : 'stale',
        place.key,
        work.policy,
        place.counts,
      );
      this.release(place.key);
      return answer;
    }
    this.#checkPresence(work, place);
    if (mode === 'only-if-cached') {
      const error = this.runs.answers.refuseUncached(place.key, place.counts);
      this.release(place.key);
      throw error;
    }
    return this.#joinOrOpen(work, place, self, args, false, false);
  }

  /** A caller with a signal does not wait for the store either. */
  #attendLook({ signal }: Work, look: Promise<unknown>): Promise<unknown> {
    return signal === undefined ? look : waitWith(look, { signal });
  }

  /** Nothing is run for a caller who has left while the store was asked. */
  #checkPresence({ signal }: Work, { key, counts }: Place): void {
    if (!signal?.aborted) return;
    this.runs.answers.countMiss(key, counts);
    this.release(key);
    throw signal.reason;
  }

  #joinOrOpen(
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    reads: boolean,
    alone: boolean,
  ): Promise<unknown> {
    const flight = alone ? undefined : this.runs.joinable(place.key, work.policy);
    if (flight === undefined) return this.#open(work, place, self, args, reads);
    if (flight.running && flight.permit?.generation !== undefined) {
      return this.#attendLook(work, this.#checkThenJoin(flight, work, place, self, args, reads));
    }
    return this.#joinOrLook(flight, work, place, self, args, reads);
  }

  #joinOrLook(
    flight: Flight,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    reads: boolean,
  ): Promise<unknown> {
    const isBeside = flight.refreshes || flight.leavesEntry || flight.voided;
    if (isBeside && reads) return this.#attendLook(work, this.#lookThenJoin(work, place, self, args));
    return this.#join(flight, work, place, self, args, undefined);
  }

  /** A run that another process has overtaken by an invalidation is not joined. */
  async #checkThenJoin(
    flight: Flight,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    reads: boolean,
  ): Promise<unknown> {
    const isOvertaken = await this.isOvertaken?.(flight, labelsOf(flight, work.policy));
    this.#checkPresence(work, place);
    const now = this.runs.joinable(place.key, work.policy);
    if (now === flight && !isOvertaken) return this.#joinOrLook(flight, work, place, self, args, reads);
    if (now === flight) this.runs.flights.voidOne(flight);
    return this.#askInMode(currentMode(), work, place, self, args);
  }

  #join(
    flight: Flight,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    fallback: MemoryRecord | undefined,
  ): Promise<unknown> {
    try {
      return Promise.resolve(this.runs.join(flight, work, self, args, place.counts, fallback, place));
    } catch (error) {
      // The function ran for this call alone, and threw at once.
      return Promise.reject(error);
    }
  }

  /** Beside a run that makes an entry anew, or that a newer one was faster than, the entry answers; without one, the call waits for the run. */
  async #lookThenJoin(work: Work, place: Place, self: unknown, args: readonly unknown[]): Promise<unknown> {
    const before = this.#invalidations;
    const record = await this.#read(place, work.policy);
    // What was invalidated while it was read is an answer for this call, which began before, and for no other.
    const isValid = before === this.#invalidations;
    const answer = record && this.#answer(record, work, place, self, args, false, isValid);
    if (answer !== undefined) return answer;
    this.#checkPresence(work, place);
    const flight = this.runs.joinable(place.key, work.policy);
    // A store that is not to be waited for once more.
    if (flight === undefined && place.isUnknown) return this.#open(work, place, self, args, false);
    if (flight === undefined) return this.ask(work, place, self, args);
    const isThere = record !== undefined && isValid && isLiving(record, this.#remembered.home.now());
    const fallback = isThere ? record : undefined;
    return this.#join(flight, work, place, self, args, fallback);
  }

  /** What a record answers at once; `undefined`: it is no answer by itself. */
  #answer(
    record: MemoryRecord,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    shared: boolean,
    isValid: boolean,
  ): Promise<unknown> | undefined {
    const verdict = this.runs.answers.verdictOn(place.key, record, work.policy);
    if (verdict === 'gone' || verdict === 'fallback') return undefined;
    if (!this.runs.flights.has(place.key)) this.#places.set(place.key, place);
    if (isValid) this.runs.followUp(verdict, place.key, record, work, self, args, place.counts);
    const own = shared ? this.#ownRecord(record) : record;
    const answer = this.runs.answers.answer(own, verdict, place.key, work.policy, place.counts);
    this.release(place.key);
    return answer as Promise<unknown>;
  }

  #open(work: Work, place: Place, self: unknown, args: readonly unknown[], reads: boolean): Promise<unknown> {
    const flight = this.runs.open(place.key, work.policy);
    flight.leavesEntry = place.isRefreshed === true;
    this.#places.set(place.key, place);
    const promise = this.#lookThenFly(flight, work, place, self, args, reads);
    flight.promise = promise;
    const parent = currentRun();
    if (parent !== undefined) this.runs.flights.openFor(parent, flight);
    return this.runs.attendance.attend(promise, flight, work, place.counts) as Promise<unknown>;
  }

  async #lookThenFly(
    flight: Flight,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
    reads: boolean,
  ): Promise<unknown> {
    place.askedAt = steadyNow();
    const record = reads ? await this.#read(place, work.policy) : undefined;
    const { counts } = place;
    const signal = flight.notes?.controller?.signal;
    if (signal?.aborted) return this.runs.abandonOpened(flight, signal, counts);
    // Its run begins now, and is judged by the counters of now.
    if (reads) flight.epoch = tagEpoch();
    let fallback: MemoryRecord | undefined;
    if (record !== undefined) {
      const verdict = this.runs.answers.verdictOn(place.key, record, work.policy);
      if (verdict !== 'gone' && verdict !== 'fallback') {
        this.runs.flights.close(flight);
        if (!flight.voided) this.runs.followUp(verdict, place.key, record, work, self, args, counts);
        return this.runs.answerOpened(flight, record, verdict, work, counts);
      }
      if (verdict === 'fallback' && !flight.voided) fallback = record;
    } else if (reads) this.#known.delete(place.text);
    return this.runs.begin(flight, work, self, args, counts, fallback, !reads);
  }

  #admit(admission: Admission, flight: Flight, work: Work, isForced: boolean): Eventual<MemoryRecord | undefined> {
    const { lanes, sender } = this.#shelf;
    const place = this.#places.get(flight.key as string);
    const { policy, joined } = work;
    const own = place?.sender ?? sender;
    const left = own.limit() - (steadyNow() - (place?.askedAt ?? steadyNow()));
    // The call has waited for the store for as long as it may.
    if (place?.isUnknown && left < own.limit() / 2) {
      flight.permit = new Permit(undefined);
      return undefined;
    }
    return admission.admit({
      flight,
      key: flight.key as string,
      // A batch runs for all of its ids at once.
      shares: !isForced && policy.dedupe !== false && joined === undefined,
      sender: left < own.limit() ? { ...own, limit: () => Math.max(left, 1) } : own,
      look: async () => {
        const record = place && (await lanes.read(place.key, place.full, place.sender));
        if (record === undefined || record === 'unknown') return undefined;
        return this.runs.isNews(flight, record, policy) ? record : undefined;
      },
    });
  }

  askAgain(
    _key: unknown,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    _counts: Counts,
    place: Place,
  ): Promise<unknown> {
    return this.ask(work, place, self, Array.from(args));
  }

  async #read(place: Place, { timeout }: Policy): Promise<MemoryRecord | undefined> {
    const { lanes } = this.#shelf;
    const before = lanes.pending(place.key);
    const reading = lanes.read(place.key, place.full, place.sender);
    // A store that hangs must leave time for the function: half of what the callers have.
    const half = timeout?.hard === undefined ? Infinity : timeout.hard / 2;
    const read = await (half < place.sender.limit() ? within(reading, half, 'unknown' as const) : reading);
    // What has been sent to the store meanwhile is newer.
    const pending = lanes.pending(place.key);
    const record = pending === undefined ? read : this.#ownRecord(pending);
    if (record === 'unknown') {
      place.isUnknown = true;
      return undefined;
    }
    const own = pending ?? (read === before ? before : undefined);
    if (own !== undefined && !(await this.#isCurrent(own, place))) return undefined;
    if (record !== undefined) this.#retries.apply(place.key, record);
    return record;
  }

  /** Whether no other process has invalidated what this one has sent to the store. */
  async #isCurrent(record: MemoryRecord, { key, sender }: Place): Promise<boolean> {
    const { fence, tags } = record.rest ?? {};
    if (fence === undefined) return true;
    const { lanes } = this.#shelf;
    const isCurrent = await lanes.counters.isCurrent(key, fence, tags, sender);
    if (!isCurrent) lanes.giveUp(key, record);
    return isCurrent;
  }

  #pass(work: Work, self: unknown, args: readonly unknown[]): unknown {
    this.#counts.common.bypass++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('bypass', undefined);
    try {
      return Promise.resolve(this.runs.pass(work, self, args));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #senderFor(policy: Policy): Sender {
    const { sender } = this.#shelf;
    const limit = policy.storeTimeout;
    if (limit === undefined || limit === this.#remembered.policy.storeTimeout) return sender;
    return { ...sender, limit: () => limit };
  }

  #place(
    self: unknown,
    args: readonly unknown[],
    policy: Policy = this.#remembered.policy,
    signal?: AbortSignal | null,
    part: string | undefined = this.#keys.partOf(self),
  ): Place {
    const text = this.#keys.textOf(self, args, part, signal);
    const { key, full } = this.#keys.bound(text);
    return { key, full, text, counts: this.#counts.of(part), sender: this.#senderFor(policy) };
  }

  textOf(key: unknown): string {
    return this.#places.get(key as string)?.text ?? String(key);
  }

  /** A value that cannot be copied was not stored either: its readers share the one there is. */
  #copy(value: unknown): unknown {
    try {
      return this.#shelf.copy?.(value);
    } catch {
      return value;
    }
  }

  /** Whether a key, in text and perhaps shortened, is one of this function's. */
  owns(text: string): boolean {
    return this.#keys.prefixesOf({ self: undefined, everyone: true }).some((prefix) => text.startsWith(prefix));
  }

  /** The store has let an entry go by itself. */
  removed(key: string, cause: RemovalCause): void {
    if (cause === 'evict') this.#counts.common.evictions++;
    this.#known.delete(key);
    if (this.#remembered.listening !== 0) this.#remembered.emit(cause, () => key);
  }

  // ── the shelf ──

  keep(
    key: unknown,
    value: unknown,
    keeping: Keeping | undefined,
    _promise: unknown,
    loadTime: number | undefined,
    epoch: number,
    given: Permit | undefined,
  ): boolean {
    // What the store has not been asked about before is not stored.
    const permit = given ?? (this.admit && new Permit(undefined));
    const place = this.#places.get(key as string);
    if (place === undefined) {
      permit?.end();
      return true;
    }
    // An error takes the place of no value that may answer yet, be it another run's that has come meanwhile.
    if (keeping?.failed && (place.isUnknown || place.isRefreshed || this.#known.has(place.text))) {
      permit?.end();
      this.release(key);
      return false;
    }
    const written = this.#write(place, value, keeping, place.isRefreshed === true, loadTime, epoch, permit);
    const end = (): void => permit?.end();
    written.then(end, end);
    return true;
  }

  expire(key: unknown): void {
    this.#known.delete(this.textOf(key));
  }

  touch(key: unknown, record: MemoryRecord, { timeToIdle }: Policy): void {
    const place = this.#places.get(key as string);
    if (place === undefined || timeToIdle === undefined) return;
    this.#shelf.lanes.touch(place.key, record, place.full, timeToIdle, this.#remembered.home.now(), place.sender);
  }

  rest(key: unknown, _record: MemoryRecord, until: number): void {
    this.#retries.note(key as string, until, this.#remembered.home.now());
  }

  release(key: unknown): void {
    if (!this.runs.flights.has(key)) this.#places.delete(key as string);
  }

  /** Failures are reported where they happen; the promise tells explicit callers. */
  async #write(
    place: Place,
    value: unknown,
    keeping: Keeping | undefined,
    fencing: boolean,
    loadTime: number | undefined,
    epoch: number,
    permit?: Permit,
  ): Promise<void> {
    const { lanes } = this.#shelf;
    const { sender } = place;
    const remembered = this.#remembered;
    this.#retries.lift(place.key);
    const isUntold = permit !== undefined && permit.generation === undefined;
    if (isUntold && keeping !== undefined && !fencing) {
      // What the store cannot judge is not stored.
      this.release(place.key);
      return;
    }
    if (isUntold || keeping === undefined) {
      await lanes.drop(place.key, sender);
      return;
    }
    let kept: Promise<boolean>;
    try {
      const own = keeping.failed ? value : this.#takeModel(place.key, value);
      const record = recordToStore(own, keeping, true, loadTime, epoch, permit?.generation, remembered.home.now());
      kept = lanes.write(place.key, record, place.full, fencing, sender);
    } catch (error) {
      this.release(place.key);
      sender.report(error as CodecError, place.key);
      await lanes.drop(place.key, sender);
      throw error;
    }
    this.release(place.key);
    // Before the store has it: it may evict it again at once.
    this.#known.add(place.text);
    try {
      if (await kept) {
        if (remembered.listening !== 0) remembered.emit('store', () => place.text);
      } else this.#known.delete(place.text);
    } catch (error) {
      this.#known.delete(place.text);
      // What the codec refuses is not stored, and takes the place of what was.
      if (error instanceof CodecError) await lanes.drop(place.key, sender);
      throw error;
    }
  }

  /** What is sent where the store keeps bytes: the caller may change his value while it is on its way. @throws CodecError */
  #takeModel(key: string, value: unknown): unknown {
    try {
      return this.#shelf.copy === undefined ? this.#shelf.lanes.modelOf(key, value) : this.#shelf.copy(value);
    } catch (error) {
      if (error instanceof CodecError) throw error;
      throw new CodecError(`the codec refused the value: ${textOf(error)}`, { cause: error });
    }
  }

  // ── the handle ──

  async invalidate(scope: Scope, args: readonly unknown[]): Promise<boolean> {
    if (this.#remembered.home.off) return this.#remembered.home.missInvalidation();
    if (scope.everyone && this.#keys.isDivided) {
      // The owners are not known here: all of the function's entries go, which is never too little.
      const existed = this.size(scope) > 0;
      await this.clear(scope);
      return existed;
    }
    return this.#invalidatePlace(this.#place(scope.self, args));
  }

  async #invalidatePlace(place: Place): Promise<boolean> {
    this.runs.flights.void(place.key);
    this.#invalidations++;
    this.#retries.lift(place.key);
    const remembered = this.#remembered;
    remembered.home.noteInvalidation();
    if (remembered.listening !== 0) remembered.emit('invalidate', () => place.text);
    const existed = await this.#shelf.lanes.drop(place.key, this.#shelf.sender);
    this.#known.delete(place.text);
    return existed;
  }

  async clear(scope: Scope): Promise<void> {
    if (this.#remembered.home.off) return void this.#remembered.home.missInvalidation();
    const { lanes, sender } = this.#shelf;
    const prefixes = this.#keys.prefixesOf(scope);
    for (const prefix of prefixes) this.clearPrefix(prefix);
    await Promise.all(prefixes.map((prefix) => lanes.clear(prefix, sender)));
  }

  clearPrefix(prefix: string): void {
    const remembered = this.#remembered;
    this.#known.deletePrefix(prefix);
    this.#invalidations++;
    remembered.home.noteInvalidation();
    this.runs.flights.voidAll((key) => this.textOf(key).startsWith(prefix));
    this.#retries.liftWhere((key) => this.#keys.unbound(key).startsWith(prefix));
    if (remembered.listening !== 0) remembered.emit('invalidate', undefined);
  }

  async refresh(scope: Scope, args: readonly unknown[]): Promise<unknown> {
    const remembered = this.#remembered;
    if (remembered.home.off) return this.#pass(remembered, scope.self, args);
    const signal = remembered.signalOf(scope.self, args);
    if (signal?.aborted) return this.#leave(signal);
    const place = this.#place(scope.self, args, remembered.policy, signal ?? null);
    const flight = this.runs.open(place.key, { ...remembered.policy, dedupe: true });
    place.isRefreshed = true;
    this.#places.set(place.key, place);
    this.#retries.lift(place.key);
    if (remembered.listening !== 0) remembered.emit('refresh', () => place.text);
    return this.runs.renew(flight, remembered.workFor(signal), scope.self, args, place.counts);
  }

  async peek(scope: Scope, args: readonly unknown[]): Promise<unknown> {
    return this.runs.answers.look(await this.#look(this.#place(scope.self, args)), this.#remembered.policy);
  }

  async has(scope: Scope, args: readonly unknown[]): Promise<boolean> {
    const record = await this.#look(this.#place(scope.self, args));
    return record !== undefined && !record.rest?.failed;
  }

  async set(
    scope: Scope,
    args: readonly unknown[],
    value: unknown,
    policy: Policy = this.#remembered.policy,
  ): Promise<void> {
    const remembered = this.#remembered;
    if (remembered.home.off) return void remembered.home.missInvalidation();
    const place = this.#place(scope.self, args);
    this.#invalidations++;
    this.runs.flights.void(place.key);
    this.#places.set(place.key, place);
    const primed = this.runs.answers.prime(place.key, value, policy, scope.self, args);
    try {
      await this.#write(place, primed.value, primed.keeping, true, undefined, tagEpoch());
    } finally {
      this.release(place.key);
    }
  }

  async inspect(scope: Scope, args: readonly unknown[]): Promise<Inspection | undefined> {
    const place = this.#place(scope.self, args);
    const tier = this.#shelf.lanes.tierOf(place.key);
    const record = await this.#living(place);
    return record && inspectRecord(record, place.text, tier, this.#remembered.home.now());
  }

  keyOf(scope: Scope, args: readonly unknown[]): string {
    return this.#keys.textOf(scope.self, args, this.#keys.partOf(scope.self));
  }

  size(scope: Scope): number {
    return this.#isWhole(scope) ? this.#known.size : this.#known.countPrefix(this.#keys.prefixesOf(scope)[0] ?? '');
  }

  countsOf(scope: Scope): Counts {
    return this.#isWhole(scope) ? this.#counts.sum() : this.#counts.of(this.#keys.partOf(scope.self));
  }

  #isWhole(scope: Scope): boolean {
    return scope.everyone || !this.#keys.isDivided;
  }

  /** What is fresh under a key, looked at without a call. */
  async #look(place: Place): Promise<MemoryRecord | undefined> {
    const record = await this.#living(place);
    return record !== undefined && this.#isFresh(record) ? record : undefined;
  }

  async #living(place: Place): Promise<MemoryRecord | undefined> {
    const { home } = this.#remembered;
    if (home.off) return undefined;
    const { lanes } = this.#shelf;
    const pending = lanes.pending(place.key);
    if (pending !== undefined && !(await this.#isCurrent(pending, place))) return undefined;
    const record =
      pending === undefined ? await lanes.read(place.key, place.full, place.sender) : this.#ownRecord(pending);
    if (record === 'unknown') return undefined;
    return record !== undefined && isLiving(record, home.now()) ? record : undefined;
  }

  /** What is on its way to a store of bytes is nobody's to change. */
  #ownRecord({ value, createdAt, expiresAt, rest }: MemoryRecord): MemoryRecord {
    return new MemoryRecord(this.copy === undefined ? value : this.copy(value), createdAt, expiresAt, rest);
  }

  #isFresh(record: MemoryRecord): boolean {
    return record.expiresAt === Infinity || this.#remembered.home.isAhead(record.expiresAt);
  }
}
