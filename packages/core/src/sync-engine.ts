import { CodecError, MemoryRecord, type RecordDetails, type RemovalCause } from '@reprise/store/contract';
import type { Engine } from './engine.ts';
import type { BoundKey } from './key/key-text.ts';
import { KnownKeys } from './known-keys.ts';
import type { Policy } from './options.ts';
import type { Lifetime, Remembered } from './remembered.ts';
import { Runs, type Shelf, type Work } from './runs.ts';
import type { Scope } from './scope.ts';
import { type Counts, PartCounts } from './stats.ts';
import type { Asker, SyncShelf } from './sync-shelf.ts';
import type { TextKeys } from './text-keys.ts';
import type { AnyFunction, Inspection } from './types.ts';

/** A key on its way through the engine. */
interface Place extends BoundKey {
  readonly text: string;
  /** Where calls with it are counted: its owner's. */
  readonly counts: Counts;
  /** Whether its next result takes the place of an entry that answers meanwhile, and must not be outlived by it. */
  isRefreshed?: boolean;
}

/** A function's entries in a synchronous store that knows text keys only. A synchronous function stays synchronous. */
export class SyncEngine implements Engine, Shelf {
  readonly call: AnyFunction;
  readonly runs: Runs;
  readonly copy?: (value: unknown) => unknown;
  readonly #remembered: Remembered;
  readonly #shelf: SyncShelf;
  readonly #keys: TextKeys;
  readonly #asker: Asker;
  readonly #counts = new PartCounts();
  readonly #places = new Map<string, Place>();
  readonly #known = new KnownKeys();

  constructor(
    remembered: Remembered,
    shelf: SyncShelf,
    keys: TextKeys,
    asker: Asker,
    copy: ((value: unknown) => unknown) | undefined,
  ) {
    this.#remembered = remembered;
    this.#shelf = shelf;
    this.#keys = keys;
    this.#asker = asker;
    if (copy !== undefined) this.copy = copy;
    this.runs = new Runs(remembered, this);
    const engine = this;
    this.call = {
      call(this: unknown, ...args: unknown[]): unknown {
        if (remembered.home.off || remembered.isRetired || remembered.isBypassed(this, args))
          return engine.#pass(remembered, this, args);
        let place: Place;
        try {
          place = engine.#place(this, args);
        } catch (error) {
          if (engine.runs.isAsync) return Promise.reject(error);
          throw error;
        }
        return engine.ask(remembered, place, this, args);
      },
    }.call;
  }

