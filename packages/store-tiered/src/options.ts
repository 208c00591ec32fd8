import {
  type AsyncStore,
  type DirectStore,
  type Duration,
  OptionError,
  parseDuration,
  type Store,
  type SyncStore,
} from '@reprise/store/contract';

/** What {@link tieredStore} may be told beside its tiers. */
export interface TieredStoreOptions {
  /**
   * For how long at most the first tier answers before the second one is asked again. Default: `'1s'`, or `Infinity` where the second tier
   * tells of its changes (`redisStore`). `0`: never; `Infinity`: for as long as the entry lives.
   */
  readonly l1Ttl?: Duration | undefined;
}

/** A first tier: in the memory of this process, such as `memoryStore()` makes. */
export interface FirstTier extends SyncStore {
  readonly direct: DirectStore;
}

export interface Settings {
  readonly life: number;
  readonly isTracked: boolean;
}

const defaultLife = 1_000;
const taken = new WeakSet<object>();

/**
 * Refuses tiers that cannot be meant.
 *
 * @throws OptionError that names the tier or the option, and the way out
 */
export function checkTiers(l1: unknown, l2: unknown, options: unknown): Settings {
  if (!isStore(l1))
    throw new OptionError(`tieredStore: the first tier must be a store, such as memoryStore(), not ${show(l1)}`);
  if (!isStore(l2)) {
    throw new OptionError(
      `tieredStore: the second tier must be a store, such as redisStore({ client }), not ${show(l2)}`,
    );
  }
  if (!l1.sync || l1.direct === undefined || l1.persistent === true) {
    throw new OptionError(
      `tieredStore: the first tier must be in this process's memory, such as memoryStore(), not ${kindOf(l1)}: what outlives the ` +
        'process would answer with what others have invalidated meanwhile',
    );
  }
  if (l2.sync && l2.direct !== undefined) {
    throw new OptionError(
      `tieredStore: the second tier is ${kindOf(l2)} in this process's memory: use it alone, there is nothing to be faster than`,
    );
  }
  if (taken.has(l1) || l1.direct.count() > 0) {
    throw new OptionError(
      'tieredStore: the first tier is in use already; give it a memoryStore() of its own, or share the one tiered store: its caches ' +
        'are told apart by name',
    );
  }
  const settings = checkOptions(options, l2);
  taken.add(l1);
  return settings;
}

function checkOptions(options: unknown, l2: Store): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`tieredStore: options must be an object, such as { l1Ttl: '5s' }, not ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name !== 'l1Ttl')
      throw new OptionError(`tieredStore: there is no option ${JSON.stringify(name)}; there is l1Ttl`);
  }
  const { l1Ttl } = options as { readonly l1Ttl?: unknown };
  const isTracked = l2.capabilities?.tracking === true && (l2 as AsyncStore).track !== undefined;
  if (l1Ttl === undefined) return { life: isTracked ? Infinity : defaultLife, isTracked };
  return { life: parseDuration(l1Ttl, 'tieredStore: l1Ttl'), isTracked };
}

const operations = ['get', 'set', 'delete', 'clear', 'close'] as const;

function isStore(value: unknown): value is Store {
  if (typeof value !== 'object' || value === null || typeof (value as Store).sync !== 'boolean') return false;
  return operations.every((operation) => typeof (value as Store)[operation] === 'function');
}

function kindOf(store: Store): string {
  return store.name === undefined ? 'a store' : `a ${store.name} store`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object without all of sync, ${operations.join(', ')}`;
}
