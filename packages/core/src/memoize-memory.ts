import { textOfArgument, textOfArguments } from './key/argument-text.ts';
import { identityOf } from './key/identity.ts';
import { type ArgumentPath, capturePath } from './key/index-token.ts';
import { keyText } from './key/key-text.ts';
import { isObject } from './key/value-kind.ts';
import type { Member } from './member.ts';
import { MemoizeEngine } from './memoize-engine.ts';
import type { MemoizeRead } from './memoize-options.ts';
import { Owners } from './memoize-owners.ts';
import { Shelf } from './memoize-shelf.ts';
import { askPart, namedKeyError, type Scope } from './scope.ts';
import { Counts } from './stats.ts';
import type { AnyFunction } from './types.ts';

/** Where a call's result stands. */
export interface Address {
  readonly shelf: Shelf;
  readonly path: ArgumentPath;
}

/**
 * All that one memoized function remembers: whose shelf a call goes to, and what stands for its arguments there.
 *
 *   per: 'class'      one shelf; the arguments
 *   per: (self) => …  one shelf; the part, then the arguments
 *   per: 'instance'   a shelf for each object; the arguments. What cannot own one (`this` being a primitive) stands in front of
 *                     the arguments, in the common shelf
 *
 * With `key`, what it answers stands in place of the arguments.
 */
export class MemoizeMemory {
  readonly engine: MemoizeEngine;
  readonly common: Shelf;
  readonly owners: Owners | undefined;
  readonly #read: MemoizeRead;
  readonly #member: Member;
  /** Whether the arguments alone tell where a result stands. */
  readonly #isPlain: boolean;
  /** What callers call; set when it has been made. */
  wrapper: AnyFunction;

  constructor(fn: AnyFunction, member: Member, read: MemoizeRead) {
    this.engine = new MemoizeEngine(fn, member);
    this.common = new Shelf(read);
    this.owners = read.per === 'instance' ? new Owners(read) : undefined;
    this.#read = read;
    this.#member = member;
    this.#isPlain = read.per === 'class' && read.key === undefined;
    this.wrapper = fn;
  }

  /** Whether something of the user's has to be asked at each call. */
  get isTold(): boolean {
    return this.#read.key !== undefined || typeof this.#read.per === 'function';
  }

  /** Whether all callers share what is remembered: `per: 'class'`. */
  get isShared(): boolean {
    return this.#read.per === 'class';
  }

  /** How messages call it. */
  label(): string {
    return this.#member.label();
  }

  /** Answers a call that is no plain hit. */
  ask(self: unknown, args: readonly unknown[]): unknown {
    if (this.#member.kind !== 'function') this.#member.notice(self, this.wrapper);
    let path: ArgumentPath;
    try {
      path = this.#capture(self, args);
    } catch (error) {
      if (this.engine.isAsync) return Promise.reject(error);
      throw error;
    }
    return this.engine.ask(this.#shelfOf(self) ?? (this.owners as Owners).add(self as object), path, self, args);
  }

  /** Where a call's result stands; `undefined` where its owner has none. */
  find(self: unknown, args: readonly unknown[]): Address | undefined {
    const shelf = this.#shelfOf(self);
    return shelf && { shelf, path: this.#capture(self, args) };
  }

  /** Runs anew; what there is answers meanwhile. */
  refresh(self: unknown, args: readonly unknown[]): unknown {
    const { shelf, path } = this.#reach(self, args);
    return this.engine.run(shelf, path, self, args);
  }

  set(self: unknown, args: readonly unknown[], value: unknown): void {
    const { shelf, path } = this.#reach(self, args);
    shelf.void(path);
    shelf.drop(path);
    const shaped = this.engine.shape(value, (promise) => {
      if (shelf.fresh(path) === promise) shelf.drop(path);
    });
    shelf.keep(path, shaped);
  }

  /** Removes a call's result; of `everyone`, for each that has one. Answers whether there was one. */
  invalidate({ self, everyone }: Scope, args: readonly unknown[]): boolean {
    if (!everyone || this.#read.per === 'class') {
      const address = this.find(self, args);
      return address !== undefined && dropAt(address);
    }
    let found = false;
    for (const [owner, shelf] of this.owners ?? []) {
      found = dropAt({ shelf, path: this.#capture(owner, args) }) || found;
    }
    if (this.common.isIdle) return found;
    const text = this.#textOf(self, args);
    return this.common.dropWhere(([, ...rest]) => rest.join(',') === text) || found;
  }

  clear({ self, everyone }: Scope): void {
    const { per } = this.#read;
    if (everyone || per === 'class') {
      this.common.clear();
      for (const [, shelf] of this.owners ?? []) shelf.clear();
    } else if (isObject(self) && this.owners !== undefined) this.owners.shelves.get(self)?.clear();
    else {
      const part = this.#partText(self);
      this.common.dropWhere(([first]) => first === part);
    }
  }

  countsOf({ self, everyone }: Scope): { readonly counts: Counts; readonly size: number } {
    const own = !everyone && isObject(self) ? this.owners?.shelves.get(self) : undefined;
    if (own !== undefined) return { counts: own.settleTally(), size: own.size };
    if (!everyone && this.owners !== undefined && isObject(self)) return { counts: new Counts(), size: 0 };
    const counts = new Counts();
    counts.add(this.common.settleTally());
    this.owners?.addTo(counts);
    let { size } = this.common;
    for (const [, shelf] of this.owners ?? []) size += shelf.size;
    return { counts, size };
  }

  keyOf(self: unknown, args: readonly unknown[]): string {
    const part = this.#read.per === 'class' ? undefined : this.#partText(self);
    return keyText({ name: this.#member.label(), part, args: this.#textOf(self, args) });
  }

  #reach(self: unknown, args: readonly unknown[]): Address {
    // A key that cannot be told leaves nothing behind, not even a shelf.
    const path = this.#capture(self, args);
    return { shelf: this.#shelfOf(self) ?? (this.owners as Owners).add(self as object), path };
  }

  #shelfOf(self: unknown): Shelf | undefined {
    return this.owners === undefined || !isObject(self) ? this.common : this.owners.shelves.get(self);
  }

  /** What stands for the arguments, in front of it what stands for the owner where that has no shelf of its own. */
  #capture(self: unknown, args: readonly unknown[]): ArgumentPath {
    const { per, key } = this.#read;
    try {
      if (this.#isPlain) return capturePath(args);
      const told = key === undefined ? args : [askPart('key', key, self, args, this.#member.label())];
      if (per === 'class' || (per === 'instance' && isObject(self))) return capturePath(told);
      return capturePath([
        per === 'instance' ? self : askPart('per', per, undefined, [self], this.#member.label()),
        ...told,
      ]);
    } catch (error) {
      throw namedKeyError(this.#member.label(), error);
    }
  }

  #textOf(self: unknown, args: readonly unknown[]): string {
    const { key } = this.#read;
    const label = this.#member.label();
    if (key === undefined) return textOfArguments(args, { identity: true, label });
    return textOfArgument(askPart('key', key, self, args, label), { identity: true, label }, 'what key returned');
  }

  #partText(self: unknown): string {
    const { per } = this.#read;
    const label = this.#member.label();
    if (typeof per === 'function') {
      return textOfArgument(
        askPart('per', per, undefined, [self], label),
        { identity: true, label },
        'what per returned',
      );
    }
    return isObject(self) ? identityOf(self) : textOfArguments([self], { identity: true, label });
  }
}

function dropAt({ shelf, path }: Address): boolean {
  shelf.void(path);
  return shelf.drop(path);
}
