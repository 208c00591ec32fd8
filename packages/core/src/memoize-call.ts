import { nativeNow } from './coarse-clock.ts';
import { type Level, stepInto } from './key/index-level.ts';
import { horizon, isAheadNow } from './memoize-horizon.ts';
import type { Timed } from './memoize-leaf.ts';
import type { MemoizeMemory } from './memoize-memory.ts';
import type { Shelf } from './memoize-shelf.ts';
import type { AnyFunction } from './types.ts';

/*
 * The hit paths. Each is chosen once, when a function is wrapped. They make no array of the arguments, look up each of them once,
 * and count the hit by the same operation that tells whether it is a sample (see `Tally`). Whatever is no plain hit goes the long
 * way, `memory.ask`: a sample, another number of arguments than declared (`f(1)` and `f(1, undefined)` are two calls), and
 * `undefined`, which may mean that there is nothing, that it cannot be told this way, or that it is the result.
 *
 * Each is a method of a passing object: like the methods it stands for, it is no constructor.
 *
 * They are alike but not one: a branch more is the difference between 1.1 and 1.3 times a `Map.get`.
 */

/** What takes a function's place. `arity` is how many parameters the function declares, which is how it will mostly be called. */
export function makeCall(memory: MemoizeMemory, arity: number, isTimed: boolean): AnyFunction {
  const { common, owners } = memory;
  const { ask }: { readonly ask: AnyFunction } = {
    ask(this: unknown, ...args: unknown[]): unknown {
      return memory.ask(this, args);
    },
  };
  if (memory.isTold) return ask;
  if (owners !== undefined) {
    const { shelves } = owners;
    const any = makeAnyCall((self) => shelves.get(self as object), isTimed, ask);
    return arity === 1 && !isTimed ? makeOwnedUnaryCall(shelves, ask, any) : any;
  }
  const any = makeAnyCall(() => common, isTimed, ask);
  if (arity === 1) return isTimed ? makeTimedUnaryCall(memory, ask, any) : makeUnaryCall(memory, ask, any);
  if (isTimed || arity > 3) return any;
  if (arity === 0) return makeNullaryCall(common, any);
  return arity === 2 ? makeBinaryCall(memory, any) : makeTernaryCall(memory, any);
}

function makeNullaryCall({ nullary }: Shelf, any: AnyFunction): AnyFunction {
  return {
    call(this: unknown): unknown {
      const { leaf } = nullary;
      if (leaf !== undefined && arguments.length === 0 && --nullary.left !== 0) return leaf;
      return Reflect.apply(any, this, arguments);
    },
  }.call;
}

/** A string or number that nothing is kept for goes straight to a run. */
function makeUnaryCall({ common, engine }: MemoizeMemory, ask: AnyFunction, any: AnyFunction): AnyFunction {
  const { tally } = common;
  const one = common.entries.root(1);
  const { children } = one;
  const { isFunction } = engine;
  return {
    call(this: unknown, a?: unknown): unknown {
      let leaf = children.get(a);
      if (leaf === undefined) {
        if (one.objects !== undefined && typeof a === 'object' && a !== null) leaf = one.objects.find(a);
        else if (arguments.length === 1 && isFunction && isPlain(a) && !common.holdsUndefined) {
          return engine.load(common, one, this, a);
        }
      }
      if (leaf !== undefined && arguments.length === 1 && --tally.left !== 0) return leaf;
      return Reflect.apply(arguments.length === 1 ? ask : any, this, arguments);
    },
  }.call;
}

function makeBinaryCall(memory: MemoizeMemory, any: AnyFunction): AnyFunction {
  const { tally } = memory.common;
  const two = memory.common.entries.root(2);
  const { children } = two;
  return {
    call(this: unknown, a?: unknown, b?: unknown): unknown {
      if (arguments.length !== 2) return Reflect.apply(any, this, arguments);
      let leaf = (children.get(a) as Level | undefined)?.children.get(b);
      if (leaf === undefined) leaf = find2(two, a, b);
      return leaf !== undefined && --tally.left !== 0 ? leaf : memory.ask(this, [a, b]);
    },
  }.call;
}

