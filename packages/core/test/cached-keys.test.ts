import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, KeyError } from '@reprise/core';
import { type ChaosFault, chaosStore } from '@reprise/store-testkit';
import { settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('key in %s', (_kind, makeStore) => {
  function make(options: object, fn: (...args: any[]) => unknown = async (arg: unknown) => arg) {
    const cache = createCache({ name: 'keyed', store: makeStore() });
    const run = jest.fn(fn);
    return {
      run,
      user: cached(async (...args: any[]) => run(...args), { cache, name: 'user', ...options } as object) as any,
    };
  }

  it('alone tells calls apart', async () => {
    const { run, user } = make({ key: ({ id }: { id: number }) => id });
    await user({ id: 1, x: 1 });
    expect(await user({ id: 1, x: 2 })).toEqual({ id: 1, x: 1 });
    await user({ id: 2, x: 1 });
    expect(run).toHaveBeenCalledTimes(2);
  });

  it.each<[string, unknown, unknown]>([
    ['empty text', '', 'a'],
    ['arrays', ['a', 1], ['a', '1']],
    ['objects', { a: 1 }, { a: '1' }],
    ['null', null, 'null'],
    ['numbers', 1, '1'],
    ['bigints', 1n, 1],
    ['booleans', true, 'true'],
    ['an array and its text', ['a'], 'a'],
  ])('may answer %s', async (_name, one, other) => {
    const { run, user } = make({ key: (part: unknown) => part });
    await user(one);
    await user(structuredClone(one));
    await user(other);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['undefined', () => undefined, /user: key answered undefined/],
    ['a promise', async () => 'id', /user: key answered a promise/],
    ['a rejecting promise', async () => fail(), /user: key answered a promise/],
  ])('that answers %s is a KeyError, and the function does not run', async (_case, key, message) => {
    const { run, user } = make({ key });
    await expect(user('1')).rejects.toThrow(message);
    await expect(user('1')).rejects.toThrow(KeyError);
    expect(run).not.toHaveBeenCalled();
  });

  it('that throws fails the call with what it threw, and the function does not run', async () => {
    const { run, user } = make({ key: fail });
    await expect(user('1')).rejects.toThrow('broken key');
    expect(run).not.toHaveBeenCalled();
  });

  it('hears the arguments of the call', async () => {
    const seen: unknown[] = [];
    const { user } = make({
      key: (...args: unknown[]) => {
        seen.push(args);
        return 'k';
      },
    });
    await user(1, 'b');
    await user.has(2);
    expect(seen).toEqual([[1, 'b'], [2]]);
  });

  it('leaves arguments that have no form of their own alone', async () => {
    const { run, user } = make({ key: (_fn: unknown, id: string) => id }, async () => 'result');
    await user(() => 1, '1');
    await user(() => 2, '1');
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('tells an argument whose getter throws by its place, in the step of the key', async () => {
    const { run, user } = make({});
    const trap = {
      get id(): string {
        throw new Error('trap');
      },
    };
    await expect(user('a', trap)).rejects.toThrow(/index 1/);
    expect(run).not.toHaveBeenCalled();
  });
});

describe.each(storeKinds)('arguments in %s', (_kind, makeStore) => {
  const groups: [string, unknown[][]][] = [
    ['nothing, undefined and null', [[], [undefined], [null]]],
    ['one thing of many types', [[1], ['1'], [1n], [true], [[1]], [{ 0: 1 }]]],
    ['null, undefined and their names', [[null], [undefined], ['null'], ['undefined']]],
    ['a missing and an undefined property', [[{ a: undefined }], [{}]]],
    ['the order of an array', [[[1, 2]], [[2, 1]]]],
    ['separators', [['a', 'b:c'], ['a:b', 'c'], ['a,b'], ['a', 'b'], [['a'], 'b'], ['a', ['b']], ['"a","b"']]],
    ['rest arguments', [[1, 2, 3], [1, 2], [[1, 2, 3]]]],
    ['maps', [[new Map<unknown, unknown>([[1, 'a']])], [new Map<unknown, unknown>([['1', 'a']])], [{ 1: 'a' }]]],
    ['a date, its text and its number', [[new Date(0)], [new Date(0).toISOString()], [0]]],
    ['a default that is left out or said', [[1], [1, 0]]],
    ['NaN and null', [[Number.NaN], [null], ['NaN']]],
    ['holes and undefined', [[[undefined]], [new Array(1)]]],
    ['errors', [[new Error('a')], [new TypeError('a')], [new Error('b')]]],
    ['sets and arrays', [[new Set([1])], [[1]]]],
    ['a URL and its text', [[new URL('https://a.org/')], ['https://a.org/']]],
    ['bytes of another type', [[new Uint8Array([1])], [new Int8Array([1])], [[1]]]],
    ['names with the signs of keys', [['")'], ['"'], ['")("'], ['<a>'], ['@2']]],
  ];

  it.each(groups)('tell calls apart by %s', async (_name, calls) => {
    const cache = createCache({ name: 'arguments', store: makeStore() });
    let runs = 0;
    const echo = cached(async (...args: unknown[]) => [++runs, args.length], { cache, name: 'echo' });
    for (const args of calls) await echo(...args);
    expect(runs).toBe(calls.length);
    for (const args of calls) await echo(...args);
    expect(runs).toBe(calls.length);
    expect(new Set(calls.map((args) => echo.keyOf(...args))).size).toBe(calls.length);
  });

  const equal: [string, () => unknown][] = [
    ['NaN', () => Number.NaN],
    ['dates', () => new Date(5)],
    ['invalid dates', () => new Date(Number.NaN)],
    ['maps', () => new Map([['a', { b: 1 }]])],
    ['sets', () => new Set([1, 2])],
    ['regular expressions', () => /a/gi],
    ['URLs', () => new URL('https://a.org/?b=1')],
    ['typed arrays', () => new Float32Array([1, 2])],
    ['buffers', () => Buffer.from('abc')],
    ['errors', () => new Error('a')],
    ['nested plain data', () => ({ a: [1, { b: null }] })],
    [
      'cycles',
      () => {
        const cycle: Record<string, unknown> = { a: 1 };
        cycle['self'] = cycle;
        return cycle;
      },
    ],
    ['objects without prototype', () => Object.assign(Object.create(null), { a: 1 })],
  ];

  it.each(equal)('find equal ones by their content: %s', async (_name, make) => {
    const cache = createCache({ name: 'arguments', store: makeStore() });
    let runs = 0;
    const echo = cached(async (_argument: unknown) => ++runs, { cache, name: 'echo' });
    await echo(make());
    expect(await echo(make())).toBe(1);
  });

  it('find 0 and -0, properties and the members of a set in any order', async () => {
    const cache = createCache({ name: 'arguments', store: makeStore() });
    let runs = 0;
    const echo = cached(async (_argument: unknown) => ++runs, { cache, name: 'echo' });
    const pairs = [
      [0, -0],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [new Set([1, 2]), new Set([2, 1])],
    ];
    for (const [one, other] of pairs) expect(await echo(one)).toBe(await echo(other));
    expect(runs).toBe(3);
  });

  it('that are changed after the call do not change the entry', async () => {
    const cache = createCache({ name: 'arguments', store: makeStore() });
    let runs = 0;
    const echo = cached(async (_argument: unknown) => ++runs, { cache, name: 'echo' });
    const list = [1];
    await echo(list);
    list.push(2);
    expect([await echo(list), await echo([1]), await echo([1, 2])]).toEqual([2, 1, 2]);
  });
});

describe('arguments in memory', () => {
  it('are told apart by identity where they have no value: functions, symbols, instances', () => {
    class User {
      readonly id = 1;
    }
    const things = [() => 1, () => 1, Symbol('s'), Symbol('s'), new User(), new User(), Promise.resolve(1)];
    let runs = 0;
    const echo = cached((_thing: unknown) => ++runs);
    for (const [index, thing] of [...things, ...things].entries())
      expect(echo(thing)).toBe((index % things.length) + 1);
    for (const thing of things) expect(echo.keyOf(thing)).not.toContain('[object');
  });
});

describe('keys in a store', () => {
  it.each(storeKinds)(
    'are kept apart at 64 KB where only the last character differs, in %s',
    async (_kind, makeStore) => {
      const cache = createCache({ name: 'long', store: makeStore() });
      const last = cached(async (text: string) => text.at(-1), { cache, name: 'last' });
      const [a, b] = [`${'x'.repeat(65_536)}a`, `${'x'.repeat(65_536)}b`];
      expect([await last(a), await last(b)]).toEqual(['a', 'b']);
      await settle();
      expect([await last(a), await last(b), cache.stats().hits]).toEqual(['a', 'b', 2]);
    },
  );

  it.each(storeKinds)('are listed whole however long they are, in %s', async (_kind, makeStore) => {
    const cache = createCache({ name: 'long', store: makeStore() });
    const last = cached(async (text: string) => text.at(-1), { cache, name: 'last' });
    const text = 'x'.repeat(1_000);
    await last(text);
    await settle();
    for await (const { key } of cache.entries()) expect(key).toBe(last.keyOf(text));
    await last.clear();
    expect(await last.has(text)).toBe(false);
  });

  it('that were shortened answer only the call that they were made for', async () => {
    const cache = createCache({ name: 'long', store: chaosStore(asyncMemory(), { get: (_call, key) => other(key) }) });
    const text = 'x'.repeat(1_000);
    function other(_key: unknown): ChaosFault {
      const now = Date.now();
      return {
        return: {
          value: 'wrong',
          key: 'long/last("another")',
          createdAt: now,
          expiresAt: now + 1_000,
          staleUntil: now + 1_000,
        },
      };
    }
    const last = cached(async (of: string) => of.at(-1), { cache, name: 'last' });
    expect(await last(text)).toBe('x');
  });

  it('are those that keyOf tells, behind the namespace', async () => {
    const store = asyncMemory();
    const cache = createCache({ name: 'named', store });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await user('42');
    await settle();
    expect(user.keyOf('42')).toBe('user("42")');
    expect((await store.get('named/user("42")'))?.value).toBe('42');
  });

  it('of another version are never read', async () => {
    const store = asyncMemory({ persistent: true });
    const one = cached(async () => 'one', { store, name: 'versioned', version: 1 });
    const two = cached(async () => 'two', { store, name: 'versioned', version: 2, replace: true });
    await one();
    await settle();
    expect(await two()).toBe('two');
  });

  it('change with the source of the function where the version says so', () => {
    const store = asyncMemory({ persistent: true });
    const keys = [async () => 'one', async () => 'two', async () => 'two'].map((fn) =>
      cached(fn, { store, name: 'sourced', version: 'source', replace: true }).keyOf(),
    );
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[1]).toBe(keys[2]);
  });
});

describe('a function given to map', () => {
  it('is advised about, once, that index and list are part of its key', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const user = cached(function findUser(id: string, ..._rest: unknown[]) {
      return id;
    });
    ['1', '2'].map(user);
    ['3', '4'].map(user);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/findUser.*ids\.map\(\(id\) =>/),
      expect.objectContaining({ code: 'REPRISE_MAP' }),
    );
    warn.mockRestore();
  });

  it('is not where its three arguments only look alike', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const page = cached((_id: unknown, _index: number, _list: unknown) => 1);
    page('1', 0, ['2']);
    page('1', 5, ['1']);
    page('1', 0, 'text');
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

function fail(): never {
  throw new Error('broken key');
}
