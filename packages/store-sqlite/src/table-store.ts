import { Buffer } from 'node:buffer';
import {
  type Bounds,
  type Clock,
  type Codec,
  CodecError,
  decodeEnvelope,
  decodeTextEnvelope,
  type Entry,
  encodeEnvelope,
  encodeTextEnvelope,
  type Lease,
  Reports,
  type StoreCapabilities,
  type StoreListener,
  type SyncStore,
  systemClock,
} from '@reprise/store';
import { Connection } from './connection.ts';
import { loadDriver } from './driver.ts';
import { EntryRows, type NewRow, type Removal } from './entry-rows.ts';
import {
  countRaised,
  fenceKey,
  fencePrefix,
  fenceTags,
  isVoid,
  limitFences,
  readGeneration,
  writeGeneration,
} from './fences.ts';
import { toColumn } from './key-column.ts';
import { endLease, endLeases, Leases, sweepLeases } from './leases.ts';
import { checkBound, type Settings } from './options.ts';
import type { Envelope, Session } from './session.ts';
import { type Judgement, type WaitingWrite, WaitingWrites } from './waiting-writes.ts';

/** The store that `sqliteStore` makes: a `SyncStore` with all that this one can do. */
export interface SqliteStore extends SyncStore {
  readonly name: 'sqlite';
  readonly persistent: true;
  readonly capabilities: StoreCapabilities;
  delete(key: string): boolean;
  entries(prefix?: string): Iterable<readonly [key: string, entry: Entry]>;
  size(prefix?: string): number;
  prune(): number;
  invalidateTags(tags: readonly string[]): void;
  touch(key: string): void;
  generation(): string;
  isCurrent(key: string, generation: number | string, tags?: readonly string[]): boolean;
  lease(key: string): Lease | undefined;
  renew(lease: Lease): boolean;
  release(lease: Lease): void;
  resize(bounds: Bounds): void;
  useClock(clock: Clock): void;
  copy(value: unknown): unknown;
  listen(listener: StoreListener): () => void;
}

/** The order of use is by real time, which processes share and no test can stop. */
const { now: realNow } = Date;
/** Room that so many entries have left is given back to the file system at once. */
const worthReclaiming = 500;

/** A judgement that holds for every key: nothing at all has been invalidated since the runs of this generation began. */
interface LastJudged {
  readonly generation: number | string;
  readonly judgement: Judgement;
  readonly raised: number;
}

/** A store on the tables of one file. */
export class TableStore implements SqliteStore {
  readonly sync = true;
  readonly name = 'sqlite';
  readonly persistent = true;
  readonly capabilities: StoreCapabilities = {
    fences: true,
    leases: true,
    tags: true,
    touch: true,
    iteration: true,
    bounds: true,
    prune: true,
    bytes: true,
  };

  readonly #settings: Settings;
  readonly #connection: Connection;
  readonly #rows: EntryRows;
  readonly #leases: Leases;
  readonly #waiting: WaitingWrites;
  readonly #reports: Reports;
  #clock: Clock;
  #hasClock: boolean;
  #bounds: Required<Bounds>;
  #isBounded: boolean;
  #lastUse = 0;
  #lastJudged: LastJudged | undefined;
  #isClosed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    const open = loadDriver(settings.driver);
    this.#reports = new Reports(`The SQLite store at ${settings.filename}`);
    this.#connection = new Connection(settings.filename, open, settings.lockTimeout, this.#reports);
    this.#rows = new EntryRows(settings.namespace);
    this.#leases = new Leases(settings.leaseDuration);
    this.#waiting = new WaitingWrites(() => this.#flush());
    this.#clock = settings.clock ?? systemClock;
    this.#hasClock = settings.clock !== undefined;
    this.#bounds = { maxSize: settings.maxSize, maxBytes: settings.maxBytes };
    this.#isBounded = isBounded(this.#bounds);
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

