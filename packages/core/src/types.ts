export type {
  Cache,
  CacheEntry,
  ConfigureOptions,
  CreateCacheOptions,
  Part,
  WriteOptions,
} from './types/cache.ts';
export type { CacheEvent, CacheEventType, CacheListener, Inspection, Stats } from './types/event.ts';
export type { Answer, AnyFunction, Kept, KeyPart, Value } from './types/function.ts';
export type {
  CachedFunction,
  CachedManyFunction,
  CacheOf,
  Handle,
  ManyHandle,
  MemberFunction,
  MemberHandle,
  MemberName,
  MemoizedFunction,
  MemoizeHandle,
} from './types/handle.ts';
export type { CacheMode } from './types/mode.ts';
export type { CachedManyOptions, CachedOptions, MemoizeOptions, Per } from './types/options.ts';
export type { CachedManyVerb, CachedVerb, MemoizeVerb } from './types/verb.ts';
export type {
  EffectTarget,
  InvalidateEffect,
  InvalidatesVerb,
  TargetArguments,
  UpdateEffect,
  UpdatesVerb,
} from './types/write.ts';
