import { type Entry, OptionError, type Store } from '@reprise/store/contract';
import { memoryStore } from '@reprise/store-memory';
import { adviseAboutDefaults } from './advice.ts';
import type { Engine } from './engine.ts';
import { StoreHome } from './home.ts';
import { functionMember } from './member.ts';
import { isThenable } from './one-shot.ts';
import {
  cacheTable,
  checkTogether,
  configureTable,
  kindOfStore,
  type OptionTable,
  onceTable,
  type Policy,
  partTable,
  readOptions,
  settlePolicy,
  writeTable,
} from './options.ts';
import { checkFree, getCache, register, unregister } from './registry.ts';
import { Remembered } from './remembered.ts';
import { isAsyncFunction } from './runs.ts';
import { shownKey, storedPrefixes } from './shown-key.ts';
import { statsOf } from './stats.ts';
import { invalidateTags } from './tags.ts';
import type {
  Answer,
  Cache,
  CacheEntry,
  CacheEventType,
  CacheListener,
  ConfigureOptions,
  CreateCacheOptions,
  Part,
  Stats,
  WriteOptions,
} from './types.ts';

/** Where the home of a cache is found, also by another copy of this package. */
const homeKey: unique symbol = Symbol.for('reprise.home') as never;

/** What functions are cached in, behind a {@link Cache}. @throws OptionError where the object is no cache of ours */
export function homeOf(cache: object): StoreHome {
  const home = (cache as { [homeKey]?: StoreHome })[homeKey];
  if (home === undefined) throw new OptionError('cache must be a cache made by createCache, or the name of one');
  return home;
}

/** The keys of `getOrSet` are no function's: their text has no name. */
const scope = { self: undefined, everyone: false } as const;

class NamedCache<S extends Store> implements Cache<S> {
  readonly name: string;
  readonly [homeKey]: StoreHome;
  readonly #home: StoreHome;
  readonly #engine: Engine;
  readonly #own: Remembered;

  constructor(name: string, home: StoreHome) {
    this.name = name;
    this.#home = home;
    this[homeKey] = home;
    this.#own = new Remembered(
      () => undefined,
      functionMember(() => {}),
      home,
      {},
      '',
    );
    this.#engine = home.settle(this.#own, { key: undefined, per: 'class', version: undefined });
    home.claim('', this.#own, false);
    Object.defineProperty(this, homeKey, { enumerable: false });
  }

  get enabled(): boolean {
    return this.#home.enabled;
  }

  set enabled(enabled: boolean) {
    if (typeof enabled !== 'boolean') throw new OptionError(`cache '${this.name}': enabled must be true or false`);
    this.#home.enabled = enabled;
  }

  getOrSet(key: string, load: () => unknown, options?: WriteOptions): never {
    if (typeof load !== 'function')
      throw new OptionError(`getOrSet(${JSON.stringify(key)}): the second argument must be a function`);
    const policy = this.#policy('getOrSet', onceTable, options);
    const args = [checkKey(key)];
    const ask = (): unknown => this.#engine.askFor({ fn: () => load(), policy }, args);
    if (!isAsyncFunction(load)) return ask() as never;
    // Who gives an async function waits for a promise; what `set` put there, and what no run was let for, came by none.
    try {
      const answer = ask();
      return (isThenable(answer) ? answer : Promise.resolve(answer)) as never;
    } catch (error) {
      return Promise.reject(error) as never;
    }
  }

  get(key: string): never {
    return this.#engine.peek(scope, [checkKey(key)]) as never;
  }

  set(key: string, value: unknown, options?: WriteOptions): never {
    return this.#engine.set(scope, [checkKey(key)], value, this.#policy('set', writeTable, options)) as never;
  }

  has(key: string): Answer<S, boolean> {
    return this.#engine.has(scope, [checkKey(key)]) as Answer<S, boolean>;
  }

  delete(key: string): Answer<S, boolean> {
    return this.#engine.invalidate(scope, [checkKey(key)]) as Answer<S, boolean>;
  }

  clear(part?: Part): Answer<S, void> {
    const prefix = readPrefix(part, `clear of cache '${this.name}'`);
    return this.#home.clear(storedPrefixes(prefix, this.#home.defaults.version)) as Answer<S, void>;
  }

  invalidateTags(tags: readonly string[]): Promise<void> {
    return invalidateTags(tags);
  }

  stats(): Stats {
    const { counts, size } = this.#home.counts();
    return statsOf(counts, size);
  }

