import {
  type AsyncStore,
  type Bounds,
  type Clock,
  CodecError,
  decodeEnvelope,
  type Entry,
  encodeEnvelope,
  type StoreCapabilities,
  StoreError,
  type StoreListener,
  systemClock,
} from '@reprise/store';
import type * as Cacache from 'cacache';
import { EntryFiles, eachOf } from './entry-files.ts';
import { isAbsence, isLostContent, isSystemError } from './file-errors.ts';
import { type IndexLine, KeySpace, makeId } from './layout.ts';
import { endOf, type Fact, Ledger } from './ledger.ts';
import { OperationOrder } from './operation-order.ts';
import { checkBound, type DiskStoreOptions, readOptions, type Settings } from './options.ts';

/** The store that {@link diskStore} makes: an `AsyncStore` with all that this one can do. */
export interface DiskStore extends AsyncStore {
  readonly name: 'disk';
  readonly persistent: true;
  readonly capabilities: StoreCapabilities;
  entries(prefix?: string): AsyncIterable<readonly [key: string, entry: Entry]>;
  size(prefix?: string): Promise<number>;
  prune(): Promise<number>;
  resize(bounds: Bounds): Promise<void>;
  useClock(clock: Clock): void;
  listen(listener: StoreListener): () => void;
}

/**
 * A store that keeps entries in files, on cacache, and so outlives the process; several processes may use one directory.
 *
 * Every entry is bound to its key and covered by checksums. One that is damaged, truncated, foreign or another key's is
 * a miss, is reported to `listen({ failed })`, and the next `set` of its key takes its place. A value that the codec cannot keep
 * is refused with a `CodecError`, and an older entry of the key is removed. Files are for their owner only (0600, folders 0700).
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

/** How often a read is tried again when the content that it was led to has been replaced meanwhile. */
const readAttempts = 4;

class FileStore implements DiskStore {
  readonly sync = false;
  readonly name = 'disk';
  readonly persistent = true;
  readonly capabilities: StoreCapabilities = { iteration: true, bounds: true, prune: true, bytes: true };

  readonly #settings: Settings;
  readonly #keys: KeySpace;
  readonly #files: EntryFiles;
  readonly #order = new OperationOrder();
  readonly #listeners = new Set<{ readonly listener: StoreListener }>();
  #clock: Clock;
  #hasClock: boolean;
  #bounds: Required<Bounds>;
  /** Only while there is a bound. */
  #ledger: Ledger | undefined;
  #sweeping: Promise<void> | undefined;
  #cacache: typeof Cacache | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keys = new KeySpace(settings.namespace);
    this.#files = new EntryFiles(settings.directory);
    this.#clock = settings.clock ?? systemClock;
    this.#hasClock = settings.clock !== undefined;
    this.#bounds = { maxSize: settings.maxSize, maxBytes: settings.maxBytes };
    if (isBounded(this.#bounds)) this.#ledger = new Ledger();
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
    // Wrapped: the same listener may come twice, and leave once.
    const member = { listener };
    this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#refuseWhenClosed();
    const pending = this.#order.pendingOf(key);
    if (pending !== undefined) await pending;
    else if (this.#order.isCleared(key)) return undefined;
    const indexKey = this.#keys.toIndex(key);
    const entry = await this.#read(key, indexKey);
    if (entry === undefined) return undefined;
    this.#ledger?.touch(indexKey, this.#clock.now());
    return entry;
  }

  async set(key: string, entry: Entry): Promise<boolean> {
    this.#refuseWhenClosed();
    const indexKey = this.#keys.toIndex(key);
    let bytes: Uint8Array | undefined;
    let refusal: unknown;
    // Before anything is awaited: the caller may go on to change the value.
    const now = this.#clock.now();
    if (this.#bounds.maxSize > 0 && entry.staleUntil > now) {
      try {
        bytes = encodeEnvelope(indexKey, entry, this.#settings.codec, { id: makeId() });
        if (bytes.length > this.#bounds.maxBytes) bytes = undefined;
      } catch (error) {
        refusal = error;
      }
    }
    if (bytes === undefined) {
      // What may not be stored is newer than what is: that must not be answered any more.
      await this.#order.run(key, () => this.#remove(indexKey));
      if (refusal !== undefined) throw refusal;
      return false;
    }
    const content = bytes;
    await this.#order.run(key, async () => {
      try {
        const { line } = await this.#files.write(indexKey, content, entry.staleUntil, now);
        this.#ledger?.add(indexKey, line);
      } catch (error) {
        // The older entry must not be answered either; where nothing can be written, removing may still work.
        await this.#remove(indexKey).catch(() => undefined);
        throw this.#failure('write', error);
      }
    });
    // Not inside of the operation: the sweep's removals wait for operations.
    if (this.#isOver()) await this.#sweep(false);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    this.#refuseWhenClosed();
    return this.#order.run(key, async () => {
      const line = await this.#remove(this.#keys.toIndex(key));
      return line !== undefined && endOf(line) > this.#clock.now();
    });
  }

  async clear(prefix = ''): Promise<void> {
    this.#refuseWhenClosed();
    await this.#order.runClear(prefix, async () => {
      await eachOf(await this.#ownLines(prefix), async ([line]) => void (await this.#remove(line.key)));
    });
  }

