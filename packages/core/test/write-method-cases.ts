import { describe, expect, it, jest } from '@jest/globals';
import { cached, cacheOf, invalidates, memoize, OptionError } from '@reprise/core';

/** What becomes of methods under `@invalidates`, and where it cannot stand, whichever dialect of decorators this file was compiled in. */
export function describeWrites(dialect: string): void {
  describe(`@invalidates, in the ${dialect} dialect`, () => {
    it('reaches what is memoized: methods and getters', async () => {
      let runs = 0;
      class Settings {
        @memoize() get all(): number {
          return ++runs;
        }
        @memoize() of(name: string): string {
          return `${name} ${++runs}`;
        }
        @invalidates({ of: 'all' })
        @invalidates({ of: 'of', args: (_result, name) => [name] })
        change(name: string): void {
          expect(name).toBe('a');
        }
      }
      const settings = new Settings();
      expect([settings.all, settings.of('a'), settings.of('b')]).toEqual([1, 'a 2', 'b 3']);
      settings.change('a');
      expect([settings.all, settings.of('a'), settings.of('b')]).toEqual([4, 'a 5', 'b 3']);
    });

    it('stands on members with symbols and computed names, and is about them', () => {
      const [find, remove] = [Symbol('find'), `re${'move'}`];
      let runs = 0;
      class Odd {
        @cached() [find](id: number): number {
          return id + ++runs;
        }
        @cached() 7(id: number): number {
          return id + ++runs;
        }
        @invalidates({ of: find, all: true })
        @invalidates({ of: 7, all: true })
        [remove](): void {}
      }
      const odd = new Odd() as unknown as Record<PropertyKey, (id: number) => number>;
      expect([odd[find]?.(0), odd[7]?.(0), odd[find]?.(0), odd[7]?.(0)]).toEqual([1, 2, 1, 2]);
      odd[remove]?.(0);
      expect([odd[find]?.(0), odd[7]?.(0)]).toEqual([3, 4]);
      const spy = jest.spyOn(Odd.prototype as unknown as { 7(id: number): number }, 7);
      odd[remove]?.(0);
      spy.mockRestore();
      expect([odd[find]?.(0), odd[7]?.(0)]).toEqual([5, 6]);
    });

    it('gives its this to callbacks, and to the method its arguments', () => {
      const seen: unknown[] = [];
      class Users {
        tenant = 'acme';
        @cached({ per: 'class' }) plan(tenant: string): string {
          return tenant;
        }
        @invalidates({
          of: 'plan',
          args(this: Users, result, first, ...rest) {
            seen.push([this, result, first, ...rest]);
            return [this.tenant];
          },
        })
        change(...parts: number[]): number {
          seen.push([this, ...parts]);
          return parts.length;
        }
      }
      const users = new Users();
      users.plan('acme');
      expect(users.change(1, 2, 3)).toBe(3);
      expect(seen).toEqual([
        [users, 1, 2, 3],
        [users, 3, 1, 2, 3],
      ]);
      expect(cacheOf(users, 'plan').has('acme')).toBe(false);
    });

    it('keeps name, length, the kind of the function and the flags of the property', () => {
      class Plain {
        async remove(_id: string, _deeply?: boolean): Promise<void> {}
      }
      class Decorated {
        @invalidates({ tags: ['a'] })
        @invalidates({ tags: ['b'] })
        async remove(_id: string, _deeply?: boolean): Promise<void> {}
      }
      const [plain, decorated] = [Plain, Decorated].map(
        ({ prototype }) => Object.getOwnPropertyDescriptor(prototype, 'remove') as PropertyDescriptor,
      );
      const { value, ...flags } = decorated as PropertyDescriptor;
      const { value: bare, ...bareFlags } = plain as PropertyDescriptor;
      expect([value.name, value.length, flags]).toEqual([bare.name, bare.length, bareFlags]);
      expect(Object.prototype.toString.call(value)).toBe('[object AsyncFunction]');
      expect(() => Reflect.construct(value, [])).toThrow(TypeError);
    });

    it('works by bind, call, Reflect.apply and beneath a spy', async () => {
      class Users {
        @cached() find(id: string): string {
          return id;
        }
        @invalidates({ of: 'find', args: (_result, id) => [id] })
        remove(id: string): string {
          return id;
        }
      }
      const users = new Users();
      const handle = cacheOf(users, 'find');
      const ways: ((id: string) => string)[] = [
        users.remove.bind(users),
        (id) => users.remove.call(users, id),
        (id) => Reflect.apply(users.remove, users, [id]),
      ];
      for (const remove of ways) {
        users.find('1');
        expect(remove('1')).toBe('1');
        expect(handle.has('1')).toBe(false);
      }
      const spy = jest.spyOn(Users.prototype, 'find');
      users.find('1');
      users.remove('1');
      expect(handle.has('1')).toBe(false);
      spy.mockRestore();
    });

    it('refuses a target that is not there at the first call, before the method runs', async () => {
      let ran = 0;
      class Users {
        @cached() async find(id: string): Promise<string> {
          return id;
        }
        @invalidates({ of: 'fnd', all: true })
        async remove(_id: string): Promise<void> {
          ran++;
        }
        @invalidates({ of: 'fnd', all: true })
        removeNow(): void {
          ran++;
        }
        @invalidates({ of: '#find', all: true })
        hide(): void {
          ran++;
        }
      }
      const users = new Users();
      await expect(users.remove('1')).rejects.toThrow(OptionError);
      await expect(users.remove('1')).rejects.toThrow(
        /^@invalidates on Users\.remove: of: 'fnd': Users has no .* @cached or @memoize, or name one that is: 'find'$/,
      );
      expect(() => users.removeNow()).toThrow(OptionError);
      expect(() => users.hide()).toThrow(/#private/);
      expect(ran).toBe(0);
    });

    it('refuses to be called without an object where it takes the target from that', () => {
      class Users {
        @cached() find(id: string): string {
          return id;
        }
        @invalidates({ of: 'find', all: true })
        remove(this: unknown): void {}
      }
      const { remove } = new Users();
      expect(() => remove.call(undefined)).toThrow(/^@invalidates on Users\.remove: it was called without an object/);
    });

    it('clears what may be meant where args throws, and says so once', async () => {
      for (const args of [
        () => {
          throw new Error('oops');
        },
        () => '1',
        async () => ['1'],
      ]) {
        class Users {
          @cached() find(id: string): string {
            return id;
          }
          @invalidates({ of: 'find', args: args as never })
          async remove(id: string): Promise<string> {
            return id;
          }
        }
        const [users, other] = [new Users(), new Users()];
        const errors: unknown[] = [];
        cacheOf(Users, 'find').on('error', ({ error, name }) => errors.push([name, error]));
        for (const one of [users, other]) for (const id of ['1', '2']) one.find(id);
        expect(await users.remove('1')).toBe('1');
        expect(errors).toEqual([['Users.find', expect.objectContaining({ code: 'E_CALLBACK' })]]);
        const has = [users, other].map((one) => ['1', '2'].map((id) => cacheOf(one, 'find').has(id)));
        expect(has).toEqual([
          [false, false],
          [true, true],
        ]);
      }
    });

    it('is an error that says so where it says nothing', () => {
      const loose = invalidates as unknown as (...args: unknown[]) => any;
      const uses: (() => unknown)[] = [
        () => {
          class Users {
            @loose
            remove(): void {}
          }
          return Users;
        },
        () => {
          class Users {
            @loose()
            remove(): void {}
          }
          return Users;
        },
      ];
      for (const use of uses) {
        expect(use).toThrow(OptionError);
        expect(use).toThrow(/^@invalidates on (Users\.)?remove: it needs an effect, such as \{ of: 'find'/);
      }
    });

    it('refuses what is no method', () => {
      const loose = invalidates as unknown as (...args: unknown[]) => any;
      const uses: [() => unknown, RegExp][] = [
        [
          () => {
            class Users {
              @loose({ tags: ['a'] }) names = 1;
            }
            return Users;
          },
          /@invalidates on (Users\.)?names: a field .* = invalidates\(fn, effect\)/,
        ],
        [
          () => {
            class Users {
              @loose({ tags: ['a'] }) get names(): number {
                return 1;
              }
            }
            return Users;
          },
          /@invalidates on (Users\.)?names: a getter cannot be decorated/,
        ],
        [
          () => {
            class Users {
              @loose({ tags: ['a'] }) set names(_names: number) {}
            }
            return Users;
          },
          /@invalidates on (Users\.)?names: a setter cannot be decorated/,
        ],
        [
          () => {
            @loose({ tags: ['a'] })
            class Users {}
            return Users;
          },
          /@invalidates on class Users/,
        ],
        [
          () => {
            class Users {
              @loose({ tags: ['a'] }) *rows(): Generator<number> {
                yield 1;
              }
            }
            return Users;
          },
          /@invalidates on (Users\.)?rows: a generator/,
        ],
      ];
      for (const [use, message] of uses) {
        expect(use).toThrow(OptionError);
        expect(use).toThrow(message);
      }
    });
  });
}
