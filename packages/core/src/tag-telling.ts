import type { AsyncStore, Entry, Store, SyncStore } from '@reprise/store/contract';
import { bounded } from './bounded.ts';
import type { TagNews } from './tag-news.ts';
import { knownTags, tagEpoch } from './tags.ts';

/** What telling a store takes of the cache around it. */
export interface TellingMeans {
  /** The part of the keys that is the cache's. */
  readonly prefix: string;
  /** Milliseconds that one step may take. */
  limit(): number;
  /** Sees to it that nothing void is on its way to the store any more, and settles when it is so. */
  withdraw(): Promise<unknown>;
  /** Removes what is under a key of an asynchronous store if it is void when its turn comes. */
  remove(key: string): Promise<unknown>;
  /** Told of what no caller hears of. */
  failed(error: unknown): void;
  /** Told where a store can neither void labels nor list its entries. */
  cannot(): void;
}

const retryDelay = 1_000;
/** As many removals are under way at a time. */
const atOnce = 16;

/**
 * Tells one store of invalidated labels. A store that knows labels voids them itself; from the others, entries that are void are
 * removed, since they may outlive this process and its counters.
 *
 * A store is told in rounds, one at a time: whoever comes during one waits for the next, which is for all who have come by then. What a
 * round could not tell is part of the next one.
 */
export class TagTelling {
  readonly #store: Store;
  readonly #news: TagNews;
  readonly #means: TellingMeans;
  /** What a store that knows labels has yet to be told. */
  readonly #owed = new Map<string, number>();
  /** Whether labels are known that were invalidated before this began, and given up since. */
  #isIncomplete = false;
  #hasFailed = false;
  #triedAt = 0;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** Under way beside each other, to a store that needs no rounds. */
  readonly #tellings = new Set<Promise<void>>();

  constructor(store: Store, news: TagNews, means: TellingMeans) {
    this.#store = store;
    this.#news = news;
    this.#means = means;
  }

  /**
   * Tells a store that knows labels what was invalidated before it was known here: what it holds may carry that. At once: what is sent to
   * the store from now on comes after it. What fails is told again with the next.
   */
  tellEarlier(): void {
    const store = this.#store;
    const { all, isWhole } = knownTags();
    for (const tag of all) this.#owed.set(tag, tagEpoch());
    this.#isIncomplete = !isWhole;
    try {
      if (store.sync) this.#tellSync(store);
      else this.#tellNow(store).catch((error) => this.#means.failed(error));
    } catch (error) {
      this.#means.failed(error);
    }
  }

