import { randomBytes } from 'node:crypto';
import { inspect, isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CodecError,
  compressedCodec,
  decodeEnvelope,
  defaultCodec,
  type Entry,
  encodeEnvelope,
  OptionError,
  type SealAlgorithm,
  sealedCodec,
} from '@reprise/store';
import fc from 'fast-check';

const algorithms: readonly SealAlgorithm[] = ['hmac-sha256', 'aes-256-gcm'];
const secret = Buffer.from('0123456789abcdef'.repeat(4), 'hex');
const other = Buffer.from('fedcba9876543210'.repeat(4), 'hex');
const key = 'users/find("42")';
const entry: Entry = {
  value: { name: 'Ada', notes: 'confidential' },
  createdAt: 1_000,
  expiresAt: 2_000,
  staleUntil: 3_000,
  tags: ['user:42'],
  idle: 500,
  generation: 7,
};

/** Changes an envelope as somebody would who knows the format: with a checksum that is right. */
function forge(bytes: Uint8Array, change: (copy: Buffer) => unknown): Buffer {
  const copy = Buffer.from(bytes);
  const result = change(copy);
  const changed = Buffer.isBuffer(result) ? result : copy;
  changed.writeUInt32LE(crc32(Buffer.concat([changed.subarray(0, 5), changed.subarray(9)])), 5);
  return changed;
}

/** The same, at the end of the envelope: the length of what the codec made of the entry's value. */
const bodyLength = (codec: Codec, value: unknown): number => codec.encode(value).length;

