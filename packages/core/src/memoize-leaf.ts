/** Says that there is no result, where `undefined` may be one. */
export const missing: unique symbol = Symbol('missing');

/** A result with a ttl. */
export class Timed {
  /** The result itself; of an asynchronous function its promise. */
  value: unknown;
  /** The first moment at which it is no longer fresh, in milliseconds since `memoryEpoch`. */
  expiresAt: number;

  constructor(value: unknown, expiresAt: number) {
    this.value = value;
    this.expiresAt = expiresAt;
  }
}

/** What the promises among the results have come to; they are only kept once they have. */
export const settledValues: WeakMap<object, unknown> = new WeakMap();
