import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Codec, decodeEnvelope, type Entry, type RepriseError, StoreError } from '@reprise/store';
import type * as Cacache from 'cacache';
import type { EntryFiles } from './entry-files.ts';
import { bare, type Fences } from './fences.ts';
import { isAbsence, isSystemError } from './file-errors.ts';
import type { FolderWalk } from './folder-walk.ts';
import { type Content, type Front, overhear } from './front.ts';
import type { IndexLine } from './layout.ts';

/** What reading takes of the store. */
export interface ReaderMeans {
  readonly directory: string;
  readonly codec: Codec;
  readonly files: EntryFiles;
  readonly walk: FolderWalk;
  readonly fences: Fences;
  readonly front: Front | undefined;
  now(): number;
  /** An entry cannot be believed. */
  damaged(key: string, indexKey: string, reason: unknown): void;
  /** An entry has been invalidated. */
  voided(key: string, indexKey: string): void;
  failure(what: string, cause: unknown): RepriseError;
}

/** How often a read is led to the same content before it is held to be lost. */
const attempts = 4;
/** How often it follows an entry that is replaced again and again, faster than it can be read. */
const mostReplaced = 100;
/** So many entries of a listing are read at a time, before others have their turn. */
const slice = 32;

let loaded: typeof Cacache | undefined;

/**
 * Reads entries, and answers those that may be. That an entry is not void is judged after it was read, each time: whoever
 * looked before he put it there may have looked too early.
 */
export class EntryReader {
  readonly #means: ReaderMeans;

  constructor(means: ReaderMeans) {
    this.#means = means;
  }

  /** The entry that is held in memory. */
  recall(key: string, indexKey: string): Entry | undefined {
    const { front, fences } = this.#means;
    const held = front?.find(indexKey, this.#means.now());
    if (front === undefined || held === undefined) return undefined;
    if (!fences.isVoid(key, held.tags, held.generation)) return present(front.open(indexKey));
    front.drop(indexKey);
    return undefined;
  }

  /** The living or stale entry of a key. One that cannot be believed is told, and no entry. */
  async read(key: string, indexKey: string): Promise<Entry | undefined> {
    const { front } = this.#means;
    if (front === undefined) return present(await this.#readFile(key, indexKey, () => {}));
    const read = front.beginRead(indexKey);
    let content: Content | undefined;
    let isNewest = false;
    let entry: Entry | undefined;
    try {
      entry = await this.#readFile(key, indexKey, (heard) => {
        content = heard;
      });
    } finally {
      isNewest = front.endRead(indexKey, read);
    }
    if (isNewest && entry !== undefined && content !== undefined)
      front.keep(indexKey, entry, content, this.#means.now());
    return present(entry);
  }

  async #readFile(key: string, indexKey: string, heard: (content: Content) => void): Promise<Entry | undefined> {
    const { directory, files } = this.#means;
    const cacache = loaded ?? (await load());
    let last: IndexLine | undefined;
    for (let attempt = 1, replaced = 0; ; attempt++) {
      let line: IndexLine | undefined;
      let bytes: Uint8Array;
      try {
        line = await files.lineOf(indexKey);
        if (line === undefined) return undefined;
        bytes = await readContent(cacache, directory, line);
      } catch (error) {
        // Another process has replaced the entry between the look at its line and the look at its content.
        if (
          line !== undefined &&
          last !== undefined &&
          line.integrity !== last.integrity &&
          replaced++ < mostReplaced
        ) {
          attempt = 1;
        }
        last = line;
        if (isAbsence(error) && attempt < attempts) continue;
        if (isSystemError(error) && !isAbsence(error)) throw this.#means.failure('read', error);
        this.#means.damaged(key, indexKey, error);
        return undefined;
      }
      return this.#judge(key, indexKey, line.integrity, bytes, heard);
    }
  }

  /** Whether what is under a key is an entry of that key, void or not. */
  async isReadable(indexKey: string): Promise<boolean> {
    try {
      const cacache = loaded ?? (await load());
      const line = await this.#means.files.lineOf(indexKey);
      if (line === undefined) return false;
      decodeEnvelope(await readContent(cacache, this.#means.directory, line), indexKey, this.#means.codec);
      return true;
    } catch {
      return false;
    }
  }

  /** The entries of lines; past cacache, since an envelope is checked against a checksum of its own. */
  async *readAll(lines: readonly (readonly [IndexLine, string])[]): AsyncGenerator<readonly [string, Entry]> {
    for (const [index, [line, key]] of lines.entries()) {
      if (index % slice === slice - 1) await nextTurn();
      if (this.#means.fences.isVoidLine(line)) continue;
      const bytes = this.#means.walk.readContent(line.integrity);
      // Replaced since, or lost: whoever reads it by its key will see.
      const entry =
        bytes === undefined
          ? await this.read(key, line.key)
          : this.#judge(key, line.key, line.integrity, bytes, () => {});
      const shown = present(entry);
      if (shown !== undefined) yield [key, shown];
    }
  }

  #judge(
    key: string,
    indexKey: string,
    integrity: string | null,
    bytes: Uint8Array,
    heard: (content: Content) => void,
  ): Entry | undefined {
    const { codec, front, fences, walk } = this.#means;
    let entry: Entry;
    try {
      entry = decodeEnvelope(bytes, indexKey, front === undefined ? codec : overhear(codec, heard));
    } catch (error) {
      this.#means.damaged(key, indexKey, error);
      return undefined;
    }
    if (fences.isVoid(key, entry.tags, entry.generation)) {
      this.#means.voided(key, indexKey);
      return undefined;
    }
    const now = this.#means.now();
    if (entry.staleUntil <= now) return undefined;
    if (entry.idle !== undefined && (walk.touchedAt(integrity) ?? entry.createdAt) + entry.idle <= now)
      return undefined;
    return entry;
  }
}

/** The entry as it was set; one that came without a generation has got one. */
function present(entry: Entry | undefined): Entry | undefined {
  const generation = bare(entry?.generation);
  return entry === undefined || generation === entry.generation
    ? entry
    : { ...entry, generation: generation as string };
}

/** With the size that the line says: without it, cacache asks for it first. */
function readContent(cacache: typeof Cacache, directory: string, { integrity, size }: IndexLine): Promise<Uint8Array> {
  return cacache.get.byDigest(directory, integrity as string, { size });
}

async function load(): Promise<typeof Cacache> {
  try {
    // CommonJS: its exports are the default where this is an ES module, and the module itself where it is not.
    const module = (await import('cacache')) as unknown as typeof Cacache & { readonly default?: typeof Cacache };
    loaded = module.default ?? module;
    return loaded;
  } catch (cause) {
    throw new StoreError('The disk store cannot load cacache: install cacache 20 beside @reprise/store-disk', {
      cause,
    });
  }
}
