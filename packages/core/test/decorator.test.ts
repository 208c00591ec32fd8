import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { OptionError } from '@reprise/store';
import type { AnyFunction } from '../src/types.ts';
import { cached, memoize, wrapped } from './trivial-verb.ts';

const hidden = Symbol('hidden');
const computed = `com${'puted'}`;

/** The verb without its types, to call it as no type allows. */
const untyped = cached as AnyFunction;
const untypedMemoize = memoize as AnyFunction;

function lastMember() {
  const last = wrapped.at(-1);
  if (last === undefined) throw new Error('nothing was wrapped');
  return last.member;
}

beforeEach(() => {
  wrapped.length = 0;
});

describe('a decorator in the standard dialect', () => {
  it('takes all forms: bare, called, with options', () => {
    let calls = 0;
    class Users {
      @cached bare(id: number): number {
        calls++;
        return id;
      }
      @cached() empty(id: number): number {
        calls++;
        return id;
      }
      @cached({ ttl: '5m' }) options(id: number): number {
        calls++;
        return id;
      }
    }
    const users = new Users();
    expect([users.bare(1), users.bare(1), users.empty(2), users.empty(2), users.options(3), users.options(3)]).toEqual([
      1, 1, 2, 2, 3, 3,
    ]);
    expect(calls).toBe(3);
    expect(wrapped.map(({ options }) => options)).toEqual([undefined, undefined, { ttl: '5m' }]);
  });

  it('wraps static, private, symbol-named and computed methods', () => {
    let calls = 0;
    class Users {
      @cached static count(id: number): number {
        calls++;
        return id;
      }
      @cached #own(id: number): number {
        calls++;
        return id;
      }
      @cached static #ownStatic(id: number): number {
        calls++;
        return id;
      }
      @cached() [hidden](id: number): number {
        calls++;
        return id;
      }
      @cached() [computed](id: number): number {
        calls++;
        return id;
      }
      all(id: number): number[] {
        return [
          Users.count(id),
          this.#own(id),
          Users.#ownStatic(id),
          this[hidden](id),
          Reflect.get(this, computed).call(this, id),
        ];
      }
    }
    const users = new Users();
    expect(users.all(7)).toEqual([7, 7, 7, 7, 7]);
    expect(users.all(7)).toEqual([7, 7, 7, 7, 7]);
    expect(calls).toBe(5);
    const members = wrapped.map(({ member }) => [member.name, member.isStatic, member.isPrivate, member.label()]);
    expect(members).toContainEqual(['count', true, false, 'Users.count']);
    expect(members).toContainEqual(['#own', false, true, '#own']);
    expect(members).toContainEqual(['#ownStatic', true, true, 'Users.#ownStatic']);
    expect(members).toContainEqual([hidden, false, false, 'Users[Symbol(hidden)]']);
    expect(members).toContainEqual(['computed', false, false, 'Users.computed']);
  });

  it('memoizes a getter once for each instance and leaves the setter alone', () => {
    let calls = 0;
    class Users {
      stored = 0;
      @memoize get settings(): number {
        return ++calls;
      }
      set settings(value: number) {
        this.stored = value;
      }
      @memoize() static get shared(): object {
        return {};
      }
    }
    const [one, other] = [new Users(), new Users()];
    expect([one.settings, one.settings, other.settings]).toEqual([1, 1, 2]);
    one.settings = 9;
    expect([one.stored, one.settings]).toEqual([9, 1]);
    expect(Users.shared).toBe(Users.shared);
    const descriptor = Object.getOwnPropertyDescriptor(Users.prototype, 'settings');
    expect(descriptor).toMatchObject({ enumerable: false, configurable: true });
    expect(descriptor?.get?.name).toBe('get settings');
    expect(wrapped.map(({ member }) => [member.kind, member.label()])).toContainEqual(['getter', 'Users.settings']);
  });

  it('wraps anew with each application of one decorator object', () => {
    const shared = cached({ ttl: 1 });
    class Users {
      @shared first(id: number): string {
        return `first ${id}`;
      }
      @shared second(id: number): string {
        return `second ${id}`;
      }
    }
    const users = new Users();
    expect([users.first(1), users.second(1), users.first(1)]).toEqual(['first 1', 'second 1', 'first 1']);
  });

  it('refuses what is no method, naming the member and the way out', () => {
    const cases: [() => unknown, RegExp][] = [
      [
        () =>
          class {
            @untyped() field = 1;
          },
        /^@cached on field: a field .*= cached\(fn\)/,
      ],
      [
        () =>
          class {
            @untyped field = () => 1;
          },
        /^@cached on field: a field/,
      ],
      [
        () =>
          class {
            @untyped() accessor box = 1;
          },
        /^@cached on box: an accessor field/,
      ],
      [
        () =>
          class {
            @untyped() set one(_value: number) {}
          },
        /^@cached on one: a setter/,
      ],
      [
        () =>
          class {
            @untyped() get one() {
              return 1;
            }
          },
        /^@cached on one: a getter .*@memoize/,
      ],
      [
        () =>
          class {
            @untyped get one() {
              return 1;
            }
          },
        /^@cached on one: a getter/,
      ],
      [
        () =>
          class {
            @untypedMemoize() set one(_value: number) {}
          },
        /^@memoize on one: a setter .*getter/,
      ],
      [
        () =>
          class {
            @untypedMemoize() accessor #box = 1;
            read = () => this.#box;
          },
        /^@memoize on #box: an accessor field/,
      ],
      [
        () =>
          class {
            @untypedMemoize() [hidden] = 1;
          },
        /^@memoize on \[Symbol\(hidden\)\]: a field/,
      ],
      [
        () => {
          @untyped()
          class Users {}
          return Users;
        },
        /^@cached on class Users: a class .*methods/,
      ],
      [
        () => {
          @untyped
          class Users {}
          return Users;
        },
        /^@cached on class Users: a class/,
      ],
    ];
    for (const [define, message] of cases) {
      expect(define).toThrow(message);
      expect(define).toThrow(OptionError);
    }
  });

  it('names the member when its options are wrong', () => {
    expect(
      () =>
        class {
          @untyped({ nope: 1 }) find() {}
        },
    ).toThrow("@cached on find: there is no option 'nope'");
  });
});

