import type { Bounds } from '@reprise/store';
import type { IndexLine } from './layout.ts';

const notedReads = 10_000;

/** What a bounded store knows of an entry. */
export interface Fact {
  readonly integrity: string;
  readonly size: number;
  readonly staleUntil: number;
  /** When it was last written, or read through this store. */
  readonly usedAt: number;
}

/**
 * What is in the directory as far as one bounded store knows: its own operations, and everybody's when it was last read
 * through. The least recently used fact stands first.
 */
export class Ledger {
  readonly #facts = new Map<string, Fact>();
  /** Reads before the directory was looked at for the first time. */
  readonly #reads = new Map<string, number>();
  /** What changed while the directory is being read through, and so is known better than what will have been read. */
  #changed: Set<string> | undefined;
  #bytes = 0;
  /** No entry ends before this moment: mostly there is nothing to look through. */
  #firstEnd = Infinity;
  #isKnown = false;
  #writes = 0;
  #written = 0;

  /** Notes a write; the entry is now the most recently used one. */
  add(key: string, line: IndexLine): void {
    this.#changed?.add(key);
    this.#put(key, factOf(line, line.time));
    this.#writes++;
    this.#written += line.size;
  }

  /** Whether this is what is known of a key. */
  has(key: string, integrity: string): boolean {
    return this.#facts.get(key)?.integrity === integrity;
  }

  drop(key: string): void {
    this.#changed?.add(key);
    this.#take(key);
  }

  touch(key: string, now: number): void {
    const fact = this.#facts.get(key);
    if (fact !== undefined) this.#put(key, { ...fact, usedAt: now });
    else if (!this.#isKnown && this.#reads.size < notedReads) this.#reads.set(key, now);
  }

  /** Whether the directory has to be read through: never done yet, or others may have written much since. */
  isStale(bounds: Required<Bounds>): boolean {
    if (!this.#isKnown) return true;
    return this.#writes > Math.min(bounds.maxSize / 8, 1_000) || this.#written > bounds.maxBytes / 8;
  }

  /** Whether there is more than there may be. */
  exceeds(bounds: Required<Bounds>): boolean {
    return this.#facts.size > bounds.maxSize || this.#bytes > bounds.maxBytes;
  }

  /** Takes over what a reading of the directory finds, save for what changes here meanwhile. */
  async load(readLines: () => Promise<IndexLine[]>): Promise<void> {
    const changed = new Set<string>();
    this.#changed = changed;
    this.#writes = 0;
    this.#written = 0;
    const lines = await readLines().finally(() => {
      this.#changed = undefined;
    });
    const known = [...this.#facts];
    const places = new Map(known.map(([key], place) => [key, place]));
    const found: [string, Fact][] = known.filter(([key]) => changed.has(key));
    for (const line of lines) {
      if (changed.has(line.key)) continue;
      const readAt = this.#facts.get(line.key)?.usedAt ?? this.#reads.get(line.key) ?? 0;
      found.push([line.key, factOf(line, Math.max(readAt, line.time))]);
    }
    // A clock that stands still leaves it to the order that was known.
    found.sort(([a, one], [b, other]) => one.usedAt - other.usedAt || (places.get(a) ?? -1) - (places.get(b) ?? -1));
    this.#facts.clear();
    this.#reads.clear();
    this.#bytes = 0;
    for (const [key, fact] of found) this.#put(key, fact);
    this.#isKnown = true;
  }

  /** Those that are past their time. */
  expired(now: number): [string, Fact][] {
    if (now < this.#firstEnd) return [];
    this.#firstEnd = Infinity;
    const expired: [string, Fact][] = [];
    for (const [key, fact] of this.#facts) {
      if (fact.staleUntil <= now) expired.push([key, fact]);
      this.#firstEnd = Math.min(this.#firstEnd, fact.staleUntil);
    }
    return expired;
  }

  /** The least recently used ones, as many as are too many. */
  excess(bounds: Required<Bounds>): [string, Fact][] {
    const found: [string, Fact][] = [];
    let size = this.#facts.size;
    let bytes = this.#bytes;
    for (const [key, fact] of this.#facts) {
      if (size <= bounds.maxSize && bytes <= bounds.maxBytes) break;
      found.push([key, fact]);
      size--;
      bytes -= fact.size;
    }
    return found;
  }

  #put(key: string, fact: Fact): void {
    this.#take(key);
    this.#facts.set(key, fact);
    this.#bytes += fact.size;
    if (fact.staleUntil < this.#firstEnd) this.#firstEnd = fact.staleUntil;
  }

  #take(key: string): void {
    const fact = this.#facts.get(key);
    if (fact === undefined) return;
    this.#facts.delete(key);
    this.#bytes -= fact.size;
  }
}

function factOf(line: IndexLine, usedAt: number): Fact {
  return { integrity: line.integrity ?? '', size: line.size, staleUntil: endOf(line), usedAt };
}

/** The end of an entry's time as its line says. */
export function endOf(line: IndexLine): number {
  return line.metadata?.staleUntil ?? Infinity;
}
