/** What Reprise does in each row: the options that its line of the table names, and no others. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, createCache, memoize } from '@reprise/core';
import { defaultCodec } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { tieredStore } from '@reprise/store-tiered';
import { type ByteCodec, type CodecFeature, forEachCodecFeature } from './codec.ts';
import { diskShelf } from './disk.ts';
import type { Features, Finder } from './feature.ts';
import { lifetime, memoryEntries } from './feature.ts';
import { redisShelf, unreachableRedis } from './redis.ts';
import type { RowName } from './rows.ts';
import { sqliteShelf } from './sqlite.ts';
import { forEachStorageFeature, type OpenStorage, type StorageFeature } from './storage.ts';
import { openDisk } from './storage-disk.ts';
import { openSqlite } from './storage-sqlite.ts';

const { ttl, maxSize } = lifetime;
const unbounded = { maxSize: Number.POSITIVE_INFINITY };
/** Windows and labels in use. */
const policies = { ttl, maxSize, staleWhileRevalidate: '1m', tags: ['all'] } as const;
const roomForAll = { ttl, maxSize: memoryEntries };

interface Subjects
  extends Record<Exclude<RowName, CodecFeature | StorageFeature>, Features[keyof Features]>,
    Record<CodecFeature, ByteCodec>,
    Record<StorageFeature, OpenStorage> {
  'memoize-0': Features['zero'];
  'memoize-1': Features['one'];
  'memoize-2': Features['two'];
  'memoize-3': Features['three'];
  'memoize-object': Features['object'];
  'memoize-method': Features['method'];
  'memoize-ttl': Features['expiring'];
  'cached-ttl': Features['expiring'];
  'cached-policies': Features['expiring'];
  'cached-shared': Features['shared'];
  'async-memoize': Features['awaited'];
  'async-cached': Features['awaited'];
  'async-memoize-ttl': Features['awaitedExpiring'];
  'async-cached-ttl': Features['awaitedExpiring'];
  'async-cached-policies': Features['awaitedExpiring'];
  'evict-memoize': Features['evicting'];
  'evict-cached': Features['evicting'];
  'concurrent-memoize': Features['concurrent'];
  'concurrent-cached': Features['concurrent'];
  'memory-memoize': Features['memory'];
  'memory-cached': Features['memory'];
  'disk-hit': Features['diskHit'];
  'disk-rewritten': Features['diskRewritten'];
  'disk-front': Features['diskHit'];
  'disk-put': Features['diskPut'];
  'disk-list': Features['diskList'];
  'sqlite-hit': Features['sqliteHit'];
  'sqlite-put': Features['sqlitePut'];
  'sqlite-list': Features['sqliteList'];
  'redis-hit': Features['redisHit'];
  'redis-together': Features['redisTogether'];
  'redis-hit-2': Features['redisHit2'];
  'redis-hit-4': Features['redisHit4'];
  'redis-down': Features['redisDown'];
  'tiered-hit': Features['tiered'];
  import: Features['importing'];
}

export const subjects: Subjects = {
  ...forEachCodecFeature(defaultCodec),
  ...forEachStorageFeature({ disk: openDisk, sqlite: openSqlite }),
  'memoize-0': (fn) => memoize(fn),
  'memoize-1': (fn) => memoize(fn),
  'memoize-2': (fn) => memoize(fn),
  'memoize-3': (fn) => memoize(fn),
  'memoize-object': (fn) => memoize(fn),
  'memoize-method': (find) =>
    class implements Finder {
      readonly salt: number;
      constructor(salt: number) {
        this.salt = salt;
      }
      @memoize()
      find(id: string): number {
        return find.call(this, id);
      }
    },
  'memoize-ttl': (fn) => memoize(fn, { ttl, maxSize }),
  'cached-ttl': (fn) => cached(fn, { ttl, maxSize }),
  'cached-policies': (fn) => cached(fn, policies),
  'cached-shared': (fn) =>
    cached(fn, { name: 'find', cache: createCache({ name: 'shared', store: memoryStore({ maxSize }) }) }),
  'async-memoize': (fn) => memoize(fn, unbounded),
  'async-cached': (fn) => cached(fn, unbounded),
  'async-memoize-ttl': (fn) => memoize(fn, { ttl, maxSize }),
  'async-cached-ttl': (fn) => cached(fn, { ttl, maxSize }),
  'async-cached-policies': (fn) => cached(fn, policies),
  'evict-memoize': (fn) => memoize(fn, { maxSize }),
  'evict-cached': (fn) => cached(fn, { maxSize }),
  'concurrent-memoize': (fn) => memoize(fn, { maxSize }),
  'concurrent-cached': (fn) => cached(fn, { maxSize }),
  'memory-memoize': (fn) => memoize(fn, roomForAll),
  'memory-cached': (fn) => cached(fn, roomForAll),
  'disk-hit': (folder) => diskShelf(folder),
  'disk-rewritten': (folder) => diskShelf(folder),
  'disk-front': (folder) => diskShelf(folder, { maxAge: '1h' }),
  'disk-put': (folder) => diskShelf(folder),
  'disk-list': (folder) => diskShelf(folder),
  'sqlite-hit': sqliteShelf,
  'sqlite-put': sqliteShelf,
  'sqlite-list': sqliteShelf,
  'redis-hit': redisShelf,
  'redis-together': redisShelf,
  'redis-hit-2': redisShelf,
  'redis-hit-4': redisShelf,
  'redis-down': (fn) =>
    cached(fn, { name: 'find', ttl, cache: createCache({ name: 'down', store: unreachableRedis() }) }),
  'tiered-hit': (fn) =>
    cached(fn, {
      name: 'find',
      ttl,
      cache: createCache({
        name: 'tiers',
        store: tieredStore(memoryStore(), diskStore({ directory: mkdtempSync(join(tmpdir(), 'reprise-bench-')) }), {
          l1Ttl: '1h',
        }),
      }),
    }),
  import: '@reprise/core',
};
