import {
  addTags,
  beginWait,
  currentRun,
  enterRun,
  leaveRun,
  type ModeScope,
  notesOf,
  type Run,
  type RunNotes,
} from './context.ts';
import { Ids, type Matching, matchItems } from './ids.ts';
import { isThenable } from './one-shot.ts';
import { withSignal } from './signal-argument.ts';
import type { AnyFunction } from './types.ts';

/** A function that brings the items of many ids at once. */
export interface Loader extends Matching {
  readonly fn: AnyFunction;
}

/** One id in a run of the loader, and who waits for its item. */
interface Passenger {
  readonly id: unknown;
  /** The flight of the id; or the run that asked for it directly. */
  readonly run: Run | undefined;
  readonly resolve: (item: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One run of a loader on behalf of several flights: a node of its own in the graph of who waits for whom. Each of its flights waits
 * for it, and what the loader says of the entry being made is said of each.
 */
class LoaderRun implements Run {
  waits: Set<Run> | undefined = undefined;
  notes: RunNotes | undefined = undefined;
  mode: ModeScope | undefined = undefined;
  readonly isBehind = false;
  readonly #loader: Loader;
  readonly #passengers: Passenger[] = [];
  /** Abort when nobody waits any more for what they belong to. */
  readonly #signals = new Set<AbortSignal>();
  /** Whether there is somebody who cannot leave. */
  #isNeeded = false;

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  get size(): number {
    return this.#passengers.length;
  }

  /** Takes an id along. @param signal aborts when nobody waits for its item any more */
  take(id: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const run = currentRun();
    if (run !== undefined) beginWait(run, this);
    if (signal === undefined) this.#isNeeded = true;
    else {
      this.#signals.add(signal);
      signal.addEventListener('abort', this.#leave);
    }
    return new Promise((resolve, reject) => {
      this.#passengers.push({ id, run, resolve, reject });
    });
  }

  readonly #leave = ({ target }: Event): void => {
    const signal = target as AbortSignal;
    this.#signals.delete(signal);
    if (this.#signals.size === 0 && !this.#isNeeded) this.#controller.abort(signal.reason);
  };

  get #controller(): AbortController {
    const notes = notesOf(this);
    notes.controller ??= new AbortController();
    return notes.controller;
  }

  /** Puts the ids into the order of a list, whatever the order in which a store answered. */
  sortBy(ids: readonly unknown[]): void {
    const places = new Map(ids.map((id, place) => [id, place]));
    const placeOf = ({ id }: Passenger): number => places.get(id) ?? places.size;
    this.#passengers.sort((one, other) => placeOf(one) - placeOf(other));
  }

  /** Runs the loader. @param signal the one among `rest` in whose place it gets its own */
  fly(self: unknown, rest: readonly unknown[], signal: AbortSignal | undefined): void {
    const ids = new Ids(this.#loader.where());
    const places = this.#passengers.map(({ id }) => ids.add(id));
    const given = signal === undefined ? rest : withSignal(rest, signal, this.#controller.signal);
    const settle = (answer: unknown): void => {
      leaveRun(this);
      let items: unknown[];
      try {
        items = matchItems(answer, ids, this.#loader, self);
      } catch (error) {
        this.#end((passenger) => passenger.reject(error));
        return;
      }
      this.#end((passenger, index) => passenger.resolve(items[places[index] as number]));
    };
    const fail = (error: unknown): void => {
      leaveRun(this);
      this.#end((passenger) => passenger.reject(error));
    };
    let answer: unknown;
    try {
      // A list of its own: it is the loader's to change.
      answer = enterRun(this, this.#loader.fn, self, [[...ids.list], ...given]);
    } catch (error) {
      fail(error);
      return;
    }
    if (isThenable(answer)) answer.then(settle, fail);
    else settle(answer);
  }

  /** What the flights are told must stand in their notes before they settle. */
  #end(tell: (passenger: Passenger, index: number) => void): void {
    const { notes } = this;
    for (const { run } of this.#passengers) {
      if (run === undefined) continue;
      run.waits?.delete(this);
      if (notes !== undefined) passNotes(notes, run);
    }
    this.waits = undefined;
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#leave);
    this.#passengers.splice(0).forEach(tell);
  }
}

function passNotes({ tags, life, isUnstored }: RunNotes, run: Run): void {
  if (tags !== undefined) addTags(run, tags);
  if (life === undefined && !isUnstored) return;
  const notes = notesOf(run);
  if (life !== undefined) notes.life = Math.min(notes.life ?? Infinity, life);
  if (isUnstored) notes.isUnstored = true;
}

/**
 * The ids that one call has to load. It waits until it is known of each id whether it has to be loaded, and then runs the loader once
 * for those; an id of which that turns out later is loaded with the others of the same moment.
 */
export class Batch {
  readonly #loader: Loader;
  readonly #self: unknown;
  readonly #rest: readonly unknown[];
  readonly #signal: AbortSignal | undefined;
  readonly #ids: readonly unknown[];
  /** Ids that are being looked up. */
  readonly #undecided: Set<unknown>;
  #isSealed = false;
  #isEventual = false;
  #next: LoaderRun | undefined;

  /**
   * @param rest the further arguments
   * @param signal the caller's one among them
   * @param ids those that are asked for, each once
   */
  constructor(
    loader: Loader,
    self: unknown,
    rest: readonly unknown[],
    signal: AbortSignal | undefined,
    ids: readonly unknown[],
  ) {
    this.#loader = loader;
    this.#self = self;
    this.#rest = rest;
    this.#signal = signal;
    this.#ids = ids;
    this.#undecided = new Set(ids);
  }

  /** The item of an id that has to be loaded. `given` are the further arguments, perhaps with the signal of the flight. */
  load(id: unknown, given: readonly unknown[]): Promise<unknown> {
    this.#next ??= new LoaderRun(this.#loader);
    const run = this.#next;
    // The others that turn up at this moment are behind this microtask, or before it.
    if (this.#isSealed && this.#undecided.size === 0 && run.size === 0) queueMicrotask(() => this.#fly());
    const place = this.#signal === undefined ? -1 : this.#rest.indexOf(this.#signal);
    const item = run.take(id, given[place] as AbortSignal | undefined);
    this.decide(id);
    return item;
  }

  /** An id does not have to be loaded, or is on its way. */
  decide(id: unknown): void {
    if (this.#undecided.delete(id) && this.#isSealed && this.#undecided.size === 0) this.#fly();
  }

  /**
   * All ids have been asked for.
   *
   * @param answers what they are answered, where that can come without a run later than now: from a store that is asked
   */
  seal(answers?: readonly unknown[]): void {
    this.#isSealed = true;
    this.#isEventual = answers !== undefined;
    if (answers === undefined) this.#undecided.clear();
    if (this.#undecided.size === 0) {
      this.#fly();
      return;
    }
    for (const [index, id] of this.#ids.entries()) {
      const answer = answers?.[index];
      const decide = (): void => this.decide(id);
      if (!isThenable(answer)) decide();
      else if (this.#undecided.has(id)) answer.then(decide, decide);
    }
  }

  #fly(): void {
    const run = this.#next;
    this.#next = undefined;
    if (this.#isEventual) run?.sortBy(this.#ids);
    run?.fly(this.#self, this.#rest, this.#signal);
  }
}
