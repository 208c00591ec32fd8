import { inspect, isDeepStrictEqual, types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import { CodecError, defaultCodec as codec, createCodec, OptionError } from '@reprise/store';
import fc from 'fast-check';

/** Two invalid dates are not equal to `isDeepStrictEqual` of Node 20. */
function isSame(actual: unknown, expected: unknown): boolean {
  if (isDeepStrictEqual(actual, expected)) return true;
  expect(inspect(expected, { depth: Infinity })).toContain('Invalid Date');
  return Buffer.compare(codec.encode(actual), codec.encode(expected)) === 0;
}

const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

const kinds: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  true: true,
  zero: 0,
  'minus zero': -0,
  NaN: Number.NaN,
  Infinity: Infinity,
  'minus Infinity': -Infinity,
  'a large integer': 2 ** 53 - 1,
  'a small integer': -(2 ** 31),
  'a fraction': 0.1,
  'an empty string': '',
  'a string beyond the basic plane': 'né 🎈',
  'a lone surrogate': 'a\ud800b',
  'a text that looks like the form itself': 'T\u0006J{"a":1}',
  'a bigint': 123456789012345678901234567890n,
  'a negative bigint': -1n,
  'the bigint zero': 0n,
  'an empty object': {},
  'an object with undefined': { a: undefined, b: [undefined] },
  'an object without prototype': Object.assign(Object.create(null), { a: { b: 1n } }),
  'names that classes use': { constructor: 1, toString: 2, hasOwnProperty: [3n], prototype: 4, toJSON: 5, valueOf: 6 },
  'numeric names': { 10: 'b', 9: 'a', x: -0 },
  'numeric names in plain data': { x: 0, 10: 'b', 9: 'a', '-1': [], '01': {} },
  'an empty array': [],
  'a sparse array': Object.assign(new Array(5), { 1: 'x', 3: undefined }),
  'a long sparse array': Object.assign(new Array(1_000_000), { 999998: 1 }),
  'a long array': Array.from({ length: 300 }, (_, index) => index),
  'a long array with undefined': Array.from({ length: 300 }, () => undefined),
  'a date': new Date(1_700_000_000_123),
  'an invalid date': new Date(Number.NaN),
  'a regular expression': Object.assign(/a(?<b>\/)/giu, { lastIndex: 3 }),
  'a URL': new URL('https://user@example.com:8443/a%20b?q=1#f'),
  'a map': new Map<unknown, unknown>([
    [{ a: 1 }, new Map([[1, '1']])],
    [Number.NaN, -0],
  ]),
  'a set': new Set<unknown>([1, '1', new Set([undefined]), Number.NaN]),
  'an ArrayBuffer': new Uint8Array([1, 2, 3]).buffer,
  'an empty Uint8Array': new Uint8Array(),
  'a part of a Uint16Array': new Uint16Array([1, 2, 3, 65_535]).subarray(1),
  'a Float64Array': new Float64Array([-0, Number.NaN, 1.5]),
  'a BigInt64Array': new BigInt64Array([-1n, 2n]),
  'a DataView': new DataView(new Uint8Array([9, 8, 7]).buffer, 1),
  'a Buffer': Buffer.from('büffer'),
  'Buffers of one pool': [Buffer.from('a'), Buffer.from('b')],
};

