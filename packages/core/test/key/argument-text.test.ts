import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import { KeyError } from '@reprise/store';
import { textOfArgument, textOfArguments } from '../../src/key/argument-text.ts';
import { cacheKey } from '../../src/key/cache-key.ts';
import { isEqual } from './structural-equality.ts';

const inMemory = { identity: true };
const persistent = { identity: false, label: 'Users.find' };

const textOf = (...args: unknown[]): string => textOfArguments(args, inMemory);
const lastingTextOf = (...args: unknown[]): string => textOfArguments(args, persistent);

function bytes(...values: number[]): ArrayBuffer {
  return Uint8Array.from(values).buffer;
}

function withHidden(object: object, key: PropertyKey, value: unknown): object {
  return Object.defineProperty(object, key, { value, enumerable: false });
}

const cyclic = (content: unknown): object => {
  const object: Record<string, unknown> = { content };
  object['self'] = object;
  return object;
};

const tag = Symbol('tag');
const namedTag = Symbol.for('tag');

/** The arguments of two calls that a function can tell apart. */
const differing: [name: string, one: unknown[], other: unknown[]][] = [
  ['no argument, undefined', [], [undefined]],
  ['no argument, null', [], [null]],
  ['undefined, null', [undefined], [null]],
  ['undefined, "undefined"', [undefined], ['undefined']],
  ['null, "null"', [null], ['null']],
  ['1, "1"', [1], ['1']],
  ['1, 1n', [1], [1n]],
  ['1n, "1n"', [1n], ['1n']],
  ['1, true', [1], [true]],
  ['1, [1]', [1], [[1]]],
  ['[1], {0: 1}', [[1]], [{ 0: 1 }]],
  ['1, Object(1)', [1], [Object(1)]],
  ['"a", Object("a")', ['a'], [Object('a')]],
  ['NaN, null', [Number.NaN], [null]],
  ['NaN, "NaN"', [Number.NaN], ['NaN']],
  ['Infinity, -Infinity', [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]],
  ['0.1 + 0.2, 0.3', [0.1 + 0.2], [0.3]],
  ['2 ** 53, 2 ** 53 + 2', [2 ** 53], [2 ** 53 + 2]],
  ['one argument, a further undefined', [1], [1, undefined]],
  ['rest arguments, fewer of them', [1, 2, 3], [1, 2]],
  ['rest arguments, an array', [1, 2, 3], [[1, 2, 3]]],
  ['a separator that moved', ['a', 'b:c'], ['a:b', 'c']],
  ['one string with a comma, two', ['a,b'], ['a', 'b']],
  ['a quoted comma, two strings', ['a","b'], ['a', 'b']],
  ['a nested first argument, a nested second', [['a'], 'b'], ['a', ['b']]],
  ['brackets that moved', [[[1], 2]], [[[1, 2]]]],
  ['the order of elements', [[1, 2]], [[2, 1]]],
  ['{a: undefined}, {}', [{ a: undefined }], [{}]],
  ['{}, []', [{}], [[]]],
  ['a value moved to another key', [{ a: 1, b: 2 }], [{ a: 2, b: 1 }]],
  ['a key with a quote and a colon', [{ 'a":1,"b': 2 }], [{ a: 1, b: 2 }]],
  ['an own __proto__, none', [JSON.parse('{"__proto__":1}')], [{}]],
  ['two own __proto__', [JSON.parse('{"__proto__":1}')], [JSON.parse('{"__proto__":2}')]],
  ['keys in upper and lower case', [{ A: 1 }], [{ a: 1 }]],
  ['lone surrogates', ['\ud800'], ['\ud801']],
  ['a lone surrogate, its escape', ['\ud800'], ['\\ud800']],
  ['composed and decomposed letters', ['é'], ['e\u0301']],
  ['a hole, undefined', [new Array(1)], [[undefined]]],
  ['a hole, no element', [new Array(1)], [[]]],
  ['holes of two lengths', [new Array(3)], [new Array(4)]],
  ['holes at two places', [Object.assign(new Array(3), { 1: 1 })], [Object.assign(new Array(3), { 2: 1 })]],
  ['an array with a property', [Object.assign([1], { name: 'x' })], [[1]]],
  ['a long array with a property', [Object.assign(new Array(999).fill(1), { x: 1 })], [new Array(999).fill(1)]],
  ['a long array with a hidden property', [withHidden(new Array(99).fill(1), 'raw', 1)], [new Array(99).fill(1)]],
  ['a symbol as key, none', [{ [namedTag]: 1 }], [{}]],
  ['values under a symbol', [{ [namedTag]: 1 }], [{ [namedTag]: 2 }]],
  ['two symbols of one name as keys', [{ [Symbol('a')]: 1 }], [{ [Symbol('a')]: 1 }]],
  ['a hidden property, none', [withHidden({}, 'a', 1)], [{}]],
  ['a hidden property, a visible one', [withHidden({}, 'a', 1)], [{ a: 1 }]],
  ['two dates', [new Date(1)], [new Date(2)]],
  ['a date, its number', [new Date(1)], [1]],
  ['a date, its text', [new Date(0)], [new Date(0).toISOString()]],
  ['an invalid date, NaN', [new Date(Number.NaN)], [Number.NaN]],
  ['an invalid date, the epoch', [new Date(Number.NaN)], [new Date(0)]],
  ['sources of patterns', [/a/], [/b/]],
  ['flags of patterns', [/a/], [/a/g]],
  ['places of patterns', [Object.assign(/a/g, { lastIndex: 1 })], [/a/g]],
  ['a pattern, its text', [/a/g], ['/a/g']],
  ['a pattern with a slash', [/a\/g/], [/a/g]],
  ['numbers and strings as keys of a Map', [new Map([[1, 'a']])], [new Map([['1', 'a']])]],
  ['a Map, an object', [new Map([['a', 1]])], [{ a: 1 }]],
  ['an empty Map, an empty Set', [new Map()], [new Set()]],
  ['an empty Map, an empty object', [new Map()], [{}]],
  ['a Set, an array', [new Set([1])], [[1]]],
  ['a Set of one, of two equal members', [new Set([[1]])], [new Set([[1], [1]])]],
  [
    'pairs of a Map that crossed',
    [
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      new Map([
        [1, 4],
        [3, 2],
      ]),
    ],
  ],
  ['addresses', [new URL('http://a/?b')], [new URL('http://a/?c')]],
  ['an address, its text', [new URL('http://a/')], ['http://a/']],
  ['an empty query, none', [new URL('http://a/?')], [new URL('http://a/')]],
  ['the order of parameters', [new URLSearchParams('a=1&b=2')], [new URLSearchParams('b=2&a=1')]],
  ['messages of errors', [new Error('a')], [new Error('b')]],
  ['classes of errors', [new TypeError('a')], [new RangeError('a')]],
  ['fields of errors', [Object.assign(new Error('a'), { code: 1 })], [Object.assign(new Error('a'), { code: 2 })]],
  ['causes of errors', [new Error('a', { cause: 1 })], [new Error('a', { cause: 2 })]],
  ['an error with a cause of undefined, none', [new Error('a', { cause: undefined })], [new Error('a')]],
  ['members of an aggregate', [new AggregateError([1], 'a')], [new AggregateError([2], 'a')]],
  ['an error, an object like it', [new Error('a')], [{ message: 'a' }]],
  ['bytes', [bytes(1)], [bytes(2)]],
  ['an ArrayBuffer, a shared one', [new ArrayBuffer(1)], [new SharedArrayBuffer(1)]],
  ['an ArrayBuffer, its view', [bytes(1)], [new Uint8Array(bytes(1))]],
  ['an ArrayBuffer that can grow', [new ArrayBuffer(1)], [Reflect.construct(ArrayBuffer, [1, { maxByteLength: 2 }])]],
  ['a Buffer, a Uint8Array', [Buffer.from([1])], [Uint8Array.of(1)]],
  ['Uint8Array, Int8Array', [Uint8Array.of(1)], [Int8Array.of(1)]],
  ['Uint8Array, Uint8ClampedArray', [Uint8Array.of(1)], [Uint8ClampedArray.of(1)]],
  ['Int32Array, Uint32Array', [Int32Array.of(1)], [Uint32Array.of(1)]],
  ['Float32Array, Float64Array', [Float32Array.of(1)], [Float64Array.of(1)]],
  ['Int16Array, array', [Int16Array.of(1)], [[1]]],
  ['BigInt64Array, BigUint64Array', [BigInt64Array.of(1n)], [BigUint64Array.of(1n)]],
  ['a DataView, a Uint8Array', [new DataView(bytes(1))], [Uint8Array.of(1)]],
  ['a long typed array with a property', [Object.assign(new Uint8Array(999), { x: 1 })], [new Uint8Array(999)]],
  ['a Buffer, its text', [Buffer.from('a')], ['a']],
  ['boxed true, boxed false', [Object(true)], [Object(false)]],
  ['functions of one source', [() => 1], [() => 1]],
  ['symbols of one description', [Symbol('a')], [Symbol('a')]],
  ['a symbol, one of the registry', [tag], [namedTag]],
  ['a symbol of the registry, its text', [namedTag], ['Symbol.for("tag")']],
  ['promises', [Promise.resolve(1)], [Promise.resolve(1)]],
  ['instances with equal fields', [new (class A {})()], [new (class A {})()]],
  ['objects made from a prototype', [Object.create({ a: 1 })], [{}]],
  ['cycles with another content', [cyclic(1)], [cyclic(2)]],
  ['a cycle, null in its place', [cyclic(1)], [{ content: 1, self: null }]],
];

