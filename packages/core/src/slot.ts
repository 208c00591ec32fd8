import { Slot } from './key/argument-index.ts';
import type { Owner } from './owner.ts';

/** The place of one call's entry in memory: the key in the store, and the way back to where the index finds it. */
export class CacheSlot extends Slot {
  readonly owner: Owner;
  /** Whether the index finds it. A detached slot is never filled again. */
  attached = true;

  constructor(owner: Owner) {
    super();
    this.owner = owner;
  }
}
