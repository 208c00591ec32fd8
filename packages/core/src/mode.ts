import { OptionError } from '@reprise/store/contract';
import { enterMode } from './context.ts';
import { isThenable } from './one-shot.ts';
import type { CacheMode } from './types.ts';

const modeNames: readonly CacheMode[] = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'];

/**
 * Runs `body` in a mode: every call of a cached function from inside of it, however deep, treats its cache as the mode says. Runs behind
 * an answer are not reached, and `memoize` knows no modes. Modes can be nested; the inner one counts. A mode lasts until what `body` returned
 * has settled, and for each run that began in it until that has.
 *
 * `default` as the options say · `no-store` neither read, stored nor joined · `reload` run anew and store · `no-cache` the same, but a
 * run under way is joined · `force-cache` fresh or stale, else run · `only-if-cached` the same, else a `RepriseError` `E_NOT_CACHED`.
 *
 * @returns what `body` returns; where that is a promise, one that settles as it does
 * @throws OptionError on an unknown mode, or where `body` is no function
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, withCacheMode } from '@reprise/core';
 *
 * let reads = 0;
 * const rate = cached(async (currency: string) => `${currency} ${++reads}`, { ttl: '1h' });
 * await rate('EUR');
 * assert.equal(await withCacheMode('reload', () => rate('EUR')), 'EUR 2');
 * assert.equal(await rate('EUR'), 'EUR 2');
 */
export function withCacheMode<Result>(mode: CacheMode, body: () => Result): Result {
  if (!modeNames.includes(mode)) {
    throw new OptionError(`withCacheMode: there is no mode ${JSON.stringify(mode)}; there are ${modeNames.join(', ')}`);
  }
  if (typeof body !== 'function') throw new OptionError('withCacheMode: the second argument must be a function');
  const { result, leave } = enterMode(mode, body);
  if (!isThenable(result)) {
    leave();
    return result;
  }
  // The one that was listened to, so that a rejection which the caller ignores is reported as one.
  return (result instanceof Promise ? result : Promise.resolve(result)).then(
    (value: unknown) => {
      leave();
      return value;
    },
    (error: unknown) => {
      leave();
      throw error;
    },
  ) as Result;
}
