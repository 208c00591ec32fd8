import { type Entry, MemoryRecord, memoryEpoch, type RecordDetails, StoreError } from '@reprise/store/contract';

/** A store's entry in the form that the engine judges. @throws StoreError when it is no entry at all */
export function recordOf(entry: unknown): MemoryRecord {
  if (typeof entry !== 'object' || entry === null || !hasMoments(entry as Entry)) {
    throw new StoreError('the store answered with something that is no entry');
  }
  if (!('value' in entry) && !('error' in entry)) {
    throw new StoreError('the store answered with an entry that has neither a value nor an error');
  }
  const { createdAt, expiresAt, staleUntil, tags, idle, loadTime, generation, size, promised } = entry as Entry;
  const failed = 'error' in entry;
  const rest: RecordDetails = {};
  if (failed) rest.failed = true;
  if (staleUntil > expiresAt) rest.staleUntil = staleUntil - memoryEpoch;
  if (tags !== undefined) rest.tags = tags;
  if (idle !== undefined) rest.idle = idle;
  if (loadTime !== undefined) rest.loadTime = loadTime;
  if (generation !== undefined) rest.generation = generation;
  if (size !== undefined) rest.size = size;
  if (promised) rest.promised = true;
  return new MemoryRecord(
    failed ? (entry as Entry).error : (entry as Entry).value,
    createdAt - memoryEpoch,
    expiresAt - memoryEpoch,
    rest,
  );
}

/**
 * Whether an entry is that of a whole key. A key of bounded length is only a place to look, and then the entry says which call it
 * belongs to; one that names another call is not this one's in any case.
 */
export function isOfKey(entry: Entry, key: string, isShortened: boolean): boolean {
  return entry.key === undefined ? !isShortened : entry.key === key;
}

/** What a store of entries is given to keep. `key` is the whole key, where the store's is a shortened one. */
export function entryOf(record: MemoryRecord, key: string | undefined): Entry {
  const { rest } = record;
  const expiresAt = record.expiresAt + memoryEpoch;
  return {
    ...(rest?.failed ? { error: record.value } : { value: record.value }),
    createdAt: record.createdAt + memoryEpoch,
    expiresAt,
    staleUntil: rest?.staleUntil === undefined ? expiresAt : rest.staleUntil + memoryEpoch,
    ...(key !== undefined && { key }),
    ...(rest?.tags !== undefined && { tags: rest.tags }),
    ...(rest?.idle !== undefined && { idle: rest.idle }),
    ...(rest?.loadTime !== undefined && { loadTime: rest.loadTime }),
    ...(rest?.generation !== undefined && { generation: rest.generation }),
    ...(rest?.size !== undefined && { size: rest.size }),
    ...(rest?.promised && { promised: true }),
  };
}

function hasMoments({ createdAt, expiresAt, staleUntil }: Entry): boolean {
  return isMoment(createdAt) && isMoment(expiresAt) && isMoment(staleUntil);
}

function isMoment(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
