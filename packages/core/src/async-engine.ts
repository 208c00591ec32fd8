import { CodecError, MemoryRecord, type RemovalCause } from '@reprise/store/contract';
import { currentRun } from './context.ts';
import type { Engine } from './engine.ts';
import { textOf } from './events.ts';
import type { Flight } from './flight.ts';
import type { BoundKey } from './key/key-text.ts';
import { KnownKeys } from './known-keys.ts';
import type { Lanes, Sender } from './lanes.ts';
import type { Policy } from './options.ts';
import type { Lifetime, Remembered } from './remembered.ts';
import { Runs, type Shelf, type Work } from './runs.ts';
import type { Scope } from './scope.ts';
import { type Counts, PartCounts } from './stats.ts';
import type { TextKeys } from './text-keys.ts';
import type { AnyFunction, Inspection } from './types.ts';

/** What the engine asks of the store beside what {@link Lanes} does. */
export interface AsyncShelf {
  readonly lanes: Lanes;
  readonly tier: string;
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
  readonly #remembered: Remembered;
  readonly #shelf: AsyncShelf;
  readonly #keys: TextKeys;
  readonly #counts = new PartCounts();
  /** Keys in text and whole, of the flights under way. */
  readonly #places = new Map<string, Place>();
  readonly #known = new KnownKeys();

  constructor(remembered: Remembered, shelf: AsyncShelf, keys: TextKeys) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#keys = keys;
    if (shelf.copy !== undefined) this.copy = (value) => this.#copy(value);
    this.runs = new Runs(remembered, this);
    const engine = this;
    this.call = {
      call(this: unknown, ...args: unknown[]): unknown {
        if (remembered.home.off || remembered.isRetired || remembered.isBypassed(this, args))
          return engine.#pass(remembered, this, args);
        try {
          return engine.ask(remembered, engine.#place(this, args), this, args);
        } catch (error) {
          return Promise.reject(error);
        }
      },
    }.call;
  }

  /** A call whose function is to be run before it is known whether it may be: its key first, then what its run has begun. */
  prepareCall(self: unknown, args: readonly unknown[]): (result: PromiseLike<unknown>) => Promise<unknown> {
    const remembered = this.#remembered;
    if (remembered.home.off || remembered.isBypassed(self, args)) return (result) => Promise.resolve(result);
    const place = this.#place(self, args);
    return (result) => this.ask({ fn: () => result, policy: remembered.policy }, place, self, args);
  }

  askFor(work: Work, args: readonly unknown[]): unknown {
    if (this.#remembered.home.off) return this.#pass(work, undefined, args);
    return this.ask(work, this.#place(undefined, args, work.policy), undefined, args);
  }

  /** A call: from the value on its way to the store, a flight under way, the store, or a run. */
  ask(work: Work, place: Place, self: unknown, args: readonly unknown[]): Promise<unknown> {
    const pending = this.#shelf.lanes.pending(place.key);
    if (pending !== undefined && this.#isFresh(pending)) return this.#hit(pending, place, 1, true);
    const flight = work.policy.dedupe === false ? undefined : this.runs.flights.get(place.key);
    if (flight === undefined) return this.#open(work, place, self, args);
    if (flight.refreshes) return this.#lookThenJoin(work, place, self, args);
    try {
      return Promise.resolve(this.runs.join(flight, work, self, args, place.counts));
    } catch (error) {
      // The function ran for this call alone, and threw at once.
      return Promise.reject(error);
    }
  }

  /** Beside a refresh the old entry answers; where there is none, the call waits for the new one. */
  async #lookThenJoin(work: Work, place: Place, self: unknown, args: readonly unknown[]): Promise<unknown> {
    const record = await this.#shelf.lanes.read(place.key, place.full, place.sender);
    if (record !== undefined && this.#isFresh(record)) return this.#hit(record, place, 1, false);
    const flight = this.runs.flights.get(place.key);
    if (flight === undefined) return this.ask(work, place, self, args);
    return this.runs.join(flight, work, self, args, place.counts);
  }

  #open(work: Work, place: Place, self: unknown, args: readonly unknown[]): Promise<unknown> {
    const flight = this.runs.open(place.key, work.policy);
    this.#places.set(place.key, place);
    const promise = this.#lookThenFly(flight, work, place, self, args);
    flight.promise = promise;
    const parent = currentRun();
    if (parent !== undefined) this.runs.flights.openFor(parent, flight);
    return promise;
  }

  async #lookThenFly(
    flight: Flight,
    work: Work,
    place: Place,
    self: unknown,
    args: readonly unknown[],
  ): Promise<unknown> {
    const record = await this.#shelf.lanes.read(place.key, place.full, place.sender);
    if (record !== undefined && this.#isFresh(record)) {
      this.runs.flights.close(flight);
      this.release(place.key);
      this.runs.model(flight, record.value);
      return this.#hit(record, place, 1 + flight.early, false);
    }
    const { counts } = place;
    counts.misses++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('miss', () => place.text);
    for (let joined = flight.early; joined > 0; joined--) this.runs.countJoined(counts, flight);
    if (record === undefined) this.#known.delete(place.text);
    return this.runs.fly(flight, work, self, args, counts);
  }

  #hit(record: MemoryRecord, place: Place, calls: number, shared: boolean): Promise<unknown> {
    const { counts } = place;
    counts.hits += calls;
    const loadTime = record.rest?.loadTime;
    if (loadTime !== undefined) {
      counts.saved += calls * loadTime;
      counts.savings += calls;
    }
    const remembered = this.#remembered;
    if (remembered.listening !== 0) for (let told = 0; told < calls; told++) remembered.emit('hit', () => place.text);
    return Promise.resolve(shared && this.copy !== undefined ? this.copy(record.value) : record.value);
  }

