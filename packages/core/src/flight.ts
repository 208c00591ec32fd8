import type { MemoryRecord } from '@reprise/store/contract';
import { beginWait, type ModeScope, type Run, type RunNotes } from './context.ts';
import type { Permit } from './permit.ts';
import { tagEpoch } from './tags.ts';

let opened = 0;

/**
 * One run of a function on behalf of all the calls that wait for it.
 *
 * Its life: opened by a call (or a refresh) → perhaps looks into the store → runs → settles. It may be *voided* at any moment
 * by an invalidation: its callers still get their answer, but nothing of it is kept and no later call joins it.
 *
 * Each miss makes one, and to make and collect it is a good part of a miss: what few flights have stands on the prototype, as it is for
 * all others, and takes room where it is said only.
 */
export class Flight implements Run {
  readonly key: unknown;
  /** Later flights have higher numbers. */
  readonly order: number = ++opened;
  /** Labels are judged by the counters read when it began: which ones it has is known later. */
  epoch: number = tagEpoch();
  declare waits: Set<Run> | undefined;
  declare notes: RunNotes | undefined;
  declare mode: ModeScope | undefined;
  /** Whether it runs behind an entry that answers, and no caller began it. */
  declare isBehind: boolean;
  /** The entry past its ttl that may yet be the answer. */
  declare fallback: MemoryRecord | undefined;
  /** Whether `staleIfError.when` allows a stale answer in place of its error, once it has been asked. */
  declare forgives: boolean | undefined;
  /** Callers whose soft limit passed before it was known whether there is a {@link fallback}. */
  declare impatient: (() => void)[] | undefined;
  /** Its labels, once it has settled. */
  declare tags: readonly string[] | undefined;
  /** When the function began, in real milliseconds; 0: not noted. */
  declare startedAt: number;
  /** The call that began it is neither a miss nor stale yet: see {@link fallback}. */
  declare isUncounted: boolean;
  /** What the callers wait for; `undefined` while the function's synchronous part is on the stack. */
  promise: Promise<unknown> | undefined = undefined;
  /** Whether an invalidation, or the success of a newer run, has taken its right to be kept. */
  voided = false;
  /** Whether it was an invalidation of its key: what stood under it may then not answer in place of its error either. */
  declare fenced: boolean;
  /** Whether the function itself is running (an asynchronous store is asked first). */
  running = false;
  /** The run that it was opened from, and that waits for it. */
  declare opener: Run | undefined;
  /** Whether it makes an entry anew while the old one answers. */
  declare refreshes: boolean;
  /** Whether its failure leaves what is under the key: a newer value was asked for, by `refresh` or a mode. */
  declare leavesEntry: boolean;
  /** Whether its result belongs to the first caller alone: it can be read only once, or cannot be copied as was asked. */
  declare isUnshared: boolean;
  /** Whether anybody waits for it beside the call that opened it. */
  declare joined: boolean;
  /** Where every caller gets a value of his own: what copies are made from, taken before any caller sees the result. */
  declare model: { readonly value: unknown } | undefined;
  /** Calls that joined before it was known whether the store has an answer. */
  declare early: number;
  /** What a store that is shared with other processes has said before it began to run. */
  declare permit: Permit | undefined;
  /** Whether another run waits for it. */
  declare isNested: boolean;
  /** Whether it was given up: a later call was not to join it, for its age or for a label. */
  declare isGivenUp: boolean;

  static {
    const usual = {
      waits: undefined,
      notes: undefined,
      mode: undefined,
      isBehind: false,
      fallback: undefined,
      forgives: undefined,
      impatient: undefined,
      tags: undefined,
      startedAt: 0,
      isUncounted: false,
      fenced: false,
      opener: undefined,
      refreshes: false,
      leavesEntry: false,
      isUnshared: false,
      joined: false,
      model: undefined,
      early: 0,
      permit: undefined,
      isNested: false,
      isGivenUp: false,
    } satisfies Partial<Flight>;
    Object.assign(this.prototype, usual);
  }

  constructor(key: unknown) {
    this.key = key;
  }
}

/** The flights under way of one function. A flight is here from its opening until it settles, and not a moment longer. */
export class Flights {
  /** Those that a call may join: at most one for each key. */
  readonly #open = new Map<unknown, Flight>();
  /** Those that nobody may join any more, oldest first: replaced by a refresh, or flown with `dedupe: false`. */
  readonly #loose = new Set<Flight>();
  /** Those that were given up: only an invalidation concerns them yet. */
  readonly #givenUp = new Set<Flight>();

