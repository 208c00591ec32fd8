import { OptionError } from '@reprise/store/contract';
import { findTargets } from './target.ts';
import type { CacheOf } from './types.ts';

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
  const [target] = findTargets(owner, name);
  if (target === undefined) {
    const label = `${typeof owner === 'function' ? owner.name : (owner.constructor?.name ?? 'object')}.${String(name)}`;
    throw new OptionError(`cacheOf: ${label} is neither cached nor memoized; decorate it with @cached or @memoize`);
  }
  return target.handle;
}) as CacheOf;
