import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CodecError,
  compressedCodec,
  decodeEnvelope,
  defaultCodec,
  encodeEnvelope,
  jsonCodec,
  sealedCodec,
} from '@reprise/store';
import fc from 'fast-check';
import { anyGraph } from './any-graph.ts';
import { isSameGraph } from './same-graph.ts';

const secret = Buffer.alloc(32, 7);
const sealed = sealedCodec(compressedCodec(defaultCodec, { threshold: 1 }), { key: secret });

/** What comes back is what was given, through every reference. */
const isFaithful = (codec: Codec) =>
  fc.property(anyGraph, (value) => isSameGraph(codec.decode(codec.encode(value)), value));

/** Whatever the bytes are, there is a value or a CodecError. */
const isRobust = (codec: Codec) =>
  fc.property(anyGraph, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (value, changes) => {
    const bytes = Uint8Array.from(codec.encode(value));
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    try {
      codec.decode(bytes);
    } catch (error) {
      return error instanceof CodecError;
    }
    return true;
  });

const entryTimes = fc.record({ createdAt: fc.nat(), expiresAt: fc.nat(), staleUntil: fc.nat() });
const text = fc.string({ unit: 'binary', maxLength: 5 });

/** The value of one entry is no value of another one that differs in anything. */
const isBound = (codec: Codec) =>
  fc.property(text, text, entryTimes, entryTimes, fc.boolean(), (key, otherKey, times, otherTimes, failed) => {
    const contextOf = (of: string, at: typeof times) => ({
      key: of,
      header: Buffer.from(JSON.stringify([at, failed])),
    });
    const bytes = codec.encode('x', contextOf(key, times));
    if (codec.decode(bytes, contextOf(key, times)) !== 'x') return false;
    if (key === otherKey && JSON.stringify(times) === JSON.stringify(otherTimes)) return true;
    try {
      codec.decode(bytes, contextOf(otherKey, otherTimes));
    } catch (error) {
      return error instanceof CodecError;
    }
    return false;
  });

const naive: Codec = {
  name: 'naive',
  encode: (value) => Buffer.from(JSON.stringify(value) ?? 'null'),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
};
/** The default codec with one mistake in what it gives back. */
const mistaken = (change: (value: unknown) => unknown): Codec => ({
  ...defaultCodec,
  decode: (bytes) => change(defaultCodec.decode(bytes)),
});
const inFirst = (change: (value: unknown) => unknown) => (value: unknown) => {
  if (Array.isArray(value) && value.length > 0 && 0 in value) value[0] = change(value[0]);
  return value;
};

