import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  CodecError,
  defaultCodec as codec,
  createCodec,
  decodeEnvelope,
  encodeEnvelope,
  OptionError,
  registerClass,
} from '@reprise/store';
import fc from 'fast-check';

class Money {
  readonly #cents: bigint;
  readonly currency: string;
  constructor(cents: bigint, currency: string) {
    this.#cents = cents;
    this.currency = currency;
  }
  get cents(): bigint {
    return this.#cents;
  }
}
registerClass(Money, {
  name: 'shop.Money',
  encode: ({ cents, currency }) => [cents, currency] as const,
  decode: ([cents, currency]) => new Money(cents, currency),
});

/** Its constructor is private. */
class Path {
  readonly steps: readonly unknown[];
  private constructor(steps: readonly unknown[]) {
    this.steps = steps;
  }
  static of(...steps: unknown[]): Path {
    return new Path(steps);
  }
}
registerClass(Path, { encode: ({ steps }) => steps, decode: (steps) => Path.of(...steps) });

class Gone extends Error {
  readonly status = 410;
}
registerClass(Gone, { encode: ({ message }) => message, decode: (message) => new Gone(message) });

const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('an instance of a registered class', () => {
  it('comes back as one, wherever it stands', () => {
    const copy = roundTrip({ list: [new Money(5n, 'EUR')], map: new Map([[new Money(1n, 'CHF'), 1]]) }) as {
      list: [Money];
      map: Map<Money, number>;
    };
    expect(copy.list[0]).toBeInstanceOf(Money);
    expect([copy.list[0].cents, copy.list[0].currency]).toEqual([5n, 'EUR']);
    expect([...copy.map.keys()][0]).toBeInstanceOf(Money);
    expect((roundTrip(new Money(7n, '')) as Money).cents).toBe(7n);
  });

  it('may hold others, and one that is shared stays one', () => {
    const price = new Money(5n, 'EUR');
    const copy = roundTrip([price, Path.of('a', price, Path.of(price)), price]) as [Money, Path, Money];
    expect(copy[0]).toBe(copy[2]);
    expect(copy[1].steps[1]).toBe(copy[0]);
    expect((copy[1].steps[2] as Path).steps[0]).toBe(copy[0]);
  });

  it('may stand in a cycle that does not lead through its own data', () => {
    const ring: Record<string, unknown> = { price: new Money(5n, 'EUR') };
    ring['self'] = ring;
    const copy = roundTrip(ring) as typeof ring;
    expect(copy['self']).toBe(copy);
    expect(copy['price']).toBeInstanceOf(Money);
  });

  it('is refused where its data leads back to it', () => {
    const steps: unknown[] = [];
    const path = Path.of({ steps });
    steps.push([path]);
    expect(() => codec.encode({ path })).toThrow(
      'Cannot keep an instance of Path within the data of itself at the value.path.encoded[0].steps[0][0]',
    );
  });

  it('keeps its class as an error too, thrown or kept as a value', () => {
    const times = { createdAt: 1, expiresAt: 2, staleUntil: 2 };
    const entry = decodeEnvelope(encodeEnvelope('k', { ...times, error: new Gone('x') }, codec), 'k', codec);
    expect(entry.error).toBeInstanceOf(Gone);
    expect(roundTrip(new Gone('y'))).toMatchObject({ message: 'y', status: 410 });
  });

  it('takes one name for all of them in the bytes', () => {
    const [few, many] = [10, 20].map((count) => codec.encode(Array.from({ length: count }, () => new Money(1n, 'x'))));
    expect(
      Buffer.from(many as Uint8Array)
        .toString('latin1')
        .split('shop.Money'),
    ).toHaveLength(2);
    expect((many as Uint8Array).length).toBeLessThan((few as Uint8Array).length * 2);
  });

  it('is refused when it is of a derived class', () => {
    class Tip extends Money {}
    expect(() => codec.encode(new Tip(1n, 'EUR'))).toThrow(/an instance of Tip/);
  });

  it('nests as deep as the codec allows, its data included', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1n : Path.of(nest(depth - 1)));
    const shallow = createCodec({ maxDepth: 6 });
    expect(isDeepStrictEqual(shallow.decode(shallow.encode(nest(3))), nest(3))).toBe(true);
    expect(() => shallow.encode(nest(4))).toThrow(/deeper than the 6 levels/);
    expect(() => shallow.decode(codec.encode(nest(4)))).toThrow(/deeper than 6/);
  });
});

