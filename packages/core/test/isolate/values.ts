import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { type Context, createContext } from 'node:vm';
import { expect } from '@jest/globals';
import { RepriseError } from '@reprise/store';
import type fc from 'fast-check';
import * as shapes from './shape.ts';

const seed = process.env['REPRISE_SEED'];

/** fast-check prints the seed of a failure; REPRISE_SEED=… runs it again. */
export function runs(numRuns: number): fc.Parameters<unknown> {
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

/** What is thrown, which has to be the error that says why a value cannot be isolated. */
export function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RepriseError);
    expect(error).toMatchObject({ code: 'E_ISOLATE' });
    return (error as Error).message;
  }
  return 'nothing was refused';
}

export class User {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}
/** An object that is plain, but for a stack that is not text before it is read. */
export function captureStack(): object {
  const object = {};
  Error.captureStackTrace(object);
  return object;
}

/** What something throws while stacks cannot be read. */
export function failStacks(thrown: unknown, run: () => void): unknown {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => {
    throw thrown;
  };
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

class OwnMap extends Map {}
class OwnError extends Error {}
class OwnBuffer extends Uint8Array {}

/** A symbol that only this test knows. */
export const tag: symbol = Symbol('tag');

export const otherRealm: Context = createContext({});

export function define(object: object, properties: PropertyDescriptorMap): object {
  return Object.defineProperties(object, properties);
}

export function withHoles(list: unknown[], ...indices: number[]): unknown[] {
  for (const index of indices) delete list[index];
  return list;
}

export function makeNest(depth: number): unknown {
  let nest: unknown = [];
  for (let level = 0; level < depth; level++) nest = [nest];
  return nest;
}

function makeDetached(): ArrayBuffer {
  const memory = new ArrayBuffer(8);
  structuredClone(memory, { transfer: [memory] });
  return memory;
}

function run(code: string): never {
  throw new Error(`${code} was run`);
}

const getter = { get: () => run('a getter'), enumerable: true };
/** In which code of the value must not run. */
const trapped = new Proxy({}, new Proxy({}, { get: (_target, name) => run(String(name)) }));
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

/** What cannot be copied: a value, the place that the message names, and what stands there. */
export const refused: [string, () => unknown, string][] = [
  ['an instance', () => ({ items: [0, 1, 2, { owner: new User(1) }] }), 'value.items[3].owner is an instance of User,'],
  ['the value itself', () => new User(1), 'value is an instance of User,'],
  ['an instance in a map', () => new Map([['a b', new User(1)]]), 'value.get("a b") is an instance of User,'],
  [
    'an instance as a key',
    () => ({
      m: new Map([
        [1, 1],
        [new User(1), 1],
      ] as [unknown, unknown][]),
    }),
    'value.m[key of entry 1] is',
  ],
  ['an instance under such a key', () => new Map([[{}, new User(1)]]), 'value[entry 0] is an instance of User,'],
  ['an instance in a set', () => new Set([1, new User(1)]), 'value[entry 1] is an instance of User,'],
  ['an instance under a symbol', () => ({ [tag]: new User(1) }), 'value[Symbol(tag)] is an instance of User,'],
  ['an instance under a strange key', () => ({ 'a-b': new User(1) }), 'value["a-b"] is an instance of User,'],
  ['an instance in an error', () => new Error('x', { cause: new User(1) }), 'value.cause is an instance of User,'],
  ['a function', () => ({ find() {} }), 'value.find is a function (find),'],
  ['a class', () => [User], 'value[0] is a function (User),'],
  ['a promise', () => ({ later: Promise.resolve(1) }), 'value.later is a promise,'],
  ['a subclass of Map', () => [new OwnMap()], 'value[0] is an instance of OwnMap,'],
  ['a subclass of Error', () => [new OwnError()], 'value[0] is an instance of OwnError,'],
  ['a subclass of a typed array', () => [new OwnBuffer(2)], 'value[0] is an instance of OwnBuffer,'],
  ['a weak map', () => new WeakMap(), 'value is an instance of WeakMap,'],
  ['a weak reference', () => new WeakRef({}), 'value is an instance of WeakRef,'],
  ['a stream', () => Readable.from([]), 'value is an instance of Readable,'],
  ['an emitter', () => new EventEmitter(), 'value is an instance of EventEmitter,'],
  ['a generator', () => (function* give() {})(), 'value is a generator,'],
  ['an iterator', () => [new Map().keys()], 'value[0] is an iterator,'],
  [
    'arguments',
    function give() {
      return [arguments];
    },
    'value[0] is an arguments object,',
  ],
  ['a module', () => shapes, 'value is a module,'],
  ['an object with a prototype', () => Object.create({ a: 1 }), 'value is an object with a prototype of its own,'],
  [
    'a map that looks plain',
    () => Object.setPrototypeOf(new Map(), Object.prototype),
    'value is an object whose class cannot be told,',
  ],
  [
    'a view that has no prototype',
    () => Object.setPrototypeOf(new Uint8Array(1), null),
    'value is an object whose class cannot be told,',
  ],
  ['shared memory', () => ({ a: new SharedArrayBuffer(1) }), 'value.a is an instance of SharedArrayBuffer,'],
  [
    'a view of shared memory',
    () => [new Uint8Array(new SharedArrayBuffer(1))],
    'value[0].buffer is an instance of SharedArrayBuffer,',
  ],
  ['a Buffer in shared memory', () => [Buffer.from(new SharedArrayBuffer(4), 1, 2)], 'value[0].buffer is'],
  [
    'memory of changing size',
    () => ({ a: Reflect.construct(ArrayBuffer, [1, { maxByteLength: 2 }]) }),
    'value.a is an instance of ArrayBuffer,',
  ],
  [
    'memory that was given away',
    () => [makeDetached()],
    'value[0] is an instance of ArrayBuffer that could not be read.',
  ],
  [
    'a typed array with a property',
    () => [Object.assign(new Uint8Array(2), { a: 1 })],
    'value[0] is an instance of Uint8Array,',
  ],
  [
    'a large Buffer with a hidden property',
    () => define(Buffer.alloc(500), { toString: { value: 1 } }),
    'value is an instance of Buffer,',
  ],
  ['a regular expression with a property', () => Object.assign(/a/, { a: 1 }), 'value is an instance of RegExp,'],
  [
    'parameters before their URL',
    () => [new URL('http://a/?b')].flatMap((url) => [url.searchParams, { url }]),
    'value[1] is',
  ],
  ['a getter', () => ({ a: [define({}, { total: getter })] }), 'value.a[0].total is an accessor,'],
  ['a setter', () => define({}, { total: { set: () => {}, enumerable: true } }), 'value.total is an accessor,'],
  ['a getter of an element', () => define([1, 2], { 1: getter }), 'value[1] is an accessor,'],
  [
    'a getter of an element of a long array',
    () => define(new Array(100).fill(1), { 90: getter }),
    'value[90] is an accessor,',
  ],
  [
    'a setter of an element',
    () => define(new Array(100).fill(1), { 90: { set: () => {} } }),
    'value[90] is an accessor,',
  ],
  ['a hidden getter', () => define({}, { a: { get: () => run('it') } }), 'value.a is an accessor,'],
  [
    'a getter of the tag',
    () => define({}, { [Symbol.toStringTag]: getter }),
    'value is an object whose class cannot be told,',
  ],
  [
    'a getter of the tag of a map',
    () => define(new Map(), { [Symbol.toStringTag]: getter }),
    'value is an instance of Map,',
  ],
  ['a getter of the stack', () => define(new Error('x'), { stack: getter }), 'value.stack is an accessor,'],
  ['a getter of the flags', () => define(/a/, { global: getter }), 'value is an instance of RegExp,'],
  [
    'a getter of the length',
    () => define(new Uint8Array(2), { length: getter }),
    'value is an instance of Uint8Array,',
  ],
  ['a proxy that throws', () => ({ a: trapped }), 'value.a is a Proxy,'],
  ['a proxy that was revoked', () => [revoked], 'value[0] is a Proxy,'],
  ['a proxy of a list', () => ({ a: new Proxy([], {}) }), 'value.a is a Proxy,'],
  ['a proxy of a function', () => [new Proxy(() => {}, {})], 'value[0] is a function,'],
  ['a proxy as a prototype', () => [Object.create(trapped)], 'value[0] is an object with a prototype of its own,'],
];