describe('the class of a member in the standard dialect', () => {
  it('is known from the first construction', () => {
    class Users {
      @cached find(): void {}
    }
    const member = lastMember();
    expect([member.label(), member.owner()]).toEqual(['find', undefined]);
    new Users();
    expect([member.label(), member.owner()]).toEqual(['Users.find', Users]);
  });

  it('is known from the first call, if nothing was constructed', () => {
    class Users {
      @cached find(): void {}
    }
    const member = lastMember();
    Users.prototype.find.call(Object.create(Users.prototype));
    expect(member.owner()).toBe(Users);
  });

  it('is known at once for static members, private ones too', () => {
    class Users {
      @cached static find(): void {}
      readonly id = 1;
    }
    expect(lastMember().owner()).toBe(Users);
  });

  it('is the declaring one, whoever inherits', () => {
    class Base {
      @cached find(): string {
        return 'base';
      }
    }
    const member = lastMember();
    class Derived extends Base {
      override find(): string {
        return `derived ${super.find()}`;
      }
    }
    expect(new Derived().find()).toBe('derived base');
    expect(member.owner()).toBe(Base);
  });

  it('is known where another decorator has wrapped the wrapper', () => {
    function loud(fn: AnyFunction): AnyFunction {
      return function (this: unknown, ...args: unknown[]) {
        return `${Reflect.apply(fn, this, args)}!`;
      };
    }
    class Users {
      @loud
      @cached
      find(id: string): string {
        return id;
      }
    }
    const member = lastMember();
    expect(new Users().find('a')).toBe('a!');
    expect(member.label()).toBe('Users.find');
  });

  it('stays unknown where it could be one of two', () => {
    function around(fn: AnyFunction): AnyFunction {
      return function (this: unknown, ...args: unknown[]) {
        return Reflect.apply(fn, this, args);
      };
    }
    class Base {
      @around
      @cached
      find(): string {
        return 'base';
      }
    }
    const member = lastMember();
    class Derived extends Base {
      override find(): string {
        return super.find();
      }
    }
    new Derived().find();
    expect(member.owner()).toBeUndefined();
    new Base();
    expect(member.owner()).toBe(Base);
  });

  it('is not guessed from an object that borrowed the method', () => {
    class Users {
      @cached find(): string {
        return 'users';
      }
    }
    const member = lastMember();
    class Thief {
      find(): string {
        return 'thief';
      }
      stolen = Users.prototype.find;
    }
    new Thief().stolen();
    expect(member.owner()).toBeUndefined();
  });

  it('is told apart for each evaluation of a mixin', () => {
    const labels: string[] = [];
    function Named<Base extends new (...args: any[]) => object>(Parent: Base) {
      class Mixed extends Parent {
        @cached find(): string {
          return 'found';
        }
      }
      return Mixed;
    }
    class One extends Named(Object) {}
    class Two extends Named(One) {}
    expect([new One().find(), new Two().find()]).toEqual(['found', 'found']);
    for (const { member } of wrapped) labels.push(member.label());
    expect(labels).toEqual(['Mixed.find', 'Mixed.find']);
    expect(wrapped[0]?.member.owner()).not.toBe(wrapped[1]?.member.owner());
  });

  it('takes any receiver', () => {
    class Users {
      @cached find(): string {
        return 'found';
      }
    }
    const { find } = Users.prototype;
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const receiver of [undefined, null, 1, 'a', Object.create(null), proxy, () => {}]) {
      expect(find.call(receiver as Users)).toBe('found');
    }
    expect(lastMember().owner()).toBeUndefined();
    const frozen = Object.freeze(new Users());
    expect(frozen.find()).toBe('found');
    expect(lastMember().owner()).toBe(Users);
  });
});

