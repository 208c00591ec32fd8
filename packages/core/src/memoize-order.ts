import type { ArgumentIndex, Place } from './key/argument-index.ts';
import type { Level } from './key/index-level.ts';
import { IdentityToken, TextToken } from './key/index-token.ts';
import { Timed } from './memoize-leaf.ts';

/*
 * Which entry has to go. A hand goes round the list. Hits must cost nothing, so they do not move anything: after each eviction one
 * hit is sampled, and its entry marked; what is asked for more often than the average is sampled before the hand comes by. An
 * entry with a mark loses it and stays. Of the others, one in four stays as well, by lot: a loop over a little more than there is
 * room for, which leaves strict orders such as LRU without a single hit, keeps a good part of them.
 *
 * Expired entries go first: among few entries always, among many as far as a bounded search finds them.
 */
const few = 100;
const searched = 16;
const mostSpared = 16;

/** The entries of one index, in no order. A place may be vacant, or listed twice, until the list is made anew. */
export class EvictionOrder {
  readonly #entries: ArgumentIndex<unknown>;
  /** The level of all places, as long as it is one; then that of each. */
  #only: Level | undefined;
  /** A level that goes with something known by identity is held weakly: its values may lead back to that. */
  #levels: (Level | WeakRef<Level>)[] | undefined;
  #tokens: unknown[] = [];
  /** When each settled; of entries with a ttl that is known from their expiry. */
  #settled: number[] = [];
  #seed = 0x2545f491;
  #marks = 0;
  /** Nothing expires before this moment. */
  #nextExpiry: number = Infinity;
  /** Where the next one to go is looked for. */
  #hand = 0;
  /** The place that was taken off last, free for the next entry; -1: none. */
  #gap = -1;
  /** How far the search for expired entries has come, and the next expiry that it has seen since it began anew. */
  #search = 0;
  #nextSeen: number = Infinity;

  constructor(entries: ArgumentIndex<unknown>) {
    this.#entries = entries;
  }

