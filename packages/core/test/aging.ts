import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, jest } from '@jest/globals';
import {
  type AnyFunction,
  type Cache,
  type CachedFunction,
  type CachedOptions,
  cached,
  closeAllCaches,
} from '@reprise/core';
import type { Store } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { sqliteStore } from '@reprise/store-sqlite';
import { chaosStore } from '@reprise/store-testkit';
import { tieredStore } from '@reprise/store-tiered';
import { settle, watched } from './deferred.ts';
import { homeOn, makeFolder } from './homes.ts';
import { asyncMemory, bytesStore } from './store-kinds.ts';

/** A place for entries whose time and chance are the test's. */
export interface AgingHome {
  /** `undefined` where each function has a cache of its own. */
  readonly cache: Cache | undefined;
  /** Moves the time on, by milliseconds. */
  advance(milliseconds: number): void;
  /** Waits until what was sent to the store is done. */
  quiet(): Promise<void>;
  wrap<F extends AnyFunction>(fn: F, options?: Partial<CachedOptions<F>>): CachedFunction<F, Store>;
}

/** What `random` answers in each of the homes. */
export const chance = { next: (): number => 0.5 };

function privateHome(): AgingHome {
  // Only the clock: what waits for timers or turns of the loop goes on.
  jest.useFakeTimers({
    now: 1_700_000_000_000,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
  return {
    cache: undefined,
    quiet: settle,
    advance: (milliseconds) => jest.setSystemTime(Date.now() + milliseconds),
    wrap: (fn, options) => cached(fn, (options ?? {}) as object) as never,
  };
}

/** In a shared cache on a store. */
export function agingHomeOn(store: Store | undefined): AgingHome & { readonly cache: Cache } {
  const { cache, clock, wrap } = homeOn(store, { random: () => chance.next() });
  return {
    cache,
    advance: (milliseconds) => clock.advance(milliseconds),
    wrap,
    quiet: settle,
  };
}

/** One of each kind. */
export const agingHomes: [kind: string, make: () => AgingHome][] = [
  ['private memory', privateHome],
  ['shared memory', () => agingHomeOn(undefined)],
  ['a synchronous store of text keys', () => agingHomeOn(chaosStore(memoryStore()))],
  ['an asynchronous store', () => agingHomeOn(asyncMemory())],
  ['an asynchronous store of bytes', () => agingHomeOn(bytesStore())],
  ['two tiers', () => agingHomeOn(tieredStore(memoryStore(), asyncMemory(), { l1Ttl: Infinity }))],
  ['the disk store', () => agingHomeOn(watched(diskStore({ directory: makeFolder() })))],
  ['the SQLite store', () => agingHomeOn(sqliteStore({ filename: join(makeFolder(), 'cache.sqlite') }))],
];

/** Those in which a synchronous function stays synchronous. */
export const syncHomes: [kind: string, make: () => AgingHome][] = agingHomes.slice(0, 3);

/** Those whose chance is the test's, too. */
export const chancyHomes = agingHomes.slice(1) as [kind: string, make: () => ReturnType<typeof agingHomeOn>][];

/** Waits for what a store of files takes its time for. */
export async function until(check: () => unknown): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await setImmediate()) {
    if (await check()) return;
  }
  throw new Error('it has not come to that');
}

/** Ends what each test began. A rejection that is left to nobody fails the test by itself: the runner sees to that. */
export function endTests(): void {
  afterEach(async () => {
    jest.useRealTimers();
    chance.next = () => 0.5;
    await closeAllCaches();
    await settle();
  });
}
