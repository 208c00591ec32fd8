import { OptionError, parseDuration, type Store } from '@reprise/store/contract';

/** Checks one option; returns what it means, or throws an `OptionError`. `where` names member and option. */
type Check = (value: unknown, where: string) => unknown;

/** The meaning of each option that a verb knows. */
export type OptionTable = Readonly<Record<string, Check>>;

type AnyCallback = (this: unknown, ...args: never[]) => unknown;

/** How entries of one function or cache are made and judged. `undefined` means: as the cache says, else the default. */
export interface Policy {
  readonly ttl?: number | AnyCallback | undefined;
  readonly cacheIf?: AnyCallback | undefined;
  readonly bypass?: AnyCallback | undefined;
  readonly dedupe?: boolean | undefined;
  readonly storeTimeout?: number | undefined;
  readonly version?: string | undefined;
  readonly timeToIdle?: number | undefined;
  readonly jitter?: number | undefined;
  readonly staleWhileRevalidate?: number | undefined;
  readonly staleIfError?: Allowance | undefined;
  readonly retryAfter?: number | undefined;
  readonly refreshAhead?: number | 'probabilistic' | undefined;
  readonly timeout?: Timeouts | undefined;
  readonly cacheErrors?: { readonly ttl: number; readonly when?: AnyCallback } | undefined;
  readonly tags?: readonly string[] | AnyCallback | undefined;
  readonly isolate?: 'none' | 'clone' | 'freeze' | undefined;
  readonly signal?: AnyCallback | undefined;
  /** Where `undefined` means that there is no such item: how long its absence is kept, in milliseconds; 0: it is not. */
  readonly absentFor?: number | undefined;
  /** Whether a result takes more to keep than its ttl: see {@link settlePolicy}. */
  readonly isElaborate?: boolean | undefined;
}

/** For how long, and for which errors. */
interface Allowance {
  readonly for: number;
  readonly when?: AnyCallback;
}

/** How long a caller waits, in milliseconds from his call. */
interface Timeouts {
  readonly soft?: number;
  readonly hard?: number;
  readonly abandon?: number;
}

/** A policy made of the cache's defaults and what is said closer to the call. */
export function settlePolicy(defaults: Policy, own: Policy): Policy {
  const policy = { ...defaults, ...own };
  const isElaborate =
    policy.cacheIf !== undefined ||
    typeof policy.ttl === 'function' ||
    policy.timeToIdle !== undefined ||
    policy.jitter !== undefined ||
    policy.staleWhileRevalidate !== undefined ||
    policy.staleIfError !== undefined ||
    policy.refreshAhead !== undefined ||
    policy.tags !== undefined ||
    policy.absentFor !== undefined ||
    (policy.isolate !== undefined && policy.isolate !== 'none');
  return { ...policy, isElaborate };
}

const isFunction = (value: unknown): value is AnyCallback => typeof value === 'function';

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

const duration: Check = (value, where) => parseDuration(value, where);
const callback: Check = (value, where) => {
  if (isFunction(value)) return value;
  throw new OptionError(`${where} must be a function, not ${shown(value)}`);
};
const flag: Check = (value, where) => {
  if (typeof value === 'boolean') return value;
  throw new OptionError(`${where} must be true or false, not ${shown(value)}`);
};
const count: Check = (value, where) => {
  if (typeof value === 'number' && (value === Infinity || (Number.isInteger(value) && value >= 0))) return value;
  throw new OptionError(
    `${where} must be a whole number of entries, 0 or more (or Infinity, to say that it is unbounded), not ${shown(value)}`,
  );
};
const bytes: Check = (value, where) => {
  if (typeof value === 'number' && value >= 0) return value;
  throw new OptionError(`${where} must be a number, 0 or more, not ${shown(value)}`);
};
const label: Check = (value, where) => {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(`${where} must be a string that is not empty, not ${shown(value)}`);
};
const version: Check = (value, where) => {
  if ((typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value)))
    return String(value);
  throw new OptionError(`${where} must be a string or a number, or 'source', not ${shown(value)}`);
};
const per: Check = (value, where) => {
  if (value === 'instance' || value === 'class' || isFunction(value)) return value;
  throw new OptionError(`${where} must be 'instance', 'class' or (self) => part, not ${shown(value)}`);
};
const ttl: Check = (value, where) => (isFunction(value) ? value : parseDuration(value, where));
const clock: Check = (value, where) => {
  if (typeof (value as { now?: unknown } | null)?.now === 'function') return value;
  throw new OptionError(`${where} must be an object with now(): milliseconds, not ${shown(value)}`);
};
const store: Check = (value, where) => {
  const candidate = value as Record<string, unknown> | null;
  const operations = ['get', 'set', 'delete', 'clear', 'close'];
  if (typeof candidate === 'object' && candidate !== null && typeof candidate['sync'] === 'boolean') {
    const missing = operations.find((operation) => typeof candidate[operation] !== 'function');
    if (missing === undefined) return value;
    throw new OptionError(`${where} has no ${missing}(): a store has ${operations.join(', ')}`);
  }
  throw new OptionError(
    `${where} must be a store (memoryStore(), diskStore({ directory }), or an object with sync: true | false and ` +
      `${operations.join(', ')}), not ${shown(value)}`,
  );
};
const cache: Check = (value, where) => {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof (value as { getOrSet?: unknown } | null)?.getOrSet === 'function') return value;
  throw new OptionError(`${where} must be a cache made by createCache, or the name of one, not ${shown(value)}`);
};

