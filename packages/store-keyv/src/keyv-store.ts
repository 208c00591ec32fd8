import { Buffer } from 'node:buffer';
import { clearTimeout, setTimeout } from 'node:timers';
import {
  type AsyncStore,
  type Clock,
  CodecError,
  decodeEnvelope,
  type Entry,
  encodeEnvelope,
  OperationOrder,
  Reports,
  type StoreCapabilities,
  StoreError,
  type StoreListener,
  systemClock,
} from '@reprise/store';
import { ClearMarks, isVoid, type Marks } from './clear-marks.ts';
import { Doubts } from './doubts.ts';
import { KeyvAccess } from './keyv-access.ts';
import { checkInstance, type KeyvInstance, type KeyvStoreOptions, readOptions, type Settings } from './options.ts';
import { foreignKey, placeOf, readText, type StoredText, writeText } from './stored-text.ts';

/** The store that {@link keyvStore} makes. It lists and sweeps where its capabilities say so. */
export interface KeyvStore extends AsyncStore {
  readonly name: 'keyv';
  readonly persistent: boolean;
  readonly capabilities: StoreCapabilities;
  getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]>;
  useClock(clock: Clock): void;
  copy(value: unknown): unknown;
  listen(listener: StoreListener): () => void;
}

/**
 * A store in any Keyv 5 instance that you have made: Memcached, PostgreSQL, MySQL, MongoDB, etcd and whatever else there is an adapter
 * for. Its `namespace`, `ttl`, serializer, compression and hooks are respected; it stays yours, and is not disconnected by `close()`.
 *
 * Every entry is bound to its key and covered by a checksum: one that is damaged, foreign or another key's is a miss, and reported to
 * `listen({ failed })`. What Keyv and its adapters swallow is a `StoreError` here: a `delete`, `clear` or `set` that resolves has reached
 * the adapter. Keyv knows no atomic operation, so there are no fences, leases or labels between processes: see the README.
 *
 * @throws OptionError for what is no Keyv ≥ 5.6, an unknown option, or one that cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import Keyv from 'keyv';
 * import { keyvStore } from '@reprise/store-keyv';
 *
 * const store = keyvStore(new Keyv()); // or new Keyv({ store: new KeyvPostgres('postgresql://…') })
 * const now = Date.now();
 * await store.set('rates', { value: new Map([['EUR', 1.1]]), createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 });
 * assert.deepEqual((await store.get('rates'))?.value, new Map([['EUR', 1.1]]));
 * assert.equal(await store.delete('rates'), true);
 * await store.close();
 */
export function keyvStore(keyv: KeyvInstance, options: KeyvStoreOptions = {}): KeyvStore {
  checkInstance(keyv);
  const settings = readOptions(keyv, options);
  const access = new KeyvAccess(keyv);
  return access.canIterate ? new ListingStore(access, settings) : new TextStore(access, settings);
}

/** How much longer than an entry Keyv keeps it: the store itself judges age, by its own clock. */
const grace = 5_000;
/** Longer delays than a timer can hold, 24 days, fire at once. */
const longestDelay = 2_147_483_647;
/** Which of two processes was first is settled after a few rounds. */
const rounds = 5;

/** One try to change a key. */
interface Attempt {
  isGivenUp: boolean;
  /** Whether an entry was sent, which may arrive at any time. */
  hasWritten: boolean;
}

class TextStore implements KeyvStore {
  readonly sync = false;
  readonly name = 'keyv';
  readonly persistent: boolean;
  readonly capabilities: StoreCapabilities = { batches: true, bytes: true };

  protected readonly access: KeyvAccess;
  protected readonly settings: Settings;
  protected readonly order: OperationOrder = new OperationOrder();
  protected readonly reports: Reports;
  protected readonly marks: ClearMarks;
  protected readonly doubts: Doubts = new Doubts();
  #clock: Clock;
  #hasClock: boolean;
  #closing: Promise<void> | undefined;

  constructor(access: KeyvAccess, settings: Settings) {
    this.access = access;
    this.settings = settings;
    this.persistent = settings.persistent;
    this.reports = new Reports(`The Keyv store on ${access.adapterName}`);
    this.#clock = settings.clock ?? systemClock;
    this.#hasClock = settings.clock !== undefined;
    this.marks = new ClearMarks(settings.namespace, {
      read: (key) => access.get(key),
      write: (key, text) => access.set(key, text, 0),
    });
  }

  useClock(clock: Clock): void {
    if (this.#hasClock) return;
    this.#clock = clock;
    this.#hasClock = true;
  }

  copy(value: unknown): unknown {
    const { codec } = this.settings;
    return codec.decode(codec.encode(value));
  }

  listen(listener: StoreListener): () => void {
    return this.reports.listen(listener);
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.bounded('read', async () => {
      await this.order.pendingOf(key);
      let failure: unknown;
      const [entry] = await this.read([key], (error) => {
        failure = error;
      });
      if (failure !== undefined) throw failure;
      return entry;
    });
  }

  async getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return this.bounded('read', async () => {
      await Promise.all(keys.map((key) => this.order.pendingOf(key)));
      return this.read(keys, (error, key) => this.reports.failed(this.reports.failure('read', error), key));
    });
  }

