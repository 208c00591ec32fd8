import 'reflect-metadata';
import { describe, expect, it, jest } from '@jest/globals';
import { OptionError } from '@reprise/store';
import { cached } from '../src/cached.ts';
import { memoize } from '../src/memoize.ts';
import type { CachedVerb } from '../src/types.ts';

/** Both verbs keep the same promises to a class. */
const verbs: [string, CachedVerb][] = [
  ['cached', cached],
  ['memoize', memoize as unknown as CachedVerb],
];

describe.each(verbs)('@%s in the dialect of experimentalDecorators', (verb, remember) => {
  function make() {
    const seen: string[] = [];
    class Users {
      readonly #tag: string;
      constructor(tag = 'a') {
        this.#tag = tag;
      }
      @remember find(id: number, _full?: boolean): string {
        seen.push(`${this.#tag}${id}`);
        return `${this.#tag}${id}`;
      }
      @remember() async later(id: number): Promise<string> {
        seen.push(`${this.#tag}${id}`);
        return `${this.#tag}${id}`;
      }
      @remember({ per: 'class' }) shared(id: number): number {
        seen.push(`shared${id}`);
        return id;
      }
      @remember({ per: (self) => self.tenant }) plan(id: number): number {
        seen.push(`plan${id}`);
        return id;
      }
      @remember static count(id: number): string {
        seen.push(`${Users.name}${id}`);
        return `${this.name}${id}`;
      }
      @remember own(id: number): number {
        seen.push(`own${id}`);
        return id;
      }
      get tenant(): string {
        return this.#tag;
      }
      outer(id: number): string {
        return this.find(id) + this.own(id);
      }
    }
    return { Users, seen };
  }

  it('keeps instances apart, unless told otherwise', async () => {
    const { Users, seen } = make();
    const [one, other] = [new Users('a'), new Users('b')];
    expect([one.find(1), one.find(1), other.find(1), other.find(1)]).toEqual(['a1', 'a1', 'b1', 'b1']);
    expect(await Promise.all([one.later(2), one.later(2), other.later(2)])).toEqual(['a2', 'a2', 'b2']);
    expect(seen.splice(0)).toEqual(['a1', 'b1', 'a2', 'b2']);
    expect([one.shared(1), other.shared(1)]).toEqual([1, 1]);
    expect([one.plan(1), other.plan(1), new Users('a').plan(1)]).toEqual([1, 1, 1]);
    expect(seen).toEqual(['shared1', 'plan1', 'plan1']);
  });

  it('goes through the cache on self-calls', () => {
    const { Users, seen } = make();
    const users = new Users();
    expect([users.outer(1), users.outer(1), users.find(1)]).toEqual(['a11', 'a11', 'a1']);
    expect(seen).toEqual(['a1', 'own1']);
  });

  it('gives a subclass that inherits a static method entries of its own', () => {
    const { Users, seen } = make();
    class Admins extends Users {}
    expect([Users.count(1), Users.count(1), Admins.count(1), Admins.count(1)]).toEqual([
      'Users1',
      'Users1',
      'Admins1',
      'Admins1',
    ]);
    expect(seen).toHaveLength(2);
  });

  it('works on instances that are frozen, proxied or without a constructor', () => {
    const { Users } = make();
    const frozen = Object.freeze(new Users());
    expect([frozen.find(1), frozen.find(1)]).toEqual(['a1', 'a1']);
    class Plain {
      calls = 0;
      @remember find(): number {
        return ++this.calls;
      }
    }
    const proxied = new Proxy(new Plain(), {});
    expect([proxied.find(), proxied.find()]).toEqual([1, 1]);
    const bare = Object.assign(Object.create(Plain.prototype) as Plain, { calls: 5 });
    expect([bare.find(), bare.find()]).toEqual([6, 6]);
  });

  it('looks like the method it wraps', () => {
    const { Users } = make();
    const { find, later } = Users.prototype;
    expect([find.name, find.length, later.name, later.length]).toEqual(['find', 2, 'later', 1]);
    expect(Object.prototype.toString.call(later)).toBe('[object AsyncFunction]');
    expect(() => Reflect.construct(find, [])).toThrow(TypeError);
    expect(Object.hasOwn(find, 'prototype')).toBe(false);
    expect(Object.getOwnPropertyDescriptor(Users.prototype, 'find')).toMatchObject({
      enumerable: false,
      configurable: true,
      writable: true,
    });
  });

  it('keeps the metadata of decorators above and below', () => {
    const SetMetadata =
      (key: string): MethodDecorator =>
      (_target, _name, descriptor) =>
        Reflect.defineMetadata(key, key, descriptor.value as object);
    class Users {
      @SetMetadata('above')
      @remember()
      @SetMetadata('below')
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const keys = ['above', 'below'].map((key) => Reflect.getMetadata(key, Users.prototype.find));
    expect(keys).toEqual(['above', 'below']);
    expect(Reflect.getMetadata('design:paramtypes', Users.prototype, 'find')).toEqual([String]);
  });

  it('hits the same entry by bind, call and Reflect.apply', () => {
    const { Users, seen } = make();
    const users = new Users();
    expect([users.find(1), users.find.bind(users)(1), users.find.call(users, 1)]).toEqual(['a1', 'a1', 'a1']);
    expect(Reflect.apply(users.find, users, [1])).toBe('a1');
    expect(seen).toEqual(['a1']);
  });

  it('can be spied on at the prototype, and given back', () => {
    const { Users, seen } = make();
    const users = new Users();
    const spy = jest.spyOn(Users.prototype, 'find').mockReturnValueOnce('spied');
    expect([users.find(1), users.find(1), users.find(1)]).toEqual(['spied', 'a1', 'a1']);
    spy.mockRestore();
    expect(users.find(1)).toBe('a1');
    expect(seen).toEqual(['a1']);
  });

  it('keeps an override and what it calls by super apart', () => {
    const { Users, seen } = make();
    class Admins extends Users {
      @remember override find(id: number): string {
        return `admin ${super.find(id)}`;
      }
      override shared(id: number): number {
        seen.push('override');
        return super.shared(id) + 1;
      }
    }
    const admins = new Admins();
    expect([admins.find(1), admins.find(1)]).toEqual(['admin a1', 'admin a1']);
    expect([admins.shared(1), admins.shared(1), new Users().shared(1)]).toEqual([2, 2, 1]);
    expect(seen).toEqual(['a1', 'override', 'shared1', 'override']);
  });

  it('names the member where an option is wrong', () => {
    const wrong = { tll: 5 } as object;
    const define = () => {
      class Users {
        @remember(wrong) find(): void {}
      }
      return Users;
    };
    expect(define).toThrow(OptionError);
    expect(define).toThrow(new RegExp(`^@${verb} on Users\\.find: .*tll.*ttl`));
    expect(() => remember(function load() {}, { ttl: -1 })).toThrow(new RegExp(`^${verb}\\(load\\): ttl`));
  });
});

describe('@memoize on a getter in the dialect of experimentalDecorators', () => {
  it('computes once for each instance, and leaves the setter alone', () => {
    let calls = 0;
    class Users {
      stored = 0;
      @memoize() get settings(): object {
        return { call: ++calls };
      }
      set settings(value: number) {
        this.stored = value;
      }
    }
    const [one, other] = [new Users(), new Users()];
    expect(one.settings).toBe(one.settings);
    expect(other.settings).not.toBe(one.settings);
    one.settings = 7;
    expect([one.stored, calls]).toEqual([7, 2]);
  });
});

describe('@cached with a cache by name on a synchronous method', () => {
  it('says at the first call what it needs', () => {
    class Users {
      @cached({ cache: 'nowhere' } as object) find(): string {
        return 'found';
      }
    }
    expect(() => new Users().find()).toThrow(TypeError);
    expect(() => new Users().find()).toThrow(/@cached on Users\.find/);
  });
});
