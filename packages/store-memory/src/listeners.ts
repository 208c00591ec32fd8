import type { RemovalCause, StoreListener } from '@reprise/store/contract';

/**
 * Who hears of what a store does by itself.
 *
 * Removals are collected while the table changes and told once it stands again, so that a listener may use the store.
 * A listener that throws costs the operation nothing: those who listen for failures hear of it.
 */
export class Listeners {
  /** Replaced, not changed: who leaves in the midst of a telling is still told. */
  #all: readonly { readonly listener: StoreListener }[] = [];
  /** Key, cause, key, cause: most often one pair, for which an object of its own would be most of the cost. */
  #removals: unknown[] = [];
  #telling = false;

  add(listener: StoreListener): () => void {
    // One seat per call, so that an object registered twice leaves one at a time.
    const seat = { listener };
    this.#all = [...this.#all, seat];
    return () => {
      this.#all = this.#all.filter((other) => other !== seat);
    };
  }

  collect(key: unknown, cause: RemovalCause): void {
    if (this.#all.length > 0) this.#removals.push(key, cause);
  }

  /** Tells what was collected; what a listener's own use of the store adds, after that. */
  tell(): void {
    const removals = this.#removals;
    if (removals.length === 0 || this.#telling) return;
    this.#telling = true;
    for (let index = 0; index < removals.length; index += 2) {
      for (const { listener } of this.#all) {
        try {
          listener.removed?.(removals[index], removals[index + 1] as RemovalCause);
        } catch (error) {
          this.fail(error);
        }
      }
    }
    if (removals.length === 2) {
      removals.pop();
      removals.pop();
    } else {
      this.#removals = [];
    }
    this.#telling = false;
  }

  fail(error: unknown, key?: string): void {
    for (const { listener } of this.#all) {
      try {
        listener.failed?.(error, key);
      } catch {
        // Nobody is left to be told.
      }
    }
  }
}
