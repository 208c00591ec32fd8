import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, ignoreThis, KeyError, OptionError, RepriseError } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { asyncMemory, storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe('options that cannot be meant', () => {
  const refused: [string, unknown, RegExp][] = [
    ['an unknown option', { tl: 5 }, /'tl'.*did you mean 'ttl'/],
    ['an option of another library', { expires: 5 }, /there is no option 'expires'; there are .*ttl/],
    ['an inherited name', { constructor: 1 }, /'constructor'/],
    ['a negative ttl', { ttl: -1 }, /ttl must be 0 or more milliseconds, not -1/],
    ['a ttl of NaN', { ttl: Number.NaN }, /ttl must be 0 or more milliseconds, not NaN/],
    ['a ttl without a unit', { ttl: '10' }, /ttl is "10".*unit/],
    ['a ttl of an unknown unit', { ttl: '5 parsecs' }, /ttl is "5 parsecs"/],
    ['a ttl of null', { ttl: null }, /ttl must be .*not null/],
    ['a ttl of an object', { ttl: {} }, /ttl must be/],
    ['a ttl of true', { ttl: true }, /ttl must be/],
    ['a negative maxSize', { maxSize: -1 }, /maxSize must be a whole number/],
    ['a fractional maxSize', { maxSize: 1.5 }, /maxSize must be a whole number/],
    ['a maxSize of NaN', { maxSize: Number.NaN }, /maxSize must be/],
    ['a maxSize of text', { maxSize: '10' }, /maxSize must be .*"10"/],
    ['a maxSize of null', { maxSize: null }, /maxSize must be/],
    ['a negative maxBytes', { maxBytes: -1, sizeOf: () => 1 }, /maxBytes must be/],
    ['maxBytes that nothing weighs', { maxBytes: 10 }, /maxBytes in memory needs sizeOf/],
    ['a sizeOf that is no function', { sizeOf: 5 }, /sizeOf must be a function/],
    ['a key that is no function', { key: 'id' }, /key must be a function, not "id"/],
    ['a per that there is not', { per: 'user' }, /per must be 'instance', 'class' or/],
    ['an empty name', { name: '' }, /name must be a string that is not empty/],
    ['a name that is no text', { name: 5 }, /name must be a string/],
    ['a version that is neither', { version: {} }, /version must be/],
    ['a cacheIf that is no function', { cacheIf: true }, /cacheIf must be a function, not true/],
    ['a bypass that is no function', { bypass: true }, /bypass must be a function/],
    ['a dedupe that is no boolean', { dedupe: 'no' }, /dedupe must be true or false/],
    ['a replace that is no boolean', { replace: 1 }, /replace must be true or false/],
    ['a storeTimeout without a unit', { storeTimeout: '5' }, /storeTimeout is "5"/],
    ['a cache that is none', { cache: {} }, /cache must be a cache made by createCache, or the name/],
    ['a cache that is a map', { cache: new Map() }, /cache must be a cache/],
    ['an empty name of a cache', { cache: '' }, /cache must be/],
    ['a store that is none', { store: new Map() }, /store must be a store/],
    ['a store that is a factory', { store: memoryStore }, /store must be a store/],
    ['store beside cache', { store: memoryStore(), cache: 'x' }, /cache and store exclude each other/],
    ['maxSize beside cache', { maxSize: 5, cache: 'x' }, /maxSize belongs to the shared cache/],
    ['maxBytes beside cache', { maxBytes: 5, cache: 'x' }, /maxBytes belongs to the shared cache/],
    ['sizeOf beside store', { sizeOf: () => 1, store: memoryStore() }, /sizeOf belongs to the store/],
    ['per beside ignoreThis', { key: ignoreThis, per: 'instance' }, /ignoreThis means per: 'class'/],
    ['a list', [], /must be an object, not an array/],
    ['null', null, /must be an object, not null/],
    ['a number', 5, /./],
    ['a text', '5m', /./],
  ];

  it.each(refused)('(%s) are a TypeError at definition that names the function', (_case, options, message) => {
    expect(() => cached(async function findUser() {}, options as never)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
    try {
      cached(async function findUser() {}, options as never);
    } catch (error) {
      expect([error instanceof TypeError, error instanceof RepriseError]).toEqual([true, true]);
      expect((error as Error).message).toContain('findUser');
      expect((error as OptionError).code).toBe('E_OPTION');
    }
  });

  it.each(refused.filter(([, options]) => typeof options === 'object' && options !== null && !Array.isArray(options)))(
    '(%s) are a TypeError at decoration that names the method',
    (_case, options, message) => {
      const define = () => {
        class Users {
          @cached(options as object)
          async findUser() {}
        }
        return Users;
      };
      expect(define).toThrow(TypeError);
      expect(define).toThrow(message);
      expect(define).toThrow(/findUser/);
    },
  );

  it('may be undefined, which means the default', () => {
    expect(() =>
      cached(async () => 1, {
        cache: undefined,
        store: undefined,
        name: undefined,
        key: undefined,
        per: undefined,
        ttl: undefined,
        maxSize: undefined,
        cacheIf: undefined,
        bypass: undefined,
        dedupe: undefined,
        version: undefined,
      }),
    ).not.toThrow();
  });

  it('are checked before the function is known to anybody: its name stays free', () => {
    const cache = createCache({ name: 'free' });
    expect(() => cached(async () => 1, { cache, name: 'user', ttl: -1 })).toThrow(OptionError);
    expect(() => cached(async () => 1, { cache, name: 'user' })).not.toThrow();
  });
});

describe('cached on what it cannot remember', () => {
  it('is a TypeError on a class', () => {
    expect(() => {
      // @ts-expect-error: no class decorator
      @cached
      class Users {}
      return Users;
    }).toThrow(/Users/);
  });

  it('is a TypeError on a field', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no field decorator
        @cached() names = ['a'];
      }
      return new Users();
    }).toThrow(/names/);
  });

  it('is a TypeError on a setter', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no setter decorator
        @cached() set names(_names: string[]) {}
      }
      return Users;
    }).toThrow(/names/);
  });

  it('is a TypeError on a getter, which memoize takes', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no getter decorator
        @cached() get names(): string[] {
          return [];
        }
      }
      return Users;
    }).toThrow(/names.*memoize/);
  });

  it.each([[undefined], [null], [5], ['text'], [class Users {}]])('is a TypeError for %p', (target) => {
    expect(() => cached(target as never, { ttl: 5 } as never)).toThrow(TypeError);
  });

  it.each(['invalidate', 'clear', 'refresh', 'peek', 'has', 'set', 'keyOf', 'inspect', 'stats', 'on', 'original'])(
    'is a TypeError for a function that has a %s of its own',
    (name) => {
      const fn = Object.assign(async () => 1, { [name]: 1 });
      expect(() => cached(fn)).toThrow(new RegExp(`'${name}'|\\b${name}\\b`));
    },
  );
});

