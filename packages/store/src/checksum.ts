interface Zlib {
  crc32(data: Uint8Array | string, before?: number): number;
}

let zlib: Zlib | undefined;

/** The CRC-32 of bytes, or of the UTF-8 of a text; `before` is that of what stands in front of them. Loads zlib when first used. */
export function crc32(data: Uint8Array | string, before?: number): number {
  zlib ??= process.getBuiltinModule('node:zlib') as unknown as Zlib;
  return before === undefined ? zlib.crc32(data) : zlib.crc32(data, before);
}
