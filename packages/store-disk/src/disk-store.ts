import {
  type AsyncStore,
  type Bounds,
  type Clock,
  CodecError,
  type Entry,
  type Lease,
  OperationOrder,
  Reports,
  type StoreCapabilities,
  type StoreListener,
  systemClock,
} from '@reprise/store';
import { BoundKeeper } from './bound-keeper.ts';
import { EntryFiles } from './entry-files.ts';
import { EntryReader } from './entry-reader.ts';
import { type EncodedEntry, EntryWriter } from './entry-writer.ts';
import { FenceLog } from './fence-log.ts';
import { Fences } from './fences.ts';
import { FolderWalk } from './folder-walk.ts';
import { Front } from './front.ts';
import { KeySpace } from './key-space.ts';
import type { IndexLine } from './layout.ts';
import { Leases } from './leases.ts';
import { endOf } from './ledger.ts';
import { checkBound, type DiskStoreOptions, readOptions, type Settings } from './options.ts';
import { Upkeep } from './upkeep.ts';

/** The store that {@link diskStore} makes: an `AsyncStore` with all that this one can do. */
export interface DiskStore extends AsyncStore {
  readonly name: 'disk';
  readonly persistent: true;
  readonly capabilities: StoreCapabilities;
  getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]>;
  entries(prefix?: string): AsyncIterable<readonly [key: string, entry: Entry]>;
  size(prefix?: string): Promise<number>;
  prune(): Promise<number>;
  invalidateTags(tags: readonly string[]): Promise<void>;
  touch(key: string): Promise<void>;
  generation(): Promise<string>;
  isCurrent(key: string, generation: number | string, tags?: readonly string[]): Promise<boolean>;
  lease(key: string): Promise<Lease | undefined>;
  renew(lease: Lease): Promise<boolean>;
  release(lease: Lease): Promise<void>;
  resize(bounds: Bounds): Promise<void>;
  useClock(clock: Clock): void;
  listen(listener: StoreListener): () => void;
}

/**
 * A store that keeps entries in files, on cacache, and so outlives the process; several processes may use one directory.
 *
 * Every entry is bound to its key and covered by checksums. One that is damaged, truncated, foreign or another key's is
 * a miss, is reported to `listen({ failed })`, and the next `set` of its key takes its place. A value that the codec cannot keep
 * is refused with a `CodecError`, and an older entry of the key is removed. What one process invalidates counts for all of them
 * from the moment of the call, also for what they are just computing. Files are for their owner only (0600, folders 0700).
 * `cacache` is loaded at the first read.
 *
 * @throws OptionError for an unknown option, or one that cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { diskStore } from '@reprise/store-disk';
 *
 * const store = diskStore({ directory: await mkdtemp(join(tmpdir(), 'reprise-')), maxSize: 10_000 });
 * const now = Date.now();
 * await store.set('rates', { value: new Map([['EUR', 1.1]]), createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 });
 * assert.deepEqual((await store.get('rates'))?.value, new Map([['EUR', 1.1]]));
 * await store.close();
 */
export function diskStore(options: DiskStoreOptions): DiskStore {
  return new FileStore(readOptions(options));
}

/** So many reads of one `getMany` are under way at a time. */
const readsAtOnce = 16;

class FileStore implements DiskStore {
  readonly sync = false;
  readonly name = 'disk';
  readonly persistent = true;
  readonly capabilities: StoreCapabilities = {
    fences: true,
    leases: true,
    tags: true,
    touch: true,
    iteration: true,
    batches: true,
    bounds: true,
    prune: true,
    bytes: true,
  };

