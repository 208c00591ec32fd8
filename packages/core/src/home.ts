import {
  type AsyncStore,
  type Bounds,
  type Clock,
  memoryEpoch,
  OptionError,
  type RepriseError,
  type Store,
  StoreError,
  type SyncStore,
} from '@reprise/store/contract';
import { AsyncEngine } from './async-engine.ts';
import { bounded } from './bounded.ts';
import { isAhead, readNow, roughNow } from './coarse-clock.ts';
import { locate } from './decorator/verb.ts';
import { isAnythingObserved, publishEvent } from './diagnostics.ts';
import { DirectEngine, storing } from './direct.ts';
import { isDisabled } from './disabled.ts';
import type { Engine } from './engine.ts';
import { codeOf, Emitter, textOf, warnOnce } from './events.ts';
import { namespacePrefix } from './key/key-text.ts';
import { Lanes } from './lanes.ts';
import { kindOfStore, type Policy, settlePolicy } from './options.ts';
import { CacheSlot, StandIn } from './owner.ts';
import type { Home, Remembered } from './remembered.ts';
import type { Telling } from './scope.ts';
import type { Sender } from './sender.ts';
import { Counts } from './stats.ts';
import { SyncEngine } from './sync-engine.ts';
import { SyncShelf } from './sync-shelf.ts';
import { TagTelling } from './tag-telling.ts';
import { hearTags, type TagHearer, tagEpoch } from './tags.ts';
import { TextKeys } from './text-keys.ts';
import type { AnyFunction, CacheEvent } from './types.ts';

/** What a {@link StoreHome} is made of. */
export interface HomeParts {
  /** `undefined` for the private cache of one function, and for what several functions share by giving one store. */
  readonly name: string | undefined;
  readonly store: Store;
  /** Whether one function has the store for itself. */
  readonly solo: boolean;
  readonly defaults: Policy;
  readonly bounds?: Bounds | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

const everyone = { self: undefined, everyone: true } as const;
const defaultTimeout = 1_000;
/** A store that is closing may have much to flush, but not without end. */
const closeLimit = 10_000;
/** A step of looking through a store for what is void: the first one may have to list all there is. */
const sweepLimit = 10_000;

/**
 * A store with the functions whose entries live in it: what a cache is underneath. Names are claimed here, defaults stand here, and
 * what concerns all functions at once (`clear`, `close`) is done here.
 */
export class StoreHome implements Home, TagHearer {
  readonly name: string | undefined;
  readonly store: Store;
  readonly emitter: Emitter;
  readonly random: () => number;
  defaults: Policy;
  off: boolean;
  readonly isClocked: boolean;
  isUnbounded: boolean;
  readonly isAhead: (moment: number) => boolean;
  readonly now: () => number;
  readonly roughNow: () => number;
  readonly #solo: boolean;
  readonly #namespace: string;
  readonly #functions = new Map<Remembered, Engine>();
  readonly #names = new Map<string, { readonly owner: Remembered; readonly claimed: boolean }>();
  readonly #namesOf = new WeakMap<Remembered, string>();
  readonly #disabled = isDisabled();
  #enabled = true;
  #hasMissed = false;
  #hasSaid = false;
  #isRetired = false;
  #unlisten: (() => void) | undefined;
  readonly #unhearTags: (() => void) | undefined;
  #tagTelling: TagTelling | undefined;
  #closing: Promise<void> | undefined;
  #lanes: Lanes | undefined;
  #shelf: SyncShelf | undefined;

