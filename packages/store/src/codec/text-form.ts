import { Buffer } from 'node:buffer';
import { CodecError } from '../contract.ts';
import type { CodecLimits } from './limits.ts';
import { isPlainData, parsePlain } from './plain.ts';

/** Values as texts, for a store whose medium keeps texts better than bytes. */
export interface TextForm {
  /** The JSON text of a value that JSON keeps exactly; `undefined` for any other, which bytes may keep. */
  encode(value: unknown): string | undefined;
  /** @throws CodecError when the text is not what `encode` makes */
  decode(text: string): unknown;
}

/** A copy of a codec under another name, or with other methods, has none: nothing goes past what it does. */
const forms = new WeakMap<object, TextForm>();

/** The form of a codec that {@link addTextForm} was told. */
export function textFormOf(codec: object): TextForm | undefined {
  return forms.get(codec);
}

export function addTextForm(codec: object, { maxDepth, maxBytes }: Required<CodecLimits>): void {
  const isTooLarge = (text: string): boolean =>
    3 * text.length > maxBytes && (text.length > maxBytes || Buffer.byteLength(text) > maxBytes);
  forms.set(codec, {
    encode(value) {
      if (!isPlainData(value, maxDepth)) return undefined;
      const text = JSON.stringify(value);
      return isTooLarge(text) ? undefined : text;
    },
    decode(text) {
      if (isTooLarge(text)) {
        throw new CodecError(`There are more bytes than the ${maxBytes} that the codec's maxBytes allows`);
      }
      return parsePlain(text, maxDepth);
    },
  });
}
