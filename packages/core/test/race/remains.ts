import { type RepriseError, TimeoutError } from '@reprise/core';
import { type Ask, isFailure, type Outcome, type Run, type Subject, type Violation } from './history.ts';
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
    stale: all.stale,
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
  const { asks, runs: begun } = model.chronicle;
  const calls = asks.filter(({ verb, subject }) => verb === 'call' && isMeant(subject));
  const runs = begun.filter(({ ask, subject }) => !ask.bypassed && isMeant(subject));
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
  const fewest = Math.min(hits, stale, misses, coalesced);
  if (fewest < 0) throw fail('law 8', `counted ${fewest} calls of a kind`);
  // What is decided when a caller has given up, is counted all the same.
  const late = calls.filter(({ isStale, outcome }) => isStale || isTimeout(outcome)).length;
  if (stale > late) throw fail('law 8', `counted ${stale} stale answers, where there were ${late}`);
}

/** Law 5: never more entries than allowed. */
export function checkSize({ cache, functions, store, setup }: Stage, fail: Break): void {
  if (store !== undefined || setup.maxSize === Infinity) return;
  const { size } = cache?.stats() ?? (functions[0] as Wrapped).stats();
  if (size > setup.maxSize) throw fail('law 5', `${size} entries, where ${setup.maxSize} are allowed`);
}

/** What came to pass, each as often as it did. */
export function tally({ cache, functions, timedOut, store }: Stage, model: Model): string[] {
  const stats = cache?.stats() ?? functions[0]?.stats();
  const { runs, asks, byValue } = model.chronicle;
  const happened = {
    hit: stats?.hits,
    stale: stats?.stale,
    miss: stats?.misses,
    joined: stats?.coalesced,
    bypassed: stats?.bypass,
    failed: stats?.errors,
    'timed out': Number(timedOut),
    'store failed': Number(store?.failed ?? false),
    ...tallyRuns(model),
    put: [...byValue.values()].filter(({ ask }) => ask === undefined).length,
    behind: runs.filter(({ behind }) => behind).length,
    'failed behind': runs.filter((run) => run.behind && isFailure(run)).length,
    'error remembered': runs.filter(({ remembered }) => remembered === 'yes').length,
    'error answered from memory': asks.filter(isRememberedError).length,
    'error answered stale': asks.filter(({ isStale, runs: own }) => isStale && own.some((run) => isFailure(run)))
      .length,
    'told in a mode': asks.filter(({ mode }) => mode !== 'default').length,
    refused: asks.filter(({ outcome }) => isRefusal(outcome)).length,
    'gave up': asks.filter(({ outcome }) => isTimeout(outcome)).length,
  };
  return Object.entries(happened).flatMap(([what, times]) => new Array<string>(times ?? 0).fill(what));
}

function tallyRuns({
  chronicle,
}: Model): Record<'circle' | 'voided' | 'replaced' | 'tags voided' | 'tags passed', number> {
  const { runs } = chronicle;
  const during = ({ ask, ended }: Run, moments: readonly number[]): boolean =>
    ended !== undefined && moments.some((at) => at > ask.at && at < ended.at);
  return {
    circle: runs.filter(({ direct }) => direct === 'yes').length,
    voided: runs.filter((run) => during(run, chronicle.history(run.subject).invalidated)).length,
    replaced: runs.filter((run) => during(run, chronicle.history(run.subject).refreshed)).length,
    'tags voided': runs.filter((run) => chronicle.isTagVoided(run)).length,
    'tags passed': runs.filter(({ labels, ask }) => ask.parent !== undefined && labels.size > 0).length,
  };
}

function isRememberedError({ outcome, runs }: Ask): boolean {
  return outcome !== undefined && 'error' in outcome && outcome.error instanceof Error && runs.length === 0;
}

function isRefusal(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && 'error' in outcome && (outcome.error as RepriseError).code === 'E_NOT_CACHED';
}

function isTimeout(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && 'error' in outcome && outcome.error instanceof TimeoutError;
}