  constructor({ name, store, solo, defaults, bounds, clock, random = Math.random }: HomeParts) {
    this.name = name;
    this.store = store;
    this.random = random;
    this.isClocked = clock !== undefined;
    this.#solo = solo;
    this.#namespace = name ?? '';
    this.defaults = defaults;
    this.off = this.#disabled;
    this.isUnbounded = isUnbounded(bounds);
    this.emitter = new Emitter(() => this.#update());
    if (clock === undefined) {
      this.isAhead = isAhead;
      this.now = readNow;
      this.roughNow = roughNow;
    } else {
      store.useClock?.(clock);
      this.isAhead = (moment) => moment > clock.now() - memoryEpoch;
      this.now = () => clock.now() - memoryEpoch;
      this.roughNow = this.now;
    }
    holdStore(store);
    // The private memory of one function has nothing to be told: its entries are judged by the counters.
    if (name !== undefined || !isDirect(store)) this.#unhearTags = hearTags(this);
    if (store.invalidateTags !== undefined && tagEpoch() > 0) this.#telling().tellEarlier();
    if (store.sync && store.direct !== undefined) hearOf(store);
    else {
      this.#unlisten = store.listen?.({
        removed: (key, cause) => this.#engineOf(key)?.removed((key as string).slice(this.#prefix.length), cause),
        failed: (error, key) => this.#reportFor(error, key),
      });
    }
  }

  /** Sends what concerns no function in particular. */
  readonly #sender: Sender = {
    limit: () => this.defaults.storeTimeout ?? defaultTimeout,
    report: (error) => this.#report(error),
    prefixes: () => [this.#prefix],
  };

  /** Whether entries outlive the process. A store that does not say is not asked for what only one process can know. */
  get isPersistent(): boolean {
    return this.store.persistent ?? false;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  set enabled(enabled: boolean) {
    this.#enabled = enabled;
    this.off = !enabled || this.#disabled || this.#isRetired || this.#closing !== undefined;
    if (this.off || !this.#hasMissed) return;
    // Which entries were meant is not known any more.
    this.#hasMissed = false;
    const forget = async (): Promise<void> => this.clear(['']);
    // It has been reported.
    forget().catch(() => {});
  }

  missInvalidation(): false {
    this.#hasMissed = true;
    return false;
  }

  noteInvalidation(): void {
    if (this.#hasSaid) return;
    this.#hasSaid = true;
    const { store } = this;
    if (store.persistent !== true || store.capabilities?.fences === true) return;
    const kind = kindOfStore(store);
    warnOnce(
      StoreHome,
      kind,
      'REPRISE_NO_FENCES',
      `${this.name === undefined ? 'cached' : `cache '${this.name}'`}: the ${kind} has no fences: an invalidation holds in ` +
        'this process from its call, but a run under way in another process may still store its older result',
    );
  }

  /** Takes a function in. */
  settle(remembered: Remembered, telling: Omit<Telling, 'name'>): Engine {
    const told: Telling = { ...telling, name: () => this.#nameOf(remembered) };
    const engine = this.#engineFor(remembered, { ...told, version: telling.version ?? this.defaults.version });
    this.#functions.set(remembered, engine);
    return engine;
  }

  #engineFor(remembered: Remembered, telling: Telling): Engine {
    const { store } = this;
    if (store.sync && store.direct !== undefined) {
      return new DirectEngine(remembered, store.direct, telling, this.#solo, store.name ?? 'memory');
    }
    // Under a name that is this process's own, so may identities be.
    const isOwn = store.persistent === undefined && remembered.givenName === undefined;
    const keys = new TextKeys(remembered, telling, this.#namespace, store.persistent === false || isOwn);
    const { length } = this.#prefix;
    const report = (error: RepriseError, key: string | undefined): void =>
      remembered.report(error, () => key?.slice(length));
    const sender: Sender = {
      report,
      limit: () => remembered.policy.storeTimeout ?? defaultTimeout,
      prefixes: () => keys.prefixesOf(everyone).map((prefix) => this.#prefix + prefix),
    };
    const copy = copierOf(store);
    if (store.sync) return new SyncEngine(remembered, this.#shelfOf(store), keys, sender, copy);
    return new AsyncEngine(
      remembered,
      { lanes: this.#lanesOf(store), sender, ...(copy !== undefined && { copy }) },
      keys,
    );
  }

  get #prefix(): string {
    return this.#namespace === '' ? '' : namespacePrefix(this.#namespace);
  }

  #shelfOf(store: SyncStore): SyncShelf {
    this.#shelf ??= new SyncShelf(store, this.#prefix, () => this.#tellLeftAlone());
    return this.#shelf;
  }

  #lanesOf(store: AsyncStore): Lanes {
    this.#lanes ??= new Lanes(store, this.#prefix, () => this.#tellLeftAlone());
    return this.#lanes;
  }

  #tellLeftAlone(): void {
    const kind = kindOfStore(this.store);
    this.#report(
      new StoreError(
        `the ${kind} has failed several times in a row: it is left alone, and probed until it answers again`,
      ),
    );
  }

  /** Labels have been invalidated: the counters bind this process, the store has to be told what outlives it. */
  tagsInvalidated(tags: readonly string[]): void | Promise<void> {
    if (this.#closing !== undefined) return;
    if (this.off) return void this.missInvalidation();
    if (this.emitter.mask !== 0 || isAnythingObserved()) {
      this.#emit({ type: 'invalidate', cache: this.name, name: undefined, key: undefined });
    }
    if (isDirect(this.store)) return;
    this.noteInvalidation();
    try {
      return this.#telling()
        .tell(tags)
        ?.then(undefined, (error) => this.#failTags(error));
    } catch (error) {
      this.#failTags(error);
    }
  }

  metVoided(): void {
    this.#tagTelling?.retry();
  }

  #telling(): TagTelling {
    const { store } = this;
    const limit = (): number => this.defaults.storeTimeout ?? sweepLimit;
    const cannot = (): void => this.#tellOfNoTags();
    const failed = (error: unknown): void => this.#report(this.#asTagFailure(error));
    const prefix = this.#prefix;
    if (this.#tagTelling !== undefined) return this.#tagTelling;
    if (store.sync) {
      const { news } = this.#shelfOf(store);
      const nothing = async (): Promise<void> => {};
      this.#tagTelling = new TagTelling(store, news, {
        prefix,
        limit,
        cannot,
        failed,
        withdraw: nothing,
        remove: nothing,
      });
    } else {
      const lanes = this.#lanesOf(store);
      this.#tagTelling = new TagTelling(store, lanes.news, {
        prefix,
        limit,
        cannot,
        failed,
        withdraw: () => lanes.withdraw(),
        remove: (key) => lanes.dropVoid(key, this.#sender),
      });
    }
    return this.#tagTelling;
  }

  #tellOfNoTags(): void {
    if (this.store.persistent === false) return;
    const kind = kindOfStore(this.store);
    warnOnce(
      StoreHome,
      `tags of ${kind}`,
      'REPRISE_NO_TAGS',
      `${this.name === undefined ? 'cached' : `cache '${this.name}'`}: the ${kind} neither knows tags nor can list its entries: an ` +
        'invalidated tag voids them in this process only',
    );
  }

  /** The store may hold what was voided, and another process would be served it: said to who asked, and to who listens. */
  #failTags(error: unknown): never {
    const failure = this.#asTagFailure(error);
    this.#report(failure);
    throw failure;
  }

