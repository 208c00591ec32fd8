import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { CodecError, decodeEnvelope, defaultCodec, encodeEnvelope, jsonCodec, OptionError } from '@reprise/store';
import fc from 'fast-check';

const codec = jsonCodec();
const textOf = (value: unknown, with_ = codec): string => Buffer.from(with_.encode(value)).toString();

describe('jsonCodec', () => {
  it('writes plain JSON text, indented when asked', () => {
    expect(textOf({ a: [1, 'é', null, true] })).toBe('{"a":[1,"é",null,true]}');
    expect(textOf({ a: [1] }, jsonCodec({ indent: 2 }))).toBe('{\n  "a": [\n    1\n  ]\n}');
  });

  it('gives back all that JSON can write, exactly', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const indented = jsonCodec({ indent: 3 });
        let bytes: Uint8Array;
        try {
          bytes = indented.encode(value);
        } catch (error) {
          expect((error as Error).message).toMatch(/-0|__proto__/);
          return;
        }
        expect(isDeepStrictEqual(indented.decode(bytes), value)).toBe(true);
        expect(codec.decode(bytes)).toEqual(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never gives back something else than it was given', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true });
    fc.assert(
      fc.property(anything, (value) => {
        let bytes: Uint8Array;
        try {
          bytes = codec.encode(value);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          expect((error as Error).message).toMatch(/^JSON cannot keep (?!the value while)/);
          return;
        }
        expect(isDeepStrictEqual(codec.decode(bytes), value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  const shared = {};
  const ring: unknown[] = [];
  ring.push(ring);
  const refused: Readonly<Record<string, [value: unknown, words: string]>> = {
    undefined: [undefined, 'undefined'],
    NaN: [Number.NaN, 'the number NaN'],
    'minus zero': [-0, 'the number -0'],
    Infinity: [-Infinity, 'the number -Infinity'],
    'a bigint': [1n, 'a bigint'],
    'a symbol': [Symbol('s'), 'a symbol'],
    'a function': [() => 1, 'a function'],
    'a date': [new Date(0), 'an instance of Date'],
    'a map': [new Map(), 'an instance of Map'],
    'a Buffer': [Buffer.from('a'), 'an instance of Buffer'],
    'an error': [new TypeError('x'), 'an instance of TypeError'],
    'an object without prototype': [Object.create(null), 'an object without prototype'],
    'an array with holes': [new Array(2), 'an array with holes'],
    'a derived array': [new (class List extends Array {})(), 'an instance of List'],
    'an array with properties': [Object.assign([1], { a: 1 }), 'an array with properties of its own'],
    'a Proxy': [new Proxy({}, {}), 'a Proxy'],
    'a symbol as name': [{ [Symbol('s')]: 1 }, 'a property whose name is a symbol'],
    __proto__: [JSON.parse('{"__proto__":1}'), "a property '__proto__'"],
  };
  it.each(Object.entries(refused))('refuses %s, and says where it stands', (_name, [value, words]) => {
    expect(() => codec.encode(value)).toThrow(CodecError);
    expect(() => codec.encode({ a: { 'b-c': [0, value] } })).toThrow(
      `JSON cannot keep ${words} at the value.a["b-c"][1]`,
    );
  });

  it('refuses cycles, shared objects, hidden and computed properties', () => {
    const other = 'an object that stands in another place as well';
    expect(() => codec.encode(ring)).toThrow(`${other} at the value[0]`);
    expect(() => codec.encode({ a: shared, b: [shared] })).toThrow(`${other} at the value.b[0]`);
    expect(() => codec.encode(Object.defineProperty({}, 'a', { value: 1 }))).toThrow(/not enumerable at the value\.a/);
    const run = jest.fn();
    expect(() => codec.encode([Object.defineProperty({}, 'a', { get: run, enumerable: true })])).toThrow(
      /an accessor property at the value\[0\]\.a/,
    );
    expect(() => codec.encode({ toJSON: run })).toThrow(/a function at the value\.toJSON/);
    expect(run).not.toHaveBeenCalled();
  });

  it('keeps what it kept where somebody has given all objects a property', () => {
    const prototype = Object.prototype as { everywhere?: unknown };
    prototype.everywhere = () => 1;
    try {
      expect(textOf({ a: [{}, { b: 1 }] })).toBe('{"a":[{},{"b":1}]}');
      const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 1 });
      expect(() => codec.encode(hidden)).toThrow(/not enumerable at the value\.b/);
    } finally {
      delete prototype.everywhere;
    }
  });

  it('refuses text that is none, that hides __proto__, or is too large or too deep', () => {
    const small = jsonCodec({ maxDepth: 3, maxBytes: 20 });
    for (const text of ['', '{', '{"a":1}x', '{"__proto__":1}', '{"\\u005f_proto__":1}', '"\xff"']) {
      expect(() => codec.decode(Buffer.from(text, 'latin1'))).toThrow(CodecError);
    }
    expect(() => small.decode(Buffer.from('[[[[ ]]]]'))).toThrow(/deeper than 3/);
    expect(() => small.encode([[[[]]]])).toThrow(/more than the 3 levels/);
    expect(() => small.encode('x'.repeat(20))).toThrow(/larger than the 20 bytes/);
    expect(() => small.decode(Buffer.alloc(21, '1'))).toThrow(/more bytes than the 20/);
  });

  it.each([1, 3, 12, 13, 40])('takes text that nests %i deep where that is allowed, and none deeper', (maxDepth) => {
    const bounded = jsonCodec({ maxDepth });
    const shapes = [
      ['[', '[]', ']'],
      ['{"a":', '{}', '}'],
      ['["[[{{",', '["x"]', ',null]'],
    ] as const;
    for (const [before, inner, behind] of shapes) {
      const textOfLevels = (levels: number): string =>
        before.repeat(levels - 1) + inner + ' '.repeat(2 * maxDepth) + behind.repeat(levels - 1);
      const allowed = textOfLevels(maxDepth);
      expect(bounded.decode(Buffer.from(allowed))).toEqual(JSON.parse(allowed));
      expect(() => bounded.decode(Buffer.from(textOfLevels(maxDepth + 1)))).toThrow(`deeper than ${maxDepth}`);
    }
  });

  it('is told from other codecs in an envelope', () => {
    const bytes = encodeEnvelope('k', { value: [1], createdAt: 1, expiresAt: 2, staleUntil: 2 }, codec);
    expect(Buffer.from(bytes).toString('latin1')).toContain('[1]');
    expect(decodeEnvelope(bytes, 'k', codec).value).toEqual([1]);
    expect(() => decodeEnvelope(bytes, 'k', defaultCodec)).toThrow(/'json' wrote it/);
  });

  it('refuses options that cannot be meant', () => {
    expect(() => jsonCodec({ indent: 11 })).toThrow(OptionError);
    expect(() => jsonCodec({ spaces: 1 } as never)).toThrow(/no option 'spaces'/);
    expect(() => jsonCodec(null as never)).toThrow(/takes an object/);
    expect(() => jsonCodec({ maxBytes: 0 })).toThrow(/maxBytes/);
  });
});
