import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { assertHit, assertMiss, type ConformanceCase, setOrRefuse } from './case.ts';

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

/** What functions return: each kind is answered as it was stored, or refused. The first ones no store may refuse. */
const plainKinds: readonly (readonly [name: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['zero', () => 0],
  ['minus zero', () => -0],
  ['NaN', () => Number.NaN],
  ['a fraction', () => 0.1],
  ['a number beyond 32 bits', () => 2 ** 53 - 1],
  ['an empty string', () => ''],
  ['a string in many scripts', () => 'naïve 日本語 🎈 \u0000\n"\\'],
  ['a string of a million characters', () => 'x'.repeat(1_000_000)],
  ['an empty array', () => []],
  ['an array of arrays', () => [1, [2, [3, []]]]],
  ['an empty object', () => ({})],
  ['a plain object of plain objects', () => ({ id: '42', tags: ['a', 'b'], owner: { name: 'Ada', manager: null } })],
];

const otherKinds: typeof plainKinds = [
  ['Infinity', () => -Infinity],
  ['a bigint', () => 2n ** 70n],
  ['a lone surrogate', () => 'a\ud800b'],
  ['a property that is undefined', () => ({ there: undefined })],
  [
    'an array with a hole',
    () => {
      const array: unknown[] = [1];
      array[2] = 3;
      return array;
    },
  ],
  ['an object without prototype', () => Object.assign(Object.create(null) as object, { a: 1 })],
  ['a property named __proto__', () => JSON.parse('{"__proto__":{"polluted":true},"a":1}') as unknown],
  ['a Date', () => new Date(86_400_000.0)],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['a RegExp', () => /a[b-c]+/giu],
  [
    'a Map with keys of several types',
    () =>
      new Map<unknown, unknown>([
        [1, 'number'],
        ['1', new Map()],
        [null, -0],
      ]),
  ],
  ['a Set', () => new Set([Number.NaN, undefined, 'a'])],
  ['a URL', () => new URL('https://example.com/a?b=c#d')],
  [
    'an Error with a cause and fields of its own',
    () => Object.assign(new RangeError('too far', { cause: new Error('why') }), { status: 404 }),
  ],
  ['a Buffer', () => Buffer.from([0, 127, 128, 255])],
  ['a Float64Array', () => new Float64Array([0.5, -0, Number.NaN])],
  ['an ArrayBuffer', () => new Uint8Array([1, 2, 3]).buffer],
  [
    'an object that contains itself',
    () => {
      const self: Record<string, unknown> = { name: 'loop' };
      self['self'] = self;
      return self;
    },
  ],
  ['an instance of a class', () => new Point(1)],
  ['a function', () => assert],
  ['a symbol', () => Symbol('here only')],
];

/** Values: what was stored is what is answered. */
export const valueCases: readonly ConformanceCase[] = [
  ...plainKinds.map(
    ([kind, make]): ConformanceCase => ({
      name: `${kind} is answered as it was stored`,
      run: async (trial) => {
        const store = await trial.open();
        await store.set('k', trial.entry(make()));
        await assertHit(store, 'k', make());
      },
    }),
  ),
  ...otherKinds.map(
    ([kind, make]): ConformanceCase => ({
      name: `${kind} is answered as it was stored, or refused with a CodecError`,
      run: async (trial) => {
        const store = await trial.open();
        const value = make();
        if (await setOrRefuse(store, 'k', trial.entry(value))) await assertHit(store, 'k', value);
        else await assertMiss(store, 'k');
      },
    }),
  ),
  {
    name: 'a key that was never set has no entry, and one that holds undefined has one',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('undefined', trial.entry(undefined));
      await assertMiss(store, 'missing');
      await assertHit(store, 'undefined', undefined);
    },
  },
  {
    name: 'a second set replaces the value',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('first'));
      await store.set('k', trial.entry('second'));
      await assertHit(store, 'k', 'second');
    },
  },
  {
    name: 'undefined replaces a value',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('first'));
      await store.set('k', trial.entry(undefined));
      await assertHit(store, 'k', undefined);
    },
  },
  {
    name: 'a get changes nothing: a second one answers the same',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry({ a: [1] }));
      await assertHit(store, 'k', { a: [1] });
      await assertHit(store, 'k', { a: [1] });
    },
  },
];
