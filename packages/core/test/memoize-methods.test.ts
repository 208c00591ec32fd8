import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { KeyError } from '@reprise/store';
import { cacheOf } from '../src/cache-of.ts';
import { ignoreThis } from '../src/key/ignore-this.ts';
import { memoize } from '../src/memoize.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Until a condition holds that the garbage collector brings about. A look through a WeakRef keeps its target for the turn. */
async function collected(condition: () => boolean): Promise<boolean> {
  for (let round = 0; round < 200; round++) {
    await setImmediate();
    collectGarbage();
    await setImmediate();
    if (condition()) return true;
  }
  return false;
}

describe('a memoized method', () => {
  class Users {
    runs = 0;
    #secret = 1;
    readonly tenant: string;
    constructor(tenant = 'acme') {
      this.tenant = tenant;
    }
    @memoize()
    find(id: string): { id: string; run: number } {
      return { id, run: ++this.runs + this.#secret - 1 };
    }
    @memoize({ per: 'class' })
    countries(): object {
      return { run: ++this.runs };
    }
    @memoize({ key: ignoreThis })
    shared(_name: string): object {
      return { run: ++this.runs };
    }
    @memoize({ per: (self) => self.tenant })
    plan(name: string): object {
      return { name, run: ++this.runs };
    }
    @memoize()
    get settings(): object {
      return { run: ++this.runs };
    }
    @memoize()
    static all(): object {
      return {};
    }
    @memoize({ ttl: '1h' })
    pair(_one: number, _two: number, ..._more: number[]): object {
      return { run: ++this.runs };
    }
  }

  it('remembers for each object by itself', () => {
    const [one, other] = [new Users(), new Users()];
    expect(one.find('1')).toBe(one.find('1'));
    expect(other.find('1')).not.toBe(one.find('1'));
    expect([one.runs, other.runs]).toEqual([1, 1]);
    expect(one.pair(1, 2)).toBe(one.pair(1, 2));
    expect(one.pair(1, 2)).not.toBe(one.pair(1, 2, 3));
    expect(one.pair(1, 2, 3)).toBe(one.pair(1, 2, 3));
    expect(one.pair(1, 2)).not.toBe(other.pair(1, 2));
  });

  it('remembers for the class with per: class, and with key: ignoreThis', () => {
    const [one, other] = [new Users(), new Users()];
    expect(other.countries()).toBe(one.countries());
    expect(other.shared('a')).toBe(one.shared('a'));
    expect(other.shared('b')).not.toBe(one.shared('a'));
  });

  it('names the class in keys, whichever way it was called first', () => {
    class Plans {
      @memoize({ per: 'class' })
      price(id: string): number {
        return id.length;
      }
    }
    const plans = new Plans();
    plans.price('gold');
    expect(cacheOf(plans, 'price').keyOf('gold')).toBe('Plans.price("gold")');
  });

  it('remembers for a part of the object', () => {
    const [one, same, other] = [new Users('acme'), new Users('acme'), new Users('other')];
    expect(same.plan('gold')).toBe(one.plan('gold'));
    expect(other.plan('gold')).not.toBe(one.plan('gold'));
    expect(cacheOf(one, 'plan').keyOf('gold')).toBe('Users.plan<"acme">("gold")');
  });

  it('computes a getter once for each object', () => {
    const [one, other] = [new Users(), new Users()];
    expect(one.settings).toBe(one.settings);
    expect(other.settings).not.toBe(one.settings);
    expect(cacheOf(one, 'settings').invalidate()).toBe(true);
    const { settings } = one;
    expect(one.settings).toBe(settings);
    expect(one.runs).toBe(2);
  });

  it('remembers a static one for the class that it is called on', () => {
    class Admins extends Users {}
    expect(Admins.all()).toBe(Admins.all());
    expect(Admins.all()).not.toBe(Users.all());
  });

  it.each([
    ['a frozen object', Object.freeze(new Users())],
    ['an object without prototype', Object.assign(Object.create(null), { runs: 0 })],
    ['a plain object', { runs: 0 }],
    ['a function', Object.assign(() => {}, { runs: 0 })],
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['a string', 'text'],
    ['a symbol', Symbol('own')],
    ['a registered symbol', Symbol.for('own')],
  ])('works on %s', (_, self) => {
    const runs: unknown[] = [];
    const method = memoize(
      function (this: unknown, value: number) {
        runs.push(this);
        return { value };
      },
      { per: 'instance' },
    );
    expect(method.call(self, 1)).toBe(method.call(self, 1));
    expect(method.call(self, 1)).not.toBe(method.call(self, 2));
    expect(method.call({}, 1)).not.toBe(method.call(self, 1));
    expect(runs).toHaveLength(3);
    expect(runs[0]).toBe(self);
    expect(method.stats()).toMatchObject({ misses: 3, size: 3 });
  });

  it('works on a proxy, as an owner of its own', () => {
    const users = new Users();
    const method = memoize(
      function (this: object) {
        return {};
      },
      { per: 'instance' },
    );
    const proxy = new Proxy(users, {});
    expect(method.call(proxy)).toBe(method.call(proxy));
    expect(method.call(proxy)).not.toBe(method.call(users));
  });

  it('tells owners apart by identity, whatever they say they are', () => {
    const method = memoize(
      function (this: object) {
        return {};
      },
      { per: 'instance' },
    );
    expect(method.call({ a: 1 })).not.toBe(method.call({ a: 1 }));
  });

  it('hits the same entry bound, called and applied', () => {
    const users = new Users();
    const first = users.find('1');
    const { find } = users;
    expect(users.find.bind(users)('1')).toBe(first);
    expect(find.call(users, '1')).toBe(first);
    expect(Reflect.apply(find, users, ['1'])).toBe(first);
    expect(users.runs).toBe(1);
  });

  it('fails the call with what per throws, and with a KeyError where it tells nothing', () => {
    const refuse = memoize(() => 1, { per: () => undefined as never });
    expect(() => refuse()).toThrow(KeyError);
    expect(() => refuse()).toThrow(/per.*undefined/);
    const error = new Error('per');
    const fail = memoize(() => 1, {
      per: () => {
        throw error;
      },
    });
    expect(() => fail()).toThrow(error);
  });

  describe('by its handle', () => {
    it('stands for this owner, or for the whole class', () => {
      const [one, other] = [new Users(), new Users()];
      for (const users of [one, other]) for (const id of ['1', '2', '3']) users.find(id);
      expect(cacheOf(one, 'find').invalidate('1')).toBe(true);
      expect(cacheOf(one, 'find').invalidate('1')).toBe(false);
      expect(cacheOf(one, 'find').has('1')).toBe(false);
      expect(cacheOf(other, 'find').has('1')).toBe(true);
      expect(cacheOf(one, 'find').stats()).toMatchObject({ misses: 3, size: 2 });
      expect(cacheOf(Users, 'find').invalidate('2')).toBe(true);
      expect(cacheOf(one, 'find').has('2') || cacheOf(other, 'find').has('2')).toBe(false);
      cacheOf(one, 'find').clear();
      expect(cacheOf(one, 'find').stats().size).toBe(0);
      expect(cacheOf(other, 'find').stats().size).toBe(2);
      cacheOf(Users, 'find').clear();
      expect(cacheOf(other, 'find').stats().size).toBe(0);
      expect(cacheOf(Users, 'find').stats()).toMatchObject({ size: 0 });
    });

    it('primes and refreshes', () => {
      const users = new Users();
      const primed = { id: '1', run: 0 };
      cacheOf(users, 'find').set(['1'], primed);
      expect(users.find('1')).toBe(primed);
      const refreshed = cacheOf(users, 'find').refresh('1');
      expect(refreshed).toMatchObject({ run: 1 });
      expect(users.find('1')).toBe(refreshed);
      expect(cacheOf(users, 'find').peek('1')).toBe(refreshed);
      expect(cacheOf(users, 'find').inspect('1')).toMatchObject({
        status: 'fresh',
        tier: 'memory',
        expiresIn: Infinity,
      });
      expect(cacheOf(users, 'find').keyOf('1')).toMatch(/^Users\.find<Users#\d+>\("1"\)$/);
    });

    it('clears and counts the part of an owner only', () => {
      const [acme, other] = [new Users('acme'), new Users('other')];
      cacheOf(Users, 'plan').clear();
      acme.plan('gold');
      acme.plan('silver');
      other.plan('gold');
      cacheOf(acme, 'plan').clear();
      expect(cacheOf(acme, 'plan').has('gold')).toBe(false);
      expect(cacheOf(other, 'plan').has('gold')).toBe(true);
      acme.plan('gold');
      expect(cacheOf(Users, 'plan').invalidate('gold')).toBe(true);
      expect(cacheOf(acme, 'plan').has('gold') || cacheOf(other, 'plan').has('gold')).toBe(false);
    });

    it('leaves no trace by looking', () => {
      const users = new Users();
      users.find('1');
      const before = cacheOf(users, 'find').stats();
      for (const id of ['1', '2']) {
        cacheOf(users, 'find').peek(id);
        cacheOf(users, 'find').has(id);
        cacheOf(users, 'find').inspect(id);
        cacheOf(users, 'find').keyOf(id);
      }
      expect(cacheOf(users, 'find').stats()).toEqual(before);
    });
  });

  describe('and the garbage collector', () => {
    class Node {
      readonly ballast = new Array(1_000).fill(0);
      @memoize()
      self(key: string): { key: string; node: Node } {
        return { key, node: this };
      }
      @memoize()
      async later(key: string): Promise<{ key: string; node: Node }> {
        return { key, node: this };
      }
      @memoize({ per: (self) => self })
      part(key: string): { key: string; node: Node } {
        return { key, node: this };
      }
    }

    it('lets an owner go, and what was remembered for it, even if that leads back to it', async () => {
      const refs: WeakRef<object>[] = [];
      const fill = async (): Promise<void> => {
        for (let number = 0; number < 20; number++) {
          const node = new Node();
          node.self('1');
          node.self('2');
          await Promise.all([node.later('1'), node.later('1')]);
          node.part('1');
          refs.push(new WeakRef(node));
        }
      };
      await fill();
      expect(cacheOf(Node, 'self').stats()).toMatchObject({ misses: 40 });
      expect(await collected(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
      expect(
        await collected(() =>
          (['self', 'later', 'part'] as const).every((name) => cacheOf(Node, name).stats().size === 0),
        ),
      ).toBe(true);
      // What they counted stays counted.
      expect(cacheOf(Node, 'self').stats()).toMatchObject({ misses: 40, size: 0 });
    });

    it('lets an argument go that was known by identity, and its results', async () => {
      const wrap = memoize((node: object, _key: number) => ({ node }));
      const deep = memoize((query: { node: object }) => ({ node: query.node }));
      const bounded = memoize((node: object) => ({ node }), { maxSize: 1_000, ttl: '1h' });
      const refs: WeakRef<object>[] = [];
      const fill = (): void => {
        for (let number = 0; number < 20; number++) {
          const node = new Node();
          wrap(node, 1);
          wrap(node, 2);
          deep({ node });
          bounded(node);
          refs.push(new WeakRef(node));
        }
      };
      fill();
      expect(wrap.stats().size).toBe(40);
      const fns = [wrap, deep, bounded];
      expect(await collected(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
      expect(await collected(() => fns.every((fn) => fn.stats().size === 0))).toBe(true);
    });

    it('never gives an owner the entries of another that was there before', async () => {
      const method = memoize(
        function (this: { number: number }) {
          return this.number;
        },
        { per: 'instance' },
      );
      for (let number = 0; number < 2_000; number++) {
        expect(method.call({ number })).toBe(number);
        if (number % 500 === 0) collectGarbage();
      }
    });
  });
});
