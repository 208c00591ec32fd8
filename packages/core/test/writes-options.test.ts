import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, invalidates, memoize, OptionError, updates } from '@reprise/core';

const looseInvalidates = invalidates as unknown as (...args: unknown[]) => any;
const looseUpdates = updates as unknown as (...args: unknown[]) => any;

afterEach(closeAllCaches);

describe('an effect that cannot be meant is an OptionError at definition', () => {
  class Users {}
  const save = async (): Promise<void> => {};
  const args = (): unknown[] => [];
  const wrong: [effect: unknown, message: RegExp][] = [
    [undefined, /it needs an effect, such as \{ of: 'find'/],
    [null, /the options must be an object, not null/],
    [[{ of: 'find' }], /the options must be an object, not an array/],
    ['find', /the options must be an object, not "find"/],
    [{}, /the effect says nothing/],
    [{ before: true }, /the effect says nothing/],
    [{ off: 'find' }, /there is no option 'off'; did you mean 'of'\?/],
    [{ of: true }, /of must be the name of a cached member, \[Class, 'name'\] or a function .* not true/],
    [{ of: null }, /of must be .* not null/],
    [{ of: {} }, /of must be .* not an object/],
    [{ of: Users }, /of must be \[Users, 'name'\]/],
    [{ of: [Users] }, /of must be \[Class, 'name'\]/],
    [{ of: [Users, 'find', 1] }, /of must be \[Class, 'name'\]/],
    [{ of: [undefined, 'find'] }, /of must be \[Class, 'name'\], .*circle/],
    [{ of: () => 1 }, /of: that function is neither cached nor memoized/],
    [{ of: 'find', args: ['1'] }, /args must be a function/],
    [{ of: 'find', all: 1 }, /all must be true or false, not 1/],
    [{ of: 'find', all: true, args }, /all: true and args exclude each other/],
    [{ of: 'find', before: 'yes' }, /before must be true or false/],
    [{ of: 'find', tags: ['a'] }, /of and tags exclude each other/],
    [{ of: 'find', keys: ['a'] }, /of and keys exclude each other/],
    [{ of: 'find', cache: 'a' }, /of and cache exclude each other/],
    [{ args }, /args needs of/],
    [{ all: true }, /all needs of/],
    [{ cache: 'a', all: true }, /all needs of: .* clear\(\)/],
    [{ cache: 'a' }, /cache needs keys or tags/],
    [{ cache: {}, keys: ['a'] }, /cache must be a cache made by createCache, or the name of one, not an object/],
    [{ cache: { getOrSet() {} }, keys: ['a'] }, /cache must be a cache made by createCache/],
    [{ cache: '', keys: ['a'] }, /cache must be a cache/],
    [{ keys: ['a'] }, /keys needs cache/],
    [{ cache: 'a', keys: 'b' }, /keys must be an array of strings/],
    [{ tags: [1] }, /tags must be an array of strings/],
    [{ tags: 'a' }, /tags must be an array of strings/],
  ];

  it.each(wrong)('of invalidates: %p', (effect, message) => {
    expect(() => looseInvalidates(save, effect)).toThrow(OptionError);
    expect(() => looseInvalidates(save, effect)).toThrow(message);
    expect(() => looseInvalidates(save, effect)).toThrow(/^invalidates\(save\): /);
  });

  it.each<[effect: unknown, message: RegExp]>([
    [undefined, /it needs an effect, such as \{ of: 'find', args: \(result\)/],
    [{}, /of is missing/],
    [{ args }, /of is missing/],
    [{ of: 'find' }, /args is missing/],
    [{ of: 'find', args, before: true }, /there is no option 'before'; there are of, args/],
    [{ of: 'find', args, all: true }, /there is no option 'all'/],
    [{ cache: 'a', keys: ['b'] }, /there is no option 'cache'/],
  ])('of updates: %p', (effect, message) => {
    expect(() => looseUpdates(save, effect)).toThrow(OptionError);
    expect(() => looseUpdates(save, effect)).toThrow(message);
    expect(() => looseUpdates(save, effect)).toThrow(/^updates\(save\): /);
  });

  it('on a class, a generator, or where there is no function', () => {
    const effect = { tags: ['a'] };
    expect(() => looseInvalidates(Users, effect)).toThrow(
      /@invalidates on class Users: .*new Users\(\.\.\.args\), effect\)/,
    );
    expect(() => looseInvalidates(async function* rows() {}, effect)).toThrow(/^invalidates\(rows\): a generator/);
    expect(() => looseInvalidates('rows', effect)).toThrow(
      /neither a function nor an effect; write invalidates\(fn, effect\), or @invalidates\(effect\)/,
    );
    expect(() => looseInvalidates(effect)(save)).toThrow(
      /a decorator was called as a function; .* @invalidates\(effect\) before a method, or invalidates\(fn, effect\)/,
    );
  });

  it('takes an explicit undefined for the default', () => {
    const effect = {
      of: 'find',
      args: undefined,
      all: undefined,
      before: undefined,
      cache: undefined,
      tags: undefined,
    };
    expect(() => looseInvalidates(save, effect)).not.toThrow();
  });
});

describe('a wrapped write', () => {
  it('keeps this, arguments, name, length, own properties and its handle, if it has one', async () => {
    const find = cached(async (id: string) => id);
    async function rename(this: unknown, id: string, _name: string): Promise<unknown> {
      return [this, id];
    }
    const wrapped = invalidates(Object.assign(rename, { route: '/' }), { of: find, args: (_result, id) => [id] });
    const self = {};
    expect(await wrapped.call(self, '1', 'a')).toEqual([self, '1']);
    expect([wrapped.name, wrapped.length, wrapped.route]).toEqual(['rename', 2, '/']);
    expect(Object.prototype.toString.call(wrapped)).toBe('[object AsyncFunction]');
    expect(() => Reflect.construct(wrapped, [])).toThrow(TypeError);

    const search = updates(
      cached(async (text: string) => text),
      { of: find, args: (text) => [text] },
    );
    await search('a');
    expect([search.has('a'), find.has('a'), search.invalidate('a')]).toEqual([true, true, true]);
  });

  it('hands on the same error, at once where it was thrown at once', () => {
    const error = new Error('not saved');
    const save = invalidates(
      () => {
        throw error;
      },
      { tags: ['a'] },
    );
    expect(() => save()).toThrow(error);
  });

  it('is about the members of what it is called on, by name', () => {
    class Users {
      @cached() find(id: string): string {
        return id;
      }
      readonly load = cached((id: string) => id);
      readonly remove = invalidates(
        invalidates(
          function (this: Users, id: string): string {
            return id;
          },
          { of: 'find', args: (id) => [id] },
        ),
        { of: 'load', args: (id) => [id] },
      );
    }
    const users = new Users();
    const find = jest.fn(users.find);
    users.find('1');
    users.load('1');
    expect(users.remove('1')).toBe('1');
    expect([users.load.has('1'), find.mock.calls]).toEqual([false, []]);
  });

  it('is about a call of every owner, where it names a function whose entries have owners', () => {
    class Users {
      readonly tenant: string;
      constructor(tenant: string) {
        this.tenant = tenant;
      }
    }
    const plan = cached(
      function (this: Users, name: string): string {
        return `${this.tenant} ${name}`;
      },
      { per: (self) => self.tenant },
    );
    const [acme, zeta] = [new Users('acme'), new Users('zeta')];
    for (const users of [acme, zeta]) for (const name of ['gold', 'lead']) plan.call(users, name);
    const change = invalidates((name: string) => name, { of: plan, args: (name) => [name] });
    change.call(acme, 'gold');
    expect(plan.stats().size).toBe(2);
    const load = updates((name: string) => name, { of: plan, args: (name) => [name] });
    expect(() => load('gold')).toThrow(/each owner has entries of/);
  });

  it('is about one object, where it names it', () => {
    class Users {
      @memoize() find(id: string): object {
        return { id };
      }
    }
    const [one, other] = [new Users(), new Users()];
    const remove = invalidates((id: string) => id, { of: [one, 'find'], args: (_result, id) => [id] });
    const [first, second] = [one.find('1'), other.find('1')];
    remove('1');
    expect([one.find('1') === first, other.find('1') === second]).toEqual([false, true]);
  });

  it('takes what its function returns for a promise where it can be waited for', async () => {
    const find = cached(async (id: string) => id);
    await find('1');
    // biome-ignore lint/suspicious/noThenProperty: something to wait for is what is tested
    const thenable = { then: (resolve: (id: string) => void) => resolve('1') } as unknown;
    const remove = invalidates(() => thenable as PromiseLike<string>, { of: find, args: (id) => [id] });
    expect([await remove(), find.has('1')]).toEqual(['1', false]);
  });
});

describe('a cache by name', () => {
  it('that is not there is an OptionError at the first call, before the function runs', async () => {
    let ran = 0;
    const setRate = invalidates(async () => ++ran, { cache: 'rates', keys: ['EUR'] });
    await expect(setRate()).rejects.toThrow(OptionError);
    await expect(setRate()).rejects.toThrow(/no cache named 'rates' yet; call createCache\(\{ name: 'rates' \}\)/);
    const find = cached(async (id: string) => id, { cache: 'users' });
    const remove = invalidates(async () => ++ran, { of: find, all: true });
    await expect(remove()).rejects.toThrow(/no cache named 'users' yet/);
    expect(ran).toBe(0);
  });

  it('is looked up at each call', async () => {
    const setRate = invalidates(async () => {}, { cache: 'rates', keys: ['EUR'] });
    for (let round = 0; round < 2; round++) {
      const rates = createCache({ name: 'rates' });
      rates.set('EUR', 1);
      await setRate();
      expect(rates.has('EUR')).toBe(false);
      await rates.close();
    }
  });

  it('hears of callbacks that throw, and does what the others say', async () => {
    const rates = createCache({ name: 'rates' });
    const errors: unknown[] = [];
    rates.on('error', ({ cache, error }) => errors.push([cache, (error as Error).message]));
    rates.set('EUR', 1);
    const fail = (): never => {
      throw new Error('oops');
    };
    const setRate = invalidates(
      invalidates(async () => 'done', { cache: 'rates', keys: fail, tags: ['a'] }),
      { cache: rates, keys: ['EUR'] },
    );
    expect([await setRate(), rates.has('EUR')]).toEqual(['done', false]);
    expect(errors).toEqual([['rates', expect.stringMatching(/invalidates\(.*\): keys threw Error: oops/)]]);
    const wrong = invalidates(async () => 'done', { cache: rates, keys: () => [1] as never });
    expect([await wrong(), errors.length]).toEqual(['done', 2]);
  });
});

describe('REPRISE_DISABLED=1 when a write is wrapped', () => {
  const before = process.env['REPRISE_DISABLED'];
  afterEach(() => {
    if (before === undefined) delete process.env['REPRISE_DISABLED'];
    else process.env['REPRISE_DISABLED'] = before;
  });

  it('lets it run as it is, whatever the effect is about, and checks the effect all the same', async () => {
    process.env['REPRISE_DISABLED'] = '1';
    class Users {
      @invalidates({ of: 'fnd', all: true })
      @updates({ of: 'fnd', args: () => [] })
      async remove(id: string): Promise<unknown[]> {
        return [this, id];
      }
    }
    const users = new Users();
    expect(await users.remove('1')).toEqual([users, '1']);
    expect(() => looseInvalidates(() => {}, {})).toThrow(OptionError);
  });
});
