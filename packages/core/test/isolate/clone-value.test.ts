import { types } from 'node:util';
import { serialize } from 'node:v8';
import { runInContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { cloneTrusted, cloneValue } from '../../src/isolate.ts';
import { changeAll, findDifference, listObjects } from './shape.ts';
import { define, makeNest, otherRealm, runs, tag, withHoles } from './values.ts';

function expectSameShape(copy: unknown, value: unknown): void {
  expect(findDifference(copy, value)).toBe('');
  const objects = listObjects(value);
  expect([...listObjects(copy)].filter((object) => objects.has(object))).toEqual([]);
}

function makeCycle(): unknown {
  const shared = { at: new Date(1) };
  const value: Record<string, unknown> = { shared, list: [shared, shared], map: new Map([[shared, shared]]) };
  value['self'] = value;
  (value['list'] as unknown[]).push(value['list']);
  return value;
}

/** Everything of which there is a faithful copy. */
const faithful: [string, () => unknown][] = [
  ['primitives', () => [undefined, null, true, 'a', 1, -0, Number.NaN, 1n, Symbol.for('a'), tag]],
  ['a plain object', () => ({ a: 1, b: { c: [1, 'x'] }, 1: null, toString: 'own', constructor: { name: 'own' } })],
  ['an object without a prototype', () => Object.assign(Object.create(null), { a: { b: 1 } })],
  ['an own property __proto__', () => JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1}}')],
  ['symbols as keys', () => ({ [tag]: { a: 1 }, [Symbol.toStringTag]: 'Map', [Symbol.iterator]: null })],
  ['properties that are hidden', () => define({ a: 1 }, { hidden: { value: { b: 1 }, writable: true } })],
  ['properties that stay', () => define({}, { a: { value: { b: 1 }, enumerable: true, writable: true } })],
  ['properties that are read-only', () => define({}, { a: { value: { b: 1 }, enumerable: true }, c: { value: 1 } })],
  [
    'frozen, sealed and closed objects',
    () => [
      Object.freeze({ a: [1] }),
      Object.freeze(withHoles([{ a: 1 }, 0, 2], 1)),
      Object.seal({ a: {} }),
      Object.preventExtensions({ a: 1 }),
      Object.freeze(new Map([[1, {}]])),
      Object.freeze(new Date(5)),
      Object.freeze(/a/g),
      Object.freeze(new Error('x')),
      Object.preventExtensions(new Uint8Array([1, 2])),
    ],
  ],
  ['an array with holes', () => withHoles([1, 0, { a: 1 }, 0, undefined, 0], 1, 3, 5)],
  ['an array of a thousand holes and one element', () => Object.assign([], { 1000: {} })],
  ['an array that is long and empty', () => new Array(1_000_000)],
  ['an array with more properties', () => Object.assign([1, {}], { total: { n: 2 }, [tag]: 1 })],
  ['a long array with more properties', () => Object.assign(new Array(100).fill({}), { total: { n: 2 }, [tag]: 1 })],
  ['a long array with a hidden property', () => define(new Array(100).fill(1), { hidden: { value: {} } })],
  ['a match of a regular expression', () => /(?<first>a)(b)?/d.exec('xa')],
  ['a template', () => ((parts: TemplateStringsArray, ..._values: unknown[]) => parts)`a\n${1}b`],
  ['dates', () => [new Date(0), new Date(Number.NaN), new Date(8.64e15), Object.assign(new Date(1), { zone: {} })]],
  [
    'regular expressions',
    () => [
      /a\/b/giu,
      ...['dv', 'imsy'].map((flags) => new RegExp('[ab]', flags)),
      Object.assign(/a/g, { lastIndex: 3 }),
      /(?:)/,
    ],
  ],
  [
    'maps',
    () =>
      new Map<unknown, unknown>([
        [{ a: 1 }, [1]],
        [Number.NaN, -0],
        ['__proto__', new Map()],
      ]),
  ],
  ['sets', () => new Set<unknown>([{ a: 1 }, [1], new Set([1]), -0])],
  ['a map with a property', () => Object.assign(new Map([[1, 2]]), { name: { a: 1 } })],
  [
    'URLs',
    () => [new URL('https://u:p@example.org:8080/a b?q=1&q=2#h'), new URL('data:text/plain,a'), new URL('http://ü/')],
  ],
  ['a URL with its parameters', () => [new URL('http://a/?b=1')].flatMap((url) => [url, url.searchParams, url])],
  ['URL parameters', () => [new URLSearchParams('?a=1&a=2&b=%26'), new URLSearchParams([['?x', '\ud800 +']])]],
  ['array buffers', () => [new ArrayBuffer(0), Uint8Array.of(1, 2, 3).buffer]],
  [
    'typed arrays',
    () => [
      Uint8Array.of(1, 255),
      Int8Array.of(-1),
      Uint8ClampedArray.of(1),
      Int16Array.of(-2),
      Uint16Array.of(2),
      Int32Array.of(1),
      Uint32Array.of(1),
      Float32Array.of(1.5),
      Float64Array.of(Number.NaN, -0),
      BigInt64Array.of(-1n),
      BigUint64Array.of(1n),
    ],
  ],
  [
    'views that share memory',
    () =>
      [new ArrayBuffer(16)].flatMap((buffer) => [
        new Uint8Array(buffer, 4, 8),
        buffer,
        new DataView(buffer, 2),
        new Float64Array(buffer),
      ]),
  ],
  ['large typed arrays', () => [new Uint8Array(5_000).fill(7), new Float64Array(300).fill(0.5)]],
  ['Buffers', () => [Buffer.from('pooled'), Buffer.alloc(3, 1), Buffer.alloc(0), Buffer.alloc(5_000, 2)]],
  ['a view with a property', () => Object.assign(new DataView(new ArrayBuffer(2)), { name: {} })],
  [
    'errors',
    () => [
      new Error('a', { cause: new TypeError('b', { cause: { c: 1 } }) }),
      new RangeError(),
      new SyntaxError('s'),
      new EvalError('e'),
      new ReferenceError('r'),
      new URIError('u'),
      new AggregateError([new Error('x'), { y: 1 }], 'several'),
      Object.assign(new Error('no file'), { code: 'ENOENT', details: { path: '/a' }, name: 'Named' }),
      Object.assign(new Error('s'), { stack: 'by hand' }),
      define(new Error('s'), { stack: { value: { frames: [1] }, enumerable: true }, message: { value: 'hidden' } }),
    ],
  ],
  ['an error without a stack', () => [new Error('x')].filter((error) => Reflect.deleteProperty(error, 'stack'))],
  [
    'boxed primitives',
    () => [Object(1), Object('text'), Object(false), Object(1n), Object(tag), Object.assign(Object('ab'), { c: {} })],
  ],
  ['cycles and shared parts', makeCycle],
  [
    'a thousand parts, some shared',
    () => Array.from({ length: 1_000 }, (_, id) => ({ id })).flatMap((row) => [row, row]),
  ],
];

