import { Counts } from './stats.ts';

/** More hits than anybody waits for. */
const never = 0x3fff_ffff;

/**
 * The counts of one owner of remembered results. A hit counts one down, which also tells when a hit is to be looked at more
 * closely: one operation serves both.
 */
export class Tally extends Counts {
  /** Hits until {@link Tally.left} is 0 and the hit is a sample. */
  left: number = never;
  #armed: number = never;

  /** Makes the next hit a sample. */
  sampleNext(): void {
    if (this.left !== 1) this.#arm(1);
  }

  /** Makes no hit a sample until told again. */
  rest(): void {
    this.#arm(never);
  }

  /** The sample was no hit after all. */
  uncount(): void {
    this.rest();
    this.hits--;
  }

  /** Brings `hits` up to date. */
  settle(): this {
    this.#arm(this.left);
    return this;
  }

  #arm(left: number): void {
    this.hits += this.#armed - this.left;
    this.#armed = left;
    this.left = left;
  }
}
