import { CodecError, type MemoryRecord, type RemovalCause } from '@reprise/store/contract';
import { Admission } from './admission.ts';
import { currentMode, modes } from './context.ts';
import type { Eventual, Generation } from './counters.ts';
import { areHitsObserved } from './diagnostics.ts';
import type { Engine } from './engine.ts';
import type { Flight } from './flight.ts';
import type { Keeping } from './keeping.ts';
import type { BoundKey } from './key/key-text.ts';
import { KnownKeys } from './known-keys.ts';
import type { Policy } from './options.ts';
import { Permit } from './permit.ts';
import { inspectRecord, isLiving, recordToStore } from './record.ts';
import type { Remembered } from './remembered.ts';
import { RetryTimes } from './retry-times.ts';
import { Runs } from './runs.ts';
import type { Scope } from './scope.ts';
import type { Sender } from './sender.ts';
import type { Shelf, Work } from './shelf.ts';
import { type Counts, PartCounts } from './stats.ts';
import type { SyncShelf } from './sync-shelf.ts';
import { tagEpoch } from './tags.ts';
import type { TextKeys } from './text-keys.ts';
import type { AnyFunction, Inspection } from './types.ts';

/** A key on its way through the engine. */
interface Place extends BoundKey {
  readonly text: string;
  /** Where calls with it are counted: its owner's. */
  readonly counts: Counts;
  /** Whether its next result takes the place of an entry that answers meanwhile, and must not be outlived by it. */
  isRefreshed?: boolean;
  /** Whether the store could not say what it has. */
  isUnknown?: boolean;
}

/** A function's entries in a synchronous store that knows text keys only. A synchronous function stays synchronous. */
export class SyncEngine implements Engine, Shelf {
  readonly call: AnyFunction;
  readonly runs: Runs;
  readonly copy?: (value: unknown) => unknown;
  readonly admit?: (flight: Flight, work: Work, isForced: boolean) => Eventual<MemoryRecord | undefined>;
  readonly generation?: () => Eventual<Generation>;
  readonly isOvertaken?: (flight: Flight, tags: readonly string[] | undefined) => Eventual<boolean>;
  readonly #remembered: Remembered;
  readonly #shelf: SyncShelf;
  readonly #keys: TextKeys;
  readonly #sender: Sender;
  readonly #counts = new PartCounts();
  readonly #places = new Map<string, Place>();
  readonly #known = new KnownKeys();
  readonly #retries = new RetryTimes();
  readonly isEventual = false;

