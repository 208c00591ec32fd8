import type { Peer } from '../feature.ts';
import { peer as asyncCacheDedupe } from './async-cache-dedupe.ts';
import { peer as bentocache } from './bentocache.ts';
import { peer as byHand } from './by-hand.ts';
import { peer as cacheManager } from './cache-manager.ts';
import { peer as cacheable } from './cacheable.ts';
import { peer as keyv } from './keyv.ts';
import { peer as lruCache } from './lru-cache.ts';
import { peer as memoize } from './memoize.ts';
import { peer as memoizee } from './memoizee.ts';
import { peer as moize } from './moize.ts';
import { peer as nanoMemoize } from './nano-memoize.ts';
import { peer as pMemoize } from './p-memoize.ts';
import { peer as typeCacheable } from './type-cacheable.ts';

/** In the order of the table: functions first, caches after them, the least that could be written last. */
export const peers: readonly Peer[] = [
  nanoMemoize,
  memoizee,
  memoize,
  moize,
  pMemoize,
  lruCache,
  cacheable,
  asyncCacheDedupe,
  cacheManager,
  bentocache,
  keyv,
  typeCacheable,
  byHand,
];