describe.each(algorithms)('sealedCodec with %s', (algorithm) => {
  const codec = sealedCodec(defaultCodec, { key: secret, algorithm });
  const sealed = encodeEnvelope(key, entry, codec);

  it('gives back what it sealed, in an entry and without one', () => {
    expect(isDeepStrictEqual(decodeEnvelope(sealed, key, codec), entry)).toBe(true);
    const value = new Map([[1n, new Date(5)]]);
    expect(codec.decode(codec.encode(value))).toEqual(value);
    class Gone extends RangeError {}
    const failed = { createdAt: 1, expiresAt: 2, staleUntil: 2, error: new Gone('x') };
    expect(decodeEnvelope(encodeEnvelope(key, failed, codec), key, codec).error).toBeInstanceOf(RangeError);
  });

  it('does not open with another key', () => {
    const stranger = sealedCodec(defaultCodec, { key: other, algorithm });
    expect(() => decodeEnvelope(sealed, key, stranger)).toThrow(CodecError);
    expect(() => stranger.decode(codec.encode(1))).toThrow(/another key sealed it/);
  });

  it('opens with an older key that is still known, and seals with the new one', () => {
    const rotated = sealedCodec(defaultCodec, { key: other, algorithm, olderKeys: [randomBytes(32), secret] });
    expect(decodeEnvelope(sealed, key, rotated).value).toEqual(entry.value);
    const fresh = encodeEnvelope(key, entry, rotated);
    expect(() => decodeEnvelope(fresh, key, codec)).toThrow(CodecError);
    expect(decodeEnvelope(fresh, key, sealedCodec(defaultCodec, { key: other, algorithm })).value).toEqual(entry.value);
  });

  it('does not open under another key of the store, in another entry, or outside of one', () => {
    const body = bodyLength(codec, entry.value);
    const elsewhere = encodeEnvelope('users/find("43")', entry, codec);
    // The body of the one in the envelope of the other.
    const swapped = forge(sealed, (copy) => {
      elsewhere.subarray(-body).forEach((byte, index) => {
        copy[copy.length - body + index] = byte;
      });
    });
    expect(() => decodeEnvelope(swapped, key, codec)).toThrow(/cannot be read by the codec/);
    const renamed = forge(sealed, (copy) => {
      copy.write('43', copy.indexOf('42'));
    });
    expect(() => decodeEnvelope(renamed, 'users/find("43")', codec)).toThrow(/cannot be read by the codec/);
    expect(() => codec.decode(sealed.subarray(-body))).toThrow(/another entry/);
    expect(() => codec.decode(codec.encode(1), { key, header: new Uint8Array() })).toThrow(/another entry/);
  });

  it('does not open when anything else of the entry was changed by somebody who knows the format', () => {
    const forgeries: Readonly<Record<string, (copy: Buffer) => unknown>> = {
      'that it is an error': (copy) => {
        copy[9] = (copy[9] as number) ^ 1;
      },
      'when it was made': (copy) => copy.writeDoubleLE(9_000, 11),
      'when it expires': (copy) => copy.writeDoubleLE(1e15, 19),
      'until when it may be stale': (copy) => copy.writeDoubleLE(1e15, 27),
      'its tag': (copy) => copy.write('user:43', copy.indexOf('user:42')),
    };
    expect(
      decodeEnvelope(
        forge(sealed, () => {}),
        key,
        codec,
      ).value,
    ).toEqual(entry.value);
    const opened = Object.entries(forgeries).filter(([, change]) => {
      try {
        decodeEnvelope(forge(sealed, change), key, codec);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        return false;
      }
    });
    expect(opened).toEqual([]);
    // Without a seal each of them would have been taken.
    const open = encodeEnvelope(key, entry, defaultCodec);
    for (const change of Object.values(forgeries)) {
      expect(decodeEnvelope(forge(open, change), key, defaultCodec)).not.toEqual(entry);
    }
  });

  it('does not open with any byte changed, any byte missing, or one more', () => {
    for (let at = 0; at < sealed.length; at++) {
      if (at >= 5 && at < 9) continue;
      const altered = forge(sealed, (copy) => {
        copy[at] = (copy[at] as number) ^ 1;
      });
      expect(() => decodeEnvelope(altered, key, codec)).toThrow(CodecError);
    }
    for (let length = 63; length < sealed.length; length++) {
      const cut = forge(sealed, (copy) => copy.subarray(0, length));
      expect(() => decodeEnvelope(cut, key, codec)).toThrow(CodecError);
    }
    const longer = forge(sealed, (copy) => Buffer.concat([copy, Buffer.of(0)]));
    expect(() => decodeEnvelope(longer, key, codec)).toThrow(CodecError);
  });

  it('tells apart any two keys and any two headers', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 8 });
    const headers = fc.uint8Array({ maxLength: 8 });
    fc.assert(
      fc.property(texts, texts, headers, headers, (oneKey, otherKey, oneHeader, otherHeader) => {
        const bytes = codec.encode('x', { key: oneKey, header: oneHeader });
        expect(codec.decode(bytes, { key: oneKey, header: oneHeader })).toBe('x');
        if (oneKey === otherKey && Buffer.compare(oneHeader, otherHeader) === 0) return;
        expect(() => codec.decode(bytes, { key: otherKey, header: otherHeader })).toThrow(CodecError);
      }),
      { numRuns: 500 },
    );
  });

  it('is a CodecError for made-up bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, begins) => {
        expect(() => codec.decode(begins ? Buffer.concat([Buffer.of(1), bytes]) : bytes)).toThrow(CodecError);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never shows a key', () => {
    const shown = [inspect(codec, { depth: Infinity, showHidden: true }), JSON.stringify(codec)];
    for (const attempt of [
      () => sealedCodec(defaultCodec, { key: secret.subarray(1), algorithm }),
      () => sealedCodec(defaultCodec, { key: secret.toString('hex') as never, algorithm }),
      () => sealedCodec(defaultCodec, { key: secret, algorithm: secret.toString('hex') as never }),
      () => sealedCodec(defaultCodec, { key: secret, olderKeys: [secret.subarray(2)], algorithm }),
      () => sealedCodec(defaultCodec, { key: secret, olderKeys: secret.toString('hex') as never, algorithm }),
      () => sealedCodec(defaultCodec, secret.toString('hex') as never),
      () => codec.decode(Buffer.of(1, 2, 3)),
    ]) {
      try {
        attempt();
      } catch (error) {
        shown.push(inspect(error, { depth: Infinity, showHidden: true }));
      }
    }
    expect(shown).toHaveLength(9);
    for (const text of shown) {
      expect(text).not.toContain('23456789abcdef0123');
      expect(text.replaceAll(/[ ,]/g, '')).not.toContain('23456789abcdef0123');
    }
  });

  it('keeps the key that it was given, whatever becomes of the bytes', () => {
    const bytes = Buffer.from(secret);
    const early = sealedCodec(defaultCodec, { key: bytes, algorithm });
    bytes.fill(0);
    expect(codec.decode(early.encode('x'))).toBe('x');
  });

  it('takes a codec that compresses, and is another codec to the envelope', () => {
    const both = sealedCodec(compressedCodec(), { key: secret, algorithm });
    expect(both.name).toBe(`reprise+deflate+${algorithm}`);
    const value = 'again and '.repeat(1_000);
    const bytes = encodeEnvelope(key, { ...entry, value }, both);
    expect(bytes.length).toBeLessThan(1_000);
    expect(decodeEnvelope(bytes, key, both).value).toBe(value);
    for (const stranger of [defaultCodec, compressedCodec(), codec]) {
      expect(() => decodeEnvelope(bytes, key, stranger)).toThrow(/of another codec/);
    }
    expect(sealedCodec(undefined, { key: secret, algorithm }).name).toBe(codec.name);
  });
});

