import { setImmediate } from 'node:timers';
import type { EntryRows, NewRow } from './entry-rows.ts';
import { isVoid } from './fences.ts';
import type { Session } from './session.ts';

/** Why a result may be stored. */
export interface Judgement {
  /** What the counter was when its run began. */
  readonly epoch: number;
  /** The file that this is about. */
  readonly mark: string;
  /** The counter at which it was last found not to be void. */
  readonly judgedAt: number;
}

/** A write that waits for the end of the tick. */
export interface WaitingWrite {
  readonly row: NewRow;
  readonly judgement: Judgement;
}

const most = { writes: 1_000, bytes: 4_194_304, uses: 10_000 };

/** Results and uses that wait for the transaction at the end of the tick. Invalidations never wait. */
export class WaitingWrites {
  readonly #writes = new Map<string, WaitingWrite>();
  /** Told by `touch`: when, each time. One of them may find an entry alive only thanks to the one before. */
  readonly #touches = new Map<string, number[]>();
  /** Read, where the order of use matters: they wait for the next write, whenever that is. */
  readonly #uses = new Set<string>();
  readonly #flush: () => void;
  #bytes = 0;
  #isScheduled = false;

  constructor(flush: () => void) {
    this.#flush = flush;
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0 && this.#touches.size === 0 && this.#uses.size === 0;
  }

  /** Whether there is something that others shall see. */
  get isDue(): boolean {
    return this.#writes.size > 0 || this.#touches.size > 0;
  }

  get(fullKey: string): WaitingWrite | undefined {
    return this.#writes.size === 0 ? undefined : this.#writes.get(fullKey);
  }

  isTouched(fullKey: string): boolean {
    return this.#touches.has(fullKey);
  }

  add(write: WaitingWrite): void {
    const { fullKey, bytes } = write.row;
    if (this.#touches.size > 0) this.#touches.delete(fullKey);
    this.#bytes += bytes - (this.#writes.get(fullKey)?.row.bytes ?? 0);
    this.#writes.set(fullKey, write);
    if (this.#writes.size >= most.writes || this.#bytes >= most.bytes) this.#flush();
    else this.#schedule();
  }

  touch(fullKey: string, at: number): void {
    const times = this.#touches.get(fullKey);
    if (times === undefined) this.#touches.set(fullKey, [at]);
    else if (times.at(-1) !== at) times.push(at);
    if (this.#touches.size >= most.uses || (times?.length ?? 0) >= most.uses) this.#flush();
    else this.#schedule();
  }

  use(fullKey: string): void {
    this.#uses.add(fullKey);
    if (this.#uses.size >= most.uses) this.#flush();
  }

  /**
   * Writes all of it; what has become void since is not kept. Part of a transaction: {@link clear} when that is done.
   *
   * @param now what the counter of invalidations is
   */
  write(session: Session, rows: EntryRows, now: number, nextUse: () => number): void {
    for (const fullKey of this.#uses) rows.use(session, fullKey, nextUse());
    for (const { row, judgement } of this.#writes.values()) {
      const { mark, epoch } = judgement;
      if (mark === session.mark && !isVoid(session, row, epoch, now)) rows.put(session, row, nextUse());
    }
    for (const [fullKey, times] of this.#touches) {
      for (const at of times) rows.touch(session, fullKey, at, nextUse());
    }
  }

  clear(): void {
    this.#writes.clear();
    this.#touches.clear();
    this.#uses.clear();
    this.#bytes = 0;
  }

  /** The handle keeps the process alive for the rest of this turn of the loop, and no longer: nothing is lost at a normal end. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.isDue) this.#flush();
    });
  }
}
