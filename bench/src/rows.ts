import { type CodecFeature, codecFeatures } from './codec.ts';
import type { Feature } from './feature.ts';
import type { Scale } from './statistics.ts';
import { describeStorage, type StorageFeature, storageFeatures } from './storage.ts';

/** A line of the table: what is measured, beside which limit, and what it may take. */
export interface Row {
  /** For `--row`. */
  readonly name: string;
  readonly path: string;
  readonly limit: string;
  /** At most so many times the limit, or so many milliseconds more. */
  readonly budget: number;
  readonly scale: Scale;
  /** What the limit and the peers offer for it. Reprise's part has the row's name, see `reprise.ts`. */
  readonly feature: Feature;
}

function row(name: RowName, path: string, feature: Feature, limit: string, budget: number): Row {
  const scale = feature === 'importing' || feature === 'redisDown' ? 'difference' : 'ratio';
  return { name, path, feature, limit, budget, scale };
}

export type RowName =
  | CodecFeature
  | StorageFeature
  | 'memoize-0'
  | 'memoize-1'
  | 'memoize-2'
  | 'memoize-3'
  | 'memoize-object'
  | 'memoize-method'
  | 'memoize-ttl'
  | 'cached-ttl'
  | 'cached-policies'
  | 'cached-shared'
  | 'async-memoize'
  | 'async-cached'
  | 'async-memoize-ttl'
  | 'async-cached-ttl'
  | 'async-cached-policies'
  | 'evict-memoize'
  | 'evict-cached'
  | 'concurrent-memoize'
  | 'concurrent-cached'
  | 'memory-memoize'
  | 'memory-cached'
  | 'disk-hit'
  | 'disk-rewritten'
  | 'disk-front'
  | 'disk-put'
  | 'disk-list'
  | 'sqlite-hit'
  | 'sqlite-put'
  | 'sqlite-list'
  | 'redis-hit'
  | 'redis-together'
  | 'redis-hit-2'
  | 'redis-hit-4'
  | 'redis-down'
  | 'tiered-hit'
  | 'import';

/** As those of 1 KB; to open takes what the limit has not: the counters that processes share. */
function budgetOf(name: StorageFeature): number {
  if (name.endsWith('open')) return 2.5;
  if (name.startsWith('sqlite')) return 1.3;
  return name.startsWith('disk-hit') ? 1.1 : 1.2;
}

const concurrent = '10,000 concurrent calls over 100 keys';

