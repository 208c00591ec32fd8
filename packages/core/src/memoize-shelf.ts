import { readNow, roughNow } from './coarse-clock.ts';
import type { ModeScope, Run, RunNotes } from './context.ts';
import { ArgumentIndex } from './key/argument-index.ts';
import type { Level } from './key/index-level.ts';
import type { ArgumentPath } from './key/index-token.ts';
import { isAheadNow, stride } from './memoize-horizon.ts';
import { missing, Timed } from './memoize-leaf.ts';
import { EvictionOrder } from './memoize-order.ts';
import { NullaryCell, Tally } from './memoize-tally.ts';

/** One run of an asynchronous function, on behalf of the calls that wait for it. */
export class MemoizeFlight implements Run {
  waits: Set<Run> | undefined = undefined;
  /** What is said inside of it reaches no entry: `memoize` has no labels. */
  notes: RunNotes | undefined = undefined;
  mode: ModeScope | undefined = undefined;
  readonly isBehind = false;
  /** What callers get; `undefined` while the function's synchronous part is on the stack. */
  promise: Promise<unknown> | undefined = undefined;
  /** Settles with the function's own promise; whoever listens here takes no rejection from a caller. */
  settled: PromiseLike<unknown> | undefined = undefined;
  /** Whether an invalidation, or a newer run, has taken its right to be kept. */
  voided = false;
}

/** How much is kept, and for how long. */
export interface ShelfBounds {
  readonly maxSize: number;
  /** Milliseconds. */
  readonly ttl: number;
}

export function makeTally({ ttl }: ShelfBounds): Tally {
  return ttl === Infinity ? new Tally() : new Tally(stride);
}

/**
 * The remembered results of one function, or of one owner of its entries: what is kept, what is under way, and what was voided.
 * It knows nothing of the owner, which it would keep alive.
 */
export class Shelf {
  readonly tally: Tally;
  readonly entries: ArgumentIndex<unknown> = new ArgumentIndex();
  /** For the hot path: the leaf of the call without arguments, and the first levels of calls with one to three. */
  readonly nullary: NullaryCell = new NullaryCell();
  one: Level | undefined = undefined;
  two: Level | undefined = undefined;
  three: Level | undefined = undefined;
  /** How many results have been kept. */
  keeps = 0;
  /** Whether `undefined` from an index may be a result. */
  holdsUndefined = false;
  readonly #bounds: ShelfBounds;
  readonly #order: EvictionOrder = new EvictionOrder(this.entries);
  #spare: Timed | undefined;
  #flights: ArgumentIndex<MemoizeFlight> | undefined;
  /** Counts what voids runs. */
  #fence = 0;
  #cleared = 0;
  /** The synchronous runs on the stack, and what was voided since the first of them began. */
  #running = 0;
  #voided: ArgumentIndex<number> | undefined;

