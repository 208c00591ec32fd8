import { OptionError } from '@reprise/store/contract';
import { cachedBehind } from './cached.ts';
import { type Cached, makeHandle } from './handle.ts';
import { constructorOf } from './member.ts';
import { findCovered } from './members.ts';
import { memoizedBehind } from './memoize.ts';
import type { Scope } from './scope.ts';
import type { AnyFunction, CacheOf } from './types.ts';

/** The wrapper under a name: as it stands on the chain, or beneath what has been put over it (a spy, another decorator). */
interface Found {
  readonly wrapper: AnyFunction;
  readonly everyone: boolean;
}

/**
 * The handle of a method's entries, by the method's own arguments: `cacheOf(users, 'find')` is that of this owner's entries, as `per`
 * says; `cacheOf(Users, 'find')` of the whole class (and for a static method of the class it is called on).
 *
 * @throws OptionError (a `TypeError`) where there is no cached or memoized member of that name
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, cacheOf } from '@reprise/core';
 *
 * class Users {
 *   queries = 0;
 *   @cached({ ttl: '10m' })
 *   async find(id: string) {
 *     return { id, query: ++this.queries };
 *   }
 * }
 * const users = new Users();
 * await users.find('42');
 * assert.equal(cacheOf(users, 'find').invalidate('42'), true);
 * assert.equal((await users.find('42')).query, 2);
 * assert.equal(cacheOf(Users, 'find').stats().loads, 2);
 */
export const cacheOf: CacheOf = ((owner: object, name: PropertyKey) => {
  if ((typeof owner !== 'object' || owner === null) && typeof owner !== 'function') {
    throw new OptionError(`cacheOf: the first argument must be an object or a class, not ${String(owner)}`);
  }
  const found = findMember(owner, name);
  if (found === undefined) {
    const label = `${typeof owner === 'function' ? owner.name : (owner.constructor?.name ?? 'object')}.${String(name)}`;
    throw new OptionError(`cacheOf: ${label} is neither cached nor memoized; decorate it with @cached or @memoize`);
  }
  return found;
}) as CacheOf;

function findMember(owner: object, name: PropertyKey): object | undefined {
  for (const { wrapper, everyone } of candidates(owner, name)) {
    const scope: Scope = { self: everyone ? undefined : owner, everyone };
    const behind = cachedBehind(wrapper);
    if (behind !== undefined) return makeHandle(behind.cached as Cached, scope);
    const memoized = memoizedBehind(wrapper, scope);
    if (memoized !== undefined) return memoized;
  }
  return undefined;
}

function* candidates(owner: object, name: PropertyKey): Generator<Found> {
  yield* onChain(owner, name, false);
  if (typeof owner !== 'function') return;
  const prototype: unknown = Object.getOwnPropertyDescriptor(owner, 'prototype')?.value;
  if (typeof prototype === 'object' && prototype !== null) yield* onChain(prototype, name, true);
}

function* onChain(start: object, name: PropertyKey, everyone: boolean): Generator<Found> {
  const isStatic = typeof start === 'function';
  for (let holder: object | null = start; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const descriptor = Object.getOwnPropertyDescriptor(holder, name);
    if (descriptor === undefined) continue;
    for (const member of [descriptor.value, descriptor.get]) {
      if (typeof member === 'function') yield { wrapper: member as AnyFunction, everyone };
    }
    const covered = findCovered(isStatic ? holder : constructorOf(holder), name, isStatic);
    if (covered !== undefined) yield { wrapper: covered, everyone };
  }
}
