import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readBucketNow, removeEntry, removeNow } from './entry-removal.ts';
import { codeOf, isAbsence } from './file-errors.ts';
import { bucketPath, contentPath, type IndexLine, latestLines } from './layout.ts';
import { isDead, parseMark } from './process-mark.ts';
import { realTime } from './real-time.ts';

/** So many files are worked on at a time, before others have their turn. */
const slice = 32;
/** A draft of another host is given up when it is so old. */
const patience = 10 * 60_000;

/**
 * Work on all files of a directory: listing, counting, sweeping. It is done in slices without waiting in between, as one waits for the
 * thread pool longer than for a file that the system has at hand: five times longer where this was measured.
 *
 * Nothing here needs to be kept in order with the operations of single entries: what is removed is looked at in the same breath.
 */
export class FolderWalk {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Every line that counts, whoever wrote it. Files that vanish meanwhile are passed over. */
  async readLines(): Promise<IndexLine[]> {
    const found: IndexLine[] = [];
    await this.#eachFile('index-v5', 2, (file) => {
      for (const line of latestLines(readBucketNow(file))) found.push(line);
    });
    return found;
  }

  /** `undefined` when it has gone. */
  readContent(integrity: string | null): Uint8Array | undefined {
    const path = contentPath(this.directory, integrity);
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      if (isAbsence(error) || codeOf(error) === 'EISDIR') return undefined;
      throw error;
    }
  }

  /** When an entry with an idle time was last touched; `undefined` when its content has gone. */
  touchedAt(integrity: string | null): number | undefined {
    const path = contentPath(this.directory, integrity);
    const stats = path === undefined ? undefined : statOf(path);
    // Milliseconds that were seconds for a while.
    return stats === undefined ? undefined : Math.round(stats.mtimeMs);
  }

  /**
   * Removes entries that have not been replaced since their lines were read.
   *
   * @param removed told of each one
   * @param isBusy asked before each one, which then stays
   */
  async remove(
    lines: readonly IndexLine[],
    removed: (line: IndexLine) => void,
    isBusy: (line: IndexLine) => boolean = () => false,
  ): Promise<void> {
    for (const [index, line] of lines.entries()) {
      if (index % slice === slice - 1) await nextTurn();
      if (!isBusy(line) && this.#removeOne(line)) removed(line);
    }
  }

  /** Removes what no line leads to: content that lost it, buckets without one, and the drafts of writers that have ended. */
  async removeJunk(): Promise<void> {
    // In this order: whoever writes content has put up a draft before, and takes it away when there is a line.
    const contents: string[] = [];
    await this.#eachFile('content-v2', 3, (file) => contents.push(file));
    const kept = new Set<string>();
    for (const { path, lines } of this.#drafts()) {
      if (isLeft(path)) removeNow(path);
      else for (const line of lines) kept.add(contentPath(this.directory, line.integrity) ?? '');
    }
    await this.#eachFile('index-v5', 2, (file) => {
      const lines = latestLines(readBucketNow(file));
      if (lines.length === 0) this.#removeEmpty(file);
      for (const line of lines) kept.add(contentPath(this.directory, line.integrity) ?? '');
    });
    let count = 0;
    for (const file of contents) {
      if (kept.has(file)) continue;
      removeNow(file);
      if (++count % slice === 0) await nextTurn();
    }
  }

  /** Removes the drafts of writers that have ended, and the content that they were to lead to. @returns whether there were any */
  async removeLeftovers(): Promise<boolean> {
    let found = false;
    for (const { path, lines } of this.#drafts()) {
      if (!isLeft(path)) continue;
      found = true;
      for (const { key, integrity } of lines) {
        const content = contentPath(this.directory, integrity);
        const isUsed = readBucketNow(bucketPath(this.directory, key)).some((line) => line.integrity === integrity);
        if (content !== undefined && !isUsed) removeNow(content);
      }
      removeNow(path);
      await nextTurn();
    }
    return found;
  }

  /** Takes away drafts: whoever was about to put one in place finds that he cannot. */
  removeDrafts(isMeant: (line: IndexLine) => boolean): void {
    for (const { path, lines } of this.#drafts()) if (lines.some(isMeant)) removeNow(path);
  }

  #removeOne({ key, integrity }: IndexLine): boolean {
    return removeEntry(this.directory, key, (line) => line.integrity === integrity) !== undefined;
  }

  /** Nobody is about to write into it: buckets appear whole. */
  #removeEmpty(bucket: string): void {
    if (latestLines(readBucketNow(bucket)).length === 0) removeNow(bucket);
  }

  #drafts(): { readonly path: string; readonly lines: IndexLine[] }[] {
    const folder = join(this.directory, 'tmp');
    return list(folder).map((name) => {
      const path = join(folder, name);
      return { path, lines: readBucketNow(path) };
    });
  }

  async #eachFile(folder: string, depth: number, visit: (path: string) => void): Promise<void> {
    let count = 0;
    const descend = async (path: string, left: number): Promise<void> => {
      for (const name of list(path)) {
        const inner = join(path, name);
        if (left > 0) await descend(inner, left - 1);
        else {
          visit(inner);
          if (++count % slice === 0) await nextTurn();
        }
      }
    };
    await descend(join(this.directory, folder), depth);
  }
}

/** Whether a draft's writer will not come back to it. */
function isLeft(path: string): boolean {
  const mark = parseMark(basename(path));
  if (mark !== undefined && isDead(mark)) return true;
  const stats = statOf(path);
  return stats !== undefined && realTime() - stats.mtimeMs > patience;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isAbsence(error) || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
