import { type Entry, MemoryRecord, memoryEpoch, type RecordDetails, StoreError } from '@reprise/store/contract';
import type { Keeping } from './keeping.ts';
import { areVoided, epochOf, markEpoch } from './tags.ts';
import type { Inspection } from './types.ts';

/**
 * A store's entry in the form that the engine judges.
 *
 * @param told see {@link epochOf}
 * @param judgesIdle whether the store itself judges the idle time
 * @param isFenced whether it has counters of its own
 * @throws StoreError when it is no entry at all
 */
export function recordOf(entry: unknown, told: number, judgesIdle: boolean, isFenced: boolean = false): MemoryRecord {
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
  if (tags !== undefined && tags.length > 0) {
    rest.tags = tags;
    rest.generation = epochOf(generation, told);
  }
  if (idle !== undefined) rest.idle = judgesIdle ? Infinity : idle;
  if (generation !== undefined && isFenced) rest.fence = generation;
  if (loadTime !== undefined) rest.loadTime = loadTime;
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

/**
 * What a store of entries is given to keep.
 *
 * @param key the whole key, where the store's is a shortened one
 * @param isFenced whether the store has counters of its own
 */
export function entryOf(record: MemoryRecord, key: string | undefined, isFenced: boolean = false): Entry {
  const { rest } = record;
  const epoch = rest?.generation as number | undefined;
  const generation = isFenced || epoch === undefined ? rest?.fence : markEpoch(epoch);
  const expiresAt = record.expiresAt + memoryEpoch;
  return {
    ...(rest?.failed ? { error: record.value } : { value: record.value }),
    createdAt: record.createdAt + memoryEpoch,
    expiresAt,
    staleUntil: rest?.staleUntil === undefined ? expiresAt : rest.staleUntil + memoryEpoch,
    ...(key !== undefined && { key }),
    ...(rest?.tags !== undefined && { tags: [...rest.tags] }),
    ...(rest?.idle !== undefined && { idle: rest.idle }),
    ...(rest?.loadTime !== undefined && { loadTime: rest.loadTime }),
    ...(generation !== undefined && { generation }),
    ...(rest?.size !== undefined && { size: rest.size }),
    ...(rest?.promised && { promised: true }),
  };
}

/** The rarer parts of a record that is being kept; `undefined` where there are none. Times as in records. */
export function detailsOf(
  keeping: Keeping,
  expiresAt: number,
  promise: Promise<unknown> | undefined,
  loadTime: number | undefined,
  epoch: number,
): RecordDetails | undefined {
  const { staleFor, guarded, failed, idle, tags, copied } = keeping;
  if (!guarded && staleFor === 0 && tags === undefined) return promise === undefined ? undefined : { promise };
  const rest: RecordDetails = {};
  if (failed) {
    rest.failed = true;
    if (promise !== undefined) rest.promised = true;
  } else if (promise !== undefined) rest.promise = promise;
  if (staleFor > 0) rest.staleUntil = expiresAt + staleFor;
  if (guarded) {
    rest.guarded = true;
    if (loadTime !== undefined) rest.loadTime = loadTime;
  }
  if (copied) rest.copied = true;
  if (idle !== undefined) rest.idle = idle;
  if (tags !== undefined) {
    rest.tags = tags;
    rest.generation = epoch;
  }
  return rest;
}

/** A record on its way to a store that keeps entries: nothing in it is of this process alone. */
export function recordToStore(
  value: unknown,
  keeping: Keeping,
  promised: boolean,
  loadTime: number | undefined,
  epoch: number,
  fence: number | string | undefined,
  now: number,
): MemoryRecord {
  const expiresAt = now + keeping.lifetime;
  const rest = detailsOf({ ...keeping, guarded: true }, expiresAt, undefined, loadTime, epoch) as RecordDetails;
  if (promised) rest.promised = true;
  if (fence !== undefined) rest.fence = fence;
  return new MemoryRecord(value, now, expiresAt, rest);
}

/** The same record, its idle time counting from `now`: an entry tells idle time from when it was made. */
export function touchRecord(
  { value, createdAt, expiresAt, rest }: MemoryRecord,
  idle: number,
  now: number,
): MemoryRecord {
  return new MemoryRecord(value, createdAt, expiresAt, { ...rest, idle: now - createdAt + idle });
}

/** Whether a label of the record has been invalidated since its run began. */
export function hasVoidedTags({ rest }: MemoryRecord): boolean {
  return rest?.tags !== undefined && areVoided(rest.tags, rest.generation as number);
}

/** Whether a record may be answered in any way at `now`: fresh, or in a window that was declared. */
export function isLiving(record: MemoryRecord, now: number): boolean {
  const { expiresAt, createdAt, rest } = record;
  if (rest === undefined) return now < expiresAt;
  if (rest.idle !== undefined && now >= (rest.readAt ?? createdAt) + rest.idle) return false;
  return now < (rest.staleUntil ?? expiresAt) && !hasVoidedTags(record);
}

/** What is known of a living record, as people are told. */
export function inspectRecord(record: MemoryRecord, key: string, tier: string, now: number): Inspection {
  const { expiresAt, createdAt, rest } = record;
  const isFresh = now < expiresAt;
  const idleLeft = rest?.idle === undefined ? Infinity : (rest.readAt ?? createdAt) + rest.idle - now;
  return {
    key,
    status: isFresh ? 'fresh' : 'stale',
    age: Math.max(0, now - createdAt),
    expiresIn: isFresh ? Math.min(expiresAt - now, idleLeft) : 0,
    staleFor: rest?.staleUntil === undefined ? 0 : rest.staleUntil - Math.max(now, expiresAt),
    tags: [...(rest?.tags ?? [])],
    tier,
  };
}

function hasMoments({ createdAt, expiresAt, staleUntil }: Entry): boolean {
  return isMoment(createdAt) && isMoment(expiresAt) && isMoment(staleUntil);
}

function isMoment(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}
