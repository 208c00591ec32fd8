import { AsyncEngine } from './async-engine.ts';
import { cachedBehind } from './cached.ts';
import { makeHandle } from './handle.ts';
import { constructorOf } from './member.ts';
import { findCovered } from './members.ts';
import { memoizedBehind } from './memoize.ts';
import { makeMemoizeHandle } from './memoize-handle.ts';
import type { Remembered } from './remembered.ts';
import type { Scope } from './scope.ts';
import type { AnyFunction, MemoizeHandle } from './types.ts';

/** A cached or memoized function, with those of its entries that are meant. */
export interface Target {
  readonly scope: Scope;
  /** Of the entries that are meant. */
  readonly handle: MemoizeHandle<AnyFunction>;
  /** Of the entries of all owners. */
  readonly whole: () => MemoizeHandle<AnyFunction>;
  /** Whether all callers share the entries. */
  readonly isShared: boolean;
  /** What the function's entries are told from others' by. */
  readonly memory: object;
  /** Whom its events are told; `memoize` has none. */
  readonly remembered: (() => Remembered) | undefined;
  /** Whether it is known if calls answer promises or values: by the function's syntax, by its store, or by a run. */
  readonly isShapeKnown: () => boolean;
  /** How messages call it. */
  readonly label: () => string;
}

const everyone: Scope = { self: undefined, everyone: true };

/** What stands behind a wrapper that `cached` or `memoize` made; `undefined` for any other function. */
export function targetBehind(wrapper: object, scope: Scope): Target | undefined {
  const behind = cachedBehind(wrapper);
  if (behind !== undefined) {
    const { cached, member } = behind;
    return {
      scope,
      handle: makeHandle(cached, scope),
      whole: () => makeHandle(cached, everyone),
      isShared: cached.isShared,
      memory: cached,
      remembered: cached.remembered,
      isShapeKnown: () => {
        const engine = cached.engine();
        if (cached.eventual || engine instanceof AsyncEngine) return true;
        return engine.runs.isAsync || engine.countsOf(everyone).loads > 0;
      },
      label: () => member.label(),
    };
  }
  const memory = memoizedBehind(wrapper);
  if (memory === undefined) return undefined;
  return {
    scope,
    handle: makeMemoizeHandle(memory, scope),
    whole: () => makeMemoizeHandle(memory, everyone),
    isShared: memory.isShared,
    memory,
    remembered: undefined,
    isShapeKnown: () => memory.engine.isAsync || memory.countsOf(everyone).counts.loads > 0,
    label: () => memory.label(),
  };
}

/**
 * The cached or memoized members under a name, the one that is called first: as they stand on the chain, or beneath what has been
 * put over them (a spy, another decorator). Further ones are those that it overrides, and that `super` may lead to.
 *
 * For a class its static members; where it has none of that name, those of its instances, for every owner.
 */
export function* findTargets(owner: object, name: PropertyKey): Generator<Target> {
  let isFound = false;
  for (const target of targetsOnChain(owner, name, { self: owner, everyone: false })) {
    isFound = true;
    yield target;
  }
  if (isFound || typeof owner !== 'function') return;
  const prototype: unknown = Object.getOwnPropertyDescriptor(owner, 'prototype')?.value;
  if (typeof prototype === 'object' && prototype !== null) yield* targetsOnChain(prototype, name, everyone);
}

function* targetsOnChain(start: object, name: PropertyKey, scope: Scope): Generator<Target> {
  const seen = new Set<unknown>();
  for (const wrapper of wrappersOnChain(start, name)) {
    if (seen.has(wrapper)) continue;
    seen.add(wrapper);
    const target = targetBehind(wrapper, scope);
    if (target !== undefined) yield target;
  }
}

function* wrappersOnChain(start: object, name: PropertyKey): Generator<object> {
  const isStatic = typeof start === 'function';
  for (let holder: object | null = start; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, name);
    if (descriptor === undefined) continue;
    for (const member of [descriptor.value, descriptor.get]) if (typeof member === 'function') yield member;
    const covered = findCovered(
      isStatic ? holder : constructorOf(holder),
      typeof name === 'number' ? String(name) : name,
      isStatic,
    );
    if (covered !== undefined) yield covered;
  }
}
