import { clearTimeout, setTimeout } from 'node:timers';
import type { Lease } from '@reprise/store/contract';
import { longestDelay } from './bounded.ts';
import type { Counters, Generation } from './counters.ts';
import type { Sender } from './sender.ts';

/**
 * What a store that knows counters has said before a run began: by that it judges what the run brings. The lease, where there is one, is
 * renewed for as long as the run takes.
 */
export class Permit {
  /** What the counters were; `undefined`: they could not be told, and nothing is stored. */
  readonly generation: Generation;
  readonly #renewal: Renewal | undefined;

  constructor(generation: Generation, renewal?: Renewal) {
    this.generation = generation;
    this.#renewal = renewal;
    renewal?.begin();
  }

  /** The run has ended, and what it brought is stored, or is not going to be. */
  end(): void {
    this.#renewal?.end();
  }
}

/** Keeps a lease from running out, and gives it back. */
export class Renewal {
  readonly #lease: Lease;
  readonly #counters: Counters;
  readonly #sender: Sender;
  #timer: NodeJS.Timeout | undefined;

  constructor(lease: Lease, counters: Counters, sender: Sender) {
    this.#lease = lease;
    this.#counters = counters;
    this.#sender = sender;
  }

  begin(): void {
    // A renewal that is late or lost once must not cost the lease.
    this.#timer = setTimeout(() => void this.#renew(), Math.min(this.#lease.duration / 3, longestDelay)).unref();
  }

  async #renew(): Promise<void> {
    const holds = await this.#counters.renew(this.#lease, this.#sender);
    // Where it has ended, the counters tell whether the result may be kept.
    if (holds !== false && this.#timer !== undefined) this.begin();
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#counters.release(this.#lease, this.#sender);
  }
}
