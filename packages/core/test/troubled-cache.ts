import { jest } from '@jest/globals';
import { cached, createCache } from '@reprise/core';
import type { Store } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { asyncMemory } from './store-kinds.ts';

/** Only the date is faked: a store that failed is asked again after a while. */
export function fakeDate(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'setTimeout', 'clearTimeout'] });
}

/** A cache on a store in trouble, with a function that counts its runs, and the errors that were told. */
export function counting(store: Store, options: object = {}) {
  const cache = createCache({ name: 'troubled', store, ...options });
  const errors: { type: string; key: string | undefined; error?: unknown }[] = [];
  cache.on('error', (event) => errors.push(event));
  let calls = 0;
  const count = cached(async (of: string) => `${of}${++calls}`, { cache, name: 'count' });
  return { cache, count, errors, calls: () => calls };
}

/** What is put into trouble. */
export const makers: [kind: string, make: () => Store][] = [
  ['a synchronous store', () => chaosStore(memoryStore()) as Store],
  ['an asynchronous store', () => asyncMemory()],
];
