import { type Clock, type Codec, type Duration, defaultCodec, OptionError, parseDuration } from '@reprise/store';

/** What {@link keyvStore} asks of a Keyv instance; those of Keyv ≥ 5.6 have it all. */
export interface KeyvInstance {
  get(key: string): Promise<unknown>;
  getMany(keys: string[]): Promise<readonly unknown[]>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  iterator?: ((argument: undefined) => AsyncGenerator<unknown, void>) | undefined;
  throwOnErrors: boolean;
  readonly namespace?: string | undefined;
  /** Its default ttl in milliseconds. */
  readonly ttl?: number | undefined;
  readonly opts: { throwOnErrors?: boolean };
  /** The adapter. */
  readonly store: unknown;
}

/** What {@link keyvStore} may be told. */
export interface KeyvStoreOptions {
  /** Tells stores in one Keyv instance apart, within its own `namespace`. Any text. Default: `''`. */
  readonly namespace?: string;
  /** Turns values into bytes. Default: `defaultCodec` of `@reprise/store`. */
  readonly codec?: Codec;
  /** Judges age. Default: the clock of the cache that uses the store, else the wall clock. */
  readonly clock?: Clock;
  /**
   * How long an operation is waited for before it rejects with a `StoreError`; adapters may hang for as long as a connection does, or for
   * ever. What arrives after that changes nothing that was asked for later. Above 0; `Infinity`: for ever. Default: `'5s'`.
   */
  readonly timeout?: Duration;
  /**
   * Whether what the adapter holds outlives the process; say `false` for one in memory. Default: `true`, `false` for a `Map`.
   */
  readonly persistent?: boolean;
}

/** The options after their check, with the defaults in place. */
export interface Settings {
  readonly namespace: string;
  readonly codec: Codec;
  readonly clock: Clock | undefined;
  readonly timeout: number;
  readonly persistent: boolean;
}

const names = ['namespace', 'codec', 'clock', 'timeout', 'persistent'];

/** @throws OptionError that says what is wrong, and the way out */
export function checkInstance(keyv: KeyvInstance): void {
  if (typeof keyv !== 'object' || keyv === null) {
    throw new OptionError('keyvStore takes a Keyv instance: keyvStore(new Keyv({ store: adapter }))');
  }
  for (const name of ['get', 'getMany', 'set', 'delete'] as const) {
    if (typeof keyv[name] === 'function') continue;
    throw new OptionError(
      `keyvStore: this is no Keyv instance, it has no ${name}(); an adapter goes into one: keyvStore(new Keyv({ store: adapter }))`,
    );
  }
  if (typeof keyv.throwOnErrors !== 'boolean' || typeof keyv.opts !== 'object') {
    throw new OptionError(
      'keyvStore: this is no Keyv ≥ 5.6: without its throwOnErrors a failed write cannot be told from one that succeeded. Update keyv, and give an instance of Keyv itself, not an adapter',
    );
  }
}

/** @throws OptionError that names the option and the way out */
export function readOptions(keyv: KeyvInstance, options: KeyvStoreOptions): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError("keyvStore takes its options as one object: keyvStore(keyv, { namespace: '…' })");
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const why = name === 'maxSize' || name === 'maxBytes' ? '; Keyv keeps no bounds, set them on the server' : '';
    throw new OptionError(`keyvStore has no option '${name}'; it takes ${names.join(', ')}${why}`);
  }
  const { namespace = '', codec = defaultCodec, clock, persistent = !(keyv.store instanceof Map) } = options;
  const { timeout: patience = '5s' } = options;
  if (typeof namespace !== 'string') throw new OptionError('keyvStore: namespace must be a string');
  if (typeof codec?.name !== 'string' || typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new OptionError('keyvStore: codec must be an object with a name, encode(value) and decode(bytes)');
  }
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new OptionError('keyvStore: clock must be an object with now(), in milliseconds since the epoch');
  }
  if (typeof persistent !== 'boolean') {
    throw new OptionError(
      `keyvStore: persistent must be true or false: whether what the adapter holds outlives the process`,
    );
  }
  const timeout = parseDuration(patience, 'keyvStore: timeout');
  if (timeout === 0) throw new OptionError("keyvStore: timeout must be longer than 0, such as '5s'");
  return { namespace, codec, clock, timeout, persistent };
}
