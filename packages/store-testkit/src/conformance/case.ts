import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { CodecError, type Entry, type Store, StoreError } from '@reprise/store';
import { type ManualClock, manualClock } from '../manual-clock.ts';
import { sameValue } from '../same-value.ts';

/** What the suite asks of a store it has made: the options of a factory, each only where a case needs it. */
export interface ConformanceOptions {
  /** To be moved by the suite. A store may take it here or by `useClock`. */
  readonly clock: ManualClock;
  readonly namespace?: string;
  readonly maxSize?: number;
  readonly maxBytes?: number;
  /** Given beside `maxBytes` to stores that do not declare `bytes`. */
  readonly sizeOf?: (value: unknown) => number;
}

/**
 * Makes the store to be tested.
 *
 * @param place where it shall keep its entries: calls with the same text mean the same directory, file or database, calls
 *   with another one an empty one. It consists of letters, digits and `-`. Stores in memory have no need of it.
 */
export type MakeStore = (options: ConformanceOptions, place: string) => Store | Promise<Store>;

/** One case of the suite. */
export interface ConformanceCase {
  /** A sentence; with the name of its group in front it is unique. */
  readonly name: string;
  run(trial: Trial): Promise<void>;
}

/** What a case works with: a clock, a place of its own, and stores that are closed when it has ended. */
export class Trial {
  readonly clock: ManualClock;
  readonly #makeStore: MakeStore;
  readonly #place: string;
  readonly #bytes: boolean;
  readonly #stores: Store[] = [];

  constructor(makeStore: MakeStore, place: string, bytes: boolean) {
    this.#makeStore = makeStore;
    this.#place = place;
    this.#bytes = bytes;
    // Near the real time, so that a store that also asks other clocks (of files, of a server) is not led astray.
    this.clock = manualClock(Date.now());
  }

  /** A store on this case's place; the second one sees what the first has kept, if it outlives it. */
  async open(options: Omit<ConformanceOptions, 'clock' | 'sizeOf'> = {}): Promise<Store> {
    const weigh = options.maxBytes !== undefined &&
      !this.#bytes && { sizeOf: (value: unknown) => String(value).length };
    const store = await this.#makeStore({ clock: this.clock, ...options, ...weigh }, this.#place);
    store.useClock?.(this.clock);
    this.#stores.push(store);
    return store;
  }

  async closeAll(): Promise<void> {
    for (const store of this.#stores) await store.close();
  }

  /** An entry made now that lives for so many milliseconds, and after that is stale for so many. */
  entry(value: unknown, ttl = 60_000, stale = 0): Entry {
    const createdAt = this.clock.now();
    return { value, createdAt, expiresAt: createdAt + ttl, staleUntil: createdAt + ttl + stale };
  }

  /** A remembered error that lives for a minute. */
  failure(error: unknown): Entry {
    const createdAt = this.clock.now();
    return { error, createdAt, expiresAt: createdAt + 60_000, staleUntil: createdAt + 60_000 };
  }
}

/** Fails unless there is an entry with this value. */
export async function assertHit(store: Store, key: string, value: unknown): Promise<void> {
  const entry = await store.get(key);
  assert(entry !== undefined, `there is no entry under ${show(key)}; it must hold ${show(value)}`);
  assert(!('error' in entry), `the entry under ${show(key)} holds an error; it must hold ${show(value)}`);
  assert(
    sameValue(entry.value, value),
    `the entry under ${show(key)} holds ${show(entry.value)}; it must hold ${show(value)}`,
  );
}

/** Fails if there is an entry. */
export async function assertMiss(store: Store, key: string): Promise<void> {
  const entry = await store.get(key);
  assert(entry === undefined, `there must be no entry under ${show(key)}, but there is one: ${show(entry)}`);
}

/**
 * Stores what a store may refuse.
 *
 * @returns whether it was kept; a refusal that is not a `CodecError`, thrown or reported to a listener, fails
 */
export async function setOrRefuse(store: Store, key: string, entry: Entry): Promise<boolean> {
  const failures: unknown[] = [];
  const leave = store.listen?.({ failed: (error) => failures.push(error) });
  try {
    if ((await store.set(key, entry)) !== false) return true;
  } catch (error) {
    failures.push(error);
  } finally {
    leave?.();
  }
  assert(
    failures.some((error) => error instanceof CodecError),
    `it was refused with ${show(failures)}; a refusal must throw a CodecError, or return false and report one`,
  );
  return false;
}

/** Fails unless the operation throws (synchronous) or rejects (asynchronous) with `E_CLOSED`. */
export async function assertClosed(store: Store, operation: string, run: () => unknown): Promise<void> {
  let error: unknown;
  let result: unknown;
  try {
    result = run();
  } catch (thrown) {
    assert(
      store.sync,
      `${operation} of a closed asynchronous store threw at once; it must return a promise that rejects`,
    );
    error = thrown;
  }
  if (error === undefined && !store.sync) {
    await Promise.resolve(result).catch((rejection: unknown) => {
      error = rejection;
    });
  }
  assert(
    error instanceof StoreError && error.code === 'E_CLOSED',
    `${operation} of a closed store gave ${show(error ?? result)}; it must fail with a StoreError of code E_CLOSED`,
  );
}

/** Reads a listing of either kind; one that does not end fails. */
export async function listEntries(store: Store, prefix?: string): Promise<Map<string, Entry>> {
  const listed = new Map<string, Entry>();
  assert(store.entries, 'the capability iteration means that there is entries()');
  for await (const [key, entry] of store.entries(prefix)) {
    assert(!listed.has(key), `entries() listed ${show(key)} twice`);
    listed.set(key, entry);
  }
  return listed;
}

/** As failure messages show a value. */
export function show(value: unknown): string {
  return inspect(value, { depth: 4, maxStringLength: 80, maxArrayLength: 8, breakLength: Infinity });
}