  entries(part?: Part): AsyncIterableIterator<CacheEntry> {
    return this.#list(readPrefix(part, `entries of cache '${this.name}'`));
  }

  async *#list(prefix: string): AsyncIterableIterator<CacheEntry> {
    for await (const [text, entry] of this.#home.entries()) {
      const key = shownKey(text);
      if (key.startsWith(prefix)) yield { ...(entry as Entry), key };
    }
  }

  configure(options: ConfigureOptions): void {
    const { maxSize, maxBytes, ...policy } = readOptions(configureTable, options, `configure of cache '${this.name}'`);
    if (maxSize !== undefined || maxBytes !== undefined) {
      const { store } = this.#home;
      if (store.resize === undefined) {
        throw new OptionError(
          `configure of cache '${this.name}': the ${kindOfStore(store)} has no bounds that can be changed`,
        );
      }
      this.#home.resize(boundsOf({ maxSize, maxBytes }));
    }
    this.#home.configure(policy);
  }

  on<Type extends CacheEventType>(type: Type, listener: CacheListener<Type>): () => void {
    return this.#home.emitter.on(type, listener as CacheListener);
  }

  close(): Promise<void> {
    unregister(this.name, this as Cache);
    return this.#home.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #policy(verb: string, table: OptionTable, options: WriteOptions | undefined): Policy {
    if (options === undefined) return this.#own.policy;
    return settlePolicy(this.#own.policy, readOptions(table, options, `${verb} of cache '${this.name}'`));
  }
}

/**
 * Makes a cache that functions, modules and module systems share by name, with defaults for everything cached in it.
 *
 * Without a `store` it is in memory, bounded. The same store given to two caches is one store, and their names keep their keys
 * apart. On a synchronous store its operations return values, on an asynchronous one promises.
 *
 * @throws OptionError on options that cannot be meant, and (`E_NAME_TAKEN`) where the name is taken
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, createCache } from '@reprise/core';
 *
 * const catalog = createCache({ name: 'catalog', ttl: '10m', maxSize: 5_000 });
 * const price = cached(async (sku: string) => sku.length, { cache: catalog, name: 'price' });
 * assert.equal(await price('apple'), 5);
 * assert.equal(await catalog.getOrSet('rate', async () => 1.08), 1.08);
 * assert.equal(catalog.stats().size, 2);
 * await catalog.close();
 */
export function createCache<S extends Store = ReturnType<typeof memoryStore>>(
  options: CreateCacheOptions<S>,
): Cache<S> {
  const name = (options as { name?: unknown } | undefined)?.name;
  const where = typeof name === 'string' ? `createCache('${name}')` : 'createCache';
  const read = readOptions(cacheTable, options, where);
  checkTogether(read, where);
  if (read['name'] === undefined) throw new OptionError(`${where}: it needs a name, by which modules find it`);
  const {
    store: given,
    replace,
    clock,
    random,
    maxSize,
    maxBytes,
    sizeOf,
    ...defaults
  } = read as CreateCacheOptions & Record<string, unknown>;
  const bounds = boundsOf({ maxSize, maxBytes, sizeOf });
  const store = given ?? memoryStore(bounds);
  const replaced = replace === true;
  checkFree(name as string, replaced);
  const older = getCache(name as string);
  const home = new StoreHome({
    name: name as string,
    store,
    solo: false,
    defaults: defaults as Policy,
    bounds,
    clock,
    random,
  });
  adviseAboutDefaults(home, where);
  const cache = new NamedCache<S>(name as string, home);
  if (given !== undefined && (maxSize !== undefined || maxBytes !== undefined))
    home.resize(boundsOf({ maxSize, maxBytes }));
  // What still runs on behalf of the older one must not be stored under the same keys.
  if (older !== undefined) homeOf(older).retire();
  register(name as string, cache as unknown as Cache);
  return cache as unknown as Cache<S>;
}

/** The bounds as the memory store takes them: only what was said. */
export function boundsOf(bounds: Record<string, unknown>): Record<string, never> {
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined)) as Record<string, never>;
}

/** What `clear` and `entries` are for: a slip in the word must not mean everything. */
function readPrefix(part: unknown, where: string): string {
  return (readOptions(partTable, part, where)['prefix'] as string | undefined) ?? '';
}

function checkKey(key: unknown): string {
  if (typeof key === 'string') return key;
  throw new OptionError(`a key of a cache must be a string, not ${typeof key}`);
}