/** From another realm: what `instanceof` does not know. */
const foreign: [string, string][] = [
  ['a plain object', '({ a: { b: 1 }, c: [1, , {}] })'],
  ['a map and a set', 'new Map([[{ a: 1 }, new Set([1, {}])]])'],
  ['a date', '[new Date(7), new Date(NaN)]'],
  ['a regular expression', 'Object.assign(/a/gi, { lastIndex: 2 })'],
  ['errors', "[new Error('a'), new TypeError('b', { cause: new AggregateError([1], 'c') })]"],
  [
    'binary data',
    '[new Uint8Array([1, 2]), new DataView(new ArrayBuffer(3)), new ArrayBuffer(2), new Float64Array(2)]',
  ],
  ['boxed primitives', "[Object(1), Object('a'), Object(1n), Object(Symbol.iterator)]"],
  ['frozen things', 'Object.freeze([Object.freeze({ a: 1 })])'],
];

describe('a copy has the very shape of its original, and nothing in common with it:', () => {
  it.each(faithful)('%s', (_name, make) => {
    const value = make();
    const copy = cloneValue(value);
    expectSameShape(copy, value);
    expectSameShape(cloneTrusted(copy), copy);
    expectSameShape(cloneTrusted(copy), value);
  });

  it.each(foreign)('%s of another realm', (_name, code) => {
    const value: unknown = runInContext(code, otherRealm);
    const copy = cloneValue(value);
    expectSameShape(copy, value);
    expectSameShape(cloneTrusted(copy), value);
  });

  it('what the platform makes', () => {
    const value = [JSON.parse('[{"a":1}]'), process.memoryUsage(), new TextEncoder().encode('é'), Buffer.from([1, 2])];
    expectSameShape(cloneValue(value), value);
  });

  it('a primitive is its own copy', () => {
    for (const value of [undefined, null, 0, '', tag, 1n]) expect(Object.is(cloneValue(value), value)).toBe(true);
  });

  it('a date of fake timers, while they run and after', () => {
    jest.useFakeTimers();
    const value = [new Date(5), Object.assign(new Date(6), { zone: {} })];
    const copy = cloneValue(value) as Date[];
    expectSameShape(copy, value);
    jest.useRealTimers();
    expect(copy.map(Number)).toEqual([5, 6]);
    expectSameShape(cloneValue(value), value);
    expectSameShape(cloneTrusted(copy), value);
    const real = [new Date(7)];
    jest.useFakeTimers();
    expectSameShape(cloneValue(real), real);
    jest.useRealTimers();
  });

  it('a date, where fake timers ran before Reprise was loaded', async () => {
    const value = [new Date(5)];
    jest.useFakeTimers();
    try {
      jest.resetModules();
      const { cloneValue: cloneLater } = await import('../../src/isolate.ts');
      expectSameShape(cloneLater(value), value);
      const fake = [new Date(5)];
      expectSameShape(cloneLater(fake), fake);
    } finally {
      jest.useRealTimers();
    }
  });

  it('100,000 lists within each other', () => {
    const depth = 100_000;
    const copy = cloneTrusted(cloneValue(makeNest(depth)));
    let levels = 0;
    for (let next = copy as unknown[]; next.length > 0; next = next[0] as unknown[]) levels++;
    expect(levels).toBe(depth);
  });

  it('anything that fast-check makes', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const copy = cloneValue(value);
        expectSameShape(copy, value);
        expectSameShape(cloneTrusted(copy), value);
      }),
      runs(1_000),
    );
  });
});

