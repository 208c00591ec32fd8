import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { CodecError, type RepriseError, StoreError } from '@reprise/store/contract';
import { isThenable } from './one-shot.ts';

/** Milliseconds by a clock that nobody sets, nor moves for a test. */
export const steadyNow: () => number = performance.now.bind(performance);

/** Longer delays than a timer can hold fire at once. */
export const longestDelay = 2_147_483_647;

/** A timer that is so many milliseconds late tells that the process did something else all the time. */
const standstill = 50;

/** The errors of operations that took too long. */
const late = new WeakSet<object>();

/**
 * A store operation that ends: with its result, its error, or a `StoreError` after `limit` milliseconds.
 *
 * The timer is a real one even under fake timers. Where a caller waits for the answer (`waited`) it keeps the process alive until
 * then: otherwise a script whose store hangs would end without its result. Nothing else does.
 */
export function bounded<Result>(
  operation: () => PromiseLike<Result>,
  limit: number,
  what: string,
  waited: boolean,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let answer: PromiseLike<Result>;
    try {
      answer = Promise.resolve(operation());
    } catch (error) {
      reject(error);
      return;
    }
    if (limit === Infinity) {
      answer.then(resolve, reject);
      return;
    }
    const delay = Math.min(limit, longestDelay);
    const giveUp = (): void => {
      const error = new StoreError(`${what} did not answer within ${limit} ms (storeTimeout)`);
      late.add(error);
      reject(error);
    };
    const begun = steadyNow();
    let timer = setTimeout(() => {
      const lateBy = steadyNow() - begun - delay;
      if (lateBy < standstill) return giveUp();
      // The process itself has stood still: what the store has answered meanwhile is read first, and it gets as much time again.
      timer = setTimeout(giveUp, Math.min(lateBy, delay));
      if (!waited) timer.unref();
    }, delay);
    if (!waited) timer.unref();
    answer.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Whether {@link bounded} gave the operation up: it may still come to its end. */
export function isLate(error: unknown): boolean {
  return late.has(error as object);
}

/** A failure of a store, in words. A value that the codec refuses is none, and keeps its name. @param key `''`: it is about no key */
export function failureOf(verb: string, key: string, error: unknown): RepriseError {
  if (error instanceof CodecError || isLate(error)) return error as RepriseError;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError(`the store failed to ${verb}${key === '' ? '' : ` ${key}`}: ${reason}`, { cause: error });
}

/** What comes of a promise, or `instead` where it rejects or takes longer than `limit` milliseconds. */
export function within<Result, Instead>(
  promise: Promise<Result>,
  limit: number,
  instead: Instead,
): Promise<Result | Instead> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(instead), Math.min(limit, longestDelay)).unref();
    const done = (result: Result): void => {
      clearTimeout(timer);
      resolve(result);
    };
    promise.then(done, () => resolve(instead));
  });
}

/** What a store that says it is synchronous has answered; one that answers a promise has not done what it was asked. @throws TypeError */
export function atOnce<Answer>(answer: Answer): Answer {
  if (!isThenable(answer)) return answer;
  answer.then(undefined, () => {});
  throw new TypeError('it answered a promise although it says sync: true');
}
