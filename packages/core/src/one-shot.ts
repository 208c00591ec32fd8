import { types } from 'node:util';

/**
 * Whether a result can be read only once: a stream, an iterator, a generator, a `Response` or `Request`.
 * Such a result belongs to the call that ran the function; it can be neither kept nor shared.
 */
export function isOneShot(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return looksOneShot(value);
  } catch {
    // A proxy, or an accessor, that does not like to be asked: whatever it is, it is no stream.
    return false;
  }
}

/**
 * What only streams have, and who holds one: `getWriter`, `releaseLock` (a reader or a writer of the web's), `getStream` (a wrapper, such as
 * Nest's StreamableFile).
 */
const streamMethods = ['pipe', 'getReader', 'getWriter', 'releaseLock', 'getStream'] as const;

function looksOneShot(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return isIteratorLike(value);
  if (types.isGeneratorObject(value) || types.isMapIterator(value) || types.isSetIterator(value)) return true;
  const candidate = value as Partial<
    Record<(typeof streamMethods)[number] | 'body' | 'bodyUsed' | 'readable', unknown>
  >;
  for (const name of streamMethods) if (typeof candidate[name] === 'function') return true;
  // A stream of the web with two ends: what is written to it is read from it.
  if (
    'writable' in value &&
    typeof (candidate.readable as { getReader?: unknown } | undefined)?.getReader === 'function'
  )
    return true;
  if (typeof candidate.bodyUsed === 'boolean' && 'body' in candidate) return true;
  return isIteratorLike(value);
}

/** An object with `next` that iterates itself; collections hand out iterators and are none. */
function isIteratorLike(value: object): boolean {
  const candidate = value as { next?: unknown; [Symbol.iterator]?: unknown; [Symbol.asyncIterator]?: unknown };
  return (
    typeof candidate.next === 'function' &&
    (typeof candidate[Symbol.iterator] === 'function' || typeof candidate[Symbol.asyncIterator] === 'function')
  );
}

/** Whether a function returned something to wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  try {
    return typeof (value as { then?: unknown }).then === 'function';
  } catch {
    return false;
  }
}
