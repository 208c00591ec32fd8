import {
  type DirectStore,
  type Entry,
  MemoryRecord,
  PlainRecord,
  type RecordDetails,
  type RemovalCause,
} from '@reprise/store/contract';
import { adviseAboutMap } from './advice.ts';
import { currentRun, modes } from './context.ts';
import { areHitsObserved, areStoresObserved } from './diagnostics.ts';
import type { Engine } from './engine.ts';
import type { Keeping } from './keeping.ts';
import { textOfArgument, textOfArguments } from './key/argument-text.ts';
import { identityOf } from './key/identity.ts';
import { keyText } from './key/key-text.ts';
import { isObject } from './key/value-kind.ts';
import type { Policy } from './options.ts';
import { CacheSlot, type Keeper, Owner, Owners, type StandIn } from './owner.ts';
import { detailsOf, entryOf, inspectRecord, isLiving } from './record.ts';
import type { Remembered } from './remembered.ts';
import { Runs } from './runs.ts';
import { askPart, namedKeyError, type Scope, type Telling } from './scope.ts';
import type { Shelf, Work } from './shelf.ts';
import { withoutSignal } from './signal-argument.ts';
import { Counts } from './stats.ts';
import { areVoided, tagEpoch } from './tags.ts';
import type { AnyFunction, CacheEventType, Inspection } from './types.ts';

/** Whose record the store was last given: a `sizeOf` that fails is told without the key. */
export const storing: { engine: DirectEngine | undefined; key: unknown } = { engine: undefined, key: undefined };

const everyone: Scope = { self: undefined, everyone: true };

/**
 * A function's entries in a store of this process. Keys are the arguments themselves, through an index; no text is built on a call.
 *
 * The hit path is one lookup in the index, one in the store, one look at the age. It allocates nothing and awaits nothing.
 * A store that one function has for itself (`solo`) is asked by a single primitive argument directly, without the index.
 */
export class DirectEngine implements Engine, Shelf, Keeper {
  readonly isEventual = false;
  readonly call: AnyFunction;
  readonly runs: Runs;
  readonly #remembered: Remembered;
  readonly #store: DirectStore;
  readonly #telling: Telling;
  readonly #solo: boolean;
  readonly #tier: string;
  readonly #everybody: Owner;
  readonly #owners: Owners;

  constructor(remembered: Remembered, store: DirectStore, telling: Telling, solo: boolean, tier: string) {
    this.#remembered = remembered;
    this.#store = store;
    this.#telling = telling;
    this.#solo = solo && telling.per === 'class';
    this.#tier = tier;
    this.#everybody = new Owner(this);
    this.#owners = new Owners(this, (standIn) => this.#store.drop(standIn));
    this.runs = new Runs(remembered, this);
    this.call = this.#makeCall();
  }

  // ── calls ──
  // Each is a method of a passing object: like the methods it stands for, it is no constructor.

