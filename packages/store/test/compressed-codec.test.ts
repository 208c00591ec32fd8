import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CodecError,
  compressedCodec,
  decodeEnvelope,
  defaultCodec,
  encodeEnvelope,
  jsonCodec,
  OptionError,
} from '@reprise/store';
import fc from 'fast-check';

const times = { createdAt: 1_000, expiresAt: 2_000, staleUntil: 3_000 };
const codec = compressedCodec();
const text = 'again and '.repeat(1_000);

describe('compressedCodec', () => {
  it('stores what is smaller so compressed, and gives it back', () => {
    const value = { text, at: new Date(5), ids: new Set([1, 2]) };
    const bytes = codec.encode(value);
    expect(bytes.length).toBeLessThan(defaultCodec.encode(value).length / 20);
    expect(isDeepStrictEqual(codec.decode(bytes), value)).toBe(true);
  });

  it('stores what is below the threshold, or not smaller, as it is behind one byte', () => {
    const random = randomBytes(5_000);
    for (const [value, wrapped] of [
      ['again and '.repeat(50), codec],
      [random, codec],
      [random, compressedCodec(defaultCodec, { threshold: 1, level: 9 })],
    ] as const) {
      const bytes = wrapped.encode(value);
      expect(Buffer.from(bytes.subarray(1)).equals(defaultCodec.encode(value))).toBe(true);
      expect(wrapped.decode(bytes)).toEqual(value);
    }
  });

  it('tries from exactly the threshold on', () => {
    const value = 'a'.repeat(200);
    const { length } = defaultCodec.encode(value);
    expect(compressedCodec(defaultCodec, { threshold: length }).encode(value).length).toBeLessThan(50);
    expect(compressedCodec(defaultCodec, { threshold: length + 1 }).encode(value)).toHaveLength(length + 1);
  });

  it('reads what any threshold and level wrote', () => {
    for (const level of [1, 6, 9]) {
      const bytes = compressedCodec(defaultCodec, { threshold: 1, level }).encode(text);
      expect(compressedCodec(defaultCodec, { threshold: 1_000_000 }).decode(bytes)).toBe(text);
    }
  });

  it('gives back anything that the other codec keeps', () => {
    const eager = compressedCodec(defaultCodec, { threshold: 1 });
    const anything = fc.anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true });
    fc.assert(
      fc.property(anything, (value) => {
        let expected: Uint8Array;
        try {
          expected = defaultCodec.encode(value);
        } catch {
          expect(() => eager.encode(value)).toThrow(CodecError);
          return;
        }
        const bytes = eager.encode(value);
        expect(bytes.length).toBeLessThanOrEqual(expected.length + 1);
        expect(isDeepStrictEqual(eager.decode(bytes), value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('wraps any codec, and keeps errors as it does', () => {
    expect(compressedCodec(jsonCodec()).name).toBe('json+deflate');
    class Gone extends RangeError {}
    const entry = decodeEnvelope(encodeEnvelope('k', { ...times, error: new Gone(text) }, codec), 'k', codec);
    expect(entry.error).toBeInstanceOf(RangeError);
    const json = compressedCodec(jsonCodec());
    expect(() => encodeEnvelope('k', { ...times, error: new Gone(text) }, json)).toThrow(/JSON cannot keep/);
    const broken = compressedCodec({ name: 'broken', encode: () => 'x', decode: () => 1 } as unknown as Codec);
    expect(() => broken.encode(1)).toThrow(/'broken' gave string/);
  });

  it('is another codec to the envelope', () => {
    const bytes = encodeEnvelope('k', { ...times, value: text }, codec);
    expect(decodeEnvelope(bytes, 'k', codec).value).toBe(text);
    expect(() => decodeEnvelope(bytes, 'k', defaultCodec)).toThrow(/'reprise\+deflate' wrote it/);
    expect(() => decodeEnvelope(encodeEnvelope('k', { ...times, value: 1 }, defaultCodec), 'k', codec)).toThrow(
      CodecError,
    );
  });

  it('refuses to unpack, or to write, more than maxBytes', () => {
    const bomb = Buffer.concat([Buffer.of(1), deflateRawSync(Buffer.alloc(50_000_000))]);
    expect(bomb.length).toBeLessThan(60_000);
    const small = compressedCodec(defaultCodec, { maxBytes: 10_000 });
    expect(() => small.decode(bomb)).toThrow(/more than the 10000 bytes that maxBytes allows/);
    expect(() => small.decode(codec.encode('x'.repeat(10_001)))).toThrow(CodecError);
    expect(() => small.encode('x'.repeat(10_001))).toThrow(/larger than the 10000 bytes/);
    expect(small.decode(small.encode('x'.repeat(9_000)))).toHaveLength(9_000);
  });

  it('gives a value or a CodecError for altered, truncated, lengthened and made-up bytes', () => {
    const eager = compressedCodec(defaultCodec, { threshold: 1 });
    const bytes = eager.encode({ text: text.slice(0, 500), list: Array.from({ length: 100 }, (_, index) => index) });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => eager.decode(bytes.subarray(0, length))).toThrow(CodecError);
    }
    expect(() => eager.decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(/more bytes than the stream/);
    expect(() => eager.decode(Buffer.of(2, 0x4a, 0x31))).toThrow(/later version/);
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((list) => Buffer.concat([Buffer.of(1), list])),
      fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] as number) ^ bits;
        return altered;
      }),
    );
    fc.assert(
      fc.property(hostile, (made) => {
        try {
          eager.decode(made);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses options that cannot be meant', () => {
    for (const options of [{ threshold: 0 }, { level: 10 }, { level: 1.5 }, { maxBytes: -1 }, { quality: 1 }]) {
      expect(() => compressedCodec(defaultCodec, options as never)).toThrow(OptionError);
    }
    expect(() => compressedCodec({ threshold: 1 } as never)).toThrow(/wraps a codec/);
  });
});
