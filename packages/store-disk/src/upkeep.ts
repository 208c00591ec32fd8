import type { OperationOrder, RemovalCause, Reports } from '@reprise/store';
import type { BoundKeeper } from './bound-keeper.ts';
import type { EntryFiles } from './entry-files.ts';
import type { Fences } from './fences.ts';
import type { FolderWalk } from './folder-walk.ts';
import type { Front } from './front.ts';
import type { KeySpace } from './key-space.ts';
import type { IndexLine } from './layout.ts';
import { endOf, type Fact } from './ledger.ts';

/** What upkeep takes of the store. */
export interface UpkeepMeans {
  readonly keys: KeySpace;
  readonly files: EntryFiles;
  readonly walk: FolderWalk;
  readonly fences: Fences;
  readonly front: Front | undefined;
  readonly order: OperationOrder;
  readonly reports: Reports;
  keeper(): BoundKeeper;
  now(): number;
}

/** What a store does to its directory as a whole. */
export class Upkeep {
  readonly #means: UpkeepMeans;
  #settling: Promise<void> | undefined;

  constructor(means: UpkeepMeans) {
    this.#means = means;
  }

  /** The lines of this namespace whose key begins with `prefix`, and those keys. */
  async ownLines(prefix: string): Promise<[IndexLine, string][]> {
    const { keys, reports, walk } = this.#means;
    const lines = await reports.attempt('list', () => walk.readLines());
    const own: [IndexLine, string][] = [];
    for (const line of lines) {
      const key = keys.fromIndex(line.key);
      if (key?.startsWith(prefix)) own.push([line, key]);
    }
    return own;
  }

  /** For the bounds: all lines of this namespace that count; what is void makes room first. */
  async readLiving(): Promise<IndexLine[]> {
    const lines = (await this.ownLines('')).map(([line]) => line);
    const living: IndexLine[] = [];
    const voided: IndexLine[] = [];
    for (const line of lines) (this.#means.fences.isVoidLine(line) ? voided : living).push(line);
    await this.removeAll(voided);
    return living;
  }

  /** Removes entries that have not been replaced since. */
  async removeAll(lines: readonly IndexLine[], removed?: (line: IndexLine) => void): Promise<void> {
    const { front, reports, walk } = this.#means;
    await reports.attempt('remove', () =>
      walk.remove(lines, (line) => {
        front?.drop(line.key);
        this.#means.keeper().drop(line.key);
        removed?.(line);
      }),
    );
  }

  /** Removes entries for want of room or for their age, each if it is still what is known of it. @returns those that went */
  async removeFacts(
    facts: readonly (readonly [indexKey: string, fact: Fact])[],
    cause: RemovalCause,
  ): Promise<Set<string>> {
    const { files, front, keys, order, reports, walk } = this.#means;
    const removed = new Set<string>();
    const tell = ({ key }: IndexLine): void => {
      removed.add(key);
      front?.drop(key);
      reports.removed(keys.fromIndex(key), cause);
    };
    const lines = facts.map(([key, { integrity, size }]): IndexLine => ({ key, integrity, size, time: 0 }));
    const busy: IndexLine[] = [];
    await walk.remove(lines, tell, (line) => {
      const isBusy = order.isChanging(keys.fromIndex(line.key) ?? '');
      if (isBusy) busy.push(line);
      return isBusy;
    });
    // What is being written is counted when that is done: it goes after it.
    for (const line of busy) {
      const isSame = ({ integrity }: IndexLine): boolean => integrity === line.integrity;
      const gone = await order.change(keys.fromIndex(line.key) ?? '', () => files.remove(line.key, isSame));
      if (gone !== undefined) tell(gone);
    }
    return removed;
  }

  /** What killed writers left; where there was something, there may be more that nothing tells of. */
  async removeLeftovers(): Promise<void> {
    const { reports, walk } = this.#means;
    try {
      if (await walk.removeLeftovers()) await walk.removeJunk();
    } catch (error) {
      reports.failed(reports.failure('sweep', error));
    }
  }

  /** @returns how many entries went for their age */
  async prune(): Promise<number> {
    const { keys, reports, walk } = this.#means;
    const now = this.#means.now();
    const ended = (await this.readLiving()).filter((line) => this.#hasEnded(line, now));
    let count = 0;
    await this.removeAll(ended, ({ key }) => {
      count++;
      reports.removed(keys.fromIndex(key), 'expire');
    });
    await reports.attempt('sweep', () => walk.removeJunk());
    this.settle();
    await this.#settling;
    await this.#means.keeper().sweep(true);
    return count;
  }

  /**
   * Where the log knows many names: removes what is void by the older ones, in all namespaces, so that they need not be known any more.
   * One at a time, in the background.
   */
  settle(): void {
    const { fences, order } = this.#means;
    if (this.#settling !== undefined || !fences.knowsMany()) return;
    const work = this.#settle().catch((error: unknown) => {
      const { reports } = this.#means;
      reports.failed(reports.failure('sweep', error));
    });
    this.#settling = work.finally(() => {
      this.#settling = undefined;
    });
    void order.track(this.#settling);
  }

  async #settle(): Promise<void> {
    const { fences, walk } = this.#means;
    // Sets that are so old are refused from here on. One that looked before has its draft there: without it, it ends in nothing.
    const upTo = fences.refuseOlder();
    walk.removeDrafts((line) => fences.isOlder(line, upTo));
    const lines = await walk.readLines();
    await walk.remove(
      lines.filter((line) => fences.isVoidLine(line)),
      ({ key }) => this.#means.keeper().drop(key),
    );
    fences.forgetUpTo(upTo);
  }

  #hasEnded(line: IndexLine, now: number): boolean {
    if (endOf(line) <= now) return true;
    if (line.metadata?.idle === undefined) return false;
    const touchedAt = this.#means.walk.touchedAt(line.integrity);
    return touchedAt !== undefined && touchedAt + line.metadata.idle <= now;
  }
}
