import { isAhead } from './coarse-clock.ts';
import { type Level, stepInto } from './key/index-level.ts';
import { nothing, type Timed } from './memoize-leaf.ts';
import type { Shelf } from './memoize-shelf.ts';
import type { AnyFunction } from './types.ts';

/*
 * The hit paths. Each is chosen once, when a function is wrapped. Up to three arguments it makes no array of them, looks up each
 * argument once, and counts the hit by the same operation that tells whether it is a sample (see `Tally`); a sample goes the long
 * way. `undefined` says that nothing was found, or not for certain: what then happens is the business of `ask`.
 *
 * Declared parameters say nothing of how many arguments there are: `f(1)` and `f(1, undefined)` are two calls.
 */

/** A function that declares no parameters, without a ttl. */
export function makeBareCall(shelf: Shelf, ask: AnyFunction): AnyFunction {
  const { tally } = shelf;
  return function (this: unknown): unknown {
    const leaf = shelf.none;
    if (leaf !== undefined && arguments.length === 0 && --tally.left !== 0) return leaf === nothing ? undefined : leaf;
    return Reflect.apply(ask, this, arguments);
  };
}

/** Any other function without a ttl. */
export function makePlainCall(shelf: Shelf, ask: AnyFunction): AnyFunction {
  const { tally } = shelf;
  const one = shelf.entries.root(1);
  const two = shelf.entries.root(2);
  const three = shelf.entries.root(3);
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
    let leaf: unknown;
    switch (arguments.length) {
      case 1:
        leaf = stepInto(one, a);
        break;
      case 2:
        leaf = find2(two, a, b);
        break;
      case 3:
        leaf = find3(three, a, b, c);
        break;
      case 0:
        leaf = shelf.none;
    }
    if (leaf !== undefined && --tally.left !== 0) return leaf === nothing ? undefined : leaf;
    return Reflect.apply(ask, this, arguments);
  };
}

/** A function whose results have a ttl. */
export function makeTimedCall(shelf: Shelf, ask: AnyFunction): AnyFunction {
  const { tally } = shelf;
  const one = shelf.entries.root(1);
  const two = shelf.entries.root(2);
  const three = shelf.entries.root(3);
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
    let leaf: unknown;
    switch (arguments.length) {
      case 1:
        leaf = stepInto(one, a);
        break;
      case 2:
        leaf = find2(two, a, b);
        break;
      case 3:
        leaf = find3(three, a, b, c);
        break;
      case 0:
        leaf = shelf.none;
    }
    if (leaf !== undefined && isAhead((leaf as Timed).expiresAt) && --tally.left !== 0) return (leaf as Timed).value;
    return Reflect.apply(ask, this, arguments);
  };
}

/** A method whose entries belong to the object that it is called on. */
export function makeOwnedCall(shelves: WeakMap<object, Shelf>, timed: boolean, ask: AnyFunction): AnyFunction {
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
    const shelf = shelves.get(this as object);
    if (shelf === undefined) return Reflect.apply(ask, this, arguments);
    let leaf: unknown;
    switch (arguments.length) {
      case 1:
        leaf = shelf.one === undefined ? undefined : stepInto(shelf.one, a);
        break;
      case 2:
        leaf = shelf.two === undefined ? undefined : find2(shelf.two, a, b);
        break;
      case 3:
        leaf = shelf.three === undefined ? undefined : find3(shelf.three, a, b, c);
        break;
      case 0:
        leaf = shelf.none;
    }
    if (leaf === undefined) return Reflect.apply(ask, this, arguments);
    if (timed) {
      if (isAhead((leaf as Timed).expiresAt) && --shelf.tally.left !== 0) return (leaf as Timed).value;
    } else if (--shelf.tally.left !== 0) return leaf === nothing ? undefined : leaf;
    return Reflect.apply(ask, this, arguments);
  };
}

function find2(two: Level, a: unknown, b: unknown): unknown {
  const level = stepInto(two, a) as Level | undefined;
  return level === undefined ? undefined : stepInto(level, b);
}

function find3(three: Level, a: unknown, b: unknown, c: unknown): unknown {
  const level = find2(three, a, b) as Level | undefined;
  return level === undefined ? undefined : stepInto(level, c);
}