describe('a store that outlives the process', () => {
  const persistent = () => asyncMemory({ persistent: true, name: 'disk' });

  it('refuses an anonymous function, and says what to do', () => {
    expect(() => cached(async () => 1, { store: persistent() })).toThrow(/anonymous.*name: /);
  });

  it.each(['a', 'ab', '_a', '$'])('refuses the default name %s, which a minifier could have given', (name) => {
    const fn = Object.defineProperty(async () => 1, 'name', { value: name });
    expect(() => cached(fn, { store: persistent() })).toThrow(/minifier.*name: /);
    expect(() => cached(fn, { store: persistent(), name })).not.toThrow();
  });

  it('refuses a second function under a default name, naming both', () => {
    const store = persistent();
    cached(async function findUser() {}, { store });
    expect(() => cached(async function findUser() {}, { store })).toThrow(
      expect.objectContaining({ code: 'E_NAME_TAKEN', message: expect.stringMatching(/findUser.*another findUser/) }),
    );
    expect(() => cached(async function findUser() {}, { store, replace: true })).not.toThrow();
  });

  it('refuses a method that does not say whose its entries are, at the first call', async () => {
    const store = persistent();
    class Users {
      @cached({ store })
      async find(id: string) {
        return id;
      }
    }
    const call = new Users().find('1');
    await expect(call).rejects.toThrow(/Users\.find.*per: 'class'.*per: \(self\) =>/);
    await expect(new Users().find('1')).rejects.toThrow(TypeError);
  });

  it('takes a method that does', async () => {
    const store = persistent();
    const seen: string[] = [];
    class Users {
      readonly tenant: string;
      constructor(tenant: string) {
        this.tenant = tenant;
      }
      @cached({ store, per: 'class' })
      async find(id: string) {
        seen.push(`find ${id}`);
        return id;
      }
      @cached({ store, per: (self) => self.tenant })
      async plan(name: string) {
        seen.push(`plan ${this.tenant} ${name}`);
        return name;
      }
    }
    for (const users of [new Users('a'), new Users('a'), new Users('b')]) {
      await users.find('1');
      await users.plan('gold');
    }
    expect(seen).toEqual(['find 1', 'plan a gold', 'plan b gold']);
    expect(cacheOf(new Users('a'), 'plan').keyOf('gold')).toBe('Users.plan<"a">("gold")');
    expect(cacheOf(Users, 'find').keyOf('1')).toBe('Users.find("1")');
  });

  it('takes static methods under the name of their class', async () => {
    const store = persistent();
    class Rates {
      @cached({ store, per: 'class' })
      static async of(currency: string) {
        return currency.length;
      }
    }
    expect(await Rates.of('EUR')).toBe(3);
    expect(cacheOf(Rates, 'of').keyOf('EUR')).toBe('Rates.of("EUR")');
  });

  it('refuses a method of a class without a name', async () => {
    const store = persistent();
    const Users = (() =>
      class {
        @cached({ store, per: 'class' })
        async find() {
          return 1;
        }
      })();
    await expect(new Users().find()).rejects.toThrow(/name/);
  });

  it('refuses a #private method without a name', async () => {
    const store = persistent();
    class Users {
      @cached({ store, per: 'class' })
      async #find() {
        return 1;
      }
      find() {
        return this.#find();
      }
    }
    await expect(new Users().find()).rejects.toThrow(/#find.*name/);
  });

  it('refuses a synchronous method at its first call, and says what to do', () => {
    const store = persistent();
    class Users {
      // @ts-expect-error: an asynchronous store answers promises
      @cached({ store, per: 'class' })
      find(id: string): string {
        return id;
      }
    }
    expect(() => new Users().find('1')).toThrow(/Users\.find.*synchronous.*async/);
  });

  const noValueForm: [string, unknown][] = [
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a promise', Promise.resolve(1)],
    ['a class instance', new (class User {})()],
    ['a weak map', new WeakMap()],
  ];

  it.each(noValueForm)('refuses %s as an argument: a KeyError that names it, and the function does not run', async (_name, argument) => {
    let calls = 0;
    const user = cached(async (_id: string, _who: unknown) => ++calls, { store: persistent(), name: 'user' });
    const failure: Error = await user('1', argument).then(
      () => new Error('no failure'),
      (error) => error,
    );
    expect(failure).toBeInstanceOf(KeyError);
    expect(failure.message).toMatch(/user.*index 1.*key/is);
    expect(calls).toBe(0);
  });
});

