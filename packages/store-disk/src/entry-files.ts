import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, isAbsence } from './file-errors.ts';
import {
  bucketPath,
  contentPath,
  formatBucket,
  type IndexLine,
  integrityOf,
  latestLines,
  makeId,
  parseBucket,
} from './layout.ts';

const fileMode = 0o600;
const folderMode = 0o700;
/** How many files are looked at together; the thread pool has four threads unless told otherwise. */
const concurrency = 16;
/** Younger files may belong to a write that is under way in another process. */
const graceTime = 10 * 60_000;

/**
 * The files of a directory, written in cacache's layout by code of our own, because cacache's
 * - appends to the index, so that a key's bucket grows with every write of it, and rewriting it loses a line that another process
 *   appends meanwhile: here a bucket is replaced as a whole by a rename, and the last writer wins;
 * - leaves the content of an overwritten key where it is, and keeps damaged content when the same is put again;
 * - makes files that others may read.
 *
 * Content is written under its final name at once: nothing leads to it until the bucket has been renamed.
 */
export class EntryFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Puts content under a key, and frees what was there. @returns the new line and the old one */
  async write(key: string, bytes: Uint8Array, staleUntil: number, time: number): Promise<Replacement> {
    const integrity = integrityOf(bytes);
    const metadata = { staleUntil: staleUntil === Infinity ? null : staleUntil };
    const line: IndexLine = { key, integrity, time, size: bytes.length, metadata };
    const bucket = bucketPath(this.directory, key);
    const content = contentPath(this.directory, integrity) as string;
    const draft = join(this.directory, 'tmp', makeId());
    const started = [
      this.#createContent(content, bytes),
      this.#intoFolder(draft, () => createFile(draft, formatBucket(line))),
      this.#readBucket(bucket),
    ] as const;
    try {
      const [, , lines] = await Promise.all(started);
      await this.#intoFolder(bucket, () => rename(draft, bucket));
      await this.#removeContents(lines, key, integrity);
      return { line, previous: latestLine(lines, key) };
    } catch (error) {
      // All three have to end before what they left can be taken away.
      await Promise.allSettled(started);
      await Promise.allSettled([removeFile(content), removeFile(draft)]);
      throw error;
    }
  }

  /**
   * Removes a key and its content.
   *
   * @param integrity only if the key still has this content
   * @returns what was there; `undefined` when there was nothing, or something else
   */
  async remove(key: string, integrity?: string): Promise<IndexLine | undefined> {
    const bucket = bucketPath(this.directory, key);
    const lines = await this.#readBucket(bucket);
    const latest = latestLine(lines, key);
    if (integrity !== undefined && latest?.integrity !== integrity) return undefined;
    await removeFile(bucket);
    await this.#removeContents(lines, key);
    return latest;
  }

  /** What the index says of a key. */
  async lineOf(key: string): Promise<IndexLine | undefined> {
    return latestLine(await this.#readBucket(bucketPath(this.directory, key)), key);
  }

  /** Every line that counts, whoever wrote it. Files that vanish meanwhile are passed over. */
  async readLines(): Promise<IndexLine[]> {
    const found: IndexLine[] = [];
    await this.#eachFile('index-v5', async (file) => {
      for (const line of latestLines(await this.#readBucket(file))) found.push(line);
    });
    return found;
  }

  /**
   * Removes what no key leads to and is older than {@link graceTime}: what an interrupted write left, content that lost its
   * line, buckets without a line.
   */
  async removeJunk(): Promise<void> {
    const used = new Set<string>();
    await this.#eachFile('index-v5', async (file) => {
      const lines = latestLines(await this.#readBucket(file));
      if (lines.length === 0) await removeOld(file);
      for (const line of lines) used.add(contentPath(this.directory, line.integrity) ?? '');
    });
    await this.#eachFile('content-v2', async (file) => {
      if (!used.has(file)) await removeOld(file);
    });
    for (const name of await list(join(this.directory, 'tmp'))) await removeOld(join(this.directory, 'tmp', name));
  }

  async #readBucket(path: string): Promise<IndexLine[]> {
    try {
      return parseBucket(await readFile(path, 'utf8'));
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  }

  async #removeContents(lines: readonly IndexLine[], key: string, kept?: string): Promise<void> {
    for (const line of lines) {
      if (line.key !== key || line.integrity === kept) continue;
      const path = contentPath(this.directory, line.integrity);
      if (path !== undefined) await removeFile(path);
    }
  }

  /** The folder is nearly always missing, as there are 65,536 of them, and the one above there: one call instead of three. */
  async #createContent(path: string, bytes: Uint8Array): Promise<void> {
    try {
      await mkdir(dirname(path), folderMode);
    } catch (error) {
      if (isAbsence(error)) await mkdir(dirname(path), { recursive: true, mode: folderMode });
      else if (codeOf(error) !== 'EEXIST') throw error;
    }
    await createFile(path, bytes);
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

  async #eachFile(folder: string, visit: (path: string) => Promise<void>): Promise<void> {
    let level = [join(this.directory, folder)];
    const depth = folder === 'content-v2' ? 4 : 3;
    for (let count = 0; count < depth; count++) {
      const next: string[] = [];
      await eachOf(level, async (path) => {
        for (const name of await list(path)) next.push(join(path, name));
      });
      level = next;
    }
    await eachOf(level, visit);
  }
}

/** What a write has put in place of what. */
export interface Replacement {
  readonly line: IndexLine;
  readonly previous: IndexLine | undefined;
}

function latestLine(lines: readonly IndexLine[], key: string): IndexLine | undefined {
  return latestLines(lines).find((line) => line.key === key);
}

function createFile(path: string, data: Uint8Array | string): Promise<void> {
  return writeFile(path, data, { flag: 'wx', mode: fileMode });
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsence(error) || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Visits all, a few side by side. */
export async function eachOf<Item>(items: readonly Item[], visit: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) await visit(items[next++] as Item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
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

async function removeOld(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > graceTime) await removeFile(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}
