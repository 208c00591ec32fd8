import {
  type AsyncStore,
  type Clock,
  type Entry,
  encodeEnvelope,
  type Lease,
  OperationOrder,
  type StoreCapabilities,
  StoreError,
  type StoreListener,
  type Tracker,
} from '@reprise/store';
import { EntryReader } from './entry-reader.ts';
import { JointReads } from './joint-reads.ts';
import { KeySpace, toBytes, toMember } from './key-space.ts';
import { makeMark } from './marks.ts';
import { type RedisStoreOptions, readOptions, type Settings } from './options.ts';
import { packTags } from './record.ts';
import { Reports } from './reports.ts';
import {
  clearScript,
  currentScript,
  deleteScript,
  healScript,
  leaseScript,
  releaseScript,
  renewScript,
  tagScript,
  touchScript,
  writeScript,
} from './scripts.ts';
import { count, Server, texts } from './server.ts';
import { readGeneration } from './state.ts';
import { Sweeper } from './sweeper.ts';
import { Tracking } from './tracking.ts';

/** The store that {@link redisStore} makes: an `AsyncStore` with all that this one can do. */
export interface RedisStore extends AsyncStore {
  readonly name: 'redis';
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
  useClock(clock: Clock): void;
  copy(value: unknown): unknown;
  listen(listener: StoreListener): () => void;
}

/**
 * A store that keeps entries in Redis (6 or later) or Valkey, shared by all processes and machines that reach the server.
 *
 * What one process invalidates counts for all of them from the moment it has finished, also for what they are just computing, and also
 * after a restart or a failover of the server. Either voids all entries, wherever the server has them from: the cache is cold then.
 * Every entry is bound to its key: one that is damaged, foreign or another key's is a miss, is reported to `listen({ failed })`,
 * and is removed. A client that is not connected fails operations at once with a `StoreError`.
 *
 * @throws OptionError for an unknown option, one that cannot be meant, or a client that would give wrong answers
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { redisStore } from '@reprise/store-redis';
 *
 * assert.throws(() => redisStore({ url: 'localhost' }), /redis:\/\//);
 * const store = redisStore({ url: 'redis://localhost:6379', namespace: 'shop' }); // connects when it is first used
 * assert.equal(store.persistent, true);
 * await store.close();
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  return new ServerStore(readOptions(options));
}

/** Of so many fences of a kind the oldest are given up, and with them what was computed before. */
const mostFences = '100000';
const mostPrefixFences = '1000';
/** Of so many beginnings that are being swept; beyond that, all of the place is void. */
const mostPending = '64';
/** Beyond so many leases that could not be given back they are left to end by themselves. */
const mostOwed = 1_000;

class ServerStore implements RedisStore {
  readonly sync = false;
  readonly name = 'redis';
  readonly persistent = true;
  readonly capabilities: StoreCapabilities;
  readonly track?: (tracker: Tracker) => () => void;