  #asTagFailure(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    return new StoreError(`the ${kindOfStore(this.store)} could not be told of invalidated tags: ${textOf(error)}`, {
      cause: error,
    });
  }

  /** The name of a function in keys. The first default name is taken as it is, further ones are numbered. */
  #nameOf(remembered: Remembered): string {
    const known = this.#namesOf.get(remembered);
    if (known !== undefined && this.#names.get(known)?.owner === remembered) return known;
    for (const [name, { owner }] of this.#names) {
      if (owner !== remembered) continue;
      this.#namesOf.set(remembered, name);
      return name;
    }
    const wanted = remembered.givenName ?? this.#defaultNameOf(remembered);
    let name = wanted;
    for (let number = 2; this.#names.has(name); number++) name = `${wanted}~${number}`;
    this.#names.set(name, { owner: remembered, claimed: false });
    this.#namesOf.set(remembered, name);
    return name;
  }

  #defaultNameOf({ fn, member }: Remembered): string {
    const label = member.label();
    // A store that does not say whether it outlives the process may hold what others left under the same name: another process,
    // or another function that was cached in it before.
    return this.store.persistent === undefined && !isDirect(this.store) ? `${label}~${markOf(fn)}` : label;
  }

  /**
   * Claims a name for a function: from then on no other may go by it.
   * @throws OptionError `E_NAME_TAKEN`, unless `replace`
   */
  claim(name: string, remembered: Remembered, replace: boolean): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder.owner !== remembered) {
      if (holder.claimed || !isDirect(this.store)) {
        if (!replace) throw nameTaken(name, holder.owner, remembered);
        // Two functions must not write under one key; in memory each has keys of its own, and clears reach both.
        if (!isDirect(this.store)) {
          holder.owner.isRetired = true;
          this.#functions.get(holder.owner)?.runs.flights.voidAll();
        }
      } else {
        // It only goes by that name; in memory it is known by itself and can be called otherwise.
        this.#names.delete(name);
      }
    }
    this.#names.set(name, { owner: remembered, claimed: true });
  }

  /** Counts and size over all functions. */
  counts(): { readonly counts: Counts; readonly size: number } {
    const counts = new Counts();
    let size = 0;
    for (const engine of this.#functions.values()) {
      counts.add(engine.countsOf(everyone));
      size += engine.size(everyone);
    }
    return { counts, size };
  }

  /** Clears every entry whose key begins with one of the prefixes (of the text form, without the namespace). */
  clear(prefixes: readonly string[]): void | Promise<void> {
    if (this.off) return void this.missInvalidation();
    for (const engine of this.#functions.values()) for (const prefix of prefixes) engine.clearPrefix(prefix);
    const { store } = this;
    if (isDirect(store)) return;
    if (store.sync) {
      this.#shelfOf(store).clearAll(prefixes, this.#sender);
      return;
    }
    const lanes = this.#lanesOf(store);
    return Promise.all(prefixes.map((prefix) => lanes.clear(prefix, this.#sender))).then(() => {});
  }

  /** Whose a stored key is. Known by its beginning, which is the function's name. */
  #engineOf(key: unknown): AsyncEngine | SyncEngine | undefined {
    if (typeof key !== 'string' || !key.startsWith(this.#prefix)) return undefined;
    const text = key.slice(this.#prefix.length);
    for (const engine of this.#functions.values()) {
      if (!(engine instanceof DirectEngine) && (engine as AsyncEngine | SyncEngine).owns(text)) {
        return engine as AsyncEngine | SyncEngine;
      }
    }
    return undefined;
  }

  #reportFor(error: unknown, key: string | undefined): void {
    const engine = this.#engineOf(key);
    for (const [remembered, other] of this.#functions) {
      if (other !== engine) continue;
      remembered.report(error, () => key?.slice(this.#prefix.length));
      return;
    }
    // Another cache's entry in the same store is that one's business.
    if (key === undefined || key.startsWith(this.#prefix)) this.#report(error);
  }

  /** Something failed that concerns no function in particular. Where nobody listens, a process warning says each kind once. */
  #report(error: unknown, kind: string = codeOf(error)): void {
    const told = this.#emit({ type: 'error', cache: this.name, name: undefined, key: undefined, error });
    if (!told) warnOnce(this, kind, codeOf(error), `${this.name ?? 'a cache'}: ${textOf(error)}`);
  }

  #emit(event: CacheEvent): boolean {
    publishEvent(event);
    return this.emitter.emit(event);
  }

  /** Every living entry as (key without namespace, entry). */
  async *entries(): AsyncGenerator<readonly [key: string, entry: unknown]> {
    if (this.off) return;
    const { store } = this;
    if (store.sync && store.direct !== undefined) {
      for (const engine of this.#functions.values()) yield* (engine as DirectEngine).entries();
      return;
    }
    if (store.entries === undefined) {
      throw new StoreError(
        `entries of ${this.name === undefined ? 'a cache' : `cache '${this.name}'`}: its ${kindOfStore(store)} cannot list them; ` +
          'use a store with entries(), such as memoryStore() or diskStore()',
      );
    }
    const prefix = this.#prefix;
    for await (const [key, entry] of store.entries(prefix)) {
      // What was invalidated may lie there until the store could be told.
      if (this.#lanes?.isDoubtful(key) || this.#shelf?.isDoubtful(key)) continue;
      if ((this.#lanes ?? this.#shelf)?.news.isVoid(entry)) continue;
      // A store lists what is stale, too.
      if (entry.expiresAt - memoryEpoch <= this.now()) continue;
      yield [(entry.key ?? key).slice(prefix.length), entry];
    }
  }

  /** Another cache has taken its name and its keys: nothing is kept on its behalf any more, and calls go through. */
  retire(): void {
    this.off = true;
    this.#isRetired = true;
    for (const engine of this.#functions.values()) engine.runs.flights.voidAll();
  }

  /** Gives the store other bounds. A store that fails to take them is reported. */
  resize(bounds: Bounds): void {
    this.isUnbounded = isUnbounded(bounds);
    Promise.resolve(this.store.resize?.(bounds)).catch((error) => this.#report(error));
  }

  configure(change: Policy): void {
    this.defaults = settlePolicy(this.defaults, change);
    this.#update();
  }

  #update(): void {
    for (const remembered of this.#functions.keys()) remembered.update();
  }

  /** Lets what is on its way arrive, and closes the store if nobody else uses it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.off = true;
    // Their callers get their answers, but nobody is there to keep them.
    for (const engine of this.#functions.values()) engine.runs.flights.voidAll();
    await this.#tagTelling?.settle();
    await this.#lanes?.settle();
    this.#unlisten?.();
    this.#unhearTags?.();
    try {
      await releaseStore(this.store, this.defaults.storeTimeout ?? closeLimit);
    } catch (error) {
      const failure = new StoreError(`the ${kindOfStore(this.store)} failed to close: ${textOf(error)}`, {
        cause: error,
      });
      this.#report(failure, 'close');
    }
  }
}

function isUnbounded({ maxSize, maxBytes = Infinity }: Bounds = {}): boolean {
  return maxSize === Infinity && maxBytes === Infinity;
}

function isDirect(store: Store): boolean {
  return store.sync && store.direct !== undefined;
}

function copierOf(store: Store): ((value: unknown) => unknown) | undefined {
  return store.copy === undefined ? undefined : (value) => store.copy?.(value);
}

/** Tells this process from all others. */
const processMark = Math.random().toString(36).slice(2, 12) + process.pid.toString(36);
const functionNumbers = new WeakMap<AnyFunction, number>();
let lastFunction = 0;

/** Tells a function from all others, here and in other processes, as long as it lives. */
function markOf(fn: AnyFunction): string {
  const number = functionNumbers.get(fn) ?? ++lastFunction;
  functionNumbers.set(fn, number);
  return `${processMark}.${number}`;
}

const heard = new WeakSet<SyncStore>();

/** One listener for each store, however many caches are in it: the key says whose entry it was. */
function hearOf(store: SyncStore): void {
  if (heard.has(store)) return;
  heard.add(store);
  store.listen?.({
    removed(key, cause) {
      const slot = key instanceof StandIn ? key.slot.deref() : key;
      if (slot instanceof CacheSlot) slot.owner.keeper.removed(slot, cause);
      else if (slot !== undefined) solos.get(store)?.removed(slot, cause);
    },
    failed(error) {
      storing.engine?.failed(error, storing.key);
    },
  });
}

/** Which function has a store for itself. */
export const solos: WeakMap<SyncStore, DirectEngine> = new WeakMap();

const holders = new WeakMap<Store, number>();

function holdStore(store: Store): void {
  holders.set(store, (holders.get(store) ?? 0) + 1);
}

async function releaseStore(store: Store, limit: number): Promise<void> {
  const left = (holders.get(store) ?? 1) - 1;
  holders.set(store, left);
  if (left === 0) await bounded(async () => store.close(), limit, `close of the ${kindOfStore(store)}`, false);
}

/** What two functions under one name are told. */
function nameTaken(name: string, first: Remembered, second: Remembered): OptionError {
  const [one, other] = [first.member.label(), second.member.label()];
  return new OptionError(
    `${locate(second.verb, second.member)}: the name '${name}' belongs to ${one === other ? `another ${one}` : one} in this cache; ` +
      `give ${other} a name of its own, or say replace: true if it is the same function, loaded anew`,
    { code: 'E_NAME_TAKEN' },
  );
}
