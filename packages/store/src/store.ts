import type { Clock } from './clock.ts';
import type { Entry } from './entry.ts';

/** What a store can do beyond the five operations that each has. Absent means no. */
export interface StoreCapabilities {
  /** An invalidation in one process keeps out the older runs of all the others: {@link SyncStore.generation}. */
  readonly fences?: boolean;
  /** It can grant one process the right to compute a key: {@link SyncStore.lease}. */
  readonly leases?: boolean;
  /** It can invalidate a group of entries by a label. */
  readonly tags?: boolean;
  /** It judges idle times, and can be told that an entry was read: {@link SyncStore.touch}. */
  readonly touch?: boolean;
  /** It can list its entries: {@link SyncStore.entries}. */
  readonly iteration?: boolean;
  /** It can read several keys in one round trip: {@link AsyncStore.getMany}. */
  readonly batches?: boolean;
  /** It keeps `maxSize`, `maxBytes` or both. */
  readonly bounds?: boolean;
  /** It sweeps expired entries when told: {@link SyncStore.prune}. */
  readonly prune?: boolean;
  /** It keeps bytes, and so gives every reader a value of its own. */
  readonly bytes?: boolean;
  /** It tells a tier in front of it what changes, whoever changes it: {@link AsyncStore.track}. */
  readonly tracking?: boolean;
}

/** Who is told of what changes in a store, by whatever process: a tier in front of it. */
export interface Tracker {
  /** The entry of a key was written, removed, evicted, or has expired: what was read of it before may be old. */
  changed(key: string): void;
  /** The same of all keys that begin with `prefix`. */
  cleared(prefix: string): void;
  /** Labels were invalidated. */
  tagsInvalidated(tags: readonly string[]): void;
  /**
   * Whether every change is told, and was since the last `true`. It is `false` until this is called first; between a `false` and the next
   * `true` anything may have changed untold.
   */
  trusted(isTrusted: boolean): void;
  /**
   * All that had changed before this moment, by `performance.now()`, has been told. Said again and again while there is trust: whoever has not heard
   * it for 100 milliseconds, because this process stood still, say, must not answer from what he has been told.
   */
  heard(at: number): void;
}

/** The part of a store that is in this process's memory, see {@link AsyncStore.near}. */
export interface NearTier {
  /**
   * What it has under a key, not judged for age; `undefined` also where it may not be believed. Records are its own: never change them.
   *
   * @param isAhead whether a moment, relative to {@link memoryEpoch}, lies in the future: where the caller has a cheaper way to tell than a
   * look at the clock
   * @param trace what the caller keeps of the key from one question to the next, to be answered sooner
   */
  find(key: string, isAhead?: (moment: number) => boolean, trace?: Trace): MemoryRecord | undefined;
}

/** Where the record of one key was found last: a note of whoever looks often, which the {@link DirectStore} reads and writes. */
export interface Trace {
  /** `-1`: nowhere yet. */
  slot: number;
  /** The key itself, as it stood there. */
  storedKey: unknown;
}

/** The right to run the function for one key, which a store has granted for a while; capability `leases`. */
export interface Lease {
  readonly key: string;
  /** Tells this grant from every other one, of whatever process. */
  readonly token: string;
  /** What an entry that is computed under it carries as its `generation`. */
  readonly generation: number | string;
  /** For how many milliseconds it is granted; whoever needs it for longer renews it before that. */
  readonly duration: number;
}

/** Why a store let an entry go by itself. */
export type RemovalCause = 'evict' | 'expire';

/** What a store reports that no operation returns. */
export interface StoreListener {
  /** An entry went for want of room, or for its age. */
  removed?(key: unknown, cause: RemovalCause): void;
  /** Something failed that cost no caller anything: a damaged entry, a sweep that could not finish. */
  failed?(error: unknown, key?: string): void;
}

/** What is common to all stores. */
export interface StoreBase {
  /** One word for messages and `inspect().tier`: `memory`, `disk`, `redis`. */
  readonly name?: string;
  /**
   * Whether its entries outlive the process. A store that does not say is taken for either: only functions and caches with explicit
   * names share entries through it with other processes, everything else in it is this process's own.
   */
  readonly persistent?: boolean;
  readonly capabilities?: StoreCapabilities;
  /**
   * Called by a cache that was given a clock of its own; a store that was not given one when it was made judges age by it
   * from then on. The first one wins.
   */
  useClock?(clock: Clock): void;
  /**
   * A copy that shares nothing with `value`, as a round trip through the store's codec would make it. A store that keeps bytes should
   * have it: without it the callers of one run share its result, and so do those who read a value that is still on its way.
   *
   * @throws what the codec throws
   */
  copy?(value: unknown): unknown;
  /**
   * A copy of a value that has to wait before it can be given to this store, so that its owner may change it meanwhile. For a store
   * that hands out what it was given, and gives it on as bytes; one with `copy` has no need of it.
   *
   * @throws what the codec throws
   */
  snapshot?(value: unknown): unknown;
  /** The name of that of its tiers which would answer for a key now, for `inspect().tier`. By default the store's own. */
  tierOf?(key: string): string;
  /** Registers who shall hear of removals and failures; returns how to leave. */
  listen?(listener: StoreListener): () => void;
}

