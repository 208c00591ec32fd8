import { Buffer } from 'node:buffer';
import { asBuffer } from './codec/bytes.ts';
import { checkNames, checkWhole, defaultMaxBytes } from './codec/limits.ts';
import { checkCodec, wrapCodec } from './codec/wrapped.ts';
import { type Codec, defaultCodec } from './codec.ts';
import { CodecError, OptionError } from './contract.ts';

/** What {@link compressedCodec} may be told. */
export interface CompressionOptions {
  /** From how many bytes on it tries; smaller values are stored as they are. Default: 1,024. */
  readonly threshold?: number;
  /** How much time it takes for a better result, from 1 to 9. Default: 3. */
  readonly level?: number;
  /** How many bytes a value may have before it is compressed; more are neither written nor read. Default: 64 MiB. */
  readonly maxBytes?: number;
}

/** The first byte: the other codec's bytes follow, as they are or as a raw deflate stream. They are a file format. */
const forms = { plain: 0, deflated: 1 } as const;

/** Loaded when first used. */
let zlib: typeof import('node:zlib') | undefined;

/**
 * A codec that compresses what another one makes, where that is worth it: from `threshold` bytes on, and only if the result is smaller.
 * One byte is added to what is not.
 *
 * Compressing takes several times as long as encoding, and a caller waits for it: meant for what is read more often than it is written. No
 * bytes, damaged or hostile, make it unpack more than `maxBytes`.
 *
 * @param codec whose bytes are compressed. Default: {@link defaultCodec}
 * @throws OptionError when an option cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { compressedCodec, defaultCodec } from '@reprise/store';
 *
 * const codec = compressedCodec(defaultCodec, { threshold: 100 });
 * const value = { text: 'again and '.repeat(100) };
 * const bytes = codec.encode(value);
 * assert(bytes.length < 100);
 * assert.deepEqual(codec.decode(bytes), value);
 */
export function compressedCodec(codec: Codec = defaultCodec, options: CompressionOptions = {}): Codec {
  checkCodec('compressedCodec', codec);
  checkNames('compressedCodec', options, ['threshold', 'level', 'maxBytes']);
  const { threshold = 1_024, level = 3, maxBytes = defaultMaxBytes } = options;
  checkWhole('compressedCodec', 'threshold', threshold);
  checkWhole('compressedCodec', 'level', level);
  checkWhole('compressedCodec', 'maxBytes', maxBytes);
  if (level > 9) throw new OptionError(`compressedCodec: level must be a whole number from 1 to 9, not ${level}`);

  function compress(bytes: Uint8Array): Uint8Array {
    if (bytes.length > maxBytes) {
      throw new CodecError(`The encoded value is larger than the ${maxBytes} bytes that compression's maxBytes allows`);
    }
    if (bytes.length >= threshold) {
      zlib ??= process.getBuiltinModule('node:zlib');
      const packed = zlib.deflateRawSync(bytes, { level });
      if (packed.length < bytes.length) return Buffer.concat([Buffer.of(forms.deflated), packed]);
    }
    return Buffer.concat([Buffer.of(forms.plain), bytes]);
  }

  function decompress(bytes: Uint8Array): Uint8Array {
    const rest = asBuffer(bytes).subarray(1);
    if (bytes[0] === forms.plain) return rest;
    if (bytes[0] !== forms.deflated) {
      throw new CodecError('The bytes are not of compressedCodec, or of a later version of it');
    }
    zlib ??= process.getBuiltinModule('node:zlib');
    let unpacked: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
    try {
      unpacked = zlib.inflateRawSync(rest, { maxOutputLength: maxBytes, info: true }) as never;
    } catch (cause) {
      const large = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      const what = large ? `unpack to more than the ${maxBytes} bytes that maxBytes allows` : 'cannot be unpacked';
      throw new CodecError(`The compressed bytes ${what}`, { cause });
    }
    // Whatever stands behind the end of the stream would be passed over.
    if (unpacked.engine.bytesWritten !== rest.length) throw new CodecError('There are more bytes than the stream has');
    return unpacked.buffer;
  }

  return wrapCodec(codec, 'deflate', compress, decompress);
}
