/**
 * Changes of one key take effect in the order in which they were called, whatever becomes of the commands on their way (a script that must be
 * sent again, a slot that has moved); changes of many keys wait for all before them, and are waited for by all after them.
 */
export class OperationOrder {
  readonly #byKey = new Map<string, Promise<unknown>>();
  #barrier: Promise<unknown> | undefined;

  /** What a read of the key has to wait for. */
  pendingOf(key: string): Promise<unknown> | undefined {
    return this.#byKey.get(key) ?? this.#barrier;
  }

  change<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.pendingOf(key);
    const done = before === undefined ? work() : before.then(work);
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#byKey.set(key, settled);
    void settled.then(() => {
      if (this.#byKey.get(key) === settled) this.#byKey.delete(key);
    });
    return done;
  }

  changeAll<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.idle();
    const done = before === undefined ? work() : before.then(work);
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#barrier = settled;
    // Whoever comes later finds the barrier, which waits for these.
    this.#byKey.clear();
    void settled.then(() => {
      if (this.#barrier === settled) this.#barrier = undefined;
    });
    return done;
  }

  /** Resolves when all that was called has settled; `undefined`: it has. */
  idle(): Promise<unknown> | undefined {
    if (this.#byKey.size === 0) return this.#barrier;
    return Promise.all([this.#barrier, ...this.#byKey.values()]);
  }
}