/**
 * A store whose operations return at once. A synchronous function cached in it stays synchronous.
 *
 * `get` answers an entry until its `staleUntil`, by the store's clock, and `undefined` for none; a stored `undefined` is an
 * entry whose `value` is `undefined`. Whether an entry is fresh, stale or expired is judged by who asks.
 */
export interface SyncStore extends StoreBase {
  readonly sync: true;
  get(key: string): Entry | undefined;
  /** @returns `false` when the store declined to keep it (too large, no room at all) */
  set(key: string, entry: Entry): boolean | void;
  /** @returns whether there was an entry */
  delete(key: string): boolean | void;
  /** Removes the keys of its own namespace that begin with `prefix` (default: all). */
  clear(prefix?: string): void;
  /** Flushes and lets go. Idempotent; afterwards every operation throws a `StoreError` with `E_CLOSED`. */
  close(): void;
  /** Lists living and stale entries, in no order; capability `iteration`. */
  entries?(prefix?: string): Iterable<readonly [key: string, entry: Entry]>;
  /** How many entries there are; counts those that expired and were not swept yet. Capability `iteration`. */
  size?(prefix?: string): number;
  /** Sweeps what is past its `staleUntil`; capability `prune`. @returns how many went */
  prune?(): number;
  /** Voids every entry, in every namespace, that carries one of the labels. Capability `tags`. */
  invalidateTags?(tags: readonly string[]): void;
  /** An entry was read: its idle time begins anew. A `get` alone does not do that. Capability `touch`. */
  touch?(key: string): void;
  /**
   * What the store's counters are at this moment; capability `fences`. A run asks before it begins, and what it computes is stored with
   * the answer as `generation`: `set` then keeps the entry only if nothing that covers it has been invalidated since, by any process –
   * its key (`delete`, or the `set` of an entry without a `generation`), a beginning of it (`clear`), one of its tags
   * (`invalidateTags`). Otherwise `set` answers `false` and leaves what is there. A counter that is missing, and a `generation` that the store has
   * never given, count as invalidated. An asynchronous store answers what was set without a `generation` with the one that it has got by
   * that.
   */
  generation?(): number | string;
  /**
   * Whether `set` would keep an entry with this generation and these tags under the key, if it came now: nothing that covers it has been
   * invalidated since. Capability `fences`.
   */
  isCurrent?(key: string, generation: number | string, tags?: readonly string[]): boolean;
  /**
   * Asks for the right to run the function for a key; capability `leases`. It ends when it is released, when it has not been renewed for
   * its `duration`, when its holder is known to be dead, and with every invalidation of its key.
   *
   * @returns `undefined` where somebody else has it
   */
  lease?(key: string): Lease | undefined;
  /** Has a lease last for another `duration` from now. @returns `false` where it has ended */
  renew?(lease: Lease): boolean;
  /** Gives a lease back; one that has ended already is no error. */
  release?(lease: Lease): void;
  /** Changes the bounds; a lower one evicts down to it. Capability `bounds`. */
  resize?(bounds: Bounds): void;
  /** The form that a cache in the same process uses: keys of any type, no entry objects made per read. */
  readonly direct?: DirectStore;
}

