import { readFile as readFileBack, writeFile as writeFileBack } from 'node:fs';
import { mkdir, rename, rm, unlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { removeEntry } from './entry-removal.ts';
import { codeOf, isAbsence } from './file-errors.ts';
import {
  bucketPath,
  contentPath,
  draftPath,
  formatBucket,
  type IndexLine,
  integrityOf,
  type LineDetails,
  latestLines,
  parseBucket,
} from './layout.ts';

const fileMode = 0o600;
const folderMode = 0o700;

// The forms of `node:fs/promises` take half as long again for a small file.
const readFile = promisify(readFileBack);
const writeFile = promisify(writeFileBack);

/** What a write is told. */
export interface EntryWrite {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly details: LineDetails;
  readonly time: number;
  /** From when its idle time counts. */
  readonly createdAt: number;
  /** Asked when all but the last step is done, and once more after that: whether it may still be there. */
  mayStand(): boolean;
}

/**
 * The files of single entries, written in cacache's layout by code of our own, because cacache's
 * - appends to the index, so that a key's bucket grows with every write of it, and rewriting it loses a line that another process
 *   appends meanwhile: here a bucket is replaced as a whole by a rename, and the last writer wins;
 * - leaves the content of an overwritten key where it is, and keeps damaged content when the same is put again;
 * - makes files that others may read.
 *
 * Content is written under its final name: nothing leads to it until the bucket has been renamed. Before that the draft of the bucket
 * stands in `tmp`, named after the process: by it, a sweep tells content that is on its way from content that was left behind.
 */
export class EntryFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Puts content under a key, and frees what was there.
   *
   * @returns the new line. When it may not stand: `'refused'`, and what was there is there still; or `'withdrawn'`, and nothing is there
   */
  async write(write: EntryWrite): Promise<IndexLine | 'refused' | 'withdrawn'> {
    const { key, bytes, details, time, createdAt, mayStand } = write;
    const integrity = integrityOf(bytes);
    const line: IndexLine = { key, integrity, time, size: bytes.length, metadata: details };
    const bucket = bucketPath(this.directory, key);
    const content = contentPath(this.directory, integrity) as string;
    const draft = draftPath(this.directory);
    const reading = this.#readBucket(bucket).then(async (lines) => {
      if (lines.length === 0) await makeNewFolder(dirname(bucket));
      return lines;
    });
    const making = makeNewFolder(dirname(content));
    const writing = this.#intoFolder(draft, () => createFile(draft, formatBucket(line))).then(async () => {
      await making;
      await this.#intoFolder(content, () => createFile(content, bytes));
      if (details.idle !== undefined) await utimes(content, createdAt / 1_000, createdAt / 1_000);
    });
    const all = [reading, making, writing] as const;
    try {
      const [lines] = await Promise.all(all);
      if (!mayStand()) {
        await Promise.all([removeFile(content), removeFile(draft)]);
        return 'refused';
      }
      await this.#place(draft, bucket);
      await this.#removeContents(lines, key, integrity);
    } catch (error) {
      // All have to end before what they left can be taken away.
      await Promise.allSettled(all);
      await Promise.allSettled([removeFile(content), removeFile(draft)]);
      throw error;
    }
    if (mayStand()) return line;
    await this.remove(key, (latest) => latest.integrity === integrity);
    return 'withdrawn';
  }

  /**
   * Removes a key and its content.
   *
   * @param isMeant whether what is there now shall go; without it, whatever is there goes
   * @returns what was there; `undefined` when there was nothing, or nothing that is meant
   */
  async remove(key: string, isMeant?: (line: IndexLine) => boolean): Promise<IndexLine | undefined> {
    if (isMeant !== undefined) return removeEntry(this.directory, key, isMeant);
    const bucket = bucketPath(this.directory, key);
    const lines = await this.#readBucket(bucket);
    await removeFile(bucket);
    await this.#removeContents(lines, key);
    return latestLine(lines, key);
  }

  /** What the index says of a key. */
  async lineOf(key: string): Promise<IndexLine | undefined> {
    return latestLine(await this.#readBucket(bucketPath(this.directory, key)), key);
  }

  /** Lets the idle time of content begin anew; content that has gone meanwhile is none of its own. */
  async touch(integrity: string | null, time: number): Promise<void> {
    const path = contentPath(this.directory, integrity);
    if (path === undefined) return;
    try {
      await utimes(path, time / 1_000, time / 1_000);
    } catch (error) {
      if (!isAbsence(error)) throw error;
    }
  }

  async #readBucket(path: string): Promise<IndexLine[]> {
    try {
      return parseBucket(await readFile(path, 'utf8'));
    } catch (error) {
      // A folder where a file belongs holds no line, and goes when the key is next written.
      if (isAbsence(error) || codeOf(error) === 'EISDIR') return [];
      throw error;
    }
  }

  async #place(draft: string, bucket: string): Promise<void> {
    try {
      await this.#intoFolder(bucket, () => rename(draft, bucket));
    } catch (error) {
      if (codeOf(error) !== 'EISDIR') throw error;
      await rm(bucket, { recursive: true, force: true });
      await rename(draft, bucket);
    }
  }

  async #removeContents(lines: readonly IndexLine[], key: string, kept?: string): Promise<void> {
    for (const line of lines) {
      if (line.key !== key || line.integrity === kept) continue;
      const path = contentPath(this.directory, line.integrity);
      if (path !== undefined) await removeFile(path);
    }
  }

  /** Tries first and makes the folder when it is missing: it seldom is, and somebody may have removed it since. */
  async #intoFolder(path: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isAbsence(error)) throw error;
      await mkdir(dirname(path), { recursive: true, mode: folderMode });
      await write();
    }
  }
}

function latestLine(lines: readonly IndexLine[], key: string): IndexLine | undefined {
  return latestLines(lines).find((line) => line.key === key);
}

/** A folder that is nearly always missing, as there are 65,536 of them, and the one above there: one call instead of three. */
async function makeNewFolder(path: string): Promise<void> {
  try {
    await mkdir(path, folderMode);
  } catch (error) {
    if (isAbsence(error)) await mkdir(path, { recursive: true, mode: folderMode });
    else if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function createFile(path: string, data: Uint8Array | string): Promise<void> {
  return writeFile(path, data, { flag: 'wx', mode: fileMode });
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (isAbsence(error)) return;
    // A folder where a file belongs.
    await rm(path, { recursive: true, force: true });
  }
}