function makeTernaryCall(memory: MemoizeMemory, any: AnyFunction): AnyFunction {
  const { tally } = memory.common;
  const three = memory.common.entries.root(3);
  const { children } = three;
  return {
    call(this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
      if (arguments.length !== 3) return Reflect.apply(any, this, arguments);
      const level = (children.get(a) as Level | undefined)?.children.get(b) as Level | undefined;
      let leaf = level?.children.get(c);
      if (leaf === undefined) leaf = find3(three, a, b, c);
      return leaf !== undefined && --tally.left !== 0 ? leaf : memory.ask(this, [a, b, c]);
    },
  }.call;
}

function makeTimedUnaryCall({ common, engine }: MemoizeMemory, ask: AnyFunction, any: AnyFunction): AnyFunction {
  const { tally } = common;
  const one = common.entries.root(1);
  const { children } = one;
  const { isFunction } = engine;
  return {
    call(this: unknown, a?: unknown): unknown {
      let leaf = children.get(a) as Timed | undefined;
      if (leaf === undefined) {
        if (one.objects !== undefined && typeof a === 'object' && a !== null) leaf = one.objects.find(a) as typeof leaf;
        else if (arguments.length === 1 && isFunction && isPlain(a)) return engine.load(common, one, this, a);
      }
      if (leaf !== undefined && arguments.length === 1 && isFresh(leaf) && --tally.left !== 0) return leaf.value;
      return Reflect.apply(arguments.length === 1 ? ask : any, this, arguments);
    },
  }.call;
}

/** A method whose entries belong to the object that it is called on. */
function makeOwnedUnaryCall(shelves: WeakMap<object, Shelf>, ask: AnyFunction, any: AnyFunction): AnyFunction {
  return {
    call(this: unknown, a?: unknown): unknown {
      const shelf = shelves.get(this as object);
      if (shelf?.one !== undefined) {
        const leaf = stepInto(shelf.one, a);
        if (leaf !== undefined && arguments.length === 1 && --shelf.tally.left !== 0) return leaf;
      }
      return Reflect.apply(arguments.length === 1 ? ask : any, this, arguments);
    },
  }.call;
}

/** Any number of arguments. */
function makeAnyCall(shelfOf: (self: unknown) => Shelf | undefined, isTimed: boolean, ask: AnyFunction): AnyFunction {
  return {
    call(this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
      const shelf = shelfOf(this);
      if (shelf === undefined) return Reflect.apply(ask, this, arguments);
      let leaf: unknown;
      if (arguments.length === 0) leaf = shelf.nullary.leaf;
      else if (arguments.length === 1) leaf = shelf.one && stepInto(shelf.one, a);
      else if (arguments.length === 2) leaf = shelf.two && find2(shelf.two, a, b);
      else if (arguments.length === 3) leaf = shelf.three && find3(shelf.three, a, b, c);
      if (leaf === undefined) return Reflect.apply(ask, this, arguments);
      if (isTimed) {
        if (isFresh(leaf as Timed) && --shelf.tally.left !== 0) return (leaf as Timed).value;
      } else if (--shelf.tally.left !== 0) return leaf;
      return Reflect.apply(ask, this, arguments);
    },
  }.call;
}

function isFresh({ expiresAt }: Timed): boolean {
  return expiresAt > horizon ? Date.now === nativeNow : isAheadNow(expiresAt);
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function find2(two: Level, a: unknown, b: unknown): unknown {
  const level = stepInto(two, a) as Level | undefined;
  return level === undefined ? undefined : stepInto(level, b);
}

function find3(three: Level, a: unknown, b: unknown, c: unknown): unknown {
  const level = find2(three, a, b) as Level | undefined;
  return level === undefined ? undefined : stepInto(level, c);
}
