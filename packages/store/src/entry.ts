/**
 * What a store keeps under a key: a `value`, or a remembered `error`, and what is known of it.
 * An entry holds an `error` exactly when it has that property. Times are milliseconds since the epoch.
 */
export interface Entry<Value = unknown> {
  /** What the function returned (for an asynchronous one: what its promise resolved to). `undefined` is a value. */
  readonly value?: Value;
  /** What the function threw, where errors are remembered. */
  readonly error?: unknown;
  /** When the run settled. */
  readonly createdAt: number;
  /** The first moment at which the entry is no longer fresh; `Infinity`: never. */
  readonly expiresAt: number;
  /** The end of the longest window in which it may still be answered stale; equal to `expiresAt` where none was declared. */
  readonly staleUntil: number;
  /** The whole key as text, where the key that the store was given is a shortened one: compared on read. */
  readonly key?: string;
  /** Labels that invalidate it. */
  readonly tags?: readonly string[];
  /** Milliseconds without a read after which it expires. */
  readonly idle?: number;
  /** How long the run took, in milliseconds. */
  readonly loadTime?: number;
  /** What the store's counters were when the run began, see `SyncStore.generation`; absent in what was stored without a run. */
  readonly generation?: number | string;
  /** Whether the function answered with a promise of the value; on synchronous stores, so that a hit does too. */
  readonly promised?: boolean;
  /** Its weight against `maxBytes`. */
  readonly size?: number;
}

/** An entry that is being read. */
export type MutableEntry = { -readonly [Name in keyof Entry]: Entry[Name] };
