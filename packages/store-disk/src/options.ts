import { resolve } from 'node:path';
import { type Clock, type Codec, type Duration, defaultCodec, OptionError, parseDuration } from '@reprise/store';
import type { FrontSettings } from './front.ts';

/** What {@link diskStore} may be told. */
export interface DiskStoreOptions {
  /**
   * The folder that holds the entries; made when first written to. Several stores and processes may share one. The store
   * removes what it does not know in it, so give it a folder of its own.
   */
  readonly directory: string;
  /** Tells stores in one folder apart: each sees, clears and counts its own entries only. Any text. Default: `''`. */
  readonly namespace?: string;
  /** How many entries there may be after a sweep: a whole number; `0` stores nothing. Default: `Infinity`, no bound. */
  readonly maxSize?: number;
  /** How many bytes their contents may take after a sweep: a whole number; a larger entry is declined. Default: `Infinity`, no bound. */
  readonly maxBytes?: number;
  /** Turns values into bytes. Default: `defaultCodec` of `@reprise/store`. */
  readonly codec?: Codec;
  /** Judges age. Default: the clock of the cache that uses the store, else the wall clock. */
  readonly clock?: Clock;
  /**
   * How long a lease lasts unless it is renewed: so long others wait for a process that hangs. One that has died is not waited for on its own
   * host. By the wall clock. Above 0, not `Infinity`. Default: `'5s'`.
   */
  readonly leaseDuration?: Duration;
  /**
   * Holds entries in memory as well, as the codec's bytes, so that a key that is read again and again costs microseconds. `true`: with
   * the defaults of {@link DiskFront}. Default: `false`.
   */
  readonly front?: boolean | DiskFront;
}

/** What the memory in front of the files may hold, and for how long. */
export interface DiskFront {
  /**
   * For how long an entry is answered without a look at its file. What any process has invalidated – a key, a tag, a clear, a `set` that is
   * nobody's result – is not answered for a moment longer; a newer result that another process has stored is seen so much later
   * at most. `0`: never; `Infinity`: until it ends or is invalidated. Default: `'1s'`.
   */
  readonly maxAge?: Duration;
  /** How many entries: a whole number, or `Infinity`; the least recently used one makes room. `0`: none. Default: 1,000. */
  readonly maxSize?: number;
}

/** The options after their check, with the defaults in place. */
export interface Settings {
  readonly directory: string;
  readonly namespace: string;
  readonly maxSize: number;
  readonly maxBytes: number;
  readonly codec: Codec;
  readonly clock: Clock | undefined;
  readonly leaseDuration: number;
  readonly front: FrontSettings | undefined;
}

const names = ['directory', 'namespace', 'maxSize', 'maxBytes', 'codec', 'clock', 'leaseDuration', 'front'];
const frontNames = ['maxAge', 'maxSize'];
const defaults = { leaseDuration: '5s', front: { maxAge: '1s', maxSize: 1_000 } };

/** @throws OptionError that names the option and the way out */
export function readOptions(options: DiskStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError("diskStore takes its options as one object: diskStore({ directory: '…' })");
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new OptionError(`diskStore has no option '${name}'; it takes ${names.join(', ')}`);
  }
  const { directory, namespace = '', maxSize = Infinity, maxBytes = Infinity, codec = defaultCodec, clock } = options;
  const { leaseDuration: lasting = defaults.leaseDuration } = options;
  const leaseDuration = parseDuration(lasting, 'diskStore: leaseDuration');
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
  if (leaseDuration === 0 || leaseDuration === Infinity) {
    throw new OptionError(`diskStore: leaseDuration must be longer than 0 and end, such as '5s', not ${leaseDuration}`);
  }
  return {
    directory: resolve(directory),
    namespace,
    maxSize: checkBound('maxSize', maxSize),
    maxBytes: checkBound('maxBytes', maxBytes),
    codec,
    clock,
    leaseDuration,
    front: readFront(options.front),
  };
}

function readFront(front: unknown): FrontSettings | undefined {
  if (front === undefined || front === false) return undefined;
  if (front !== true && (typeof front !== 'object' || front === null || Array.isArray(front))) {
    throw new OptionError("diskStore: front must be true, false or an object: { maxAge: '1s', maxSize: 1_000 }");
  }
  const told: DiskFront = front === true ? {} : front;
  for (const name of Object.keys(told)) {
    if (frontNames.includes(name)) continue;
    throw new OptionError(`diskStore: front has no option '${name}'; it takes ${frontNames.join(' and ')}`);
  }
  const { maxAge = defaults.front.maxAge, maxSize = defaults.front.maxSize } = told;
  return {
    maxAge: parseDuration(maxAge, 'diskStore: front.maxAge'),
    maxSize: checkBound('front.maxSize', maxSize),
  };
}

/** @throws OptionError for anything but a whole number from 0 on, or `Infinity` */
export function checkBound(name: string, value: unknown): number {
  if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
  const found = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
  throw new OptionError(`diskStore: ${name} must be a whole number from 0 on, or Infinity for no bound, not ${found}`);
}
