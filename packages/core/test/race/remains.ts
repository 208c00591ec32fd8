import { cachedBehind } from '../../src/cached.ts';
import type { Subject, Violation } from './history.ts';
import type { Model } from './model.ts';
import { eventTypes, type Stage, type Stats } from './stage.ts';

type Break = (law: string, message: string) => Violation;

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

/** Law 5: no flight, and nothing that was only there for a flight. */
export function checkFlights(stage: Stage, fail: Break): void {
  const { watched, homes, functions } = stage;
  for (const { flights } of watched.runs) {
    if (flights.size > 0) throw fail('law 5', `${flights.size} flights are left`);
  }
  const direct = homes.map(({ store }) => (store.sync ? store.direct : undefined));
  for (const slot of watched.slots) {
    if (slot.attached && !direct.some((store) => store?.peek(slot) !== undefined)) {
      throw fail('law 5', 'a slot without an entry is left');
    }
  }
  for (const wrapped of functions) {
    const engine = cachedBehind(wrapped)?.cached.engine();
    if (engine === undefined || !('placeOf' in engine)) continue;
    // Where the engine knows a key no more, its text is the key itself.
    const { placeOf, textOf } = engine as unknown as TextEngine;
    for (const target of stage.targets()) {
      const { key } = placeOf.call(engine, stage.textOf(target));
      if (textOf.call(engine, key) !== key) throw fail('law 5', `the place of ${key} is left`);
    }
  }
}

interface TextEngine {
  placeOf(text: string): { readonly key: string };
  textOf(key: string): string;
}

/** Law 5: never more entries than allowed. */
export function checkSize({ homes, setup }: Stage, fail: Break): void {
  for (const { store } of homes) {
    const size = store.sync ? (store.direct?.count() ?? 0) : 0;
    if (size > setup.maxSize) throw fail('law 5', `${size} entries, where ${setup.maxSize} are allowed`);
  }
}

/** Law 5, once the store has caught up: nothing that this process had to know better. */
export function checkLanes({ watched }: Stage, fail: Break): void {
  for (const lanes of watched.lanes) {
    if (lanes.size > 0) throw fail('law 5', `${lanes.size} lanes are left`);
  }
}