  #pass(work: Work, self: unknown, args: readonly unknown[]): unknown {
    this.#counts.common.bypass++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('bypass', undefined);
    try {
      return Promise.resolve(Reflect.apply(work.fn, self, args));
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

  #place(self: unknown, args: readonly unknown[], policy: Policy = this.#remembered.policy): Place {
    const part = this.#keys.partOf(self);
    const text = this.#keys.textOf(self, args, part);
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

  keep(key: unknown, value: unknown, lifetime: Lifetime, _promise: unknown, loadTime: number | undefined): void {
    const place = this.#places.get(key as string);
    if (place === undefined) return;
    this.#write(place, value, lifetime, place.isRefreshed === true, loadTime).catch(() => {});
  }

  release(key: unknown): void {
    if (!this.runs.flights.has(key)) this.#places.delete(key as string);
  }

  /** Failures are reported where they happen; the promise tells explicit callers. */
  async #write(place: Place, value: unknown, lifetime: Lifetime, fencing: boolean, loadTime?: number): Promise<void> {
    const { lanes } = this.#shelf;
    const { sender } = place;
    const remembered = this.#remembered;
    if (lifetime === undefined) {
      await lanes.drop(place.key, sender);
      return;
    }
    const now = remembered.home.now();
    const rest = loadTime === undefined ? undefined : { loadTime };
    let kept: Promise<boolean>;
    try {
      const own = this.#takeModel(value);
      kept = lanes.write(place.key, new MemoryRecord(own, now, now + lifetime, rest), place.full, fencing, sender);
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
  #takeModel(value: unknown): unknown {
    try {
      return this.#shelf.copy === undefined ? value : this.#shelf.copy(value);
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
    remembered.home.noteInvalidation();
    this.runs.flights.voidAll((key) => this.textOf(key).startsWith(prefix));
    if (remembered.listening !== 0) remembered.emit('invalidate', undefined);
  }

  async refresh(scope: Scope, args: readonly unknown[]): Promise<unknown> {
    const remembered = this.#remembered;
    if (remembered.home.off) return this.#pass(remembered, scope.self, args);
    const place = this.#place(scope.self, args);
    const flight = this.runs.open(place.key, { ...remembered.policy, dedupe: true });
    place.isRefreshed = true;
    this.#places.set(place.key, place);
    if (remembered.listening !== 0) remembered.emit('refresh', () => place.text);
    // Calls that come now wait for this run, unless the old entry answers: see `ask`.
    flight.refreshes = true;
    flight.promise = Promise.resolve(this.runs.fly(flight, remembered, scope.self, args, place.counts));
    return flight.promise;
  }

  async peek(scope: Scope, args: readonly unknown[]): Promise<unknown> {
    const record = await this.#look(this.#place(scope.self, args));
    return record === undefined || record.rest?.failed ? undefined : record.value;
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
    await this.setPlace(this.#place(scope.self, args), policy, value, scope.self, args);
  }

  async setPlace(place: Place, policy: Policy, value: unknown, self: unknown, args: readonly unknown[]): Promise<void> {
    this.runs.flights.void(place.key);
    const lifetime = this.#remembered.lifetimeOf(policy, value, self, args, () => place.text);
    await this.#write(place, value, lifetime, true);
  }

  async inspect(scope: Scope, args: readonly unknown[]): Promise<Inspection | undefined> {
    const place = this.#place(scope.self, args);
    const record = await this.#look(place);
    if (record === undefined) return undefined;
    const now = this.#remembered.home.now();
    return {
      key: place.text,
      status: 'fresh',
      age: Math.max(0, now - record.createdAt),
      expiresIn: record.expiresAt - now,
      staleFor: 0,
      tags: record.rest?.tags ?? [],
      tier: this.#shelf.tier,
    };
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

  async #look(place: Place): Promise<MemoryRecord | undefined> {
    if (this.#remembered.home.off) return undefined;
    const { lanes } = this.#shelf;
    const pending = lanes.pending(place.key);
    if (pending !== undefined) return this.#isFresh(pending) ? this.#ownRecord(pending) : undefined;
    const record = await lanes.read(place.key, place.full, place.sender);
    return record !== undefined && this.#isFresh(record) ? record : undefined;
  }

  /** What is on its way to a store of bytes is nobody's to change. */
  #ownRecord({ value, createdAt, expiresAt, rest }: MemoryRecord): MemoryRecord {
    return new MemoryRecord(this.copy === undefined ? value : this.copy(value), createdAt, expiresAt, rest);
  }

  #isFresh(record: MemoryRecord): boolean {
    return record.expiresAt === Infinity || this.#remembered.home.isAhead(record.expiresAt);
  }
}
