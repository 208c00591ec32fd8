import { clearTimeout, setTimeout } from 'node:timers';

/** How one caller waits for a run that others may wait for too. Durations in milliseconds from his call. */
export interface Patience {
  readonly soft?: number | undefined;
  readonly hard?: number | undefined;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** What can be answered in place of the result when `soft` has passed; `undefined`: nothing. */
  readonly settleSoon?: () => { readonly value: unknown } | undefined;
  /** The error that he gets when `hard` has passed. */
  readonly makeError?: () => unknown;
  /** He has left: by his signal. */
  readonly leave?: (reason: unknown) => void;
}

/** Longer delays than a timer can hold fire at once. */
const longestDelay = 2_147_483_647;

/**
 * A promise of its own for one caller: settles as `promise` does, unless the caller's patience ends before. Its timers are real ones
 * even under fake timers, and keep no process alive.
 */
export function waitWith(promise: Promise<unknown>, patience: Patience): Promise<unknown> {
  const { soft, hard, signal } = patience;
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const after = (delay: number | undefined, act: () => void): void => {
      if (delay !== undefined && delay <= longestDelay) timers.push(setTimeout(act, delay).unref());
    };
    const finish = (): void => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    };
    const leave = (): void => {
      finish();
      reject(signal?.reason);
      patience.leave?.(signal?.reason);
    };
    // It has been aborted since the call began: by the function itself, say.
    if (signal?.aborted) {
      promise.catch(() => {});
      leave();
      return;
    }
    after(soft, () => {
      const answer = patience.settleSoon?.();
      if (answer === undefined) return;
      finish();
      resolve(answer.value);
    });
    after(hard, () => {
      finish();
      reject(patience.makeError?.());
    });
    signal?.addEventListener('abort', leave, { once: true });
    promise.then(
      (value) => {
        finish();
        resolve(value);
      },
      (error: unknown) => {
        finish();
        reject(error);
      },
    );
  });
}