  /** Lists a new entry. */
  add(level: Level, token: unknown, leaf: unknown, settledAt: number): void {
    if (this.#tokens.length > 2 * this.#entries.size + few) this.#renew();
    const index = this.#gap === -1 ? this.#tokens.length : this.#gap;
    this.#gap = -1;
    if (level !== this.#only) this.#noteLevel(index, level);
    else if (this.#levels !== undefined) this.#levels[index] = level;
    this.#tokens[index] = token;
    if (leaf instanceof Timed) this.#noteExpiry(leaf.expiresAt);
    else this.#settled[index] = settledAt;
  }

  /** An entry that is listed has a new leaf. */
  replace(place: Place, leaf: unknown, settledAt: number): void {
    if (leaf instanceof Timed) this.#noteExpiry(leaf.expiresAt);
    // Of two times, the later in the list is true.
    else this.add(place.level, place.token, leaf, settledAt);
  }

  /** An entry has been asked for: it is spared the next time that it is drawn. */
  mark({ level, token }: Place): void {
    level.marks ??= new Set();
    level.marks.add(markOf(token));
    // Marks of entries that were removed otherwise stay behind.
    if (++this.#marks > 2 * this.#tokens.length) this.#renew();
  }

  /** Takes the entry that is to go next off the list, whence it may be gone already. Answers its place, or -1. */
  next(now: number): number {
    if (this.#gap !== -1) this.#closeGap();
    const index = now < this.#nextExpiry ? -1 : this.#findExpired(now);
    this.#gap = index === -1 ? this.#pick() : index;
    return this.#gap;
  }

  /** The level of a place in the list; `undefined` where it was collected. */
  levelAt(index: number): Level | undefined {
    if (this.#levels === undefined) return this.#only;
    const level = this.#levels[index];
    return level instanceof WeakRef ? level.deref() : level;
  }

  tokenAt(index: number): unknown {
    return this.#tokens[index];
  }

  /** When the entry at a place settled. */
  settledAt({ level, token }: Place): number | undefined {
    for (let index = this.#tokens.length - 1; index >= 0; index--) {
      if (this.levelAt(index) === level && isSameToken(this.#tokens[index], token)) return this.#settled[index];
    }
    return undefined;
  }

  clear(): void {
    this.#only = undefined;
    this.#levels = undefined;
    this.#tokens = [];
    this.#settled = [];
    this.#marks = 0;
    this.#hand = 0;
    this.#gap = -1;
    this.#search = 0;
    this.#nextExpiry = Infinity;
    this.#nextSeen = Infinity;
  }

  #noteExpiry(moment: number): void {
    if (moment < this.#nextExpiry) this.#nextExpiry = moment;
    if (moment < this.#nextSeen) this.#nextSeen = moment;
  }

  #leafAt(index: number): unknown {
    return this.levelAt(index)?.get(this.#tokens[index]);
  }

  #noteLevel(index: number, level: Level): void {
    if (this.#tokens.length === 0 && this.#levels === undefined && !level.isPassing) this.#only = level;
    else {
      this.#levels ??= new Array<Level>(this.#tokens.length).fill(this.#only as Level);
      this.#levels[index] = level.isPassing ? level.ref : level;
    }
  }

  #findExpired(now: number): number {
    const { length } = this.#tokens;
    for (let looked = Math.min(length, length <= few ? length : searched); looked > 0; looked--) {
      if (this.#search >= length) {
        this.#search = 0;
        this.#nextExpiry = this.#nextSeen;
        this.#nextSeen = Infinity;
        if (now < this.#nextExpiry) return -1;
      }
      const leaf = this.#leafAt(this.#search);
      // What comes into this place is noted as it comes. A place without an entry is free at once.
      if (!(leaf instanceof Timed) || leaf.expiresAt <= now) return this.#search;
      if (leaf.expiresAt < this.#nextSeen) this.#nextSeen = leaf.expiresAt;
      this.#search++;
    }
    return -1;
  }

  #pick(): number {
    const { length } = this.#tokens;
    if (length === 0) return -1;
    for (let spared = 0; ; spared++) {
      if (this.#hand >= length) this.#hand = 0;
      const index = this.#hand++;
      if (spared === mostSpared) return index;
      const marks = this.levelAt(index)?.marks;
      if (marks?.delete(markOf(this.#tokens[index]))) {
        this.#marks--;
        continue;
      }
      // Xorshift: a lot must not cost more than the eviction.
      this.#seed ^= this.#seed << 13;
      this.#seed ^= this.#seed >>> 17;
      this.#seed ^= this.#seed << 5;
      if ((this.#seed & 3) !== 0) return index;
    }
  }

  /** Moves the last entry to where nothing came. */
  #closeGap(): void {
    const level = this.#levels?.pop();
    const token = this.#tokens.pop();
    const settled = this.#settled.pop();
    if (this.#gap < this.#tokens.length) {
      if (this.#levels !== undefined && level !== undefined) this.#levels[this.#gap] = level;
      this.#tokens[this.#gap] = token;
      if (settled !== undefined) this.#settled[this.#gap] = settled;
      const leaf = this.#leafAt(this.#gap);
      // The search may have passed here, and would not see it in this round.
      if (leaf instanceof Timed) this.#noteExpiry(leaf.expiresAt);
    }
    this.#gap = -1;
  }

  /** Makes the list anew: each entry once, and no vacant places. */
  #renew(): void {
    const seen = new Map<Level, [primitives: Set<unknown>, others: Set<unknown>]>();
    const { length } = this.#tokens;
    const levels = Array.from({ length }, (_, index) => this.levelAt(index));
    const [tokens, settled] = [this.#tokens, this.#settled];
    this.clear();
    // What was listed last is what is true.
    for (let index = length - 1; index >= 0; index--) {
      const [level, token] = [levels[index], tokens[index]];
      if (!level?.has(token)) continue;
      level.marks = undefined;
      let known = seen.get(level);
      if (known === undefined) {
        known = [new Set(), new Set()];
        seen.set(level, known);
      }
      const set = known[isPlain(token) ? 0 : 1];
      if (set.has(markOf(token))) continue;
      set.add(markOf(token));
      this.add(level, token, level.get(token), settled[index] ?? 0);
    }
  }
}

function isPlain(token: unknown): boolean {
  return !(token instanceof TextToken || token instanceof IdentityToken);
}

/** What a token is marked by. A string that reads like the text of something else would only be spared with it. */
function markOf(token: unknown): unknown {
  return token instanceof TextToken || token instanceof IdentityToken ? token.text : token;
}

function isSameToken(one: unknown, other: unknown): boolean {
  if (isPlain(one) !== isPlain(other)) return false;
  // As a Map tells keys apart.
  return markOf(one) === markOf(other) || Object.is(one, other);
}
