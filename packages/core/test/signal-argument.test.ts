import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { textOfArguments } from '../src/key/argument-text.ts';
import { withoutSignal, withSignal } from '../src/signal-argument.ts';

const seed = process.env['REPRISE_SEED'];

/** fast-check prints the seed of a failure; REPRISE_SEED=… runs it again. */
function runs(numRuns: number): fc.Parameters<unknown> {
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

const { signal } = new AbortController();
const { signal: other } = new AbortController();

function textOf(args: readonly unknown[]): string {
  return textOfArguments(args, { identity: true });
}

function raise(): never {
  throw new Error('code of the value was run');
}

const tag = Symbol('tag');

/** Calls with the signal, and those that have the same key. */
const calls: [string, readonly unknown[], readonly unknown[]][] = [
  ['as the last argument', ['1', signal], ['1']],
  ['as the only argument', [signal], []],
  ['twice at the end', ['1', signal, signal], ['1']],
  ['after an undefined of its own', ['1', undefined, signal], ['1', undefined]],
  ['in the middle', ['1', signal, 2], ['1', undefined, 2]],
  ['in front of an undefined', ['1', signal, undefined], ['1', undefined, undefined]],
  ['in an object', ['1', { signal }], ['1', {}]],
  ['in an object with more', [{ a: 1, signal, b: { c: 2 } }, 2], [{ a: 1, b: { c: 2 } }, 2]],
  ['under any name', [{ cancel: signal, [tag]: signal, __proto__: null }], [{}]],
  ['as an argument and in an object', [{ signal }, signal], [{}]],
  [
    'in two objects',
    [
      { signal, a: 1 },
      { signal, b: 1 },
    ],
    [{ a: 1 }, { b: 1 }],
  ],
  ['in a frozen object', [Object.freeze({ a: 1, signal })], [{ a: 1 }]],
  ['in a hidden property', [Object.defineProperty({ a: 1 }, 'signal', { value: signal })], [{ a: 1 }]],
];

describe('the key of a call with a signal', () => {
  it.each(calls)('%s is that of the call without it', (_name, args, expected) => {
    expect(textOf(withoutSignal(args, signal))).toBe(textOf(expected));
    expect(withoutSignal(args, signal)).toHaveLength(expected.length);
  });

  it('is that of an object of another realm without it', () => {
    const options = runInNewContext('({ a: 1, signal })', { signal });
    expect(textOf(withoutSignal([options], signal))).toBe(textOf([{ a: 1 }]));
  });

  it('keeps another signal', () => {
    const args = [other, { signal: other }];
    expect(withoutSignal(args, signal)).toBe(args);
    expect(textOf(withoutSignal([{ signal, other }], signal))).toBe(textOf([{ other }]));
  });

  it('keeps what is deeper, or in anything but a plain object', () => {
    class Options {
      readonly signal: AbortSignal = signal;
    }
    const args = [
      { options: { signal } },
      [signal],
      new Map([['signal', signal]]),
      new Options(),
      Object.create({ signal }),
    ];
    expect(withoutSignal(args, signal)).toBe(args);
    expect(withSignal(args, signal, other)).toBe(args);
  });

  it('keeps the property __proto__ of its own', () => {
    const options = Object.assign(JSON.parse('{"__proto__":{"a":1}}'), { signal });
    expect(textOf(withoutSignal([options], signal))).toBe(textOf([JSON.parse('{"__proto__":{"a":1}}')]));
  });
});

describe('a call with another signal', () => {
  it.each(calls)('%s has it in the same place, and the first as it was', (_name, args) => {
    const before = textOf(args);
    const replaced = withSignal(args, signal, other);
    expect(replaced).toHaveLength(args.length);
    expect(textOf(withSignal(replaced, other, signal))).toBe(before);
    expect(textOf(withoutSignal(replaced, other))).toBe(textOf(withoutSignal(args, signal)));
    expect(withoutSignal(replaced, signal)).toBe(replaced);
    expect(textOf(args)).toBe(before);
  });

  it('has the other arguments themselves, not copies', () => {
    const filter = { a: 1 };
    const nested = { b: 2 };
    const options = { signal, nested };
    const [first, second] = withSignal([filter, options], signal, other) as [object, typeof options];
    expect([first === filter, second === options, second.nested === nested]).toEqual([true, false, true]);
    expect([second.signal === other, options.signal === signal]).toEqual([true, true]);
  });

  it('has the object twice that was there twice', () => {
    const options = { signal };
    const [one, two] = withSignal([options, options], signal, other);
    expect(one).toBe(two);
    expect(one).toEqual({ signal: other });
  });

  it('has an object of the same kind: prototype, flags, accessors', () => {
    const options = Object.defineProperties(Object.create(null), {
      signal: { value: signal, enumerable: true },
      hidden: { value: 1, writable: true },
      total: { get: raise, enumerable: true },
      [tag]: { value: 2, configurable: true },
    });
    Object.preventExtensions(options);
    const [copy] = withSignal([options], signal, other) as [object];
    const { signal: property, ...others } = Object.getOwnPropertyDescriptors(options);
    expect(Object.getOwnPropertyDescriptors(copy)).toEqual({ ...others, signal: { ...property, value: other } });
    expect([Object.getPrototypeOf(copy), Object.isExtensible(copy)]).toEqual([null, false]);
    expect(Reflect.ownKeys(copy)).toEqual(Reflect.ownKeys(options));
  });
});

describe('arguments that must not be asked', () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const everything = new Proxy({}, { get: () => raise });
  const hostile: [string, object][] = [
    ['a proxy that throws', new Proxy({ signal }, everything)],
    ['a proxy that was revoked', revoked],
    ['a proxy as a prototype', Object.create(new Proxy({}, everything))],
    ['a getter', Object.defineProperty({}, 'signal', { get: raise, enumerable: true })],
    ['a getter of the tag', Object.defineProperty({ signal: 1 }, Symbol.toStringTag, { get: raise })],
    ['a setter', Object.defineProperty({}, 'signal', { set: raise })],
    ['a function', () => signal],
  ];

  it.each(hostile)('are left alone: %s', (_name, value) => {
    const args = [value, 1];
    expect(withoutSignal(args, signal)).toBe(args);
    expect(withSignal(args, signal, other)).toBe(args);
    const [kept, ...rest] = withoutSignal([value, signal], signal);
    expect([Object.is(kept, value), rest.length]).toEqual([true, 0]);
    const [same, replaced] = withSignal([value, signal], signal, other);
    expect([Object.is(same, value), replaced === other]).toEqual([true, true]);
  });

  it('are copied with an accessor that stands beside the signal, which is not run', () => {
    const options = Object.defineProperty({ signal }, 'total', { get: raise, enumerable: true });
    const [copy] = withoutSignal([options], signal) as [object];
    expect(Object.getOwnPropertyDescriptor(copy, 'total')?.get).toBe(raise);
    expect(Reflect.ownKeys(copy)).toEqual(['total']);
  });
});