  constructor(
    remembered: Remembered,
    shelf: SyncShelf,
    keys: TextKeys,
    sender: Sender,
    copy: ((value: unknown) => unknown) | undefined,
  ) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#keys = keys;
    this.#sender = sender;
    if (copy !== undefined) this.copy = (value) => copyIfPossible(copy, value);
    if (shelf.counters.isKnown) {
      const admission = new Admission(shelf.counters);
      this.admit = (flight, work, isForced) => this.#admit(admission, flight, work, isForced);
      this.generation = () => shelf.counters.generation(sender);
      this.isOvertaken = (flight, tags) => admission.isOvertaken(flight, tags, sender);
    }
    this.runs = new Runs(remembered, this);
    const engine = this;
    this.call = {
      call(this: unknown, ...args: unknown[]): unknown {
        if (remembered.isOff || remembered.isBypassed(this, args)) return engine.#pass(remembered, this, args);
        const signal = remembered.signalOf(this, args);
        if (signal?.aborted) return engine.#leave(signal);
        let place: Place;
        try {
          place = engine.#place(this, args, signal ?? null);
        } catch (error) {
          if (engine.runs.isAsync) return Promise.reject(error);
          throw error;
        }
        return engine.ask(remembered.workFor(signal), place, this, args);
      },
    }.call;
  }

  /** A caller who has left before he came. */
  #leave(signal: AbortSignal): unknown {
    this.#counts.common.bypass++;
    if (this.#remembered.listening !== 0) this.#remembered.emit('bypass', undefined);
    return this.runs.refuseAborted(signal);
  }

  askFor(work: Work, args: readonly unknown[]): unknown {
    if (this.#remembered.isOff) return this.#pass(work, undefined, args);
    return this.ask(work, this.#place(undefined, args), undefined, args);
  }

  askEach(work: Work, self: unknown, calls: readonly (readonly unknown[])[]): unknown[] {
    const remembered = this.#remembered;
    const { signal } = work;
    if (remembered.isOff) return calls.map((args) => this.#pass(work, self, args));
    if (signal?.aborted) return calls.map(() => this.#leave(signal));
    const part = this.#keys.partOf(self);
    // All keys first: where one of them cannot be told, nothing begins.
    const places = calls.map((args) =>
      remembered.isBypassed(self, args) ? undefined : this.#place(self, args, signal ?? null, part),
    );
    return places.map((place, index) => {
      const args = calls[index] as readonly unknown[];
      try {
        return place === undefined ? this.#pass(work, self, args) : this.ask(work, place, self, args);
      } catch (error) {
        // One answer, as all of them: an error that a synchronous function left, say.
        return Promise.reject(error);
      }
    });
  }

  ask(work: Work, place: Place, self: unknown, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    const record = this.#read(place);
    if (record !== undefined && modes === 0 && this.#isPlainHit(record, work.policy)) {
      const { counts } = place;
      counts.hits++;
      if (record.rest?.loadTime !== undefined) {
        counts.saved += record.rest.loadTime;
        counts.savings++;
      }
      if (remembered.heard !== 0 || areHitsObserved()) remembered.emit('hit', () => place.text);
      return record.rest?.promised ? Promise.resolve(record.value) : record.value;
    }
    if (record === undefined) this.#known.delete(place.text);
    if (!this.runs.flights.has(place.key)) this.#places.set(place.key, place);
    if (modes !== 0) this.#noteMode(place);
    try {
      return this.runs.serve(place.key, record, work, self, args, place.counts, place);
    } finally {
      this.release(place.key);
    }
  }

  /** What is there would go on answering if the newer value could not be written. */
  #noteMode(place: Place): void {
    const mode = currentMode();
    if (mode !== 'reload' && mode !== 'no-cache') return;
    place.isRefreshed = true;
    this.#places.set(place.key, place);
  }

  askAgain(_key: unknown, work: Work, self: unknown, args: ArrayLike<unknown>, _counts: Counts, place: Place): unknown {
    return this.ask(work, place, self, Array.from(args));
  }

  #read(place: Place): MemoryRecord | undefined {
    const record = this.#shelf.read(place.key, place.full, this.#sender);
    if (record === 'unknown') {
      place.isUnknown = true;
      return undefined;
    }
    if (record !== undefined) this.#retries.apply(place.key, record);
    return record;
  }

  #admit(admission: Admission, flight: Flight, work: Work, isForced: boolean): Eventual<MemoryRecord | undefined> {
    const place = this.#places.get(flight.key as string);
    const { policy, joined } = work;
    return admission.admit({
      flight,
      key: flight.key as string,
      // A synchronous function never waits for another process; a batch runs for all of its ids at once.
      shares: !isForced && this.runs.isAsync && policy.dedupe !== false && joined === undefined,
      sender: this.#sender,
      look: () => {
        const record = place && this.#read(place);
        return record && this.runs.isNews(flight, record, policy) ? record : undefined;
      },
    });
  }

  /** Whether there is nothing more to look at than the age. */
  #isPlainHit(record: MemoryRecord, policy: Policy): boolean {
    const { rest, value } = record;
    if (rest?.failed || rest?.tags !== undefined || rest?.idle !== undefined) return false;
    if (policy.refreshAhead !== undefined || policy.isolate === 'clone') return false;
    return this.#isFresh(record) && !this.runs.answers.isThawed(value, policy);
  }

  #pass(work: Work, self: unknown, args: readonly unknown[]): unknown {
    this.#counts.common.bypass++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('bypass', undefined);
    return this.runs.pass(work, self, args);
  }

  #place(
    self: unknown,
    args: readonly unknown[],
    signal?: AbortSignal | null,
    part: string | undefined = this.#keys.partOf(self),
  ): Place {
    const text = this.#keys.textOf(self, args, part, signal);
    const { key, full } = this.#keys.bound(text);
    return { key, full, text, counts: this.#counts.of(part) };
  }

  textOf(key: unknown): string {
    return this.#places.get(key as string)?.text ?? String(key);
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
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
    epoch: number,
    given: Permit | undefined,
  ): boolean {
    // What the store has not been asked about before is not stored.
    const permit = given ?? (this.admit && new Permit(undefined));
    const place = this.#places.get(key as string);
    const isKept = place === undefined || !keeping?.failed || !this.#mayHoldValue(place);
    try {
      if (isKept && place !== undefined) {
        const isRefreshed = place.isRefreshed === true;
        this.#write(place, value, keeping, isRefreshed, promise !== undefined, loadTime, epoch, permit);
      }
    } catch {
      // Reported; the caller has the value.
    } finally {
      permit?.end();
      this.release(key);
    }
    return isKept;
  }

  /** An error takes the place of no value that may answer yet. */
  #mayHoldValue(place: Place): boolean {
    if (place.isUnknown) return true;
    const record = this.#living(place);
    return record !== undefined && record.rest?.failed !== true;
  }

  release(key: unknown): void {
    if (!this.runs.flights.has(key)) this.#places.delete(key as string);
  }

  expire(key: unknown): void {
    this.#known.delete(this.textOf(key));
  }

  touch(key: unknown, record: MemoryRecord, { timeToIdle }: Policy): void {
    const place = this.#places.get(key as string);
    if (place === undefined) return;
    this.#shelf.touch(place.key, record, place.full, timeToIdle, this.#remembered.home.now(), this.#sender);
  }

  rest(key: unknown, _record: MemoryRecord, until: number): void {
    this.#retries.note(key as string, until, this.#remembered.home.now());
  }

  #write(
    place: Place,
    value: unknown,
    keeping: Keeping | undefined,
    fencing: boolean,
    promised: boolean,
    loadTime: number | undefined,
    epoch: number,
    permit?: Permit,
  ): void {
    this.#retries.lift(place.key);
    const isUntold = permit !== undefined && permit.generation === undefined;
    // What the store cannot judge is not stored.
    if (isUntold && keeping !== undefined && !fencing) return;
    if (isUntold || keeping === undefined) {
      this.#shelf.drop(place.key, this.#sender);
      return;
    }
    const remembered = this.#remembered;
    const now = remembered.home.now();
    const record = recordToStore(value, keeping, promised, loadTime, epoch, permit?.generation, now);
    // Before the store has it: it may evict it again at once.
    this.#known.add(place.text);
    try {
      if (!this.#shelf.write(place.key, record, place.full, fencing, this.#sender)) {
        this.#known.delete(place.text);
        return;
      }
    } catch (error) {
      this.#known.delete(place.text);
      // What the codec refuses is not stored, and takes the place of what was.
      if (error instanceof CodecError) this.#shelf.drop(place.key, this.#sender);
      throw error;
    }
    if (remembered.listening !== 0) remembered.emit('store', () => place.text);
  }

  // ── the handle ──

  invalidate(scope: Scope, args: readonly unknown[]): boolean {
    if (this.#remembered.home.off) return this.#remembered.home.missInvalidation();
    if (scope.everyone && this.#keys.isDivided) {
      // The owners are not known here: all of the function's entries go, which is never too little.
      const existed = this.size(scope) > 0;
      this.clear(scope);
      return existed;
    }
    return this.#invalidatePlace(this.#place(scope.self, args));
  }

  #invalidatePlace(place: Place): boolean {
    this.runs.flights.void(place.key);
    this.#retries.lift(place.key);
    const remembered = this.#remembered;
    remembered.home.noteInvalidation();
    if (remembered.listening !== 0) remembered.emit('invalidate', () => place.text);
    const existed = this.#shelf.drop(place.key, this.#sender);
    this.#known.delete(place.text);
    return existed;
  }

  clear(scope: Scope): void {
    if (this.#remembered.home.off) return void this.#remembered.home.missInvalidation();
    const prefixes = this.#keys.prefixesOf(scope);
    for (const prefix of prefixes) this.clearPrefix(prefix);
    this.#shelf.clearAll(prefixes, this.#sender);
  }

  clearPrefix(prefix: string): void {
    const remembered = this.#remembered;
    this.#known.deletePrefix(prefix);
    remembered.home.noteInvalidation();
    this.runs.flights.voidAll((key) => this.textOf(key).startsWith(prefix));
    this.#retries.liftWhere((key) => this.#keys.unbound(key).startsWith(prefix));
    if (remembered.listening !== 0) remembered.emit('invalidate', undefined);
  }

  refresh(scope: Scope, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    if (remembered.home.off) return this.#pass(remembered, scope.self, args);
    const signal = remembered.signalOf(scope.self, args);
    if (signal?.aborted) return this.#leave(signal);
    const place = this.#place(scope.self, args, signal ?? null);
    place.isRefreshed = true;
    this.#places.set(place.key, place);
    this.#retries.lift(place.key);
    if (remembered.listening !== 0) remembered.emit('refresh', () => place.text);
    const flight = this.runs.open(place.key, { ...remembered.policy, dedupe: true });
    return this.runs.renew(flight, remembered.workFor(signal), scope.self, args, place.counts);
  }

  peek(scope: Scope, args: readonly unknown[]): unknown {
    return this.runs.answers.look(this.#look(this.#place(scope.self, args)), this.#remembered.policy);
  }

  has(scope: Scope, args: readonly unknown[]): boolean {
    const record = this.#look(this.#place(scope.self, args));
    return record !== undefined && !record.rest?.failed;
  }

  set(scope: Scope, args: readonly unknown[], value: unknown, policy: Policy = this.#remembered.policy): void {
    const remembered = this.#remembered;
    if (remembered.home.off) return void remembered.home.missInvalidation();
    const place = this.#place(scope.self, args);
    this.runs.flights.void(place.key);
    this.#places.set(place.key, place);
    const primed = this.runs.answers.prime(place.key, value, policy, scope.self, args);
    const isPromise = remembered.givesPromises(this.runs);
    try {
      this.#write(place, primed.value, primed.keeping, true, isPromise, undefined, tagEpoch());
    } finally {
      this.release(place.key);
    }
  }

  inspect(scope: Scope, args: readonly unknown[]): Inspection | undefined {
    const place = this.#place(scope.self, args);
    const tier = this.#shelf.tierOf(place.key);
    const record = this.#living(place);
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
  #look(place: Place): MemoryRecord | undefined {
    const record = this.#living(place);
    return record !== undefined && this.#isFresh(record) ? record : undefined;
  }

  #living(place: Place): MemoryRecord | undefined {
    if (this.#remembered.home.off) return undefined;
    const record = this.#shelf.read(place.key, place.full, this.#sender);
    if (record === 'unknown') return undefined;
    return record !== undefined && isLiving(record, this.#remembered.home.now()) ? record : undefined;
  }

  #isFresh(record: MemoryRecord): boolean {
    return record.expiresAt === Infinity || this.#remembered.home.isAhead(record.expiresAt);
  }
}

/** A value that cannot be copied is not stored either: its readers share the one there is. */
function copyIfPossible(copy: (value: unknown) => unknown, value: unknown): unknown {
  try {
    return copy(value);
  } catch {
    return value;
  }
}
