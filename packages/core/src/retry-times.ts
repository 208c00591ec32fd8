import type { MemoryRecord } from '@reprise/store/contract';

/** So many keys are remembered; of more, those that were noted first are forgotten: they are tried again early. */
const most = 10_000;

/**
 * Until when the function is not run again behind an entry, by key, for stores whose records do not stay in this process. Noted
 * after a failure, lifted by an invalidation, a newer result, or a refresh.
 */
export class RetryTimes {
  readonly #times = new Map<string, number>();

  note(key: string, until: number): void {
    this.#times.delete(key);
    if (this.#times.size >= most)
      for (const oldest of this.#times.keys()) return void this.#replace(oldest, key, until);
    this.#times.set(key, until);
  }

  #replace(oldest: string, key: string, until: number): void {
    this.#times.delete(oldest);
    this.#times.set(key, until);
  }

  /** Puts what is known of a key on the record that the store has answered. */
  apply(key: string, record: MemoryRecord): void {
    const until = this.#times.size === 0 ? undefined : this.#times.get(key);
    if (until === undefined) {
      // A record on its way to the store may have been given one before.
      if (record.rest?.retryAt !== undefined) record.rest.retryAt = -Infinity;
      return;
    }
    if (record.rest === undefined) record.rest = { retryAt: until };
    else record.rest.retryAt = until;
  }

  lift(key: string): void {
    if (this.#times.size > 0) this.#times.delete(key);
  }

  liftWhere(covers: (key: string) => boolean): void {
    for (const key of this.#times.keys()) if (covers(key)) this.#times.delete(key);
  }
}
