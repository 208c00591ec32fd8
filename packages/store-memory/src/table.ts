import {
  type Bounds,
  type Clock,
  type DirectStore,
  endOf,
  type MemoryRecord,
  memoryEpoch,
  RepriseError,
  type Trace,
} from '@reprise/store/contract';
import { LRUCache } from 'lru-cache';
import type { Listeners } from './listeners.ts';
import { exposeSlots, type Key, type Lru, type Slots } from './slots.ts';

type Look = readonly [key: Key, record: MemoryRecord];

/** `Infinity` ends here: beyond it a `Map` of V8 may refuse to grow. */
const largestCapacity = 2 ** 23;
const firstCapacity = 16;
/** Up to so many records all are searched when one has to go; beyond, a search gives up after as many. */
const lookLimit = 100;
/** So many evictions go without a search after one in vain: two looks each, which costs a twentieth of the eviction. */
const evictionsBetweenSearches = 50;

/** Stands in for `undefined`, which lru-cache takes for an empty slot. */
const undefinedKey = Symbol('undefined');

function toLruKey(key: unknown): Key {
  return key === undefined ? undefinedKey : (key as Key);
}

const nothing: ReadonlyMap<Key, MemoryRecord> = new Map();

/** From the least recently used on. */
function iterate(lru: Lru): Iterable<Look> {
  return lru.rentries() as Generator<never>;
}

/** The key of an entry kept in the text form: a text and the same string as a direct key are two entries. */
export class TextKey {
  readonly text: string;
  /** The whole key, where `text` is a shortened one. */
  full: string | undefined;

  constructor(text: string) {
    this.text = text;
    this.full = undefined;
  }
}

/**
 * The records of a memory store within their bounds: the text form's and the direct form's, in one order of use.
 *
 * lru-cache keeps the order; its own `ttl`, `size` and `max` are left alone: a ttl would read a clock per hit, sizes there
 * are positive integers, and `max` is preallocated and final. So the lru starts small and is replaced by one of twice the
 * capacity until it has the bound's. Where there is no bound, nobody ever goes for want of room and no order is kept: until a
 * `resize` sets one, a plain `Map` does.
 */
export class Table implements DirectStore {
  clock: Clock;
  /** The keys of the text form. */
  readonly texts: Map<string, TextKey> = new Map();
  readonly #listeners: Listeners;
  readonly #sizeOf: ((value: unknown) => number) | undefined;
  /** The records of a table without bounds; `#lru` has them otherwise. */
  #unbounded: Map<Key, MemoryRecord> | undefined;
  #lru: Lru | undefined;
  #capacity = 0;
  #limit: number;
  #maxBytes: number;
  #bytes = 0;
  /** No record ends before this moment. Too early where the first ones have gone, never too late. */
  #firstEnd = Infinity;
  /** Whether evictions are noticed, which costs a tenth of one: for weights, for text keys, for listeners. */
  #watched: boolean;
  #slots: Slots | undefined;
  /** Where the search goes on: through all slots in turn, round and round. */
  #slot = 0;
  /** What {@link #firstEnd} will be at the end of this round: the first end among the slots looked at and the records kept. */
  #roundFirstEnd = Infinity;
  #evictionsToSearch = 0;

  constructor(
    bounds: Required<Bounds>,
    sizeOf: ((value: unknown) => number) | undefined,
    clock: Clock,
    listeners: Listeners,
  ) {
    this.#limit = Math.min(bounds.maxSize, largestCapacity);
    this.#maxBytes = bounds.maxBytes;
    this.#sizeOf = sizeOf;
    this.#unbounded = bounds.maxSize === Infinity && sizeOf === undefined ? new Map() : undefined;
    this.#watched = sizeOf !== undefined;
    this.clock = clock;
    this.#listeners = listeners;
  }

  // The hit path of every cache: one lookup, no clock, no allocation of ours. Undefined is looked at where nothing was found,
  // since a key that may have been replaced before makes each lookup dearer.
  find(key: unknown): MemoryRecord | undefined {
    return this.#look(key as Key) ?? (key === undefined ? this.#look(undefinedKey) : undefined);
  }

