import { OptionError } from '@reprise/store/contract';
import { homeOf } from './cache.ts';
import { describe } from './decorator/verb.ts';
import { isObject } from './key/value-kind.ts';
import { isClass, nameClass } from './member.ts';
import { type OptionTable, readOptions } from './options.ts';
import { targetBehind } from './target.ts';
import type { AnyFunction } from './types.ts';

/** Whose entries a write is about: a member of the object that is written, one of another owner, or a wrapped function. */
export type Of =
  | { readonly name: PropertyKey; readonly owner?: object }
  | { readonly wrapper: AnyFunction; readonly name?: undefined };

/** An effect on calls of a function, checked. */
export interface CallOptions {
  readonly of: Of;
  /** Which call is meant. */
  readonly args: AnyFunction | undefined;
  readonly all: boolean;
  readonly before: boolean;
}

/** An effect on a cache or on labels, checked. */
export interface CacheOptions {
  readonly of: undefined;
  readonly cache: object | string | undefined;
  readonly keys: readonly string[] | AnyFunction | undefined;
  readonly tags: readonly string[] | AnyFunction | undefined;
  readonly before: boolean;
}

const isKey = (value: unknown): value is PropertyKey =>
  typeof value === 'string' || typeof value === 'symbol' || typeof value === 'number';

function readOf(value: unknown, where: string): Of {
  if (isKey(value)) return { name: value };
  if (Array.isArray(value)) {
    const [owner, name] = value as unknown[];
    if (value.length === 2 && isObject(owner) && isKey(name)) return { owner, name };
    throw new OptionError(
      `${where} must be [Class, 'name'], not [${value.map(describe).join(', ')}]` +
        (owner === undefined ? '; the class is not there yet: do modules import each other in a circle?' : ''),
    );
  }
  if (typeof value !== 'function') {
    throw new OptionError(
      `${where} must be the name of a cached member, [Class, 'name'] or a function wrapped by cached or memoize, not ${describe(value)}`,
    );
  }
  if (isClass(value)) throw new OptionError(`${where} must be [${nameClass(value)}, 'name'], not a class alone`);
  if (targetBehind(value, { self: undefined, everyone: true }) === undefined) {
    throw new OptionError(
      `${where}: that function is neither cached nor memoized; give what cached(fn) or memoize(fn) returned, or the name of a method`,
    );
  }
  return { wrapper: value as AnyFunction };
}

function readCallback(value: unknown, where: string): unknown {
  if (typeof value === 'function') return value;
  throw new OptionError(`${where} must be a function: (result, ...args) => [what the target is called with]`);
}

function readFlag(value: unknown, where: string): unknown {
  if (typeof value === 'boolean') return value;
  throw new OptionError(`${where} must be true or false, not ${describe(value)}`);
}

function readList(value: unknown, where: string): unknown {
  if (typeof value === 'function') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return [...value];
  throw new OptionError(
    `${where} must be an array of strings, or (result, ...args) => strings, not ${describe(value)}`,
  );
}

function readCache(value: unknown, where: string): unknown {
  if (typeof value === 'string' && value !== '') return value;
  try {
    if (typeof value === 'object' && value !== null && homeOf(value) !== undefined) return value;
  } catch {
    // Said below, with its place.
  }
  throw new OptionError(`${where} must be a cache made by createCache, or the name of one, not ${describe(value)}`);
}

const updateTable: OptionTable = { of: readOf, args: readCallback };
const invalidationTable: OptionTable = {
  of: readOf,
  args: readCallback,
  all: readFlag,
  before: readFlag,
  cache: readCache,
  keys: readList,
  tags: readList,
};

/**
 * What `updates` was told.
 * @param where the member, as errors name it
 * @throws OptionError on what cannot be meant
 */
export function readUpdate(effect: unknown, where: string): CallOptions {
  const example = `{ of: 'find', args: (result) => [result.id] }`;
  refuseNothing(effect, where, example);
  const { of, args } = readOptions(updateTable, effect, where) as Partial<CallOptions>;
  if (of === undefined) throw new OptionError(`${where}: of is missing: whose entry is the result, as in ${example}?`);
  if (args === undefined) {
    throw new OptionError(`${where}: args is missing: which call is the result stored under, as in ${example}?`);
  }
  return { of, args, all: false, before: false };
}

/**
 * What `invalidates` was told.
 * @param where the member, as errors name it
 * @throws OptionError on what cannot be meant
 */
export function readInvalidation(effect: unknown, where: string): CallOptions | CacheOptions {
  const example = `{ of: 'find', args: (result, id) => [id] }`;
  refuseNothing(effect, where, example);
  const read = readOptions(invalidationTable, effect, where) as Partial<CallOptions & Omit<CacheOptions, 'of'>>;
  const { of, args, all = false, before = false, cache, keys, tags } = read;
  if (of !== undefined) {
    for (const option of ['cache', 'keys', 'tags'] as const) {
      if (read[option] === undefined) continue;
      throw new OptionError(
        `${where}: of and ${option} exclude each other: an effect is on calls of a function, or on a cache; write two effects`,
      );
    }
    if (all && args !== undefined) {
      throw new OptionError(`${where}: all: true and args exclude each other: leave out one of them`);
    }
    return { of, args, all, before };
  }
  for (const option of ['args', 'all'] as const) {
    if (read[option] === undefined) continue;
    throw new OptionError(
      `${where}: ${option} needs of: which function's entries are meant?${option === 'all' && cache !== undefined ? ' A whole cache is cleared by its clear()' : ''}`,
    );
  }
  if (keys !== undefined && cache === undefined) {
    throw new OptionError(`${where}: keys needs cache: whose getOrSet are they of?`);
  }
  if (keys === undefined && tags === undefined) {
    throw new OptionError(
      cache === undefined
        ? `${where}: the effect says nothing: name of, as in ${example}, or tags, or cache with keys`
        : `${where}: cache needs keys or tags: what of the cache is meant?`,
    );
  }
  return { of: undefined, cache, keys, tags, before };
}

function refuseNothing(effect: unknown, where: string, example: string): void {
  if (effect === undefined) throw new OptionError(`${where}: it needs an effect, such as ${example}`);
}
