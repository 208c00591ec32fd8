import type { Entry, SyncStore } from '@reprise/store/contract';
import { handedOn } from './handed-on.ts';
import type { FirstTier, Settings } from './options.ts';
import { Tiers } from './tiers.ts';

/** Memory in front of a synchronous store: a synchronous function stays so. */
export class SyncTiers extends Tiers<SyncStore> implements SyncStore {
  readonly sync = true;
  readonly invalidateTags?: (tags: readonly string[]) => void;

  constructor(l1: FirstTier, l2: SyncStore, settings: Settings) {
    super(l1, l2, settings);
    const { records } = this;
    if (l2.invalidateTags !== undefined) {
      this.invalidateTags = (tags) => {
        records.void(tags);
        l2.invalidateTags?.(tags);
      };
    }
    Object.assign(this, handedOn(l2));
  }

  get(key: string): Entry | undefined {
    const near = this.findNear(key);
    if (near !== undefined) return near;
    const question = this.records.ask(key);
    let entry: Entry | undefined;
    try {
      entry = this.l2.get(key);
    } finally {
      this.records.answer(question, entry);
    }
    return entry;
  }

  set(key: string, entry: Entry): boolean | void {
    this.records.drop(key);
    const question = this.records.ask(key);
    let kept: boolean | void = false;
    try {
      kept = this.l2.set(key, entry);
    } finally {
      this.records.answer(question, kept !== false && this.isComplete(entry) ? entry : undefined);
    }
    return kept;
  }

  delete(key: string): boolean | void {
    this.records.drop(key);
    return this.l2.delete(key);
  }

  clear(prefix = ''): void {
    this.records.clear(prefix);
    this.l2.clear(prefix);
  }

  close(): void {
    this.records.trust(false);
    try {
      this.l1.close();
    } finally {
      this.l2.close();
    }
  }
}
