import type { Subject, Violation } from './history.ts';
import type { Model } from './model.ts';
import { eventTypes, type Stage, type Stats, type Wrapped } from './stage.ts';

/** Says that a law does not hold. */
export type Break = (law: string, message: string) => Violation;

/** What looks into the engine, where it is not only used by its public names. */
export interface Inspector {
  /** A schedule begins. */
  begin(): void;
  /** Everything has settled. */
  checkSettled(stage: Stage, fail: Break): void;
  /** The store has been told everything that it could not be told before. */
  checkHealed(fail: Break): void;
}

/** What else is done while a schedule is played. */
export interface Direction {
  /** Makes a mistake in what the schedule will be played on. */
  readonly prepare?: (stage: Stage) => void;
  /** Looks into the engine at the end. */
  readonly inspector?: Inspector;
}

/** Law 8: what was counted, and heard, is what happened. */
export function checkCounts(stage: Stage, model: Model, fail: Break): void {
  for (const [fn, wrapped] of stage.functions.entries()) {
    const own = new Set([0, 1, 2].map((key) => stage.subjectOf({ fn, key })));
    checkStats(wrapped.stats(), model, (subject) => own.has(subject), fail);
  }
  const all = stage.cache?.stats() ?? stage.functions[0]?.stats();
  if (all === undefined) return;
  checkStats(all, model, () => true, fail);
  if (stage.hasFailed && stage.heard['error'] === undefined) {
    throw fail('law 8', 'no event told that the store had failed');
  }
  if (!stage.setup.heard) return;
  const counted = {
    hit: all.hits,
    miss: all.misses,
    coalesced: all.coalesced,
    bypass: all.bypass,
    load: all.loads,
  };
  for (const type of eventTypes) {
    const heard = stage.heard[type] ?? 0;
    if (heard !== counted[type]) throw fail('law 8', `${counted[type]} × ${type}, and ${heard} events of it`);
  }
}

function checkStats(stats: Stats, model: Model, isMeant: (subject: Subject) => boolean, fail: Break): void {
  const calls = model.asks.filter(({ verb, subject }) => verb === 'call' && isMeant(subject));
  const runs = model.runs.filter(({ ask, subject }) => !ask.bypassed && isMeant(subject));
  const expected = {
    calls: calls.length,
    bypass: calls.filter(({ bypassed }) => bypassed).length,
    loads: runs.length,
    errors: runs.filter(({ ended }) => ended !== undefined && 'error' in ended.outcome).length,
  };
  const { hits, stale, misses, coalesced, bypass, loads, errors } = stats;
  const found = { calls: hits + stale + misses + coalesced + bypass, bypass, loads, errors };
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw fail('law 8', `counted ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
}

/** Law 5: never more entries than allowed. */
export function checkSize({ cache, functions, store, setup }: Stage, fail: Break): void {
  if (store !== undefined || setup.maxSize === Infinity) return;
  const { size } = cache?.stats() ?? (functions[0] as Wrapped).stats();
  if (size > setup.maxSize) throw fail('law 5', `${size} entries, where ${setup.maxSize} are allowed`);
}
