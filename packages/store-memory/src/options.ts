import { type Bounds, type Clock, OptionError } from '@reprise/store/contract';

/** What {@link memoryStore} may be told. */
export interface MemoryStoreOptions {
  /** Most entries at a time: a whole number, `0` (keep nothing) or `Infinity`. Default: 10,000, also beside `maxBytes`. */
  readonly maxSize?: number | undefined;
  /** Most weight at a time, in the unit of `sizeOf`, which it needs: 0 or more; `Infinity` is no bound. Default: none. */
  readonly maxBytes?: number | undefined;
  /** What a value weighs: 0 or more, fractions allowed; `Infinity` is too heavy to be kept. Remembered errors weigh 0. */
  readonly sizeOf?: ((value: any) => number) | undefined;
  /** Accepted for the sake of symmetry: a memory store shares its place with no other, so a namespace changes nothing. */
  readonly namespace?: string | undefined;
  /** By what the text form and the sweeps judge age. Default: the clock of the first cache that has one, else the wall clock. */
  readonly clock?: Clock | undefined;
  /** Who goes first for want of room, after what has expired: `'lru'`, the least recently used, which is the default and the only one so far. */
  readonly policy?: 'lru' | undefined;
}

/** How many entries a memory store holds that was not told: 10,000. */
export const defaultMaxSize = 10_000;

const known = ['maxSize', 'maxBytes', 'sizeOf', 'namespace', 'clock', 'policy'];

/**
 * Refuses what cannot be meant.
 *
 * @throws OptionError that names the option and the way out
 */
export function checkOptions(options: unknown): asserts options is MemoryStoreOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`memoryStore: takes one object of options, such as { maxSize: 500 }, not ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new OptionError(`memoryStore: there is no option ${JSON.stringify(name)}; there are ${known.join(', ')}`);
    }
  }
  const { maxSize, maxBytes, sizeOf, namespace, clock, policy } = options as Record<string, unknown>;
  if (sizeOf !== undefined && typeof sizeOf !== 'function') {
    throw new OptionError(
      `memoryStore: sizeOf must be a function of the value, such as (text) => text.length, not ${show(sizeOf)}`,
    );
  }
  checkBounds({ maxSize, maxBytes }, sizeOf !== undefined, 'memoryStore');
  if (namespace !== undefined && typeof namespace !== 'string') {
    throw new OptionError(`memoryStore: namespace must be a string, not ${show(namespace)}`);
  }
  if (clock !== undefined && typeof (clock as Clock | null)?.now !== 'function') {
    throw new OptionError(
      `memoryStore: clock must have a now() that returns milliseconds, such as Date, not ${show(clock)}`,
    );
  }
  if (policy !== undefined && policy !== 'lru') {
    throw new OptionError(`memoryStore: policy must be 'lru', the only one there is so far, not ${show(policy)}`);
  }
}

/**
 * Refuses bounds that no store can keep.
 *
 * @param weighed whether there is a `sizeOf`
 * @param where what the error shall begin with
 */
export function checkBounds(
  bounds: { readonly [Name in keyof Bounds]: unknown },
  weighed: boolean,
  where: string,
): asserts bounds is Bounds {
  const { maxSize, maxBytes } = bounds;
  if (maxSize !== undefined && !(Number.isInteger(maxSize) && (maxSize as number) >= 0) && maxSize !== Infinity) {
    throw new OptionError(
      `${where}: maxSize must be a whole number of entries, 0 (keep nothing) or Infinity (no bound), not ${show(maxSize)}`,
    );
  }
  if (maxBytes === undefined) return;
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) {
    throw new OptionError(
      `${where}: maxBytes must be a number of 0 or more, or Infinity (no bound), not ${show(maxBytes)}`,
    );
  }
  if (!weighed) {
    throw new OptionError(
      `${where}: maxBytes needs sizeOf, which says what a value weighs: { maxBytes, sizeOf: (text) => text.length }; ` +
        'to bound the number of entries instead, use maxSize',
    );
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
