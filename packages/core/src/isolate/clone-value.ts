import type { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { RepriseError } from '@reprise/store/contract';
import { hasFakeConstructor } from '../key/value-kind.ts';
import { copyBuiltIn, searchParamsOf } from './built-in-copy.ts';
import { plainKindOf } from './plain-kind.ts';
import { isNested, isPrimitive, listNested } from './plain-shape.ts';
import { describePart, type Part, refusePart, refuseProperty } from './refusal.ts';
import {
  copyBytes,
  copySlice,
  hasFurtherProperties,
  isSlice,
  overlap,
  placeView,
  type Span,
  spanOf,
} from './view-copy.ts';

const wayOut = 'Return plain data in its place, or leave `isolate` out for this function.';

const objectPrototype: object = Object.prototype;
const arrayPrototype: object = Array.prototype;
const descriptorOf = Object.getOwnPropertyDescriptor;
const slice: () => unknown[] = Array.prototype.slice;
const eachOfMap: Map<unknown, unknown>['forEach'] = Map.prototype.forEach;
const eachOfSet: Set<unknown>['forEach'] = Set.prototype.forEach;
const setInMap: Map<unknown, unknown>['set'] = Map.prototype.set;
const addToSet: Set<unknown>['add'] = Set.prototype.add;
const sourceOf: () => string = Function.prototype.toString;

/** Up to here a scan is faster than a `Map`. */
const fewParts = 64;

/** Deeper trees are not copied by recursion. */
const deepestTree = 100;

/** The copies that are trees of plain objects, arrays, dates and Buffers, without anything unusual: see {@link cloneTrusted}. */
const trees = new WeakSet<object>();

/**
 * A copy of a value that has nothing in common with it that could change, and that nobody could tell from it otherwise: with
 * the same prototypes (of any realm), property flags, holes, cycles and shared parts. No code of the value runs: no
 * accessor, no `toJSON`, no trap of a proxy. `Error.prepareStackTrace` may, where an error's `stack` was not read before.
 *
 * Copied are primitives, plain objects and arrays with whatever properties, `Date`, `RegExp`, `Map`, `Set`, `URL`,
 * `URLSearchParams`, `ArrayBuffer`, its views, `Buffer`, boxed primitives, and errors of the built-in classes. A `Buffer` that
 * is part of something larger, like the pool, is copied without the rest.
 *
 * A `RepriseError` with the code `E_ISOLATE` says where there is something else: an instance of another class (derived from
 * a built-in one, too), a function, an accessor, a proxy, a promise, shared or resizable memory.
 */
export function cloneValue(value: unknown): unknown {
  if (isPrimitive(value)) return value;
  const cloning = new Cloning(false);
  const copy = cloning.run(value);
  return cloning.separatedViews ? new Cloning(true).run(value) : copy;
}

/**
 * A further copy of what {@link cloneValue} returned, provided that nobody has changed it since. Where that is a tree of plain
 * objects, arrays, dates and Buffers, it takes a fraction of the time, since there is nothing to look out for.
 */
export function cloneTrusted(copy: unknown): unknown {
  return !isPrimitive(copy) && trees.has(copy) ? copyTree(copy) : cloneValue(copy);
}

function copyTree(source: object): object {
  if (Array.isArray(source)) {
    const copy: unknown[] = slice.call(source);
    for (let index = 0; index < copy.length; index++) {
      const item = copy[index];
      if (typeof item === 'object' && item !== null) copy[index] = copyTree(item);
    }
    return copy;
  }
  const prototype: object | null = Object.getPrototypeOf(source);
  if (prototype !== objectPrototype && prototype !== null) {
    return types.isDate(source) ? (copyBuiltIn(source, 'Date') as object) : copyBytes(source as Buffer);
  }
  const copy = copyFields(source, prototype);
  const keys = Object.keys(copy);
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const item = copy[key];
    if (typeof item === 'object' && item !== null) copy[key] = copyTree(item);
  }
  return copy;
}

/** Makes own properties of all, `__proto__` included, and asks no setter. */
function copyFields(source: object, prototype: object | null): Record<string, unknown> {
  return prototype === null ? { __proto__: null, ...source } : { ...source };
}

/** What is still to be done for a copy that others refer to already: for an object, the names of what is not a copy yet. */
type Rest = 'nothing' | 'elements' | 'everything' | readonly string[];

