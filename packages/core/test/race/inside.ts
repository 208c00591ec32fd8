import { AsyncEngine } from '../../src/async-engine.ts';
import { homeOf } from '../../src/cache.ts';
import { cachedBehind } from '../../src/cached.ts';
import { DirectEngine } from '../../src/direct.ts';
import { boundKey } from '../../src/key/key-text.ts';
import { Lanes } from '../../src/lanes.ts';
import { type CacheSlot, Owner } from '../../src/owner.ts';
import { Runs } from '../../src/runs.ts';
import { SyncEngine } from '../../src/sync-engine.ts';
import type { Inspector } from './remains.ts';
import type { Stage } from './stage.ts';

/** The parts of engines that a schedule has used: to look whether they are empty when all has settled. */
interface Watched {
  readonly runs: Set<Runs>;
  readonly lanes: Set<Lanes>;
  readonly slots: Set<CacheSlot>;
}

let watched: Watched = { runs: new Set(), lanes: new Set(), slots: new Set() };

// Nothing leads from a cached function to these parts, so they are noted where they are used.
const { open } = Runs.prototype;
Runs.prototype.open = function (...args) {
  watched.runs.add(this);
  return open.apply(this, args);
};
const { pending } = Lanes.prototype;
Lanes.prototype.pending = function (...args) {
  watched.lanes.add(this);
  return pending.apply(this, args);
};
const { addSlot } = Owner.prototype;
Owner.prototype.addSlot = function (...args) {
  const slot = addSlot.apply(this, args);
  if (slot.owner.keeper instanceof DirectEngine) watched.slots.add(slot);
  return slot;
};

/** What a cache is underneath: the one that all functions share, or each function's own. */
export function homesOf({ cache, functions }: Stage): ReturnType<typeof homeOf>[] {
  if (cache !== undefined) return [homeOf(cache)];
  return functions.map((wrapped) => cachedBehind(wrapped)?.cached.remembered().home as ReturnType<typeof homeOf>);
}

/** Looks into the engines: law 5, as far as it cannot be seen from outside. */
export const inside: Inspector = {
  begin: () => {
    watched = { runs: new Set(), lanes: new Set(), slots: new Set() };
  },
  checkSettled: (stage, fail) => {
    for (const { flights } of watched.runs) {
      if (flights.size > 0) throw fail('law 5', `${flights.size} flights are left`);
    }
    const direct = homesOf(stage).map(({ store }) => (store.sync ? store.direct : undefined));
    for (const slot of watched.slots) {
      if (slot.attached && !direct.some((store) => store?.peek(slot) !== undefined)) {
        throw fail('law 5', 'a slot without an entry is left');
      }
    }
    for (const target of stage.targets()) {
      const engine = cachedBehind(stage.functions[target.fn] ?? stage)?.cached.engine();
      if (!(engine instanceof AsyncEngine || engine instanceof SyncEngine)) continue;
      // Where the engine knows a key no more, its text is the key itself.
      const { key } = boundKey(stage.cache?.name ?? '', stage.textOf(target));
      if (engine.textOf(key) !== key) throw fail('law 5', `the text of ${key} is left`);
    }
  },
  checkHealed: (fail) => {
    for (const lanes of watched.lanes) {
      if (lanes.size > 0) throw fail('law 5', `${lanes.size} lanes are left`);
    }
  },
};
