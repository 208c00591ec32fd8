import type { MemoryRecord, RemovalCause } from '@reprise/store/contract';
import { Slot, SlotIndex } from './key/argument-index.ts';
import { Counts, PartCounts } from './stats.ts';

/**
 * The place of one call's entry in memory: the key in the store, and the way back to where the index finds it.
 *
 * The entry of an object's method is not in the store itself: a value that leads back to the object would keep it alive there. The
 * store has a stand-in for its order and bounds, under a key that leads nowhere; the record is here, and goes with the object.
 */
export class CacheSlot extends Slot {
  readonly owner: Owner;
  /** The key of the stand-in; `undefined` where the slot itself is the key. */
  readonly standIn: StandIn | undefined;
  /** What the stand-in stands for. */
  record: MemoryRecord | undefined = undefined;
  /** Whether the index finds it. A detached slot is never filled again. */
  attached = true;

  constructor(owner: Owner) {
    super();
    this.owner = owner;
    this.standIn = owner.remains === undefined ? undefined : new StandIn(this);
  }
}

/** The key in the store of an entry that belongs to an object. */
export class StandIn {
  readonly slot: WeakRef<CacheSlot>;

  constructor(slot: CacheSlot) {
    this.slot = new WeakRef(slot);
  }
}

/** What is left to do when an object has been collected. It must not lead back to the object's entries. */
interface Remains {
  readonly counts: Counts;
  /** What the store has of it. */
  readonly standIns: Set<StandIn>;
  owner: WeakRef<Owner> | undefined;
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
  /** Of an object: what outlives it. */
  readonly remains: Remains | undefined;

  constructor(keeper: Keeper, part?: string, counts: Counts = new Counts(), remains?: Remains) {
    this.counts = counts;
    this.keeper = keeper;
    this.part = part;
    this.remains = remains;
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
  readonly #objects = new Set<Remains>();
  readonly #byPart = new Map<string, Owner>();
  readonly #collected: FinalizationRegistry<Remains>;
  readonly #keeper: Keeper;
  readonly #retired = new Counts();
  /** What parts counted stays theirs, whether they have entries or not. */
  readonly #partCounts = new PartCounts((part) => this.#byPart.has(part));

  /** @param leave takes what the store has of an object that was collected */
  constructor(keeper: Keeper, leave: (standIn: StandIn) => void) {
    this.#keeper = keeper;
    this.#collected = new FinalizationRegistry((remains) => {
      for (const standIn of remains.standIns) leave(standIn);
      this.#objects.delete(remains);
      this.#retired.add(remains.counts);
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
    const remains: Remains = { counts: new Counts(), standIns: new Set(), owner: undefined };
    const owner = new Owner(this.#keeper, part, remains.counts, remains);
    remains.owner = new WeakRef(owner);
    this.#byObject.set(self, owner);
    this.#objects.add(remains);
    this.#collected.register(self, remains);
    return owner;
  }

  addPart(part: string): Owner {
    const owner = new Owner(this.#keeper, part, this.#partCounts.of(part));
    this.#byPart.set(part, owner);
    return owner;
  }

  /** A part whose last entry is gone is forgotten; an object's owner lives as long as the object. */
  release(owner: Owner): void {
    if (owner.part !== undefined && this.#byPart.get(owner.part) === owner) this.#byPart.delete(owner.part);
  }

  /** The counts of all there are and were. */
  sum(): Counts {
    const sum = this.#partCounts.sum();
    sum.add(this.#retired);
    for (const { counts } of this.#objects) sum.add(counts);
    return sum;
  }

  /** What a part has counted. */
  countsOfPart(part: string): Counts {
    return this.#partCounts.of(part);
  }

  /** All that are alive, or not known to be gone. */
  *[Symbol.iterator](): Generator<Owner> {
    yield* this.#byPart.values();
    for (const remains of this.#objects) {
      const owner = remains.owner?.deref();
      if (owner !== undefined) yield owner;
    }
  }
}