export const rows: readonly Row[] = [
  row('memoize-0', '`memoize`, no argument', 'zero', 'a closure', 1.2),
  row('memoize-1', '`memoize`, 1 string', 'one', '`Map.get`', 1.15),
  row('memoize-2', '`memoize`, string and number', 'two', 'nested `Map.get`', 1.2),
  row('memoize-3', '`memoize`, string, number, boolean', 'three', 'nested `Map.get`', 1.2),
  row('memoize-object', '`memoize`, small object by value', 'object', '`Map.get` of a hand-written key', 1.2),
  row('memoize-method', '`memoize`, method per instance', 'method', '`WeakMap.get` + `Map.get`', 1.3),
  row('memoize-ttl', '`memoize`, hit, ttl + maxSize', 'expiring', '`Map.get`', 1.6),
  row('cached-ttl', '`cached`, hit, ttl + maxSize', 'expiring', '`Map.get`', 3.2),
  row('cached-policies', '`cached`, hit, ttl + maxSize + staleWhileRevalidate + tags', 'expiring', '`Map.get`', 3.2),
  row('cached-shared', '`cached`, hit in a shared cache', 'shared', '`Map.get` of the concatenated key', 1.5),
  row('async-memoize', '`memoize`, async hit, unbounded', 'awaited', '`await` of a promise in a `Map`', 1.15),
  row('async-cached', '`cached`, async hit, unbounded', 'awaited', '`await` of a promise in a `Map`', 1.15),
  row(
    'async-memoize-ttl',
    '`memoize`, async hit, ttl + maxSize',
    'awaitedExpiring',
    '`await` of a promise in a `Map`',
    1.5,
  ),
  row(
    'async-cached-ttl',
    '`cached`, async hit, ttl + maxSize',
    'awaitedExpiring',
    '`await` of a promise in a `Map`',
    1.5,
  ),
  row(
    'async-cached-policies',
    '`cached`, async hit, ttl + maxSize + staleWhileRevalidate + tags',
    'awaitedExpiring',
    '`await` of a promise in a `Map`',
    1.5,
  ),
  row('evict-memoize', '`memoize`, miss + insert + evict', 'evicting', '`lru-cache`', 1.2),
  row('evict-cached', '`cached`, miss + insert + evict', 'evicting', '`lru-cache`', 1.2),
  row('concurrent-memoize', `\`memoize\`, ${concurrent}`, 'concurrent', 'a `Map` of promises', 1.5),
  row('concurrent-cached', `\`cached\`, ${concurrent}`, 'concurrent', 'a `Map` of promises', 1.5),
  row('memory-memoize', '`memoize`, bytes per entry, ttl + maxSize', 'memory', '`lru-cache` with ttl', 1.2),
  row('memory-cached', '`cached`, bytes per entry, ttl + maxSize', 'memory', '`lru-cache` with ttl', 1.2),
  row('disk-hit', '`diskStore`, hit, 1 KB', 'diskHit', '`cacache.get`', 1.1),
  row('disk-rewritten', '`diskStore`, hit of a key written 1,000 times', 'diskRewritten', '`cacache.get`, once', 1.1),
  row('disk-front', '`diskStore` with `front`, hit, 1 KB', 'diskHit', '`cacache.get`', 0.1),
  row('disk-put', '`diskStore`, put of a new key, 1 KB', 'diskPut', '`cacache.put`', 1.2),
  row('disk-list', '`diskStore`, list of 1,000 entries with values', 'diskList', '`cacache.ls`, without', 1.1),
  row('sqlite-hit', '`sqliteStore`, hit, 1 KB', 'sqliteHit', '`better-sqlite3` and `JSON.parse`', 1.3),
  row(
    'sqlite-put',
    '`sqliteStore`, put of new keys, 1 KB, 100 a tick',
    'sqlitePut',
    '`better-sqlite3`, one transaction, and `JSON.stringify`',
    1.3,
  ),
  row(
    'sqlite-list',
    '`sqliteStore`, list of 1,000 entries with values',
    'sqliteList',
    '`better-sqlite3` and `JSON.parse`',
    1.3,
  ),
  ...storageFeatures.map((name) => {
    const { path, limit } = describeStorage(name);
    return row(name, path, name, limit, budgetOf(name));
  }),
  row('redis-hit', '`redisStore`, hit, 1 KB', 'redisHit', '`ioredis` GET and `JSON.parse`', 1.15),
  row('redis-together', '`redisStore`, 64 hits at once, 1 KB', 'redisTogether', '`ioredis` GET', 0.4),
  row('redis-hit-2', '`redisStore`, hit, 1 KB, 2 processes at once', 'redisHit2', '`ioredis`, as many processes', 1.15),
  row('redis-hit-4', '`redisStore`, hit, 1 KB, 4 processes at once', 'redisHit4', '`ioredis`, as many processes', 1.15),
  row('redis-down', '`cached` on a Redis that is down', 'redisDown', 'the function', 2),
  row('tiered-hit', '`tieredStore`, hit in its first tier', 'tiered', '`cached` on `memoryStore`', 1.1),
  row('import', '`import` of `@reprise/core`', 'importing', "`import 'lru-cache'`", 2),
  ...codecFeatures.map((name) => {
    const [work, shape, size] = name.split('-');
    const limit = work === 'encode' ? '`JSON.stringify` and `Buffer.from`' : '`toString` and `JSON.parse`';
    return row(name, `\`defaultCodec\`, ${work} ${shape}, ${size === '1k' ? '1 KB' : '64 KB'}`, name, limit, 1);
  }),
];
