import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, ignoreThis } from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

/** What methods do under `@cached`, whichever dialect of decorators this file was compiled in. */
export function describeMethods(dialect: string): void {
  afterEach(closeAllCaches);

  describe.each(storeKinds)(`a method cached in %s, in the ${dialect} dialect`, (_kind, makeStore) => {
    function make() {
      const cache = createCache({ name: 'methods', store: makeStore() });
      const runs: string[] = [];
      class Users {
        readonly tag: string;
        constructor(tag: string) {
          this.tag = tag;
        }
        @cached({ cache })
        async find(id: unknown): Promise<string> {
          runs.push(`find ${this.tag} ${String(id)}`);
          return `${this.tag}${String(id)}`;
        }
        @cached({ cache, per: 'class' })
        async countries(): Promise<string[]> {
          runs.push('countries');
          return ['NO', 'IS'];
        }
        @cached({ cache, per: (self: Users) => self.tag })
        async plan(name: string): Promise<string> {
          runs.push(`plan ${this.tag} ${name}`);
          return `${this.tag} ${name}`;
        }
        @cached({ cache, key: ignoreThis })
        async rates(currency: string): Promise<string> {
          runs.push(`rates ${currency}`);
          return currency;
        }
        @cached({
          cache,
          key(this: Users, user: { id: string }) {
            return `${this.tag}/${user.id}`;
          },
        })
        async byKey(user: { id: string; x: number }): Promise<number> {
          runs.push(`byKey ${this.tag} ${user.id}`);
          return user.x;
        }
        @cached({ cache })
        static async all(): Promise<string> {
          runs.push(`all of ${this.name}`);
          return this.name;
        }
        @cached({ cache, per: 'class' })
        static async shared(): Promise<string> {
          runs.push(`shared of ${this.name}`);
          return this.name;
        }
        async twice(id: unknown): Promise<string> {
          return (await this.find(id)) + (await this.find(id));
        }
      }
      return { cache, runs, Users };
    }

    it('keeps the entries of two instances apart', async () => {
      const { Users, runs } = make();
      const [one, other] = [new Users('a'), new Users('b')];
      expect([await one.find(1), await other.find(1), await one.find(1), await other.find(1)]).toEqual([
        'a1',
        'b1',
        'a1',
        'b1',
      ]);
      expect(runs).toEqual(['find a 1', 'find b 1']);
    });

    it('keeps two instances with the same content apart', async () => {
      const { Users, runs } = make();
      await new Users('a').find(1);
      await new Users('a').find(1);
      expect(runs).toHaveLength(2);
    });

    it('shares them per class', async () => {
      const { Users, runs } = make();
      await new Users('a').countries();
      await settle();
      await new Users('b').countries();
      expect(runs).toEqual(['countries']);
    });

    it('shares them with the same part', async () => {
      const { Users, runs } = make();
      for (const tag of ['a', 'b', 'a']) {
        await new Users(tag).plan('gold');
        await settle();
      }
      expect(runs).toEqual(['plan a gold', 'plan b gold']);
    });

    it('takes ignoreThis for per class with the key of all arguments', async () => {
      const { Users, runs } = make();
      await new Users('a').rates('EUR');
      await settle();
      await new Users('b').rates('EUR');
      await new Users('b').rates('NOK');
      expect(runs).toEqual(['rates EUR', 'rates NOK']);
    });

    it('gives its this to the key, which stands beside per', async () => {
      const { Users, runs } = make();
      const users = new Users('a');
      expect([await users.byKey({ id: '1', x: 1 }), await users.byKey({ id: '1', x: 2 })]).toEqual([1, 1]);
      await new Users('a').byKey({ id: '1', x: 3 });
      expect(runs).toEqual(['byKey a 1', 'byKey a 1']);
    });

    it('joins calls of one instance, and none of two', async () => {
      const cache = createCache({ name: 'joined', store: makeStore() });
      const load = holdRuns<[string], string>();
      class Users {
        @cached({ cache })
        async find(id: string): Promise<string> {
          return load(id);
        }
      }
      const [one, other] = [new Users(), new Users()];
      const all = Promise.all([one.find('1'), one.find('1'), other.find('1')]);
      await settle();
      expect(load.runs).toHaveLength(2);
      for (const run of load.runs) run.resolve('x');
      await all;
    });

    it('gives a subclass that inherits a static method entries of its own, unless it is per class', async () => {
      const { Users, runs } = make();
      class Admins extends Users {}
      expect([await Users.all(), await Admins.all(), await Admins.all()]).toEqual(['Users', 'Admins', 'Admins']);
      await settle();
      expect([await Users.shared(), await Admins.shared()]).toEqual(['Users', 'Users']);
      expect(runs).toEqual(['all of Users', 'all of Admins', 'shared of Users']);
    });

    it('shares per class with a subclass that inherits, and not with one that overrides', async () => {
      const { cache, Users, runs } = make();
      class Inheriting extends Users {}
      class Overriding extends Users {
        @cached({ cache, per: 'class' })
        override async countries(): Promise<string[]> {
          runs.push('overriding');
          return ['DK'];
        }
      }
      expect(await new Users('a').countries()).toEqual(['NO', 'IS']);
      await settle();
      expect(await new Inheriting('b').countries()).toEqual(['NO', 'IS']);
      expect(await new Overriding('c').countries()).toEqual(['DK']);
      expect(runs).toEqual(['countries', 'overriding']);
    });

    it('keeps an override and what it calls by super apart', async () => {
      const { cache, Users, runs } = make();
      class Admins extends Users {
        @cached({ cache })
        override async find(id: unknown): Promise<string> {
          runs.push(`admins ${String(id)}`);
          return `admin ${await super.find(id)}`;
        }
      }
      const admins = new Admins('a');
      expect([await admins.find(1), await admins.find(1)]).toEqual(['admin a1', 'admin a1']);
      expect(runs).toEqual(['admins 1', 'find a 1']);
    });

    it('lets an override without decorator run each time', async () => {
      const { Users } = make();
      let calls = 0;
      class Plain extends Users {
        override async find(id: unknown): Promise<string> {
          return `${String(id)}${++calls}`;
        }
      }
      const plain = new Plain('a');
      await plain.find(1);
      expect(await plain.find(1)).toBe('12');
    });

    it('is reached by calls from inside of the class', async () => {
      const { Users, runs } = make();
      expect(await new Users('a').twice(1)).toBe('a1a1');
      expect(runs).toEqual(['find a 1']);
    });

    it('is the same by bind, call and Reflect.apply', async () => {
      const { Users, runs } = make();
      const users = new Users('a');
      const bound = users.find.bind(users);
      await users.find(1);
      await settle();
      await bound(1);
      await users.find.call(users, 1);
      await Reflect.apply(users.find, users, [1]);
      expect(runs).toEqual(['find a 1']);
    });

    it('tells methods of one name in two classes apart', async () => {
      const cache = createCache({ name: 'namesakes', store: makeStore() });
      class Users {
        @cached({ cache, per: 'class' })
        async get(id: number): Promise<string> {
          return `user ${id}`;
        }
      }
      class Orders {
        @cached({ cache, per: 'class' })
        async get(id: number): Promise<string> {
          return `order ${id}`;
        }
      }
      expect([await new Users().get(5), await new Orders().get(5)]).toEqual(['user 5', 'order 5']);
    });

    it('tells two classes of one name apart', async () => {
      const cache = createCache({ name: 'namesakes', store: makeStore() });
      const makeClass = (answer: string) => {
        class Users {
          @cached({ cache, per: 'class' })
          async get(): Promise<string> {
            return answer;
          }
        }
        return new Users();
      };
      expect([await makeClass('one').get(), await makeClass('other').get()]).toEqual(['one', 'other']);
    });

    it('takes one decorator object on two methods for two functions', async () => {
      const cache = createCache({ name: 'decorated', store: makeStore() });
      const remember = cached({ cache });
      class Users {
        @remember
        async one(): Promise<number> {
          return 1;
        }
        @remember
        async two(): Promise<number> {
          return 2;
        }
      }
      const users = new Users();
      expect([await users.one(), await users.two(), await users.one()]).toEqual([1, 2, 1]);
    });

    it('works on instances that are cyclic, frozen, proxied or without a class', async () => {
      const { Users, runs } = make();
      const cyclic = Object.assign(new Users('cyclic'), { self: null as unknown });
      cyclic.self = cyclic;
      const bare: InstanceType<typeof Users> = Object.assign(Object.create(null), {
        tag: 'bare',
        find: Users.prototype.find,
      });
      for (const users of [cyclic, Object.freeze(new Users('frozen')), new Proxy(new Users('proxied'), {}), bare]) {
        await users.find(1);
        await settle();
        await users.find(1);
      }
      expect(runs).toEqual(['find cyclic 1', 'find frozen 1', 'find proxied 1', 'find bare 1']);
    });

    describe('by its handle', () => {
      it('invalidates one call of one instance', async () => {
        const { Users, runs } = make();
        const [one, other] = [new Users('a'), new Users('b')];
        for (const users of [one, other]) {
          await users.find(1);
          await users.find(2);
        }
        await settle();
        expect(await cacheOf(one, 'find').invalidate(1)).toBe(true);
        expect(await cacheOf(one, 'find').invalidate(1)).toBe(false);
        runs.length = 0;
        for (const users of [one, other]) {
          await users.find(1);
          await users.find(2);
        }
        expect(runs).toEqual(['find a 1']);
      });

      it('clears one instance', async () => {
        const { Users, runs } = make();
        const [one, other] = [new Users('a'), new Users('b')];
        await one.find(1);
        await other.find(1);
        await settle();
        await cacheOf(one, 'find').clear();
        runs.length = 0;
        await one.find(1);
        await other.find(1);
        expect(runs).toEqual(['find a 1']);
      });

      it('clears the whole class', async () => {
        const { Users, runs } = make();
        const [one, other] = [new Users('a'), new Users('b')];
        await one.find(1);
        await other.find(1);
        await one.countries();
        await settle();
        await cacheOf(Users, 'find').clear();
        runs.length = 0;
        await one.find(1);
        await other.find(1);
        await one.countries();
        expect(runs).toEqual(['find a 1', 'find b 1']);
      });

      it('invalidates a call for every instance', async () => {
        const { Users } = make();
        const [one, other] = [new Users('a'), new Users('b')];
        await one.find(1);
        await other.find(1);
        await settle();
        expect(await cacheOf(Users, 'find').invalidate(1)).toBe(true);
        expect([await cacheOf(one, 'find').has(1), await cacheOf(other, 'find').has(1)]).toEqual([false, false]);
      });

      it('fences the runs of every instance', async () => {
        const cache = createCache({ name: 'fenced', store: makeStore() });
        const load = holdRuns<[string], string>();
        class Users {
          @cached({ cache })
          async find(id: string): Promise<string> {
            return load(id);
          }
        }
        const [one, other] = [new Users(), new Users()];
        const all = Promise.all([one.find('1'), other.find('1')]);
        await settle();
        await cacheOf(Users, 'find').invalidate('1');
        for (const run of load.runs) run.resolve('old');
        await all;
        await settle();
        expect([await cacheOf(one, 'find').has('1'), await cacheOf(other, 'find').has('1')]).toEqual([false, false]);
      });

      it('primes, peeks, refreshes and tells the key', async () => {
        const { Users, runs } = make();
        const users = new Users('a');
        const handle = cacheOf(users, 'find');
        await handle.set([1], 'primed');
        expect([await users.find(1), await handle.peek(1), await handle.has(1)]).toEqual(['primed', 'primed', true]);
        expect(await handle.refresh(1)).toBe('a1');
        await settle();
        expect([await users.find(1), runs]).toEqual(['a1', ['find a 1']]);
        expect(handle.keyOf(1)).toMatch(/^Users\.find<Users#\d+>\(1\)$/);
        expect(cacheOf(new Users('b'), 'plan').keyOf('gold')).toBe('Users.plan<"b">("gold")');
        expect(cacheOf(Users, 'countries').keyOf()).toBe('Users.countries()');
      });

      it('stands for a static method of the class that it was asked of', async () => {
        const { Users } = make();
        class Admins extends Users {}
        await Users.all();
        await Admins.all();
        await settle();
        await cacheOf(Admins, 'all').invalidate();
        expect([await cacheOf(Users, 'all').has(), await cacheOf(Admins, 'all').has()]).toEqual([true, false]);
      });

      it('finds an inherited method', async () => {
        const { Users } = make();
        class Admins extends Users {}
        const admins = new Admins('a');
        await admins.find(1);
        await settle();
        expect(await cacheOf(admins, 'find').invalidate(1)).toBe(true);
      });

      it('holds the method underneath', async () => {
        const { Users } = make();
        const users = new Users('a');
        const original = cacheOf(users, 'find').original;
        expect([await original.call(users, 7), original === users.find]).toEqual(['a7', false]);
      });

      it('is a TypeError for what is not cached', () => {
        const { Users } = make();
        expect(() => cacheOf(new Users('a'), 'twice')).toThrow(/Users\.twice is neither cached nor memoized/);
        expect(() => cacheOf(new Users('a'), 'missing' as never)).toThrow(TypeError);
        expect(() => cacheOf(null as never, 'find' as never)).toThrow(TypeError);
      });
    });
  });
}
