import { type RemovalCause, RepriseError, StoreError, type StoreListener } from './contract.ts';

/**
 * For a store: what it says, to its listeners and in its errors. A report costs no caller anything, whoever takes it: a listener that
 * throws stops nothing.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { Reports } from '@reprise/store';
 *
 * const reports = new Reports('The paper store');
 * const heard: unknown[] = [];
 * const leave = reports.listen({ failed: (error) => heard.push(error) });
 * const error = reports.failure('write', new Error('no ink'));
 * assert.equal(error.message, 'The paper store could not write: no ink');
 * reports.failed(error);
 * leave();
 * reports.failed(error);
 * assert.deepEqual(heard, [error]);
 */
export class Reports {
  /** What its errors begin with. */
  readonly store: string;
  readonly #listeners = new Set<{ readonly listener: StoreListener }>();

  /** @param store what errors begin with: `'The disk store at /var/cache'` */
  constructor(store: string) {
    this.store = store;
  }

  /** Tells a listener from now on. @returns what ends that */
  listen(listener: StoreListener): () => void {
    // Wrapped: the same listener may come twice, and leave once.
    const member = { listener };
    this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  /** Says that an entry went without being asked to. */
  removed(key: string | undefined, cause: RemovalCause): void {
    this.#tell((listener) => listener.removed?.(key, cause));
  }

  /** Says what failed where no caller hears of it. */
  failed(error: unknown, key?: string): void {
    this.#tell((listener) => listener.failed?.(error, key));
  }

  /** Nobody is told any more. */
  clear(): void {
    this.#listeners.clear();
  }

  /** A failure in words, with its cause; one that is an error of Reprise already stays as it is. @param what what could not be done */
  failure(what: string, cause: unknown, reason?: string): RepriseError {
    if (this.isTold(cause)) return cause;
    return new StoreError(`${this.store} could not ${what}: ${reason ?? this.reasonOf(cause)}`, { cause });
  }

  /** The error of every operation after `close()`. */
  closed(): StoreError {
    return new StoreError(`${this.store} is closed`, { code: 'E_CLOSED' });
  }

  /** Awaits an operation. @throws StoreError that says what could not be done */
  async attempt<Result>(what: string, operation: () => Promise<Result>): Promise<Result> {
    try {
      return await operation();
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  /** Does what takes no time. @throws StoreError that says what could not be done */
  attemptNow<Result>(what: string, operation: () => Result): Result {
    try {
      return operation();
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  /** Whether an error says all that there is to say. */
  protected isTold(cause: unknown): cause is RepriseError {
    return cause instanceof RepriseError;
  }

  /** Why something failed. An error of several failed connections has a code and no message. */
  protected reasonOf(cause: unknown): string {
    if (!(cause instanceof Error)) return String(cause);
    return cause.message || (cause as Error & { readonly code?: string }).code || cause.name;
  }

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
