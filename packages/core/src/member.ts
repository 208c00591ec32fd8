import { isObject } from './key/value-kind.ts';
import type { FunctionObject } from './types/function.ts';

/** What is being wrapped, as the engines are told. */
export interface Member {
  readonly kind: 'function' | 'method' | 'getter';
  readonly isStatic: boolean;
  /** A `#private` one: its name begins with `#`, and no other class can hold it. */
  readonly isPrivate: boolean;
  /** The property key; for a function its name, `''` for an anonymous one. */
  readonly name: string | symbol;
  /** `Users.find` once the class is known, else `find`; `Users[Symbol(x)]`; `anonymous function`. */
  label(): string;
  /** The declaring class, or `undefined` while (or if ever) unknown. */
  owner(): FunctionObject | undefined;
  /**
   * Tells the class from a receiver of a call: the one on its prototype chain whose own member is `wrapper`.
   * Does nothing once the class is known, and for what can have none.
   */
  notice(receiver: unknown, wrapper: FunctionObject): void;
}

/** A function that stands alone. */
export function functionMember(fn: FunctionObject): Member {
  const named: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  const name = typeof named === 'string' ? named : '';
  return {
    kind: 'function',
    isStatic: false,
    isPrivate: false,
    name,
    label: () => (name === '' ? 'anonymous function' : name),
    owner: () => undefined,
    notice: () => {},
  };
}

/** What a decorator's call says of the member it stands on. */
export interface MethodFacts {
  readonly kind: 'method' | 'getter';
  readonly name: string | symbol;
  readonly isStatic: boolean;
  readonly isPrivate: boolean;
  /** The declaring class, where the dialect tells it at once. */
  readonly owner?: FunctionObject | undefined;
}

/** A method or getter of a class. */
export class MethodMember implements Member {
  readonly kind: 'method' | 'getter';
  readonly isStatic: boolean;
  readonly isPrivate: boolean;
  readonly name: string | symbol;
  #owner: FunctionObject | undefined;

  constructor(facts: MethodFacts) {
    this.kind = facts.kind;
    this.isStatic = facts.isStatic;
    this.isPrivate = facts.isPrivate;
    this.name = facts.name;
    this.#owner = facts.owner;
  }

  label(): string {
    return labelMember(this.#owner, this.name);
  }

  owner(): FunctionObject | undefined {
    return this.#owner;
  }

  notice(receiver: unknown, wrapper: FunctionObject): void {
    if (this.#owner !== undefined || this.isPrivate || !isObject(receiver)) return;
    this.#settle(this.#holders(receiver).find((holder) => this.#functionIn(holder) === wrapper));
  }

  /** The class itself says that it declares this (static) member. */
  noticeClass(owner: FunctionObject): void {
    this.#owner ??= owner;
  }

  /**
   * As {@link notice}, for an instance that is being constructed by the declaring class. Since that class is sure to be on the
   * chain, the only member of this name is the one, even where another decorator has put a wrapper of its own around ours.
   * Of a call that would be a guess: a method can be borrowed.
   */
  noticeConstruction(instance: unknown, wrapper: FunctionObject): void {
    if (this.#owner !== undefined || this.isPrivate || !isObject(instance)) return;
    const holders = this.#holders(instance);
    const [only, ...others] = holders;
    this.#settle(
      holders.find((holder) => this.#functionIn(holder) === wrapper) ?? (others.length === 0 ? only : undefined),
    );
  }

  /** Everything on the prototype chain that has a member of this name itself. Empty where looking fails: a revoked proxy. */
  #holders(receiver: object): object[] {
    const holders: object[] = [];
    try {
      let holder: object | null = receiver;
      while (holder !== null) {
        if (this.#functionIn(holder) !== undefined) holders.push(holder);
        holder = Object.getPrototypeOf(holder);
      }
    } catch {
      return [];
    }
    return holders;
  }

  /** Looks without calling anything of the user's. */
  #functionIn(holder: object): unknown {
    const descriptor = Object.getOwnPropertyDescriptor(holder, this.name);
    return this.kind === 'getter' ? descriptor?.get : descriptor?.value;
  }

  #settle(holder: object | undefined): void {
    if (holder === undefined) return;
    this.#owner = this.isStatic ? (holder as FunctionObject) : constructorOf(holder);
  }
}

/** `Users.find`, `Users.#find`, `Users[Symbol(x)]`; without a class `find`, `#find`, `[Symbol(x)]`. */
export function labelMember(owner: FunctionObject | undefined, name: string | symbol): string {
  const member = typeof name === 'symbol' ? `[${String(name)}]` : name;
  if (owner === undefined) return member;
  return typeof name === 'symbol' ? nameClass(owner) + member : `${nameClass(owner)}.${member}`;
}

/** The class whose prototype this is. */
export function constructorOf(prototype: object): FunctionObject | undefined {
  const found: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof found === 'function' ? found : undefined;
}

/** Whether it is written as a class. Functions that serve as constructors are not told apart from others. */
export function isClass(fn: FunctionObject): boolean {
  // A method can be called `class`, and only a class or a built-in constructor has a fixed prototype.
  const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype');
  return prototype?.writable === false && Function.prototype.toString.call(fn).startsWith('class');
}

/** A class's own name, even where a static member called `name` hides it. */
export function nameClass(owner: FunctionObject): string {
  const named: unknown = Object.getOwnPropertyDescriptor(owner, 'name')?.value;
  if (typeof named === 'string' && named !== '') return named;
  const written = /^(?:class|function)\s+([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)/u.exec(
    Function.prototype.toString.call(owner),
  )?.[1];
  return written === undefined || written === 'extends' ? '(anonymous class)' : written;
}
