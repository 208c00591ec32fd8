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

/** As many owners are counted apart; the counts of the one that was asked for least lately go to the common ones. */
const mostParts = 1_000;

/** The counts of one function whose owners are known by the text of their part. */
export class PartCounts {
  readonly common: Counts = new Counts();
  readonly #isHeld: (part: string) => boolean;
  readonly #parts = new Map<string, Counts>();

  /** @param isHeld whether somebody else goes on counting for a part */
  constructor(isHeld: (part: string) => boolean = () => false) {
    this.#isHeld = isHeld;
  }

  of(part: string | undefined): Counts {
    if (part === undefined) return this.common;
    let counts = this.#parts.get(part);
    if (counts === undefined) {
      counts = new Counts();
      if (this.#parts.size >= mostParts) this.#retireOne();
    } else this.#parts.delete(part);
    this.#parts.set(part, counts);
    return counts;
  }

  sum(): Counts {
    const sum = new Counts();
    sum.add(this.common);
    for (const counts of this.#parts.values()) sum.add(counts);
    return sum;
  }

  #retireOne(): void {
    for (const [part, counts] of this.#parts) {
      if (this.#isHeld(part)) continue;
      this.#parts.delete(part);
      this.common.add(counts);
      return;
    }
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
