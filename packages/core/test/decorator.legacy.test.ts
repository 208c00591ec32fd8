import 'reflect-metadata';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { OptionError } from '@reprise/store';
import type { AnyFunction } from '../src/types.ts';
import { cached, memoize, wrapped } from './trivial-verb.ts';

const hidden = Symbol('hidden');
const untyped = cached as AnyFunction;
const untypedMemoize = memoize as AnyFunction;

/** As Nest's: keeps what it is given on the function itself. */
function SetMetadata(key: string, value: unknown): MethodDecorator {
  return (_target, _name, descriptor) => {
    Reflect.defineMetadata(key, value, descriptor.value as object);
  };
}

/** As many frameworks do: keeps it under the class and the name. */
function Route(path: string): MethodDecorator {
  return (target, name) => Reflect.defineMetadata('route', path, target, name);
}

beforeEach(() => {
  wrapped.length = 0;
});

describe('a decorator in the dialect of experimentalDecorators', () => {
  it('takes all forms, on methods, static ones, symbols, and getters', () => {
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
      @cached static count(id: number): number {
        calls++;
        return id;
      }
      @cached() [hidden](id: number): number {
        calls++;
        return id;
      }
      @memoize get settings(): number {
        calls++;
        return 5;
      }
    }
    const users = new Users();
    for (let round = 0; round < 2; round++) {
      expect([users.bare(1), users.empty(1), users.options(1), Users.count(1), users[hidden](1)]).toEqual([
        1, 1, 1, 1, 1,
      ]);
      expect(users.settings).toBe(5);
    }
    expect(calls).toBe(6);
    expect(wrapped.map(({ member }) => [member.label(), member.kind, member.isStatic]).sort()).toEqual([
      ['Users.bare', 'method', false],
      ['Users.count', 'method', true],
      ['Users.empty', 'method', false],
      ['Users.options', 'method', false],
      ['Users.settings', 'getter', false],
      ['Users[Symbol(hidden)]', 'method', false],
    ]);
    expect(wrapped.every(({ member }) => member.owner() === Users)).toBe(true);
  });

  it('leaves a getter its setter and both their flags', () => {
    class Users {
      stored = 0;
      @memoize() get settings(): number {
        return Math.random();
      }
      set settings(value: number) {
        this.stored = value;
      }
    }
    const users = new Users();
    const before = users.settings;
    users.settings = 9;
    expect([users.stored, users.settings]).toEqual([9, before]);
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'settings')).toMatchObject({
      enumerable: false,
      configurable: true,
    });
  });

  it('refuses what is no method, naming class and member and the way out', () => {
    const cases: [() => unknown, RegExp][] = [
      [
        () => {
          class Users {
            @untyped() field = 1;
          }
          return Users;
        },
        /^@cached on Users\.field: a field .*= cached\(fn\)/,
      ],
      [
        () => {
          class Users {
            @untyped field = () => 1;
          }
          return Users;
        },
        /^@cached on Users\.field: a field/,
      ],
      [
        () => {
          class Users {
            @untyped() static field = 1;
            readonly id = 1;
          }
          return Users;
        },
        /^@cached on Users\.field: a field/,
      ],
      [
        () => {
          class Users {
            @untyped() set one(_value: number) {}
          }
          return Users;
        },
        /^@cached on Users\.one: a setter/,
      ],
      [
        () => {
          class Users {
            @untyped() get one() {
              return 1;
            }
          }
          return Users;
        },
        /^@cached on Users\.one: a getter .*@memoize/,
      ],
      [
        () => {
          class Users {
            @untypedMemoize set one(_value: number) {}
          }
          return Users;
        },
        /^@memoize on Users\.one: a setter/,
      ],
      [
        () => {
          class Users {
            @untypedMemoize() [hidden] = 1;
          }
          return Users;
        },
        /^@memoize on Users\[Symbol\(hidden\)\]: a field/,
      ],
      [
        () => {
          class Users {
            find(_a: number, @untyped() _b: number) {}
          }
          return Users;
        },
        /^@cached on parameter 2 of Users\.find: a parameter/,
      ],
      [
        () => {
          class Users {
            constructor(@untyped _a: number) {}
          }
          return Users;
        },
        /^@cached on parameter 1 of Users\.constructor: a parameter/,
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

  it('names class and member when the options are wrong', () => {
    expect(() => {
      class Users {
        @untyped({ nope: 1 }) find() {}
      }
      return Users;
    }).toThrow("@cached on Users.find: there is no option 'nope'");
  });

  it('names a class that has a static member called name', () => {
    expect(() => {
      class Users {
        static name() {}
        @untyped() field = 1;
      }
      return Users;
    }).toThrow('@cached on Users.field');
  });
});

describe('a decorator applied by hand', () => {
  it('changes the descriptor and returns it', () => {
    class Users {
      find(id: number): object {
        return { id };
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Users.prototype, 'find') as PropertyDescriptor;
    const original = descriptor.value;
    const placed = (cached({ ttl: 1 }) as AnyFunction)(Users.prototype, 'find', descriptor);
    expect(placed).toBe(descriptor);
    expect(descriptor.value).not.toBe(original);
    Object.defineProperty(Users.prototype, 'find', placed);
    const users = new Users();
    expect(users.find(1)).toBe(users.find(1));
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'find')).toMatchObject({
      enumerable: false,
      writable: true,
    });
  });

  it('answers a frozen descriptor by a changed copy', () => {
    const frozen = Object.freeze({ value: () => ({}), enumerable: true, configurable: false, writable: false });
    const placed = untyped({})({}, 'find', frozen);
    expect(placed).not.toBe(frozen);
    expect(placed).toMatchObject({ enumerable: true, configurable: false, writable: false });
  });

  it('works through Reflect.decorate, and on an object without a class', () => {
    const box = { find: () => ({}) };
    const descriptor = Object.getOwnPropertyDescriptor(box, 'find') as PropertyDescriptor;
    Object.defineProperty(box, 'find', Reflect.decorate([untyped()], box, 'find', descriptor));
    expect(box.find()).toBe(box.find());
    expect(wrapped[0]?.member.label()).toBe('find');
    expect(wrapped[0]?.member.owner()).toBeUndefined();
  });
});

describe('a method decorated in the dialect of experimentalDecorators', () => {
  it('keeps the metadata of decorators above and below, on the function and on the class', () => {
    class Users {
      @Route('/users')
      @SetMetadata('above', 1)
      @cached({ ttl: 1 })
      @SetMetadata('below', 2)
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const { find } = Users.prototype;
    expect(Reflect.getOwnMetadata('above', find)).toBe(1);
    expect(Reflect.getOwnMetadata('below', find)).toBe(2);
    expect(Reflect.getMetadata('route', Users.prototype, 'find')).toBe('/users');
    expect(Reflect.getMetadata('design:paramtypes', Users.prototype, 'find')).toEqual([String]);
    expect(Reflect.getMetadata('design:returntype', Users.prototype, 'find')).toBe(Promise);
  });

  it('keeps own properties that decorators below put on the function', () => {
    const mark: MethodDecorator = (_target, _name, descriptor) => {
      Object.assign(descriptor.value as object, { marked: true, [hidden]: 'symbol' });
    };
    class Users {
      @cached()
      @mark
      find(): void {}
    }
    expect({ ...Users.prototype.find }).toEqual({ marked: true, [hidden]: 'symbol' });
  });

  it('keeps name, length and flags, spies, bind and super', () => {
    const seen: number[] = [];
    class Users {
      @cached() find(id: number, _full?: boolean): string {
        seen.push(id);
        return `${id}`;
      }
    }
    class Admins extends Users {
      override find(id: number): string {
        return `admin ${super.find(id)}`;
      }
    }
    expect([Users.prototype.find.name, Users.prototype.find.length]).toEqual(['find', 2]);
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'find')).toMatchObject({
      enumerable: false,
      configurable: true,
      writable: true,
    });
    const admins = new Admins();
    expect([admins.find(1), admins.find.bind(admins)(1)]).toEqual(['admin 1', 'admin 1']);
    expect(seen).toEqual([1]);
    const spy = jest.spyOn(Users.prototype, 'find').mockReturnValue('spied');
    expect(admins.find(1)).toBe('admin spied');
    spy.mockRestore();
    expect(admins.find(1)).toBe('admin 1');
    expect(seen).toEqual([1]);
  });
});