describe('of Buffers', () => {
  it('the rest of the pool is not copied', () => {
    const value = Buffer.from('pooled');
    const copy = cloneValue(value) as Buffer;
    expect(copy.buffer).not.toBe(value.buffer);
    expect([value.buffer.byteLength > 6, copy.buffer.byteLength]).toEqual([true, 6]);
    expect([Buffer.isBuffer(copy), copy.toString()]).toEqual([true, 'pooled']);
  });

  it('two that share memory still do', () => {
    const whole = Buffer.from('head and body');
    const copy = cloneValue({ whole, body: whole.subarray(9) }) as { whole: Buffer; body: Buffer };
    copy.body[0] = 'B'.charCodeAt(0);
    expect([copy.whole.toString(), whole.toString()]).toEqual(['head and Body', 'head and body']);
    const again = cloneTrusted(copy) as typeof copy;
    again.body[0] = 'x'.charCodeAt(0);
    expect([again.whole.toString(), copy.whole.toString()]).toEqual(['head and xody', 'head and Body']);
  });

  it('one that shares memory with an ArrayBuffer still does', () => {
    const memory = new ArrayBuffer(8);
    const copy = cloneValue({ part: Buffer.from(memory, 2, 4), memory }) as { part: Buffer; memory: ArrayBuffer };
    copy.part[0] = 9;
    expect([new Uint8Array(copy.memory)[2], new Uint8Array(memory)[2]]).toEqual([9, 0]);
    const whole = Buffer.from(memory);
    const [one, other] = cloneTrusted(cloneValue([whole, Buffer.from(memory)])) as [Buffer, Buffer];
    one[0] = 5;
    expect([other[0], whole[0]]).toEqual([5, 0]);
  });

  it('two neighbours in the pool are copied apart', () => {
    const value = [Buffer.from('one'), Buffer.from('other')];
    const copy = cloneValue(value) as Buffer[];
    expect(copy.map((buffer) => [buffer.toString(), buffer.buffer.byteLength])).toEqual([
      ['one', 3],
      ['other', 5],
    ]);
  });
});

