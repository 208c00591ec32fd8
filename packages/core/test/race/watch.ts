import { DirectEngine } from '../../src/direct.ts';
import { Lanes } from '../../src/lanes.ts';
import { type CacheSlot, Owner } from '../../src/owner.ts';
import { Runs } from '../../src/runs.ts';

/** The parts of engines that a schedule has used: to look whether they are empty when all has settled. */
export interface Watched {
  readonly runs: Set<Runs>;
  readonly lanes: Set<Lanes>;
  readonly slots: Set<CacheSlot>;
}

let watched: Watched | undefined;

/** Notes from now on which parts are used. */
export function watchParts(): Watched {
  watched = { runs: new Set(), lanes: new Set(), slots: new Set() };
  return watched;
}

// Nothing leads from a cached function to these parts, so they are noted where they are used.
const { open } = Runs.prototype;
Runs.prototype.open = function (...args) {
  watched?.runs.add(this);
  return open.apply(this, args);
};
const { pending } = Lanes.prototype;
Lanes.prototype.pending = function (...args) {
  watched?.lanes.add(this);
  return pending.apply(this, args);
};
const { addSlot } = Owner.prototype;
Owner.prototype.addSlot = function (...args) {
  const slot = addSlot.apply(this, args);
  if (slot.owner.keeper instanceof DirectEngine) watched?.slots.add(slot);
  return slot;
};
