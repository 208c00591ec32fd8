import { KeyError } from '@reprise/store';
import { identityOf } from './key/identity.ts';
import { textOfArguments, textOfKeyPart } from './key/argument-text.ts';
import { type ArgumentPath, capturePath } from './key/index-token.ts';
import { keyText } from './key/key-text.ts';
import type { Member } from './member.ts';
import { MemoizeEngine } from './memoize-engine.ts';
import type { MemoizeRead } from './memoize-options.ts';
import { canOwn, Owners } from './memoize-owners.ts';
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

  constructor(fn: AnyFunction, member: Member, read: MemoizeRead) {
    this.engine = new MemoizeEngine(fn, member);
    this.common = new Shelf(read);
    this.owners = read.per === 'instance' ? new Owners(read) : undefined;
    this.#read = read;
    this.#member = member;
  }

  /** Whether something of the user's has to be asked at each call. */
  get isTold(): boolean {
    return this.#read.key !== undefined || typeof this.#read.per === 'function';
  }

  ask(self: unknown, args: readonly unknown[]): unknown {
    const shelf = this.#shelfOf(self) ?? this.#addShelf(self);
    return this.engine.ask(shelf, self, args, this.#capture(self, args));
  }

  /** Where the result of a call stands; `undefined` where its owner has nothing yet. */
  find(self: unknown, args: readonly unknown[]): Address | undefined {
    const shelf = this.#shelfOf(self);
    return shelf && { shelf, path: this.#capture(self, args) };
  }

  /** The same, made where it is missing. */
  reach(self: unknown, args: readonly unknown[]): Address {
    return { shelf: this.#shelfOf(self) ?? this.#addShelf(self), path: this.#capture(self, args) };
  }

  /** Where the results of a call stand for everybody who has any. */
  *findAll(args: readonly unknown[]): Generator<Address, void, undefined> {
    if (this.owners === undefined) {
      yield { shelf: this.common, path: this.#capture(undefined, args) };
      return;
    }
    for (const [self, shelf] of this.owners) yield { shelf, path: this.#capture(self, args) };
  }
}
