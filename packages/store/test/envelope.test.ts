import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CodecError,
  defaultCodec as codec,
  createCodec,
  decodeEnvelope,
  type Entry,
  encodeEnvelope,
} from '@reprise/store';
import fc from 'fast-check';

const key = 'catalog/Products.find("42")';
const times = { createdAt: 1_000, expiresAt: 2_000, staleUntil: 3_000 };
const full: Entry = {
  ...times,
  value: { name: 'é', at: new Date(5), tags: new Set(['a']) },
  key: 'Products.find("42")',
  tags: ['product:42', ''],
  idle: 500,
  loadTime: 12.5,
  generation: 7,
  size: 99,
};

describe('an envelope', () => {
  it('gives back each field of the entry', () => {
    const entries: Entry[] = [
      full,
      { ...times, value: undefined },
      { ...times, value: null, generation: 'g-1', tags: [] },
      { ...times, value: 0, expiresAt: Infinity, staleUntil: Infinity },
      { ...times, value: 'of a promise', promised: true },
      { ...times, error: undefined },
      { ...times, error: { status: 404 } },
    ];
    for (const entry of entries) {
      const copy = decodeEnvelope(encodeEnvelope(key, entry, codec), key, codec);
      expect(isDeepStrictEqual(copy, entry)).toBe(true);
    }
  });

  it('gives back anything that the codec keeps, under any key', () => {
    const entry = fc.record({
      value: fc.anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true }),
      createdAt: fc.double({ noNaN: true }),
      expiresAt: fc.double({ noNaN: true }),
      staleUntil: fc.double({ noNaN: true }),
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), entry, (anyKey, anyEntry) => {
        let bytes: Uint8Array;
        try {
          bytes = encodeEnvelope(anyKey, anyEntry, codec);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          return;
        }
        expect(isDeepStrictEqual(decodeEnvelope(bytes, anyKey, codec), { ...anyEntry })).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('remembers an error of an unknown class as the nearest built-in one', () => {
    class Gone extends RangeError {
      override name = 'Gone';
      status = 410;
    }
    const entry = decodeEnvelope(encodeEnvelope(key, { ...times, error: new Gone('x') }, codec), key, codec);
    expect(entry.error).toBeInstanceOf(RangeError);
    expect(entry.error).toMatchObject({ name: 'Gone', message: 'x', status: 410 });
    expect(() => encodeEnvelope(key, { ...times, value: new Gone('x') }, codec)).toThrow(CodecError);
  });

  it('notices every altered byte', () => {
    const bytes = encodeEnvelope(key, full, codec, { name: 'Products.find', version: '2', id: 'x' });
    for (let at = 0; at < bytes.length; at++) {
      for (const bits of [1, 0x80, 0xff]) {
        const altered = Uint8Array.from(bytes);
        altered[at] = (altered[at] as number) ^ bits;
        expect(() => decodeEnvelope(altered, key, codec)).toThrow(CodecError);
      }
    }
  });

  it('notices every truncation, and bytes behind its end', () => {
    const bytes = encodeEnvelope(key, full, codec);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeEnvelope(bytes.subarray(0, length), key, codec)).toThrow(CodecError);
    }
    expect(() => decodeEnvelope(Buffer.concat([bytes, Buffer.of(0)]), key, codec)).toThrow(/checksum/);
    const large = encodeEnvelope(key, { ...times, value: 'x'.repeat(100_000) }, codec);
    expect(decodeEnvelope(large, key, codec).value).toHaveLength(100_000);
    expect(() => decodeEnvelope(large.subarray(0, -1), key, codec)).toThrow(/checksum/);
  });

  it('says which check failed', () => {
    const bytes = encodeEnvelope(key, full, codec);
    const future = Uint8Array.from(bytes);
    future[4] = 3;
    expect(() => decodeEnvelope(Buffer.from('{"value":1}'), key, codec)).toThrow(/foreign/);
    expect(() => decodeEnvelope(new Uint8Array(), key, codec)).toThrow(/foreign/);
    expect(() => decodeEnvelope(bytes.subarray(0, 20), key, codec)).toThrow(/truncated/);
    expect(() => decodeEnvelope(future, key, codec)).toThrow(/future format version \(3/);
    expect(() => decodeEnvelope(bytes, `${key} `, codec)).toThrow(/another key's/);
    expect(() => decodeEnvelope(bytes, 'a\ud800', codec)).toThrow(/another key's/);
    expect(() => decodeEnvelope(bytes, key, { ...codec, name: 'other' })).toThrow(
      /another codec: 'reprise' wrote it, 'other'/,
    );
  });

  it('tells keys apart that differ in a lone surrogate', () => {
    const bytes = encodeEnvelope('a\ud800', { ...times, value: 1 }, codec);
    expect(decodeEnvelope(bytes, 'a\ud800', codec).value).toBe(1);
    expect(() => decodeEnvelope(bytes, 'a\ud801', codec)).toThrow(CodecError);
    expect(() => decodeEnvelope(bytes, 'a\ufffd', codec)).toThrow(CodecError);
  });

  it('of the same entry differs by its id only', () => {
    const [one, other] = ['1', '2'].map((id) => encodeEnvelope(key, full, codec, { id }));
    expect(Buffer.compare(one as Uint8Array, other as Uint8Array)).not.toBe(0);
    expect(decodeEnvelope(one as Uint8Array, key, codec)).toEqual(decodeEnvelope(other as Uint8Array, key, codec));
  });

  it('takes a codec of the user, and turns its failures into a CodecError with the cause', () => {
    const text: Codec = {
      name: 'text',
      encode: (value) => {
        if (typeof value !== 'string') throw new RangeError('only texts');
        return Buffer.from(value);
      },
      decode: () => {
        throw new SyntaxError('never');
      },
    };
    const bytes = encodeEnvelope(key, { ...times, value: 'a' }, text);
    expect(() => decodeEnvelope(bytes, key, text)).toThrow(/codec 'text'/);
    expect(() => encodeEnvelope(key, { ...times, value: 1 }, text)).toThrow(
      expect.objectContaining({ name: 'CodecError', cause: expect.any(RangeError) }),
    );
    const broken = { ...text, encode: () => 'no bytes' } as unknown as Codec;
    expect(() => encodeEnvelope(key, { ...times, value: 1 }, broken)).toThrow(/gave string where a Uint8Array/);
  });

  it('refuses a value beyond the codec’s limits', () => {
    const small = createCodec({ maxBytes: 10 });
    expect(() => encodeEnvelope(key, { ...times, value: 'x'.repeat(20) }, small)).toThrow(/maxBytes/);
  });
});

describe.each([1, 2])('format version %i', (version) => {
  const fixtures = join(import.meta.dirname, 'fixtures');

  it('is read', async () => {
    const bytes = await readFile(join(fixtures, `envelope-v${version}.bin`));
    expect(bytes[4]).toBe(version);
    expect(isDeepStrictEqual(decodeEnvelope(bytes, key, codec), full)).toBe(true);
    const failed = await readFile(join(fixtures, `envelope-v${version}-error.bin`));
    const { error } = decodeEnvelope(failed, key, codec);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'gone', stack: 'TypeError: gone\n    at nowhere', status: 404 });
  });

  it('is read with no byte altered and none missing', async () => {
    const bytes = await readFile(join(fixtures, `envelope-v${version}.bin`));
    for (let at = 0; at < bytes.length; at++) {
      expect(() => decodeEnvelope(bytes.subarray(0, at), key, codec)).toThrow(CodecError);
      const altered = Buffer.from(bytes);
      // Every bit pattern of the version, among them the other version's.
      for (const bits of at === 4 ? [1, 2, 3, 0x80, 0xff] : [1, 0x80, 0xff]) {
        altered[at] = (bytes[at] as number) ^ bits;
        expect(() => decodeEnvelope(altered, key, codec)).toThrow(CodecError);
      }
    }
  });
});

it('format version 2 is written byte for byte as it was released', async () => {
  const details = { name: 'Products.find', version: '2', id: 'fixture' };
  const released = await readFile(join(import.meta.dirname, 'fixtures', 'envelope-v2.bin'));
  expect(Buffer.compare(encodeEnvelope(key, full, codec, details), released)).toBe(0);
});

it('an envelope whose checksum was made for altered bytes is refused or read, and nothing behind its end', () => {
  const bytes = Buffer.from(encodeEnvelope(key, full, codec, { name: 'n', version: '2', id: 'x' }));
  // What stands behind the bytes in their memory must never be seen.
  const memory = Buffer.concat([bytes, Buffer.from('SECRET'.repeat(50))]);
  for (let at = 9; at < bytes.length; at++) {
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const forged = Buffer.from(memory).subarray(0, bytes.length);
      forged[at] = value;
      const before = crc32(forged.subarray(0, 5));
      forged.writeUInt32LE(crc32(forged.subarray(9), before), 5);
      let seen: unknown;
      try {
        seen = decodeEnvelope(forged, key, codec);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        seen = (error as Error).message;
      }
      expect(inspect(seen)).not.toContain('SECRET');
    }
  }
});

it('texts are kept whatever their length and characters', () => {
  for (const piece of ['a', 'é', '\u{1f600}', '\ud800', '\0']) {
    for (const length of [0, 1, 127, 128, 129, 700]) {
      const text = `${'k'.repeat(length)}${piece.repeat(length)}`;
      const entry: Entry = { ...times, value: 1, key: text, tags: [text, piece, text], generation: text };
      expect(decodeEnvelope(encodeEnvelope(text, entry, codec), text, codec)).toEqual(entry);
      expect(() => decodeEnvelope(encodeEnvelope(text, entry, codec), `${text}x`, codec)).toThrow(/another key's/);
    }
  }
});
