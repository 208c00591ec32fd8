import { resolve } from 'node:path';
import { type Clock, type Codec, defaultCodec, OptionError } from '@reprise/store';

/** What {@link diskStore} may be told. */
export interface DiskStoreOptions {
  /**
   * The folder that holds the entries; made when first written to. Several stores and processes may share one. The store
   * removes what it does not know in it, so give it a folder of its own.
   */
  readonly directory: string;
  /** Tells stores in one folder apart: each sees, clears and counts its own entries only. Any text. Default: `''`. */
  readonly namespace?: string;
  /** How many entries there may be after a sweep; `0` stores nothing. Default: `Infinity`, no bound. */
  readonly maxSize?: number;
  /** How many bytes their contents may take after a sweep; a larger entry is declined. Default: `Infinity`, no bound. */
  readonly maxBytes?: number;
  /** Turns values into bytes. Default: `defaultCodec` of `@reprise/store`. */
  readonly codec?: Codec;
  /** Judges age. Default: the clock of the cache that uses the store, else the wall clock. */
  readonly clock?: Clock;
}

/** The options after their check, with the defaults in place. */
export interface Settings {
  readonly directory: string;
  readonly namespace: string;
  readonly maxSize: number;
  readonly maxBytes: number;
  readonly codec: Codec;
  readonly clock: Clock | undefined;
}

const names = ['directory', 'namespace', 'maxSize', 'maxBytes', 'codec', 'clock'];

/** @throws OptionError that names the option and the way out */
export function readOptions(options: DiskStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError("diskStore takes its options as one object: diskStore({ directory: '…' })");
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new OptionError(`diskStore has no option '${name}'; it takes ${names.join(', ')}`);
  }
  const { directory, namespace = '', maxSize = Infinity, maxBytes = Infinity, codec = defaultCodec, clock } = options;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new OptionError('diskStore: directory is missing: give the path of a folder that the store may own');
  }
  if (typeof namespace !== 'string') throw new OptionError('diskStore: namespace must be a string');
  if (typeof codec?.name !== 'string' || typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new OptionError('diskStore: codec must be an object with a name, encode(value) and decode(bytes)');
  }
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new OptionError('diskStore: clock must be an object with now(), in milliseconds since the epoch');
  }
  return {
    directory: resolve(directory),
    namespace,
    maxSize: checkBound('maxSize', maxSize),
    maxBytes: checkBound('maxBytes', maxBytes),
    codec,
    clock,
  };
}

/** @throws OptionError for anything but a whole number from 0 on, or `Infinity` */
export function checkBound(name: string, value: unknown): number {
  if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
  const found = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
  throw new OptionError(`diskStore: ${name} must be a whole number from 0 on, or Infinity for no bound, not ${found}`);
}
