import { OptionError } from '@reprise/store/contract';
import type { Engine } from './engine.ts';
import { isThenable } from './one-shot.ts';
import type { Remembered } from './remembered.ts';
import type { Scope } from './scope.ts';
import { statsOf } from './stats.ts';
import type { AnyFunction, CacheEventType, CacheListener, Handle, Stats } from './types.ts';
import { noteOverwriting } from './write-watch.ts';

/** What a handle is made of; a wrapped function may have no such property of its own. */
export const handleNames = [
  'invalidate',
  'clear',
  'refresh',
  'peek',
  'has',
  'set',
  'keyOf',
  'inspect',
  'stats',
  'on',
  'original',
] as const;

/** A function in its cache, found when it is first needed: a cache given by name may not exist before. */
export interface Cached {
  readonly original: AnyFunction;
  readonly remembered: () => Remembered;
  readonly engine: () => Engine;
  /** Whether answers are promises whatever the store: the cache was given by name. */
  readonly eventual: boolean;
  /** Whether a call has one entry, whoever makes it. */
  readonly isShared: boolean;
  /** Whether its first argument is an id, in place of a list of them that calls take. */
  readonly takesIds?: boolean | undefined;
}

/** The handle of one function's entries, or of an owner's. */
export function makeHandle(cached: Cached, scope: Scope): Handle<AnyFunction> {
  const { original, remembered, engine, eventual, takesIds } = cached;
  const answer = (operation: () => unknown): never => {
    if (!eventual) return operation() as never;
    return new Promise((resolve) => resolve(operation())) as never;
  };
  return {
    invalidate: (...args: unknown[]) =>
      answer(() => (takesIds ? invalidateIds(engine(), scope, args) : engine().invalidate(scope, args))),
    clear: () => answer(() => engine().clear(scope)),
    refresh: (...args: unknown[]) => answer(() => engine().refresh(scope, args)),
    peek: (...args: unknown[]) => answer(() => engine().peek(scope, args)),
    has: (...args: unknown[]) => answer(() => engine().has(scope, args)),
    set: (args: readonly unknown[], value: unknown) =>
      answer(() => {
        const told = checkArguments(args);
        noteOverwriting(cached, () => engine().keyOf(scope, told));
        return engine().set(scope, told, value);
      }),
    keyOf: (...args: unknown[]) => engine().keyOf(scope, args),
    inspect: (...args: unknown[]) => answer(() => engine().inspect(scope, args)),
    stats: (): Stats => statsOf(engine().countsOf(scope), engine().size(scope)),
    on: <Type extends CacheEventType>(type: Type, listener: CacheListener<Type>) =>
      remembered().emitter.on(type, listener as CacheListener),
    original,
  };
}

/** Invalidates one id, or each of a list; all of them before the first failure is told. */
function invalidateIds(engine: Engine, scope: Scope, [ids, ...rest]: readonly unknown[]): unknown {
  if (!Array.isArray(ids)) return engine.invalidate(scope, [ids, ...rest]);
  const answers: unknown[] = [];
  const failures: unknown[] = [];
  // An id may itself be an array, and one entry too many does no harm.
  for (const id of [ids, ...ids]) {
    try {
      answers.push(engine.invalidate(scope, [id, ...rest]));
    } catch (error) {
      failures.push(error);
    }
  }
  if (answers.some(isThenable)) return settleAll(answers);
  if (failures.length > 0) throw failures[0];
  return answers.includes(true);
}

async function settleAll(answers: readonly unknown[]): Promise<boolean> {
  let existed = false;
  for (const outcome of await Promise.allSettled(answers)) {
    if (outcome.status === 'rejected') throw outcome.reason;
    if (outcome.value === true) existed = true;
  }
  return existed;
}

function checkArguments(args: unknown): readonly unknown[] {
  if (Array.isArray(args)) return args;
  throw new OptionError(`set takes the function's arguments as an array, then the value: set(['42'], value)`);
}

/** Puts a handle on a wrapped function: own properties that do not show up in listings. */
export function attachHandle(wrapper: AnyFunction, handle: object): void {
  for (const [name, value] of Object.entries(handle)) {
    Object.defineProperty(wrapper, name, { value, configurable: true, writable: true });
  }
}
