import type { StoreListener } from '@reprise/store';
import type { Removal } from './entry-rows.ts';

/** Who hears of removals and failures. Whoever listens badly costs nobody anything. */
export class Listeners {
  readonly #members = new Set<{ readonly listener: StoreListener }>();

  add(listener: StoreListener): () => void {
    // Wrapped: the same listener may come twice, and leave once.
    const member = { listener };
    this.#members.add(member);
    return () => void this.#members.delete(member);
  }

  clear(): void {
    this.#members.clear();
  }

  removed(removals: readonly Removal[]): void {
    for (const { key, cause } of removals) this.#tell((listener) => listener.removed?.(key, cause));
  }

  failed(error: unknown, key?: string): void {
    this.#tell((listener) => listener.failed?.(error, key));
  }

  #tell(tell: (listener: StoreListener) => void): void {
    for (const { listener } of this.#members) {
      try {
        tell(listener);
      } catch {
        // Not the store's.
      }
    }
  }
}
