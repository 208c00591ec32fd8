export { type Clock, systemClock } from './clock.ts';
export { type Duration, parseDuration } from './duration.ts';
export type { Entry } from './entry.ts';
export {
  CodecError,
  type ErrorCode,
  type ErrorDetails,
  KeyError,
  OptionError,
  RepriseError,
  StoreError,
  TimeoutError,
} from './errors.ts';
export { endOf, toEntry, toRecord } from './record-form.ts';
export {
  type AsyncStore,
  type Bounds,
  type DirectStore,
  type Lease,
  MemoryRecord,
  memoryEpoch,
  type NearTier,
  PlainRecord,
  type RecordDetails,
  type RemovalCause,
  type Store,
  type StoreBase,
  type StoreCapabilities,
  type StoreListener,
  type SyncStore,
  type Trace,
  type Tracker,
} from './store.ts';
