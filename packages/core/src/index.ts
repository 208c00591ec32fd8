export {
  CodecError,
  type Duration,
  type ErrorCode,
  KeyError,
  OptionError,
  RepriseError,
  type Store,
  StoreError,
  TimeoutError,
} from '@reprise/store';
export { createCache } from './cache.ts';
export { cacheOf } from './cache-of.ts';
export { cached } from './cached.ts';
export { cacheKey, type CacheKeyed } from './key/cache-key.ts';
export { ignoreThis } from './key/ignore-this.ts';
export { memoize } from './memoize.ts';
export { closeAllCaches, getCache } from './registry.ts';
export type {
  AnyFunction,
  Cache,
  CachedFunction,
  CachedOptions,
  CacheEntry,
  CacheEvent,
  CacheEventType,
  CacheListener,
  CacheOf,
  CachedVerb,
  ConfigureOptions,
  CreateCacheOptions,
  Handle,
  Inspection,
  KeyPart,
  MemoizedFunction,
  MemoizeHandle,
  MemoizeOptions,
  MemoizeVerb,
  Part,
  Per,
  Stats,
  WriteOptions,
} from './types.ts';
