import type { Level } from './key/index-level.ts';
import type { Owner } from './owner.ts';

/** The place of one call's entry in memory: the key in the store, and the way back to where the index finds it. */
export class CacheSlot {
  readonly owner: Owner;
  level: Level | undefined = undefined;
  token: unknown = undefined;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /** Whether the index finds it. A detached slot is never filled again. */
  get attached(): boolean {
    return this.level !== undefined;
  }
}
