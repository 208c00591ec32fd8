import type { AnyFunction, CachedFunction } from '@reprise/core';
import type { Store } from '@reprise/store';

const statuses = { hit: 'hits', miss: 'misses', stale: 'stale', coalesced: 'coalesced', bypass: 'bypass' } as const;

type Tally = Record<(typeof statuses)[keyof typeof statuses], number>;

/** What a function's events tell of its calls from here on, beside what its stats count. */
export function tellStatuses<F extends AnyFunction>(fn: CachedFunction<F, Store>) {
  const told: Tally = { hits: 0, misses: 0, stale: 0, coalesced: 0, bypass: 0 };
  for (const [type, name] of Object.entries(statuses)) {
    fn.on(type as keyof typeof statuses, () => {
      told[name]++;
    });
  }
  const counted = (): Tally => {
    const { hits, misses, stale, coalesced, bypass } = fn.stats();
    return { hits, misses, stale, coalesced, bypass };
  };
  return {
    statuses: () => told,
    counted,
    sum: () => Object.values(counted()).reduce((sum, count) => sum + count, 0),
  };
}