  #look(key: Key): MemoryRecord | undefined {
    const unbounded = this.#unbounded;
    if (unbounded !== undefined) return unbounded.get(key);
    const slots = this.#slots;
    if (slots === undefined) return this.#lru?.get(key);
    const slot = slots.places.get(key);
    if (slot === undefined) return undefined;
    slots.touch(slot);
    return slots.records[slot];
  }

  findAgain(key: unknown, trace: Trace): MemoryRecord | undefined {
    const slots = this.#slots;
    if (slots === undefined || key === undefined) return this.find(key);
    let { slot } = trace;
    if (slot === -1 || slots.keys[slot] !== trace.storedKey) {
      slot = slots.places.get(key as Key) ?? -1;
      trace.slot = slot;
      if (slot === -1) return undefined;
      trace.storedKey = slots.keys[slot];
    }
    slots.touch(slot);
    return slots.records[slot];
  }

  peek(key: unknown): MemoryRecord | undefined {
    const lruKey = toLruKey(key);
    return this.#unbounded === undefined ? this.#lru?.peek(lruKey) : this.#unbounded.get(lruKey);
  }

  keep(key: unknown, record: MemoryRecord): boolean {
    const lruKey = toLruKey(key);
    const unbounded = this.#unbounded;
    if (unbounded !== undefined) {
      if (unbounded.size < largestCapacity) return this.#keepUnbounded(unbounded, lruKey, record);
      this.#bind();
    }
    if (this.#sizeOf !== undefined && !this.#makeRoomFor(lruKey, record)) return false;
    let lru = this.#lru;
    if (lru === undefined) {
      if (this.#limit === 0) return false;
      lru = this.#rebuild(Math.min(firstCapacity, this.#limit));
    } else if (lru.size === this.#capacity) {
      if (this.#capacity < this.#limit) lru = this.#rebuild(Math.min(this.#capacity * 2, this.#limit));
      else this.#dropExpired(lru, lruKey, record);
    }
    this.#noteEnd(record);
    lru.set(lruKey, record);
    if (this.#sizeOf !== undefined) this.#bytes += record.rest?.size ?? 0;
    if (this.#watched) this.#listeners.tell();
    return true;
  }

  drop(key: unknown): boolean {
    return this.#remove(toLruKey(key));
  }

  *records(): Generator<readonly [key: unknown, record: MemoryRecord]> {
    // Listed before the first is handed out: lru-cache's own iteration ends where the entry it stands at is removed.
    for (const [key, record] of this.#unbounded === undefined
      ? [...(this.#lru?.entries() ?? [])]
      : [...this.#unbounded].reverse()) {
      if (!(key instanceof TextKey)) yield [key === undefinedKey ? undefined : key, record];
    }
  }

  count(): number {
    return this.#held.size - this.texts.size;
  }

  /** From now on evictions are noticed: to be called before the first text key, and by the first listener. */
  watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    if (this.#lru !== undefined) this.#rebuild(this.#capacity);
  }

  /** Removes what can no longer be answered. @returns how many went */
  prune(): number {
    const now = this.clock.now() - memoryEpoch;
    if (now < this.#firstEnd) return 0;
    const expired: Key[] = [];
    let firstEnd = Infinity;
    for (const [key, record] of this.#held.entries() as Iterable<Look>) {
      const end = endOf(record);
      if (end <= now) expired.push(key);
      else if (end < firstEnd) firstEnd = end;
    }
    for (const key of expired) this.expire(key);
    this.#firstEnd = firstEnd;
    this.#listeners.tell();
    return expired.length;
  }

  /** Removes one that was found to be past its end; the caller tells the listeners. */
  expire(key: Key): void {
    this.#remove(key);
    this.#forget(key, 'expire');
  }

  /** Lower bounds evict down to them at once, what has expired first. */
  resize(bounds: Bounds): void {
    if (bounds.maxSize !== undefined) this.#limit = Math.min(bounds.maxSize, largestCapacity);
    if (bounds.maxBytes !== undefined) this.#maxBytes = bounds.maxBytes;
    if (this.#unbounded !== undefined && bounds.maxSize !== undefined && bounds.maxSize !== Infinity) this.#bind();
    if (this.#exceedsBounds()) this.prune();
    while (this.#exceedsBounds()) this.#lru?.pop();
    if (this.#limit === 0) this.clear();
    else if (this.#capacity > this.#limit) this.#rebuild(this.#limit);
    this.#listeners.tell();
  }

  clear(): void {
    this.#unbounded?.clear();
    this.#dropLru();
    this.#bytes = 0;
    this.#firstEnd = Infinity;
    this.#restartSearch();
    this.texts.clear();
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.clear();
    this.#unbounded = undefined;
    this.#limit = 0;
  }

  get #held(): { readonly size: number; entries(): Iterable<unknown> } {
    return this.#unbounded ?? this.#lru ?? nothing;
  }

  #dropLru(): void {
    this.#lru = undefined;
    this.#slots = undefined;
    this.#capacity = 0;
  }

  #keepUnbounded(unbounded: Map<Key, MemoryRecord>, key: Key, record: MemoryRecord): true {
    this.#noteEnd(record);
    const { size } = unbounded;
    unbounded.set(key, record);
    if (unbounded.size === size) {
      // Kept anew: a bound that comes later must not take it for an old one.
      unbounded.delete(key);
      unbounded.set(key, record);
    }
    return true;
  }

  /** From now on there is a bound, and an order of use, which begins as that in which the records were kept. */
  #bind(): void {
    const records: ReadonlyMap<Key, MemoryRecord> = this.#unbounded ?? nothing;
    this.#unbounded = undefined;
    const lru = this.#rebuild(Math.max(firstCapacity, records.size));
    for (const [key, record] of records) lru.set(key, record);
  }

  #noteEnd(record: MemoryRecord): void {
    const end = endOf(record);
    if (end === Infinity) return;
    if (end < this.#firstEnd) this.#firstEnd = end;
    if (end < this.#roundFirstEnd) this.#roundFirstEnd = end;
  }

  #exceedsBounds(): boolean {
    const size = this.#lru?.size ?? 0;
    return size > 0 && (size > this.#limit || this.#bytes > this.#maxBytes);
  }

  /** Replaces the lru by one of another capacity, keeping the order of use. */
  #rebuild(capacity: number): Lru {
    const next: Lru = new LRUCache({ max: capacity, ...(this.#watched && { dispose: this.#disposed }) });
    if (this.#lru !== undefined) for (const [key, record] of iterate(this.#lru)) next.set(key, record);
    this.#lru = next;
    this.#capacity = capacity;
    this.#slots = exposeSlots(next);
    this.#restartSearch();
    return next;
  }

  // lru-cache calls this in the midst of a change, so it only takes notes.
  readonly #disposed = (record: MemoryRecord, key: Key, reason: string): void => {
    if (reason !== 'evict') return;
    if (this.#sizeOf !== undefined) this.#bytes -= record.rest?.size ?? 0;
    this.#forget(key, 'evict');
  };

  #forget(key: Key, cause: 'evict' | 'expire'): void {
    if (key instanceof TextKey) {
      this.texts.delete(key.text);
      this.#listeners.collect(key.text, cause);
    } else {
      this.#listeners.collect(key === undefinedKey ? undefined : key, cause);
    }
  }

  #remove(key: Key): boolean {
    if (this.#unbounded !== undefined) return this.#unbounded.delete(key);
    const lru = this.#lru;
    if (lru === undefined) return false;
    if (this.#sizeOf !== undefined) this.#bytes -= lru.peek(key)?.rest?.size ?? 0;
    const removed = lru.delete(key);
    if (lru.size > 0) return removed;
    // lru-cache wipes all its slots when the last entry is deleted: only a small one is worth keeping. And fractions of
    // weight that did not cancel out end here.
    if (this.#capacity > firstCapacity) this.#dropLru();
    this.#bytes = 0;
    this.#firstEnd = Infinity;
    this.#restartSearch();
    return removed;
  }

  /** Weighs a record and evicts for it. The older one under its key goes in any case: it must not outlive a newer result. */
  #makeRoomFor(key: Key, record: MemoryRecord): boolean {
    const size = this.#weigh(key, record);
    this.#remove(key);
    if (size === undefined || size > this.#maxBytes || size === Infinity || this.#limit === 0) return false;
    if (record.rest === undefined) record.rest = { size };
    else record.rest.size = size;
    while (this.#lru !== undefined && this.#lru.size > 0 && this.#bytes + size > this.#maxBytes) {
      if (!this.#dropExpired(this.#lru, key, record)) this.#lru.pop();
    }
    return true;
  }

  #weigh(key: Key, record: MemoryRecord): number | undefined {
    let size: unknown = record.rest?.size;
    let cause: unknown;
    try {
      size ??= record.rest?.failed === true ? 0 : this.#sizeOf?.(record.value);
      if (typeof size === 'number' && size >= 0) return size;
    } catch (error) {
      cause = error;
    }
    const found = cause === undefined ? `gave ${String(size)}` : 'threw';
    const message = `memory store: sizeOf ${found}; it must return a number of 0 or more, so the value was not kept`;
    this.#listeners.fail(
      new RepriseError('E_SIZE', message, cause === undefined ? undefined : { cause }),
      key instanceof TextKey ? key.text : undefined,
    );
    return undefined;
  }

  /** Takes one expired record out of a full lru, where a bounded search finds one. */
  #dropExpired(lru: Lru, key: Key, record: MemoryRecord): boolean {
    if (this.#firstEnd === Infinity) return false;
    const small = lru.size <= lookLimit;
    if (!small) {
      if (this.#evictionsToSearch > 0) {
        this.#evictionsToSearch--;
        return false;
      }
      // The record was made just now: its age spares the clock as long as nothing can have expired.
      if (record.createdAt < this.#firstEnd) return false;
    }
    const now = this.clock.now() - memoryEpoch;
    if (now < this.#firstEnd || lru.has(key)) return false;
    const few = small && this.#capacity > lookLimit;
    const found =
      this.#slots === undefined || few ? this.#findInOrder(lru, now) : this.#findInSlots(this.#slots, lru, now);
    if (found !== undefined) this.expire(found);
    else this.#evictionsToSearch = evictionsBetweenSearches;
    return found !== undefined;
  }

  /** From the least recently used on: all of them, if there are no more than a search may look at. */
  #findInOrder(lru: Lru, now: number): Key | undefined {
    let looks = 0;
    let firstEnd = Infinity;
    for (const [key, record] of iterate(lru)) {
      const end = endOf(record);
      if (end <= now) return key;
      if (++looks === lookLimit) break;
      if (end < firstEnd) firstEnd = end;
    }
    if (looks < lookLimit) this.#firstEnd = firstEnd;
    return undefined;
  }

  /** Goes on where the last search ended, so that in time all are looked at and the first end is known anew. */
  #findInSlots({ keys, records }: Slots, lru: Lru, now: number): Key | undefined {
    for (let looks = Math.min(lookLimit, this.#capacity); looks > 0; looks--) {
      if (this.#slot === this.#capacity) {
        this.#firstEnd = this.#roundFirstEnd;
        this.#slot = 0;
        this.#roundFirstEnd = Infinity;
        if (now < this.#firstEnd) return undefined;
      }
      const slot = this.#slot++;
      const record = records[slot];
      if (record === undefined) continue;
      const end = endOf(record);
      if (end > now) {
        if (end < this.#roundFirstEnd) this.#roundFirstEnd = end;
        continue;
      }
      const key = keys[slot];
      if (key !== undefined && lru.peek(key) === record) return key;
    }
    return undefined;
  }

  #restartSearch(): void {
    this.#slot = 0;
    this.#roundFirstEnd = Infinity;
    this.#evictionsToSearch = 0;
  }
}