  async set(key: string, entry: Entry): Promise<boolean> {
    return this.bounded('write', async () => {
      const lifetime = entry.staleUntil - this.#clock.now();
      if (!(lifetime > 0)) {
        // What may not be stored is newer than what is: that must not be answered any more.
        await this.#replaceByNothing(key);
        return false;
      }
      let envelope: string;
      // Before anything is awaited: the caller may go on to change the value.
      try {
        const bytes = encodeEnvelope(this.#bound(key), entry, this.settings.codec);
        envelope = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
      } catch (refusal) {
        await this.#replaceByNothing(key);
        throw refusal;
      }
      return this.#change(key, 'write', (attempt) => this.#write(attempt, key, envelope, lifetime));
    });
  }

  async delete(key: string): Promise<boolean> {
    return this.bounded('delete', () =>
      this.#change(key, 'delete', async () => {
        const [entry] = await this.read([key], () => {});
        await this.#settleDoubt(key);
        await this.#remove(key);
        return entry !== undefined;
      }),
    );
  }

  async clear(prefix = ''): Promise<void> {
    return this.bounded('clear', () => this.order.changeAll(() => this.#within('clear', this.marks.clear(prefix))));
  }

  close(): Promise<void> {
    this.#closing ??= this.#within('close', Promise.resolve(this.order.idle()))
      .catch(() => {
        // It hangs: who asked for it has heard so.
      })
      .then(() => {
        this.access.release();
        this.reports.clear();
      });
    return this.#closing;
  }

  /** @throws StoreError (rejects) when it is closed, fails, or takes longer than `timeout` */
  protected async bounded<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    this.check();
    return this.#within(what, work());
  }

  protected check(): void {
    if (this.#closing !== undefined) throw this.reports.closed();
  }

  #within<Result>(what: string, work: Promise<Result>): Promise<Result> {
    const { timeout } = this.settings;
    return new Promise((resolve, reject) => {
      const timer = timeout > longestDelay ? undefined : setTimeout(() => reject(this.#late(what)), timeout);
      timer?.unref();
      work.then(resolve, (error) => reject(this.reports.failure(what, error))).finally(() => clearTimeout(timer));
    });
  }

  #late(what: string): StoreError {
    const { timeout } = this.settings;
    return new StoreError(
      `${this.reports.store} has not been able to ${what} within ${timeout} ms (its timeout); it may still happen`,
    );
  }

  /** Several keys, with the mark that they are judged by. One that is damaged is told to listeners, one that cannot be read to `failed`. */
  protected async read(
    keys: readonly string[],
    failed: (error: unknown, key?: string) => void,
  ): Promise<(Entry | undefined)[]> {
    const { namespace } = this.settings;
    const asked = [this.marks.markKey, ...keys.map((key) => foreignKey(namespace, key))];
    const [mark, ...texts] = await this.access.getMany(asked, (error, index) => failed(error, keys[index - 1]));
    const marks = await this.marks.at(mark);
    if (marks === undefined) return keys.map(() => undefined);
    return keys.map((key, index) => this.#judge(marks, key, texts[index]));
  }

  #judge(marks: Marks, key: string, text: unknown): Entry | undefined {
    if (text === undefined) return undefined;
    const stored = readText(text);
    if (stored === undefined) {
      this.reports.failed(
        new CodecError(`The entry of ${JSON.stringify(key.slice(0, 120))} is damaged, or none of Reprise`),
        key,
      );
      return undefined;
    }
    if (isVoid(marks, key, stored.root, stored.count)) return undefined;
    try {
      const entry = decodeEnvelope(stored.envelope, this.#bound(key), this.settings.codec);
      return this.#isOver(entry) ? undefined : entry;
    } catch (error) {
      this.reports.failed(error, key);
      return undefined;
    }
  }

  /** What an entry is bound to: a key of this namespace and no other. */
  #bound(key: string): string {
    return `${JSON.stringify(this.settings.namespace)}:${key}`;
  }

  #isOver(entry: Entry): boolean {
    return !(entry.staleUntil > this.#clock.now());
  }

  /** One change of a key, in its order; given up after the timeout, so that a lost answer does not stop the key for ever. */
  async #change<Result>(key: string, what: string, work: (attempt: Attempt) => Promise<Result>): Promise<Result> {
    return this.order.change(key, () => {
      const attempt: Attempt = { isGivenUp: false, hasWritten: false };
      const result = this.#within(what, work(attempt));
      return result.catch((error: unknown) => {
        attempt.isGivenUp = true;
        if (attempt.hasWritten) this.doubts.add(key);
        throw error;
      });
    });
  }

  async #write(attempt: Attempt, key: string, envelope: string, lifetime: number): Promise<boolean> {
    const { namespace } = this.settings;
    const place = placeOf(namespace, key);
    // In whole seconds, as the coarsest servers count.
    const ttl = lifetime < Number.MAX_SAFE_INTEGER / 2 ? Math.ceil(lifetime / 1_000) * 1_000 + grace : undefined;
    await this.#settleDoubt(key);
    let marks = this.marks.known ?? (await this.marks.establish());
    for (let round = 0; round < rounds; round++) {
      // Something newer may have taken its place.
      if (attempt.isGivenUp) return false;
      const { root, count } = marks;
      const text = writeText(root, count, place, envelope);
      attempt.hasWritten = true;
      const [mark] = await Promise.all([
        this.marks.read(),
        this.access
          .set(foreignKey(namespace, key), text, ttl)
          .catch((error: unknown) => this.#forget(attempt, key, error)),
      ]);
      // Somebody else may have cleared since the mark was last read.
      marks = (await this.marks.at(mark)) ?? (await this.marks.establish());
      if (!isVoid(marks, key, root, count)) return true;
    }
    return false;
  }

  /** Where an older write may still arrive, makes void what it brings. */
  #settleDoubt(key: string): Promise<void> {
    return this.doubts.settle(key, (doubtful) => this.#within('clear', this.marks.clear(doubtful)));
  }

  #replaceByNothing(key: string): Promise<void> {
    return this.#change(key, 'delete', async () => {
      await this.#settleDoubt(key);
      await this.#remove(key);
    });
  }

  /** What could not be written leaves nothing older. Where the adapter does as it is told again, nothing is on its way either. */
  async #forget(attempt: Attempt, key: string, error: unknown): Promise<never> {
    if (!attempt.isGivenUp) {
      await this.#remove(key).then(
        () => {
          attempt.hasWritten = false;
        },
        () => {},
      );
    }
    throw error;
  }

  #remove(key: string): Promise<void> {
    return this.access.delete(foreignKey(this.settings.namespace, key));
  }

  protected isVoid(marks: Marks, { root, count, key }: StoredText): boolean {
    return isVoid(marks, key, root, count);
  }

  /** Removes an entry unless it lives. @returns whether it was there */
  protected sweep(key: string): Promise<boolean> {
    return this.#change(key, 'prune', async () => {
      let failure: unknown;
      const [[entry], text] = await Promise.all([
        this.read([key], (error) => {
          failure = error;
        }),
        this.access.get(foreignKey(this.settings.namespace, key)),
      ]);
      // What cannot be judged stays.
      if (failure !== undefined) throw failure;
      if (entry !== undefined || text === undefined) return false;
      await this.#remove(key);
      return true;
    });
  }
}