  #tellNow(store: AsyncStore): Promise<void> {
    const telling = this.#tellAtOnce(store).finally(() => this.#tellings.delete(telling));
    this.#tellings.add(telling);
    return telling;
  }

  async #tellAtOnce(store: AsyncStore): Promise<void> {
    const round = this.#start();
    const told = [...this.#owed.keys()];
    const limit = this.#means.limit();
    if (this.#isIncomplete) await bounded(() => store.clear(this.#means.prefix), limit, 'clear', true);
    await bounded(async () => store.invalidateTags?.(told), limit, 'invalidateTags', true);
    this.#settleOwed(round);
    this.#finish(round);
  }

  #settleOwed(round: number): void {
    // The labels that are not known any more were cleared with all others.
    this.#isIncomplete = false;
    for (const [tag, epoch] of this.#owed) if (epoch <= round) this.#owed.delete(tag);
  }

  /** @returns a promise where the store is asynchronous. @throws, or rejects with, what the store failed with */
  tell(tags: Iterable<string>): void | Promise<void> {
    const store = this.#store;
    if (store.invalidateTags !== undefined) for (const tag of tags) this.#owed.set(tag, tagEpoch());
    // It keeps out by itself what is on its way, and what asks for its counters from now on comes after this.
    if (!store.sync && store.capabilities?.fences === true) return this.#tellNow(store);
    if (store.sync) {
      this.#tellSync(store);
      return;
    }
    this.#waiting ??= (this.#running ?? Promise.resolve()).catch(() => {}).then(() => this.#begin(store));
    return this.#waiting;
  }

  /** Something void was met: tells what could not be told before, once a second at most. Failures are told to nobody. */
  retry(): void {
    const isBusy = this.#tellings.size > 0 || (this.#running ?? this.#waiting) !== undefined;
    // A clock that was set back must not put it off.
    const isEarly = Math.abs(Date.now() - this.#triedAt) < retryDelay;
    if (!this.#hasFailed || isBusy || isEarly) return;
    try {
      this.tell([])?.catch(() => {});
    } catch {
      // Next time.
    }
  }

  /** Settles when no round is under way. What could not be told is tried a last time. */
  async settle(): Promise<void> {
    this.#triedAt = 0;
    this.retry();
    await Promise.allSettled(this.#tellings);
    while (this.#waiting !== undefined || this.#running !== undefined)
      await (this.#waiting ?? this.#running)?.catch(() => {});
  }

  #begin(store: AsyncStore): Promise<void> {
    this.#waiting = undefined;
    const round = this.#tellAsync(store).finally(() => {
      this.#running = undefined;
    });
    this.#running = round;
    return round;
  }

  #tellSync(store: SyncStore): void {
    const round = this.#start();
    if (store.invalidateTags !== undefined) {
      if (this.#isIncomplete) store.clear(this.#means.prefix);
      store.invalidateTags([...this.#owed.keys()]);
      this.#settleOwed(round);
    } else if (store.entries !== undefined) this.#sweepSync(store);
    else {
      this.#giveUp();
      return;
    }
    this.#finish(round);
  }

  async #tellAsync(store: AsyncStore): Promise<void> {
    const round = this.#start();
    const { invalidateTags } = store;
    await this.#means.withdraw();
    if (invalidateTags !== undefined) {
      const limit = this.#means.limit();
      const told = [...this.#owed.keys()];
      if (this.#isIncomplete) await bounded(() => store.clear(this.#means.prefix), limit, 'clear', true);
      await bounded(() => invalidateTags.call(store, told), limit, 'invalidateTags', true);
      this.#settleOwed(round);
    } else if (store.entries !== undefined) await this.#sweepAsync(store.entries(this.#means.prefix));
    else {
      this.#giveUp();
      return;
    }
    this.#finish(round);
  }

  /** @returns the epoch that the round is for */
  #start(): number {
    this.#hasFailed = true;
    this.#triedAt = Date.now();
    return tagEpoch();
  }

  #finish(round: number): void {
    this.#hasFailed = this.#owed.size > 0;
    this.#news.told = Math.max(this.#news.told, round);
  }

  #giveUp(): void {
    this.#hasFailed = false;
    this.#means.cannot();
  }

  /** All are tried before the first failure is told. */
  #sweepSync(store: SyncStore): void {
    const failures: unknown[] = [];
    for (const [key, entry] of [...(store.entries?.(this.#means.prefix) ?? [])]) {
      if (!this.#news.isVoid(entry)) continue;
      try {
        store.delete(key);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #sweepAsync(entries: AsyncIterable<readonly [key: string, entry: Entry]>): Promise<void> {
    const iterator = entries[Symbol.asyncIterator]();
    let removals: Promise<unknown>[] = [];
    const failures: unknown[] = [];
    try {
      for (;;) {
        const step = await bounded(() => iterator.next(), this.#means.limit(), 'entries', true);
        if (step.done) break;
        const [key, entry] = step.value;
        if (!this.#news.isVoid(entry)) continue;
        removals.push(this.#means.remove(key).catch((error) => failures.push(error)));
        if (removals.length < atOnce) continue;
        await Promise.all(removals);
        removals = [];
      }
    } catch (error) {
      // A listing that hangs is not waited for.
      iterator.return?.().then(undefined, () => {});
      failures.unshift(error);
    }
    await Promise.all(removals);
    if (failures.length > 0) throw failures[0];
  }
}
