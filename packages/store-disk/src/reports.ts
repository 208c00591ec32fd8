import { type RemovalCause, StoreError, type StoreListener } from '@reprise/store';

/** What a store says: to its listeners, and in its errors. */
export class Reports {
  readonly #directory: string;
  readonly #listeners = new Set<{ readonly listener: StoreListener }>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  listen(listener: StoreListener): () => void {
    // Wrapped: the same listener may come twice, and leave once.
    const member = { listener };
    this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  removed(key: string | undefined, cause: RemovalCause): void {
    this.#tell((listener) => listener.removed?.(key, cause));
  }

  failed(error: unknown, key?: string): void {
    this.#tell((listener) => listener.failed?.(error, key));
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** @throws StoreError that says what could not be done */
  async attempt<Result>(what: string, operation: () => Promise<Result>): Promise<Result> {
    try {
      return await operation();
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  /** @throws StoreError that says what could not be done */
  attemptNow<Result>(what: string, operation: () => Result): Result {
    try {
      return operation();
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  failure(what: string, cause: unknown): StoreError {
    if (cause instanceof StoreError) return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new StoreError(`The disk store at ${this.#directory} could not ${what}: ${reason}`, { cause });
  }

  /** A report costs no caller anything, whoever takes it. */
  #tell(report: (listener: StoreListener) => void): void {
    for (const { listener } of this.#listeners) {
      try {
        report(listener);
      } catch {
        // Who listens badly stops nothing.
      }
    }
  }
}