const copyOfUser = (): object => ({ id: 1, roles: ['a', 'b'], born: new Date(5), tags: new Set(['x', { y: 1 }]) });

/** The arguments of two calls that are equal. */
const equal: [name: string, one: unknown[], other: unknown[]][] = [
  ['0, -0', [0], [-0]],
  ['NaN', [Number.NaN], [0 / 0]],
  ['nested -0', [[0, { a: 0 }]], [[-0, { a: -0 }]]],
  ['the order of keys', [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
  ['the order of keys, hidden ones too', [withHidden({ a: 1, b: 2 }, 'c', 3)], [withHidden({ b: 2, a: 1 }, 'c', 3)]],
  ['the order of symbols', [{ [tag]: 1, [namedTag]: 2 }], [{ [namedTag]: 2, [tag]: 1 }]],
  ['deep copies', [copyOfUser()], [copyOfUser()]],
  ['a missing prototype', [Object.assign(Object.create(null), { a: 1 })], [{ a: 1 }]],
  [
    'objects of another realm',
    [runInNewContext('({ a: [1, new Date(3)], b: /x/g })')],
    [{ a: [1, new Date(3)], b: /x/g }],
  ],
  ['collections of another realm', [runInNewContext('new Map([[1, new Set([2])]])')], [new Map([[1, new Set([2])]])]],
  ['errors of another realm', [runInNewContext('new TypeError("a")')], [new TypeError('a')]],
  ['bytes of another realm', [runInNewContext('Uint8Array.of(1, 2)')], [Uint8Array.of(1, 2)]],
  ['a long typed array of another realm', [runInNewContext('new Int8Array(500)')], [new Int8Array(500)]],
  ['boxed values of another realm', [runInNewContext('Object("a")')], [Object('a')]],
  ['dates', [new Date(7)], [new Date(7)]],
  ['invalid dates', [new Date(Number.NaN)], [new Date('x')]],
  ['patterns', [/a+/gi], [/a+/gi]],
  ['addresses', [new URL('http://a/?b')], [new URL('HTTP://A/?b')]],
  ['parameters', [new URLSearchParams('a=1')], [new URLSearchParams([['a', '1']])]],
  [
    'the order of a Map',
    [
      new Map([
        [1, 'a'],
        [2, 'b'],
      ]),
    ],
    [
      new Map([
        [2, 'b'],
        [1, 'a'],
      ]),
    ],
  ],
  ['the order of a Set', [new Set([[1], [2], 3])], [new Set([3, [2], [1]])]],
  ['errors made at two places', [new Error('a', { cause: 1 })], [new Error('a', { cause: 1 })]],
  ['windows of two buffers', [new Uint8Array(bytes(0, 1, 2), 1)], [new Uint8Array(bytes(1, 2, 3), 0, 2)]],
  ['Buffers from the pool and beside it', [Buffer.from('ab')], [Buffer.concat([Buffer.from('a'), Buffer.from('b')])]],
  ['numbers in a typed array', [Float64Array.of(Number.NaN, 0)], [Float64Array.of(Number.NaN, -0)]],
  [
    'a value and an accessor of it',
    [{ a: 1 }],
    [
      {
        get a() {
          return 1;
        },
      },
    ],
  ],
  ['what is shared and what is copied', [[[1], [1]]], [((one) => [one, one])([1])]],
  ['what is frozen', [Object.freeze({ a: 1 })], [{ a: 1 }]],
  ['cycles made the same way', [cyclic(new Set([1, 2]))], [cyclic(new Set([2, 1]))]],
  ['strings of 64 KB', ['x'.repeat(65_536)], ['x'.repeat(65_536)]],
];

describe('the text of arguments', () => {
  it.each(differing)('differs for %s', (_name, one, other) => {
    expect(textOf(...one)).not.toBe(textOf(...other));
  });

  it.each(equal)('is the same for %s', (_name, one, other) => {
    expect(textOf(...one)).toBe(textOf(...other));
    expect(textOf(...one)).toBe(textOf(...one));
  });

  it('is the same for any two calls of the tables exactly if they are equal', () => {
    const calls = [...differing, ...equal].flatMap(([, one, other]) => [one, other]);
    const texts = calls.map((args) => textOf(...args));
    calls.forEach((one, i) => {
      calls.forEach((other, j) => {
        if (j < i && (texts[i] === texts[j]) !== isEqual(one, other)) throw new Error(`${texts[i]} and ${texts[j]}`);
      });
    });
  });

  it('is readable for simple arguments', () => {
    expect(textOf('42', { b: 1, a: [true, null] })).toBe('"42",{"a":[true,null],"b":1}');
    expect(textOf(new Date(0), 10n, undefined, -0)).toBe('Date(1970-01-01T00:00:00.000Z),10n,undefined,0');
  });

  it('holds long strings whole', () => {
    const long = 'x'.repeat(65_536);
    expect(textOf(`${long}a`)).not.toBe(textOf(`${long}b`));
    expect(textOf(`${long}a`)).toHaveLength(65_539);
  });

  it('takes a sparse array of any length', () => {
    const sparse: number[] = [1];
    sparse[4_000_000_000] = 2;
    expect(textOf(sparse)).toBe('[1,_*3999999999,2]');
  });

  it('takes the dates of fake timers for dates', () => {
    const real = new Date(5);
    jest.useFakeTimers({ now: 5 });
    try {
      expect(Object.getPrototypeOf(new Date())).not.toBe(Object.getPrototypeOf(real));
      expect(lastingTextOf(new Date())).toBe(lastingTextOf(real));
    } finally {
      jest.useRealTimers();
    }
  });

  it('does not take an object for plain because its class says so', () => {
    class Feigned {}
    Object.setPrototypeOf(Feigned.prototype, null);
    Object.defineProperty(Feigned.prototype, 'constructor', { value: Object });
    expect(textOf(new Feigned())).toMatch(/^Object#\d+$/);
  });

  it('knows what only has the prototype of a built-in class by identity', () => {
    for (const { prototype } of [Date, Map, Error, URL, URLSearchParams, Uint8Array, RegExp, Number]) {
      expect(textOf(Object.create(prototype))).toMatch(/^\w+#\d+$/);
      expect(textOf(Object.create(prototype))).not.toBe(textOf(Object.create(prototype)));
    }
    expect(textOf(Object.setPrototypeOf(new Date(0), null))).toMatch(/#\d+$/);
    expect(textOf(Object.setPrototypeOf([1], Object.prototype))).toMatch(/#\d+$/);
    expect(textOf(runInNewContext('(function () { return arguments; })(1)'))).toMatch(/#\d+$/);
  });

  it('knows instances of classes derived from built-in ones by identity', () => {
    class Names extends Map {}
    class Members extends Set {}
    class Failure extends Error {}
    class Day extends Date {}
    class Bytes extends Uint8Array {}
    class List extends Array {}
    for (const Type of [Names, Members, Failure, Day, Bytes, List]) {
      const one = new Type();
      expect(textOf(one)).toMatch(new RegExp(`^${Type.name}#\\d+$`));
      expect(textOf(one)).toBe(textOf(one));
      expect(textOf(one)).not.toBe(textOf(new Type()));
      expect(() => lastingTextOf(one)).toThrow(KeyError);
    }
  });

  it('knows a proxy by identity and asks it nothing', () => {
    const trap = jest.fn<() => never>(() => {
      throw new Error('asked');
    });
    const proxy = new Proxy({ a: 1 }, { get: trap, ownKeys: trap, getPrototypeOf: trap });
    expect(textOf(proxy)).toMatch(/^Proxy#\d+$/);
    expect(textOf(proxy)).toBe(textOf(proxy));
    expect(trap).not.toHaveBeenCalled();
    expect(() => lastingTextOf(proxy)).toThrow(/is a Proxy/);
  });
});

describe('cycles', () => {
  it('have a text that is the same each time', () => {
    expect(textOf(cyclic(1))).toBe('{"content":1,"self":^0}');
    const list: unknown[] = [1];
    list.push({ list });
    expect(textOf(list)).toBe('[1,{"list":^0}]');
  });

  it('differ by where they lead to', () => {
    const toInner = { a: { b: {} as object } };
    toInner.a.b = toInner.a;
    const toOuter = { a: { b: {} as object } };
    toOuter.a.b = toOuter;
    expect(textOf(toInner)).not.toBe(textOf(toOuter));
  });

  it('go through Map and Set in any order', () => {
    const make = (order: number[]): object => {
      const people = [0, 1, 2].map((id) => ({ id, friends: new Set<object>(), notes: new Map<object, number>() }));
      for (const one of order) {
        for (const other of order) {
          const [from, to] = [people[one], people[other]];
          if (from === undefined || to === undefined || from === to) continue;
          from.friends.add(to);
          from.notes.set(to, to.id);
        }
      }
      return new Set(order.map((id) => people[id]));
    };
    expect(textOf(make([0, 1, 2]))).toBe(textOf(make([2, 0, 1])));
  });

  it('cost what they hold, however many ways lead through them', () => {
    const people = Array.from({ length: 200 }, (_, id) => ({ id, friends: [] as object[] }));
    for (const person of people) person.friends = people;
    const text = textOf(people);
    expect(text.length).toBeLessThan(200 * 40);
    expect(text).not.toBe(textOf(people.slice(1)));
  });

  it('leave no trace in what follows them', () => {
    const shared = { a: 1 };
    expect(textOf([cyclic(1), shared, shared])).toBe('[{"content":1,"self":^1},{"a":1},{"a":1}]');
  });
});

describe('an argument that says what it is', () => {
  class User {
    readonly id: unknown;
    constructor(id: unknown) {
      this.id = id;
    }
    [cacheKey](): unknown {
      return this.id;
    }
  }
  class Order extends User {}

  it('is told by what it says and by its class', () => {
    expect(lastingTextOf(new User(7))).toBe('<User>7');
    expect(textOf(new User(7))).toBe(textOf(new User(7)));
    expect(textOf(new User(7))).not.toBe(textOf(new User('7')));
    expect(textOf(new User(7))).not.toBe(textOf(new Order(7)));
    expect(lastingTextOf(new User(7))).not.toBe(lastingTextOf(new Order(7)));
    expect(textOf({ user: new User({ b: [1], a: 2 }) })).toBe(textOf({ user: new User({ a: 2, b: [1] }) }));
  });

  it('is told from another class of the same name in memory', () => {
    const make = (): object => new (class User extends Order {})(7);
    expect(textOf(make())).not.toBe(textOf(make()));
    expect(lastingTextOf(make())).toBe(lastingTextOf(make()));
  });

  it('may be a plain object, a function or of a derived built-in class', () => {
    expect(lastingTextOf({ id: 1, at: Math.random(), [cacheKey]: () => 'x' })).toBe('<>"x"');
    expect(lastingTextOf(Object.assign(() => 1, { [cacheKey]: () => 'x' }))).toBe('<Function>"x"');
    class Tags extends Set<string> {
      [cacheKey](): string[] {
        return [...this];
      }
    }
    expect(lastingTextOf(new Tags(['a']))).toBe('<Tags>["a"]');
  });

  it('is asked through a proxy only if it has the method', () => {
    const answering = new Proxy({}, { get: () => () => 1 });
    expect(textOf(answering)).toMatch(/^Proxy#/);
    expect(lastingTextOf(new Proxy(new User(7), {}))).toBe('<User>7');
  });

  it('is refused without a class name where the store outlives the process', () => {
    const nameless = new (class extends User {})(7);
    Object.defineProperty(nameless.constructor, 'name', { value: '' });
    expect(() => lastingTextOf(nameless)).toThrow(/index 0 has a \[cacheKey\]\(\) but no class name/);
    expect(textOf(nameless)).toBe(textOf(nameless));
  });

  it('is refused when it says undefined, a promise, or itself', () => {
    expect(() => textOf(new User(undefined))).toThrow(/returned undefined/);
    expect(() => textOf(new User(Promise.resolve(1)))).toThrow(/returned a promise/);
    const itself = new User(1);
    itself[cacheKey] = () => ({ itself });
    expect(() => textOf(itself)).toThrow(/nested deeper than 500 levels/);
  });
});

describe('a key that cannot be told', () => {
  function thrownBy(run: () => unknown): KeyError {
    try {
      run();
    } catch (error) {
      if (error instanceof KeyError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  }

  it('names the function, the argument, its class and the ways out', () => {
    class Session {}
    const { message } = thrownBy(() => lastingTextOf(1, { filter: { owners: [null, new Session()] } }));
    expect(message).toBe(
      'Users.find: the argument at index 1, at .filter.owners[1], is an instance of Session, which has no value form for a ' +
        'store that outlives the process. Give Session a [cacheKey]() method, or the function a `key` option that leaves it out.',
    );
  });

  it.each([
    ['a function', { done: function finish() {} }, /index 0, at \.done, is a function \(finish\)/],
    [
      'an anonymous function',
      (
        () => () =>
          1
      )(),
      /index 0 is a function \(anonymous\)/,
    ],
    ['a symbol', [Symbol('a')], /index 0, at \[0\], is a symbol \(Symbol\(a\)\)/],
    ['a symbol of the registry', Symbol.for('a'), /is a symbol \(Symbol\(Symbol\.for|is a symbol \(Symbol\(a\)\)/],
    ['a symbol as key', { a: { [Symbol('b')]: 1 } }, /at \.a\[Symbol\(b\)\], is the value of a symbol \(Symbol\(b\)\)/],
    ['a promise', Promise.resolve(), /is an instance of Promise/],
    ['an anonymous class', new (class {})(), /an instance of a class without a name/],
    ['a WeakMap', new Map([['a', new WeakMap()]]), /at \[0\], is an instance of WeakMap/],
    ['an odd key', { 'a b': () => 1 }, /at \["a b"\], is a function/],
  ])('says of %s where it is', (_name, value, message) => {
    expect(() => lastingTextOf(value)).toThrow(message);
    expect(() => lastingTextOf(value)).toThrow(KeyError);
  });

  it('tells a value that is no argument by its subject', () => {
    expect(() => textOfArgument([() => 1], persistent, 'what `per` returned')).toThrow(
      /^Users\.find: what `per` returned, at \[0\], is a function/,
    );
  });

  it('comes from a getter that throws, with its error as the cause', () => {
    const cause = new Error('not yet');
    const late = {
      get now(): never {
        throw cause;
      },
    };
    const error = thrownBy(() => textOf(1, 2, { a: [late] }));
    expect(error.message).toBe('the argument at index 2, at .a[0], could not be read, so the call has no key: not yet');
    expect(error.cause).toBe(cause);
  });

  it('keeps as a cause whatever was thrown', () => {
    for (const cause of [undefined, null, 'text', Object.create(null), new KeyError('of another call')]) {
      const error = thrownBy(() =>
        textOf({
          get a(): never {
            throw cause;
          },
        }),
      );
      expect(error.message).toMatch(/^the argument at index 0 could not be read/);
      expect(error.cause).toBe(cause);
    }
  });

  it.each([
    ['objects', (inner: unknown) => ({ inner })],
    ['arrays', (inner: unknown) => [inner]],
    ['Maps', (inner: unknown) => new Map([[1, inner]])],
    ['Sets', (inner: unknown) => new Set([inner])],
    ['causes of errors', (inner: unknown) => new Error('a', { cause: inner })],
  ])('comes from 100,000 nested %s, not from 400', (_name, wrap) => {
    let value: unknown = 1;
    for (let depth = 0; depth < 400; depth++) value = wrap(value);
    expect(textOf(value)).toBe(textOf(value));
    for (let depth = 0; depth < 100_000; depth++) value = wrap(value);
    expect(() => textOf(value)).toThrow(/index 0, at .*…, is nested deeper than 500 levels/);
  });

  it('comes from sharing that unfolds without end', () => {
    let value: unknown[] = [];
    for (let level = 0; level < 40; level++) value = [value, value];
    expect(() => textOf(value)).toThrow(/unfolds to more than 1000000 objects/);
  });
});
