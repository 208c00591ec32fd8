import { types } from 'node:util';
import { RepriseError } from '@reprise/store/contract';
import { classNameOf, functionNameOf } from '../key/identity.ts';
import { isIndex } from '../key/list-shape.ts';
import { plainKindOf } from './plain-kind.ts';

const eachOfMap: Map<unknown, unknown>['forEach'] = Map.prototype.forEach;
const eachOfSet: Set<unknown>['forEach'] = Set.prototype.forEach;

/** The most steps of a path that a message shows. */
const longestPath = 20;

/** A part of a value, and by way of which other part it was met. */
export interface Part {
  readonly source: object;
  readonly parent: Part | undefined;
}

/**
 * Says of a part why the value cannot be isolated: `value.items[3].owner is an instance of User, …`. `what` is the part that
 * was met in `parent`, or the value itself. Its place is looked for only now, so that nothing has to be noted before.
 */
export function refusePart(
  what: unknown,
  parent: Part | undefined,
  reason: string,
  details?: { cause: unknown },
): RepriseError {
  const step = parent === undefined ? '' : stepTo(parent.source, what);
  return new RepriseError('E_ISOLATE', `${placeOf(parent, step)} ${reason}`, details);
}

/** The same of the property that stands under `key` in a part. */
export function refuseProperty(parent: Part, key: PropertyKey, reason: string): RepriseError {
  return new RepriseError('E_ISOLATE', `${placeOf(parent, writeStep(parent.source, key))} ${reason}`);
}

/** What something is, in words. Runs no code of it. */
export function describePart(value: unknown): string {
  if (typeof value === 'function') return `a function${types.isProxy(value) ? '' : named(functionNameOf(value))}`;
  const object = value as object;
  if (types.isProxy(object)) return 'a Proxy';
  if (types.isPromise(object)) return 'a promise';
  if (types.isGeneratorObject(object)) return 'a generator';
  if (types.isMapIterator(object) || types.isSetIterator(object)) return 'an iterator';
  if (types.isArgumentsObject(object)) return 'an arguments object';
  if (types.isModuleNamespaceObject(object)) return 'a module';
  const kind = plainKindOf(object);
  const prototype: object | null = Object.getPrototypeOf(object);
  const name = kind === 'Object' ? '' : kind || classNameOf(prototype);
  if (name !== '' && name !== 'Object') return `an instance of ${name}`;
  if (kind === 'Object') return 'an object';
  if (prototype === null || ownsConstructor(prototype)) return 'an object whose class cannot be told';
  return 'an object with a prototype of its own';
}

function named(name: string): string {
  return name === '' ? '' : ` (${name})`;
}

function ownsConstructor(prototype: object): boolean {
  return !types.isProxy(prototype) && Object.hasOwn(prototype, 'constructor');
}

/** `value.items[3]`, shortened where it is long. */
function placeOf(parent: Part | undefined, lastStep: string): string {
  const chain: object[] = [];
  for (let part = parent; part !== undefined; part = part.parent) chain.push(part.source);
  chain.reverse();
  let place = 'value';
  for (let index = 0; index + 1 < chain.length; index++) {
    if (index === longestPath) return `${place}…, at a depth of ${chain.length},`;
    place += stepTo(chain[index] as object, chain[index + 1]);
  }
  return place + lastStep;
}

/** How one part leads to another, or to a function in it. */
function stepTo(from: object, to: unknown): string {
  let step: string | undefined;
  let place = 0;
  if (types.isMap(from)) {
    eachOfMap.call(from, (value, key) => {
      if (value === to) step ??= isShowable(key) ? `.get(${showKey(key)})` : `[entry ${place}]`;
      if (key === to) step ??= `[key of entry ${place}]`;
      place++;
    });
  } else if (types.isSet(from)) {
    eachOfSet.call(from, (value) => {
      if (value === to) step ??= `[entry ${place}]`;
      place++;
    });
  } else if (types.isTypedArray(from)) {
    return '.buffer';
  }
  if (step !== undefined) return step;
  const found = Reflect.ownKeys(from).find((key) => holds(from, key, to));
  if (found !== undefined) return writeStep(from, found);
  return ArrayBuffer.isView(from) ? '.buffer' : '';
}

function holds(from: object, key: PropertyKey, value: unknown): boolean {
  try {
    return Object.getOwnPropertyDescriptor(from, key)?.value === value;
  } catch {
    // A stack, while Error.prepareStackTrace fails.
    return false;
  }
}

function isShowable(key: unknown): boolean {
  return key === null || (typeof key !== 'object' && typeof key !== 'function');
}

function showKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key);
}

function writeStep(from: object, key: PropertyKey): string {
  if (typeof key !== 'string') return `[${String(key)}]`;
  if (Array.isArray(from) && isIndex(key, from.length)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