interface Cloned extends Part {
  readonly copy: object;
  readonly rest: Rest;
  readonly parent: Cloned | undefined;
}

/** Copies one value, breadth first: each part is made when it is met, and completed when its turn comes. */
class Cloning {
  readonly #parts: Cloned[] = [];
  /** The same by source, once there are too many to scan. */
  #places: Map<object, object> | undefined;
  /** Whether each Buffer is copied with all of the memory that it is part of. */
  readonly #wholeBuffers: boolean;
  /** The Buffers that were not. */
  readonly #slices: Span[] = [];
  #isTree = true;

  constructor(wholeBuffers: boolean) {
    this.#wholeBuffers = wholeBuffers;
  }

  /** Whether views have memory in common whose copies have none. */
  get separatedViews(): boolean {
    return this.#slices.length > 0 && overlap(this.#slices, (buffer) => this.#find(buffer) !== undefined);
  }

  run(value: object): object {
    let current: Cloned | undefined;
    let depth = 0;
    try {
      const copy = this.#take(value, undefined) as object;
      let levelEnd = 1;
      // The list grows meanwhile.
      for (let index = 0; index < this.#parts.length; index++) {
        if (index === levelEnd) {
          depth++;
          levelEnd = this.#parts.length;
        }
        current = this.#parts[index] as Cloned;
        if (current.rest !== 'nothing') this.#complete(current);
      }
      if (this.#isTree && depth < deepestTree) trees.add(copy);
      return copy;
    } catch (error) {
      if (error instanceof RepriseError && error.code === 'E_ISOLATE') throw error;
      throw refusePart(current?.source ?? value, current?.parent, `could not be copied. ${wayOut}`, { cause: error });
    }
  }

  /** What stands in the copy for something that stands in a part. */
  #take(value: unknown, parent: Cloned | undefined): unknown {
    if (isPrimitive(value)) return value;
    if (typeof value === 'function') throw refuse(value, parent);
    const known = this.#find(value);
    if (known === undefined) return this.#make(value, parent);
    this.#isTree = false;
    return known;
  }

