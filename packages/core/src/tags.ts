import { OptionError } from '@reprise/store/contract';

/** Who has to be told of invalidated labels beside the counters here: a cache whose store outlives or ignores them. */
export interface TagHearer {
  /** @returns a promise where a store has to be told; it rejects with a `StoreError` where that failed */
  tagsInvalidated(tags: readonly string[]): void | Promise<void>;
}

/**
 * The labels of this process, one space for all caches and both module systems.
 *
 * An invalidation of a label writes the next number to its counter, and that is all: entries are not searched. An entry knows the
 * number that was current when its run began, and is void once a counter of one of its labels is higher.
 */
interface TagSpace {
  /** The number of the last invalidation. */
  epoch: number;
  /** Counters up to here have been given up: what is older and has labels is void. */
  floor: number;
  /** The epoch of each label's last invalidation, in that order. */
  readonly counters: Map<string, number>;
  /** Tells this process's epochs from those of others in entries that outlive it. */
  readonly mark: string;
  readonly hearers: Set<WeakRef<TagHearer>>;
}

/**
 * So many counters are kept; then the older half of them is given up, which costs a miss for each labelled entry from before their last
 * invalidation, and no wrong answer.
 */
const mostCounters = 100_000;

const place = Symbol.for('reprise.tags');
const holder = globalThis as { [place]?: TagSpace };
holder[place] ??= {
  epoch: 0,
  floor: 0,
  counters: new Map(),
  mark: Math.random().toString(36).slice(2, 12) + process.pid.toString(36),
  hearers: new Set(),
};
const space: TagSpace = holder[place];

/** The number that a run takes along when it begins. */
export function tagEpoch(): number {
  return space.epoch;
}

/** Whether one of the labels has been invalidated since the epoch `since`. */
export function areVoided(tags: readonly string[] | ReadonlySet<string>, since: number): boolean {
  if (since >= space.epoch) return false;
  for (const tag of tags) {
    const counter = space.counters.get(tag);
    if (counter !== undefined && counter > since) return true;
  }
  return since < space.floor && (Array.isArray(tags) ? tags.length : (tags as ReadonlySet<string>).size) > 0;
}

/** An epoch as an entry carries it to a store. */
export function markEpoch(epoch: number): string {
  return `${space.mark}:${epoch}`;
}

/**
 * The epoch that an entry of a store carries.
 *
 * @param told what stands for it in an entry of another process: up to there, the store has been told of all invalidations here
 */
export function epochOf(generation: unknown, told: number): number {
  if (typeof generation !== 'string' || !generation.startsWith(`${space.mark}:`)) return told;
  return Number(generation.slice(space.mark.length + 1)) || 0;
}

/** The labels whose counters are there, and whether these are all that were ever invalidated. */
export function knownTags(): { readonly all: Iterable<string>; readonly isWhole: boolean } {
  return { all: space.counters.keys(), isWhole: space.floor === 0 };
}

/** Registers who is to be told; held weakly. */
export function hearTags(hearer: TagHearer): () => void {
  const ref = new WeakRef(hearer);
  space.hearers.add(ref);
  return () => space.hearers.delete(ref);
}

/** A list of labels, checked. @throws OptionError */
export function checkTags(tags: unknown, where: string): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new OptionError(`${where}: tags must be an array of strings`);
}

/**
 * Voids every result that carries one of the labels, in every cache of this process and in each shared store that knows labels:
 * those that were stored, those whose runs are under way, and those that were built from them by outer cached functions.
 *
 * It costs the same whatever the number of entries, and binds this process at once. The promise settles when all stores have been
 * told. An unknown label is no error. `memoize` has no labels.
 *
 * @throws OptionError where `tags` is no array of strings
 * @returns rejects with a `StoreError` where a store could not be told, after all others were; entries of that store do not answer
 * until it has been
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, invalidateTags } from '@reprise/core';
 *
 * let reads = 0;
 * const product = cached(async (id: string) => ({ id, read: ++reads }), { tags: (product) => [`product:${product.id}`] });
 * await product('7');
 * await invalidateTags(['product:7']);
 * assert.equal((await product('7')).read, 2);
 */
export function invalidateTags(tags: readonly string[]): Promise<void> {
  const told = [...checkTags(tags, 'invalidateTags')];
  if (told.length === 0) return Promise.resolve();
  const epoch = ++space.epoch;
  for (const tag of told) {
    // To the end: the oldest stand first.
    space.counters.delete(tag);
    space.counters.set(tag, epoch);
  }
  if (space.counters.size > mostCounters) giveUpCounters();
  const answers: unknown[] = [];
  for (const ref of space.hearers) {
    const hearer = ref.deref();
    if (hearer === undefined) space.hearers.delete(ref);
    else {
      const answer = tellHearer(hearer, told);
      if (answer !== undefined) answers.push(answer);
    }
  }
  return answers.length === 0 ? Promise.resolve() : settleAll(answers);
}

function giveUpCounters(): void {
  let left = space.counters.size - mostCounters / 2;
  for (const [tag, epoch] of space.counters) {
    space.counters.delete(tag);
    space.floor = epoch;
    if (--left <= 0) return;
  }
}

function tellHearer(hearer: TagHearer, tags: readonly string[]): unknown {
  try {
    return hearer.tagsInvalidated(tags);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** All of them have been tried before the first failure is told. */
async function settleAll(answers: readonly unknown[]): Promise<void> {
  for (const outcome of await Promise.allSettled(answers)) if (outcome.status === 'rejected') throw outcome.reason;
}
