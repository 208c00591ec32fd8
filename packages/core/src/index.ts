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
} from '@reprise/store/contract';
export { createCache } from './cache.ts';
export { cacheOf } from './cache-of.ts';
export { cached } from './cached.ts';
export { cachedMany } from './cached-many.ts';
export { cacheLife, cacheSignal, cacheTag, noStore } from './inside.ts';
export { cacheKey } from './key/cache-key.ts';
export { ignoreThis } from './key/ignore-this.ts';
export { memoize } from './memoize.ts';
export { withCacheMode } from './mode.ts';
export { closeAllCaches, getCache } from './registry.ts';
export { invalidateTags } from './tags.ts';
export type {
  Answer,
  AnyFunction,
  Cache,
  CachedFunction,
  CachedManyFunction,
  CachedManyOptions,
  CachedManyVerb,
  CachedOptions,
  CachedVerb,
  CacheEntry,
  CacheEvent,
  CacheEventType,
  CacheListener,
  CacheMode,
  CacheOf,
  ConfigureOptions,
  CreateCacheOptions,
  EffectTarget,
  Handle,
  Inspection,
  InvalidateEffect,
  InvalidatesVerb,
  Kept,
  KeyPart,
  ManyHandle,
  MemberFunction,
  MemberHandle,
  MemberName,
  MemoizedFunction,
  MemoizeHandle,
  MemoizeOptions,
  MemoizeVerb,
  Part,
  Per,
  Stats,
  TargetArguments,
  UpdateEffect,
  UpdatesVerb,
  Value,
  WriteOptions,
} from './types.ts';
export { invalidates, updates } from './write.ts';