describe('a change of the copy is none of the original, and the other way round:', () => {
  /** Makes a new value at each call: what one run has changed is not met by another. */
  type Recipe = () => unknown;
  type Field = [name: string, value: Recipe, enumerable: boolean];

  const key = fc.constantFrom('a', 'b', '0', '__proto__', 'constructor', 'toString', 'length', 'then', 'cause');
  const bytes = fc.uint8Array({ maxLength: 8 });
  const primitive = fc
    .oneof(fc.constantFrom<unknown>(undefined, null, true, -0, Number.NaN, 'a', 1n), fc.string(), fc.integer())
    .map(
      (value): Recipe =>
        () =>
          value,
    );
  const { recipe } = fc.letrec<{ recipe: Recipe; fields: Field[]; items: Recipe[] }>((tie) => ({
    fields: fc.array(fc.tuple(key, tie('recipe'), fc.boolean()), { maxLength: 4 }),
    items: fc.array(tie('recipe'), { maxLength: 4 }),
    recipe: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      primitive,
      tie('fields').map((fields) => () => makeObject(fields)),
      tie('fields').map((fields) => () => Object.setPrototypeOf(makeObject(fields), null)),
      tie('fields').map((fields) => () => Object.seal(makeObject(fields))),
      tie('items').map((items) => () => makeAll(items)),
      tie('items').map((items) => () => Object.freeze(makeAll(items))),
      tie('items').map((items) => () => new Set(makeAll(items))),
      tie('items').map((items) => () => new Map(makeAll(items).map((item, index) => [index % 2 ? item : index, item]))),
      tie('recipe').map((cause) => () => new TypeError('failed', { cause: cause() })),
      fc.date({ noInvalidDate: false }).map((date) => () => new Date(date)),
      fc.nat(2).map((lastIndex) => () => Object.assign(/a/g, { lastIndex })),
      bytes.map((list) => () => Buffer.from(list)),
      bytes.map((list) => () => Uint8Array.from(list)),
    ),
  }));
  /** Some parts are put into others, so that they are shared and form cycles. */
  const graph = fc
    .tuple(recipe, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }))
    .map(([make, links]) => () => {
      const value = make();
      const parts = [...listObjects(value)].filter((part) => !types.isArrayBuffer(part));
      for (const [from, to] of links) {
        const [holder, part] = [parts[from % parts.length], parts[to % parts.length]];
        if (holder instanceof Map) holder.set(part, part);
        else if (holder && part && !ArrayBuffer.isView(holder) && !types.isRegExp(holder))
          Reflect.set(holder, 'link', part);
      }
      return value;
    });

  function makeObject(fields: Field[]): object {
    const object = {};
    for (const [name, value, enumerable] of fields) {
      Object.defineProperty(object, name, { value: value(), enumerable, writable: true, configurable: true });
    }
    return object;
  }

  function makeAll(items: Recipe[]): unknown[] {
    return items.map((make) => make());
  }

  it('whatever is changed, 1,000 times', () => {
    fc.assert(
      fc.property(graph, (make) => {
        const value = make();
        const copy = cloneValue(value);
        expectSameShape(copy, value);
        const further = cloneTrusted(copy);
        expectSameShape(further, value);
        // Each against itself: how a list is written depends on how it came about.
        const [before, furtherBefore] = [serialize(value), serialize(further)];
        changeAll(listObjects(copy));
        expect(serialize(value).equals(before)).toBe(true);
        expect(serialize(further).equals(furtherBefore)).toBe(true);
        const copyBefore = serialize(copy);
        changeAll(listObjects(value));
        changeAll(listObjects(further));
        expect(serialize(copy).equals(copyBefore)).toBe(true);
      }),
      runs(1_000),
    );
  });

  it('also of a URL', () => {
    const value = { url: new URL('http://a/?b=1') };
    const copy = cloneValue(value) as typeof value;
    copy.url.searchParams.append('c', '2');
    expect([value.url.href, copy.url.href]).toEqual(['http://a/?b=1', 'http://a/?b=1&c=2']);
  });
});
