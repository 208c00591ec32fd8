import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { KeyError, OptionError } from '@reprise/store';
import { ignoreThis } from '../src/key/ignore-this.ts';
import { memoize } from '../src/memoize.ts';

/** A function that counts its runs. */
function counting<Args extends unknown[], Result>(fn: (...args: Args) => Result) {
  const counted = Object.assign(
    (...args: Args): Result => {
      counted.runs++;
      return fn(...args);
    },
    { runs: 0 },
  );
  return counted;
}

afterEach(() => {
  jest.useRealTimers();
});

describe('memoize', () => {
  it('runs once for equal arguments and answers with the same object', () => {
    const make = counting((name: string) => ({ name }));
    const remembered = memoize((name: string) => make(name));
    expect(remembered('a')).toBe(remembered('a'));
    expect(make.runs).toBe(1);
    expect(remembered('b')).not.toBe(remembered('a'));
    expect(make.runs).toBe(2);
  });

  it.each([undefined, null, false, 0, -0, '', Number.NaN, 0n])('remembers the result %p', (value) => {
    const make = counting((..._args: unknown[]) => value);
    const nullary = memoize(() => make());
    const unary = memoize((a: number) => make(a));
    const binary = memoize((a: number, b: number) => make(a, b));
    const ternary = memoize((a: number, b: number, c: number) => make(a, b, c));
    const any = memoize((...args: number[]) => make(...args));
    const timed = memoize((a: number) => make(a), { ttl: '1h' });
    const byObject = memoize((a: object) => make(a));
    for (let round = 0; round < 3; round++) {
      expect(nullary()).toBe(value);
      expect(unary(1)).toBe(value);
      expect(binary(1, 2)).toBe(value);
      expect(ternary(1, 2, 3)).toBe(value);
      expect(any(1, 2, 3, 4)).toBe(value);
      expect(timed(1)).toBe(value);
      expect(byObject({ a: 1 })).toBe(value);
    }
    expect(make.runs).toBe(7);
    for (const fn of [nullary, unary, binary, ternary, any, timed, byObject]) {
      expect(fn.stats()).toMatchObject({ hits: 2, misses: 1, loads: 1, size: 1 });
    }
  });

  it.each([0, 1, 2, 3, 4])(
    'tells calls apart by how many arguments there are, whatever is declared: %d',
    (declared) => {
      const make = counting((...args: unknown[]) => args.length);
      const declare: ((...args: unknown[]) => number)[] = [
        () => 0,
        (_a) => 0,
        (_a, _b) => 0,
        (_a, _b, _c) => 0,
        (_a, _b, _c, _d) => 0,
      ];
      const fn = Object.defineProperty((...args: unknown[]) => make(...args), 'length', {
        value: (declare[declared] as () => number).length,
      });
      for (const options of [{}, { ttl: 1_000 }, { per: 'instance' as const }]) {
        make.runs = 0;
        const remembered = memoize(fn, options);
        const calls = [[], [undefined], [1], [1, undefined], [1, 2], [1, 2, 3], [1, 2, 3, undefined], [1, 2, 3, 4, 5]];
        for (let round = 0; round < 3; round++) {
          for (const args of calls) expect(remembered(...args)).toBe(args.length);
        }
        expect(make.runs).toBe(calls.length);
      }
    },
  );

  it('passes on this and all arguments as they came', () => {
    const seen: unknown[] = [];
    const remembered = memoize(function (this: unknown, ...args: unknown[]) {
      seen.push(this, args);
      return args;
    });
    const self = {};
    const object = { a: 1 };
    remembered.call(self, object, undefined);
    remembered.call(undefined, 1, 2, 3, 4, 5);
    expect(seen[0]).toBe(self);
    expect(seen[1]).toEqual([object, undefined]);
    expect((seen[1] as unknown[])[0]).toBe(object);
    expect(seen[2]).toBeUndefined();
    expect(seen[3]).toEqual([1, 2, 3, 4, 5]);
  });

  it('does not look at this unless per is given', () => {
    const make = counting((value: number) => value);
    const remembered = memoize((value: number) => make(value));
    remembered.call({}, 1);
    remembered.call({}, 1);
    expect(make.runs).toBe(1);
  });

  it('keeps its own snapshot of what is compared by value', () => {
    const make = counting((list: number[]) => list.length);
    const remembered = memoize((list: number[]) => make(list));
    const list = [1];
    expect(remembered(list)).toBe(1);
    list.push(2);
    expect(remembered(list)).toBe(2);
    expect(remembered([1])).toBe(1);
    expect(make.runs).toBe(2);
  });

  it('remembers under the arguments as they were when the call began', () => {
    const remembered = memoize((query: { page: number }) => {
      const { page } = query;
      query.page = 99;
      return page;
    });
    expect(remembered({ page: 1 })).toBe(1);
    expect(remembered({ page: 99 })).toBe(99);
    expect(remembered({ page: 1 })).toBe(1);
  });

  it('does not remember what is thrown, and throws it as it is', () => {
    const error = new Error('no');
    let runs = 0;
    const remembered = memoize((fails: boolean) => {
      runs++;
      if (fails) throw error;
      return runs;
    });
    expect(() => remembered(true)).toThrow(error);
    expect(() => remembered(true)).toThrow(error);
    expect(runs).toBe(2);
    expect(remembered.stats()).toMatchObject({ errors: 2, misses: 2, loads: 2, hits: 0, size: 0 });
  });

  it('makes a recursive function linear', () => {
    let runs = 0;
    const fib = memoize((n: number): bigint => {
      runs++;
      return n < 2 ? BigInt(n) : fib(n - 1) + fib(n - 2);
    });
    expect(fib(100)).toBe(354224848179261915075n);
    expect(runs).toBe(101);
  });

  it('runs a synchronous re-entry on its own key as without a cache', () => {
    let depth = 0;
    const remembered = memoize((key: string): number => (depth++ < 3 ? remembered(key) + 1 : 0));
    expect(remembered('a')).toBe(3);
    expect(remembered('a')).toBe(3);
    expect(depth).toBe(4);
  });

  it('goes as deep as the stack of the function itself allows in good part', () => {
    const sum = memoize((n: number): number => (n === 0 ? 0 : n + sum(n - 1)));
    expect(sum(1_000)).toBe(500_500);
  });

  describe('with key', () => {
    it('asks it with this and the arguments, in place of comparing these', () => {
      const make = counting((user: { id: number; name: string }) => user.name);
      const remembered = memoize((user: { id: number; name: string }) => make(user), { key: (user) => user.id });
      expect(remembered({ id: 1, name: 'a' })).toBe('a');
      expect(remembered({ id: 1, name: 'b' })).toBe('a');
      expect(make.runs).toBe(1);
    });

    it.each([[['a', 1]], [{ a: 1 }], [''], [0], [null], [Symbol.for('x')]])('takes %p for a part', (part) => {
      const make = counting(() => ({}));
      const remembered = memoize((_value: number) => make(), { key: () => part as string });
      expect(remembered(1)).toBe(remembered(2));
    });

    it('refuses undefined and promises, saying so, without a run', () => {
      const make = counting(() => 1);
      const nothing = memoize(() => make(), { key: (() => undefined) as never });
      const late = memoize(() => make(), { key: (async () => 1) as never });
      expect(() => nothing()).toThrow(KeyError);
      expect(() => nothing()).toThrow(/key.*undefined/);
      expect(() => late()).toThrow(/key.*promise/);
      expect(make.runs).toBe(0);
    });

    it('fails the call with what key throws, and rejects where the function is asynchronous', async () => {
      const error = new Error('key');
      const key = (): never => {
        throw error;
      };
      expect(() => memoize(() => 1, { key })()).toThrow(error);
      await expect(memoize(async () => 1, { key })()).rejects.toBe(error);
    });
  });

  it('fails the call with a KeyError where an argument cannot be read', async () => {
    const trap = {
      get a(): never {
        throw new Error('trap');
      },
    };
    const find = memoize(function find(_query: object, _other: number) {
      return 1;
    });
    expect(() => find(trap, 1)).toThrow(KeyError);
    expect(() => find(trap, 1)).toThrow(/find.*index 0/);
    await expect(memoize(async (_query: object) => 1)(trap)).rejects.toThrow(KeyError);
  });

  describe('with a ttl', () => {
    it('answers until the last moment, and not at the one after', () => {
      jest.useFakeTimers({ now: 1_000_000 });
      const make = counting((value: number) => value);
      const remembered = memoize((value: number) => make(value), { ttl: 1_000 });
      remembered(1);
      jest.setSystemTime(1_000_999);
      remembered(1);
      expect(make.runs).toBe(1);
      jest.setSystemTime(1_001_000);
      remembered(1);
      expect(make.runs).toBe(2);
      expect(remembered.stats()).toMatchObject({ hits: 1, misses: 2, size: 1 });
    });

    it('counts from when the run settled', () => {
      jest.useFakeTimers({ now: 0 });
      const slow = memoize(
        (_value: number) => {
          jest.setSystemTime(Date.now() + 700);
          return {};
        },
        { ttl: '1s' },
      );
      const first = slow(1);
      jest.setSystemTime(1_699);
      expect(slow(1)).toBe(first);
      jest.setSystemTime(1_700);
      expect(slow(1)).not.toBe(first);
    });

    it('keeps no process alive and answers for 30 days if told', () => {
      jest.useFakeTimers({ now: 0 });
      const make = counting((value: number) => value);
      const remembered = memoize((value: number) => make(value), { ttl: '30d' });
      remembered(1);
      expect(jest.getTimerCount()).toBe(0);
      jest.setSystemTime(30 * 86_400_000 - 1);
      remembered(1);
      expect(make.runs).toBe(1);
      jest.setSystemTime(30 * 86_400_000);
      remembered(1);
      expect(make.runs).toBe(2);
    });

    it('stores nothing for 0', () => {
      const make = counting((value: number) => value);
      const remembered = memoize((value: number) => make(value), { ttl: 0 });
      remembered(1);
      remembered(1);
      expect(make.runs).toBe(2);
      expect(remembered.stats().size).toBe(0);
    });
  });

  describe('options', () => {
    const named = Object.assign(function load(_id: number) {
      return 1;
    });
    it.each([
      [{ ttl: -1 }, /memoize\(load\): ttl/],
      [{ ttl: Number.NaN }, /ttl/],
      [{ ttl: '10' }, /ttl.*unit/],
      [{ ttl: null }, /ttl/],
      [{ ttl: () => 1 }, /ttl.*cached/],
      [{ maxSize: -1 }, /maxSize/],
      [{ maxSize: 1.5 }, /maxSize/],
      [{ maxSize: '1' }, /maxSize/],
      [{ key: 'id' }, /key/],
      [{ per: 'user' }, /per.*'instance'.*'class'/],
      [{ tlt: 1 }, /tlt.*ttl/],
      [{ cache: 'catalog' }, /cache.*cached/],
      [{ dedupe: false }, /dedupe.*cached/],
      [{ key: ignoreThis, per: 'instance' }, /ignoreThis/],
      [{ key: ignoreThis, per: () => 1 }, /ignoreThis/],
    ])('refuses %p at definition', (options, message) => {
      expect(() => memoize(named, options as object)).toThrow(OptionError);
      expect(() => memoize(named, options as object)).toThrow(message);
    });

    it('takes an explicit undefined for the default', () => {
      const make = counting((value: number) => value);
      const remembered = memoize((value: number) => make(value), {
        ttl: undefined,
        maxSize: undefined,
        key: undefined,
        per: undefined,
      });
      remembered(1);
      remembered(1);
      expect(make.runs).toBe(1);
    });
  });

  describe('a result that can be read only once', () => {
    function* generate(): Generator<number> {
      yield 1;
    }
    async function* generateLater(): AsyncGenerator<number> {
      yield 1;
    }
    const oneShots: [string, () => unknown][] = [
      ['a generator', generate],
      ['an asynchronous generator', generateLater],
      ['an iterator of an array', () => [1][Symbol.iterator]()],
      ['an iterator of a Map', () => new Map([[1, 2]]).entries()],
      ['a Response', () => new Response('body')],
      ['a Request', () => new Request('http://localhost/', { method: 'POST', body: 'body' })],
      ['a ReadableStream', () => new ReadableStream()],
    ];

    it.each(oneShots)('goes to the call that ran it: %s', async (_, make) => {
      const warning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const sync = memoize((_key: number) => make());
      expect(sync(1)).not.toBe(sync(1));
      expect(sync.stats()).toMatchObject({ loads: 2, misses: 2, size: 0 });
      const late = memoize(async (_key: number) => make());
      const [first, second, third] = await Promise.all([late(1), late(1), late(1)]);
      expect(new Set([first, second, third]).size).toBe(3);
      expect(late.has(1)).toBe(false);
      expect(late.stats()).toMatchObject({ loads: 3, coalesced: 0, misses: 3, size: 0 });
      expect(warning).toHaveBeenCalledTimes(2);
      expect(warning.mock.calls[0]?.[1]).toMatchObject({ code: 'E_ONE_SHOT' });
      warning.mockRestore();
    });

    it.each([[[1]], ['text'], [new Map()], [new Set()], [new Uint8Array(1)], [{ next: 1 }]])('is not %p', (value) => {
      const remembered = memoize((_key: number) => value);
      remembered(1);
      expect(remembered.has(1)).toBe(true);
    });
  });

  describe('with REPRISE_DISABLED=1', () => {
    it('passes every call through', () => {
      process.env['REPRISE_DISABLED'] = '1';
      try {
        const make = counting((value: number) => value);
        const remembered = memoize((value: number) => make(value));
        expect(remembered(1)).toBe(1);
        expect(remembered(1)).toBe(1);
        remembered.set([1], 2);
        expect(remembered(1)).toBe(1);
        expect(remembered.peek(1)).toBeUndefined();
        expect(remembered.invalidate(1)).toBe(false);
        expect(make.runs).toBe(3);
        expect(remembered.stats()).toMatchObject({ bypass: 3, hits: 0, misses: 0, hitRatio: 0 });
      } finally {
        delete process.env['REPRISE_DISABLED'];
      }
    });
  });
});
