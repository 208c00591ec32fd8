import { OptionError } from '@reprise/store/contract';
import type { Cache } from './types.ts';

interface Registered {
  readonly cache: Cache;
  /** Where it was made, as a stack frame says it. */
  readonly where: string;
}

const place = Symbol.for('reprise.registry');

/** One per process, whichever module system asks. */
function registered(): Map<string, Registered> {
  const holder = globalThis as { [place]?: Map<string, Registered> };
  holder[place] ??= new Map();
  return holder[place];
}

/** @throws OptionError `E_NAME_TAKEN` where the name is taken */
export function checkFree(name: string, replace: boolean): void {
  const first = registered().get(name);
  if (first !== undefined && !replace) {
    throw new OptionError(
      `createCache: there is a cache named '${name}' already, made at ${first.where}; share it by getCache('${name}'), choose ` +
        `another name, or say replace: true if it is made anew (hot reload)`,
      { code: 'E_NAME_TAKEN' },
    );
  }
}

export function register(name: string, cache: Cache): void {
  registered().set(name, { cache, where: callerOf() });
}

/** Frees the name of a closed cache, if it is still its. */
export function unregister(name: string, cache: Cache): void {
  if (registered().get(name)?.cache === cache) registered().delete(name);
}

/**
 * The cache that was created under a name, in whichever module; `undefined` where there is none (yet).
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { createCache, getCache } from '@reprise/core';
 *
 * const rates = createCache({ name: 'rates', ttl: '1m' });
 * assert.equal(getCache('rates'), rates);
 * assert.equal(getCache('weather'), undefined);
 */
export function getCache(name: string): Cache | undefined {
  return registered().get(name)?.cache;
}

/**
 * Closes every cache that was created by name: pending writes arrive, stores are closed, names are free. For the end of a program,
 * and between tests.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { closeAllCaches, createCache, getCache } from '@reprise/core';
 *
 * createCache({ name: 'rates' });
 * await closeAllCaches();
 * assert.equal(getCache('rates'), undefined);
 */
export async function closeAllCaches(): Promise<void> {
  await Promise.all([...registered().values()].map(({ cache }) => cache.close()));
}

/** The frame that called into this package. */
function callerOf(): string {
  const frames = new Error().stack?.split('\n').slice(1) ?? [];
  // This function, `register`, the cache's constructor and `createCache` stand above the caller.
  const index = frames.findIndex((frame) => /\bcreateCache\b/.test(frame));
  return (frames[index + 1] ?? 'an unknown place').trim().replace(/^at /, '');
}
