/**
 * Keeps the changes of one key in the order in which they were asked for; a change of many keys waits for all before it, and all after
 * it wait for it. Changes of different keys run side by side.
 */
export class OperationOrder {
  /** The last change of each key that has one under way. */
  readonly #ofKeys = new Map<string, Promise<void>>();
  #ofAll: Promise<void> | undefined;

  /** What a read of the key has to wait for. */
  pendingOf(key: string): Promise<void> | undefined {
    return this.#ofKeys.get(key) ?? this.#ofAll;
  }

  change<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const earlier = this.pendingOf(key);
    const result = earlier === undefined ? work() : earlier.then(work);
    const done = result.then(ignore, ignore);
    this.#ofKeys.set(key, done);
    void done.then(() => {
      if (this.#ofKeys.get(key) === done) this.#ofKeys.delete(key);
    });
    return result;
  }

  changeAll<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.settle().then(work);
    const done = result.then(ignore, ignore);
    this.#ofAll = done;
    // What comes later finds this one, which waits for these.
    this.#ofKeys.clear();
    void done.then(() => {
      if (this.#ofAll === done) this.#ofAll = undefined;
    });
    return result;
  }

  /** When all that was asked for until now has ended. */
  async settle(): Promise<void> {
    await Promise.all([this.#ofAll, ...this.#ofKeys.values()]);
  }
}

function ignore(): void {}