  /** The first one stands apart from the map: alone, as synchronous runs mostly are, it costs no writing there. */
  #first: Flight | undefined = undefined;

  get size(): number {
    return (this.#first === undefined ? 0 : 1) + this.#open.size + this.#loose.size;
  }

  /** The flight that a call for this key may join. */
  get(key: unknown): Flight | undefined {
    const first = this.#first;
    if (first !== undefined && isSame(first.key, key)) return first;
    return this.#open.size === 0 ? undefined : this.#open.get(key);
  }

  /** Opens a flight that calls may join. One that is open under the key already goes on, but is joined no more. */
  open(flight: Flight): void {
    const older = this.get(flight.key);
    if (older !== undefined) {
      this.#remove(older);
      this.#loose.add(older);
    }
    if (this.#first === undefined) this.#first = flight;
    else this.#open.set(flight.key, flight);
  }

  #remove(flight: Flight): boolean {
    if (this.#first === flight) {
      this.#first = undefined;
      return true;
    }
    return this.#open.get(flight.key) === flight && this.#open.delete(flight.key);
  }

  /** Opens a flight that nobody joins. */
  openLoose(flight: Flight): void {
    this.#loose.add(flight);
  }

  /** Notes that `opener` waits for a flight, until that is closed. Nobody listens to its promise for that: a rejection stays unheard. */
  openFor(opener: Run, flight: Flight): void {
    flight.opener = opener;
    flight.isNested = true;
    beginWait(opener, flight);
  }

  /** Takes a settled flight out. */
  close(flight: Flight): void {
    if (flight.opener !== undefined) {
      flight.opener.waits?.delete(flight);
      flight.opener = undefined;
    }
    // Contexts of later code lead to it for long, and its promise to the context that it was made in: a chain of runs would hold all.
    flight.promise = undefined;
    if (flight.waits !== undefined) flight.waits = undefined;
    if (this.#remove(flight)) return;
    if (this.#loose.size > 0) this.#loose.delete(flight);
    if (this.#givenUp.size > 0) this.#givenUp.delete(flight);
  }

  /** Whether any flight for this key is under way. */
  has(key: unknown): boolean {
    if (this.get(key) !== undefined) return true;
    for (const flight of this.#loose) if (isSame(flight.key, key)) return true;
    return false;
  }

  /** The result of `kept` is in the store: an older run of the same key that settles later is not to overwrite it. */
  supersede(kept: Flight): void {
    const open = this.get(kept.key);
    if (open !== undefined && open.order < kept.order) open.voided = true;
    if (this.#loose.size === 0) return;
    for (const flight of this.#loose) {
      if (flight.order < kept.order && isSame(flight.key, kept.key)) flight.voided = true;
    }
  }

  /** Takes one flight's right to be kept and joined. */
  voidOne(flight: Flight): void {
    flight.voided = true;
    flight.isGivenUp = true;
    // Another run may begin, here or in another process.
    flight.permit?.end();
    if (!this.#remove(flight)) this.#loose.delete(flight);
    this.#givenUp.add(flight);
  }

  /** An invalidation of one key. */
  void(key: unknown): void {
    const flight = this.get(key);
    if (flight !== undefined) {
      fence(flight);
      this.#remove(flight);
    }
    for (const others of [this.#loose, this.#givenUp]) {
      if (others.size === 0) continue;
      for (const other of others) {
        if (!isSame(other.key, key)) continue;
        fence(other);
        others.delete(other);
      }
    }
  }

  /** An invalidation of all keys, or of those that `covers` says. */
  voidAll(covers?: (key: unknown) => boolean): void {
    const open = this.#first === undefined ? [] : [this.#first];
    for (const flight of [...open, ...this.#open.values(), ...this.#loose, ...this.#givenUp]) {
      if (covers === undefined || covers(flight.key)) this.void(flight.key);
    }
  }
}

/** Nothing that it brings will be kept: whoever wants to run the function for others may. */
function fence(flight: Flight): void {
  flight.voided = true;
  flight.fenced = true;
  flight.permit?.end();
}

/** As a `Map` tells keys apart. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (Number.isNaN(one) && Number.isNaN(other));
}
