/** So many failures in a row, and the store is left alone. */
const patience = 5;
/** Milliseconds between two probes of a store that is left alone: hits are back within a second of its healing. */
const probeInterval = 400;
/** For so long a probe that has no answer yet keeps others back. */
const longestProbe = 1_000;

/**
 * Whether a store is asked at all. After several failures in a row it is left alone, so that calls do not wait for it one by one; from
 * time to time one operation goes through as a probe, and the first that succeeds ends it.
 */
export class Breaker {
  #failures = 0;
  #probedAt = 0;
  #isProbing = false;
  readonly #opened: () => void;

  /** @param opened told each time that the store begins to be left alone */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  /** Whether the store is left alone: what it is allowed to be asked is a probe, for which no call shall wait. */
  get isOpen(): boolean {
    return this.#failures >= patience;
  }

  /** Whether an operation may go to the store. While it is left alone, one at a time may, and one in every interval. */
  allows(): boolean {
    if (this.#failures < patience) return true;
    const now = Date.now();
    // A clock that was set back must not keep the store alone.
    if (Math.abs(now - this.#probedAt) < (this.#isProbing ? longestProbe : probeInterval)) return false;
    this.#probedAt = now;
    this.#isProbing = true;
    return true;
  }

  succeed(): void {
    this.#failures = 0;
    this.#isProbing = false;
  }

  fail(): void {
    this.#isProbing = false;
    if (++this.#failures < patience) return;
    if (this.#failures === patience) {
      this.#probedAt = Date.now();
      this.#opened();
    }
  }
}