  readonly #settings: Settings;
  readonly #keys: KeySpace;
  readonly #files: EntryFiles;
  readonly #log: FenceLog;
  readonly #fences: Fences;
  readonly #leases: Leases;
  readonly #front: Front | undefined;
  readonly #reader: EntryReader;
  readonly #writer: EntryWriter;
  readonly #keeper: BoundKeeper;
  readonly #order: OperationOrder;
  readonly #reports: Reports;
  readonly #upkeep: Upkeep;
  #clock: Clock;
  #hasClock: boolean;
  #hasBegun = false;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    const { directory, namespace, maxSize, maxBytes, codec } = settings;
    const now = (): number => this.#clock.now();
    const reports = new Reports(`The disk store at ${directory}`);
    const log = new FenceLog(directory);
    const keys = new KeySpace(namespace);
    const files = new EntryFiles(directory);
    const walk = new FolderWalk(directory);
    const order = new OperationOrder();
    const front = settings.front === undefined ? undefined : new Front(settings.front, codec);
    const fences = new Fences(log, namespace, (error) =>
      reports.failed(reports.failure('read what was invalidated', error)),
    );
    const keeper = (): BoundKeeper => this.#keeper;
    const upkeep = new Upkeep({ keys, files, walk, fences, front, order, reports, keeper, now });
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    this.#hasClock = settings.clock !== undefined;
    this.#reports = reports;
    this.#log = log;
    this.#keys = keys;
    this.#files = files;
    this.#order = order;
    this.#front = front;
    this.#fences = fences;
    this.#upkeep = upkeep;
    this.#leases = new Leases(log, namespace, settings.leaseDuration);
    this.#reader = new EntryReader({
      directory,
      codec,
      files,
      walk,
      fences,
      front,
      now,
      damaged: (key, indexKey, reason) => this.#heal(key, indexKey, reason),
      voided: (key, indexKey) => this.#removeVoid(key, indexKey),
      failure: (what, cause) => reports.failure(what, cause),
    });
    this.#writer = new EntryWriter({ codec, files, fences, front, keeper, reports });
    this.#keeper = new BoundKeeper(
      { maxSize, maxBytes },
      {
        now,
        readLines: () => upkeep.readLiving(),
        remove: (facts, cause) => upkeep.removeFacts(facts, cause),
        track: (work) => order.track(work),
        failed: (error) => reports.failed(reports.failure('sweep', error)),
      },
    );
  }

  useClock(clock: Clock): void {
    if (this.#hasClock) return;
    this.#clock = clock;
    this.#hasClock = true;
  }

  copy(value: unknown): unknown {
    const { codec } = this.#settings;
    return codec.decode(codec.encode(value));
  }

  listen(listener: StoreListener): () => void {
    return this.#reports.listen(listener);
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#begin();
    if (this.#order.isCleared(key)) return undefined;
    const pending = this.#order.pendingOf(key);
    if (pending !== undefined) await pending;
    const indexKey = this.#keys.toIndex(key);
    const entry = this.#reader.recall(key, indexKey) ?? (await this.#reader.read(key, indexKey));
    if (entry !== undefined) this.#keeper.touch(indexKey);
    return entry;
  }

  async getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    this.#begin();
    const entries: (Entry | undefined)[] = new Array(keys.length).fill(undefined);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < keys.length) {
        const index = next++;
        const key = keys[index] as string;
        try {
          entries[index] = await this.get(key);
        } catch (error) {
          this.#reports.failed(error, key);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(readsAtOnce, keys.length) }, work));
    return entries;
  }

  async set(key: string, entry: Entry): Promise<boolean> {
    this.#begin();
    const indexKey = this.#keys.toIndex(key);
    const now = this.#clock.now();
    const given = entry.generation;
    if (given !== undefined && this.#fences.refuses(key, entry.tags, given)) return false;
    let refusal: unknown;
    let generation = given as string;
    let encoded: EncodedEntry | undefined;
    // Before anything is awaited: the caller may go on to change the value, and whoever asks for a generation knows of this one.
    try {
      if (given === undefined) {
        generation = this.#reports.attemptNow('note a set', () => this.#fences.noteKey(key));
        this.#upkeep.settle();
      }
      if (this.#keeper.bounds.maxSize > 0 && entry.staleUntil > now) {
        encoded = this.#writer.encode(key, indexKey, { ...entry, generation });
        if (encoded.bytes.length > this.#keeper.bounds.maxBytes) encoded = undefined;
      }
    } catch (error) {
      refusal = error;
    }
    if (encoded === undefined) {
      // What may not be stored is newer than what is: that must not be answered any more.
      await this.#order.change(key, () => this.#remove(indexKey));
      if (refusal !== undefined) throw refusal;
      return false;
    }
    const isKept = await this.#order.change(key, () => this.#writer.write(encoded, now));
    // Not inside of the operation: the sweep's removals wait for operations.
    if (isKept) await this.#keeper.sweep(false);
    return isKept;
  }

  async delete(key: string): Promise<boolean> {
    this.#begin();
    const indexKey = this.#keys.toIndex(key);
    const last = this.#fences.lastOf(key);
    return this.#invalidate(
      () => this.#fences.noteKey(key),
      (isVoid) =>
        this.#order.change(key, async () => {
          const line = await this.#remove(indexKey, isVoid);
          return line !== undefined && endOf(line) > this.#clock.now() && this.#fences.stood(line, last);
        }),
    );
  }

  async clear(prefix = ''): Promise<void> {
    this.#begin();
    await this.#invalidate(
      () => this.#fences.notePrefix(prefix),
      (isVoid) =>
        this.#order.changeAll(async () => {
          const lines = (await this.#upkeep.ownLines(prefix)).map(([line]) => line);
          await this.#upkeep.removeAll(lines.filter(isVoid));
        }, prefix),
    );
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    this.#begin();
    if (tags.length === 0) return;
    this.#reports.attemptNow('note invalidated tags', () => this.#fences.noteTags(tags));
    this.#upkeep.settle();
  }

  async touch(key: string): Promise<void> {
    this.#begin();
    const indexKey = this.#keys.toIndex(key);
    const now = this.#clock.now();
    await this.#order.change(key, () =>
      this.#reports.attempt('touch', async () => {
        const line = await this.#files.lineOf(indexKey);
        if (line?.metadata?.idle === undefined) return;
        // One whose idle time has passed has ended.
        if ((await this.#reader.read(key, indexKey)) !== undefined) await this.#files.touch(line.integrity, now);
      }),
    );
    this.#keeper.touch(indexKey);
  }

  async generation(): Promise<string> {
    this.#begin();
    return this.#reports.attemptNow('read what was invalidated', () => this.#fences.generation());
  }

  async isCurrent(key: string, generation: number | string, tags?: readonly string[]): Promise<boolean> {
    this.#begin();
    return !this.#fences.refuses(key, tags, generation);
  }

  async lease(key: string): Promise<Lease | undefined> {
    this.#begin();
    return this.#reports.attemptNow('grant a lease', () => this.#leases.grant(key));
  }

  async renew(lease: Lease): Promise<boolean> {
    this.#begin();
    return this.#reports.attemptNow('renew a lease', () => this.#leases.renew(lease));
  }

  async release(lease: Lease): Promise<void> {
    this.#begin();
    this.#reports.attemptNow('release a lease', () => this.#leases.release(lease));
  }

  entries(prefix = ''): AsyncIterable<readonly [key: string, entry: Entry]> {
    const list = (): AsyncGenerator<readonly [string, Entry]> => this.#list(prefix);
    return { [Symbol.asyncIterator]: list };
  }

  async *#list(prefix: string): AsyncGenerator<readonly [string, Entry]> {
    this.#begin();
    await this.#order.settle();
    const lines = await this.#upkeep.ownLines(prefix);
    for await (const found of this.#reader.readAll(lines)) {
      yield found;
      this.#begin();
    }
  }

  async size(prefix = ''): Promise<number> {
    this.#begin();
    await this.#order.settle();
    const lines = await this.#upkeep.ownLines(prefix);
    this.#begin();
    return lines.filter(([line]) => !this.#fences.isVoidLine(line)).length;
  }

  async prune(): Promise<number> {
    this.#begin();
    const work = this.#upkeep.prune();
    void this.#order.track(work);
    return work;
  }

  async resize(bounds: Bounds): Promise<void> {
    this.#begin();
    await this.#keeper.resize({
      maxSize: checkBound('maxSize', bounds.maxSize ?? this.#keeper.bounds.maxSize),
      maxBytes: checkBound('maxBytes', bounds.maxBytes ?? this.#keeper.bounds.maxBytes),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#order.settle().then(() => {
      try {
        this.#leases.releaseAll();
      } catch (error) {
        // They end by themselves.
        this.#reports.failed(this.#reports.failure('give back its leases', error));
      }
      this.#log.close();
      this.#reports.clear();
    });
    return this.#closing;
  }

  #begin(): void {
    if (this.#closing !== undefined) throw this.#reports.closed();
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    void this.#order.track(this.#upkeep.removeLeftovers());
  }

  /**
   * Notes an invalidation before anything is removed. Where a full disk has no room for the note, the removal may make some.
   *
   * @param remove told what to remove: what the note covers, or all where there is none
   */
  async #invalidate<Result>(
    note: () => void,
    remove: (isMeant: (line: IndexLine) => boolean) => Promise<Result>,
  ): Promise<Result> {
    let isNoted = true;
    try {
      note();
    } catch {
      isNoted = false;
    }
    const result = await remove(isNoted ? (line) => this.#fences.isVoidLine(line) : () => true);
    if (!isNoted) this.#reports.attemptNow('note an invalidation', note);
    this.#upkeep.settle();
    return result;
  }

  /** Reports an entry that cannot be believed and takes it away, unless a newer one has taken its place already. */
  #heal(key: string, indexKey: string, reason: unknown): void {
    if (this.#closing !== undefined) return;
    const report =
      reason instanceof CodecError
        ? reason
        : new CodecError(`The entry of ${JSON.stringify(key.slice(0, 120))} is damaged or lost its content`, {
            cause: reason,
          });
    this.#reports.failed(report, key);
    const work = this.#order.change(key, async () => {
      const line = await this.#files.lineOf(indexKey);
      if (line === undefined || (await this.#reader.isReadable(indexKey))) return;
      await this.#remove(indexKey, ({ integrity }) => integrity === line.integrity);
    });
    work.catch((error: unknown) => this.#reports.failed(this.#reports.failure('remove a damaged entry', error), key));
  }

  /** What is void is never answered, whether it can be removed or not. */
  #removeVoid(key: string, indexKey: string): void {
    // What is read while the store closes is not answered either, and may be good.
    if (this.#closing !== undefined) return;
    const work = this.#order.change(key, () => this.#remove(indexKey, (line) => this.#fences.isVoidLine(line)));
    work.catch(() => undefined);
  }

  async #remove(indexKey: string, isMeant?: (line: IndexLine) => boolean): Promise<IndexLine | undefined> {
    const line = await this.#reports.attempt('remove', () => this.#files.remove(indexKey, isMeant));
    if (line !== undefined || isMeant === undefined) this.#keeper.drop(indexKey);
    this.#front?.drop(indexKey);
    return line;
  }
}
