import type { Codec } from '../codec.ts';
import { CodecError, OptionError } from '../contract.ts';

/** @throws OptionError when something is no codec */
export function checkCodec(caller: string, codec: Codec): void {
  if (typeof codec?.name === 'string' && typeof codec.encode === 'function' && typeof codec.decode === 'function')
    return;
  throw new OptionError(`${caller} wraps a codec: an object with a name, encode(value) and decode(bytes)`);
}

/** A codec that does something with the bytes of another one. */
export function wrapCodec(
  codec: Codec,
  suffix: string,
  wrap: (bytes: Uint8Array, context: Parameters<Codec['encode']>[1]) => Uint8Array,
  unwrap: (bytes: Uint8Array, context: Parameters<Codec['decode']>[1]) => Uint8Array,
): Codec {
  const checked = (bytes: Uint8Array): Uint8Array => {
    if (bytes instanceof Uint8Array || ArrayBuffer.isView(bytes)) return bytes;
    throw new CodecError(`The codec '${codec.name}' gave ${typeof bytes} where a Uint8Array was due`);
  };
  return {
    name: `${codec.name}+${suffix}`,
    encode: (value, context) => wrap(checked(codec.encode(value, context)), context),
    encodeError(error, context) {
      const bytes = codec.encodeError === undefined ? codec.encode(error, context) : codec.encodeError(error, context);
      return wrap(checked(bytes), context);
    },
    decode: (bytes, context) => codec.decode(unwrap(bytes, context), context),
  };
}
