import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyFunction } from './types.ts';

/**
 * A run of a function that callers wait for, as a node of the graph of who waits for whom.
 * An edge stands while the wait lasts; nothing else keeps a run alive.
 */
export interface Run {
  /** The runs that this one waits for at the moment. */
  waits: Set<Run> | undefined;
}

/**
 * The run inside which the code is executing. Entered on loads only: on Node 20 and 22 an entered storage makes every
 * `await` of the process dearer, so it is given back (`disable`) as soon as a stretch of synchronous code ends with no load under way.
 */
const storage = new AsyncLocalStorage<Run>();
let loads = 0;
let releasing = false;

/** The run that the caller is part of, or `undefined` outside of any. */
export function currentRun(): Run | undefined {
  return loads === 0 ? undefined : storage.getStore();
}

/** Calls `fn` as the body of `run`. Each `enterRun` must be matched by one {@link leaveRun} when the run has settled. */
export function enterRun(run: Run, fn: AnyFunction, self: unknown, args: ArrayLike<unknown>): unknown {
  loads++;
  return storage.run(run, Reflect.apply, fn, self, args);
}

/** Says that a run entered by {@link enterRun} has settled. */
export function leaveRun(): void {
  if (--loads > 0 || releasing) return;
  releasing = true;
  queueMicrotask(release);
}

function release(): void {
  releasing = false;
  if (loads === 0) storage.disable();
}

/** Whether `waiter`, by waiting for `target`, would wait for itself: directly or through other runs. */
export function closesCircle(waiter: Run, target: Run): boolean {
  if (waiter === target) return true;
  if (target.waits === undefined) return false;
  const seen = new Set<Run>([target]);
  for (const run of seen) {
    if (run.waits === undefined) continue;
    for (const next of run.waits) {
      if (next === waiter) return true;
      seen.add(next);
    }
  }
  return false;
}

/** Notes that `waiter` waits for `target`. */
export function beginWait(waiter: Run, target: Run): void {
  waiter.waits ??= new Set();
  waiter.waits.add(target);
}

/** Notes that `waiter` waits for `target` until `settled` does. */
export function noteWait(waiter: Run, target: Run, settled: PromiseLike<unknown>): void {
  beginWait(waiter, target);
  const done = (): void => {
    waiter.waits?.delete(target);
  };
  settled.then(done, done);
}
