import type { Cache } from '@reprise/core';
import { formatTime } from './tables.ts';

/** One run of this program. */
export interface Run {
  readonly directory: string;
  /** Milliseconds from the start of the process. */
  readonly took: number;
  readonly packages: number;
  /** How many of them had to be measured. */
  readonly measured: number;
}

/**
 * Says how long a run took, and how much faster it was than the first one over the same directory. The time of the first
 * run that gets so far is kept in the cache beside what that run measured, so it is forgotten together with it.
 */
export async function compareWithFirstRun(cache: Cache, run: Run): Promise<string> {
  const key = `first run: ${run.directory}`;
  const first = await cache.getOrSet(key, () => run.took);

  const done = `Done in ${formatTime(run.took)}`;
  if (first === run.took) return `${done}. Run it again: what it measured is remembered.`;
  const work =
    run.measured === 0
      ? 'every package answered from disk'
      : `${run.measured} of ${run.packages} packages measured anew`;
  if (first <= run.took) return `${done}, ${work}; the first run took ${formatTime(first)}.`;
  const ratio = (first / run.took).toFixed(first < 10 * run.took ? 1 : 0);
  return `${done}, ${work}: ${ratio}× faster than the first run, which took ${formatTime(first)}.`;
}