  #find(source: object): object | undefined {
    if (this.#places !== undefined) return this.#places.get(source);
    const parts = this.#parts;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as Cloned;
      if (part.source === source) return part.copy;
    }
    return undefined;
  }

  #note(source: object, copy: object, rest: Rest, parent: Cloned | undefined): void {
    const count = this.#parts.push({ source, copy, rest, parent });
    if (count === fewParts) this.#places = new Map(this.#parts.map((part) => [part.source, part.copy]));
    else this.#places?.set(source, copy);
  }

  #make(source: object, parent: Cloned | undefined): object {
    const kind = plainKindOf(source);
    if (kind === '') throw refuse(source, parent);
    const prototype: object | null = Object.getPrototypeOf(source);
    let copy: object | undefined;
    let rest: Rest | undefined;
    if (kind === 'Object') {
      if (prototype === objectPrototype || prototype === null) rest = listNested(source);
      copy = rest === undefined ? (Object.create(prototype) as object) : copyFields(source, prototype);
    } else if (kind === 'Array') {
      if (prototype === arrayPrototype) rest = restOfList(source as unknown[]);
      copy = rest === undefined ? (Object.setPrototypeOf([], prototype) as object) : slice.call(source);
    } else {
      copy = ArrayBuffer.isView(source) ? this.#copyView(source, kind, parent) : copyContent(source, kind, parent);
    }
    if (copy === undefined) throw refuse(source, parent);
    if (rest === undefined) {
      rest = isComplete(source, kind) ? 'nothing' : 'everything';
      // The memory of a Buffer is copied with it.
      const isLeaf =
        kind === 'Date' || kind === 'Buffer' || (parent !== undefined && types.isUint8Array(parent.source));
      if (!isLeaf || rest !== 'nothing') this.#isTree = false;
    }
    this.#note(source, copy, rest, parent);
    if (kind === 'URL') this.#noteSearchParams(source, copy, parent);
    return copy;
  }

  /** They are part of the URL, and change it; if they were met before it, their copy is not. */
  #noteSearchParams(source: object, copy: object, parent: Cloned | undefined): void {
    const params = searchParamsOf(source);
    if (this.#find(params) !== undefined) throw refuse(params, parent);
    this.#note(params, searchParamsOf(copy), 'everything', parent);
  }

  #copyView(source: ArrayBufferView, kind: string, parent: Cloned | undefined): object | undefined {
    const span = spanOf(source);
    if (types.isTypedArray(source) && hasFurtherProperties(source, span.length)) return undefined;
    if (kind === 'Buffer' && !this.#wholeBuffers && isSlice(span)) {
      this.#slices.push(span);
      return copySlice(span);
    }
    const within: Cloned = { source, copy: source, rest: 'nothing', parent };
    const copy = placeView(kind, span, this.#take(span.buffer, within) as ArrayBuffer);
    const prototype: object | null = Object.getPrototypeOf(source);
    if (copy !== undefined && Object.getPrototypeOf(copy) !== prototype) Object.setPrototypeOf(copy, prototype);
    return copy;
  }

  #complete(part: Cloned): void {
    const { source, copy, rest } = part;
    if (rest === 'everything') {
      this.#copyEntries(part);
      this.#copyProperties(part);
      if (!Object.isExtensible(source)) Object.preventExtensions(copy);
    } else if (rest === 'elements') {
      this.#replaceElements(copy as unknown[], part);
    } else if (rest !== 'nothing') {
      const fields = copy as Record<string, unknown>;
      for (let index = 0; index < rest.length; index++) {
        const key = rest[index] as string;
        fields[key] = this.#take(fields[key], part);
      }
    }
  }

  #replaceElements(copy: unknown[], part: Cloned): void {
    for (let index = 0; index < copy.length; index++) {
      const item = copy[index];
      if (!isPrimitive(item)) copy[index] = this.#take(item, part);
    }
  }

  #copyEntries(part: Cloned): void {
    const { source, copy } = part;
    if (types.isMap(source)) {
      eachOfMap.call(source, (value, key) =>
        setInMap.call(copy as Map<unknown, unknown>, this.#take(key, part), this.#take(value, part)),
      );
    } else if (types.isSet(source)) {
      eachOfSet.call(source, (value) => addToSet.call(copy as Set<unknown>, this.#take(value, part)));
    }
  }

  #copyProperties(part: Cloned): void {
    const { source, copy } = part;
    for (const key of Reflect.ownKeys(source)) {
      const property = readProperty(part, key);
      // The mark of fake timers is the real Date, which nobody owns.
      const isMark = key === 'constructor' && types.isDate(source) && hasFakeConstructor(source);
      if (!isMark) property.value = this.#take(property.value, part);
      Object.defineProperty(copy, key, property);
    }
  }
}

function restOfList(source: readonly unknown[]): Rest | undefined {
  switch (isNested(source)) {
    case true:
      return 'elements';
    case false:
      return 'nothing';
    default:
      return undefined;
  }
}

function refuse(what: unknown, parent: Part | undefined): RepriseError {
  return refusePart(what, parent, `is ${describePart(what)}, which isolate: 'clone' cannot copy faithfully. ${wayOut}`);
}

function copyContent(source: object, kind: string, parent: Part | undefined): object | undefined {
  try {
    return copyBuiltIn(source, kind);
  } catch (cause) {
    throw refusePart(source, parent, `is ${describePart(source)} that could not be read. ${wayOut}`, { cause });
  }
}

/** Whether an object of a built-in class has nothing to copy but its content, which has been. */
function isComplete(source: object, kind: string): boolean {
  if (!Object.isExtensible(source)) return false;
  switch (kind) {
    case 'Object':
    case 'Array':
    case 'Map':
    case 'Set':
      return false;
    case 'RegExp':
      return (source as RegExp).lastIndex === 0;
    default:
      return types.isTypedArray(source) || Reflect.ownKeys(source).length === 0;
  }
}

/** An own property as a value. */
function readProperty(part: Part, key: PropertyKey): PropertyDescriptor & { value?: unknown } {
  const property = descriptorOf(part.source, key) as PropertyDescriptor;
  if ('value' in property) return property;
  if (key !== 'stack' || !types.isNativeError(part.source) || !isNative(property.get)) {
    throw refuseProperty(part, key, `is an accessor, which isolate: 'clone' would have to run. ${wayOut}`);
  }
  // In newer versions of V8 the stack is an accessor of each error.
  return { value: property.get?.call(part.source), writable: true, enumerable: false, configurable: true };
}

function isNative(getter: (() => unknown) | undefined): boolean {
  return getter !== undefined && /\{ \[native code\] \}$/.test(sourceOf.call(getter));
}
