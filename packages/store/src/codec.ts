import { asBuffer } from './codec/bytes.ts';
import { ClassRegistry, type CodecClass, registeredClasses } from './codec/classes.ts';
import { type CodecLimits, checkLimits } from './codec/limits.ts';
import { decodePlain, encodePlain, startOfPlain } from './codec/plain.ts';
import { decodeTagged } from './codec/tagged-decoder.ts';
import { encodeTagged } from './codec/tagged-encoder.ts';
import { forms } from './codec/tags.ts';
import { addTextForm } from './codec/text-form.ts';
import { CodecError, OptionError } from './contract.ts';

/**
 * Turns values into bytes and back, for stores that keep bytes. What a codec gives back must equal what it was given, or
 * `encode` must throw: a value that cannot be kept is then not stored, and reported.
 */
export interface Codec {
  /** Written into every entry. An entry of another codec is not read: change it whenever the bytes change their meaning. */
  readonly name: string;
  /**
   * @param context for whom the value is encoded; absent where it is for no entry (a copy)
   * @throws when the value cannot be kept faithfully
   */
  encode(value: unknown, context?: CodecContext): Uint8Array;
  /**
   * @param context what `encode` was given, as it stands in the entry that was read
   * @throws when the bytes are not what `encode` makes
   */
  decode(bytes: Uint8Array, context?: CodecContext): unknown;
  /**
   * For an error that a function threw and that shall be remembered; default: `encode`. It may keep less than the class:
   * {@link createCodec} restores an error of an unknown class as the nearest built-in one.
   */
  encodeError?(error: unknown, context?: CodecContext): Uint8Array;
}

/** The entry that a codec's bytes belong to. Most codecs have no need of it; one that seals binds its bytes to it. */
export interface CodecContext {
  /** The whole key of the entry, namespace included. */
  readonly key: string;
  /** All that the entry says beside its value (key, times, tags, whether it is an error, …), as bytes that differ when any of it does. */
  readonly header: Uint8Array;
}

/** What {@link createCodec} may be told. */
export interface CodecOptions extends CodecLimits {
  /**
   * Classes that this codec keeps beside those of {@link registerClass}, where both know a class or a
   * name, these count. Default: none.
   */
  readonly classes?: readonly CodecClass[];
}

/**
 * A codec that keeps a value exactly, or refuses it with a {@link CodecError} that says which part and why.
 *
 * Kept, nested to any depth up to `maxDepth`, with cycles and shared references: `undefined`, `null`, booleans, numbers (also `NaN`,
 * `-0`, the infinities), strings (also with lone surrogates), `bigint`, plain objects (also without prototype), arrays (also with
 * holes), `Date`, `RegExp`, `URL`, `Map`, `Set`, `ArrayBuffer`, typed arrays, `DataView`, `Buffer`, and errors of the built-in classes
 * with their name, message, stack, cause and fields. Refused: functions, symbols, promises, streams, iterators, proxies,
 * instances of any other class (unless {@link registerClass} knows it), accessors, properties that are not enumerable or named by a symbol or `__proto__`, views that
 * overlap. Not kept: whether an object is frozen, and hidden properties of arrays of more than four elements (what is hidden elsewhere is
 * refused).
 *
 * Plain JSON data becomes its JSON text, in UTF-8 and without a byte more. Decoding runs nothing and takes no bytes on trust: damaged or
 * hostile ones are a {@link CodecError}.
 *
 * @throws OptionError when a limit is no whole number above 0
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { CodecError, createCodec } from '@reprise/store';
 *
 * const codec = createCodec();
 * const copy = codec.decode(codec.encode({ at: new Date(0), tags: new Set(['a']), none: undefined }));
 * assert.deepEqual(copy, { at: new Date(0), tags: new Set(['a']), none: undefined });
 * assert.throws(() => codec.encode({ run() {} }), CodecError);
 */
export function createCodec(options: CodecOptions = {}): Codec {
  const { maxDepth, maxBytes } = checkLimits('createCodec', options, ['classes']);
  const classes = collectClasses(options.classes);

  function encodeWith(value: unknown, nearestErrors: boolean): Uint8Array {
    try {
      const plain = encodePlain(value, maxDepth);
      const bytes = plain ?? encodeTagged(value, { maxDepth, maxBytes, nearestErrors, classes });
      if (bytes.length <= maxBytes) return bytes;
    } catch (error) {
      throw asCodecError(error, 'The value could not be encoded');
    }
    throw new CodecError(`The encoded value is larger than the ${maxBytes} bytes that the codec's maxBytes allows`);
  }

  const codec: Codec = {
    name: 'reprise',
    encode: (value) => encodeWith(value, false),
    encodeError: (error) => encodeWith(error, true),
    decode(bytes) {
      if (bytes.length > maxBytes) {
        throw new CodecError(`There are more bytes than the ${maxBytes} that the codec's maxBytes allows`);
      }
      try {
        const start = startOfPlain(bytes);
        if (start >= 0) return decodePlain(asBuffer(bytes), start, maxDepth);
        if (bytes[0] === forms.tagged) return decodeTagged(bytes, maxDepth, classes);
      } catch (error) {
        throw asCodecError(error, 'The bytes could not be decoded');
      }
      throw new CodecError('The bytes are not of this codec, or of a later version of it');
    },
  };
  addTextForm(codec, { maxDepth, maxBytes });
  return codec;
}

/** The codec of every store that is not given another one: {@link createCodec} without options. */
export const defaultCodec: Codec = createCodec();

function collectClasses(list: readonly CodecClass[] | undefined): ClassRegistry {
  if (list === undefined) return registeredClasses;
  if (!Array.isArray(list)) throw new OptionError('createCodec: classes must be an array of { class, encode, decode }');
  const classes = new ClassRegistry(registeredClasses);
  for (const entry of list as readonly CodecClass[]) classes.add('createCodec: classes', entry?.class, entry);
  return classes;
}

/** Running out of stack, or an engine limit, is the value's fault here. */
function asCodecError(error: unknown, message: string): CodecError {
  return error instanceof CodecError ? error : new CodecError(message, { cause: error });
}
