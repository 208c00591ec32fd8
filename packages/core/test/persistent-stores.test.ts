import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, KeyError } from '@reprise/core';
import { settle } from './deferred.ts';
import { asyncMemory } from './store-kinds.ts';

afterEach(closeAllCaches);

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

  it('refuses an anonymous function at each of its calls, where the cache was given by name', async () => {
    createCache({ name: 'persistent', store: persistent() });
    let calls = 0;
    const [count] = [cached(async () => ++calls, { cache: 'persistent' })];
    for (let call = 0; call < 2; call++) await expect(count?.()).rejects.toThrow(/name: /);
    expect(calls).toBe(0);
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
    // biome-ignore lint/complexity/noStaticOnlyClass: its static method is what is tested
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

  describe('takes a method that returns promises without being async by syntax', () => {
    function make(options: { key?: () => never; per?: 'class' }, store = persistent()) {
      const runs: string[] = [];
      class Users {
        @cached({ store, name: 'Users.find', replace: true, ...options })
        find(id: string): Promise<string> {
          runs.push(id);
          return Promise.resolve(id);
        }
      }
      return { runs, store, users: new Users() };
    }

    it('and runs it once for all calls of a key, the first ones too', async () => {
      const { runs, users } = make({ per: 'class' });
      expect(await Promise.all([users.find('1'), users.find('1'), users.find('2')])).toEqual(['1', '1', '2']);
      await settle();
      expect([await users.find('1'), runs]).toEqual(['1', ['1', '2']]);
    });

    it('and answers what another process left', async () => {
      const { store, users } = make({ per: 'class' });
      await users.find('1');
      await settle();
      const next = make({ per: 'class' }, store);
      expect(await next.users.find('1')).toBe('1');
      expect(await next.users.find('1')).toBe('1');
      expect(next.runs.length).toBeLessThanOrEqual(1);
    });

    it('and does not run it where the key cannot be told', async () => {
      const { runs, users } = make({ per: 'class', key: () => undefined as never });
      await expect((async () => users.find('1'))()).rejects.toThrow(KeyError);
      expect(runs).toEqual([]);
    });

    it('and does not run it where it does not say whose its entries are', async () => {
      const { runs, users } = make({});
      await expect((async () => users.find('1'))()).rejects.toThrow(/per: 'class'/);
      expect(runs).toEqual([]);
    });
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

  it.each(noValueForm)(
    'refuses %s as an argument: a KeyError that names it, and the function does not run',
    async (_name, argument) => {
      let calls = 0;
      const user = cached(async (_id: string, _who: unknown) => ++calls, { store: persistent(), name: 'user' });
      const failure: Error = await user('1', argument).then(
        () => new Error('no failure'),
        (error) => error,
      );
      expect(failure).toBeInstanceOf(KeyError);
      expect(failure.message).toMatch(/user.*index 1.*key/is);
      expect(calls).toBe(0);
    },
  );
});

describe('name', () => {
  it('is told apart in messages by the function underneath', () => {
    const cache = createCache({ name: 'named' });
    cached(async function one() {}, { cache, name: 'user' });
    expect(() => cached(async function two() {}, { cache, name: 'user' })).toThrow(/two.*'user'.*one/);
  });

  it('may be the default name of another function in memory, which goes by another then', async () => {
    const cache = createCache({ name: 'named' });
    const first = cached(
      async function user() {
        return 'first';
      },
      { cache },
    );
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