describe('aes-256-gcm', () => {
  it('hides the value and makes other bytes each time; hmac-sha256 does neither', () => {
    const [signing, encrypting] = algorithms.map((algorithm) => sealedCodec(defaultCodec, { key: secret, algorithm }));
    const seal = (codec: Codec | undefined) => Buffer.from(encodeEnvelope(key, entry, codec as Codec));
    expect(seal(signing).includes('confidential')).toBe(true);
    expect(seal(signing).equals(seal(signing))).toBe(true);
    expect(seal(encrypting).includes('confidential')).toBe(false);
    expect(seal(encrypting).equals(seal(encrypting))).toBe(false);
  });

  it('is the default', () => {
    expect(sealedCodec(defaultCodec, { key: secret }).name).toBe('reprise+aes-256-gcm');
  });
});

describe('options of sealedCodec that cannot be meant', () => {
  it.each([
    ['no options', undefined, /takes an object/],
    ['no key', {}, /key must be a Uint8Array of random bytes, not undefined/],
    ['a text as key', { key: 'x'.repeat(32) }, /not a string \(decode it/],
    ['a short key', { key: new Uint8Array(16) }, /key must have 32 bytes for aes-256-gcm, not 16/],
    ['a long key of AES', { key: new Uint8Array(64) }, /not 64/],
    ['a short key of HMAC', { key: new Uint8Array(31), algorithm: 'hmac-sha256' }, /32 bytes or more/],
    ['a short older key', { key: secret, olderKeys: [secret, new Uint8Array(1)] }, /olderKeys\[1\] must have/],
    ['an unknown algorithm', { key: secret, algorithm: 'aes-128-cbc' }, /algorithm must be/],
    ['an unknown option', { key: secret, keys: [] }, /no option 'keys'/],
  ])('%s', (_name, options, words) => {
    expect(() => sealedCodec(defaultCodec, options as never)).toThrow(OptionError);
    expect(() => sealedCodec(defaultCodec, options as never)).toThrow(words);
  });

  it('a codec that is none', () => {
    expect(() => sealedCodec({} as never, { key: secret })).toThrow(/wraps a codec/);
  });

  it('a long key of HMAC is one', () => {
    const codec = sealedCodec(defaultCodec, { key: randomBytes(64), algorithm: 'hmac-sha256' });
    expect(codec.decode(codec.encode(1))).toBe(1);
  });
});
