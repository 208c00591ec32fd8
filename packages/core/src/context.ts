import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyFunction, CacheMode } from './types.ts';

/** What a run has been told from inside, and what it has learned from what it called: see `inside.ts`. */
export class RunNotes {
  /** Labels, its own and those of the cached results that it used. */
  tags: Set<string> | undefined = undefined;
  /** The ttl of its result, in milliseconds. */
  life: number | undefined = undefined;
  /** Whether its result is not to be stored. */
  isUnstored = false;
  /** Aborts the run, where somebody asked for its signal. */
  controller: AbortController | undefined = undefined;
  /** Callers that wait and can leave, or cannot; when it is 0 the run is for nobody. */
  audience = 0;
}

/**
 * A run of a function that callers wait for, as a node of the graph of who waits for whom.
 * An edge stands while the wait lasts; nothing else keeps a run alive.
 */
export interface Run {
  /** The runs that this one waits for at the moment. */
  waits: Set<Run> | undefined;
  notes: RunNotes | undefined;
  /** The mode that calls from inside of it are in. */
  mode: CacheMode | undefined;
  /** Whether no caller waits for it: modes do not reach it. */
  readonly isBehind: boolean;
}

/** What `withCacheMode` enters: the run around it, and the mode. */
class ModeScope {
  readonly run: Run | undefined;
  readonly mode: CacheMode;

  constructor(run: Run | undefined, mode: CacheMode) {
    this.run = run;
    this.mode = mode;
  }
}

/**
 * The run inside which the code is executing. Entered on loads only: on Node 20 and 22 an entered storage makes every
 * `await` of the process dearer, so it is given back (`disable`) as soon as a stretch of synchronous code ends with no load under way.
 */
const storage = new AsyncLocalStorage<Run | ModeScope>();
/** Loads and modes under way. */
let entered = 0;
let releasing = false;

/** How many modes are under way: while there is none, no call has to ask for its own. */
export let modes = 0;

/** The run that the caller is part of, or `undefined` outside of any. */
export function currentRun(): Run | undefined {
  if (entered === 0) return undefined;
  const scope = storage.getStore();
  return scope instanceof ModeScope ? scope.run : scope;
}

/** The mode that the caller is in, or `undefined` for the default one. */
export function currentMode(): CacheMode | undefined {
  return modes === 0 ? undefined : storage.getStore()?.mode;
}

/** Calls `fn` as the body of `run`. Each `enterRun` must be matched by one {@link leaveRun} when the run has settled. */
export function enterRun(run: Run, fn: AnyFunction, self: unknown, args: ArrayLike<unknown>): unknown {
  if (modes !== 0) run.mode = run.isBehind ? undefined : currentMode();
  entered++;
  return storage.run(run, Reflect.apply, fn, self, args);
}

/** Says that a run entered by {@link enterRun} has settled. */
export function leaveRun(): void {
  if (--entered > 0 || releasing) return;
  releasing = true;
  queueMicrotask(release);
}

/** Calls `fn` in a mode. To be matched by one {@link leaveMode} when what it began has settled. */
export function enterMode<Result>(mode: CacheMode, fn: () => Result): Result {
  const scope = new ModeScope(currentRun(), mode);
  entered++;
  modes++;
  return storage.run(scope, fn);
}

/** Says that what was begun by {@link enterMode} has settled. */
export function leaveMode(): void {
  modes--;
  leaveRun();
}

function release(): void {
  releasing = false;
  if (entered === 0) storage.disable();
}

/** Adds labels to what a run depends on. */
export function addTags(run: Run, tags: Iterable<string>): void {
  const notes = notesOf(run);
  notes.tags ??= new Set();
  for (const tag of tags) notes.tags.add(tag);
}

/** A run's notes, made when first needed. */
export function notesOf(run: Run): RunNotes {
  run.notes ??= new RunNotes();
  return run.notes;
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