  constructor(bounds: ShelfBounds, tally: Tally = makeTally(bounds)) {
    this.#bounds = bounds;
    this.tally = tally;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Whether nothing is kept and nothing under way. */
  get isIdle(): boolean {
    return this.size === 0 && this.#running === 0 && (this.#flights === undefined || this.#flights.size === 0);
  }

  /** The counts, up to date. */
  settleTally(): Tally {
    this.tally.hits += this.nullary.takeHits();
    return this.tally.settle();
  }

  // ── what is kept ──

  /** The result of a call; {@link missing} where there is none that is fresh. */
  fresh(path: ArgumentPath): unknown {
    const leaf = this.entries.at(path);
    if (leaf === undefined) return this.entries.has(path) ? undefined : missing;
    if (leaf instanceof Timed) return isAheadNow(leaf.expiresAt) ? leaf.value : missing;
    return leaf;
  }

  /** Keeps a result in place of an older one, and no more than there is room for. */
  keep(path: ArgumentPath, value: unknown): void {
    if (this.#keepsNothing) return;
    const { entries } = this;
    const now = this.#settleNow();
    const older = entries.placeOf(path);
    if (older === undefined) this.#makeRoom(now);
    const leaf = this.#makeLeaf(value, now);
    const { level, token } = entries.put(path, leaf);
    this.#noteRoot(path.arity, leaf);
    if (older === undefined) this.#order.add(level, token, leaf, now);
    else this.#order.replace(older, leaf, now);
  }

  /** {@link keep} for one primitive argument of which it is certain that there is no older result. */
  keepNew(one: Level, a: unknown, value: unknown): void {
    if (this.#keepsNothing) return;
    const now = this.#settleNow();
    this.#makeRoom(now);
    const leaf = this.#makeLeaf(value, now);
    this.entries.putAt(one, a, leaf);
    this.#order.add(one, a, leaf, now);
  }

  /** Lets a result go. Answers whether there was a fresh one. */
  drop(path: ArgumentPath): boolean {
    const wasFresh = this.fresh(path) !== missing;
    const place = this.entries.placeOf(path);
    if (place !== undefined) this.#dropAt(place.level, place.token);
    return wasFresh;
  }

  /** A hit on this call was a sample. */
  spare(path: ArgumentPath): void {
    this.tally.rest();
    // Nothing has to go as yet.
    if (this.entries.size < this.#bounds.maxSize) return;
    const place = this.entries.placeOf(path);
    if (place !== undefined) this.#order.mark(place);
  }

  /** When the result of a call that has one was there, and when it expires; in milliseconds since `memoryEpoch`. */
  timesOf(path: ArgumentPath): { readonly settledAt: number; readonly expiresAt: number } {
    const place = this.entries.placeOf(path);
    const leaf = place?.level.get(place.token);
    if (leaf instanceof Timed) return { settledAt: leaf.expiresAt - this.#bounds.ttl, expiresAt: leaf.expiresAt };
    return { settledAt: (place && this.#order.settledAt(place)) ?? 0, expiresAt: Infinity };
  }

  clear(): void {
    this.entries.clear();
    this.#order.clear();
    this.nullary.leaf = undefined;
    for (const flight of this.#flights?.leaves() ?? []) flight.voided = true;
    this.#flights?.clear();
    this.#cleared = ++this.#fence;
  }

  /**
   * Removes the calls that `matches` answers `true` for, given the text of each of their arguments. Answers whether one was fresh.
   */
  dropWhere(matches: (texts: readonly string[]) => boolean): boolean {
    const now = readNow();
    let found = false;
    for (const place of [...this.entries.places()]) {
      if (!matches(this.entries.textsAt(place))) continue;
      found ||= !(place.leaf instanceof Timed && place.leaf.expiresAt <= now);
      this.#dropAt(place.level, place.token);
    }
    const flights = this.#flights;
    for (const place of flights === undefined ? [] : [...flights.places()]) {
      if (flights === undefined || !matches(flights.textsAt(place))) continue;
      place.leaf.voided = true;
      flights.drop(place.level, place.token);
    }
    // A synchronous run of another call, should one be on the stack, is not kept either.
    this.#cleared = ++this.#fence;
    return found;
  }

  #noteRoot(arity: number, leaf: unknown): void {
    if (arity === 1) this.one ??= this.entries.root(1);
    else if (arity === 2) this.two ??= this.entries.root(2);
    else if (arity === 3) this.three ??= this.entries.root(3);
    else if (arity === 0) this.nullary.leaf = leaf;
  }

  get #keepsNothing(): boolean {
    return this.#bounds.maxSize === 0 || this.#bounds.ttl === 0;
  }

  #settleNow(): number {
    return this.#bounds.ttl === Infinity ? roughNow() : readNow();
  }

  /** Lets entries go until one more has room. */
  #makeRoom(now: number): void {
    const { maxSize, ttl } = this.#bounds;
    if (this.entries.size < maxSize) return;
    const order = this.#order;
    do {
      const index = order.next(now);
      if (index === -1) break;
      const level = order.levelAt(index);
      const token = order.tokenAt(index);
      if (level === undefined) continue;
      const leaf = ttl === Infinity ? undefined : level.get(token);
      if (!this.#dropAt(level, token)) continue;
      if (leaf instanceof Timed) this.#spare = leaf;
      if (!(leaf instanceof Timed && leaf.expiresAt <= now)) this.tally.evictions++;
    } while (this.entries.size >= maxSize);
    this.tally.sampleNext();
  }

  #makeLeaf(value: unknown, now: number): unknown {
    this.keeps++;
    const { ttl } = this.#bounds;
    if (ttl !== Infinity) return this.#makeTimed(value, now + ttl);
    if (value === undefined) this.holdsUndefined = true;
    return value;
  }

  /** A leaf is made of the one that has just gone, if one has: what lives long is dear to make. */
  #makeTimed(value: unknown, expiresAt: number): Timed {
    const spare = this.#spare;
    if (spare === undefined) return new Timed(value, expiresAt);
    this.#spare = undefined;
    spare.value = value;
    spare.expiresAt = expiresAt;
    return spare;
  }

  #dropAt(level: Level, token: unknown): boolean {
    if (level.token === 0 && level.parent === undefined) this.nullary.leaf = undefined;
    return this.entries.drop(level, token);
  }

  // ── what is under way ──

  /** A synchronous run begins. Answers what {@link stands} wants to know of it. */
  enter(): number {
    this.#running++;
    return this.#fence;
  }

  /** A synchronous run has ended; asked after {@link stands}. */
  leave(): void {
    if (--this.#running === 0) this.#voided = undefined;
  }

  /** Whether nothing at all has been voided, or kept, since a run began. */
  isUntouched(began: number, keeps: number): boolean {
    return this.#fence === began && this.keeps === keeps;
  }

  /** Whether nothing has been voided for this call since a run of it began. */
  stands(path: ArgumentPath, began: number): boolean {
    return this.#fence === began || (this.#cleared <= began && (this.#voided?.at(path) ?? 0) <= began);
  }

  /** The run that a call may join. */
  flightOf(path: ArgumentPath): MemoizeFlight | undefined {
    return this.#flights?.at(path);
  }

  /** {@link flightOf} for one primitive argument. */
  flightOfOne(a: unknown): MemoizeFlight | undefined {
    return this.#flights?.root(1).children.get(a) as MemoizeFlight | undefined;
  }

  /** Opens a flight; one that is open for the call already loses the right to be kept, and is joined by no more calls. */
  open(path: ArgumentPath): MemoizeFlight {
    this.#flights ??= new ArgumentIndex();
    const older = this.#flights.at(path);
    if (older !== undefined) older.voided = true;
    const flight = new MemoizeFlight();
    this.#flights.put(path, flight);
    return flight;
  }

  /** A flight has settled. */
  close(path: ArgumentPath, flight: MemoizeFlight): void {
    const place = this.#flights?.placeOf(path);
    if (place !== undefined && place.level.get(place.token) === flight) this.#flights?.drop(place.level, place.token);
  }

  /** No run of this call that has begun is to be kept, and none is to be joined. */
  void(path: ArgumentPath): void {
    this.#fence++;
    if (this.#running > 0) {
      this.#voided ??= new ArgumentIndex();
      this.#voided.put(path, this.#fence);
    }
    const flight = this.#flights?.at(path);
    if (flight === undefined) return;
    flight.voided = true;
    this.close(path, flight);
  }
}
