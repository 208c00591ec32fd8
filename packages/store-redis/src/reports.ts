import { RepriseError, StoreError, type StoreListener } from '@reprise/store';

/** What a store says: to its listeners, and in its errors. */
export class Reports {
  readonly #listeners = new Set<{ readonly listener: StoreListener }>();

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

  /** A failure in words. */
  failure(what: string, cause: unknown): RepriseError {
    if (cause instanceof RepriseError && cause.message.startsWith('The Redis store')) return cause;
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    return new StoreError(`The Redis store could not ${what}: ${explain(reason)}`, { cause });
  }
}

function explain(reason: string): string {
  if (reason.startsWith('READONLY')) return `this server is a read-only replica (${reason})`;
  if (reason.startsWith('OOM')) return `the server's memory is full (${reason})`;
  if (/^NOPERM|can't run this command/.test(reason))
    return `the client's user may not do all that the store needs (${reason})`;
  return reason;
}
