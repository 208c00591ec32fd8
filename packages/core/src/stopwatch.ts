import { performance } from 'node:perf_hooks';
import type { Counts } from './stats.ts';

/*
 * A look at the clock costs as much as a short function. So runs are timed one by one while they take time that matters, and
 * one in sixteen while they do not.
 */
const shortLoad = 0.02;

/** Measures how long loads take. */
export class Stopwatch {
  #last = Infinity;
  #skipped = 0;

  /**
   * @param isHeard whether somebody listens, and so wants every time
   * @returns a start to give to {@link stop}, or NaN where this load is not timed
   */
  start(isHeard: boolean = false): number {
    if (!isHeard && this.#last < shortLoad && ++this.#skipped < 16) return Number.NaN;
    this.#skipped = 0;
    return performance.now();
  }

  /** @returns the time it took, or `undefined` */
  stop(start: number, counts: Counts): number | undefined {
    if (Number.isNaN(start)) return undefined;
    const took = performance.now() - start;
    this.#last = took;
    counts.timed += took;
    counts.timings++;
    return took;
  }
}
