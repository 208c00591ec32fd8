import type { Bounds, RemovalCause } from '@reprise/store';
import type { IndexLine } from './layout.ts';
import { type Fact, Ledger } from './ledger.ts';

/** What keeping the bounds takes of the store. */
export interface BoundMeans {
  now(): number;
  /** The living entries of the store's namespace; what is void has been removed. */
  readLines(): Promise<IndexLine[]>;
  /** Removes entries, each if it is still what is known of it. @returns those that went */
  remove(facts: readonly (readonly [indexKey: string, fact: Fact])[], cause: RemovalCause): Promise<Set<string>>;
  /** Makes `close` wait. */
  track(work: Promise<unknown>): Promise<void>;
  failed(error: unknown): void;
}

/** Keeps a directory under the bounds of one store, as far as it is not the other stores' turn. */
export class BoundKeeper {
  bounds: Required<Bounds>;
  readonly #means: BoundMeans;
  /** Only while there is a bound. */
  #ledger: Ledger | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(bounds: Required<Bounds>, means: BoundMeans) {
    this.bounds = bounds;
    this.#means = means;
    if (this.#isBounded()) this.#ledger = new Ledger();
  }

  add(indexKey: string, line: IndexLine): void {
    this.#ledger?.add(indexKey, line);
  }

  drop(indexKey: string): void {
    this.#ledger?.drop(indexKey);
  }

  touch(indexKey: string): void {
    this.#ledger?.touch(indexKey, this.#means.now());
  }

  async resize(bounds: Required<Bounds>): Promise<void> {
    this.bounds = bounds;
    this.#ledger = this.#isBounded() ? (this.#ledger ?? new Ledger()) : undefined;
    await this.sweep(true);
  }

  /**
   * Brings the directory under the bounds. One at a time; whoever comes meanwhile waits and looks whether it is still needed.
   *
   * @param isForced whether the directory is read through in any case
   */
  async sweep(isForced: boolean): Promise<void> {
    if (this.#ledger === undefined) return;
    let forced = isForced;
    while (forced || this.#isOver()) {
      if (this.#sweeping !== undefined) {
        await this.#sweeping;
        continue;
      }
      const work = this.#evict(forced);
      forced = false;
      this.#sweeping = this.#means.track(work);
      try {
        await work;
      } catch (error) {
        // What set it off has been done.
        this.#means.failed(error);
        return;
      } finally {
        this.#sweeping = undefined;
      }
    }
  }

  async #evict(isForced: boolean): Promise<void> {
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    const load = (): Promise<void> => ledger.load(() => this.#means.readLines());
    if (isForced || ledger.isStale(this.bounds)) await load();
    if (!ledger.exceeds(this.bounds)) return;
    const ended = ledger.expired(this.#means.now());
    if (ended.length > 0) await this.#remove(ledger, ended, 'expire');
    while (ledger.exceeds(this.bounds)) {
      const victims = ledger.excess(this.bounds);
      // Another store has been at work here: what this one knows is old.
      if ((await this.#remove(ledger, victims, 'evict')) < victims.length) await load();
    }
  }

  async #remove(ledger: Ledger, facts: readonly [string, Fact][], cause: RemovalCause): Promise<number> {
    const removed = await this.#means.remove(facts, cause);
    for (const [indexKey, fact] of facts) if (ledger.has(indexKey, fact.integrity)) ledger.drop(indexKey);
    return removed.size;
  }

  #isOver(): boolean {
    return this.#ledger?.isStale(this.bounds) === true || this.#ledger?.exceeds(this.bounds) === true;
  }

  #isBounded(): boolean {
    return this.bounds.maxSize !== Infinity || this.bounds.maxBytes !== Infinity;
  }
}