describe('the codec keeps', () => {
  it.each(Object.entries(kinds))('%s', (_name, value) => {
    const copy = roundTrip(value);
    expect(isSame(copy, value)).toBe(true);
    expect(isSame(roundTrip({ deep: [value] }), { deep: [value] })).toBe(true);
    expect(isSame(roundTrip(new Map([[1n, value]])), new Map([[1n, value]]))).toBe(true);
    expect(Object.is(copy, value)).toBe(typeof value !== 'object' || value === null);
  });

  it('a Buffer as a Buffer, and a Uint8Array as none', () => {
    expect(Buffer.isBuffer(roundTrip(Buffer.from('a')))).toBe(true);
    expect(Buffer.isBuffer(roundTrip(new Uint8Array(1)))).toBe(false);
  });

  it('an invalid date as one', () => {
    const copy = roundTrip([new Date(Number.NaN)]) as Date[];
    expect([types.isDate(copy[0]), copy[0]?.getTime()]).toEqual([true, Number.NaN]);
  });

  it('holes apart from undefined', () => {
    const copy = roundTrip(Object.assign(new Array(2), { 1: undefined })) as unknown[];
    expect([0 in copy, 1 in copy, copy.length]).toEqual([false, true, 2]);
  });

  it('cycles and shared references', () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: [shared], map: new Map() };
    value['self'] = value;
    (value['map'] as Map<unknown, unknown>).set(value, value['map']);
    const copy = roundTrip(value) as typeof value;
    expect(copy['self']).toBe(copy);
    expect((copy['b'] as unknown[])[0]).toBe(copy['a']);
    expect((copy['map'] as Map<unknown, unknown>).get(copy)).toBe(copy['map']);
    const pair = roundTrip([shared, shared]) as unknown[];
    expect(pair[0]).toBe(pair[1]);
    const buffer = Buffer.from('one');
    const buffers = roundTrip([buffer, buffer]) as unknown[];
    expect(buffers[0]).toBe(buffers[1]);
  });

  it('errors of the built-in classes, with stack, cause and fields', () => {
    for (const Kind of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      const error = Object.assign(new Kind('no', { cause: new Map([[1, new Kind('deeper')]]) }), {
        code: 'E_X',
        at: 1n,
      });
      const copy = roundTrip(error) as typeof error;
      expect(types.isNativeError(copy)).toBe(true);
      expect(Object.getPrototypeOf(copy)).toBe(Kind.prototype);
      expect([copy.message, copy.name, copy.stack, copy.code, copy.at]).toEqual([
        'no',
        Kind.name,
        error.stack,
        'E_X',
        1n,
      ]);
      expect(isDeepStrictEqual(copy.cause, error.cause)).toBe(true);
      expect(Object.keys(copy)).toEqual(['code', 'at']);
    }
    const many = new AggregateError([new Error('a'), 7], 'all');
    expect(isDeepStrictEqual((roundTrip(many) as AggregateError).errors, many.errors)).toBe(true);
    expect(Object.hasOwn(roundTrip(new Error()) as object, 'message')).toBe(false);
    const named = Object.defineProperty(new Error('x'), 'name', {
      value: 'AbortError',
      configurable: true,
      writable: true,
    });
    expect([String(roundTrip(named)), Object.keys(roundTrip(named) as object)]).toEqual(['AbortError: x', []]);
  });

  it('values of another realm', () => {
    const foreign = runInNewContext(`({
      list: [1, , 2n], map: new Map([[1, new Set([2])]]), date: new Date(5), pattern: /x/g, bare: Object.create(null),
      error: new RangeError('far'), floats: new Float32Array([1.5]), bytes: new ArrayBuffer(2), plain: { a: [1] },
    })`) as Record<string, unknown>;
    const copy = roundTrip(foreign) as Record<string, unknown>;
    expect(copy['list']).toStrictEqual(Object.assign(new Array(3), { 0: 1, 2: 2n }));
    expect(copy['map']).toEqual(new Map([[1, new Set([2])]]));
    expect(copy['date']).toEqual(new Date(5));
    expect(copy['error']).toBeInstanceOf(RangeError);
    expect(copy['floats']).toBeInstanceOf(Float32Array);
    expect(copy['plain']).toEqual({ a: [1] });
    expect(roundTrip(foreign['plain'])).toEqual({ a: [1] });
  });

  it('dates that were made under fake timers', () => {
    jest.useFakeTimers();
    try {
      const value = { at: new Date(7) };
      expect((roundTrip(value) as typeof value).at.getTime()).toBe(7);
    } finally {
      jest.useRealTimers();
    }
  });

  it('anything that fast-check makes of these kinds, and 1,000 of them print their seed', () => {
    const anything = fc.anything({
      withBigInt: true,
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
        let bytes: Uint8Array;
        try {
          bytes = codec.encode(value);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          expect((error as Error).message).toContain('__proto__');
          return;
        }
        expect(isSame(codec.decode(bytes), value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('plain data as JSON text', () => {
    expect(Buffer.from(codec.encode({ a: [1, 'x', null, true] })).toString()).toBe('{"a":[1,"x",null,true]}');
  });
});

describe('the codec refuses', () => {
  class Point {
    x = 1;
  }
  class Names extends Map {}
  class NotFound extends Error {}
  const buffer = new Uint8Array(8);
  const refused: Readonly<Record<string, [value: unknown, words: RegExp]>> = {
    'a function': [() => 1, /a function/],
    'a class': [Point, /a function/],
    'a symbol': [Symbol('s'), /a symbol/],
    'a promise': [Promise.resolve(1), /a promise/],
    'a generator': [(function* () {})(), /a generator/],
    'an iterator': [new Map().keys(), /an iterator/],
    'a stream': [new ReadableStream(), /ReadableStream/],
    'a response': [new Response('x'), /Response/],
    'a class instance': [new Point(), /an instance of Point/],
    'an instance of a derived Map': [new Names(), /Names/],
    'an instance of a derived Array': [new (class Items extends Array {})(), /Items/],
    'an instance of a derived Error': [new NotFound('x'), /NotFound/],
    'an instance of a derived Uint8Array': [new (class Bytes extends Uint8Array {})(2), /Bytes/],
    'a WeakMap': [new WeakMap(), /WeakMap/],
    'a boxed number': [Object(1), /boxed/],
    'a Proxy of an object': [new Proxy({}, {}), /Proxy/],
    'a Proxy of an array': [new Proxy([1], {}), /Proxy/],
    'a getter': [
      {
        get a() {
          return 1;
        },
      },
      /accessor/,
    ],
    'a setter': [{ set a(_: number) {} }, /accessor/],
    'a getter in an array': [Object.defineProperty([1], 0, { get: () => 1, enumerable: true }), /accessor/],
    'a symbol as name': [{ [Symbol('s')]: 1 }, /symbol/],
    'a symbol as name in an array': [Object.assign([1], { [Symbol('s')]: 1 }), /symbol/],
    'a property that is not enumerable': [Object.defineProperty({}, 'a', { value: 1 }), /not enumerable/],
    'a hidden property between others': [
      Object.defineProperty({ a: 1, b: 2, c: 3 }, 'b', { enumerable: false }),
      /not enumerable/,
    ],
    'a hidden property behind others': [Object.defineProperty({ a: 1 }, 'b', { value: 1 }), /not enumerable/],
    'a property __proto__': [JSON.parse('{"__proto__":{"a":1}}'), /__proto__/],
    'an array with properties': [Object.assign([1], { index: 0 }), /properties of its own/],
    'a sparse array with properties': [Object.assign(new Array(3), { 0: 1, a: 0 }), /properties of its own/],
    'an array with a property in place of a hole': [
      Object.assign(new Array(2), { 1: 1, a: 0 }),
      /properties of its own/,
    ],
    'a long array with properties': [Object.assign(new Array(100).fill(0), { a: 0 }), /properties of its own/],
    'an array with a hidden property': [Object.defineProperty([1, 2], 'raw', { value: 1 }), /properties of its own/],
    'an array with a hidden element': [Object.defineProperty([1, 2], 0, { enumerable: false }), /not enumerable/],
    'a long array with a hidden element': [
      Object.defineProperty(
        Array.from({ length: 100 }, (_, index) => index),
        50,
        { enumerable: false },
      ),
      /not enumerable/,
    ],
    'a long array with a hidden element and a property in its place': [
      Object.assign(
        Object.defineProperty(
          Array.from({ length: 100 }, (_, index) => index),
          50,
          { enumerable: false },
        ),
        { a: 100 },
      ),
      /properties of its own/,
    ],
    'a getter in a long array': [
      Object.defineProperty(new Array(1_000).fill(0), 500, { get: () => 1, enumerable: true }),
      /accessor/,
    ],
    'a map under the prototype of plain objects': [
      Object.setPrototypeOf(new Map([[1, 2]]), Object.prototype),
      /an instance of Object/,
    ],
    'a map with properties': [Object.assign(new Map(), { a: 0 }), /properties of its own/],
    'a Buffer with properties': [Object.assign(Buffer.from('a'), { a: 0 }), /properties of its own/],
    'overlapping views': [[buffer, buffer.subarray(1)], /same memory/],
    'a buffer beside its view': [[buffer, buffer.buffer], /same memory/],
    'shared memory': [new Uint8Array(new SharedArrayBuffer(2)), /shared memory/],
    arguments: [runInNewContext('(function () { return arguments; })(1)'), /arguments/],
    'globalThis.Math': [Math, /symbol/],
  };

  it.each(Object.entries(refused))('%s', (_name, [value, words]) => {
    expect(() => codec.encode(value)).toThrow(CodecError);
    expect(() => codec.encode(value)).toThrow(words);
    // Which of two views is to blame cannot be said.
    const place = /memory/.test(String(words)) && Array.isArray(value) ? 'the value' : 'the value.a["b-c"][1]';
    expect(() => codec.encode({ a: { 'b-c': [0, value] } })).toThrow(`at ${place}`);
  });

  it('without running any code of the value', () => {
    const run = jest.fn(() => 'x');
    const trap = new Proxy({}, { get: run, ownKeys: () => [run()], getPrototypeOf: () => ({ a: run() }) });
    for (const value of [
      trap,
      {
        get a() {
          return run();
        },
      },
      {
        get [Symbol.toStringTag]() {
          return run();
        },
      },
      { toJSON: run },
      Object.defineProperty([1], 'toJSON', { value: run }),
      Object.defineProperty(
        Array.from({ length: 100 }, () => 1),
        'toJSON',
        { value: run },
      ),
      Object.defineProperty(new Array(1_000).fill(0), 999, { get: run, enumerable: true }),
      Object.create(trap),
      [1, { [Symbol.toPrimitive]: run }],
    ]) {
      expect(() => codec.encode(value)).toThrow(CodecError);
    }
    expect(run).not.toHaveBeenCalled();
  });

  it('what nests deeper than maxDepth, and what would overflow the stack', () => {
    const nest = (depth: number, leaf: unknown): unknown => {
      let value = leaf;
      for (let count = 0; count < depth; count++) value = [value];
      return value;
    };
    const shallow = createCodec({ maxDepth: 3 });
    for (const leaf of [1, 1n]) {
      expect(isDeepStrictEqual(shallow.decode(shallow.encode(nest(3, leaf))), nest(3, leaf))).toBe(true);
      expect(() => shallow.encode(nest(4, leaf))).toThrow(/deeper than the 3 levels/);
      const deep = createCodec({ maxDepth: 10 }).encode(nest(8, leaf));
      expect(() => shallow.decode(deep)).toThrow(/deeper than 3/);
      expect(() => createCodec({ maxDepth: 1e9 }).encode(nest(100_000, leaf))).toThrow(CodecError);
    }
    expect(shallow.decode(shallow.encode('[[[[[[ {{{{ '))).toBe('[[[[[[ {{{{ ');
    expect(roundTrip(nest(500, 1n))).toEqual(nest(500, 1n));
  });

  it('what is larger than maxBytes', () => {
    const small = createCodec({ maxBytes: 5_000 });
    for (const value of ['x'.repeat(6_000), new Uint8Array(6_000), [1n, 'x'.repeat(6_000)]]) {
      expect(() => small.encode(value)).toThrow(/larger than the 5000 bytes/);
      expect(() => small.decode(codec.encode(value))).toThrow(/more bytes than the 5000/);
    }
    expect(small.decode(small.encode(new Uint8Array(4_900)))).toHaveLength(4_900);
  });

  it('limits and options that cannot be meant', () => {
    expect(() => createCodec({ maxDepth: 0 })).toThrow(OptionError);
    expect(() => createCodec({ maxBytes: Number.NaN })).toThrow(/maxBytes/);
    expect(() => createCodec({ depth: 1 } as never)).toThrow(/no option 'depth'/);
  });
});

describe('a remembered error', () => {
  it('of an unknown class is kept as the nearest built-in one, with its name and fields', () => {
    class HttpError extends TypeError {
      override name = 'HttpError';
      status = 404;
    }
    class Quiet extends RangeError {}
    const error = new HttpError('gone', { cause: new Quiet('why') });
    const copy = codec.decode(codec.encodeError?.(error) as Uint8Array) as HttpError;
    expect(Object.getPrototypeOf(copy)).toBe(TypeError.prototype);
    expect([copy.name, copy.message, copy.status, copy.stack]).toEqual(['HttpError', 'gone', 404, error.stack]);
    expect(Object.getPrototypeOf(copy.cause)).toBe(RangeError.prototype);
    Object.defineProperty(Quiet.prototype, 'name', { value: 'Quiet' });
    expect(String(codec.decode(codec.encodeError?.(new Quiet('x')) as Uint8Array))).toBe('Quiet: x');
  });
});

describe('decoding', () => {
  const samples = Object.values(kinds).filter((value) => !(Array.isArray(value) && value.length > 1_000));
  const sample = codec.encode([...samples, new TypeError('x'), 'text']);

  it('of altered bytes gives a value or a CodecError, and pollutes nothing', () => {
    for (let at = 0; at < sample.length; at++) {
      for (const bit of [1, 0x10, 0x80]) {
        const altered = Uint8Array.from(sample);
        altered[at] = (altered[at] as number) ^ bit;
        try {
          codec.decode(altered);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('of truncated or lengthened bytes is a CodecError', () => {
    for (let length = 0; length < sample.length; length++) {
      expect(() => codec.decode(sample.subarray(0, length))).toThrow(CodecError);
    }
    expect(() => codec.decode(Buffer.concat([sample, Buffer.of(0)]))).toThrow(CodecError);
  });

  it('of random bytes is a CodecError or a value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0x4a, 0x54, 0x5b, 0x22), (bytes, form) => {
        try {
          codec.decode(Buffer.concat([Buffer.of(form), bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses __proto__ in JSON text, in the open and behind an escape, and keeps it as a value', () => {
    for (const text of ['{"a":{"__proto__":1}}', 'J{"a":{"__proto__":1}}', '{"a":[{"\\u005f_proto__":1}]}']) {
      expect(() => codec.decode(Buffer.from(text))).toThrow(/__proto__/);
    }
    expect(roundTrip({ a: '"__proto__"', b: '\u0001' })).toEqual({ a: '"__proto__"', b: '\u0001' });
  });

  it('refuses what is not UTF-8, counts beyond the end and kinds that it does not know', () => {
    expect(() => codec.decode(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/UTF-8/);
    expect(() => codec.decode(Buffer.from([0x4a, 0x22, 0xff, 0x22]))).toThrow(/UTF-8/);
    expect(() => codec.decode(Buffer.from([0x54, 6, 1, 0xff]))).toThrow(/UTF-8/);
    expect(() => codec.decode(Buffer.from([0x54, 12, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow(/end in the middle/);
    expect(() => codec.decode(Buffer.from([0x54, 99]))).toThrow(/not known here/);
    expect(() => codec.decode(Buffer.from([0x55]))).toThrow(/not of this codec/);
    expect(roundTrip('\ufffd')).toBe('\ufffd');
    expect(roundTrip(['\ufffd', 1n])).toEqual(['\ufffd', 1n]);
  });
});
