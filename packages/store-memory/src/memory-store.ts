import {
  type Bounds,
  type Clock,
  type DirectStore,
  type Entry,
  endOf,
  memoryEpoch,
  type StoreCapabilities,
  StoreError,
  type StoreListener,
  type SyncStore,
  systemClock,
  toEntry,
  toRecord,
} from '@reprise/store/contract';
import { Listeners } from './listeners.ts';
import { checkBounds, checkOptions, defaultMaxSize, type MemoryStoreOptions } from './options.ts';
import { Table, TextKey } from './table.ts';

/** What {@link memoryStore} makes: a {@link SyncStore} with all that memory can do, and the form that caches use. */
export interface MemoryStore extends SyncStore {
  readonly name: 'memory';
  readonly persistent: false;
  /** @returns `false` when the entry is too large, has no room at all, or is past its `staleUntil` already */
  set(key: string, entry: Entry): boolean;
  delete(key: string): boolean;
  entries(prefix?: string): Iterable<readonly [key: string, entry: Entry]>;
  size(prefix?: string): number;
  prune(): number;
  resize(bounds: Bounds): void;
  useClock(clock: Clock): void;
  listen(listener: StoreListener): () => void;
  readonly direct: DirectStore;
}

/**
 * A store in the memory of this process: bounded, synchronous, the least recently used entry goes first, after those that
 * have expired. Values are kept as they are, by reference.
 *
 * It holds at most `maxSize` entries (default 10,000) and, given `sizeOf`, at most `maxBytes` of weight. An entry that is too
 * heavy, or whose `sizeOf` fails (reported as `E_SIZE`), is not kept, evicts nobody, and removes the older one under its key.
 * It starts no timers: what has expired is never answered, and leaves when it is asked for, when room is needed, and by `prune()`.
 *
 * @throws OptionError for an unknown option, a wrong type, or `maxBytes` without `sizeOf`
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { memoryStore } from '@reprise/store-memory';
 *
 * const store = memoryStore({ maxSize: 2 });
 * const now = Date.now();
 * for (const key of ['a', 'b', 'c']) {
 *   store.set(key, { value: key, createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 });
 * }
 * assert.equal(store.get('a'), undefined);
 * assert.equal(store.get('c')?.value, 'c');
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  checkOptions(options);
  return new MemoryStoreImplementation(options);
}

class MemoryStoreImplementation implements MemoryStore {
  readonly name = 'memory';
  readonly sync = true;
  readonly persistent = false;
  readonly capabilities: StoreCapabilities = { iteration: true, bounds: true, prune: true, touch: true };
  readonly direct: DirectStore;
  readonly #table: Table;
  readonly #listeners = new Listeners();
  readonly #weighed: boolean;
  #clockGiven: boolean;
  #closed = false;

  constructor({ maxSize = defaultMaxSize, maxBytes = Infinity, sizeOf, clock }: MemoryStoreOptions) {
    const weigh = sizeOf as ((value: unknown) => number) | undefined;
    this.#table = new Table({ maxSize, maxBytes }, weigh, clock ?? systemClock, this.#listeners);
    this.direct = this.#table;
    this.#weighed = sizeOf !== undefined;
    this.#clockGiven = clock !== undefined;
  }

  get(key: string): Entry | undefined {
    const table = this.#openTable();
    const textKey = table.texts.get(key);
    const record = textKey && table.find(textKey);
    if (textKey === undefined || record === undefined) return undefined;
    const now = table.clock.now() - memoryEpoch;
    if (endOf(record) <= now) {
      table.expire(textKey);
      this.#listeners.tell();
      return undefined;
    }
    return toEntry(record, textKey.full);
  }

  touch(key: string): void {
    const table = this.#openTable();
    const textKey = table.texts.get(key);
    const record = textKey && table.peek(textKey);
    if (record?.rest?.idle !== undefined) record.rest.readAt = table.clock.now() - memoryEpoch;
  }

  set(key: string, entry: Entry): boolean {
    const table = this.#openTable();
    const record = toRecord(entry);
    if (endOf(record) <= table.clock.now() - memoryEpoch) {
      this.delete(key);
      return false;
    }
    let textKey = table.texts.get(key);
    if (textKey === undefined) {
      table.watch();
      textKey = new TextKey(key);
      table.texts.set(key, textKey);
    }
    textKey.full = entry.key;
    const kept = table.keep(textKey, record);
    // A listener that was told of an eviction may have removed or replaced the entry by now.
    if (!kept && table.texts.get(key) === textKey) table.texts.delete(key);
    return kept;
  }

  delete(key: string): boolean {
    const table = this.#openTable();
    const textKey = table.texts.get(key);
    if (textKey === undefined) return false;
    const record = table.peek(textKey);
    table.texts.delete(key);
    table.drop(textKey);
    return record !== undefined && endOf(record) > table.clock.now() - memoryEpoch;
  }

  clear(prefix = ''): void {
    const table = this.#openTable();
    if (prefix === '') {
      table.clear();
      return;
    }
    for (const [text, textKey] of table.texts) {
      if (!text.startsWith(prefix)) continue;
      table.texts.delete(text);
      table.drop(textKey);
    }
  }

  close(): void {
    this.#closed = true;
    this.#table.close();
  }

  entries(prefix = ''): Iterable<readonly [key: string, entry: Entry]> {
    // Listed first, so that a reader who sets and deletes on the way meets every entry once and comes to an end.
    const textKeys = [...this.#openTable().texts.values()];
    return this.#readEntries(textKeys.filter(({ text }) => text.startsWith(prefix)));
  }

  size(prefix = ''): number {
    const { texts } = this.#openTable();
    if (prefix === '') return texts.size;
    let size = 0;
    for (const text of texts.keys()) if (text.startsWith(prefix)) size++;
    return size;
  }

  prune(): number {
    return this.#openTable().prune();
  }

  resize(bounds: Bounds): void {
    const table = this.#openTable();
    checkBounds(bounds, this.#weighed, 'memory store: resize');
    table.resize(bounds);
  }

  useClock(clock: Clock): void {
    if (this.#clockGiven) return;
    this.#clockGiven = true;
    this.#table.clock = clock;
  }

  listen(listener: StoreListener): () => void {
    this.#table.watch();
    return this.#listeners.add(listener);
  }

  *#readEntries(textKeys: readonly TextKey[]): Generator<readonly [key: string, entry: Entry]> {
    for (const textKey of textKeys) {
      const record = this.#table.peek(textKey);
      if (record === undefined || endOf(record) <= this.#table.clock.now() - memoryEpoch) continue;
      yield [textKey.text, toEntry(record, textKey.full)];
    }
  }

  #openTable(): Table {
    if (this.#closed) {
      throw new StoreError('memory store: it was closed; make another with memoryStore()', { code: 'E_CLOSED' });
    }
    return this.#table;
  }
}