  askFor(work: Work, args: readonly unknown[]): unknown {
    if (this.#remembered.home.off) return this.#pass(work, undefined, args);
    return this.ask(work, this.#place(undefined, args), undefined, args);
  }

  ask(work: Work, place: Place, self: unknown, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    const record = this.#shelf.read(place.key, place.full, this.#asker);
    if (record !== undefined && this.#isFresh(record)) {
      const { counts } = place;
      counts.hits++;
      if (record.rest?.loadTime !== undefined) {
        counts.saved += record.rest.loadTime;
        counts.savings++;
      }
      if (remembered.listening !== 0) remembered.emit('hit', () => place.text);
      return record.rest?.promised ? Promise.resolve(record.value) : record.value;
    }
    const flight = work.policy.dedupe === false ? undefined : this.runs.flights.get(place.key);
    if (flight !== undefined) return this.runs.join(flight, work, self, args, place.counts);
    place.counts.misses++;
    if (record === undefined) this.#known.delete(place.text);
    if (remembered.listening !== 0) remembered.emit('miss', () => place.text);
    this.#places.set(place.key, place);
    return this.runs.fly(this.runs.open(place.key, work.policy), work, self, args, place.counts);
  }

  #pass(work: Work, self: unknown, args: readonly unknown[]): unknown {
    this.#counts.common.bypass++;
    const remembered = this.#remembered;
    if (remembered.listening !== 0) remembered.emit('bypass', undefined);
    return Reflect.apply(work.fn, self, args);
  }

  #place(self: unknown, args: readonly unknown[]): Place {
    const part = this.#keys.partOf(self);
    const text = this.#keys.textOf(self, args, part);
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
    lifetime: Lifetime,
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
  ): void {
    const place = this.#places.get(key as string);
    if (place === undefined) return;
    try {
      this.#write(place, value, lifetime, place.isRefreshed === true, {
        ...(loadTime !== undefined && { loadTime }),
        ...(promise && { promised: true }),
      });
    } catch {
      // Reported; the caller has the value.
    }
    this.release(key);
  }

  release(key: unknown): void {
    if (!this.runs.flights.has(key)) this.#places.delete(key as string);
  }

  #write(place: Place, value: unknown, lifetime: Lifetime, fencing: boolean, rest: RecordDetails): void {
    if (lifetime === undefined) {
      this.#shelf.drop(place.key, this.#asker);
      return;
    }
    const remembered = this.#remembered;
    const now = remembered.home.now();
    // Before the store has it: it may evict it again at once.
    this.#known.add(place.text);
    try {
      if (
        !this.#shelf.write(
          place.key,
          new MemoryRecord(value, now, now + lifetime, rest),
          place.full,
          fencing,
          this.#asker,
        )
      ) {
        this.#known.delete(place.text);
        return;
      }
    } catch (error) {
      this.#known.delete(place.text);
      // What the codec refuses is not stored, and takes the place of what was.
      if (error instanceof CodecError) this.#shelf.drop(place.key, this.#asker);
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
    const remembered = this.#remembered;
    remembered.home.noteInvalidation();
    if (remembered.listening !== 0) remembered.emit('invalidate', () => place.text);
    const existed = this.#shelf.drop(place.key, this.#asker);
    this.#known.delete(place.text);
    return existed;
  }

  clear(scope: Scope): void {
    if (this.#remembered.home.off) return void this.#remembered.home.missInvalidation();
    const prefixes = this.#keys.prefixesOf(scope);
    for (const prefix of prefixes) this.clearPrefix(prefix);
    for (const prefix of prefixes) this.#shelf.clear(prefix, this.#asker);
  }

  clearPrefix(prefix: string): void {
    const remembered = this.#remembered;
    this.#known.deletePrefix(prefix);
    remembered.home.noteInvalidation();
    this.runs.flights.voidAll((key) => this.textOf(key).startsWith(prefix));
    if (remembered.listening !== 0) remembered.emit('invalidate', undefined);
  }

  refresh(scope: Scope, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    if (remembered.home.off) return this.#pass(remembered, scope.self, args);
    const place = this.#place(scope.self, args);
    place.isRefreshed = true;
    this.#places.set(place.key, place);
    if (remembered.listening !== 0) remembered.emit('refresh', () => place.text);
    const flight = this.runs.open(place.key, { ...remembered.policy, dedupe: true });
    return this.runs.fly(flight, remembered, scope.self, args, place.counts);
  }

  peek(scope: Scope, args: readonly unknown[]): unknown {
    const record = this.#look(this.#place(scope.self, args));
    return record === undefined || record.rest?.failed ? undefined : record.value;
  }

  has(scope: Scope, args: readonly unknown[]): boolean {
    const record = this.#look(this.#place(scope.self, args));
    return record !== undefined && !record.rest?.failed;
  }

  set(scope: Scope, args: readonly unknown[], value: unknown, policy: Policy = this.#remembered.policy): void {
    const remembered = this.#remembered;
    if (remembered.home.off) return void remembered.home.missInvalidation();
    this.setPlace(this.#place(scope.self, args), policy, value, scope.self, args);
  }

  setPlace(place: Place, policy: Policy, value: unknown, self: unknown, args: readonly unknown[]): void {
    this.runs.flights.void(place.key);
    const lifetime = this.#remembered.lifetimeOf(policy, value, self, args, () => place.text);
    this.#write(place, value, lifetime, true, this.#remembered.givesPromises(this.runs) ? { promised: true } : {});
  }

  inspect(scope: Scope, args: readonly unknown[]): Inspection | undefined {
    const place = this.#place(scope.self, args);
    const record = this.#look(place);
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

  #look(place: Place): MemoryRecord | undefined {
    if (this.#remembered.home.off) return undefined;
    const record = this.#shelf.read(place.key, place.full, this.#asker);
    return record !== undefined && this.#isFresh(record) ? record : undefined;
  }

  #isFresh(record: MemoryRecord): boolean {
    return record.expiresAt === Infinity || this.#remembered.home.isAhead(record.expiresAt);
  }
}
