import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  CodecError,
  defaultCodec as codec,
  compressedCodec,
  createCodec,
  decodeTextEnvelope,
  type Entry,
  encodeTextEnvelope,
} from '@reprise/store';
import fc from 'fast-check';

const key = 'catalog/Products.find("42")\n';
const times = { createdAt: 1_795_912_749_610, expiresAt: 1_795_912_809_610, staleUntil: 1_795_912_869_610 };
const full: Entry = {
  ...times,
  value: { name: 'é', at: [1, null, true], text: 'a\nb\ud800' },
  key: 'Products.find("42")',
  tags: ['product:42', '', 'a\nb'],
  idle: 500,
  loadTime: 12.5,
  generation: 'mark:7',
  size: 99,
  promised: true,
};

function encode(at: string, entry: Entry): string {
  return encodeTextEnvelope(at, entry, codec) ?? '';
}

/** The text with another rest, and the checksum of that. */
function forge(text: string, change: (rest: string) => string = (rest) => rest): string {
  const rest = change(text.slice(7));
  const digits = [30, 24, 18, 12, 6, 0].map((shift) => String.fromCharCode(48 + ((crc32(rest) >>> shift) & 63)));
  return text.slice(0, 1) + digits.join('') + rest;
}

describe('an envelope as text', () => {
  it('gives back each field of the entry', () => {
    const entries: Entry[] = [
      full,
      { ...times, value: null },
      { ...times, value: 0, staleUntil: times.expiresAt },
      { ...times, value: [], generation: -0.5, tags: [] },
      { ...times, value: '', generation: '' },
      { createdAt: -0, expiresAt: Infinity, staleUntil: Infinity, value: 'x' },
      { createdAt: 0.25, expiresAt: -1, staleUntil: 2 ** 53, loadTime: 0, value: 'x' },
    ];
    for (const entry of entries) {
      expect(isDeepStrictEqual(decodeTextEnvelope(encode(key, entry), key, codec), entry)).toBe(true);
    }
  });

  it('gives back any JSON value, any times, under any key that UTF-8 keeps', () => {
    const entry = fc.record({
      value: fc.jsonValue(),
      createdAt: fc.oneof(fc.maxSafeNat(), fc.double()),
      expiresAt: fc.oneof(fc.maxSafeNat(), fc.double()),
      staleUntil: fc.oneof(fc.maxSafeNat(), fc.double()),
      generation: fc.oneof(fc.string(), fc.double({ noNaN: true })),
    });
    const keys = fc.string({ unit: 'binary' }).filter((text) => Buffer.from(text).toString() === text);
    fc.assert(
      fc.property(keys, entry, (anyKey, anyEntry) => {
        const text = encodeTextEnvelope(anyKey, anyEntry, codec);
        if (text === undefined) return;
        const stored = Buffer.from(text).toString();
        expect(isDeepStrictEqual(decodeTextEnvelope(stored, anyKey, codec), { ...anyEntry })).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is not there for what text does not keep', () => {
    const entry = { ...times, value: 1 };
    expect(encodeTextEnvelope('a\ud800', entry, codec)).toBeUndefined();
    expect(encodeTextEnvelope('a\0', entry, codec)).toBeUndefined();
    expect(encodeTextEnvelope(key, { ...times, error: 1 }, codec)).toBeUndefined();
    expect(encodeTextEnvelope(key, { ...entry, generation: 'a\nb' }, codec)).toBeUndefined();
    expect(encodeTextEnvelope(key, { ...entry, idle: Infinity }, codec)).toBeUndefined();
    for (const value of [undefined, -0, Number.NaN, 1n, new Date(0), { a: undefined }, new Map(), new Array(2)]) {
      expect(encodeTextEnvelope(key, { ...times, value }, codec)).toBeUndefined();
    }
    expect(encodeTextEnvelope(key, { ...times, value: 'x'.repeat(100) }, createCodec({ maxBytes: 100 }))).toBe(
      undefined,
    );
  });

  it('goes past no codec that does more, nor one that is a copy with another method', () => {
    const shouting = { ...codec, encode: () => Buffer.from('!') };
    expect(encodeTextEnvelope(key, { ...times, value: 1 }, shouting)).toBeUndefined();
    expect(encodeTextEnvelope(key, { ...times, value: 1 }, compressedCodec())).toBeUndefined();
    const text = encode(key, full);
    expect(() => decodeTextEnvelope(text, key, shouting)).toThrow(CodecError);
    expect(() => decodeTextEnvelope(text, key, compressedCodec())).toThrow(/another codec/);
  });

  it('notices every altered character, every truncation and every byte behind its end', () => {
    const text = encode(key, full);
    for (let at = 0; at < text.length; at++) {
      for (const other of ['0', 'o', '\n', '\ufffd', String.fromCharCode(text.charCodeAt(at) ^ 1)]) {
        if (other === text[at]) continue;
        const altered = text.slice(0, at) + other + text.slice(at + 1);
        expect(() => decodeTextEnvelope(altered, key, codec)).toThrow(CodecError);
      }
      expect(() => decodeTextEnvelope(text.slice(0, at), key, codec)).toThrow(CodecError);
    }
    expect(() => decodeTextEnvelope(`${text} `, key, codec)).toThrow(/checksum/);
    const large = encode(key, { ...times, value: 'é'.repeat(100_000) });
    expect(decodeTextEnvelope(large, key, codec).value).toHaveLength(100_000);
    expect(() => decodeTextEnvelope(large.replace('éé', 'éè'), key, codec)).toThrow(/checksum/);
  });

  it('says which check failed', () => {
    const text = encode(key, full);
    expect(() => decodeTextEnvelope('{"value":1}', key, codec)).toThrow(/foreign/);
    expect(() => decodeTextEnvelope('', key, codec)).toThrow(/foreign/);
    expect(() => decodeTextEnvelope(`4${text.slice(1)}`, key, codec)).toThrow(/future format version \(4/);
    expect(() => decodeTextEnvelope(text, `${key} `, codec)).toThrow(/another key's.*find\(\\"42\\"\)/);
    expect(() => decodeTextEnvelope(text, key.slice(0, -1), codec)).toThrow(/another key's/);
  });

  it('refuses what a stranger made, whose checksum matches', () => {
    const text = encode(key, { ...full, value: { proto: 1 } });
    expect(decodeTextEnvelope(forge(text), key, codec).value).toEqual({ proto: 1 });
    const changes = [
      (rest: string) => rest.replace('"proto"', '"__proto__"'),
      (rest: string) => rest.replace('"proto"', '"\\u005f_proto__"'),
      (rest: string) => rest.slice(0, -1),
      (rest: string) => rest.replaceAll('\n', ' '),
      (rest: string) => rest.replace('{"key"', '{key'),
      () => '',
      () => '#1',
    ];
    for (const change of changes) expect(() => decodeTextEnvelope(forge(text, change), key, codec)).toThrow(CodecError);
    const others = forge(text, (rest) => rest.replace(/\{"key".*\}\n/, '{"tags":[1],"idle":"1","key":2}\n'));
    expect(decodeTextEnvelope(others, key, codec)).toEqual({
      ...times,
      value: { proto: 1 },
      loadTime: 12.5,
      generation: 'mark:7',
      tags: ['1'],
    });
  });

  it('is bound by the limits of the codec that reads it', () => {
    const nested = encode(key, { ...times, value: [[[[1, 2, 3, 4]]]] });
    expect(() => decodeTextEnvelope(nested, key, createCodec({ maxDepth: 3 }))).toThrow(CodecError);
    expect(() => decodeTextEnvelope(nested, key, createCodec({ maxBytes: 5 }))).toThrow(CodecError);
    expect(decodeTextEnvelope(nested, key, createCodec({ maxDepth: 4 })).value).toEqual([[[[1, 2, 3, 4]]]]);
  });
});