describe('encode and decode of a class', () => {
  class Broken {
    kind: unknown;
    constructor(kind: unknown) {
      this.kind = kind;
    }
  }
  const wrong: Record<string, () => unknown> = {
    throws: () => {
      throw new RangeError('no');
    },
    other: () => ({}),
    none: () => undefined,
    proxy: () => new Proxy(new Broken(1), {}),
    promise: async () => new Broken(1),
  };
  const own = createCodec({
    classes: [
      {
        class: Broken,
        encode: ({ kind }: Broken) => (typeof kind === 'function' ? (kind as () => unknown)() : kind),
        decode: (kind: string) => (wrong[kind] as () => Broken)(),
      },
    ],
  });

  it('that fail are a CodecError with the cause', () => {
    expect(() => own.encode({ a: new Broken(wrong['throws']) })).toThrow(
      expect.objectContaining({
        message: "encode of the class 'Broken' failed at the value.a",
        cause: expect.any(RangeError),
      }),
    );
    expect(() => own.decode(own.encode(new Broken('throws')))).toThrow(
      expect.objectContaining({ message: "decode of the class 'Broken' failed", cause: expect.any(RangeError) }),
    );
    expect(() => own.encode([new Broken(wrong['promise'])])).toThrow(/a promise at the value\[0\]\.encoded/);
  });

  it.each(['other', 'none', 'proxy', 'promise'])('that give something else are a CodecError: %s', (kind) => {
    const bytes = own.encode(new Broken(kind));
    expect(() => own.decode(bytes)).toThrow(CodecError);
    expect(() => own.decode(bytes)).toThrow(/no instance of Broken/);
  });

  it('may use the codec themselves', () => {
    class Sealed {
      value: unknown = new Map([[1, 2n]]);
    }
    const nested = createCodec({
      classes: [
        {
          class: Sealed,
          encode: ({ value }: Sealed) => codec.encode(value),
          decode: (bytes: Uint8Array) => Object.assign(new Sealed(), { value: codec.decode(bytes) }),
        },
      ],
    });
    const copy = nested.decode(nested.encode([new Sealed(), 1n, new Sealed()])) as [Sealed, bigint, Sealed];
    expect([copy[0].value, copy[1], copy[2].value]).toEqual([new Map([[1, 2n]]), 1n, new Map([[1, 2n]])]);
  });
});

describe('a name', () => {
  it('that is not known on read is a CodecError that says it', () => {
    class Local {}
    const writer = createCodec({ classes: [{ class: Local, encode: () => null, decode: () => new Local() }] });
    const bytes = writer.encode([new Local()]);
    expect(writer.decode(bytes)).toEqual([new Local()]);
    expect(() => codec.decode(bytes)).toThrow(CodecError);
    expect(() => codec.decode(bytes)).toThrow("an instance of 'Local', a class that is not registered here");
  });

  it('that another class has is an OptionError naming both', () => {
    class Coin {}
    const attempt = () => registerClass(Coin, { name: 'shop.Money', encode: () => 1, decode: () => new Coin() });
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'E_NAME_TAKEN' }));
    expect(attempt).toThrow(/'shop.Money' of the class Coin is taken by another class, Money/);
  });

  it('may be used again by the same class, and the last registration counts', () => {
    class Twice {
      value = 0;
    }
    for (const value of [1, 2]) {
      registerClass(Twice, { encode: () => null, decode: () => Object.assign(new Twice(), { value }) });
    }
    expect(roundTrip(new Twice())).toMatchObject({ value: 2 });
  });

  it('of a codec of its own comes before those of all', () => {
    const own = createCodec({
      classes: [{ class: Money, name: 'mine', encode: () => 'EUR', decode: (text: string) => new Money(0n, text) }],
    });
    const bytes = own.encode(new Money(9n, 'x'));
    expect((own.decode(bytes) as Money).currency).toBe('EUR');
    expect(() => codec.decode(bytes)).toThrow(/'mine'/);
    expect((own.decode(codec.encode(new Money(9n, 'x'))) as Money).cents).toBe(9n);
  });
});

describe('what cannot be registered', () => {
  const way = { encode: () => 1, decode: () => ({}) };
  const wrong: Readonly<Record<string, [attempt: () => void, words: RegExp]>> = {
    'no class': [() => registerClass(1 as never, way), /takes a class, not number/],
    'an arrow function': [() => registerClass((() => 1) as never, way), /takes a class/],
    'no revival': [() => registerClass(Gone, undefined as never), /needs \{ encode, decode \}/],
    'no encode': [() => registerClass(Gone, { decode: () => new Gone() } as never), /encode of the class 'Gone'/],
    'no decode': [() => registerClass(Gone, { encode: () => 1, decode: 1 } as never), /decode of the class 'Gone'/],
    'no name': [() => registerClass(class {}, way), /needs a name/],
    'a name that is no text': [() => registerClass(Gone, { ...way, name: 1 } as never), /needs a name/],
    Object: [() => registerClass(Object, way), /keeps 'Object' by itself/],
    Map: [() => registerClass(Map, way as never), /keeps 'Map'/],
    Buffer: [() => registerClass(Buffer as never, way), /keeps 'Buffer'/],
    Uint8Array: [() => registerClass(Uint8Array, way as never), /keeps 'Uint8Array'/],
    TypeError: [() => registerClass(TypeError, way as never), /keeps 'TypeError'/],
    'no list of classes': [() => createCodec({ classes: {} as never }), /classes must be an array/],
    'an entry that is none': [
      () => createCodec({ classes: [undefined as never] }),
      /createCodec: classes takes a class/,
    ],
  };
  it.each(Object.entries(wrong))('%s', (_name, [attempt, words]) => {
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(words);
  });
});

describe('bytes with instances', () => {
  it('that were altered give a value or a CodecError', () => {
    const bytes = codec.encode([new Money(5n, 'EUR'), Path.of(new Money(6n, 'CHF'), [Path.of()])]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const altered = Uint8Array.from(bytes);
        altered[at] = (altered[at] as number) ^ bits;
        try {
          codec.decode(altered);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('that lead from the data of an instance to it are a CodecError', () => {
    // T, an array of one, an instance named 'Path', its data: an array of one, a reference to object 1.
    const bytes = Buffer.from([0x54, 12, 1, 23, 0, 6, 4, 0x50, 0x61, 0x74, 0x68, 12, 1, 9, 1]);
    expect(() => codec.decode(bytes)).toThrow(/leads nowhere/);
    bytes[bytes.length - 1] = 0;
    const copy = codec.decode(bytes) as [Path];
    expect(copy[0].steps[0]).toBe(copy);
  });
});