describe('a decorated method', () => {
  function make() {
    const seen: unknown[] = [];
    class Users {
      @cached find(id: number, _full?: boolean): string {
        seen.push(id);
        return `${id}`;
      }
      @cached async later(id: number): Promise<number> {
        return id;
      }
    }
    return { Users, seen };
  }

  it('keeps name, length and flags, and cannot be constructed', () => {
    const { Users } = make();
    const { find, later } = Users.prototype;
    expect([find.name, find.length, later.name, later.length]).toEqual(['find', 2, 'later', 1]);
    expect(Object.prototype.toString.call(later)).toBe('[object AsyncFunction]');
    expect(Object.hasOwn(find, 'prototype')).toBe(false);
    expect(() => Reflect.construct(find, [])).toThrow(TypeError);
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'find')).toMatchObject({
      enumerable: false,
      configurable: true,
      writable: true,
    });
    expect(Object.keys(new Users())).toEqual([]);
  });

  it('hits the same entry by bind, call and Reflect.apply', () => {
    const { Users, seen } = make();
    const users = new Users();
    expect([users.find(1), users.find.bind(users)(1), users.find.call(users, 1)]).toEqual(['1', '1', '1']);
    expect(Reflect.apply(users.find, users, [1])).toBe('1');
    expect(seen).toEqual([1]);
  });

  it('can be spied on at its prototype, and given back', () => {
    const { Users, seen } = make();
    const spy = jest.spyOn(Users.prototype, 'find');
    const users = new Users();
    expect([users.find(1), users.find(1)]).toEqual(['1', '1']);
    expect([spy.mock.calls.length, seen.length]).toEqual([2, 1]);
    spy.mockReturnValue('spied');
    expect(users.find(1)).toBe('spied');
    spy.mockRestore();
    expect(users.find(1)).toBe('1');
    expect(seen).toEqual([1]);
  });

  it('is called by an override through super, each with its own entry', () => {
    const { Users, seen } = make();
    class Admins extends Users {
      @cached override find(id: number): string {
        return `admin ${super.find(id)}`;
      }
    }
    const admins = new Admins();
    expect([admins.find(1), admins.find(1)]).toEqual(['admin 1', 'admin 1']);
    expect(seen).toEqual([1]);
  });
});
