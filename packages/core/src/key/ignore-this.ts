/**
 * For people who look for a key function that leaves `this` out: `@cached({ key: ignoreThis })` is `per: 'class'` with the default
 * key, all arguments by value. Beside another `per` it is a `TypeError`.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, ignoreThis } from '@reprise/core';
 *
 * class Geography {
 *   static queries = 0;
 *   @cached({ key: ignoreThis })
 *   async countries() {
 *     return ++Geography.queries;
 *   }
 * }
 * await new Geography().countries();
 * assert.equal(await new Geography().countries(), 1);
 */
export function ignoreThis(..._args: any[]): string {
  throw new TypeError('ignoreThis is given to cached or memoize as the option key; it is not to be called');
}