  entries(prefix = ''): AsyncIterable<readonly [key: string, entry: Entry]> {
    const list = (): AsyncGenerator<readonly [string, Entry]> => this.#list(prefix);
    return { [Symbol.asyncIterator]: list };
  }

  async *#list(prefix: string): AsyncGenerator<readonly [string, Entry]> {
    this.#refuseWhenClosed();
    await this.#order.settle();
    for (const [line, key] of await this.#ownLines(prefix)) {
      const entry = await this.#read(key, line.key);
      if (entry !== undefined) yield [key, entry];
    }
  }

  async size(prefix = ''): Promise<number> {
    this.#refuseWhenClosed();
    await this.#order.settle();
    return (await this.#ownLines(prefix)).length;
  }

  async prune(): Promise<number> {
    this.#refuseWhenClosed();
    const work = this.#prune();
    void this.#order.track(work);
    return work;
  }

  async resize(bounds: Bounds): Promise<void> {
    this.#refuseWhenClosed();
    this.#bounds = {
      maxSize: checkBound('maxSize', bounds.maxSize ?? this.#bounds.maxSize),
      maxBytes: checkBound('maxBytes', bounds.maxBytes ?? this.#bounds.maxBytes),
    };
    this.#ledger = isBounded(this.#bounds) ? (this.#ledger ?? new Ledger()) : undefined;
    if (this.#ledger !== undefined) await this.#sweep(true);
  }

  close(): Promise<void> {
    this.#closing ??= this.#order.settle().then(() => this.#listeners.clear());
    return this.#closing;
  }

  #refuseWhenClosed(): void {
    if (this.#closing === undefined) return;
    throw new StoreError(`The disk store at ${this.#settings.directory} is closed`, { code: 'E_CLOSED' });
  }

  /** The living or stale entry of a key. One that cannot be believed is reported, removed, and no entry. */
  async #read(key: string, indexKey: string): Promise<Entry | undefined> {
    const cacache = this.#cacache ?? (await this.#loadCacache());
    for (let attempt = 1; ; attempt++) {
      let bytes: Uint8Array;
      try {
        bytes = (await cacache.get(this.#files.directory, indexKey)).data;
      } catch (error) {
        if (isAbsence(error) && !isLostContent(error)) return undefined;
        // Another process has replaced the entry between the look at its line and the look at its content.
        if (isLostContent(error) && attempt < readAttempts) continue;
        if (isSystemError(error) && !isLostContent(error)) throw this.#failure('read', error);
        return this.#heal(key, indexKey, error);
      }
      try {
        const entry = decodeEnvelope(bytes, indexKey, this.#settings.codec);
        return entry.staleUntil > this.#clock.now() ? entry : undefined;
      } catch (error) {
        return this.#heal(key, indexKey, error);
      }
    }
  }

  /** Reports an entry that cannot be believed and takes it away, unless a newer one has taken its place already. */
  #heal(key: string, indexKey: string, reason: unknown): undefined {
    const report =
      reason instanceof CodecError
        ? reason
        : new CodecError(`The entry of ${JSON.stringify(key.slice(0, 120))} is damaged or lost its content`, {
            cause: reason,
          });
    this.#report(report, key);
    const work = this.#order.run(key, async () => {
      const line = await this.#files.lineOf(indexKey);
      if (line === undefined || (await this.#isReadable(indexKey))) return;
      await this.#files.remove(indexKey, line.integrity ?? undefined);
      this.#ledger?.drop(indexKey);
    });
    work.catch((error: unknown) => this.#report(this.#failure('remove a damaged entry', error), key));
    return undefined;
  }

  async #isReadable(indexKey: string): Promise<boolean> {
    try {
      const cacache = this.#cacache ?? (await this.#loadCacache());
      const { data } = await cacache.get(this.#files.directory, indexKey);
      decodeEnvelope(data, indexKey, this.#settings.codec);
      return true;
    } catch {
      return false;
    }
  }

  async #remove(indexKey: string, integrity?: string): Promise<IndexLine | undefined> {
    const line = await this.#attempt('remove', () => this.#files.remove(indexKey, integrity));
    if (line !== undefined || integrity === undefined) this.#ledger?.drop(indexKey);
    return line;
  }

  /** The lines of this namespace whose key begins with `prefix`, and those keys. */
  async #ownLines(prefix: string): Promise<[IndexLine, string][]> {
    const lines = await this.#attempt('list', () => this.#files.readLines());
    const own: [IndexLine, string][] = [];
    for (const line of lines) {
      const key = this.#keys.fromIndex(line.key);
      if (key?.startsWith(prefix)) own.push([line, key]);
    }
    return own;
  }

  async #prune(): Promise<number> {
    const now = this.#clock.now();
    let count = 0;
    await eachOf(await this.#ownLines(''), async ([line, key]) => {
      if (endOf(line) <= now && (await this.#drop(key, line.key, line.integrity ?? '', 'expire'))) count++;
    });
    await this.#attempt('sweep', () => this.#files.removeJunk());
    if (this.#ledger !== undefined) await this.#sweep(true);
    return count;
  }

  /** Removes an entry by the store's own will, unless a newer one has taken its place. */
  async #drop(key: string, indexKey: string, integrity: string, cause: 'evict' | 'expire'): Promise<boolean> {
    const line = await this.#order.run(key, () => this.#remove(indexKey, integrity));
    if (line === undefined) return false;
    for (const { listener } of this.#listeners) {
      try {
        listener.removed?.(key, cause);
      } catch {
        // Who listens badly shall not stop the sweep.
      }
    }
    return true;
  }

  #isOver(): boolean {
    return this.#ledger?.isStale(this.#bounds) === true || this.#ledger?.exceeds(this.#bounds) === true;
  }

  #report(error: unknown, key?: string): void {
    for (const { listener } of this.#listeners) {
      try {
        listener.failed?.(error, key);
      } catch {
        // A report costs no caller anything, whoever takes it.
      }
    }
  }

  /** Brings the directory under the bounds. One at a time; whoever comes meanwhile waits and looks whether it is still needed. */
  async #sweep(isForced: boolean): Promise<void> {
    let forced = isForced;
    while (forced || this.#isOver()) {
      if (this.#sweeping !== undefined) {
        await this.#sweeping;
        continue;
      }
      const work = this.#evict(forced);
      forced = false;
      this.#sweeping = this.#order.track(work);
      try {
        await work;
      } catch (error) {
        // The write that set it off has been done.
        this.#report(this.#failure('sweep', error));
        return;
      } finally {
        this.#sweeping = undefined;
      }
    }
  }

  async #evict(isForced: boolean): Promise<void> {
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    const load = (): Promise<void> => ledger.load(async () => (await this.#ownLines('')).map(([line]) => line));
    if (isForced || ledger.isStale(this.#bounds)) await load();
    if (!ledger.exceeds(this.#bounds)) return;
    const now = this.#clock.now();
    for (const victim of ledger.expired(now)) await this.#evictOne(ledger, victim, 'expire');
    while (ledger.exceeds(this.#bounds)) {
      const victim = ledger.oldest();
      if (victim === undefined) return;
      // Another store has been at work here: what this one knows is old.
      if (!(await this.#evictOne(ledger, victim, 'evict'))) await load();
    }
  }

  async #evictOne(ledger: Ledger, [indexKey, fact]: [string, Fact], cause: 'evict' | 'expire'): Promise<boolean> {
    const key = this.#keys.fromIndex(indexKey) ?? '';
    const isDone = await this.#drop(key, indexKey, fact.integrity, cause);
    if (!isDone && ledger.has(indexKey, fact.integrity)) ledger.drop(indexKey);
    return isDone;
  }

  async #loadCacache(): Promise<typeof Cacache> {
    try {
      // CommonJS: its exports are the default where this is an ES module, and the module itself where it is not.
      const module = (await import('cacache')) as unknown as typeof Cacache & { readonly default?: typeof Cacache };
      this.#cacache = module.default ?? module;
      return this.#cacache;
    } catch (cause) {
      throw new StoreError('The disk store cannot load cacache: install cacache 20 beside @reprise/store-disk', {
        cause,
      });
    }
  }

  async #attempt<Result>(what: string, operation: () => Promise<Result>): Promise<Result> {
    try {
      return await operation();
    } catch (error) {
      throw this.#failure(what, error);
    }
  }

  #failure(what: string, cause: unknown): StoreError {
    if (cause instanceof StoreError) return cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new StoreError(`The disk store at ${this.#settings.directory} could not ${what}: ${reason}`, { cause });
  }
}

function isBounded(bounds: Required<Bounds>): boolean {
  return bounds.maxSize !== Infinity || bounds.maxBytes !== Infinity;
}
