/** Plain data that a codec turns into bytes and back, beside `JSON`: the rows whose limit is what everybody writes by hand. */
import type { Lap } from './task.ts';

const shapes = ['records', 'nested', 'texts', 'numbers'] as const;
const sizes = ['1k', '64k'] as const;

/** A row of this kind: what is done, with which data, of which size. */
export type CodecFeature = `${'encode' | 'decode'}-${(typeof shapes)[number]}-${(typeof sizes)[number]}`;

/** What is asked of a codec. */
export interface ByteCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** JSON text in bytes, without a look at what it loses. */
export const jsonBytes: ByteCodec = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse((bytes as Buffer).toString()) as unknown,
};

export const codecFeatures: readonly CodecFeature[] = sizes.flatMap((size) =>
  shapes.flatMap((shape) => [`encode-${shape}-${size}`, `decode-${shape}-${size}`] as const),
);

/** The same part for each of these rows. */
export function forEachCodecFeature<Part>(part: Part): { [Name in CodecFeature]: Part } {
  return Object.fromEntries(codecFeatures.map((name) => [name, part])) as { [Name in CodecFeature]: Part };
}

const items: { readonly [Shape in (typeof shapes)[number]]: (index: number) => unknown } = {
  records: (index) => ({
    id: 1_000 + index,
    name: `name of ${index}`,
    email: `user${index}@example.com`,
    active: index % 2 === 0,
    score: index / 4,
    city: null,
  }),
  nested: (index) => ({ a: { b: [index, { c: 'x' }], d: [] }, e: [[index], {}] }),
  texts: (index) => `${index}: ${'the quick brown fox jumps over the lazy dog. '.repeat(10)}`,
  numbers: (index) => (index % 2 === 0 ? index * 37 : index / 7),
};

/** So many of them that their JSON text fills the size; as if they came from outside, which is how V8 sees data. */
function makeValue(shape: (typeof shapes)[number], size: (typeof sizes)[number]): unknown {
  const list: unknown[] = [];
  const length = size === '1k' ? 1_024 : 65_536;
  for (let text = 2; text < length; text += JSON.stringify(list.at(-1)).length + 1)
    list.push(items[shape](list.length));
  return JSON.parse(JSON.stringify(list)) as unknown;
}

/** The work of such a row. An answer is its length, so that nothing can be left out. */
export function createCodecLap(feature: CodecFeature, codec: ByteCodec): Lap {
  const [work, shape, size] = feature.split('-') as [
    'encode' | 'decode',
    (typeof shapes)[number],
    (typeof sizes)[number],
  ];
  const values = Array.from({ length: 8 }, () => makeValue(shape, size) as unknown[]);
  const made = values.map((value) => codec.encode(value));
  const json = jsonBytes.encode(values[0]).length;
  if (made.some((bytes) => bytes.length > json)) throw new Error(`${feature}: larger than JSON`);
  const lengthOf = work === 'encode' ? (made[0] as Uint8Array).length : (values[0] as unknown[]).length;
  return {
    calls: values.length,
    run(laps) {
      let sum = 0;
      for (let lap = 0; lap < laps; lap++) {
        for (let index = 0; index < values.length; index++) {
          if (work === 'encode') sum += codec.encode(values[index]).length;
          else sum += (codec.decode(made[index] as Uint8Array) as unknown[]).length;
        }
      }
      return sum;
    },
    expect: (laps) => laps * values.length * lengthOf,
  };
}