/** A store whose operations return promises. Its promises may be slow or reject; no call of a cached function suffers. */
export interface AsyncStore extends StoreBase {
  readonly sync: false;
  get(key: string): Promise<Entry | undefined>;
  set(key: string, entry: Entry): Promise<boolean | void>;
  delete(key: string): Promise<boolean | void>;
  clear(prefix?: string): Promise<void>;
  close(): Promise<void>;
  /**
   * Reads several keys, each given once, in one round trip; capability `batches`. A cache asks so for all keys that it needs in one tick.
   *
   * @returns what `get` would answer for each, in the order of the keys. An entry that cannot be read costs the others nothing: it is
   * `undefined`, and reported to listeners
   */
  getMany?(keys: readonly string[]): Promise<readonly (Entry | undefined)[]>;
  entries?(prefix?: string): AsyncIterable<readonly [key: string, entry: Entry]>;
  size?(prefix?: string): Promise<number>;
  prune?(): Promise<number>;
  invalidateTags?(tags: readonly string[]): Promise<void>;
  touch?(key: string): Promise<void>;
  generation?(): Promise<number | string>;
  isCurrent?(key: string, generation: number | string, tags?: readonly string[]): Promise<boolean>;
  lease?(key: string): Promise<Lease | undefined>;
  renew?(lease: Lease): Promise<boolean>;
  release?(lease: Lease): Promise<void>;
  resize?(bounds: Bounds): void | Promise<void>;
  /**
   * Tells a tier in front of this store of every change in it, by any process; capability `tracking`. At most 100 milliseconds pass
   * between the end of a change and the telling; where they cannot be kept (a lost connection), trust is withdrawn.
   *
   * @returns how to leave
   */
  track?(tracker: Tracker): () => void;
  /** Its part in this process's memory: a cache looks there before it asks. What `get` would answer from it is answered at once. */
  readonly near?: NearTier;
}

/** Where entries live: what every cache is built on, and the one interface to implement for a store of one's own. */
export type Store = SyncStore | AsyncStore;

/** How much a store may hold. `Infinity` is allowed, and said in words by who asks for it. */
export interface Bounds {
  readonly maxSize?: number;
  readonly maxBytes?: number;
}

/**
 * The in-process form of a memory store, for caches: no text is built for a key.
 *
 * A key is a primitive or an object; records are told apart by `Map` equality. Records are the store's own: read them,
 * never change them but through these operations.
 */
export interface DirectStore {
  /** The record under a key, marked as recently used; not judged for age. */
  find(key: unknown): MemoryRecord | undefined;
  /** The same; where the record still is where it was found last, without a lookup. */
  findAgain(key: unknown, trace: Trace): MemoryRecord | undefined;
  /** The same, leaving no trace in the order of use. */
  peek(key: unknown): MemoryRecord | undefined;
  /** Keeps a record, evicting others as the bounds ask. @returns `false` when it is too large, or nothing may be kept */
  keep(key: unknown, record: MemoryRecord): boolean;
  /** @returns whether there was one */
  drop(key: unknown): boolean;
  /** Every key with its record, the most recently used first; the most recently kept first where there are no bounds. */
  records(): Iterable<readonly [key: unknown, record: MemoryRecord]>;
  /** How many records there are. */
  count(): number;
}

/**
 * An {@link Entry} as memory keeps it. Times are milliseconds relative to {@link memoryEpoch}: small integers, which
 * engines store without a box (32 bytes less per entry than two doubles).
 */
export class MemoryRecord {
  /** The value, or the error where `rest.failed` is set. */
  value: unknown;
  /** Relative; `Infinity` never. */
  expiresAt: number;
  /** Relative. */
  createdAt: number;
  /** All that a plain record has no need of. */
  rest: RecordDetails | undefined;

  constructor(value: unknown, createdAt: number, expiresAt: number, rest: RecordDetails | undefined) {
    this.value = value;
    this.createdAt = createdAt;
    this.expiresAt = expiresAt;
    this.rest = rest;
  }
}

/** A {@link MemoryRecord} that has no rarer parts, and takes no room for them until it has. */
export class PlainRecord implements MemoryRecord {
  value: unknown;
  expiresAt: number;
  createdAt: number;
  declare rest: RecordDetails | undefined;

  static {
    this.prototype.rest = undefined;
  }

  constructor(value: unknown, createdAt: number, expiresAt: number) {
    this.value = value;
    this.createdAt = createdAt;
    this.expiresAt = expiresAt;
  }
}

/** The rarer parts of a {@link MemoryRecord}. Times relative to {@link memoryEpoch}. */
export interface RecordDetails {
  failed?: boolean;
  /** See {@link Entry.promised}. */
  promised?: boolean;
  /** The settled promise that answers the hits of an asynchronous function. */
  promise?: Promise<unknown>;
  staleUntil?: number;
  tags?: readonly string[];
  idle?: number;
  readAt?: number;
  loadTime?: number;
  generation?: number | string;
  /** What the store's counters were when the run began; `generation` is that of this process. */
  fence?: number | string;
  size?: number;
  /** Whether a hit has more to look at than its age and its labels: idle time, a refresh that is due, copies, an error. */
  guarded?: boolean;
  /** Whether every reader gets a copy of the value. */
  copied?: boolean;
  /** Before this moment the function is not run again behind it: its last run failed. */
  retryAt?: number;
}

/** The moment from which {@link MemoryRecord} counts: when this module was loaded, in milliseconds since the epoch. */
export const memoryEpoch: number = Date.now();
