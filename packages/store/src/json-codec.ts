import { Buffer } from 'node:buffer';
import { asBuffer } from './codec/bytes.ts';
import { findJsonLoss } from './codec/json-refusal.ts';
import { type CodecLimits, checkLimits } from './codec/limits.ts';
import { decodePlain, isPlainData } from './codec/plain.ts';
import type { Codec } from './codec.ts';
import { CodecError, OptionError } from './contract.ts';

/** What {@link jsonCodec} may be told. */
export interface JsonCodecOptions extends CodecLimits {
  /** By how many spaces each level is indented, from 0 to 10. Default: 0, all in one line. */
  readonly indent?: number;
}

/**
 * A codec whose bytes are JSON text, for those who want to read what is stored, or to have it read by other programs.
 *
 * It keeps what JSON keeps exactly, and refuses everything that would come back as something else, with a {@link CodecError} that says which
 * part: `undefined`, `NaN`, `-0`, the infinities, `bigint`, `Date`, `Map` and all other classes (errors too), holes, cycles and objects that
 * stand in two places. Objects that have a `toJSON` are refused as well: write what you want to be stored.
 *
 * @throws OptionError when an option cannot be meant
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { CodecError, jsonCodec } from '@reprise/store';
 *
 * const codec = jsonCodec();
 * assert.equal(Buffer.from(codec.encode({ id: 42, tags: ['a'] })).toString(), '{"id":42,"tags":["a"]}');
 * assert.throws(() => codec.encode({ at: new Date() }), CodecError);
 */
export function jsonCodec(options: JsonCodecOptions = {}): Codec {
  const { maxDepth, maxBytes } = checkLimits('jsonCodec', options, ['indent']);
  const { indent = 0 } = options;
  if (!Number.isInteger(indent) || indent < 0 || indent > 10) {
    throw new OptionError(`jsonCodec: indent must be a whole number from 0 to 10, not ${String(indent)}`);
  }
  return {
    name: 'json',
    encode(value) {
      if (!isPlainData(value, maxDepth)) {
        const loss = findJsonLoss(value, maxDepth) ?? 'the value while a built-in prototype has a toJSON';
        throw new CodecError(`JSON cannot keep ${loss}; the default codec can do more`);
      }
      const bytes = Buffer.from(JSON.stringify(value, undefined, indent));
      if (bytes.length <= maxBytes) return bytes;
      throw new CodecError(`The JSON text is larger than the ${maxBytes} bytes that the codec's maxBytes allows`);
    },
    decode(bytes) {
      if (bytes.length <= maxBytes) return decodePlain(asBuffer(bytes), 0, maxDepth);
      throw new CodecError(`There are more bytes than the ${maxBytes} that the codec's maxBytes allows`);
    },
  };
}