  #makeCall(): AnyFunction {
    const { bypass, signal } = this.#remembered.policy;
    const { key, per } = this.#telling;
    if (key !== undefined || typeof per === 'function' || bypass !== undefined || signal !== undefined) {
      return this.#makeToldCall();
    }
    return per === 'instance' ? this.#makeMethodCall() : this.#solo ? this.#makeSoloCall() : this.#makeSharedCall();
  }

  /** A store of its own, arguments by value, no owners. */
  #makeSoloCall(): AnyFunction {
    const engine = this;
    const store = this.#store;
    const remembered = this.#remembered;
    const { counts } = this.#everybody;
    const { home } = remembered;
    const { isAhead } = home;
    return {
      call(this: unknown, a?: unknown): unknown {
        if (arguments.length === 1 && isOwnKey(a)) {
          const record = store.find(a);
          if (
            record !== undefined &&
            (record.expiresAt === Infinity || isAhead(record.expiresAt)) &&
            !home.off &&
            modes === 0 &&
            (record.rest === undefined || isPlain(record.rest))
          ) {
            counts.hits++;
            if (remembered.heard !== 0 || areHitsObserved()) engine.#tell('hit', a);
            return record.rest === undefined ? record.value : answerOf(record);
          }
          return engine.#serve(engine.#everybody, a, record, remembered, this, arguments);
        }
        return engine.#ask(engine.#everybody, remembered, this, arguments);
      },
    }.call;
  }

  /** A store that others use too, arguments by value, no owners. */
  #makeSharedCall(): AnyFunction {
    const engine = this;
    const store = this.#store;
    const remembered = this.#remembered;
    const { counts, index } = this.#everybody;
    const { home } = remembered;
    const { isAhead } = home;
    return {
      call(this: unknown, a?: unknown): unknown {
        if (arguments.length === 1 && typeof a === 'string') {
          const slot = index.find1(a);
          if (slot !== undefined) {
            const record = store.find(slot);
            if (
              record !== undefined &&
              (record.expiresAt === Infinity || isAhead(record.expiresAt)) &&
              !home.off &&
              modes === 0 &&
              (record.rest === undefined || isPlain(record.rest))
            ) {
              counts.hits++;
              if (remembered.heard !== 0 || areHitsObserved()) engine.#tell('hit', slot);
              return record.rest === undefined ? record.value : answerOf(record);
            }
          }
        }
        return engine.#ask(engine.#everybody, remembered, this, arguments);
      },
    }.call;
  }

  /** A method whose entries belong to the object it is called on. */
  #makeMethodCall(): AnyFunction {
    const engine = this;
    const remembered = this.#remembered;
    return {
      call(this: unknown): unknown {
        const owner = engine.#ownerOf(this, true) as Owner;
        return engine.#ask(owner, remembered, this, arguments);
      },
    }.call;
  }

  /** With `key`, `per`, `bypass` or `signal`: something of the user's is asked at each call. */
  #makeToldCall(): AnyFunction {
    const engine = this;
    const remembered = this.#remembered;
    return {
      call(this: unknown, ...args: unknown[]): unknown {
        if (remembered.isOff || remembered.isBypassed(this, args)) return engine.#pass(remembered, this, args);
        const signal = remembered.signalOf(this, args);
        if (signal?.aborted) return engine.#leave(signal);
        let owner: Owner;
        let told: readonly unknown[];
        try {
          told = engine.#toldBy(this, args, signal ?? null);
          owner = engine.#ownerOf(this, true) as Owner;
        } catch (error) {
          return engine.#refuse(error);
        }
        return engine.#ask(owner, remembered.workFor(signal), this, args, told);
      },
    }.call;
  }

  /** A caller who has left before he came. */
  #leave(signal: AbortSignal): unknown {
    this.#everybody.counts.bypass++;
    if (this.#remembered.listening !== 0) this.#remembered.emit('bypass', undefined);
    return this.runs.refuseAborted(signal);
  }

  /** A call that is no call of the function: `getOrSet`. */
  askFor(work: Work, args: readonly unknown[]): unknown {
    return this.#ask(this.#everybody, work, undefined, args);
  }

  askEach(work: Work, self: unknown, calls: readonly (readonly unknown[])[]): unknown[] {
    const remembered = this.#remembered;
    const { signal } = work;
    if (remembered.isOff) return calls.map((args) => this.#pass(work, self, args));
    if (signal?.aborted) return calls.map(() => this.#leave(signal));
    return calls.map((args) => {
      if (remembered.isBypassed(self, args)) return this.#pass(work, self, args);
      try {
        const owner = this.#ownerOf(self, true) as Owner;
        return this.#ask(owner, work, self, args, signal === undefined ? args : withoutSignal(args, signal));
      } catch (error) {
        // One answer, as all of them.
        return Promise.reject(error);
      }
    });
  }

  /** Looks up, answers, or goes on to what takes more. `told` is what stands for the arguments in the key. */
  #ask(owner: Owner, work: Work, self: unknown, args: ArrayLike<unknown>, told: ArrayLike<unknown> = args): unknown {
    const remembered = this.#remembered;
    const { home } = remembered;
    if (remembered.isOff) return this.#pass(work, self, args);
    let key: unknown;
    let record: MemoryRecord | undefined;
    try {
      key = this.#keyIn(owner, told);
      if (key === undefined) {
        key = owner.addSlot(told);
      } else record = this.#find(key);
    } catch (error) {
      if (owner.index.size === 0) this.#owners.release(owner);
      return this.#refuse(error);
    }
    if (
      record !== undefined &&
      (record.expiresAt === Infinity || home.isAhead(record.expiresAt)) &&
      modes === 0 &&
      (record.rest === undefined || isPlain(record.rest)) &&
      // What was kept plainly may be asked for otherwise: by `getOrSet`, each call of which has options of its own.
      (work === remembered || work.policy.isolate !== 'clone')
    ) {
      owner.counts.hits++;
      if (remembered.heard !== 0 || areHitsObserved()) this.#tell('hit', key);
      return record.rest === undefined ? record.value : answerOf(record);
    }
    return this.#serve(owner, key, record, work, self, args, told === args ? undefined : told);
  }

  #serve(
    owner: Owner,
    key: unknown,
    record: MemoryRecord | undefined,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    told?: ArrayLike<unknown>,
  ): unknown {
    const remembered = this.#remembered;
    if (remembered.isOff) return this.#pass(work, self, args);
    if (record === undefined && args.length === 3 && this.#telling.key === undefined) adviseAboutMap(remembered, args);
    return this.runs.serve(key, record, work, self, args, owner.counts, told);
  }

  askAgain(
    _key: unknown,
    work: Work,
    self: unknown,
    args: ArrayLike<unknown>,
    _counts: Counts,
    told: ArrayLike<unknown> | undefined,
  ): unknown {
    // By another slot, more often than not: the flight that it waited for left nothing, and took its slot along.
    return this.#ask(this.#ownerOf(self, true) as Owner, work, self, args, told);
  }

  /** The call goes through to the function. */
  #pass(work: Work, self: unknown, args: ArrayLike<unknown>): unknown {
    const remembered = this.#remembered;
    this.#everybody.counts.bypass++;
    if (remembered.listening !== 0) remembered.emit('bypass', undefined);
    return this.runs.pass(work, self, args);
  }

  /** A call whose key cannot be told fails as the function would have failed. */
  #refuse(error: unknown): unknown {
    const named = namedKeyError(this.#remembered.label(), error);
    if (this.runs.isAsync) return Promise.reject(named);
    throw named;
  }

  // ── keys ──

  #toldBy(
    self: unknown,
    args: readonly unknown[],
    signal: AbortSignal | null = this.#remembered.signalOf(self, args) ?? null,
  ): readonly unknown[] {
    const { key } = this.#telling;
    if (key !== undefined) return [askPart('key', key, self, args, this.#remembered.label())];
    return signal === null ? args : withoutSignal(args, signal);
  }

  #ownerOf(self: unknown, make: boolean): Owner | undefined {
    if (this.#telling.per === 'class') return this.#everybody;
    const part = this.#partOf(self);
    if (part !== undefined) return this.#owners.ofPart(part) ?? (make ? this.#owners.addPart(part) : undefined);
    if (!isObject(self)) return this.#everybody;
    return this.#owners.ofObject(self) ?? (make ? this.#owners.addObject(self, identityOf(self)) : undefined);
  }

  /** What an owner is known by where that is a value: what `per` answers, or a primitive that a method was called on. */
  #partOf(self: unknown): string | undefined {
    const { per } = this.#telling;
    if (per === 'class') return undefined;
    if (typeof per === 'function') {
      const label = this.#remembered.label();
      return textOfArgument(
        askPart('per', per, undefined, [self], label),
        { identity: true, label },
        'what per returned',
      );
    }
    return isObject(self) || self === undefined ? undefined : textOfArgument(self, { identity: true });
  }

  /** The key of a call, where it has one already. */
  #keyIn(owner: Owner, told: ArrayLike<unknown>): unknown {
    if (this.#solo && told.length === 1 && isOwnKey(told[0])) return told[0];
    return owner.index.find(told);
  }

  #keysIn(scope: Scope, args: readonly unknown[]): unknown[] {
    if (!scope.everyone) {
      const owner = this.#ownerOf(scope.self, false);
      return owner === undefined ? [] : [this.#keyIn(owner, this.#toldBy(scope.self, args))];
    }
    const told = this.#toldBy(undefined, args);
    return [this.#everybody, ...this.#owners].map((owner) => this.#keyIn(owner, told));
  }

  #ensureKey(scope: Scope, args: readonly unknown[], signal?: AbortSignal | null): unknown {
    const told = this.#toldBy(scope.self, args, signal);
    const owner = this.#ownerOf(scope.self, true) as Owner;
    return this.#keyIn(owner, told) ?? owner.addSlot(told);
  }

  textOf(key: unknown): string {
    const { version, name } = this.#telling;
    if (key instanceof CacheSlot) {
      return keyText({ name: name(), version, part: key.owner.part, args: key.owner.index.textOf(key) });
    }
    const args = textOfArguments([key], { label: this.#remembered.label(), identity: true });
    return keyText({ name: name(), version, args });
  }

  // ── the shelf ──

  keep(
    key: unknown,
    value: unknown,
    keeping: Keeping | undefined,
    promise: Promise<unknown> | undefined,
    loadTime: number | undefined,
    epoch: number,
  ): boolean {
    if (keeping === undefined || (key instanceof CacheSlot && !key.attached)) {
      this.#dropRecord(key);
      return true;
    }
    // An error takes the place of no value that may answer yet.
    if (keeping.failed && this.#holdsValue(key)) return false;
    const { home } = this.#remembered;
    const { lifetime } = keeping;
    const now = lifetime === Infinity && !keeping.guarded ? home.roughNow() : home.now();
    const expiresAt = now + lifetime;
    const rest = detailsOf(keeping, expiresAt, promise, loadTime, epoch);
    const record =
      rest === undefined ? new PlainRecord(value, now, expiresAt) : new MemoryRecord(value, now, expiresAt, rest);
    storing.engine = this;
    storing.key = key;
    const isKept = this.#keepRecord(key, record);
    // Nothing is to be kept alive by this.
    storing.engine = undefined;
    storing.key = undefined;
    if (!isKept) this.release(key);
    else if (this.#remembered.heard !== 0 || areStoresObserved()) this.#tell('store', key);
    return true;
  }

  #holdsValue(key: unknown): boolean {
    const record = this.#peek(key);
    return record !== undefined && record.rest?.failed !== true && isLiving(record, this.#remembered.home.now());
  }

  touch(_key: unknown, record: MemoryRecord): void {
    if (record.rest !== undefined) record.rest.readAt = this.#remembered.home.now();
  }

  rest(key: unknown, answered: MemoryRecord, until: number): void {
    // A run that began earlier may have been kept meanwhile: it is the key that rests.
    const record = this.#peek(key) ?? answered;
    if (record.rest !== undefined) record.rest.retryAt = until;
    else record.rest = { retryAt: until };
  }

  #tell(type: CacheEventType, key: unknown): void {
    this.#remembered.emit(type, () => this.textOf(key));
  }

  release(key: unknown): void {
    if (!(key instanceof CacheSlot) || !key.attached) return;
    if (this.runs.flights.size > 0 && this.runs.flights.has(key)) return;
    if (this.#peek(key) === undefined) this.#detach(key);
  }

  // An object's entries are in its slots, and only stand-ins of them in the store; see `CacheSlot`.

  #find(key: unknown): MemoryRecord | undefined {
    if (!(key instanceof CacheSlot) || key.standIn === undefined) return this.#store.find(key);
    return this.#store.find(key.standIn) === undefined ? undefined : key.record;
  }

  #peek(key: unknown): MemoryRecord | undefined {
    if (!(key instanceof CacheSlot) || key.standIn === undefined) return this.#store.peek(key);
    return this.#store.peek(key.standIn) === undefined ? undefined : key.record;
  }

  #dropRecord(key: unknown): void {
    if (!(key instanceof CacheSlot) || key.standIn === undefined) {
      this.#store.drop(key);
      return;
    }
    this.#store.drop(key.standIn);
    this.#forget(key, key.standIn);
  }

  #forget(slot: CacheSlot, standIn: StandIn): void {
    slot.record = undefined;
    slot.owner.remains?.standIns.delete(standIn);
  }

  #keepRecord(key: unknown, record: MemoryRecord): boolean {
    if (!(key instanceof CacheSlot) || key.standIn === undefined) return this.#store.keep(key, record);
    const { value, createdAt, expiresAt } = record;
    // The store weighs the value, and is not to hold it.
    const staleUntil = record.rest?.staleUntil;
    const shadow = new MemoryRecord(value, createdAt, expiresAt, staleUntil === undefined ? undefined : { staleUntil });
    const isKept = this.#store.keep(key.standIn, shadow);
    shadow.value = undefined;
    if (isKept) {
      key.record = record;
      key.owner.remains?.standIns.add(key.standIn);
    } else this.#forget(key, key.standIn);
    return isKept;
  }

  #detach(slot: CacheSlot): void {
    const { owner } = slot;
    owner.detach(slot);
    if (owner.index.size === 0) this.#owners.release(owner);
  }

  lost(slot: CacheSlot): void {
    slot.attached = false;
    this.#drop(slot);
  }

  removed(key: unknown, cause: RemovalCause): void {
    if (key instanceof CacheSlot && key.standIn !== undefined) this.#forget(key, key.standIn);
    const counts = key instanceof CacheSlot ? key.owner.counts : this.#everybody.counts;
    if (cause === 'evict') counts.evictions++;
    if (this.#remembered.listening !== 0) this.#tell(cause, key);
    this.release(key);
  }

  /** What the store reports of the record that it was given. */
  failed(error: unknown, key: unknown): void {
    this.#remembered.report(error, () => this.textOf(key));
  }

  expire(key: unknown, isVoided: boolean): void {
    this.#dropRecord(key);
    if (!isVoided && this.#remembered.listening !== 0) this.#tell('expire', key);
  }

  // ── the handle ──

  invalidate(scope: Scope, args: readonly unknown[]): boolean {
    if (this.#remembered.home.off) return this.#remembered.home.missInvalidation();
    let existed = false;
    if (scope.everyone && this.#telling.per !== 'class' && this.#telling.key !== undefined) {
      // What `key` answers may depend on the owner: all of the function's entries go, which is never too little.
      existed = this.size(scope) > 0;
      this.clear(scope);
      return existed;
    }
    for (const key of this.#keysIn(scope, args)) {
      if (key === undefined) continue;
      const record = this.#peek(key);
      if (record !== undefined && isLiving(record, this.#remembered.home.now())) existed = true;
      this.#drop(key);
    }
    if (this.#remembered.listening !== 0) {
      const isOne = !scope.everyone || this.#telling.per === 'class';
      this.#remembered.emit('invalidate', () => (isOne ? this.keyOf(scope, args) : undefined));
    }
    return existed;
  }

  #drop(key: unknown): void {
    this.runs.flights.void(key);
    this.#dropRecord(key);
    if (key instanceof CacheSlot) this.#detach(key);
  }

  clear(scope: Scope): void {
    if (this.#remembered.home.off) return void this.#remembered.home.missInvalidation();
    if (!scope.everyone) {
      const owner = this.#ownerOf(scope.self, false);
      if (owner !== undefined) this.#clearOwner(owner);
    } else for (const owner of [this.#everybody, ...this.#owners]) this.#clearOwner(owner);
    if (this.#remembered.listening !== 0) this.#remembered.emit('invalidate', undefined);
  }

  #clearOwner(owner: Owner): void {
    for (const slot of [...owner.index.slots()]) this.#drop(slot);
    if (!this.#solo || owner !== this.#everybody) return;
    this.runs.flights.voidAll();
    for (const [key] of [...this.#store.records()]) this.#store.drop(key);
  }

  clearPrefix(prefix: string): void {
    if (prefix === '') {
      this.clear(everyone);
      return;
    }
    for (const owner of [this.#everybody, ...this.#owners]) {
      for (const slot of [...owner.index.slots()]) if (this.textOf(slot).startsWith(prefix)) this.#drop(slot);
    }
    if (this.#solo) {
      for (const [key] of [...this.#store.records()]) if (this.textOf(key).startsWith(prefix)) this.#drop(key);
    }
    if (this.#remembered.listening !== 0) this.#remembered.emit('invalidate', undefined);
  }

  refresh(scope: Scope, args: readonly unknown[]): unknown {
    const remembered = this.#remembered;
    if (remembered.home.off) return this.#pass(remembered, scope.self, args);
    const signal = remembered.signalOf(scope.self, args);
    if (signal?.aborted) return this.#leave(signal);
    const key = this.#ensureKey(scope, args, signal ?? null);
    const { counts } = key instanceof CacheSlot ? key.owner : this.#everybody;
    if (remembered.listening !== 0) remembered.emit('refresh', () => this.textOf(key));
    const record = this.#peek(key);
    if (record?.rest !== undefined) record.rest.retryAt = -Infinity;
    const flight = this.runs.open(key, { ...remembered.policy, dedupe: true });
    return this.runs.renew(flight, remembered.workFor(signal), scope.self, args, counts);
  }

  peek(scope: Scope, args: readonly unknown[]): unknown {
    return this.runs.answers.look(this.#freshRecord(scope, args), this.#remembered.policy);
  }

  has(scope: Scope, args: readonly unknown[]): boolean {
    const record = this.#freshRecord(scope, args);
    return record !== undefined && !record.rest?.failed;
  }

  set(scope: Scope, args: readonly unknown[], value: unknown, policy: Policy = this.#remembered.policy): void {
    const remembered = this.#remembered;
    if (remembered.home.off) return void remembered.home.missInvalidation();
    const key = this.#ensureKey(scope, args);
    this.runs.flights.void(key);
    const primed = this.runs.answers.prime(key, value, policy, scope.self, args);
    const promise = remembered.givesPromises(this.runs) ? Promise.resolve(primed.value) : undefined;
    this.keep(key, primed.value, primed.keeping, promise, undefined, tagEpoch());
    if (primed.keeping === undefined) this.release(key);
  }

  inspect(scope: Scope, args: readonly unknown[]): Inspection | undefined {
    const record = this.#livingRecord(scope, args);
    if (record === undefined) return undefined;
    return inspectRecord(record, this.keyOf(scope, args), this.#tier, this.#remembered.home.now());
  }

  keyOf(scope: Scope, args: readonly unknown[]): string {
    const { per, version, name } = this.#telling;
    const label = this.#remembered.label();
    const { self } = scope;
    let part: string | undefined;
    if (per !== 'class') part = this.#partOf(self) ?? (isObject(self) ? identityOf(self) : undefined);
    const told = this.#toldBy(scope.self, args);
    return keyText({ name: name(), version, part, args: textOfArguments(told, { label, identity: true }) });
  }

  size(scope: Scope): number {
    if (scope.everyone) {
      if (this.#solo) return this.#store.count();
      let sum = 0;
      for (const owner of [this.#everybody, ...this.#owners]) sum += this.#sizeOf(owner);
      return sum;
    }
    const owner = this.#ownerOf(scope.self, false);
    return owner === undefined
      ? 0
      : owner === this.#everybody && this.#solo
        ? this.#store.count()
        : this.#sizeOf(owner);
  }

  /** The counts of one owner, or of all there are and were. */
  countsOf(scope: Scope): Counts {
    const sum = new Counts();
    if (scope.everyone) {
      sum.add(this.#everybody.counts);
      sum.add(this.#owners.sum());
      return sum;
    }
    const part = this.#partOf(scope.self);
    if (part !== undefined) sum.add(this.#owners.countsOfPart(part));
    else {
      const owner = this.#ownerOf(scope.self, false);
      if (owner !== undefined) sum.add(owner.counts);
    }
    return sum;
  }

  /** Every living entry, by its key in text. */
  *entries(): Generator<readonly [key: string, entry: Entry]> {
    for (const owner of [this.#everybody, ...this.#owners]) {
      for (const slot of [...owner.index.slots()]) yield* this.#entry(slot, this.#peek(slot));
    }
    if (!this.#solo) return;
    for (const [key, record] of [...this.#store.records()]) {
      if (!(key instanceof CacheSlot)) yield* this.#entry(key, record);
    }
  }

  *#entry(key: unknown, record: MemoryRecord | undefined): Generator<readonly [key: string, entry: Entry]> {
    if (record === undefined || !this.#isFresh(record)) return;
    const entry = entryOf(record, undefined);
    // A reader like any other.
    if (!record.rest?.failed)
      yield [this.textOf(key), { ...entry, value: this.runs.answers.look(record, this.#remembered.policy) }];
    else yield [this.textOf(key), entry];
  }

  #sizeOf(owner: Owner): number {
    let size = 0;
    for (const slot of owner.index.slots()) if (this.#peek(slot) !== undefined) size++;
    return size;
  }

  #freshRecord(scope: Scope, args: readonly unknown[]): MemoryRecord | undefined {
    const record = this.#livingRecord(scope, args);
    return record !== undefined && this.#isFresh(record) ? record : undefined;
  }

  /** Fresh or stale. */
  #livingRecord(scope: Scope, args: readonly unknown[]): MemoryRecord | undefined {
    if (this.#remembered.home.off) return undefined;
    const owner = this.#ownerOf(scope.self, false);
    if (owner === undefined) return undefined;
    const key = this.#keyIn(owner, this.#toldBy(scope.self, args));
    const record = key === undefined ? undefined : this.#peek(key);
    return record !== undefined && isLiving(record, this.#remembered.home.now()) ? record : undefined;
  }

  #isFresh(record: MemoryRecord): boolean {
    const { home } = this.#remembered;
    if (record.rest?.guarded || record.rest?.tags !== undefined)
      return isLiving(record, home.now()) && home.now() < record.expiresAt;
    return record.expiresAt === Infinity || home.isAhead(record.expiresAt);
  }
}

/** Whether an argument is its own key in a store that one function has for itself. */
function isOwnKey(value: unknown): boolean {
  // The commonest first.
  return (
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
  );
}

/** Whether a hit has nothing to look at beside the age. Labels that are valid now are valid until the next invalidation of any. */
function isPlain(rest: RecordDetails): boolean {
  if (rest.guarded === true) return false;
  const { tags } = rest;
  if (tags === undefined) return true;
  // A run that it is answered to depends on them.
  if (currentRun() !== undefined) return false;
  const epoch = tagEpoch();
  if (rest.generation === epoch) return true;
  if (areVoided(tags, rest.generation as number)) return false;
  rest.generation = epoch;
  return true;
}

/** What a record with details answers: of an asynchronous function the promise. */
function answerOf(record: MemoryRecord): unknown {
  return record.rest?.promise ?? record.value;
}
