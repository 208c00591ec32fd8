import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { KeyError } from '@reprise/store';
import fc from 'fast-check';
import { ArgumentIndex, Slot, SlotIndex } from '../../src/key/argument-index.ts';
import { textOfArguments } from '../../src/key/argument-text.ts';
import { cacheKey } from '../../src/key/cache-key.ts';
import { capturePath } from '../../src/key/index-token.ts';

const seed = process.env['REPRISE_SEED'];

/** fast-check prints the seed of a failure; REPRISE_SEED=… runs it again. */
function runs(numRuns: number): fc.Parameters<unknown> {
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Until a condition holds that the garbage collector brings about. A look through a WeakRef keeps its target for the turn. */
async function collected(condition: () => boolean): Promise<boolean> {
  for (let round = 0; round < 200; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
    if (condition()) return true;
  }
  return false;
}

function textOf(args: readonly unknown[]): string {
  return textOfArguments(args, { identity: true });
}

describe('ArgumentIndex', () => {
  class User {
    readonly id: number;
    constructor(id: number) {
      this.id = id;
    }
  }
  class Keyed extends User {
    [cacheKey](): number {
      return this.id;
    }
  }
  const user = new User(1);
  const noop = (): void => {};
  const lonely = Symbol('lonely');

  /** Pairs that share nothing. */
  const different: [string, unknown[], unknown[]][] = [
    ['no argument and undefined', [], [undefined]],
    ['undefined and null', [undefined], [null]],
    ['a missing and an undefined second argument', [1], [1, undefined]],
    ['a number and its text', [1], ['1']],
    ['a number and a bigint', [1], [1n]],
    ['a string and the text of an array', ['[1]'], [[1]]],
    ['a string and the text of an object', ['{"a":1}'], [{ a: 1 }]],
    ['a string and the text of an instance', ['User#1'], [user]],
    ['two arguments and one array of them', [1, 2], [[1, 2]]],
    ['an array and an object with its indices', [[1]], [{ 0: 1 }]],
    ['strings that meet at a separator', ['a', 'b:c'], ['a:b', 'c']],
    ['an object in front of another argument', [{ a: 1 }, 2], [{ a: 1, b: 2 }]],
    ['values on the other side of a key', [{ a: 1, b: 2 }], [{ a: 2, b: 1 }]],
    ['an undefined and a missing property', [{ a: undefined }], [{}]],
    ['one key that reads like two', [{ '["a","b"]': 1 }], [{ a: 1, b: 1 }]],
    ['instances of one class', [new User(1)], [new User(1)]],
    ['an instance and a plain object', [new User(1)], [{ id: 1 }]],
    ['a proxy and what it stands for', [new Proxy({ a: 1 }, {})], [{ a: 1 }]],
    ['an object with and without a symbol key', [{ a: 1, [lonely]: 1 }], [{ a: 1 }]],
    ['symbol keys with other values', [{ a: 1, [lonely]: 1 }], [{ a: 1, [lonely]: 2 }]],
    ['a hidden symbol key and none', [Object.defineProperty({ a: 1 }, lonely, { value: 1 })], [{ a: 1 }]],
    ['a hidden property and none', [Object.defineProperty({ a: 1 }, 'b', { value: 1 })], [{ a: 1 }]],
    ['a hidden property and a visible one', [Object.defineProperty({ a: 1 }, 'b', { value: 1 })], [{ a: 1, b: 1 }]],
    ['symbols of one description', [Symbol('a')], [Symbol('a')]],
    ['a registered symbol and another one', [Symbol.for('a')], [Symbol('a')]],
    ['functions', [() => 1], [() => 1]],
    ['objects that hold different instances', [{ user }], [{ user: new User(1) }]],
    ['keyed instances of other ids', [new Keyed(1)], [new Keyed(2)]],
    ['inherited and own properties', [Object.create({ a: 1 })], [{ a: 1 }]],
    ['maps whose keys differ in type', [new Map([[1, 'a']])], [new Map([['1', 'a']])]],
    ['dates', [new Date(0)], [new Date(1)]],
    ['a nested and a flat object', [{ a: { b: 1 } }], [{ a: '{"b":1}' }]],
    [
      'arguments and an object like them',
      [
        (function (_: number) {
          return arguments;
        })(1),
      ],
      [{ 0: 1 }],
    ],
  ];

  /** Pairs that are one call. */
  const equal: [string, unknown[], unknown[]][] = [
    ['NaN', [Number.NaN], [Number.NaN]],
    ['0 and -0', [0], [-0]],
    ['0 and -0 in an object', [{ a: 0 }], [{ a: -0 }]],
    ['keys in another order', [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    ['keys in another order, in front of another argument', [{ b: 2, a: 1 }, 3], [{ a: 1, b: 2 }, 3]],
    ['without prototype', [Object.assign(Object.create(null), { a: 1 })], [{ a: 1 }]],
    ['of another realm', [runInNewContext('({ a: 1 })')], [{ a: 1 }]],
    [
      'a getter and a value',
      [
        {
          get a() {
            return 1;
          },
        },
      ],
      [{ a: 1 }],
    ],
    ['the same instance', [user, 1], [user, 1]],
    ['the same function', [noop], [noop]],
    ['the same symbol', [lonely], [lonely]],
    ['a registered symbol', [Symbol.for('a')], [Symbol.for('a')]],
    ['the same instance in objects', [{ user, page: 1 }], [{ page: 1, user }]],
    ['nested objects', [{ a: { b: [1], c: new Date(0) } }], [{ a: { c: new Date(0), b: [1] } }]],
    ['keyed instances', [new Keyed(1)], [new Keyed(1)]],
    [
      'maps in another order',
      [
        new Map([
          [1, 2],
          [3, 4],
        ]),
      ],
      [
        new Map([
          [3, 4],
          [1, 2],
        ]),
      ],
    ],
    ['empty objects', [{}], [{}]],
    ['a property called __proto__', [JSON.parse('{"__proto__":1}')], [JSON.parse('{"__proto__":1}')]],
  ];

  it.each(different)('tells apart %s', (_, one, other) => {
    const index = new ArgumentIndex<string>();
    index.put(capturePath(one), 'one');
    expect(index.find(other)).toBeUndefined();
    index.put(capturePath(other), 'other');
    // Twice: the second look takes the short way.
    for (const _ of [1, 2]) {
      expect(index.find(one)).toBe('one');
      expect(index.find(other)).toBe('other');
    }
    expect(textOf(one)).not.toBe(textOf(other));
  });

  it.each(equal)('takes for one: %s', (_, one, other) => {
    const index = new ArgumentIndex<string>();
    index.put(capturePath(one), 'leaf');
    for (const _ of [1, 2]) {
      expect(index.find(other)).toBe('leaf');
      expect(index.find(one)).toBe('leaf');
    }
    index.put(capturePath(other), 'newer');
    expect(index.size).toBe(1);
    expect(index.find(one)).toBe('newer');
    expect(textOf(one)).toBe(textOf(other));
  });

  it.each([...different, ...equal])('forgets all of %s when told', (_, one, other) => {
    const index = new SlotIndex<Slot>();
    const slots = [one, other].map((args) => {
      const slot = index.find(args) ?? new Slot();
      if (slot.level === undefined) index.add(args, slot);
      return slot;
    });
    expect(index.textOf(slots[0] as Slot)).toBe(textOf(one));
    expect(index.textOf(slots[1] as Slot)).toBe(textOf(other));
    for (const slot of new Set(slots)) {
      expect(index.remove(slot)).toBe(true);
      expect(index.remove(slot)).toBe(false);
    }
    expect(index.size).toBe(0);
    expect([...index.slots()]).toEqual([]);
    for (const arity of [0, 1, 2]) expect(index.root(arity).isEmpty).toBe(true);
  });

  it('keeps a snapshot, whatever becomes of the caller’s object', () => {
    const index = new ArgumentIndex<string>();
    const flat: Record<string, unknown> = { a: 1 };
    const deep = { list: [1] };
    index.put(capturePath([flat]), 'flat');
    index.put(capturePath([deep]), 'deep');
    flat['a'] = 2;
    deep.list.push(2);
    expect(index.find([flat])).toBeUndefined();
    expect(index.find([deep])).toBeUndefined();
    expect(index.find([{ a: 1 }])).toBe('flat');
    expect(index.find([{ list: [1] }])).toBe('deep');
  });

  it('finds a path that was captured before the object changed', () => {
    const index = new ArgumentIndex<string>();
    const object = { a: 1, b: 2 };
    const path = capturePath([object]);
    object.a = 3;
    index.put(capturePath([{ b: 2, a: 1 }]), 'leaf');
    expect(index.at(path)).toBe('leaf');
    expect(index.placeOf(path)).toBeDefined();
  });

  it('names the argument that cannot be read', () => {
    const index = new ArgumentIndex<string>();
    const trap = {
      get a(): never {
        throw new Error('trap');
      },
    };
    index.put(capturePath([1, { a: 1 }]), 'leaf');
    expect(() => index.find([1, trap])).toThrow(KeyError);
    expect(() => index.find([1, trap])).toThrow(/argument at index 1.*trap/);
    index.put(capturePath([{ a: 1 }]), 'leaf');
    expect(() => index.find1(trap)).toThrow(KeyError);
  });

  it('finds any number of arguments, one of them also by itself', () => {
    const index = new ArgumentIndex<string>();
    for (const args of [[], ['a'], [{ a: 1 }], ['a', [1]], [{ a: 1 }, 'b'], [user, 1, { c: 1 }], [1, 2, 3]]) {
      index.put(capturePath(args), textOf(args));
    }
    expect(index.find([])).toBe('');
    expect(index.find1('a')).toBe('"a"');
    expect(index.find1({ a: 1 })).toBe('{"a":1}');
    expect(index.find1('b')).toBeUndefined();
    expect(index.find(['a', [1]])).toBe('"a",[1]');
    expect(index.find([{ a: 1 }, 'b'])).toBe('{"a":1},"b"');
    expect(index.find(['a', 1])).toBeUndefined();
    expect(index.find([user, 1, { c: 1 }])).toBe(textOf([user, 1, { c: 1 }]));
    expect(index.find([1, 2, 3])).toBe('1,2,3');
    expect(index.find([1, 2, 4])).toBeUndefined();
    expect(index.find([1, 2, 3, 4])).toBeUndefined();
  });

  it('lists everything, and takes everything out at once', () => {
    const index = new ArgumentIndex<number>();
    const calls = [[], [1], [{ a: 1 }], [{ a: 1 }, { b: user }], [[1], 'x', noop], [user], [1, 2, 3, 4, 5]];
    for (const [number, args] of calls.entries()) index.put(capturePath(args), number);
    expect([...index.leaves()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([...index.places()].map((place) => index.textsAt(place).join(',')).sort()).toEqual(calls.map(textOf).sort());
    expect(index.size).toBe(7);
    index.clear();
    expect(index.size).toBe(0);
    expect([...index.leaves()]).toEqual([]);
    for (const args of calls) expect(index.find(args)).toBeUndefined();
  });

  it('recognises objects of many shapes at one place', () => {
    const index = new ArgumentIndex<number>();
    const make = (number: number): object =>
      Object.fromEntries([
        [`k${number}`, 1],
        ['same', number],
      ]);
    for (let number = 0; number < 50; number++) index.put(capturePath([make(number)]), number);
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 50; number++) expect(index.find([make(number)])).toBe(number);
    }
    expect(index.size).toBe(50);
  });

  describe('with what is known by identity', () => {
    it('lets it go, its leaves with it', async () => {
      const index = new ArgumentIndex<object>();
      const kept = {};
      index.put(capturePath([1]), kept);
      const refs: WeakRef<object>[] = [];
      const fill = (make: () => object): void => {
        for (const args of [
          (value: object) => [value],
          (value: object) => ['a', value],
          (value: object) => [value, 'a'],
          (value: object) => [{ value }],
          (value: object) => [value, new User(2)],
        ]) {
          const value = make();
          refs.push(new WeakRef(value));
          // The leaf leads back to what it stands behind.
          index.put(capturePath(args(value)), { value });
        }
      };
      fill(() => new User(1));
      fill(() => () => 1);
      fill(() => Promise.resolve());
      expect(index.size).toBe(16);
      expect(await collected(() => refs.every((ref) => ref.deref() === undefined) && index.size === 1)).toBe(true);
      expect([...index.leaves()]).toEqual([kept]);
      expect(index.root(2).isEmpty).toBe(true);
    });

    it('tells which leaves went that are held elsewhere', async () => {
      const lost: Slot[] = [];
      const index = new SlotIndex<Slot>((slot) => lost.push(slot));
      const slots = [new Slot(), new Slot(), new Slot(), new Slot()];
      const fill = (): void => {
        const user = new User(1);
        index.add([user], slots[0] as Slot);
        index.add([user, 1], slots[1] as Slot);
        index.add([{ user }, 1], slots[2] as Slot);
        index.add([1], slots[3] as Slot);
      };
      fill();
      expect(await collected(() => lost.length === 3)).toBe(true);
      expect(new Set(lost)).toEqual(new Set(slots.slice(0, 3)));
      expect([...index.slots()]).toEqual([slots[3]]);
      expect(index.textOf(slots[1] as Slot)).toMatch(/^User#\d+,1$/);
    });

    it('is not kept waiting by what was removed before', async () => {
      const lost: Slot[] = [];
      const index = new SlotIndex<Slot>((slot) => lost.push(slot));
      let ref: WeakRef<object> | undefined;
      const fill = (): void => {
        const user = new User(1);
        ref = new WeakRef(user);
        for (let round = 0; round < 100; round++) {
          const slot = new Slot();
          index.add([user], slot);
          index.remove(slot);
        }
      };
      fill();
      expect(await collected(() => ref?.deref() === undefined)).toBe(true);
      expect(lost).toEqual([]);
      expect(index.size).toBe(0);
    });
  });

  describe('and the text of the arguments', () => {
    const instances = [
      new User(1),
      new User(1),
      noop,
      () => 1,
      lonely,
      Symbol('lonely'),
      new Keyed(1),
      new Proxy({ a: 1 }, {}),
    ];
    const primitive = fc.constantFrom<unknown>(
      0,
      -0,
      1,
      2,
      '',
      '0',
      '1',
      'a',
      'b',
      '"',
      ',',
      '{}',
      '[]',
      '{"a":1}',
      'null',
      'undefined',
      null,
      undefined,
      true,
      false,
      1n,
      Number.NaN,
      'NaN',
      Infinity,
      Symbol.for('a'),
    );
    const key = fc.constantFrom('a', 'b', 'c', '0', '1', '', '"', '__proto__', 'constructor', 'toString', 'length');
    const identity = fc.constantFrom<unknown>(...instances, new Keyed(1), new Keyed(2));
    const leaf = fc.oneof({ weight: 5, arbitrary: primitive }, { weight: 1, arbitrary: identity });

    /** An object made of entries, in one of the ways that objects come to be. */
    function makeObject(entries: [string, unknown][], way: number): object {
      const object = (way === 1 ? Object.create(null) : {}) as Record<PropertyKey, unknown>;
      entries.forEach(([key, value], index) => {
        Object.defineProperty(object, key, {
          ...(way === 2 ? { get: () => value } : { value, writable: true }),
          enumerable: !(way === 3 && index === 0),
          configurable: true,
        });
      });
      if (way === 4) object[lonely] = entries.length;
      if (way === 5) object[Symbol.for('a')] = 1;
      if (way === 6) Object.defineProperty(object, lonely, { value: entries.length });
      return object;
    }
    const ways = fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 5, 6);
    const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        { weight: 4, arbitrary: leaf },
        { weight: 3, arbitrary: tie('object') },
        { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
        { weight: 1, arbitrary: fc.array(leaf, { maxLength: 2 }).map((values) => new Set(values)) },
        { weight: 1, arbitrary: fc.array(fc.tuple(leaf, leaf), { maxLength: 2 }).map((pairs) => new Map(pairs)) },
        { weight: 1, arbitrary: fc.nat(2).map((time) => new Date(time)) },
      ),
      object: fc
        .tuple(fc.uniqueArray(fc.tuple(key, tie('value')), { maxLength: 3, selector: ([key]) => key }), ways)
        .map(([entries, way]) => makeObject(entries, way)),
    }));
    const flat = fc
      .tuple(fc.uniqueArray(fc.tuple(key, leaf), { maxLength: 3, selector: ([key]) => key }), ways)
      .map(([entries, way]) => makeObject(entries, way));
    const args = fc.array(fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 2, arbitrary: flat }, value), {
      maxLength: 3,
    });

    it('agree on what is equal, in a thousand sets of twenty calls each', () => {
      fc.assert(
        fc.property(fc.array(args, { minLength: 20, maxLength: 20 }), (calls) => {
          const index = new ArgumentIndex<string>();
          const texts = new Set<string>();
          for (const call of calls) {
            const text = textOf(call);
            // What is found is what was put for the same text, on the short way and on the long.
            expect(index.find(call)).toBe(texts.has(text) ? text : undefined);
            texts.add(text);
            const place = index.put(capturePath(call), text);
            expect(index.textsAt(place).join(',')).toBe(text);
            expect(index.find(call)).toBe(text);
          }
          expect(index.size).toBe(texts.size);
          expect(new Set(index.leaves())).toEqual(texts);
        }),
        runs(1_000),
      );
    }, 60_000);

    it('agree after removals in any order', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(args, fc.boolean()), { maxLength: 40 }), (steps) => {
          const index = new SlotIndex<Slot>();
          const model = new Map<string, Slot>();
          for (const [call, adds] of steps) {
            const text = textOf(call);
            const slot = index.find(call);
            expect(slot).toBe(model.get(text));
            if (slot === undefined && adds) {
              const added = new Slot();
              index.add(call, added);
              model.set(text, added);
            } else if (slot !== undefined && !adds) {
              expect(index.remove(slot)).toBe(true);
              model.delete(text);
            }
            expect(index.size).toBe(model.size);
          }
          for (const slot of [...model.values()]) index.remove(slot);
          for (const arity of [0, 1, 2, 3]) expect(index.root(arity).isEmpty).toBe(true);
        }),
        runs(500),
      );
    }, 60_000);
  });
});
