import type { MemoryRecord } from '@reprise/store/contract';

interface Reading {
  readers: number;
  isOvertaken: boolean;
}

/**
 * Tells what may be written back of what was read: a store that takes its time may answer with what has been invalidated or replaced
 * since it was asked, and that is not to come back.
 */
export class OvertakenReads {
  readonly #open = new Map<string, Reading>();
  #changes = 0;
  /** What was read, with the number of changes by then: an invalidation may still come before it is written back. */
  readonly #current = new WeakMap<MemoryRecord, number>();

  begin(key: string): void {
    const reading = this.#open.get(key);
    if (reading === undefined) this.#open.set(key, { readers: 1, isOvertaken: false });
    else reading.readers++;
  }

  end(key: string, record: MemoryRecord | undefined): void {
    const reading = this.#open.get(key);
    if (reading === undefined) return;
    if (--reading.readers === 0) this.#open.delete(key);
    if (record?.rest?.idle !== undefined && !reading.isOvertaken) this.#current.set(record, this.#changes);
  }

  /** A key is being written, or its entry removed. */
  overtake(key: string, isRemoved: boolean): void {
    if (isRemoved) this.#changes++;
    const reading = this.#open.get(key);
    if (reading !== undefined) reading.isOvertaken = true;
  }

  /** All keys that begin with `prefix` are being removed. */
  overtakeAll(prefix: string): void {
    this.#changes++;
    for (const [key, reading] of this.#open) if (key.startsWith(prefix)) reading.isOvertaken = true;
  }

  isCurrent(record: MemoryRecord): boolean {
    return this.#current.get(record) === this.#changes;
  }
}
