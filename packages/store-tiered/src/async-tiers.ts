import { type AsyncStore, type Entry, type NearTier, StoreError } from '@reprise/store/contract';
import { handedOn } from './handed-on.ts';
import type { FirstTier, Settings } from './options.ts';
import { Tiers } from './tiers.ts';

/** Memory in front of an asynchronous store. */
export class AsyncTiers extends Tiers<AsyncStore> implements AsyncStore {
  readonly sync = false;
  readonly near: NearTier;
  readonly getMany?: (keys: readonly string[]) => Promise<readonly (Entry | undefined)[]>;
  readonly invalidateTags?: (tags: readonly string[]) => Promise<void>;
  readonly snapshot?: (value: unknown) => unknown;
  readonly #untrack: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(l1: FirstTier, l2: AsyncStore, settings: Settings) {
    super(l1, l2, settings);
    const { records } = this;
    this.near = { find: (key, isAhead, trace) => records.find(key, isAhead, trace) };
    if (l2.copy !== undefined) this.snapshot = (value) => l2.copy?.(value);
    if (l2.getMany !== undefined) this.getMany = (keys) => this.#getMany(keys);
    if (l2.invalidateTags !== undefined) {
      this.invalidateTags = async (tags) => {
        records.void(tags);
        await l2.invalidateTags?.(tags);
      };
    }
    Object.assign(this, handedOn(l2));
    if (settings.isTracked) {
      this.#untrack = l2.track?.({
        changed: (key) => records.drop(key),
        cleared: (prefix) => records.clear(prefix),
        tagsInvalidated: (tags) => records.void(tags),
        trusted: (isTrusted) => records.trust(isTrusted),
        heard: (at) => records.hear(at),
      });
    }
  }

  async get(key: string): Promise<Entry | undefined> {
    const near = this.findNear(key);
    if (near !== undefined) return near;
    const question = this.records.ask(key);
    let entry: Entry | undefined;
    try {
      entry = await this.l2.get(key);
    } finally {
      this.records.answer(question, entry);
    }
    return entry;
  }

  async #getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const found = keys.map((key) => this.findNear(key));
    const missing = keys.filter((_, index) => found[index] === undefined);
    if (missing.length === 0) return found;
    const questions = missing.map((key) => this.records.ask(key));
    let entries: readonly (Entry | undefined)[] = [];
    try {
      entries = (await this.l2.getMany?.(missing)) ?? [];
      if (entries.length !== missing.length) {
        throw new StoreError(`getMany of ${missing.length} keys did not answer an entry, or undefined, for each`);
      }
    } finally {
      for (const [index, question] of questions.entries()) this.records.answer(question, entries[index]);
    }
    let next = 0;
    return found.map((entry) => entry ?? entries[next++]);
  }

  async set(key: string, entry: Entry): Promise<boolean | void> {
    this.records.drop(key);
    const question = this.records.ask(key);
    let kept: boolean | void = false;
    try {
      kept = await this.l2.set(key, entry);
    } finally {
      this.records.answer(question, kept !== false && this.isComplete(entry) ? entry : undefined);
    }
    return kept;
  }

  async delete(key: string): Promise<boolean | void> {
    this.records.drop(key);
    return this.l2.delete(key);
  }

  async clear(prefix = ''): Promise<void> {
    this.records.clear(prefix);
    await this.l2.clear(prefix);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#untrack?.();
    this.records.trust(false);
    try {
      this.l1.close();
    } finally {
      await this.l2.close();
    }
  }
}
