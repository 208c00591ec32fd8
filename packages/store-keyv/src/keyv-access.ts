import type { KeyvInstance } from './options.ts';

/** What adapters have beside the methods that Keyv calls. */
interface Adapter {
  readonly namespace?: string | undefined;
  readonly getMany?: unknown;
  on?(event: 'error', listener: (error: unknown) => void): unknown;
  off?(event: 'error', listener: (error: unknown) => void): unknown;
  readonly constructor: { readonly name: string };
}

const readsAtOnce = 500;
/** Memcached takes a longer one for a date, in 1970. */
const memcachedTtl = 30 * 86_400_000;

/**
 * A Keyv instance whose failures are failures.
 *
 * Keyv catches what an adapter throws and answers `undefined` or `false`, and some adapters catch it before it does and emit `error`. So
 * Keyv is used with `throwOnErrors`, and an answer that says nothing counts for nothing if an `error` was emitted on its way.
 */
export class KeyvAccess {
  readonly adapterName: string;
  readonly #keyv: KeyvInstance;
  readonly #given: KeyvInstance;
  readonly #onError = (error: unknown): void => {
    this.#failures++;
    this.#lastFailure = error;
  };
  #failures = 0;
  #lastFailure: unknown;
  #watched: Adapter | undefined;

  constructor(keyv: KeyvInstance) {
    this.#given = keyv;
    this.#keyv = throwing(keyv);
    this.adapterName = this.#adapter?.constructor?.name ?? 'an adapter';
  }

  get canIterate(): boolean {
    return typeof this.#given.iterator === 'function';
  }

  async get(key: string): Promise<unknown> {
    this.#watch();
    const before = this.#failures;
    const found = await this.#keyv.get(key);
    if (isNothing(found) && this.#failures !== before) throw this.#lastFailure;
    return isNothing(found) ? undefined : found;
  }

  /** In the order of the keys. A single one that cannot be read is told to `failed`, if there is one, and is `undefined`. */
  async getMany(keys: readonly string[], failed: (error: unknown, index: number) => void): Promise<unknown[]> {
    this.#watch();
    const found: unknown[] = [];
    for (let start = 0; start < keys.length; start += readsAtOnce) {
      found.push(...(await this.#getSome(keys.slice(start, start + readsAtOnce), start, failed)));
    }
    return found;
  }

  async #getSome(
    keys: string[],
    start: number,
    failed: (error: unknown, index: number) => void,
  ): Promise<readonly unknown[]> {
    const one = async (key: string, index: number): Promise<unknown> => {
      try {
        return await this.get(key);
      } catch (error) {
        failed(error, start + index);
        return undefined;
      }
    };
    // Without the adapter's own, Keyv's hides which one has failed.
    if (typeof this.#adapter?.getMany !== 'function') return Promise.all(keys.map(one));
    const before = this.#failures;
    const found = await this.#keyv.getMany(keys);
    const isDoubtful = this.#failures !== before || found.length !== keys.length;
    return Promise.all(
      keys.map((key, index) => (isNothing(found[index]) && isDoubtful ? one(key, index) : found[index])),
    );
  }

  /** @param ttl in milliseconds; `undefined`: the instance's own; `0`: none */
  async set(key: string, text: string, ttl: number | undefined): Promise<void> {
    this.#watch();
    const before = this.#failures;
    const isSet = await this.#keyv.set(key, text, ttl === 0 ? 0 : this.#shorten(ttl));
    if (this.#failures !== before) throw this.#lastFailure;
    if (isSet === false) throw new Error('it answered that nothing was set');
  }

  /** @throws unless it is sure that nothing is there any more */
  async delete(key: string): Promise<void> {
    this.#watch();
    if ((await this.#keyv.delete(key)) === true) return;
    // Nothing was there, or something went wrong.
    if ((await this.get(key)) !== undefined) throw new Error('what was to be deleted is still there');
  }

  /** All values, those of others too, in no order; the keys do not come back as they were. */
  async *values(): AsyncGenerator<unknown> {
    this.#watch();
    const before = this.#failures;
    const found = this.#keyv.iterator?.(undefined) ?? [];
    this.#checkNamespace();
    for await (const pair of found) {
      this.#checkNamespace();
      yield (pair as readonly unknown[])[1];
    }
    this.#checkNamespace();
    if (this.#failures !== before) throw this.#lastFailure;
  }

  release(): void {
    this.#watched?.off?.('error', this.#onError);
    this.#watched = undefined;
  }

  get #adapter(): Adapter | undefined {
    return this.#given.store as Adapter | undefined;
  }

  #shorten(ttl: number | undefined): number | undefined {
    const most = Math.min(
      this.#given.ttl || Infinity,
      /memcache/i.test(this.adapterName) ? memcachedTtl : Infinity,
      ttl ?? Infinity,
    );
    return most === Infinity ? undefined : most;
  }

  /** Keyv lists by the namespace that its adapter has, which is that of the last instance made on it. */
  #checkNamespace(): void {
    const { namespace } = this.#given;
    const last = this.#adapter?.namespace;
    if (last === namespace) return;
    throw new Error(
      `its adapter is shared with a Keyv of the namespace ${JSON.stringify(last)}, and lists only that one's: give each instance an adapter of its own, or keep one instance and tell stores apart by keyvStore(keyv, { namespace })`,
    );
  }

  /** The user may give the instance another adapter at any time. */
  #watch(): void {
    const adapter = this.#adapter;
    if (adapter === this.#watched) return;
    this.release();
    if (typeof adapter?.on !== 'function') return;
    adapter.on('error', this.#onError);
    this.#watched = adapter;
  }
}

/** The same instance, with hooks, statistics and namespace, but for `throwOnErrors`, which stays as it is for everybody else. */
function throwing(keyv: KeyvInstance): KeyvInstance {
  const own = Object.create(keyv) as KeyvInstance;
  const { opts, throwOnErrors } = keyv;
  const { throwOnErrors: given } = opts;
  own.throwOnErrors = true;
  // The setter has also written this.
  if (given === undefined) delete opts.throwOnErrors;
  else opts.throwOnErrors = given;
  if (own.throwOnErrors !== true || keyv.throwOnErrors !== throwOnErrors)
    throw new Error('throwOnErrors cannot be set');
  return own;
}

function isNothing(found: unknown): boolean {
  return found === undefined || found === null;
}