const fraction: Check = (value, where) => {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw new OptionError(`${where} must be a fraction, from 0 to below 1, not ${shown(value)}`);
};
const refreshAhead: Check = (value, where) => {
  if (value === 'probabilistic' || (typeof value === 'number' && value > 0 && value < 1)) return value;
  throw new OptionError(
    `${where} must be a fraction of the ttl between 0 and 1, or 'probabilistic', not ${shown(value)}`,
  );
};
const oneOf =
  (...words: readonly string[]): Check =>
  (value, where) => {
    if (words.includes(value as string)) return value;
    throw new OptionError(
      `${where} must be one of ${words.map((word) => `'${word}'`).join(', ')}, not ${shown(value)}`,
    );
  };
const tags: Check = (value, where) => {
  if (isFunction(value) || (Array.isArray(value) && value.every((tag) => typeof tag === 'string'))) return value;
  throw new OptionError(`${where} must be an array of strings, or a function that gives one, not ${shown(value)}`);
};
/** An object with options of its own, some of them needed. */
const group =
  (table: OptionTable, needed: readonly string[]): Check =>
  (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new OptionError(`${where} must be { ${Object.keys(table).join(', ')} }, not ${shown(value)}`);
    }
    const read = readOptions(table, value, where);
    for (const option of needed) {
      if (read[option] === undefined) throw new OptionError(`${where} needs ${option}`);
    }
    return read;
  };
const staleIfErrorGroup = group({ for: duration, when: callback }, ['for']);
const staleIfError: Check = (value, where) =>
  typeof value === 'object' && value !== null ? staleIfErrorGroup(value, where) : { for: duration(value, where) };
const cacheErrorsGroup = group({ ttl: duration, when: callback }, ['ttl']);
const timeoutGroup = group({ soft: duration, hard: duration, abandon: duration }, []);
const timeout: Check = (value, where) => {
  if (typeof value !== 'object' || value === null) return { hard: duration(value, where) };
  const read = timeoutGroup(value, where) as Timeouts;
  const { soft, hard, abandon } = read;
  if (soft === undefined && hard === undefined && abandon === undefined) {
    throw new OptionError(`${where} needs soft, hard or abandon`);
  }
  return read;
};

const changeableTable: OptionTable = {
  ttl,
  cacheIf: callback,
  dedupe: flag,
  storeTimeout: duration,
  timeToIdle: duration,
  jitter: fraction,
  staleWhileRevalidate: duration,
  staleIfError,
  retryAfter: duration,
  refreshAhead,
  timeout,
  cacheErrors: (value, where) => (value === false ? { ttl: 0 } : cacheErrorsGroup(value, where)),
  tags,
  isolate: oneOf('none', 'clone', 'freeze'),
};

const policyTable: OptionTable = { ...changeableTable, bypass: callback, signal: callback, version };

/** The options that say how entries are made and judged, as a function's own policy takes them. */
export const policyNames: readonly string[] = Object.keys(policyTable).filter((option) => option !== 'version');

const boundsTable: OptionTable = { maxSize: count, maxBytes: bytes, sizeOf: callback };

/** The options of `cached`. */
export const cachedTable: OptionTable = {
  cache,
  store,
  name: label,
  replace: flag,
  key: callback,
  per,
  ...policyTable,
  ...boundsTable,
};

