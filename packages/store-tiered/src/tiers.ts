import {
  type Clock,
  type Entry,
  endOf,
  memoryEpoch,
  type Store,
  type StoreBase,
  type StoreCapabilities,
  type StoreListener,
  systemClock,
  toEntry,
} from '@reprise/store/contract';
import { Near } from './near.ts';
import type { FirstTier, Settings } from './options.ts';

/** What two tiers have in common, whether the second one is synchronous or not. */
export abstract class Tiers<Far extends Store> implements StoreBase {
  readonly name = 'tiered';
  readonly capabilities: StoreCapabilities;
  protected readonly l1: FirstTier;
  protected readonly l2: Far;
  protected readonly records: Near;
  #hasClock = false;

  constructor(l1: FirstTier, l2: Far, { life, isTracked }: Settings) {
    this.l1 = l1;
    this.l2 = l2;
    this.records = new Near(l1.direct, life, !isTracked, systemClock);
    // Its bounds are each tier's own, a reader gets what the first one keeps, and who looks for changes looks at the second one.
    const { bounds: _bounds, bytes: _bytes, tracking: _tracking, ...others } = l2.capabilities ?? {};
    this.capabilities = others;
  }

  get persistent(): boolean {
    // One that does not say may outlive the process, or not.
    return this.l2.persistent as boolean;
  }

  useClock(clock: Clock): void {
    if (this.#hasClock) return;
    this.#hasClock = true;
    this.records.clock = clock;
    this.l1.useClock?.(clock);
    this.l2.useClock?.(clock);
  }

  /** What the first tier lets go is still there. */
  listen(listener: StoreListener): () => void {
    const leave = [this.l2.listen?.(listener)];
    if (listener.failed !== undefined) {
      leave.push(this.l1.listen?.({ failed: (error) => listener.failed?.(error) }));
    }
    return () => {
      for (const each of leave) each?.();
    };
  }

  tierOf(key: string): string {
    const tier = this.records.find(key) === undefined ? this.l2 : this.l1;
    return tier.name ?? 'store';
  }

  /** The entry that the first tier may answer. */
  protected findNear(key: string): Entry | undefined {
    const record = this.records.find(key);
    if (record === undefined) return undefined;
    if (endOf(record) > this.records.clock.now() - memoryEpoch) return toEntry(record, record.fullKey);
    this.records.drop(key);
    return undefined;
  }

  /** Whether a value that is being set may be answered as it is: the far tier may add to it what it is told apart by. */
  protected isComplete(entry: { readonly generation?: unknown }): boolean {
    return entry.generation !== undefined || this.l2.capabilities?.fences !== true;
  }
}
