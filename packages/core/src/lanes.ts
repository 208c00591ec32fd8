import { type AsyncStore, CodecError, type MemoryRecord, type Trace } from '@reprise/store/contract';
import { bounded, failureOf, isLate } from './bounded.ts';
import { Breaker } from './breaker.ts';
import { Counters } from './counters.ts';
import { JointReads } from './joint-reads.ts';
import { safePrefix } from './key/key-text.ts';
import { OvertakenReads } from './overtaken-reads.ts';
import { entryOf, hasVoidedTags, isOfKey, recordOf, touchRecord } from './record.ts';
import type { Sender } from './sender.ts';
import { TagNews } from './tag-news.ts';

/**
 * The traffic of one key with an asynchronous store, while there is any: a lane is made by a write or an invalidation and is
 * gone when the store has caught up. What this process knows better than the store stands here.
 */
interface Lane {
  /** The value being written: answers reads until the write is done. */
  pending: MemoryRecord | undefined;
  /** The last operation sent; always settles, within the limit. */
  tail: Promise<unknown>;
  /** Operations sent, and those of them not settled. */
  sent: number;
  busy: number;
  /** Writes that outlived their limit and may still land. */
  stray: number;
  /** The store may hold what was invalidated: nothing is read from it until a deletion, or a newer write, has succeeded. */
  owed: boolean;
  /** A given-up write has landed among operations under way: nobody knows which was applied last. */
  dirty: boolean;
  /** When a failed deletion is to be tried again. */
  retryAt: number;
  /** Who sent last. */
  sender: Sender;
}

/** A part of the keys that is not read, until the store has confirmed that it is clear. */
interface Block {
  readonly prefix: string;
  /** How often it was asked for: a sweep answers for those from before its beginning. */
  asked: number;
  retryAt: number;
  busy: number;
}

const retryDelay = 1_000;
const mostLanes = 10_000;
const mostBlocks = 1_000;

/**
 * An asynchronous store as the engine uses it: reads within `storeTimeout`, writes that nobody waits for, invalidations that hold
 * in this process from the moment they are called.
 *
 * The rule is one: **this process never reads a key from the store while an operation of its own on that key is outstanding.**
 * While a write is, the value written answers; while a deletion is, the key is a miss.
 */
export class Lanes {
  readonly #store: AsyncStore;
  readonly #namespace: string;
  readonly #lanes = new Map<string, Lane>();
  #blocks: Block[] = [];
  /** Apart, since a store may well be read and take no writes. One that cannot be read is not written to either. */
  readonly #readBreaker: Breaker;
  readonly #writeBreaker: Breaker;
  /** How far the store knows of invalidated labels. */
  readonly news: TagNews = new TagNews();
  /** What the store says of runs, where it is shared with other processes. */
  readonly counters: Counters;
  readonly #reads: JointReads;
  readonly #overtaken = new OvertakenReads();