/** The options of `cachedMany`. */
export const manyTable: OptionTable = { ...cachedTable, key: callback, cacheAbsent: duration };

/** The options of `createCache`. */
export const cacheTable: OptionTable = {
  name: label,
  store,
  replace: flag,
  clock,
  random: callback,
  ...policyTable,
  ...boundsTable,
};

/** What `configure` can change on a living cache. */
export const configureTable: OptionTable = { ...changeableTable, maxSize: count, maxBytes: bytes };

/** What a part of a cache is told by. */
export const partTable: OptionTable = {
  prefix: (value, where) => {
    if (typeof value === 'string') return value;
    throw new OptionError(`${where} must be a string, not ${shown(value)}`);
  },
};

/** What one `getOrSet` may say. */
export const onceTable: OptionTable = changeableTable;

/** What one `set` may say. */
export const writeTable: OptionTable = {
  ttl,
  cacheIf: callback,
  timeToIdle: duration,
  jitter: fraction,
  staleWhileRevalidate: duration,
  staleIfError,
  tags,
  isolate: oneOf('none', 'clone', 'freeze'),
};

/**
 * The options in their checked form: durations in milliseconds, explicit `undefined` left out.
 *
 * @param where the member, as the error shall name it: `@cached on Users.find`
 * @throws OptionError on an option that is unknown, or whose value cannot be meant
 */
export function readOptions(table: OptionTable, options: unknown, where: string): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  if (options === undefined) return read;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`${where}: the options must be an object, not ${shown(options)}`);
  }
  for (const [option, value] of Object.entries(options)) {
    const check = Object.hasOwn(table, option) ? table[option] : undefined;
    if (check === undefined) throw new OptionError(`${where}: ${unknownOption(option, Object.keys(table))}`);
    if (value !== undefined) read[option] = check(value, `${where}: ${option}`);
  }
  return read;
}

function unknownOption(option: string, known: readonly string[]): string {
  const near = known.find((name) => isNear(option.toLowerCase(), name.toLowerCase()));
  if (near !== undefined) return `there is no option '${option}'; did you mean '${near}'?`;
  return `there is no option '${option}'; there are ${known.join(', ')}`;
}

/** Whether two words are one slip of a finger, or one beginning, apart. */
function isNear(left: string, right: string): boolean {
  if (left.startsWith(right) || (left.length > 2 && right.startsWith(left))) return true;
  if (Math.abs(left.length - right.length) > 1) return false;
  let start = 0;
  while (start < left.length && left[start] === right[start]) start++;
  let end = 0;
  while (
    end < Math.min(left.length, right.length) - start &&
    left[left.length - 1 - end] === right[right.length - 1 - end]
  ) {
    end++;
  }
  const rest = Math.max(left.length, right.length) - start - end;
  return rest <= 1 || (rest === 2 && left.length === right.length && left[start] === right[start + 1]);
}

/** A store in messages: `disk store`, or only `store`. */
export function kindOfStore(store: Store): string {
  return store.name === undefined ? 'store' : `${store.name} store`;
}

/** The rules that take more than one option to break. */
export function checkTogether(read: Record<string, unknown>, where: string): void {
  const has = (option: string): boolean => read[option] !== undefined;
  if (has('cache') && has('store')) {
    throw new OptionError(`${where}: cache and store exclude each other: the cache has its store`);
  }
  for (const bound of ['maxSize', 'maxBytes', 'sizeOf']) {
    if (has('cache') && has(bound)) {
      throw new OptionError(
        `${where}: ${bound} belongs to the shared cache: give it to createCache, or leave out cache`,
      );
    }
  }
  const { store } = read as { store?: Store };
  if (store !== undefined) {
    if (has('sizeOf')) {
      throw new OptionError(`${where}: sizeOf belongs to the store: give it to the store's factory`);
    }
    if ((has('maxSize') || has('maxBytes')) && store.resize === undefined) {
      throw new OptionError(
        `${where}: the ${kindOfStore(store)} has no bounds that can be set; leave out maxSize and maxBytes`,
      );
    }
  }
  if (has('maxBytes') && !has('sizeOf') && store === undefined) {
    throw new OptionError(`${where}: maxBytes in memory needs sizeOf: (value) => number, to know what a value weighs`);
  }
}