describe('wherever the signal is put, 1,000 times,', () => {
  /** An argument with the signal, and as it counts for the key. */
  type Place = readonly [given: unknown, counted: unknown];

  const key = fc.constantFrom('a', 'b', 'c', '0', '__proto__', 'toString');
  const fields = fc.array(fc.tuple(key, fc.nat(3)), { maxLength: 3 });
  const place = fc.oneof(
    fc.constant<Place>([signal, undefined]),
    fc.constantFrom<unknown>(undefined, null, 1, 'a', [1], other).map((value): Place => [value, value]),
    fields.map((list): Place => [makeObject(list), makeObject(list)]),
    fields.map((list): Place => [makeObject([...list, ['signal', signal]]), makeObject(list)]),
  );

  function makeObject(list: [string, unknown][]): object {
    const object = {};
    for (const [name, value] of list)
      Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
    return Object.freeze(object);
  }

  it('the key is that of the call without it, and nothing was changed', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 5 }), (places) => {
        const args = places.map(([given]) => given);
        const end = args.findLastIndex((given) => given !== signal) + 1;
        const before = textOf(args);
        expect(textOf(withoutSignal(args, signal))).toBe(textOf(places.slice(0, end).map(([, counted]) => counted)));
        const { signal: third } = new AbortController();
        const replaced = withSignal(args, signal, third);
        expect(replaced).toHaveLength(args.length);
        expect(textOf(withSignal(replaced, third, signal))).toBe(before);
        expect(textOf(args)).toBe(before);
      }),
      runs(1_000),
    );
  });
});
