/**
 * Keeps the operations of one key in the order in which they were asked for, and `clear` in order with all those it covers.
 * Operations of different keys run side by side.
 */
export class OperationOrder {
  /** The last operation of each key that has one under way. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #clears = new Set<Clear>();
  readonly #running = new Set<Promise<void>>();

  /** Runs an operation after the earlier ones of its key. */
  run<Result>(key: string, operation: () => Promise<Result>): Promise<Result> {
    const earlier: Promise<void>[] = [];
    const tail = this.#tails.get(key);
    if (tail !== undefined) earlier.push(tail);
    for (const clear of this.#clears) if (key.startsWith(clear.prefix)) earlier.push(clear.done);
    const result = start(earlier, operation);
    const done = this.track(result);
    this.#tails.set(key, done);
    void done.then(() => {
      if (this.#tails.get(key) === done) this.#tails.delete(key);
    });
    return result;
  }

  /** Runs an operation on all keys that begin with `prefix`, after the earlier ones and before the later ones of each. */
  runClear<Result>(prefix: string, operation: () => Promise<Result>): Promise<Result> {
    const earlier: Promise<void>[] = [];
    for (const [key, tail] of this.#tails) {
      if (!key.startsWith(prefix)) continue;
      earlier.push(tail);
      // What is found under a key from now on was asked for after the clear.
      this.#tails.delete(key);
    }
    // A clear of a part, too, waits for one of a larger part, and the other way round.
    for (const clear of this.#clears) earlier.push(clear.done);
    const result = start(earlier, operation);
    const clear: Clear = { prefix, done: this.track(result) };
    this.#clears.add(clear);
    void clear.done.then(() => this.#clears.delete(clear));
    return result;
  }

  /** Makes {@link settle} wait for something. @returns when it has ended, one way or the other */
  track(operation: Promise<unknown>): Promise<void> {
    const done = operation.then(ignore, ignore);
    this.#running.add(done);
    void done.then(() => this.#running.delete(done));
    return done;
  }

  /** The operation that a read of this key has to wait for. */
  pendingOf(key: string): Promise<void> | undefined {
    return this.#tails.get(key);
  }

  /** Whether a clear that is under way covers this key: it holds nothing, unless an operation is pending. */
  isCleared(key: string): boolean {
    if (this.#clears.size === 0) return false;
    for (const clear of this.#clears) if (key.startsWith(clear.prefix)) return true;
    return false;
  }

  /** When all that was asked for until now has ended, with what it has set off. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

interface Clear {
  readonly prefix: string;
  readonly done: Promise<void>;
}

function start<Result>(earlier: readonly Promise<void>[], operation: () => Promise<Result>): Promise<Result> {
  return earlier.length === 0 ? operation() : Promise.all(earlier).then(operation);
}

function ignore(): void {}
