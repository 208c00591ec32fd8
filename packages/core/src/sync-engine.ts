import {
  CodecError,
  MemoryRecord,
  type RecordDetails,
  type RemovalCause,
  type RepriseError,
  StoreError,
  type SyncStore,
} from '@reprise/store/contract';
import type { Engine } from './engine.ts';
import { type BoundKey, safePrefix } from './key/key-text.ts';
import { KnownKeys } from './known-keys.ts';
import type { Sender } from './lanes.ts';
import { isThenable } from './one-shot.ts';
import type { Policy } from './options.ts';
import { entryOf, isOfKey, recordOf } from './record.ts';
import type { Lifetime, Remembered } from './remembered.ts';
import { Runs, type Shelf, type Work } from './runs.ts';
import type { Scope } from './scope.ts';
import { type Counts, PartCounts } from './stats.ts';
import type { TextKeys } from './text-keys.ts';
import type { AnyFunction, Inspection } from './types.ts';

/** A key on its way through the engine. */
interface Place extends BoundKey {
  readonly text: string;
  /** Where calls with it are counted: its owner's. */
  readonly counts: Counts;
}

/** On whose behalf the store is asked. */
type Asker = Pick<Sender, 'report' | 'prefixes'>;

/** As many failed deletions are owed key by key; beyond, the clearing of all that their functions have. */
const mostOwed = 10_000;

/**
 * A synchronous store of text keys as the engine uses it. What it throws costs no call: a read that fails is a miss, a deletion that
 * fails is owed, and until it succeeds the key is not read.
 */
export class SyncShelf {
  readonly #store: SyncStore;
  readonly #namespace: string;
  readonly #owed = new Set<string>();
  readonly #owedPrefixes = new Set<string>();

  constructor(store: SyncStore, namespace: string) {
    this.#store = store;
    this.#namespace = namespace;
  }

  get tier(): string {
    return this.#store.name ?? 'store';
  }

  read(key: string, full: string | undefined, asker: Asker): MemoryRecord | undefined {
    if (!this.#isTrusted(key, asker)) return undefined;
    try {
      const entry = atOnce(this.#store.get(key));
      if (entry === undefined || entry === null) return undefined;
      return isOfKey(entry, full ?? key, full !== undefined) ? recordOf(entry) : undefined;
    } catch (error) {
      asker.report(failureOf('get', key, error), key);
      return undefined;
    }
  }

  /** Whether the store may hold under the key what was invalidated. */
  isDoubtful(key: string): boolean {
    return this.#owed.has(key) || [...this.#owedPrefixes].some((prefix) => key.startsWith(prefix));
  }

  /** @returns whether the store has it. @throws a `RepriseError`, reported already */
  write(key: string, record: MemoryRecord, full: string | undefined, fencing: boolean, asker: Asker): boolean {
    try {
      const kept = atOnce(this.#store.set(key, entryOf(record, full))) !== false;
      this.#owed.delete(key);
      return kept;
    } catch (error) {
      if (fencing) this.#owe(key, asker);
      const failure = failureOf('set', key, error);
      asker.report(failure, key);
      throw failure;
    }
  }

  drop(key: string, asker: Asker): boolean {
    try {
      const existed = atOnce(this.#store.delete(key)) !== false;
      this.#owed.delete(key);
      return existed;
    } catch (error) {
      this.#owe(key, asker);
      const failure = failureOf('delete', key, error);
      asker.report(failure, key);
      throw failure;
    }
  }

  clear(prefix: string, asker: Asker): void {
    const whole = safePrefix(this.#namespace + prefix);
    try {
      atOnce(this.#store.clear(whole));
      this.#owedPrefixes.delete(whole);
      for (const key of this.#owed) if (key.startsWith(whole)) this.#owed.delete(key);
    } catch (error) {
      this.#owedPrefixes.add(whole);
      const failure = failureOf('clear', whole, error);
      asker.report(failure, undefined);
      throw failure;
    }
  }

  #owe(key: string, asker: Asker): void {
    this.#owed.add(key);
    if (this.#owed.size <= mostOwed) return;
    const prefixes = asker.prefixes();
    for (const prefix of prefixes) this.#owedPrefixes.add(safePrefix(prefix));
    for (const other of this.#owed) if (prefixes.some((prefix) => other.startsWith(prefix))) this.#owed.delete(other);
  }

  /** Whether all deletions of the key have reached the store; tries those that have not. */
  #isTrusted(key: string, asker: Asker): boolean {
    if (this.#owed.size === 0 && this.#owedPrefixes.size === 0) return true;
    try {
      if (this.#owed.has(key)) {
        atOnce(this.#store.delete(key));
        this.#owed.delete(key);
      }
      for (const prefix of this.#owedPrefixes) {
        if (!key.startsWith(prefix)) continue;
        atOnce(this.#store.clear(prefix));
        this.#owedPrefixes.delete(prefix);
      }
      return true;
    } catch (error) {
      asker.report(failureOf('delete', key, error), key);
      return false;
    }
  }
}

/** A store that says it is synchronous and answers with a promise has not done what it was asked. */
function atOnce<Answer>(answer: Answer): Answer {
  if (!isThenable(answer)) return answer;
  answer.then(undefined, () => {});
  throw new TypeError('it answered a promise although it says sync: true');
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
      this.#write(place, value, lifetime, false, {
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
    try {
      if (
        !this.#shelf.write(
          place.key,
          new MemoryRecord(value, now, now + lifetime, rest),
          place.full,
          fencing,
          this.#asker,
        )
      )
        return;
    } catch (error) {
      // What the codec refuses is not stored, and takes the place of what was.
      if (error instanceof CodecError) this.#shelf.drop(place.key, this.#asker);
      throw error;
    }
    this.#known.add(place.text);
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
    return this.invalidatePlace(this.#place(scope.self, args));
  }

  invalidatePlace(place: Place): boolean {
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

  peekPlace(place: Place): MemoryRecord | undefined {
    return this.#look(place);
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

/** A value that the codec refuses is no failure of the store, and keeps its name. */
function failureOf(verb: string, key: string, error: unknown): RepriseError {
  if (error instanceof CodecError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError(`the store failed to ${verb} ${key}: ${reason}`, { cause: error });
}
