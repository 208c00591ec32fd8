import type { RemovalCause } from '@reprise/store/contract';
import { Slot, SlotIndex } from './key/argument-index.ts';
import { Counts, PartCounts } from './stats.ts';

/** The place of one call's entry in memory: the key in the store, and the way back to where the index finds it. */
export class CacheSlot extends Slot {
  readonly owner: Owner;
  /** Whether the index finds it. A detached slot is never filled again. */
  attached = true;

  constructor(owner: Owner) {
    super();
    this.owner = owner;
  }
}

/** Who hears what becomes of slots by itself. */
export interface Keeper {
  /** The store has let the entry of a key go. */
  removed(key: unknown, cause: RemovalCause): void;
  /** An argument that was known by identity has been collected, and the slot with it. */
  lost(slot: CacheSlot): void;
}

/**
 * What an object, a part (a tenant, say) or everybody owns of one function's entries in memory: how its calls are found, and what
 * was counted. It knows nothing of the object itself: that would keep it alive.
 */
export class Owner {
  readonly index: SlotIndex<CacheSlot>;
  readonly counts: Counts;
  readonly keeper: Keeper;
  /** What the owner is called in keys: the text of its part, or its identity. */
  readonly part: string | undefined;

  constructor(keeper: Keeper, part?: string, counts: Counts = new Counts()) {
    this.counts = counts;
    this.keeper = keeper;
    this.part = part;
    this.index = new SlotIndex((slot) => keeper.lost(slot));
  }

  /** A slot for arguments that the index does not find. */
  addSlot(args: ArrayLike<unknown>): CacheSlot {
    const slot = new CacheSlot(this);
    this.index.add(args, slot);
    return slot;
  }

  /** Takes a slot out. The index does not find it any more, whoever still holds it. */
  detach(slot: CacheSlot): void {
    if (!slot.attached) return;
    slot.attached = false;
    this.index.remove(slot);
  }
}

/**
 * All owners of one function's entries but the common one: objects by identity and weakly, parts by value.
 * What an owner counted stays counted when it is gone.
 */
export class Owners {
  readonly #byObject = new WeakMap<object, Owner>();
  readonly #byPart = new Map<string, Owner>();
  readonly #living = new Set<Owner>();
  readonly #collected: FinalizationRegistry<Owner>;
  readonly #keeper: Keeper;
  readonly #retired = new Counts();
  /** What parts counted stays theirs, whether they have entries or not. */
  readonly #partCounts = new PartCounts((part) => this.#byPart.has(part));

  /** @param leave takes the entries of an object that was collected */
  constructor(keeper: Keeper, leave: (owner: Owner) => void) {
    this.#keeper = keeper;
    this.#collected = new FinalizationRegistry((owner) => {
      leave(owner);
      this.#retire(owner);
    });
  }

  ofObject(self: object): Owner | undefined {
    return this.#byObject.get(self);
  }

  /** @param part the text of the part, which is equal for equal parts and for no others */
  ofPart(part: string): Owner | undefined {
    return this.#byPart.get(part);
  }

  addObject(self: object, part: string): Owner {
    const owner = new Owner(this.#keeper, part);
    this.#byObject.set(self, owner);
    this.#living.add(owner);
    this.#collected.register(self, owner);
    return owner;
  }

  addPart(part: string): Owner {
    const owner = new Owner(this.#keeper, part, this.#partCounts.of(part));
    this.#byPart.set(part, owner);
    this.#living.add(owner);
    return owner;
  }

  /** A part whose last entry is gone is forgotten; an object's owner lives as long as the object. */
  release(owner: Owner): void {
    if (owner.part === undefined || this.#byPart.get(owner.part) !== owner) return;
    this.#byPart.delete(owner.part);
    this.#living.delete(owner);
  }

  /** The counts of all there are and were. */
  sum(): Counts {
    const sum = this.#partCounts.sum();
    sum.add(this.#retired);
    for (const owner of this.#living) if (this.#byPart.get(owner.part ?? '') !== owner) sum.add(owner.counts);
    return sum;
  }

  /** What a part has counted. */
  countsOfPart(part: string): Counts {
    return this.#partCounts.of(part);
  }

  [Symbol.iterator](): IterableIterator<Owner> {
    return this.#living.values();
  }

  #retire(owner: Owner): void {
    if (this.#living.delete(owner)) this.#retired.add(owner.counts);
  }
}