  /** @param leftAlone told when the store has failed so often that it is left alone for a while */
  constructor(store: AsyncStore, namespace: string, leftAlone: () => void) {
    this.#store = store;
    this.#namespace = namespace;
    this.#readBreaker = new Breaker(leftAlone);
    this.#writeBreaker = new Breaker(leftAlone);
    this.counters = new Counters(store, this.#readBreaker);
    this.#reads = new JointReads(store);
  }

  /** What this process itself knows: a value on its way to the store. */
  pending(key: string): MemoryRecord | undefined {
    return this.#lanes.size === 0 ? undefined : this.#lanes.get(key)?.pending;
  }

  /** Whether the store has a part in this process's memory. */
  get hasNear(): boolean {
    return this.#store.near !== undefined;
  }

  /** What the store's part in this process's memory answers at once; `undefined` also where this process knows better. */
  near(key: string, isAhead: (moment: number) => boolean, trace?: Trace): MemoryRecord | undefined {
    const { near } = this.#store;
    if (near === undefined || (this.#lanes.size > 0 && this.#lanes.has(key))) return undefined;
    if (this.#blocks.length > 0 && this.#blocks.some(({ prefix }) => key.startsWith(prefix))) return undefined;
    const record = near.find(key, isAhead, trace);
    // Labels, and what only the store can judge, take the longer way.
    return record?.rest?.tags === undefined && record?.rest?.idle === undefined ? record : undefined;
  }

  /** The name of the tier that would answer for a key. */
  tierOf(key: string): string {
    return this.#store.tierOf?.(key) ?? this.#store.name ?? 'store';
  }

  /** Whether the store may hold under the key what was invalidated. */
  isDoubtful(key: string): boolean {
    return this.#lanes.get(key)?.owed === true || this.#blocks.some((block) => key.startsWith(block.prefix));
  }

  /** What is to be written under a key: a copy where it has to wait for an older operation, and its owner may change it meanwhile. */
  modelOf(key: string, value: unknown): unknown {
    const mustWait = (this.#lanes.get(key)?.busy ?? 0) > 0;
    return mustWait && this.#store.snapshot !== undefined ? this.#store.snapshot(value) : value;
  }

  /** What is under the key; `'unknown'` where the store failed, was too slow, or is left alone; `undefined` also where it was voided. */
  async read(key: string, full: string | undefined, sender: Sender): Promise<MemoryRecord | 'unknown' | undefined> {
    const lane = this.#lanes.get(key);
    if (lane !== undefined) {
      if (lane.pending === undefined && lane.owed && lane.busy === 0) this.#retry(key, lane, sender);
      return lane.pending;
    }
    if (this.#blocks.length > 0 && this.#isBlocked(key, sender)) return undefined;
    const isProbe = this.#readBreaker.isOpen;
    if (!this.#readBreaker.allows()) return 'unknown';
    const answer = this.#ask(key, full, sender, !isProbe);
    return isProbe ? 'unknown' : answer;
  }

  async #ask(
    key: string,
    full: string | undefined,
    sender: Sender,
    waited: boolean,
  ): Promise<MemoryRecord | 'unknown' | undefined> {
    // Only what is to be written back when it has been read, see `touch`.
    if (this.#store.touch !== undefined) return this.#readStored(key, full, sender, waited);
    this.#overtaken.begin(key);
    const record = await this.#readStored(key, full, sender, waited);
    this.#overtaken.end(key, record === 'unknown' ? undefined : record);
    return record;
  }

  /** @param waited whether a caller waits for the answer */
  async #readStored(
    key: string,
    full: string | undefined,
    sender: Sender,
    waited: boolean,
  ): Promise<MemoryRecord | 'unknown' | undefined> {
    try {
      const entry = await bounded(() => this.#reads.get(key), sender.limit(), `get of ${key}`, waited);
      this.#readBreaker.succeed();
      if (entry === undefined || entry === null) return undefined;
      // A shortened key is only a place to look; the entry says which call it belongs to.
      if (!isOfKey(entry, full ?? key, full !== undefined)) return undefined;
      return recordOf(entry, this.news.told, this.#store.touch !== undefined, this.counters.isKnown);
    } catch (error) {
      if (!(error instanceof CodecError)) this.#readBreaker.fail();
      sender.report(failureOf('get', key, error), key);
      return error instanceof CodecError ? undefined : 'unknown';
    }
  }

  /**
   * Sends a value to the store. It is encoded before this returns, unless an older operation on the key is outstanding.
   * @param fencing whether it must not be undone by an older write, nor leave an older value if it fails
   * @returns whether the store has it; rejects with a `StoreError` or `CodecError`, already reported
   */
  write(
    key: string,
    record: MemoryRecord,
    full: string | undefined,
    fencing: boolean,
    sender: Sender,
  ): Promise<boolean> {
    // What need not be undone or outlived may as well not be told to a store that is left alone.
    if (!fencing && !this.#lanes.has(key) && (this.#readBreaker.isOpen || !this.#writeBreaker.allows())) {
      return Promise.resolve(false);
    }
    const lane = this.#lane(key, sender);
    lane.pending = record;
    if (fencing) lane.owed = true;
    return this.#send(
      key,
      lane,
      'set',
      () => this.#store.set(key, entryOf(record, full, this.counters.isKnown)),
      record,
      sender,
    ).then((kept) => kept !== false);
  }

  /** An entry has been read: its idle time begins anew. A store that cannot note that is given the entry again, and nobody waits. */
  touch(key: string, record: MemoryRecord, full: string | undefined, idle: number, now: number, sender: Sender): void {
    if (this.#lanes.has(key)) return;
    if (this.#store.touch !== undefined) {
      bounded(async () => this.#store.touch?.(key), sender.limit(), `touch of ${key}`, false).catch((error) =>
        sender.report(failureOf('touch', key, error), key),
      );
      return;
    }
    if (!this.#overtaken.isCurrent(record)) return;
    this.write(key, touchRecord(record, idle, now), full, false, sender).catch(() => {});
  }

  /** What is on its way is void: it answers no more. The store itself does not keep it. */
  giveUp(key: string, record: MemoryRecord): void {
    const lane = this.#lanes.get(key);
    if (lane?.pending === record) lane.pending = undefined;
  }

  /** Removes a key, here at once. @returns whether there was something; rejects with a `StoreError` where the store could not be told */
  drop(key: string, sender: Sender): Promise<boolean> {
    const lane = this.#lane(key, sender);
    const hadPending = lane.pending !== undefined;
    lane.pending = undefined;
    lane.owed = true;
    return this.#send(key, lane, 'delete', () => this.#store.delete(key), undefined, sender).then(
      (existed) => existed !== false || hadPending,
    );
  }

  /** Takes back what is void for its labels and on its way to the store. */
  withdraw(): Promise<unknown> {
    const drops: Promise<unknown>[] = [];
    for (const [key, { pending, sender }] of this.#lanes) {
      if (pending !== undefined && hasVoidedTags(pending)) drops.push(this.drop(key, sender));
    }
    // Nobody knows what the writes carried that were given up: their keys are not read until they are clear.
    for (const lane of this.#lanes.values()) if (lane.stray > 0) lane.owed = true;
    return Promise.all(drops);
  }

  /** Removes what is under a key if it is void for its labels when its turn has come: a newer value may be on its way. */
  dropVoid(key: string, sender: Sender): Promise<unknown> {
    if (this.#lanes.get(key)?.owed) return this.drop(key, sender);
    const remove = async (): Promise<void> => {
      if (this.news.isVoid(await this.#store.get(key))) await this.#store.delete(key);
    };
    return this.#send(key, this.#lane(key, sender), 'delete', remove, undefined, sender);
  }

  /** Removes every key of the namespace that begins with `prefix`, here at once. */
  async clear(prefix: string, sender: Sender): Promise<void> {
    const whole = safePrefix(this.#namespace + prefix);
    const isKnown = this.#blocks.length < mostBlocks || this.#blocks.some((block) => block.prefix === whole);
    // Too many parts to remember one by one: all that the sender has.
    const prefixes = isKnown ? [whole] : sender.prefixes().map(safePrefix);
    await Promise.all(prefixes.map((each) => this.#clearWhole(each, sender)));
  }

  async #clearWhole(prefix: string, sender: Sender): Promise<void> {
    const block = this.#block(prefix);
    block.asked++;
    this.#overtaken.overtakeAll(prefix);
    const tails: Promise<unknown>[] = [];
    for (const [key, lane] of this.#lanes) {
      if (!key.startsWith(block.prefix)) continue;
      lane.pending = undefined;
      lane.owed = true;
      tails.push(this.#send(key, lane, 'delete', () => this.#store.delete(key), undefined, sender).catch(() => {}));
    }
    await Promise.all(tails);
    await this.#sweep(block, true, sender);
  }

  /** Settles when all that was sent is done, or was too slow. */
  async settle(): Promise<void> {
    while (this.#lanes.size > 0) {
      const tails = [...this.#lanes.values()].filter((lane) => lane.busy > 0).map((lane) => lane.tail);
      if (tails.length === 0) return;
      await Promise.allSettled(tails);
    }
  }

  /** How many keys this process knows better than the store: 0 when all is quiet. */
  get size(): number {
    return this.#lanes.size;
  }

  #lane(key: string, sender: Sender): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = {
        pending: undefined,
        tail: Promise.resolve(),
        sent: 0,
        busy: 0,
        stray: 0,
        owed: false,
        dirty: false,
        retryAt: 0,
        sender,
      };
      this.#lanes.set(key, lane);
    }
    lane.sender = sender;
    return lane;
  }

  #send<Result>(
    key: string,
    lane: Lane,
    verb: 'set' | 'delete',
    operation: () => Promise<Result>,
    record: MemoryRecord | undefined,
    sender: Sender,
  ): Promise<Result> {
    this.#overtaken.overtake(key, verb === 'delete');
    let settled = false;
    const order = ++lane.sent;
    const tracked = (): Promise<Result> => {
      const raw = Promise.resolve(operation());
      if (verb === 'set') {
        const landed = (): void => {
          if (settled) this.#landed(key, lane, order, sender);
          settled = true;
        };
        raw.then(landed, landed);
      }
      return raw;
    };
    const start = (): Promise<Result> => bounded(tracked, sender.limit(), `${verb} of ${key}`, false);
    const sent = lane.busy === 0 ? start() : lane.tail.then(start, start);
    lane.busy++;
    const done = sent.then(
      (result) => {
        if (verb === 'set') this.#writeBreaker.succeed();
        this.#finish(key, lane, record, true, sender);
        return result;
      },
      (error: unknown) => {
        if (verb === 'set' && !(error instanceof CodecError)) this.#writeBreaker.fail();
        if (verb === 'set' && !settled && isLate(error)) {
          settled = true;
          lane.stray++;
        }
        this.#finish(key, lane, record, false, sender);
        const failure = failureOf(verb, key, error);
        sender.report(failure, key);
        throw failure;
      },
    );
    lane.tail = done.catch(() => {});
    return done;
  }

  #finish(key: string, lane: Lane, record: MemoryRecord | undefined, succeeded: boolean, sender: Sender): void {
    lane.busy--;
    if (lane.pending === record) lane.pending = undefined;
    if (!succeeded) lane.retryAt = Date.now() + retryDelay;
    if (lane.busy > 0) return;
    if (lane.dirty) {
      lane.dirty = false;
      lane.owed = true;
      lane.retryAt = 0;
      this.#retry(key, lane, sender);
      return;
    }
    if (succeeded && lane.stray === 0) lane.owed = false;
    this.#forget(key, lane);
  }

  /** A write that had been given up has come to its end: if anything was sent after it, it may have undone that. */
  #landed(key: string, lane: Lane, order: number, sender: Sender): void {
    lane.stray--;
    if (this.#lanes.get(key) !== lane) {
      // The lane was given up as well, and with it the knowledge of what came after.
      this.drop(key, sender).catch(() => {});
    } else if (lane.busy > 0) lane.dirty = true;
    else if (lane.owed || lane.sent > order) {
      lane.owed = true;
      lane.retryAt = 0;
      this.#retry(key, lane, sender);
    } else this.#forget(key, lane);
  }

  #forget(key: string, lane: Lane): void {
    if (lane.busy > 0) return;
    if (lane.stray === 0 && !lane.owed) this.#lanes.delete(key);
    else if (this.#lanes.size > mostLanes) this.#giveUpLanes();
  }

  /** Too many keys to remember one by one: what is owed for them becomes the clearing of all. */
  #giveUpLanes(): void {
    const senders = new Set<Sender>();
    for (const [key, lane] of this.#lanes) {
      if (lane.busy > 0) continue;
      this.#lanes.delete(key);
      if (lane.owed) senders.add(lane.sender);
    }
    for (const sender of senders) {
      for (const prefix of sender.prefixes()) {
        const block = this.#block(safePrefix(prefix));
        block.asked++;
        block.retryAt = Date.now() + retryDelay;
      }
    }
  }

  /** The one block of a prefix. */
  #block(prefix: string): Block {
    let block = this.#blocks.find((other) => other.prefix === prefix);
    if (block === undefined) {
      block = { prefix, asked: 0, retryAt: 0, busy: 0 };
      this.#blocks.push(block);
    }
    return block;
  }

  #retry(key: string, lane: Lane, sender: Sender): void {
    if (!isDue(lane.retryAt)) return;
    lane.retryAt = Date.now() + retryDelay;
    this.#send(key, lane, 'delete', () => this.#store.delete(key), undefined, sender).catch(() => {});
  }

  #isBlocked(key: string, sender: Sender): boolean {
    let blocked = false;
    for (const block of this.#blocks) {
      if (!key.startsWith(block.prefix)) continue;
      blocked = true;
      if (block.busy === 0 && isDue(block.retryAt)) this.#sweep(block, false, sender).catch(() => {});
    }
    return blocked;
  }

  async #sweep(block: Block, waited: boolean, sender: Sender): Promise<void> {
    block.busy++;
    const { asked } = block;
    block.retryAt = Date.now() + retryDelay;
    try {
      await bounded(() => this.#store.clear(block.prefix), sender.limit(), `clear of ${block.prefix}`, waited);
      // Whoever asked since sweeps for himself.
      if (block.asked === asked) this.#blocks = this.#blocks.filter((other) => other !== block);
    } catch (error) {
      const failure = failureOf('clear', block.prefix, error);
      sender.report(failure, undefined);
      throw failure;
    } finally {
      block.busy--;
    }
  }
}

/** Whether a moment has come. A clock that was set back must not put it off. */
function isDue(at: number): boolean {
  const left = at - Date.now();
  return left <= 0 || left > retryDelay;
}
