import { CodecError, type MemoryRecord, type SyncStore } from '@reprise/store/contract';
import { atOnce, failureOf } from './bounded.ts';
import { Breaker } from './breaker.ts';
import { Counters } from './counters.ts';
import { safePrefix } from './key/key-text.ts';
import { entryOf, isOfKey, recordOf, touchRecord } from './record.ts';
import type { Sender } from './sender.ts';
import { TagNews } from './tag-news.ts';

/** As many failed deletions are owed key by key; beyond, the clearing of all that their functions have. */
const mostOwed = 10_000;
const mostOwedPrefixes = 1_000;

/**
 * A synchronous store of text keys as the engine uses it. What it throws costs no call: a read that fails is a miss, a deletion that
 * fails is owed, and until it succeeds the key is not read.
 */
export class SyncShelf {
  readonly #store: SyncStore;
  readonly #namespace: string;
  readonly #owed = new Set<string>();
  readonly #owedPrefixes = new Set<string>();
  /** Apart, since a store may well be read and take no writes. One that cannot be read is not written to either. */
  readonly #reads: Breaker;
  readonly #writes: Breaker;
  /** What the store says of runs, where it is shared with other processes. */
  readonly counters: Counters;
  /** How far the store knows of invalidated labels. */
  readonly news: TagNews = new TagNews();

  /** @param leftAlone told when the store has failed so often that it is left alone for a while */
  constructor(store: SyncStore, namespace: string, leftAlone: () => void) {
    this.#store = store;
    this.#namespace = namespace;
    this.#reads = new Breaker(leftAlone);
    this.#writes = new Breaker(leftAlone);
    this.counters = new Counters(store, this.#reads);
  }

  /** The name of the tier that would answer for a key. */
  tierOf(key: string): string {
    return this.#store.tierOf?.(key) ?? this.#store.name ?? 'store';
  }

  /** What is under the key; `'unknown'` where the store failed or is left alone; `undefined` also where it was voided. */
  read(key: string, full: string | undefined, sender: Sender): MemoryRecord | 'unknown' | undefined {
    if (!this.#reads.allows()) return 'unknown';
    if (!this.#isTrusted(key, sender)) return undefined;
    try {
      const entry = atOnce(this.#store.get(key));
      this.#reads.succeed();
      if (entry === undefined || entry === null) return undefined;
      return isOfKey(entry, full ?? key, full !== undefined)
        ? recordOf(entry, this.news.told, this.#store.touch !== undefined, this.counters.isKnown)
        : undefined;
    } catch (error) {
      if (!(error instanceof CodecError)) this.#reads.fail();
      sender.report(failureOf('get', key, error), key);
      return error instanceof CodecError ? undefined : 'unknown';
    }
  }

  /** Whether the store may hold under the key what was invalidated. */
  isDoubtful(key: string): boolean {
    return this.#owed.has(key) || [...this.#owedPrefixes].some((prefix) => key.startsWith(prefix));
  }

  /** @returns whether the store has it. @throws a `RepriseError`, reported already */
  write(key: string, record: MemoryRecord, full: string | undefined, fencing: boolean, sender: Sender): boolean {
    // What need not be undone may as well not be told to a store that is left alone.
    if (!fencing && (this.#reads.isOpen || !this.#writes.allows())) return false;
    try {
      const kept = atOnce(this.#store.set(key, entryOf(record, full, this.counters.isKnown))) !== false;
      this.#writes.succeed();
      this.#owed.delete(key);
      return kept;
    } catch (error) {
      if (!(error instanceof CodecError)) this.#writes.fail();
      if (fencing) this.#owe(key, sender);
      const failure = failureOf('set', key, error);
      sender.report(failure, key);
      throw failure;
    }
  }

  /** An entry has been read: its idle time begins anew. A store that cannot note that is given the entry again. */
  touch(
    key: string,
    record: MemoryRecord,
    full: string | undefined,
    idle: number | undefined,
    now: number,
    sender: Sender,
  ): void {
    try {
      if (this.#store.touch !== undefined) return void atOnce(this.#store.touch(key));
      if (idle === undefined) return;
      atOnce(this.#store.set(key, entryOf(touchRecord(record, idle, now), full, this.counters.isKnown)));
    } catch (error) {
      sender.report(failureOf('touch', key, error), key);
    }
  }

  drop(key: string, sender: Sender): boolean {
    try {
      const existed = atOnce(this.#store.delete(key)) !== false;
      this.#owed.delete(key);
      return existed;
    } catch (error) {
      this.#owe(key, sender);
      const failure = failureOf('delete', key, error);
      sender.report(failure, key);
      throw failure;
    }
  }

  /** Removes all keys of the namespace that begin with one of the prefixes. @throws the first failure, after all have been tried */
  clearAll(prefixes: readonly string[], sender: Sender): void {
    const failures: unknown[] = [];
    for (const prefix of prefixes) {
      try {
        this.#clear(prefix, sender);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #clear(prefix: string, sender: Sender): void {
    const whole = safePrefix(this.#namespace + prefix);
    try {
      atOnce(this.#store.clear(whole));
      this.#owedPrefixes.delete(whole);
      for (const key of this.#owed) if (key.startsWith(whole)) this.#owed.delete(key);
    } catch (error) {
      // Too many parts to remember one by one: all that the sender has.
      const owed = this.#owedPrefixes.size < mostOwedPrefixes ? [whole] : sender.prefixes().map(safePrefix);
      for (const each of owed) this.#owedPrefixes.add(each);
      const failure = failureOf('clear', whole, error);
      sender.report(failure, undefined);
      throw failure;
    }
  }

  #owe(key: string, sender: Sender): void {
    this.#owed.add(key);
    if (this.#owed.size <= mostOwed) return;
    const prefixes = sender.prefixes();
    for (const prefix of prefixes) this.#owedPrefixes.add(safePrefix(prefix));
    for (const other of this.#owed) if (prefixes.some((prefix) => other.startsWith(prefix))) this.#owed.delete(other);
  }

  /** Whether all deletions of the key have reached the store; tries those that have not. */
  #isTrusted(key: string, sender: Sender): boolean {
    if (this.#owed.size === 0 && this.#owedPrefixes.size === 0) return true;
    try {
      if (this.#owed.has(key)) {
        atOnce(this.#store.delete(key));
        this.#owed.delete(key);
      }
      for (const prefix of this.#owedPrefixes) {
        if (!key.startsWith(prefix)) continue;
        atOnce(this.#store.clear(prefix));
        this.#owedPrefixes.delete(prefix);
      }
      return true;
    } catch (error) {
      this.#reads.fail();
      sender.report(failureOf('delete', key, error), key);
      return false;
    }
  }
}