describe('name', () => {
  it('is told apart in messages by the function underneath', () => {
    const cache = createCache({ name: 'named' });
    cached(async function one() {}, { cache, name: 'user' });
    expect(() => cached(async function two() {}, { cache, name: 'user' })).toThrow(/two.*'user'.*one/);
  });

  it('may be the default name of another function in memory, which goes by another then', async () => {
    const cache = createCache({ name: 'named' });
    const first = cached(async function user() {
      return 'first';
    }, { cache });
    await first();
    const second = cached(async () => 'second', { cache, name: 'user' });
    expect([await second(), await first(), second.keyOf()]).toEqual(['second', 'first', 'user()']);
    expect(first.keyOf()).not.toBe('user()');
  });

  it('is taken over by replace: the newer function answers with its own results', async () => {
    const cache = createCache({ name: 'named' });
    const older = cached(async () => 'older', { cache, name: 'user' });
    await older();
    const newer = cached(async () => 'newer', { cache, name: 'user', replace: true });
    expect([await newer(), newer.stats().misses]).toEqual(['newer', 1]);
  });
});

describe.each(storeKinds)('key in %s', (_kind, makeStore) => {
  function make(options: object, fn: (...args: any[]) => unknown = async (arg: unknown) => arg) {
    const cache = createCache({ name: 'keyed', store: makeStore() });
    const run = jest.fn(fn);
    return { run, user: cached(async (...args: any[]) => run(...args), { cache, name: 'user', ...options } as object) as any };
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
    ['cycles', () => {
      const cycle: Record<string, unknown> = { a: 1 };
      cycle['self'] = cycle;
      return cycle;
    }],
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
      [{ a: 1, b: 2 }, { b: 2, a: 1 }],
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
    for (const [index, thing] of [...things, ...things].entries()) expect(echo(thing)).toBe((index % things.length) + 1);
    for (const thing of things) expect(echo.keyOf(thing)).not.toContain('[object');
  });
});

function fail(): never {
  throw new Error('broken key');
}
