/**
 * Random numbers in [0, 1) that are the same for the same seed (mulberry32), for tests that can be repeated.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { seededRandom } from '@reprise/store-testkit';
 *
 * assert.equal(seededRandom(7)(), seededRandom(7)());
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
