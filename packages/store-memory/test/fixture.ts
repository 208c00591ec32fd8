import { type Entry, MemoryRecord, memoryEpoch, type RemovalCause } from '@reprise/store';
import { type ManualClock, manualClock } from '@reprise/store-testkit';
import { type MemoryStore, type MemoryStoreOptions, memoryStore } from '../src/index.ts';

/** Shared by the tests of a file, and only ever moved on. */
export const clock: ManualClock = manualClock(memoryEpoch);
/** A store on that clock. */
export const make = (options: MemoryStoreOptions = {}): MemoryStore => memoryStore({ clock, ...options });
export const entry = (value: unknown, ttl = Infinity): Entry => {
  const end = clock.now() + ttl;
  return { value, createdAt: clock.now(), expiresAt: end, staleUntil: end };
};
export const record = (value: unknown, ttl = Infinity): MemoryRecord => {
  const now = clock.now() - memoryEpoch;
  return new MemoryRecord(value, now, now + ttl, undefined);
};
/** What a store reports, in order. */
export function listen(store: MemoryStore): {
  removed: [unknown, RemovalCause][];
  failed: [unknown, string | undefined][];
} {
  const heard: ReturnType<typeof listen> = { removed: [], failed: [] };
  store.listen({
    removed: (key, cause) => heard.removed.push([key, cause]),
    failed: (error, key) => heard.failed.push([error, key]),
  });
  return heard;
}
export const keysOf = (store: MemoryStore): string[] => [...store.entries()].map(([key]) => key).sort();

/** A store, and how often it has asked its clock since that was last counted. */
export function makeCounted(options: MemoryStoreOptions): { store: MemoryStore; countReads: () => number } {
  let reads = 0;
  const counted = {
    now: () => {
      reads++;
      return clock.now();
    },
  };
  const countReads = (): number => {
    const counts = reads;
    reads = 0;
    return counts;
  };
  return { store: memoryStore({ ...options, clock: counted }), countReads };
}
