/** So many failures in a row, and the store is left alone. */
const patience = 5;
/** Milliseconds between two probes of a store that is left alone: hits are back within a second of its healing. */
const probeInterval = 400;

/**
 * Whether a store is asked at all. After several failures in a row it is left alone, so that calls do not wait for it one by one; from
 * time to time one operation goes through as a probe, and the first that succeeds ends it.
 */
export class Breaker {
  #failures = 0;
  #probedAt = 0;
  readonly #opened: () => void;

  /** @param opened told each time that the store begins to be left alone */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  /** Whether an operation may go to the store. While it is left alone, one in every interval may. */
  allows(): boolean {
    if (this.#failures < patience) return true;
    const now = Date.now();
    // A clock that was set back must not keep the store alone.
    if (Math.abs(now - this.#probedAt) < probeInterval) return false;
    this.#probedAt = now;
    return true;
  }

  succeed(): void {
    this.#failures = 0;
  }

  fail(): void {
    if (++this.#failures < patience) return;
    if (this.#failures === patience) {
      this.#probedAt = Date.now();
      this.#opened();
    }
  }
}
