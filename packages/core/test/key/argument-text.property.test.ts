import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { textOfArgument } from '../../src/key/argument-text.ts';
import { isEqual } from './structural-equality.ts';
import { copyArbitrarily, countLeaves, mutateLeaf } from './value-changes.ts';

const seed = process.env['REPRISE_SEED'];

/** fast-check prints the seed of a failure; REPRISE_SEED=… runs it again. */
function runs(numRuns: number): fc.Parameters<unknown> {
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

type WriteText = (value: unknown) => string;
const textOf: WriteText = (value) => textOfArgument(value, { identity: true });

const key = fc.constantFrom(
  'a',
  'b',
  'aa',
  '',
  '1',
  '10',
  '2',
  '"',
  ',',
  ':',
  '__proto__',
  'constructor',
  'length',
  'é',
  '\ud800',
);
const few = fc.constantFrom<unknown>(
  0,
  -0,
  1,
  '',
  'a',
  '1',
  '0',
  null,
  undefined,
  true,
  'null',
  'undefined',
  'true',
  1n,
  Number.NaN,
  'NaN',
  '[]',
  '{}',
  ',',
  '"',
);
const codeUnits = fc.array(fc.nat(0xffff), { maxLength: 4 }).map((codes) => String.fromCharCode(...codes));
const leaf = fc.oneof(
  { weight: 6, arbitrary: few },
  fc.string(),
  fc.string({ unit: 'binary' }),
  codeUnits,
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: -3n, max: 3n }),
);
const bytes = fc.array(fc.nat(2), { maxLength: 3 });
const opaque = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.nat(3).map((time) => new Date(time)),
  fc
    .constantFrom('a', 'a/', '/', '[/]', '\\n')
    .chain((source) => fc.constantFrom('', 'g', 'gi').map((flags) => new RegExp(source, flags))),
  fc.constantFrom('', '?', '?a', '?a=', '#').map((rest) => new URL(`http://a/${rest}`)),
  fc.array(fc.tuple(key, key), { maxLength: 2 }).map((pairs) => new URLSearchParams(pairs)),
  fc.constantFrom<unknown>(0, 1, '', 'a', true, 1n).map((value) => Object(value) as object),
  bytes.chain((list) =>
    fc.constantFrom<object>(
      Buffer.from(list),
      Uint8Array.from(list),
      Int8Array.from(list),
      Uint16Array.from(list),
      Float32Array.from(list),
      Float64Array.from(list, (item) => item / 2),
      BigInt64Array.from(list, BigInt),
      Uint8Array.from(list).buffer,
      new DataView(Uint8Array.from(list).buffer),
    ),
  ),
);

function makeObject(
  entries: readonly (readonly [string, unknown])[],
  prototype: object | null = Object.prototype,
): object {
  const object = Object.create(prototype) as object;
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

const hole = Symbol('hole');

const { value } = fc.letrec<{ value: unknown; inner: unknown }>((tie) => {
  const inner = tie('inner');
  const entries = fc.uniqueArray(fc.tuple(key, inner), { maxLength: 4, selector: ([name]) => name });
  const list = fc.array(fc.oneof({ weight: 9, arbitrary: inner }, { weight: 1, arbitrary: fc.constant(hole) }), {
    maxLength: 4,
  });
  return {
    inner: fc.oneof({ maxDepth: 4, depthIdentifier: 'value' }, { weight: 3, arbitrary: leaf }, tie('value')),
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'value' },
      { weight: 1, arbitrary: leaf },
      { weight: 1, arbitrary: opaque },
      { weight: 3, arbitrary: entries.map((pairs) => makeObject(pairs)) },
      { weight: 1, arbitrary: entries.map((pairs) => makeObject(pairs, null)) },
      { weight: 3, arbitrary: list.map(makeArray) },
      {
        weight: 1,
        arbitrary: fc.tuple(list, inner).map(([items, extra]) => Object.assign(makeArray(items), { extra })),
      },
      { weight: 2, arbitrary: fc.array(fc.tuple(inner, inner), { maxLength: 3 }).map((pairs) => new Map(pairs)) },
      { weight: 2, arbitrary: fc.array(inner, { maxLength: 3 }).map((items) => new Set(items)) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(Error, TypeError), fc.constantFrom('', 'a'), inner)
          .map(([Type, message, code]) => Object.assign(new Type(message, { cause: code }), { code })),
      },
    ),
  };
});

function makeArray(items: readonly unknown[]): unknown[] {
  const array: unknown[] = new Array(items.length);
  items.forEach((item, index) => {
    if (item !== hole) array[index] = item;
  });
  return array;
}

/** Values of few leaves and little depth: two of them are often nearly equal, and now and then equal. */
const { small } = fc.letrec<{ small: unknown }>((tie) => {
  const inner = fc.oneof({ weight: 2, arbitrary: few }, tie('small'));
  return {
    small: fc.oneof(
      { maxDepth: 2 },
      few,
      fc.array(inner, { maxLength: 2 }),
      fc.array(inner, { maxLength: 2 }).map((items) => new Set(items)),
      fc.array(fc.tuple(few, inner), { maxLength: 2 }).map((pairs) => new Map(pairs)),
      fc.array(fc.tuple(fc.constantFrom('a', 'b'), inner), { maxLength: 2 }).map((pairs) => makeObject(pairs)),
    ),
  };
});

const random = fc.infiniteStream(fc.nat(1_000)).map((stream) => () => (stream.next().value ?? 0) / 1_001);