  readonly #settings: Settings;
  readonly #keys: KeySpace;
  readonly #reports: Reports = new Reports();
  readonly #server: Server;
  readonly #reader: EntryReader;
  readonly #reads: JointReads;
  readonly #sweeper: Sweeper;
  readonly #order: OperationOrder = new OperationOrder();
  readonly #leases = new Map<string, Lease>();
  /** Tokens of leases that were to be given back, until the server has confirmed it. */
  readonly #owed = new Map<string, string>();
  readonly #tracking: Tracking;
  #clock: Clock | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    const keys = new KeySpace(settings.prefix, settings.namespace);
    this.#settings = settings;
    this.#keys = keys;
    this.#clock = settings.clock;
    this.#server = new Server(settings.connect, keys, this.#reports);
    this.#reader = new EntryReader({
      server: this.#server,
      keys,
      codec: settings.codec,
      clock: () => this.#clock,
      damaged: (key, found, reason) => this.#heal(key, found, reason),
    });
    this.#reads = new JointReads((asked) => this.#reader.read(asked));
    this.#sweeper = new Sweeper(this.#server, keys, () => this.#told());
    this.capabilities = {
      fences: true,
      leases: true,
      tags: true,
      touch: true,
      iteration: true,
      batches: true,
      prune: true,
      bytes: true,
      tracking: settings.canWatch,
    };
    this.#tracking = new Tracking(this.#server, keys, (error) =>
      this.#reports.failed(this.#reports.failure('be told of changes', error)),
    );
    if (settings.canWatch) {
      this.track = (tracker) => {
        this.#refuseWhenClosed();
        return this.#tracking.add(tracker);
      };
    }
  }

  useClock(clock: Clock): void {
    this.#clock ??= clock;
  }

  copy(value: unknown): unknown {
    const { codec } = this.#settings;
    return codec.decode(codec.encode(value));
  }

  listen(listener: StoreListener): () => void {
    return this.#reports.listen(listener);
  }

  get(key: string): Promise<Entry | undefined> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    const pending = this.#order.pendingOf(key);
    return pending === undefined ? this.#reads.get(key) : pending.then(() => this.#reads.get(key));
  }

  async getMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async set(key: string, entry: Entry): Promise<boolean> {
    this.#refuseWhenClosed();
    const id = this.#keys.id(key);
    const told = readGeneration(entry.generation);
    if (entry.generation !== undefined && told === undefined) return false;
    const { tags = [] } = entry;
    const members = tags.map((tag) => toMember('t', toBytes(tag)));
    const { envelope, refusal } = this.#encode(key, entry);
    const now = this.#clock?.now() ?? Date.now();
    const { createdAt, expiresAt, staleUntil, idle = 0 } = entry;
    const ages = [now - createdAt, expiresAt - now, staleUntil - now, idle].map(write);
    const sentAt = this.#clock === undefined && this.#server.time.isKnown ? String(this.#server.time.earliest()) : '';
    const token = makeMark();
    const isKept = await this.#change(key, async () => {
      if (members.length > 0) this.#reader.expectTags();
      const asked = this.#server.ask();
      const reply = await this.#server.run(
        'write',
        writeScript,
        [this.#keys.entry(id), this.#keys.lease(id), this.#keys.done(token)],
        [
          makeMark(),
          this.#told(),
          told?.mark ?? '',
          told?.epoch ?? '',
          toMember('k', id),
          ...ages,
          packTags(members),
          envelope ?? '',
          sentAt,
          mostFences,
          token,
        ],
      );
      const [kept, time, origin] = texts(reply, 3) as [string, string, string];
      this.#server.learn(asked, time, origin);
      return kept === '1';
    });
    if (refusal !== undefined && isKept) throw refusal;
    return isKept && envelope !== undefined;
  }

  delete(key: string): Promise<boolean> {
    return this.#guarded(() =>
      this.#change(key, async () => {
        const id = this.#keys.id(key);
        this.#leases.delete(key);
        const args = [makeMark(), this.#told(), toMember('k', id), mostFences];
        const keys = [this.#keys.entry(id), this.#keys.lease(id)];
        return count(await this.#server.run('delete', deleteScript, keys, args)) === 1;
      }),
    );
  }

  clear(prefix = ''): Promise<void> {
    return this.#guarded(() =>
      this.#changeAll(async () => {
        const args = [makeMark(), this.#keys.id(prefix), mostPrefixFences, mostPending];
        await this.#server.run('clear', clearScript, [], args);
        this.#sweeper.sweepCleared().catch((error: unknown) => {
          if (this.#closing === undefined) this.#reports.failed(error);
        });
      }),
    );
  }

  invalidateTags(tags: readonly string[]): Promise<void> {
    return this.#guarded(async () => {
      if (tags.length === 0) return;
      const members = [...new Set(tags)].map((tag) => toMember('t', toBytes(tag)));
      await this.#changeAll(async () => {
        for (let at = 0; at < members.length; at += 1_000) {
          const some = members.slice(at, at + 1_000);
          await this.#server.run('invalidate tags', tagScript, [], [makeMark(), mostFences, ...some]);
        }
      });
    });
  }

  touch(key: string): Promise<void> {
    return this.#guarded(() =>
      this.#change(key, async () => {
        await this.#server.run('touch', touchScript, [this.#keys.entry(this.#keys.id(key))], [this.#told()]);
      }),
    );
  }

  entries(prefix = ''): AsyncIterable<readonly [key: string, entry: Entry]> {
    return { [Symbol.asyncIterator]: () => this.#list(prefix) };
  }

  async *#list(prefix: string): AsyncGenerator<readonly [string, Entry], void, undefined> {
    this.#refuseWhenClosed();
    await this.#order.idle();
    // All keys first: what is set while the listing goes on would let it go on without end.
    const keys: string[] = [];
    for await (const found of this.#sweeper.scan('list', this.#keys.id(prefix))) {
      for (const one of found) {
        const key = this.#keys.keyOf(one);
        if (key?.startsWith(prefix)) keys.push(key);
      }
    }
    for (let at = 0; at < keys.length; at += 100) {
      const some = keys.slice(at, at + 100);
      const entries = await this.getMany(some);
      for (const [index, key] of some.entries()) {
        const entry = entries[index];
        if (entry !== undefined) yield [key, entry];
      }
    }
  }

  size(prefix = ''): Promise<number> {
    return this.#guarded(async () => {
      await this.#order.idle();
      return this.#sweeper.count(this.#keys.id(prefix));
    });
  }

  prune(): Promise<number> {
    return this.#guarded(async () => {
      await this.#order.idle();
      const ended = await this.#sweeper.sweep(undefined);
      await this.#sweeper.sweepCleared();
      return ended;
    });
  }

  generation(): Promise<string> {
    return this.#guarded(async () => {
      await this.#order.idle();
      const [mark, epoch] = await this.#server.begin('begin', makeMark());
      return `${mark}:${epoch}`;
    });
  }

  isCurrent(key: string, generation: number | string, tags: readonly string[] = []): Promise<boolean> {
    return this.#guarded(async () => {
      const told = readGeneration(generation);
      if (told === undefined) return false;
      await this.#order.idle();
      const id = this.#keys.id(key);
      const members = packTags(tags.map((tag) => toMember('t', toBytes(tag))));
      const args = [told.mark, told.epoch, toMember('k', id), id, members];
      return count(await this.#server.run('judge', currentScript, [], args)) === 1;
    });
  }

  lease(key: string): Promise<Lease | undefined> {
    return this.#guarded(async () => {
      await this.#order.pendingOf(key);
      const id = this.#keys.id(key);
      // One that could not be given back is this store's own still.
      const token = this.#owed.get(key) ?? makeMark();
      const duration = this.#settings.leaseDuration;
      const args = [makeMark(), id, token, String(duration)];
      const reply = await this.#server.run('lease', leaseScript, [this.#keys.lease(id)], args);
      if (!Array.isArray(reply)) {
        count(reply);
        return undefined;
      }
      const [mark, epoch] = texts(reply, 2);
      const lease = { key, token, generation: `${mark}:${epoch}`, duration };
      this.#leases.set(key, lease);
      this.#owed.delete(key);
      if (this.#owed.size > mostOwed) this.#owed.clear();
      return lease;
    });
  }

  renew({ key, token }: Lease): Promise<boolean> {
    return this.#guarded(async () => {
      const id = this.#keys.id(key);
      const args = [id, token, String(this.#settings.leaseDuration)];
      return count(await this.#server.run('renew a lease', renewScript, [this.#keys.lease(id)], args)) === 1;
    });
  }

  release({ key, token }: Lease): Promise<void> {
    return this.#guarded(async () => {
      if (this.#leases.get(key)?.token === token) this.#leases.delete(key);
      this.#owed.set(key, token);
      await this.#server.run('release a lease', releaseScript, [this.#keys.lease(this.#keys.id(key))], [token]);
      if (this.#owed.get(key) === token) this.#owed.delete(key);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#tracking.close();
    this.#reads.flush();
    await this.#order.idle();
    await this.#sweeper.idle();
    const leases = [...this.#leases.values()];
    const released = leases.map(({ key, token }) =>
      this.#server.run('release a lease', releaseScript, [this.#keys.lease(this.#keys.id(key))], [token]),
    );
    await Promise.allSettled(released);
    await this.#server.close();
    this.#reports.clear();
  }

  /** What scripts are told of the time; `''`: the server's own counts. */
  #told(): string {
    return this.#clock === undefined ? '' : String(this.#clock.now());
  }

  #encode(key: string, entry: Entry): { readonly envelope?: Buffer; readonly refusal?: unknown } {
    const { generation: _, ...rest } = entry;
    try {
      const bytes = encodeEnvelope(this.#keys.envelopeKey(key), rest, this.#settings.codec);
      return { envelope: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    } catch (refusal) {
      return { refusal };
    }
  }

  #heal(key: string, found: Buffer, reason: unknown): void {
    this.#reports.failed(reason, key);
    this.#server
      .run('remove a damaged entry', healScript, [this.#keys.entry(this.#keys.id(key))], [found])
      .catch((error: unknown) => {
        this.#reports.failed(error, key);
      });
  }

  #change<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    this.#reads.flush();
    return this.#order.change(key, work);
  }

  #changeAll<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#reads.flush();
    return this.#order.changeAll(work);
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#refuseWhenClosed();
    return work();
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined) throw closed();
  }
}

function closed(): StoreError {
  return new StoreError('The Redis store is closed', { code: 'E_CLOSED' });
}

/** A number as scripts read it. */
function write(value: number): string {
  return value === Infinity ? 'inf' : String(value);
}
