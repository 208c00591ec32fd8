import { makeTally, Shelf, type ShelfBounds } from './memoize-shelf.ts';
import type { Tally } from './memoize-tally.ts';
import { Counts } from './stats.ts';

/**
 * The shelves of the objects that a method was called on. Each lives as long as its object, even if a result leads back to it;
 * what was counted for it is added to the counts of the class.
 */
export class Owners {
  /** For the hot path. */
  readonly shelves: WeakMap<object, Shelf> = new WeakMap();
  readonly #bounds: ShelfBounds;
  readonly #living = new Map<WeakRef<object>, Tally>();
  readonly #retired = new Counts();
  readonly #registry = new FinalizationRegistry<WeakRef<object>>((ref) => this.#retire(ref));

  constructor(bounds: ShelfBounds) {
    this.#bounds = bounds;
  }

  add(self: object): Shelf {
    const tally = makeTally(this.#bounds);
    const shelf = new Shelf(this.#bounds, tally);
    const ref = new WeakRef(self);
    this.shelves.set(self, shelf);
    this.#living.set(ref, tally);
    this.#registry.register(self, ref);
    return shelf;
  }

  /** The living ones. */
  *[Symbol.iterator](): Generator<[self: object, shelf: Shelf], void, undefined> {
    for (const ref of this.#living.keys()) {
      const self = ref.deref();
      const shelf = self && this.shelves.get(self);
      if (self !== undefined && shelf !== undefined) yield [self, shelf];
    }
  }

  /** Adds what was counted for all owners there ever were. */
  addTo(counts: Counts): void {
    counts.add(this.#retired);
    for (const tally of this.#living.values()) counts.add(tally.settle());
  }

  #retire(ref: WeakRef<object>): void {
    const tally = this.#living.get(ref);
    if (tally !== undefined) this.#retired.add(tally.settle());
    this.#living.delete(ref);
  }
}
