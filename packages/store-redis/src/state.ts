import { StoreError } from '@reprise/store';

/** The counters of a place, as they stand in one short text that only scripts write. */
export interface State {
  /** Made at random when there is no state: what belongs to another mark is void. */
  readonly mark: string;
  /** Which master wrote it: on any other it counts for nothing. */
  readonly origin: string;
  /** Counts invalidations. */
  readonly epoch: number;
  /** What is older is void, whatever it is. */
  readonly cleared: number;
  /** Beginnings that were cleared, and whose entries are still being swept: what is older is void. */
  readonly pending: readonly PendingClear[];
}

interface PendingClear {
  readonly epoch: number;
  readonly idPrefix: Buffer;
}

/** How many characters a mark has. */
export const markLength = 24;

/**
 * @param bytes the text, `null` where there is none: `R2 <mark> <origin> <epoch> <cleared>;`, then `<epoch> <length>:<bytes>` for each
 * beginning. One of the first release, `R1`, does not say where it was written: it counts for nothing
 * @throws StoreError for what is no state of this release
 */
export function parseState(bytes: Buffer | null): State | undefined {
  if (bytes === null) return undefined;
  const text = bytes.toString('latin1', 0, 120);
  const head = /^R2 ([0-9a-z]{24}) ([0-9a-f]+) (\d+) (\d+);/.exec(text);
  if (head === null) {
    if (/^R1 [0-9a-z]{24} \d+ \d+;/.test(text)) return undefined;
    throw new StoreError(
      'the state is not of this release: a later one uses the same prefix, or something else does; give the store another prefix',
    );
  }
  const [all, mark = '', origin = '', epoch, cleared] = head;
  const pending: PendingClear[] = [];
  for (let at = all.length; at < bytes.length; ) {
    const part = /^(\d+) (\d+):/.exec(bytes.toString('latin1', at, at + 40));
    if (part === null)
      throw new StoreError(
        'the state is damaged: delete that key, which voids all entries, or give the store another prefix',
      );
    const start = at + part[0].length;
    at = start + Number(part[2]);
    pending.push({ epoch: Number(part[1]), idPrefix: bytes.subarray(start, at) });
  }
  return { mark, origin, epoch: Number(epoch), cleared: Number(cleared), pending };
}

/** Which master it is whose `INFO replication` this is; `''` for a replica. As the scripts have it. */
export function readOrigin(info: string): string {
  if (info.includes('role:slave')) return '';
  return /master_replid:([0-9a-f]{1,16})/.exec(info)?.[1] ?? '';
}

/** Whether something of that epoch, under that id, has been cleared since. */
export function isCleared(state: State, epoch: number, findId: () => Buffer): boolean {
  if (epoch < state.cleared) return true;
  if (state.pending.length === 0) return false;
  const id = findId();
  return state.pending.some((one) => epoch < one.epoch && one.idPrefix.equals(id.subarray(0, one.idPrefix.length)));
}

/** The counter as an answer to `generation()`. */
export function writeGeneration(mark: string, epoch: number): string {
  return `${mark}:${epoch}`;
}

/** What a text says that a place may have given; `undefined` for any other. */
export function readGeneration(generation: unknown): { readonly mark: string; readonly epoch: string } | undefined {
  if (typeof generation !== 'string') return undefined;
  const match = /^([0-9a-z]{24}):([1-9]\d{0,14})$/.exec(generation);
  return match === null ? undefined : { mark: match[1] as string, epoch: match[2] as string };
}