const comparesPairs = (write: WriteText) =>
  fc.property(small, small, (one, other) => {
    expect(write(one) === write(other)).toBe(isEqual(one, other));
  });

const comparesLargePairs = (write: WriteText) =>
  fc.property(value, value, (one, other) => {
    expect(write(one) === write(other)).toBe(isEqual(one, other));
  });

const keepsCopies = (write: WriteText) =>
  fc.property(value, random, (original, next) => {
    const copy = copyArbitrarily(original, next);
    expect(isEqual(original, copy)).toBe(true);
    expect(write(copy)).toBe(write(original));
  });

const tellsMutations = (write: WriteText) =>
  fc.property(value, fc.nat(), (original, at) => {
    const leaves = countLeaves(original);
    fc.pre(leaves > 0);
    const mutation = mutateLeaf(original, at % leaves);
    expect(isEqual(original, mutation)).toBe(false);
    expect(write(mutation)).not.toBe(write(original));
  });

describe('the text of any value', () => {
  it('is the same for two small values exactly if they are equal', () => {
    fc.assert(comparesPairs(textOf), runs(6_000));
  });

  it('is the same for two values exactly if they are equal', () => {
    fc.assert(comparesLargePairs(textOf), runs(2_000));
  });

  it('is the same for a copy with keys, Maps and Sets in another order', () => {
    fc.assert(keepsCopies(textOf), runs(2_000));
  });

  it('differs when one leaf differs', () => {
    fc.assert(tellsMutations(textOf), runs(2_000));
  });

  it('is read the same in the place of a nested value', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(textOf([one, other])).toBe(`[${textOf(one)},${textOf(other)}]`);
      }),
      runs(500),
    );
  });
});

describe('the text of any graph', () => {
  type Edges = readonly (readonly [from: number, to: number, name: string])[];

  /** Objects that lead to each other by name, made in the order that is given. */
  function makeGraph(edges: Edges, labels: readonly number[]): object {
    const nodes = labels.map((label) => ({ label }) as Record<string, unknown>);
    for (const [from, to, name] of edges) {
      const source = nodes[from % nodes.length] as Record<string, unknown>;
      source[name] = nodes[to % nodes.length];
    }
    return nodes[0] as object;
  }

  const edge = fc.tuple(fc.nat(4), fc.nat(4), fc.constantFrom('a', 'b'));
  const labels = fc.array(fc.nat(1), { minLength: 1, maxLength: 4 });

  it('is never the same for graphs that differ', () => {
    fc.assert(
      fc.property(
        fc.array(edge, { maxLength: 6 }),
        fc.array(edge, { maxLength: 6 }),
        labels,
        labels,
        (e1, e2, l1, l2) => {
          const [one, other] = [makeGraph(e1, l1), makeGraph(e2, l2)];
          if (textOf(one) === textOf(other)) expect(isEqual(one, other)).toBe(true);
        },
      ),
      runs(5_000),
    );
  });

  it('is the same for a graph of Maps and Sets that was made in another order', () => {
    const friendships = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 8 });
    const shuffled = friendships.chain((pairs) =>
      fc.tuple(fc.constant(pairs), fc.shuffledSubarray(pairs, { minLength: pairs.length, maxLength: pairs.length })),
    );
    const make = (pairs: readonly (readonly [number, number])[]): object => {
      const people = [0, 1, 2, 3].map((id) => ({ id, friends: new Set<object>(), known: new Map<object, number>() }));
      for (const [from, to] of pairs) {
        people[from]?.friends.add(people[to] as object);
        people[to]?.known.set(people[from] as object, 1);
      }
      return people[0] as object;
    };
    fc.assert(
      fc.property(shuffled, ([pairs, others]) => {
        expect(textOf(make(others))).toBe(textOf(make(pairs)));
      }),
      runs(1_000),
    );
  });
});

describe('these properties', () => {
  type MakeProperty = (write: WriteText) => fc.IProperty<unknown>;
  const pairs = comparesPairs as MakeProperty;
  const copies = keepsCopies as MakeProperty;
  const mutations = tellsMutations as MakeProperty;

  /** Text functions with the usual mistakes. */
  const mistakes: [name: string, write: WriteText, makeProperty: MakeProperty][] = [
    ['strings without quotes', (v) => textOf(v).replaceAll('"', ''), mutations],
    ['undefined as null', (v) => textOf(v).replaceAll('undefined', 'null'), mutations],
    ['big integers as numbers', (v) => textOf(v).replace(/(\d)n/g, '$1'), mutations],
    ['a Set as an array', (v) => textOf(v).replace(/Set\{([^{}[\]]*)\}/g, '[$1]'), pairs],
    ['no order', (v) => textOf(v).replaceAll(/[[\]{},]/g, ''), pairs],
    ['keys as they come', (v) => JSON.stringify(v, (_, inner) => writeUnsorted(inner)) ?? 'undefined', copies],
    ['holes as undefined', (v) => textOf(v).replace(/(?<=[[,])_/g, 'undefined'), mutations],
    ['lone surrogates replaced', (v) => textOf(v).replace(/\\ud[89a-f]../g, '\ufffd'), mutations],
    ['the first 20 characters', (v) => textOf(v).slice(0, 20), mutations],
  ];

  const writeUnsorted = (inner: unknown): unknown => (typeof inner === 'object' ? inner : textOf(inner));

  it.each(mistakes)('catch %s', (_name, write, makeProperty) => {
    const { failed } = fc.check(makeProperty(write), { numRuns: 5_000, seed: 1, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
