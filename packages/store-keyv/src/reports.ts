import { RepriseError, StoreError, type StoreListener } from '@reprise/store';

/** What a store says: to its listeners, and in its errors. */
export class Reports {
  readonly #adapter: string;
  readonly #listeners = new Set<{ readonly listener: StoreListener }>();

  /** @param adapter its name in messages */
  constructor(adapter: string) {
    this.#adapter = adapter;
  }

  listen(listener: StoreListener): () => void {
    // Wrapped: the same listener may come twice, and leave once.
    const member = { listener };
    this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  failed(error: unknown, key?: string): void {
    for (const { listener } of this.#listeners) {
      try {
        listener.failed?.(error, key);
      } catch {
        // Who listens badly stops nothing.
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** @param what what could not be done */
  failure(what: string, cause: unknown): RepriseError {
    if (cause instanceof RepriseError) return cause;
    return new StoreError(`The Keyv store on ${this.#adapter} could not ${what}: ${reasonOf(cause)}`, { cause });
  }

  late(what: string, timeout: number): StoreError {
    return new StoreError(
      `The Keyv store on ${this.#adapter} has not been able to ${what} within ${timeout} ms (its timeout); it may still happen`,
    );
  }

  closed(): StoreError {
    return new StoreError(`The Keyv store on ${this.#adapter} is closed`, { code: 'E_CLOSED' });
  }
}

/** An error of several failed connections has a code and no message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name;
}
