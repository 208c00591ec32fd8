import { isDeepStrictEqual } from 'node:util';
import { runInContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { freezeValue } from '../../src/isolate.ts';
import { changeAll, listObjects } from './shape.ts';
import {
  captureStack,
  define,
  failStacks,
  makeNest,
  otherRealm,
  refusalOf,
  refused,
  runs,
  tag,
  withHoles,
} from './values.ts';

describe('what is frozen', () => {
  const plain: [string, () => unknown][] = [
    ['primitives', () => [undefined, null, true, 'a', 1, 1n, tag]],
    ['plain objects and arrays', () => ({ a: [1, { b: 2 }], c: { d: {} }, e: [] })],
    ['an object without a prototype', () => Object.assign(Object.create(null), { a: {} })],
    ['symbols as keys', () => ({ [tag]: { a: 1 } })],
    ['hidden properties', () => define({}, { hidden: { value: { a: 1 }, writable: true } })],
    ['parts that are frozen already', () => Object.freeze({ a: { b: [1] }, c: Object.freeze([{}]) })],
    ['arrays with holes and more properties', () => Object.assign(withHoles([1, 0, {}], 1), { more: {} })],
    ['a long array', () => Array.from({ length: 200 }, (_, id) => ({ id, tags: [] }))],
    ['cycles', () => [{ a: {} }].map((value) => Object.assign(value, { self: value, list: [value] }))],
    ['those of another realm', () => runInContext('({ a: [{ b: 1 }], c: Object.create(null) })', otherRealm)],
  ];

  it.each(plain)('cannot be changed anywhere: %s', (_name, make) => {
    const value = make();
    const twin = make();
    freezeValue(value);
    const objects = listObjects(value);
    expect([...objects].every((object) => Object.isFrozen(object))).toBe(true);
    expect(changeAll(objects)).toBe(0);
    freezeValue(value);
    // But for its flags it is what it was.
    expect(isDeepStrictEqual(value, twin)).toBe(true);
  });

  it('may be a primitive', () => {
    for (const value of [undefined, null, 0, '', tag, 1n]) expect(() => freezeValue(value)).not.toThrow();
  });

  it('may be 100,000 lists within each other', () => {
    const value = makeNest(100_000) as unknown[];
    freezeValue(value);
    let levels = 0;
    for (let next = value; next.length > 0; next = next[0] as unknown[]) if (Object.isFrozen(next)) levels++;
    expect(levels).toBe(100_000);
  });

  const changeable: [string, () => unknown, string][] = [
    ['a map', () => new Map(), 'is an instance of Map,'],
    ['a date', () => new Date(0), 'is an instance of Date,'],
    ['a regular expression', () => /a/g, 'is an instance of RegExp,'],
    ['bytes', () => Buffer.from('a'), 'is an instance of Buffer,'],
    ['a typed array', () => new Float64Array(1), 'is an instance of Float64Array,'],
    ['memory', () => new ArrayBuffer(1), 'is an instance of ArrayBuffer,'],
    ['an error', () => new TypeError('x'), 'is an instance of TypeError,'],
    ['a URL', () => new URL('http://a/'), 'is an instance of URL,'],
    ['a boxed primitive', () => Object(1), 'is an instance of Number,'],
  ];
  const others = refused.map(([name, make]): [string, () => unknown, string] => [name, make, '']);

  it.each([...changeable, ...others])('is nothing at all beside %s', (_name, make, message) => {
    const inner = { a: [{}] };
    const value = { first: inner, second: [make()], last: { b: {} } };
    const said = refusalOf(() => freezeValue(value));
    expect(said).toContain(`value.second[0]${message === '' ? '' : ' '}${message}`);
    expect(said).toContain(message === '' ? "isolate: 'freeze'" : "choose isolate: 'clone'");
    const parts = [value, value.first, inner.a, inner.a[0], value.second, value.last, value.last.b];
    expect(parts.some((part) => Object.isFrozen(part))).toBe(false);
  });

  it('is nothing where reading a stack fails', () => {
    const value = { first: {}, second: captureStack() };
    const error = failStacks(new Error('no stacks'), () => freezeValue(value));
    expect(error).toMatchObject({ code: 'E_ISOLATE', message: expect.stringContaining('value.second') });
    expect([Object.isFrozen(value), Object.isFrozen(value.first)]).toEqual([false, false]);
  });

  it('is all or nothing, whatever fast-check makes', () => {
    const anything = fc.anything({
      withMap: true,
      withDate: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const objects = [...listObjects(value)];
        const frozenBefore = objects.map((object) => Object.isFrozen(object));
        const isPlain = objects.every((object) => Array.isArray(object) || findKind(object) === 'Object');
        if (isPlain) {
          freezeValue(value);
          expect(changeAll(objects)).toBe(0);
        } else {
          refusalOf(() => freezeValue(value));
          expect(objects.map((object) => Object.isFrozen(object))).toEqual(frozenBefore);
        }
      }),
      runs(1_000),
    );
  });

  function findKind(object: object): string {
    const prototype: object | null = Object.getPrototypeOf(object);
    return prototype === null || prototype === Object.prototype ? 'Object' : prototype.constructor.name;
  }
});
