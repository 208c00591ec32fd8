import { performance } from 'node:perf_hooks';
import {
  type Clock,
  type DirectStore,
  type Entry,
  MemoryRecord,
  memoryEpoch,
  type RecordDetails,
  type Trace,
  toRecord,
} from '@reprise/store/contract';

/** What the near tier keeps: an entry of the far one, with what it takes to doubt it. */
export class NearRecord extends MemoryRecord {
  /** The whole key, where the entry's is a shortened one. */
  readonly fullKey: string | undefined;
  /** See {@link Near}. */
  readonly round: number;
  /** The last change that was known when the far tier was asked. */
  readonly order: number;
  /** From this moment on it answers nothing, relative as its other times; `Infinity`: as long as it lives. */
  readonly until: number;

  constructor(entry: Entry, round: number, order: number, until: number) {
    const { value, createdAt, expiresAt, rest = {} } = toRecord(entry);
    super(value, createdAt, expiresAt, withPromise(value, rest));
    this.fullKey = entry.key;
    this.round = round;
    this.order = order;
    this.until = until;
  }
}

/** A hit of an asynchronous function is answered with one promise, made once. */
function withPromise(value: unknown, rest: RecordDetails): RecordDetails {
  if (!rest.failed) rest.promise = Promise.resolve(value);
  return rest;
}

/** A question to the far tier that has not been answered. */
export interface Question {
  readonly key: string;
  readonly order: number;
}

/** For so many milliseconds after all was told it is believed that nothing has changed. */
const longestSilence = 100;
/** Beyond so many the whole tier is doubted, instead of one key or label after the other. */
const mostDoubts = 10_000;
const mostLabels = 100_000;

/**
 * The tier in memory: what was read of the far tier and has not changed there since, as far as this process has been told.
 *
 * Changes are numbered. An answer of the far tier is kept only if nothing that covers it has changed since it was asked for. A whole
 * tier is doubted by beginning a new round: what was kept in an earlier one is not there any more.
 */
export class Near {
  readonly #records: DirectStore;
  readonly #life: number;
  clock: Clock;
  #round = 0;
  #isTrusted: boolean;
  /** Until when this tier may answer, by `performance.now()`; `Infinity`: nobody has to tell it anything. */
  #believedUntil: number;
  #changes = 0;
  /** The last change of all that there is. */
  #changedAll = 0;
  /** The last changes of keys, while answers are outstanding. */
  readonly #changed = new Map<string, number>();
  #outstanding = 0;
  /** The last invalidation of each label. */
  readonly #labels = new Map<string, number>();

  /** @param life for how many milliseconds at most an entry answers */
  constructor(records: DirectStore, life: number, isTrusted: boolean, clock: Clock) {
    this.#records = records;
    this.#life = life;
    this.#isTrusted = isTrusted;
    this.#believedUntil = isTrusted ? Infinity : 0;
    this.clock = clock;
  }

  readonly #isAhead = (moment: number): boolean => moment > this.clock.now() - memoryEpoch;

  /** What may be answered of a key, its age apart. */
  find(key: string, isAhead: (moment: number) => boolean = this.#isAhead, trace?: Trace): NearRecord | undefined {
    const records = this.#records;
    const record = (trace === undefined ? records.find(key) : records.findAgain(key, trace)) as NearRecord | undefined;
    if (record === undefined) return undefined;
    // This process may have stood still, and what has changed meanwhile waits to be read.
    if (this.#believedUntil !== Infinity && performance.now() >= this.#believedUntil) return undefined;
    if (this.#isBelieved(record, isAhead)) return record;
    this.#records.drop(key);
    return undefined;
  }

  #isBelieved(record: NearRecord, isAhead: (moment: number) => boolean): boolean {
    if (record.round !== this.#round) return false;
    if (record.until !== Infinity && !isAhead(record.until)) return false;
    const tags = record.rest?.tags;
    if (tags === undefined || this.#labels.size === 0) return true;
    return tags.every((tag) => (this.#labels.get(tag) ?? 0) <= record.order);
  }

  /** The far tier is asked for a key, or given a value for it: to be followed by {@link answer}, whatever comes of it. */
  ask(key: string): Question {
    this.#outstanding++;
    return { key, order: this.#changes };
  }

  /** Keeps what the far tier has under the key, if nothing has changed since it was asked. */
  answer({ key, order }: Question, entry: Entry | undefined): void {
    const isCurrent = this.#changedAll <= order && (this.#changed.get(key) ?? 0) <= order;
    if (--this.#outstanding === 0) this.#changed.clear();
    // Idle times are judged by the far tier, which has to see each read.
    if (entry === undefined || entry.idle !== undefined || !isCurrent || !this.#isTrusted || this.#life === 0) return;
    const until = this.#life === Infinity ? Infinity : this.clock.now() - memoryEpoch + this.#life;
    this.#records.keep(key, new NearRecord(entry, this.#round, order, until));
  }

  /** A key has changed. */
  drop(key: string): void {
    this.#records.drop(key);
    if (this.#outstanding === 0) return;
    if (this.#changed.size >= mostDoubts) this.#doubtAnswers();
    else this.#changed.set(key, ++this.#changes);
  }

  /** All keys that begin so have changed. */
  clear(prefix: string): void {
    this.#doubtAnswers();
    if (prefix === '') this.#round++;
    else for (const [key] of this.#records.records()) if ((key as string).startsWith(prefix)) this.#records.drop(key);
  }

  /** Labels have been invalidated. */
  void(tags: readonly string[]): void {
    const change = ++this.#changes;
    if (this.#labels.size + tags.length > mostLabels) {
      this.#labels.clear();
      this.clear('');
    } else for (const tag of tags) this.#labels.set(tag, change);
  }

  /** All that had changed before a moment has been told. */
  hear(at: number): void {
    this.#believedUntil = at + longestSilence;
  }

  /** Whether all changes are told from now on. What was kept before is gone in any case. */
  trust(isTrusted: boolean): void {
    this.#isTrusted = isTrusted;
    this.clear('');
  }

  #doubtAnswers(): void {
    this.#changedAll = ++this.#changes;
    this.#changed.clear();
  }
}
