import type { RepriseError } from '@reprise/store/contract';

/** On whose behalf an operation is sent. */
export interface Sender {
  /** `storeTimeout` in milliseconds, at the moment. */
  limit(): number;
  /** Hears of each failure, whether or not a caller is told. */
  report(error: RepriseError, key: string | undefined): void;
  /** What all keys that it may send begin with, the namespace included. */
  prefixes(): readonly string[];
}
