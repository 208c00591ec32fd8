import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import {
  type AnyFunction,
  type Cache,
  type CachedFunction,
  type CachedOptions,
  cached,
  createCache,
} from '@reprise/core';
import type { Store } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { redisStore } from '@reprise/store-redis';
import { sqliteStore } from '@reprise/store-sqlite';
import { chaosStore, hasRedisServer, type ManualClock, manualClock, startRedisServer } from '@reprise/store-testkit';
import { tieredStore } from '@reprise/store-tiered';
import { watched } from './deferred.ts';
import { asyncMemory, bytesStore } from './store-kinds.ts';

/** A place for entries, in which functions can be cached. */
export interface TestHome {
  /** `undefined` where each function has a cache of its own. */
  readonly cache: Cache | undefined;
  readonly clock: ManualClock;
  wrap<F extends AnyFunction>(fn: F, options?: Partial<CachedOptions<F>>): CachedFunction<F, Store>;
}

let named = 0;
const folders: string[] = [];

/** A directory of its own, gone when the file's tests have ended. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-core-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A cache on a store, with a clock of its own. To be closed with all the others. */
export function homeOn(store: Store | undefined, options: object = {}): TestHome & { readonly cache: Cache } {
  const clock = manualClock(1_700_000_000_000);
  const cache = createCache({ name: `home ${++named}`, clock, ...(store !== undefined && { store }), ...options });
  return {
    cache: cache as Cache,
    clock,
    wrap: (fn, more) => cached(fn, { name: `fn ${++named}`, ...more, cache } as object) as never,
  };
}

function privateHome(): TestHome {
  return {
    cache: undefined,
    clock: manualClock(),
    wrap: (fn, options) => cached(fn, (options ?? {}) as object) as never,
  };
}

/** Of this file's tests alone; none where `redis-server` is not installed. */
const redis = hasRedisServer() ? await startRedisServer() : undefined;
const onRedis: [kind: string, make: () => TestHome & { readonly cache: Cache }][] = [];
if (redis !== undefined) {
  const url = `redis://127.0.0.1:${redis.port}`;
  onRedis.push(['the Redis store', () => homeOn(watched(redisStore({ url, prefix: `home ${named}` })))]);
  afterAll(() => redis.stop());
}

/** One of each kind with a cache that is shared. */
export const sharedHomes: [kind: string, make: () => TestHome & { readonly cache: Cache }][] = [
  ['shared memory', () => homeOn(undefined)],
  ['a synchronous store of text keys', () => homeOn(chaosStore(memoryStore()))],
  ['an asynchronous store', () => homeOn(asyncMemory())],
  ['an asynchronous store of bytes', () => homeOn(bytesStore())],
  ['two tiers', () => homeOn(tieredStore(memoryStore(), asyncMemory(), { l1Ttl: Infinity }))],
  ['the disk store', () => homeOn(watched(diskStore({ directory: makeFolder() })))],
  ['the SQLite store', () => homeOn(sqliteStore({ filename: join(makeFolder(), 'cache.sqlite') }))],
  ...onRedis,
];

/** One of each kind. */
export const homes: [kind: string, make: () => TestHome][] = [['private memory', privateHome], ...sharedHomes];
