/**
 * The tagged form, version 1: every value starts with one of these bytes. They are a file format: never renumber, only add.
 *
 * Objects are numbered in the order in which they begin, and `reference` points back to one of them; property names are
 * numbered likewise. Lengths, counts and numbers of things are unsigned LEB128 (`varint`), everything else little-endian.
 */
export const tags = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** zigzag varint, within 32 bits */
  integer: 4,
  /** 8 bytes, IEEE 754; also -0, NaN and the infinities */
  double: 5,
  /** varint length, UTF-8 */
  string: 6,
  /** varint length in bytes, UTF-16: for strings with lone surrogates */
  wideString: 7,
  /** sign byte, varint length, hexadecimal digits of the magnitude */
  bigint: 8,
  /** varint number of an object that has begun */
  reference: 9,
  /** varint count, then name and value of each property */
  object: 10,
  /** the same, with the prototype `null` */
  bareObject: 11,
  /** varint count, values */
  array: 12,
  /** varint length, varint count, then varint index and value of each element that is there */
  sparseArray: 13,
  /** varint count, then key and value of each */
  map: 14,
  /** varint count, values */
  set: 15,
  /** 8 bytes, milliseconds since the epoch; NaN when invalid */
  date: 16,
  /** source and flags as strings, lastIndex as a value */
  regExp: 17,
  /** href as a string */
  url: 18,
  /** varint length, bytes */
  arrayBuffer: 19,
  /** varint length, bytes */
  buffer: 20,
  /** kind byte (`viewKinds`; 0x80 is set on big-endian machines), varint length in bytes, bytes */
  view: 21,
  /** class byte (`errorKinds`), the stack as a value, varint count, then name, flag byte (1: enumerable) and value of each field */
  error: 22,
  /** name of the class (numbered like those of properties), then what its `encode` gave as a value */
  instance: 23,
} as const;

/** In the order of their kind bytes. */
export const viewKinds = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
] as const;

/** In the order of their class bytes. */
export const errorKinds = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
] as const;

/**
 * The first byte of what the codec makes: JSON text follows (read, and no longer written), or the tagged form in version 1.
 * JSON text stands by itself as well: neither byte can begin one, so that it is its own form.
 */
export const forms = { json: 0x4a, tagged: 0x54 } as const;