describe('the default codec', () => {
  it('gives back every graph of every kind that it keeps', () => {
    fc.assert(isFaithful(defaultCodec), { numRuns: 3_000 });
  });

  it('gives it back in an envelope too, compressed and sealed', () => {
    fc.assert(isFaithful(sealed), { numRuns: 500 });
    fc.assert(
      fc.property(anyGraph, text, (value, key) => {
        const bytes = encodeEnvelope(key, { value, createdAt: 1, expiresAt: 2, staleUntil: 3 }, sealed);
        return isSameGraph(decodeEnvelope(bytes, key, sealed).value, value);
      }),
      { numRuns: 500 },
    );
  });

  it('answers altered bytes with a value or a CodecError', () => {
    fc.assert(isRobust(defaultCodec), { numRuns: 3_000 });
    fc.assert(isRobust(compressedCodec(defaultCodec, { threshold: 1 })), { numRuns: 1_000 });
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('takes not a byte more than JSON for all that JSON keeps', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), (value) => {
        const json = Buffer.from(JSON.stringify(value));
        fc.pre(isSameGraph(JSON.parse(json.toString()), value) && !json.includes('__proto__'));
        return defaultCodec.encode(value).length === json.length;
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses in words whatever has one part that cannot be kept, wherever it stands', () => {
    class Unknown {}
    const parts: readonly (readonly [unknown, RegExp])[] = [
      [() => 1, /a function/],
      [Symbol('s'), /a symbol/],
      [Promise.resolve(), /a promise/],
      [new ReadableStream(), /ReadableStream/],
      [new Unknown(), /an instance of Unknown.*registerClass/],
      [JSON.parse('{"__proto__":1}'), /__proto__/],
      [new Proxy([], {}), /a Proxy/],
    ];
    const wrap = fc.constantFrom<((value: unknown) => unknown)[]>(
      (value) => [value],
      (value) => ({ a: value }),
      (value) => new Map([[value, 1]]),
      (value) => new Set([1, value]),
      (value) => new Error('x', { cause: value }),
      (value) => Object.assign(Object.create(null), { 'b c': value }),
      (value) => Object.assign(new Array(3), { 1: value }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...parts),
        fc.array(wrap, { maxLength: 6 }),
        anyGraph,
        ([part, words], wraps, beside) => {
          const value = [beside, wraps.reduce((inner, put) => put(inner), part)];
          expect(() => defaultCodec.encode(value)).toThrow(CodecError);
          expect(() => defaultCodec.encode(value)).toThrow(words);
          expect(() => defaultCodec.encode(value)).toThrow(/at the value\[1\]/);
          expect(() => jsonCodec().encode(value)).toThrow(CodecError);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('sets aside no memory for what the bytes only claim', () => {
    const varint = (value: number): number[] =>
      value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
    // Each an array of 30 million elements, of which none is there.
    const claims = Array.from({ length: 100 }, () => [13, ...varint(30_000_000), 0]).flat();
    const before = process.memoryUsage().heapUsed;
    const value = defaultCodec.decode(Buffer.from([0x54, 12, 100, ...claims])) as unknown[][];
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
    expect(value.map(({ length }) => length)).toEqual(new Array(100).fill(30_000_000));
    for (const tag of [6, 7, 10, 11, 12, 14, 15, 19, 20, 21]) {
      const claim = tag === 21 ? [tag, 2, ...varint(1e9)] : [tag, ...varint(1e9)];
      expect(() => defaultCodec.decode(Buffer.from([0x54, ...claim]))).toThrow(/end in the middle/);
    }
  });
});

describe('a sealed codec', () => {
  it('binds its bytes to the key and to all else that the entry says', () => {
    for (const algorithm of ['hmac-sha256', 'aes-256-gcm'] as const) {
      fc.assert(isBound(sealedCodec(defaultCodec, { key: secret, algorithm })), { numRuns: 1_000 });
    }
  });
});

describe('these properties find', () => {
  const found = (property: fc.IProperty<never>): boolean => fc.check(property, { numRuns: 3_000, seed: 1 }).failed;

  it.each<[string, Codec]>([
    ['a codec that is JSON', naive],
    ['that -0 comes back as 0', mistaken(inFirst((value) => (Object.is(value, -0) ? 0 : value)))],
    ['that a hole comes back as undefined', mistaken((value) => (Array.isArray(value) ? Array.from(value) : value))],
    [
      'that a Buffer comes back as a Uint8Array',
      mistaken((value) => (Buffer.isBuffer(value) ? new Uint8Array(value) : value)),
    ],
    [
      'that the bytes of a map are put in another order',
      mistaken((value) => (value instanceof Map ? new Map([...value].reverse()) : value)),
    ],
    [
      'that a shared object comes back twice',
      mistaken(
        inFirst((value) =>
          value !== null && Object.getPrototypeOf(Object(value)) === Object.prototype ? { ...value } : value,
        ),
      ),
    ],
  ])('%s', (_what, codec) => {
    expect(found(isFaithful(codec) as never)).toBe(true);
  });

  it('a decoder that lets other errors out', () => {
    const careless: Codec = {
      ...defaultCodec,
      decode: (bytes) => [defaultCodec.decode(bytes), decodeURIComponent('%')],
    };
    expect(found(isRobust(careless) as never)).toBe(true);
  });

  it('a seal that is not bound to the key, or to the rest of the entry', () => {
    const codec = sealedCodec(defaultCodec, { key: secret });
    const unbound = (
      strip: (context: { key: string; header: Uint8Array }) => { key: string; header: Uint8Array },
    ): Codec => ({
      name: 'unbound',
      encode: (value, context) => codec.encode(value, context && strip(context)),
      decode: (bytes, context) => codec.decode(bytes, context && strip(context)),
    });
    expect(found(isBound(unbound(({ key }) => ({ key, header: new Uint8Array() }))) as never)).toBe(true);
    expect(found(isBound(unbound(() => ({ key: '', header: new Uint8Array() }))) as never)).toBe(true);
    expect(found(isBound(codec) as never)).toBe(false);
  });
});
