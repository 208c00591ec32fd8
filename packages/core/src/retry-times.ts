import type { MemoryRecord } from '@reprise/store/contract';

/** So many keys are remembered; of more, those that were noted first are forgotten: they are tried again early. */
const most = 10_000;

/**
 * Until when the function is not run again behind an entry, by key, for stores whose records do not stay in this process. Noted
 * after a failure, lifted by an invalidation, a newer result, or a refresh.
 */
export class RetryTimes {
  readonly #times = new Map<string, number>();

  /** How many are remembered. */
  get size(): number {
    return this.#times.size;
  }

  /** Notes a key, and forgets the oldest ones, as far as their time is over at `now`. */
  note(key: string, until: number, now: number): void {
    this.#times.delete(key);
    for (const [oldest, time] of this.#times) {
      if (time > now) break;
      this.#times.delete(oldest);
    }
    if (this.#times.size >= most) {
      const [oldest] = this.#times.keys();
      this.#times.delete(oldest as string);
    }
    this.#times.set(key, until);
  }

  /** Puts what is known of a key on the record that the store has answered. */
  apply(key: string, record: MemoryRecord): void {
    const until = this.#times.size === 0 ? undefined : this.#times.get(key);
    if (until === undefined) {
      // One that is on its way to the store is the same each time, and may know of a moment that has been lifted.
      if (record.rest?.retryAt !== undefined) record.rest.retryAt = -Infinity;
    } else if (record.rest === undefined) record.rest = { retryAt: until };
    else record.rest.retryAt = until;
  }

  lift(key: string): void {
    if (this.#times.size > 0) this.#times.delete(key);
  }

  liftWhere(covers: (key: string) => boolean): void {
    for (const key of this.#times.keys()) if (covers(key)) this.#times.delete(key);
  }
}
