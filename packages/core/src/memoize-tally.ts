import { Counts } from './stats.ts';

/** More hits than anybody waits for. */
const never = 0x3fff_ffff;

/**
 * The counts of one owner of remembered results. A hit counts one down, which also tells when a hit is to be looked at more
 * closely: one operation serves both.
 */
export class Tally extends Counts {
  /** Hits until one of them is a sample: the one that brings it to 0. */
  left: number;
  #armed: number;
  readonly #stride: number;

  /** @param stride after how many hits one is a sample at the latest */
  constructor(stride: number = never) {
    super();
    this.left = stride;
    this.#armed = stride;
    this.#stride = stride;
  }

  /** Makes the next hit a sample. */
  sampleNext(): void {
    if (this.left !== 1) this.#arm(1);
  }

  /** Makes no hit a sample until told again, or the stride is over. */
  rest(): void {
    this.#arm(this.#stride);
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

/**
 * The call without arguments: its leaf, and the hits that were answered here. Both in one object, which is what the fastest of all
 * hits has to look at.
 */
export class NullaryCell {
  /** `undefined` says nothing. */
  leaf: unknown = undefined;
  left: number = never;

  /** The hits since this was asked last. */
  takeHits(): number {
    const hits = never - this.left;
    this.left = never;
    return hits;
  }
}
