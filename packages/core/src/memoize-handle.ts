import { readNow } from './coarse-clock.ts';
import { handleNames } from './handle.ts';
import { missing, settledValues } from './memoize-leaf.ts';
import type { MemoizeMemory } from './memoize-memory.ts';
import { isThenable } from './one-shot.ts';
import type { Scope } from './scope.ts';
import { statsOf } from './stats.ts';
import type { AnyFunction, Inspection, MemoizeHandle } from './types.ts';
import { noteOverwriting } from './write-watch.ts';

/** What the handle is made of: that of `cached`, but nobody listens to `memoize`. */
export const memoizeHandleNames: readonly string[] = /* @__PURE__ */ handleNames.filter((name) => name !== 'on');

/** The handle of what a memoized function remembers: for everybody, or for the owner `self`. */
export function makeMemoizeHandle(memory: MemoizeMemory, scope: Scope): MemoizeHandle<AnyFunction> {
  const { self } = scope;

  function fresh(args: readonly unknown[]): unknown {
    const address = memory.find(self, args);
    return address === undefined ? missing : address.shelf.fresh(address.path);
  }

  /** The key of a call; `undefined` where it is that of every owner. */
  function keyIn(args: readonly unknown[]): string | undefined {
    return scope.everyone && !memory.isShared ? undefined : memory.keyOf(self, args);
  }

  return {
    invalidate: (...args: unknown[]) => {
      noteOverwriting(memory, () => keyIn(args));
      return memory.invalidate(scope, args);
    },
    clear: () => {
      noteOverwriting(memory, () => undefined);
      memory.clear(scope);
    },
    refresh: (...args: unknown[]) => memory.refresh(self, args) as never,
    peek: (...args: unknown[]) => {
      const value = fresh(args);
      if (value === missing) return undefined;
      return (isThenable(value) ? settledValues.get(value) : value) as never;
    },
    has: (...args: unknown[]) => fresh(args) !== missing,
    set: (args: readonly unknown[], value: unknown) => {
      if (!Array.isArray(args)) {
        throw new TypeError("set takes the function's arguments as an array, then the value: set(['42'], value)");
      }
      noteOverwriting(memory, () => keyIn(args));
      memory.set(self, args, value);
    },
    keyOf: (...args: unknown[]) => memory.keyOf(self, args),
    inspect: (...args: unknown[]): Inspection | undefined => {
      const address = memory.find(self, args);
      if (address === undefined || address.shelf.fresh(address.path) === missing) return undefined;
      const times = address.shelf.timesOf(address.path);
      const now = readNow();
      return {
        key: memory.keyOf(self, args),
        status: 'fresh',
        age: now - times.settledAt,
        expiresIn: times.expiresAt - now,
        staleFor: 0,
        tags: [],
        tier: 'memory',
      };
    },
    stats: () => {
      const { counts, size } = memory.countsOf(scope);
      return statsOf(counts, size);
    },
    original: memory.engine.fn,
  };
}
