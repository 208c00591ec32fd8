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
  /** The mode that calls from inside of it are in, held until it has settled. */
  mode: ModeScope | undefined;
  /** Whether no caller waits for it: modes do not reach it. */
  readonly isBehind: boolean;
}

/** What code is inside of. */
type Scope = Run | ModeScope | Aside;

/** What `withCacheMode` enters. It is over when its body, and each run that began in it, has settled. */
export class ModeScope {
  readonly mode: CacheMode;
  /** What it was entered from: what counts for code that goes on when it is over. */
  readonly outer: Scope | undefined;
  holds = 1;

  constructor(mode: CacheMode, outer: Scope | undefined) {
    this.mode = mode;
    this.outer = outer;
  }
}

/** What a function is in that a run has called around the cache: no entry of its own is being made. */
class Aside {
  readonly outer: Scope;

  constructor(outer: Scope) {
    this.outer = outer;
  }
}

/**
 * The run inside which the code is executing. Entered on loads only: on Node 20 and 22 an entered storage makes every
 * `await` of the process dearer, so it is given back (`disable`) as soon as a stretch of synchronous code ends with no load under way.
 */
const storage = new AsyncLocalStorage<Scope>();
/** Loads and modes under way. */
let entered = 0;
let releasing = false;

/** How many modes are under way: while there is none, no call has to ask for its own. */
export let modes = 0;

/** The run that the caller is part of, or `undefined` outside of any. */
export function currentRun(): Run | undefined {
  if (entered === 0) return undefined;
  let scope = storage.getStore();
  while (scope instanceof ModeScope || scope instanceof Aside) scope = scope.outer;
  return scope;
}

/** The run whose entry the caller is making, or `undefined` where none is made. */
export function currentMaking(): Run | undefined {
  if (entered === 0) return undefined;
  let scope = storage.getStore();
  while (scope instanceof ModeScope) scope = scope.outer;
  return scope instanceof Aside ? undefined : scope;
}

/** The mode that the caller is in, or `undefined` for the default one. */
export function currentMode(): CacheMode | undefined {
  return modes === 0 ? undefined : livingMode()?.mode;
}

function livingMode(): ModeScope | undefined {
  let scope = storage.getStore();
  while (scope !== undefined) {
    if (scope instanceof ModeScope) {
      if (scope.holds > 0) return scope;
      scope = scope.outer;
    } else scope = scope instanceof Aside ? scope.outer : scope.mode;
  }
  return undefined;
}

/** Calls `fn` as the body of `run`. Each `enterRun` must be matched by one {@link leaveRun} when the run has settled. */
export function enterRun(run: Run, fn: AnyFunction, self: unknown, args: ArrayLike<unknown>): unknown {
  if (modes !== 0 && !run.isBehind) {
    const mode = livingMode();
    if (mode !== undefined) mode.holds++;
    run.mode = mode;
  }
  entered++;
  return storage.run(run, Reflect.apply, fn, self, args);
}

/** Says that a run entered by {@link enterRun} has settled. */
export function leaveRun(run: Run): void {
  if (run.mode !== undefined) {
    releaseMode(run.mode);
    run.mode = undefined;
  }
  leave();
}

/**
 * Calls `fn` for a run, around the cache: its labels are the run's, and what it says of an entry of its own is not meant for the
 * run's. To be matched by one {@link leaveAside}. Only inside of a run.
 */
export function enterAside(fn: AnyFunction, self: unknown, args: ArrayLike<unknown>): unknown {
  entered++;
  return storage.run(new Aside(storage.getStore() as Scope), Reflect.apply, fn, self, args);
}

/** Says that what was begun by {@link enterAside} has settled. */
export function leaveAside(): void {
  leave();
}

/** Calls `fn` in a mode; answers how to say that what it began has settled. */
export function enterMode<Result>(mode: CacheMode, fn: () => Result): { readonly result: Result; leave(): void } {
  const scope = new ModeScope(mode, entered === 0 ? undefined : storage.getStore());
  entered++;
  modes++;
  const leaveScope = (): void => {
    releaseMode(scope);
    leave();
  };
  try {
    return { result: storage.run(scope, fn), leave: leaveScope };
  } catch (error) {
    leaveScope();
    throw error;
  }
}

/** Keeps the mode that the caller is in from being over, or forgotten, until what is returned is called, once. */
export function holdMode(): () => void {
  const scope = livingMode();
  if (scope === undefined) return () => {};
  scope.holds++;
  entered++;
  return () => {
    releaseMode(scope);
    leave();
  };
}

function releaseMode(scope: ModeScope): void {
  if (--scope.holds === 0) modes--;
}

function leave(): void {
  if (--entered > 0 || releasing) return;
  releasing = true;
  queueMicrotask(release);
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

/** What the code that is running depends on from now on. */
export function passTags(tags: readonly string[]): void {
  const run = currentRun();
  if (run !== undefined) addTags(run, tags);
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
