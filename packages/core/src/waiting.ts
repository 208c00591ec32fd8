import { clearTimeout, setTimeout } from 'node:timers';
import { longestDelay } from './bounded.ts';

/** How one caller waits for a run that others may wait for too. Durations in milliseconds from his call. */
export interface Patience {
  readonly soft?: number | undefined;
  readonly hard?: number | undefined;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** What can be answered in place of the result when `soft` has passed; `undefined`: nothing. */
  readonly settleSoon?: () => { readonly value: unknown } | undefined;
  /** There is nothing yet: `retry` is called should there be something. */
  readonly awaitAnswer?: (retry: () => void) => void;
  /** The error that he gets when `hard` has passed. */
  readonly makeError?: () => unknown;
  /** He has left: by his signal. */
  readonly leave?: (reason: unknown) => void;
}

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
    let ignore: (() => void) | undefined;
    let isDone = false;
    const finish = (): void => {
      isDone = true;
      for (const timer of timers) clearTimeout(timer);
      ignore?.();
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
    const settleSoon = (): void => {
      if (isDone) return;
      const answer = patience.settleSoon?.();
      if (answer === undefined) {
        patience.awaitAnswer?.(settleSoon);
        return;
      }
      finish();
      resolve(answer.value);
    };
    after(soft, settleSoon);
    after(hard, () => {
      finish();
      reject(patience.makeError?.());
    });
    if (signal !== undefined) ignore = heed(signal, leave);
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

/** Who waits by a signal. */
interface Crowd {
  readonly leaves: Set<() => void>;
  readonly abort: () => void;
}

const crowds = new WeakMap<AbortSignal, Crowd>();

/** Calls `leave` when the signal aborts. One listener for each signal: of more than ten of them Node warns. @returns how to stop */
function heed(signal: AbortSignal, leave: () => void): () => void {
  const { leaves, abort } = crowds.get(signal) ?? gather(signal);
  leaves.add(leave);
  return () => {
    leaves.delete(leave);
    if (leaves.size > 0) return;
    signal.removeEventListener('abort', abort);
    if (crowds.get(signal)?.leaves === leaves) crowds.delete(signal);
  };
}

function gather(signal: AbortSignal): Crowd {
  const leaves = new Set<() => void>();
  const abort = (): void => {
    crowds.delete(signal);
    for (const leave of [...leaves]) leave();
  };
  signal.addEventListener('abort', abort, { once: true });
  const crowd = { leaves, abort };
  crowds.set(signal, crowd);
  return crowd;
}
