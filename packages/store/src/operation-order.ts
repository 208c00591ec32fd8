/**
 * For a store whose operations take time: keeps the changes of one key in the order in which they were called, and a change of many keys
 * in order with all that it covers. Changes of different keys run side by side; what nothing is before begins at once.
 *
 * A change that rejects holds nobody up.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { OperationOrder } from '@reprise/store';
 *
 * const order = new OperationOrder();
 * const done: string[] = [];
 * const change = (key: string, what: string) => order.change(key, async () => void done.push(what));
 * void change('a', 'set a');
 * void order.changeAll(async () => void done.push('clear'));
 * void change('a', 'set a again');
 * assert.equal(order.isCleared('b'), true); // nothing was set since
 * await order.idle();
 * assert.deepEqual(done, ['set a', 'clear', 'set a again']);
 */
export class OperationOrder {
  /** The last change of each key that has one under way, and was called after the last change of many that covers it. */
  readonly #byKey = new Map<string, Promise<void>>();
  /** In the order in which they were called: each waits for those before it. */
  readonly #wide = new Set<WideChange>();
  readonly #tracked = new Set<Promise<void>>();

  /** Runs a change of one key after all that were called before and cover it. Answers what `work` does. */
  change<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.pendingOf(key);
    const result = before === undefined ? work() : before.then(work);
    const done = result.then(ignore, ignore);
    this.#byKey.set(key, done);
    void done.then(() => {
      if (this.#byKey.get(key) === done) this.#byKey.delete(key);
    });
    return result;
  }

  /** Runs a change of all keys that begin with `prefix`, after the earlier changes and before the later ones of each. */
  changeAll<Result>(work: () => Promise<Result>, prefix = ''): Promise<Result> {
    const before: Promise<void>[] = [];
    for (const [key, done] of this.#byKey) {
      if (!key.startsWith(prefix)) continue;
      before.push(done);
      // Who comes later finds this change, which waits for that one.
      this.#byKey.delete(key);
    }
    // One of a part, too, waits for one of a larger part, and the other way round.
    for (const { done } of this.#wide) before.push(done);
    const result = before.length === 0 ? work() : Promise.all(before).then(work);
    const wide: WideChange = { prefix, done: result.then(ignore, ignore) };
    this.#wide.add(wide);
    void wide.done.then(() => this.#wide.delete(wide));
    return result;
  }

  /** Makes {@link idle} and {@link settle} wait for something that is in no order with the changes. @returns when it has ended, either way */
  track(work: Promise<unknown>): Promise<void> {
    const done = work.then(ignore, ignore);
    this.#tracked.add(done);
    void done.then(() => this.#tracked.delete(done));
    return done;
  }

  /** What a read of the key has to wait for; it never rejects. */
  pendingOf(key: string): Promise<void> | undefined {
    return this.#byKey.get(key) ?? this.#covering(key);
  }

  /** Whether a change of this very key is under way, or waits for its turn. */
  isChanging(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Whether a change of many keys is the last that was called for this one: after a clear it holds nothing, which needs no waiting. */
  isCleared(key: string): boolean {
    return this.#wide.size > 0 && !this.#byKey.has(key) && this.#covering(key) !== undefined;
  }

  /** Resolves when all that was called until now has ended, one way or the other; `undefined`: it has. */
  idle(): Promise<unknown> | undefined {
    if (this.#byKey.size === 0 && this.#wide.size === 0 && this.#tracked.size === 0) return undefined;
    return Promise.all([...this.#byKey.values(), ...[...this.#wide].map(({ done }) => done), ...this.#tracked]);
  }

  /** Resolves when nothing is under way any more, what has been set off meanwhile included. */
  async settle(): Promise<void> {
    for (let busy = this.idle(); busy !== undefined; busy = this.idle()) await busy;
  }

  /** The last change of many keys that covers this one. */
  #covering(key: string): Promise<void> | undefined {
    let last: Promise<void> | undefined;
    for (const { prefix, done } of this.#wide) if (key.startsWith(prefix)) last = done;
    return last;
  }
}

interface WideChange {
  readonly prefix: string;
  /** Never rejects. */
  readonly done: Promise<void>;
}

function ignore(): void {}