/** So many entries are read at a time. */
const listedAtOnce = 100;

/** With an adapter that can list keys. */
class ListingStore extends TextStore {
  override readonly capabilities: StoreCapabilities = { batches: true, bytes: true, iteration: true, prune: true };

  entries(prefix = ''): AsyncIterable<readonly [key: string, entry: Entry]> {
    return { [Symbol.asyncIterator]: () => this.#list(prefix) };
  }

  async size(prefix = ''): Promise<number> {
    return (await this.#keys(prefix, false)).length;
  }

  async prune(): Promise<number> {
    let removed = 0;
    for (const key of await this.#keys('', true)) {
      if (await this.bounded('prune', () => this.sweep(key))) removed++;
    }
    return removed;
  }

  async *#list(prefix: string): AsyncGenerator<readonly [string, Entry]> {
    // All keys first: what is changed on the way would move what the adapter lists.
    const keys = await this.#keys(prefix, false);
    for (let start = 0; start < keys.length; start += listedAtOnce) {
      const some = keys.slice(start, start + listedAtOnce);
      const entries = await this.getMany(some);
      for (const [index, entry] of entries.entries()) if (entry !== undefined) yield [some[index] as string, entry];
    }
  }

  /** The keys of this namespace that begin with `prefix`; `all`: those whose entries are void, too. */
  async #keys(prefix: string, all: boolean): Promise<string[]> {
    this.check();
    const keys = new Set<string>();
    await this.bounded('list', async () => this.order.idle());
    const marks = await this.bounded('list', async () => this.marks.at(await this.marks.read()));
    const values = this.access.values();
    for (;;) {
      const next = await this.bounded('list', () => values.next());
      if (next.done) return [...keys];
      const stored = readText(next.value);
      if (stored === undefined || stored.namespace !== this.settings.namespace) continue;
      if (stored.key.startsWith(prefix) && (all || (marks !== undefined && !this.isVoid(marks, stored))))
        keys.add(stored.key);
    }
  }
}
