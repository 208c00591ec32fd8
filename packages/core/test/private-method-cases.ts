import { describe, expect, it } from '@jest/globals';
import { cached, cacheOf } from '@reprise/core';

/** What methods do under `@cached` in caches of their own, whichever dialect of decorators this file was compiled in. */
export function describePrivateMethods(dialect: string): void {
  describe(`methods in private caches, in the ${dialect} dialect`, () => {
    it('stay synchronous', () => {
      let calls = 0;
      class Tax {
        rate = 2;
        @cached()
        of(amount: number): number {
          calls++;
          return amount * this.rate;
        }
      }
      const tax = new Tax();
      expect([tax.of(2), tax.of(2), calls]).toEqual([4, 4, 1]);
    });

    it('are decorated with and without parentheses', () => {
      let calls = 0;
      class Tax {
        @cached
        bare(n: number): number {
          return n + ++calls;
        }
        @cached()
        called(n: number): number {
          return n + ++calls;
        }
      }
      const tax = new Tax();
      expect([tax.bare(0), tax.bare(0), tax.called(0), tax.called(0)]).toEqual([1, 1, 2, 2]);
    });

    it('have symbols and computed names', () => {
      const symbol = Symbol('find');
      const computed = ['a', 'b'].join('-');
      let calls = 0;
      class Odd {
        @cached()
        [symbol](n: number): number {
          return n + ++calls;
        }
        @cached()
        [computed](n: number): number {
          return n + ++calls;
        }
      }
      const odd = new Odd() as unknown as Record<PropertyKey, (n: number) => number>;
      expect([odd[symbol]?.(0), odd[symbol]?.(0), odd[computed]?.(0), odd[computed]?.(0)]).toEqual([1, 1, 2, 2]);
    });

    it('are bounded over all instances', () => {
      class Users {
        @cached({ maxSize: 5 })
        find(id: number): number {
          return id;
        }
      }
      const all = Array.from({ length: 4 }, () => new Users());
      for (const users of all) for (let id = 0; id < 4; id++) users.find(id);
      expect(cacheOf(Users, 'find').stats().size).toBe(5);
    });

    it('tell what they are called on apart where it is no object, too', () => {
      class Odd {
        @cached()
        self(this: unknown): unknown {
          return this;
        }
      }
      const { self } = Odd.prototype;
      expect([self.call(1), self.call('1'), self.call(undefined), self.call(1)]).toEqual([1, '1', undefined, 1]);
    });

    it('of a class that is invalidated in a constructor are found by cacheOf(this)', () => {
      class Users {
        calls = 0;
        constructor() {
          this.find(1);
          cacheOf(this, 'find').invalidate(1);
        }
        @cached()
        find(id: number): number {
          return id * 10 + ++this.calls;
        }
      }
      expect(new Users().find(1)).toBe(12);
    });

    it('that fail name class and method in what they report', async () => {
      class Users {
        @cached({
          ttl: () => {
            throw new Error('no ttl');
          },
        })
        async find(id: string): Promise<string> {
          return id;
        }
      }
      const users = new Users();
      const errors: unknown[] = [];
      cacheOf(users, 'find').on('error', ({ error, name }) => errors.push([name, (error as Error).message]));
      await users.find('1');
      expect(errors).toEqual([['Users.find', expect.stringContaining('Users.find: ttl threw')]]);
    });

    it('keep name, length and the flags of the property', () => {
      class Users {
        @cached()
        async find(_id: string, _full?: boolean): Promise<string> {
          return '';
        }
      }
      class Plain {
        async find(_id: string, _full?: boolean): Promise<string> {
          return '';
        }
      }
      const { value, ...flags } = Object.getOwnPropertyDescriptor(Users.prototype, 'find') as PropertyDescriptor;
      const { value: plain, ...plainFlags } = Object.getOwnPropertyDescriptor(
        Plain.prototype,
        'find',
      ) as PropertyDescriptor;
      expect([value.name, value.length, flags]).toEqual([plain.name, plain.length, plainFlags]);
    });

    it('with a per that is no answer are a KeyError', () => {
      class Users {
        tenant?: string;
        @cached({ per: (self: Users) => self.tenant as never })
        find(id: string): string {
          return id;
        }
      }
      expect(() => new Users().find('1')).toThrow(/Users\.find: per answered undefined/);
    });

    it('with a per that throws fail the call, and do not run', () => {
      let calls = 0;
      class Users {
        @cached({
          per: () => {
            throw new Error('no tenant');
          },
        })
        find(_id: string): number {
          return ++calls;
        }
      }
      expect(() => new Users().find('1')).toThrow('no tenant');
      expect(calls).toBe(0);
    });
  });
}