  get(key: string): Entry | undefined {
    const entry = this.#read(key);
    if (entry !== undefined && this.#isBounded) this.#waiting.use(this.#rows.fullKey(key));
    return entry;
  }

  set(key: string, entry: Entry): boolean {
    this.#connection.refuseWhenClosed();
    const fullKey = this.#rows.fullKey(key);
    const { generation } = entry;
    if (generation === undefined) return this.#setAnew(fullKey, entry);
    const judgement = this.#judge(fullKey, entry.tags, generation);
    if (judgement === undefined) return false;
    const { row, refusal } = this.#encode(fullKey, entry);
    if (row !== undefined) {
      this.#waiting.add({ row, judgement });
      return true;
    }
    // What may not be stored is newer than what is: that must not be answered any more.
    this.#write('write', (session) => {
      if (judgement.mark === session.mark) this.#rows.remove(session, fullKey);
    });
    if (refusal !== undefined) throw refusal;
    return false;
  }

  delete(key: string): boolean {
    const fullKey = this.#rows.fullKey(key);
    const now = this.#clock.now();
    return this.#write('delete', (session) => {
      const end = this.#rows.remove(session, fullKey);
      fenceKey(session, fullKey);
      endLease(session, fullKey);
      return end !== undefined && end > now;
    });
  }

  clear(prefix = ''): void {
    const fullPrefix = this.#rows.fullKey(prefix);
    const removed = this.#write('clear', (session) => {
      const count = this.#rows.removePrefix(session, prefix);
      fencePrefix(session, fullPrefix);
      endLeases(session, fullPrefix);
      return count;
    });
    this.#reclaim(removed);
  }

  invalidateTags(tags: readonly string[]): void {
    this.#connection.refuseWhenClosed();
    if (tags.length === 0) return;
    const removed = this.#write('invalidate tags', (session) => {
      let count = 0;
      for (const tag of tags) count += this.#rows.removeTagged(session, tag);
      fenceTags(session, tags);
      return count;
    });
    this.#reclaim(removed);
  }

  touch(key: string): void {
    this.#connection.refuseWhenClosed();
    this.#waiting.touch(this.#rows.fullKey(key), this.#clock.now());
  }

  entries(prefix = ''): Iterable<readonly [key: string, entry: Entry]> {
    const list = (): Generator<readonly [string, Entry]> => this.#list(prefix);
    return { [Symbol.iterator]: list };
  }

  *#list(prefix: string): Generator<readonly [string, Entry]> {
    this.#settle();
    for (const key of this.#connection.read('list', (session) => this.#rows.keys(session, prefix))) {
      const entry = this.#read(key);
      if (entry !== undefined) yield [key, entry];
    }
  }

  size(prefix = ''): number {
    this.#settle();
    return this.#connection.read('count', (session) => this.#rows.count(session, prefix));
  }

  prune(): number {
    const { keys, count } = this.#write('sweep', (session) => {
      const now = this.#clock.now();
      const keys = this.#rows.removeEnded(session, now);
      this.#rows.settle(session);
      this.#rows.recount(session);
      const others = this.#rows.removeEndedElsewhere(session, now);
      limitFences(session);
      sweepLeases(session);
      return { keys, count: keys.length + others };
    });
    for (const key of keys) this.#reports.removed(key, 'expire');
    this.#reclaim(worthReclaiming);
    return count;
  }

  resize(bounds: Bounds): void {
    this.#connection.refuseWhenClosed();
    this.#bounds = {
      maxSize: checkBound('maxSize', bounds.maxSize ?? this.#bounds.maxSize),
      maxBytes: checkBound('maxBytes', bounds.maxBytes ?? this.#bounds.maxBytes),
    };
    this.#isBounded = isBounded(this.#bounds);
    if (this.#isBounded) this.#write('sweep', () => {});
  }

  generation(): string {
    // Results that wait change no counter.
    return this.#connection.read('read', (session) => writeGeneration(session, session.epoch()));
  }

  isCurrent(key: string, generation: number | string, tags?: readonly string[]): boolean {
    const fullKey = this.#rows.fullKey(key);
    return this.#connection.read('read', (session) => {
      const epoch = readGeneration(session, generation);
      return epoch !== undefined && !isVoid(session, { fullKey, tags }, epoch, session.epoch());
    });
  }

  lease(key: string): Lease | undefined {
    return this.#write('lease', (session) => this.#leases.grant(session, key, this.#rows.fullKey(key)));
  }

  renew({ key, token }: Lease): boolean {
    return this.#write('renew a lease', (session) => this.#leases.renew(session, this.#rows.fullKey(key), token));
  }

  release({ key, token }: Lease): void {
    this.#write('release a lease', (session) => this.#leases.release(session, this.#rows.fullKey(key), token));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (!this.#waiting.isEmpty || this.#leases.isUsed) {
        this.#write('write', (session) => this.#leases.releaseAll(session));
      }
    } catch (error) {
      this.#reports.failed(error);
    } finally {
      this.#waiting.clear();
      this.#connection.close();
      this.#reports.clear();
    }
  }

  /** The living or stale entry of a key. One that cannot be believed is reported, removed, and no entry. */
  #read(key: string): Entry | undefined {
    this.#connection.refuseWhenClosed();
    const fullKey = this.#rows.fullKey(key);
    const waiting = this.#waiting.get(fullKey);
    let real = realNow();
    let envelope = waiting === undefined ? this.#findAtOnce(key, fullKey, real) : null;
    if (envelope === null) {
      envelope = (waiting && this.#confirm(waiting)) ?? this.#findAnew(key, fullKey);
      real = realNow();
    }
    if (envelope === undefined) return undefined;
    let entry: Entry;
    try {
      entry = decode(envelope, fullKey, this.#settings.codec);
    } catch (error) {
      if (this.#connection.trusted(real)?.forgetRow(key)) return this.#read(key);
      return this.#heal(key, fullKey, envelope, error);
    }
    // One reading serves for both, unless the clock of the program is a patched one.
    const now = this.#clock === systemClock && Date.now === realNow ? real : this.#clock.now();
    if (entry.staleUntil <= now) return undefined;
    if (entry.idle === undefined) return entry;
    return this.#isIdleTooLong(fullKey, now) ? undefined : entry;
  }

  /** @returns `null` where it takes more than one look */
  #findAtOnce(key: string, fullKey: string, real: number): Envelope | undefined | null {
    const session = this.#connection.trusted(real);
    if (session === undefined) return null;
    try {
      return session.find(key, fullKey);
    } catch {
      return null;
    }
  }

  #findAnew(key: string, fullKey: string): Envelope | undefined {
    return this.#connection.read('read', (session) => session.find(key, fullKey));
  }

  /** What waits, if nobody has invalidated anything since. */
  #confirm({ row, judgement }: WaitingWrite): Envelope | undefined {
    const isCurrent = this.#connection.read(
      'read',
      (session) => session.mark === judgement.mark && session.epoch() === judgement.judgedAt,
    );
    if (isCurrent && row.idle === undefined) return row.envelope;
    // The transaction decides what becomes of it.
    this.#flush();
    return undefined;
  }

  #isIdleTooLong(fullKey: string, now: number): boolean {
    if (this.#waiting.isTouched(fullKey)) this.#flush();
    const row = this.#connection.read('read', (session) =>
      session.statement('SELECT ends_at FROM entries WHERE key = ?').get(toColumn(fullKey)),
    ) as { readonly ends_at: number } | undefined;
    return row === undefined || row.ends_at <= now;
  }

  #heal(key: string, fullKey: string, envelope: Envelope, reason: unknown): undefined {
    const report =
      reason instanceof CodecError
        ? reason
        : new CodecError(`The entry of ${JSON.stringify(key.slice(0, 120))} is damaged`, { cause: reason });
    this.#reports.failed(report, key);
    try {
      this.#write('remove a damaged entry', (session) => this.#rows.removeExactly(session, fullKey, envelope));
    } catch (error) {
      this.#reports.failed(error, key);
    }
    return undefined;
  }

  /**
   * Why a result of a run may be stored; `undefined` where it may not. In one tick the counter is read once: what another
   * process invalidates meanwhile is seen by the transaction at its end.
   */
  #judge(fullKey: string, tags: readonly string[] | undefined, generation: number | string): Judgement | undefined {
    const last = this.#waiting.isDue ? this.#lastJudged : undefined;
    if (last?.generation === generation && last.raised === countRaised()) return last.judgement;
    const raised = countRaised();
    const judgement = this.#connection.read('write', (session) => {
      const epoch = readGeneration(session, generation);
      const judgedAt = session.epoch();
      if (epoch === undefined || isVoid(session, { fullKey, tags }, epoch, judgedAt)) return undefined;
      return { epoch, judgedAt, mark: session.mark };
    });
    const holdsForAll = judgement?.epoch === judgement?.judgedAt;
    this.#lastJudged = judgement !== undefined && holdsForAll ? { generation, judgement, raised } : undefined;
    return judgement;
  }

  /** A value that no run has made: it wins over all runs that are under way. */
  #setAnew(fullKey: string, entry: Entry): boolean {
    const { row, refusal } = this.#encode(fullKey, entry);
    this.#write('write', (session) => {
      fenceKey(session, fullKey);
      endLease(session, fullKey);
      if (row !== undefined) this.#rows.put(session, row, this.#nextUse());
      else this.#rows.remove(session, fullKey);
    });
    if (refusal !== undefined) throw refusal;
    return row !== undefined;
  }

  /** @returns no row where it may not be stored, and why the codec refused it, if it did */
  #encode(fullKey: string, entry: Entry): { readonly row?: NewRow; readonly refusal?: unknown } {
    const { staleUntil, createdAt, idle, tags } = entry;
    const endsAt = idle === undefined ? staleUntil : Math.min(staleUntil, createdAt + idle);
    if (this.#bounds.maxSize === 0 || !(endsAt > this.#clock.now())) return {};
    let envelope: Envelope;
    try {
      envelope = encode(fullKey, entry, this.#settings.codec);
    } catch (refusal) {
      return { refusal };
    }
    const bytes = typeof envelope === 'string' ? Buffer.byteLength(envelope) : envelope.length;
    if (bytes > this.#bounds.maxBytes) return {};
    return { row: { fullKey, envelope, bytes, endsAt, staleUntil, idle, tags: tags && [...tags] } };
  }

  /** One transaction: what waits, then `work`, then the bounds. */
  #write<Result>(what: string, work: (session: Session) => Result): Result {
    let removals: readonly Removal[] = [];
    const result = this.#connection.write(what, (session) => {
      const now = this.#clock.now();
      this.#rows.begin();
      this.#lastUse = Math.max(this.#lastUse, realNow() * 1_000);
      if (!this.#waiting.isEmpty) {
        this.#waiting.write(session, this.#rows, session.epoch(), () => this.#nextUse());
      }
      const done = work(session);
      removals = this.#isBounded ? this.#rows.evict(session, this.#bounds, now) : [];
      this.#rows.settle(session);
      return done;
    });
    this.#waiting.clear();
    for (const { key, cause } of removals) this.#reports.removed(key, cause);
    return result;
  }

  /** Writes what waits. Its callers have their answers: a failure is reported, and costs the results. */
  #flush(): void {
    try {
      this.#write('write', () => {});
    } catch (error) {
      this.#waiting.clear();
      this.#reports.failed(error);
    }
  }

  #settle(): void {
    this.#connection.refuseWhenClosed();
    if (this.#waiting.isDue) this.#flush();
  }

  #reclaim(removed: number): void {
    if (removed < worthReclaiming) return;
    try {
      this.#connection.maintain('give back room', (session) => session.reclaim());
    } catch (error) {
      this.#reports.failed(error);
    }
  }

  /** Goes up within a transaction, which begins at a time. */
  #nextUse(): number {
    return ++this.#lastUse;
  }
}

function encode(fullKey: string, entry: Entry, codec: Codec): Envelope {
  return encodeTextEnvelope(fullKey, entry, codec) ?? encodeEnvelope(fullKey, entry, codec);
}

function decode(envelope: Envelope, fullKey: string, codec: Codec): Entry {
  return typeof envelope === 'string'
    ? decodeTextEnvelope(envelope, fullKey, codec)
    : decodeEnvelope(envelope, fullKey, codec);
}

function isBounded(bounds: Required<Bounds>): boolean {
  return bounds.maxSize !== Infinity || bounds.maxBytes !== Infinity;
}
