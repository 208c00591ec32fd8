import type { Stats } from './types.ts';

/**
 * What was counted for one owner of entries. Every call ends in exactly one of the first five.
 * Plain fields: a hit adds one to a field and does nothing else.
 */
export class Counts {
  hits = 0;
  misses = 0;
  stale = 0;
  coalesced = 0;
  bypass = 0;
  loads = 0;
  errors = 0;
  evictions = 0;
  /** Sum of the measured load times, in milliseconds, and how many they are. */
  timed = 0;
  timings = 0;
  /** Load times that hits spared, where the entry knows its own, and how many hits they are. */
  saved = 0;
  savings = 0;

  add(other: Counts): void {
    this.hits += other.hits;
    this.misses += other.misses;
    this.stale += other.stale;
    this.coalesced += other.coalesced;
    this.bypass += other.bypass;
    this.loads += other.loads;
    this.errors += other.errors;
    this.evictions += other.evictions;
    this.timed += other.timed;
    this.timings += other.timings;
    this.saved += other.saved;
    this.savings += other.savings;
  }
}

/** The public form of what was counted; `size` is how many entries there are now. */
export function statsOf(counts: Counts, size: number): Stats {
  const { hits, misses, stale, coalesced, bypass, loads, errors, evictions } = counts;
  const asked = hits + stale + misses + coalesced;
  const loadTime = counts.timings === 0 ? 0 : counts.timed / counts.timings;
  return {
    hits,
    misses,
    stale,
    coalesced,
    bypass,
    loads,
    errors,
    evictions,
    size,
    hitRatio: asked === 0 ? 0 : (hits + stale) / asked,
    loadTime,
    // An entry from another process brings its load time along; for the others it is the mean of this one.
    timeSaved: counts.saved + (hits + stale - counts.savings) * loadTime,
  };
}
