/**
 * The method by which an object says what it is to a cache. What it returns stands for the object in keys, together with
 * its class: a `User` and an `Order` with the same id differ. In memory two classes of the same name differ too; on a
 * store that outlives the process a class is known by its name, so name classes apart there and keep minifiers off them.
 *
 * Called once for each key that the object takes part in. A `KeyError` where it throws, returns `undefined`, a promise or
 * something that leads back to the object, and, on a store that outlives the process, where its class has no name.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, cacheKey } from '@reprise/core';
 *
 * class User {
 *   constructor(readonly id: number) {}
 *   [cacheKey]() {
 *     return this.id;
 *   }
 * }
 * let runs = 0;
 * const greet = cached((user: User) => `${++runs}: hello ${user.id}`);
 * assert.equal(greet(new User(7)), '1: hello 7');
 * assert.equal(greet(new User(7)), '1: hello 7');
 */
export const cacheKey: unique symbol = Symbol.for('reprise.cacheKey');
