import type { MemoryRecord } from '@reprise/store/contract';
import { LRUCache } from 'lru-cache';

export type Key = NonNullable<unknown>;
export type Lru = LRUCache<Key, MemoryRecord>;

/** What an lru holds, slot by slot; `undefined` where a slot is empty. Only ever read. */
export interface Slots {
  readonly keys: readonly (Key | undefined)[];
  readonly records: readonly (MemoryRecord | undefined)[];
  /** The slot of a key. */
  readonly places: ReadonlyMap<Key, number>;
  /** Marks the record in a slot as recently used. */
  readonly touch: (slot: number) => void;
}

/**
 * The slots of an lru. They can be looked at from any of them on for a twentieth of the cost of a step of its iterators, and
 * a hit in them costs half of what its `get` adds to that of a `Map`, which asks for ttls, fetches and tracing.
 * lru-cache does not promise them: where they are missing, all goes by its methods.
 */
export function exposeSlots(lru: Lru): Slots | undefined {
  const exposed: Readonly<Record<string, unknown>> = LRUCache.unsafeExposeInternals?.(lru) ?? {};
  const { keyList, valList, keyMap, moveToTail } = exposed;
  if (!Array.isArray(keyList) || !Array.isArray(valList)) return undefined;
  if (!(keyMap instanceof Map) || typeof moveToTail !== 'function') return undefined;
  return { keys: keyList, records: valList, places: keyMap, touch: moveToTail as Slots['touch'] };
}
