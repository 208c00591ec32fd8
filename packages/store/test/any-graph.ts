import fc from 'fast-check';

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('\ud800', 'a\udfff', '\ufffd', '"', '\\', '\n', 'x'.repeat(200)),
);
const name = fc
  .oneof(text, fc.constantFrom('constructor', 'toJSON', 'valueOf', 'prototype', 'length', '0', '10', '', 'then'))
  .filter((candidate) => candidate !== '__proto__');
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 2 ** 53));
const bytes = fc.uint8Array({ maxLength: 20 });

/** What has no parts of which it could be one itself. Made anew each time, so that nothing is shared by mistake. */
const leaf: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(text, number, fc.boolean(), fc.constantFrom(undefined, null)).map((v) => () => v) },
  fc.bigInt().map((v) => () => v),
  fc.date({ noInvalidDate: false }).map((v) => () => new Date(v)),
  fc
    .record({
      source: fc.constantFrom('a', '(?<n>b)|c', '\\/', '[^\\]]', '(?:)'),
      flags: fc.constantFrom('', 'g', 'giu', 'dsy'),
      at: fc.nat(9),
    })
    .map(
      ({ source, flags, at }) =>
        () =>
          Object.assign(new RegExp(source, flags), { lastIndex: at }),
    ),
  fc.webUrl({ withFragments: true, withQueryParameters: true }).map((v) => () => new URL(v)),
  bytes.map((v) => () => Buffer.from(v)),
  bytes.map((v) => () => Uint8Array.from(v).buffer),
  bytes.map((v) => () => new DataView(Uint8Array.from(v).buffer)),
  fc
    .oneof(
      fc.int8Array(),
      fc.uint8Array(),
      fc.uint8ClampedArray(),
      fc.int16Array(),
      fc.uint16Array(),
      fc.int32Array(),
      fc.uint32Array(),
      fc.float32Array(),
      fc.float64Array(),
      fc.bigInt64Array(),
      fc.bigUint64Array(),
    )
    .map((v) => () => v.slice()),
);

/** A part of a container: a leaf, or one of the other containers by its number, whichever it is. */
const part = fc.oneof(
  { weight: 2, arbitrary: leaf.map((make) => ({ make })) },
  { weight: 1, arbitrary: fc.nat(11).map((link) => ({ link })) },
);
const errorClasses = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as const;
const container = fc.record({
  kind: fc.constantFrom('object', 'bare', 'array', 'sparse', 'map', 'set', 'error', 'aggregate'),
  seed: fc.nat(6),
  parts: fc.array(fc.tuple(name, part, part), { maxLength: 5 }),
});
type Container = typeof container extends fc.Arbitrary<infer Type> ? Type : never;
type Part = typeof part extends fc.Arbitrary<infer Type> ? Type : never;

/**
 * Values of all kinds that the codec keeps, in graphs of up to twelve containers that hold each other: shared, in cycles, in themselves.
 * Errors are made without the stacks of this run, which would be another in every failure.
 */
export const anyGraph: fc.Arbitrary<unknown> = fc
  .oneof(
    { weight: 1, arbitrary: leaf.map((make) => ({ leaf: make, containers: [] as Container[] })) },
    {
      weight: 4,
      arbitrary: fc
        .array(container, { minLength: 1, maxLength: 12 })
        .map((containers) => ({ leaf: undefined, containers })),
    },
  )
  .map(({ leaf: make, containers }) => (make === undefined ? build(containers) : make()));

function build(containers: readonly Container[]): unknown {
  const made = containers.map(({ kind, seed }) => begin(kind, seed));
  const take = (one: Part): unknown => ('make' in one ? one.make() : made[one.link % made.length]);
  for (const [at, { kind, seed, parts }] of containers.entries()) {
    const target = made[at] as object;
    for (const [index, [field, one, other]] of parts.entries()) {
      if (kind === 'map') (target as Map<unknown, unknown>).set(take(one), take(other));
      else if (kind === 'set') (target as Set<unknown>).add(take(one));
      else if (kind === 'array') (target as unknown[]).push(take(one));
      else if (kind === 'sparse') (target as unknown[])[index * seed + 1] = take(one);
      else if (field !== 'stack' || !(target instanceof Error)) (target as Record<string, unknown>)[field] = take(one);
    }
    if (kind === 'sparse') (target as unknown[]).length += seed;
  }
  return made[0];
}

function begin(kind: Container['kind'], seed: number): object {
  switch (kind) {
    case 'bare':
      return Object.create(null) as object;
    case 'array':
    case 'sparse':
      return [];
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'error':
    case 'aggregate': {
      const Kind = errorClasses[seed] as ErrorConstructor;
      const options = seed % 2 === 0 ? { cause: seed } : undefined;
      const error = kind === 'error' ? new Kind(`of ${seed}`, options) : new AggregateError([seed], 'all', options);
      error.stack = `${error.name}: at nowhere`;
      return error;
    }
    default:
      return {};
  }
}
