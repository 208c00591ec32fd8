import type { Entry } from './entry.ts';
import { MemoryRecord, memoryEpoch, type RecordDetails } from './store.ts';

/** The moment at which a record can no longer be answered in any way, relative to the epoch of records; `Infinity` never. */
export function endOf(record: MemoryRecord): number {
  const rest = record.rest;
  if (rest === undefined) return record.expiresAt;
  const end = rest.staleUntil ?? record.expiresAt;
  return rest.idle === undefined ? end : Math.min(end, (rest.readAt ?? record.createdAt) + rest.idle);
}

/** An entry in the form in which memory keeps it. */
export function toRecord(entry: Entry): MemoryRecord {
  const failed = 'error' in entry;
  const { expiresAt, staleUntil, tags, idle, loadTime, generation, promised, size } = entry;
  const rest: RecordDetails = {};
  if (failed) rest.failed = true;
  if (staleUntil !== expiresAt) rest.staleUntil = staleUntil - memoryEpoch;
  if (tags !== undefined) rest.tags = tags;
  if (idle !== undefined) rest.idle = idle;
  if (loadTime !== undefined) rest.loadTime = loadTime;
  if (generation !== undefined) rest.generation = generation;
  if (promised !== undefined) rest.promised = promised;
  if (size !== undefined) rest.size = size;
  return new MemoryRecord(
    failed ? entry.error : entry.value,
    entry.createdAt - memoryEpoch,
    expiresAt - memoryEpoch,
    Object.keys(rest).length === 0 ? undefined : rest,
  );
}

/**
 * A record as the entry it was made from.
 *
 * @param key the whole key, where the entry had one
 */
export function toEntry(record: MemoryRecord, key: string | undefined): Entry {
  const { value, rest } = record;
  const createdAt = record.createdAt + memoryEpoch;
  const expiresAt = record.expiresAt + memoryEpoch;
  if (rest === undefined && key === undefined) return { value, createdAt, expiresAt, staleUntil: expiresAt };
  const { failed, staleUntil, tags, idle, loadTime, generation, promised, size } = rest ?? {};
  return {
    ...(failed === true ? { error: value } : { value }),
    createdAt,
    expiresAt,
    staleUntil: staleUntil === undefined ? expiresAt : staleUntil + memoryEpoch,
    ...(key !== undefined && { key }),
    ...(tags !== undefined && { tags }),
    ...(idle !== undefined && { idle }),
    ...(loadTime !== undefined && { loadTime }),
    ...(generation !== undefined && { generation }),
    ...(promised !== undefined && { promised }),
    ...(size !== undefined && { size }),
  };
}
