import { afterEach, describe, expect, it } from '@jest/globals';
import {
  cached,
  cacheOf,
  closeAllCaches,
  createCache,
  invalidates,
  memoize,
  OptionError,
  updates,
} from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

/** What methods do under `@updates`, whichever dialect of decorators this file was compiled in. */
export function describeUpdates(dialect: string): void {
  afterEach(closeAllCaches);

  describe.each(storeKinds)(`@updates, of results in %s, in the ${dialect} dialect`, (_kind, makeStore) => {
    function make() {
      const cache = createCache({ name: 'products', store: makeStore() });
      const load = holdRuns<[string], string>();
      const write = holdRuns<[id: string], string>();
      class Products {
        reads = 0;
        @cached({ cache })
        async find(id: string): Promise<string> {
          return `read ${id} ${++this.reads}`;
        }
        @cached({ cache })
        async slow(id: string): Promise<string> {
          return load(id);
        }
        @updates({ of: 'find', args: (_result, id) => [id] })
        async save(id: string): Promise<string> {
          if (id === 'bad') throw new Error('not saved');
          return `saved ${id}`;
        }
        @updates({ of: 'find', args: (result) => [result.slice(-1)] })
        saveNow(id: string): string {
          return `saved ${id}`;
        }
        @updates({ of: 'slow', args: (_result, id) => [id] })
        async saveSlow(id: string): Promise<string> {
          return write(id);
        }
        @invalidates({ of: 'slow', args: (_result, id) => [id] })
        async remove(_id: string): Promise<void> {}
        @updates({ of: 'find', args: (_result, id) => [id] })
        @invalidates({ of: 'slow', all: true })
        @invalidates({ of: 'find', args: () => ['other'] })
        async saveAndForget(id: string): Promise<string> {
          return `saved ${id}`;
        }
      }
      return { cache, load, write, Products, products: new Products() };
    }

    it('runs always, and stores the result under the call that args says', async () => {
      const { products } = make();
      await products.find('1');
      await settle();
      expect([await products.save('1'), await products.save('1')]).toEqual(['saved 1', 'saved 1']);
      expect([await products.find('1'), await products.find('2'), products.reads]).toEqual(['saved 1', 'read 2 2', 2]);
    });

    it('stores under a call that the result tells', async () => {
      const { products } = make();
      expect(products.saveNow('7')).toBe('saved 7');
      expect([await products.find('7'), products.reads]).toEqual(['saved 7', 0]);
    });

    it('leaves the old entry where the method rejects', async () => {
      const { products } = make();
      await products.find('bad');
      await settle();
      await expect(products.save('bad')).rejects.toThrow('not saved');
      expect([await products.find('bad'), products.reads]).toEqual(['read bad 1', 1]);
    });

    it('belongs to its object', async () => {
      const { Products, products } = make();
      await products.save('1');
      expect(await new Products().find('1')).toBe('read 1 1');
    });

    it('wins over a read that is under way when the write finishes', async () => {
      const { products, load, write } = make();
      const early = products.slow('1');
      const written = products.saveSlow('1');
      await settle();
      write.runs[0]?.resolve('written');
      await written;
      load.runs[0]?.resolve('before');
      expect(await early).toBe('before');
      await settle();
      expect([await products.slow('1'), load.runs.length]).toEqual(['written', 1]);
    });

    it('does all that is stacked, in whichever order', async () => {
      const { products, load } = make();
      await products.find('other');
      await settle();
      await products.saveAndForget('1');
      expect([await products.find('1'), await products.find('other')]).toEqual(['saved 1', 'read other 2']);
      expect(load.runs).toHaveLength(0);
    });

    const overlaps: [what: string, meanwhile: (products: ReturnType<typeof make>['products']) => unknown][] = [
      ['an invalidation of that call', (products) => cacheOf(products, 'slow').invalidate('1')],
      ['another write that invalidates that call', (products) => products.remove('1')],
      ['a clear', (products) => cacheOf(products, 'slow').clear()],
      ['a set of that call', (products) => cacheOf(products, 'slow').set(['1'], 'set')],
    ];

    it.each(overlaps)('stores no result that may be older than %s', async (_what, meanwhile) => {
      const { products, load, write } = make();
      const written = products.saveSlow('1');
      await settle();
      await meanwhile(products);
      write.runs[0]?.resolve('written');
      expect(await written).toBe('written');
      expect(await cacheOf(products, 'slow').has('1')).toBe(false);
      expect(load.runs).toHaveLength(0);
    });

    it('stores no result that may be older than a clear of the whole cache', async () => {
      const { cache, products, write } = make();
      const written = products.saveSlow('1');
      await settle();
      await cache.clear();
      write.runs[0]?.resolve('written');
      await written;
      expect(await cacheOf(products, 'slow').has('1')).toBe(false);
    });

    it('keeps neither of two results whose writes overlap, in whichever order they end', async () => {
      for (const [one, other] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const { products, write } = make();
        const all = [products.saveSlow('1'), products.saveSlow('1')];
        await settle();
        write.runs[one]?.resolve(`written ${one}`);
        await all[one];
        write.runs[other]?.resolve(`written ${other}`);
        await all[other];
        expect(await cacheOf(products, 'slow').has('1')).toBe(false);
        await closeAllCaches();
      }
    });

    it('minds no invalidation of another call, and none that came before', async () => {
      const { products, write } = make();
      await cacheOf(products, 'slow').invalidate('1');
      const written = products.saveSlow('1');
      await settle();
      await cacheOf(products, 'slow').invalidate('2');
      await cacheOf(products, 'slow').set(['3'], 'set');
      write.runs[0]?.resolve('written');
      await written;
      expect(await cacheOf(products, 'slow').peek('1')).toBe('written');
    });

    it('stores under the override, and removes what that overrides', async () => {
      const { cache, Products } = make();
      class Shop extends Products {
        @cached({ cache })
        override async find(id: string): Promise<string> {
          return `shop's ${await super.find(id)}`;
        }
        findPlain(id: string): Promise<string> {
          return super.find(id);
        }
      }
      const shop = new Shop();
      expect(await shop.find('1')).toBe("shop's read 1 1");
      await settle();
      await shop.save('1');
      expect([await shop.find('1'), await shop.findPlain('1')]).toEqual(['saved 1', 'read 1 2']);
    });
  });

  describe(`@updates, in the ${dialect} dialect`, () => {
    it('stores in what is memoized, unless it may be older', async () => {
      const write = holdRuns<[id: string], string>();
      class Users {
        @memoize() async find(id: string): Promise<string> {
          return `read ${id}`;
        }
        @updates({ of: 'find', args: (_result, id) => [id] })
        async save(id: string): Promise<string> {
          return write(id);
        }
      }
      const users = new Users();
      const handle = cacheOf(users, 'find');
      const meanwhile: (() => unknown)[] = [
        () => {},
        () => handle.invalidate('1'),
        () => handle.clear(),
        () => handle.set(['1'], 'set'),
        () => cacheOf(Users, 'find').invalidate('1'),
        () => handle.invalidate('2'),
      ];
      const found: unknown[] = [];
      for (const [index, happen] of meanwhile.entries()) {
        const written = users.save('1');
        happen();
        write.runs[index]?.resolve('written');
        await written;
        found.push(handle.has('1') && (await users.find('1')));
      }
      expect(found).toEqual(['written', false, false, false, false, 'written']);
    });

    it('reaches static methods, other classes and wrapped functions', async () => {
      const user = cached(async (id: string) => `read ${id}`);
      class Plans {
        @cached({ per: 'class' }) async find(id: string): Promise<string> {
          return `read ${id}`;
        }
        @cached() static async count(id: string): Promise<string> {
          return `read ${id}`;
        }
      }
      // biome-ignore lint/complexity/noStaticOnlyClass: its static methods are what is tested
      class Users {
        @cached() static async own(id: string): Promise<string> {
          return `read ${id}`;
        }
        @updates({ of: 'own', args: (_result, id) => [id] })
        @updates({ of: user, args: (_result, id) => [id] })
        @updates({ of: [Plans, 'find'], args: (_result, id) => [id] })
        @updates({ of: [Plans, 'count'], args: (_result, id) => [id] })
        static async save(id: string): Promise<string> {
          return `saved ${id}`;
        }
      }
      await Users.save('1');
      expect([await Users.own('1'), await user('1'), await new Plans().find('1'), await Plans.count('1')]).toEqual(
        Array(4).fill('saved 1'),
      );
    });

    it('lets no caller take a value for a promise, or a promise for a value', async () => {
      class Users {
        @cached() plain(id: string): Promise<string> {
          return Promise.resolve(`read ${id}`);
        }
        @memoize() memoized(id: string): Promise<string> {
          return Promise.resolve(`read ${id}`);
        }
        @cached() now(id: string): string {
          return `read ${id}`;
        }
        @updates({ of: 'plain', args: (_result, id) => [id] })
        @updates({ of: 'memoized', args: (_result, id) => [id] })
        @updates({ of: 'now', args: (_result, id) => [id] })
        async save(id: string): Promise<string> {
          return `saved ${id}`;
        }
        @updates({ of: 'plain', args: (_result, id) => [id] })
        @updates({ of: 'now', args: (_result, id) => [id] })
        saveNow(id: string): string {
          return `saved now ${id}`;
        }
      }
      const users = new Users();
      await users.save('1');
      // Nobody knew yet what they return.
      const answers: unknown[] = [users.plain('1'), users.memoized('1'), users.now('1')];
      expect(answers.map((answer) => answer instanceof Promise)).toEqual([true, true, false]);
      expect(await Promise.all(answers)).toEqual(['read 1', 'read 1', 'read 1']);
      await users.save('1');
      const updated: unknown[] = [users.plain('1'), users.memoized('1'), users.now('1')];
      expect(updated.map((answer) => answer instanceof Promise)).toEqual([true, true, false]);
      expect(await Promise.all(updated)).toEqual(['saved 1', 'saved 1', 'saved 1']);
      expect(users.saveNow('1')).toBe('saved now 1');
      expect([users.plain('1') instanceof Promise, await users.plain('1'), users.now('1')]).toEqual([
        true,
        'saved now 1',
        'saved now 1',
      ]);
    });

    it('stores what it knows after what is stacked has gone, in whichever order they are written', async () => {
      class Users {
        @cached() async find(id: string): Promise<string> {
          return `read ${id}`;
        }
        @updates({ of: 'find', args: (_result, id) => [id] })
        @invalidates({ of: 'find', all: true })
        async save(id: string): Promise<string> {
          return `saved ${id}`;
        }
        @invalidates({ of: 'find', all: true })
        @updates({ of: 'find', args: (_result, id) => [id] })
        async saveToo(id: string): Promise<string> {
          return `saved ${id}`;
        }
      }
      const users = new Users();
      const find = cacheOf(users, 'find');
      for (const save of [users.save, users.saveToo]) {
        for (const id of ['1', '2']) await users.find(id);
        await save.call(users, '1');
        expect([find.peek('1'), find.has('2')]).toEqual(['saved 1', false]);
        find.clear();
      }
    });

    it('refuses entries of which each owner has his own, before the method runs', async () => {
      let ran = 0;
      class Plans {
        @cached() async find(id: string): Promise<string> {
          return id;
        }
      }
      class Users {
        @updates({ of: [Plans, 'find'], args: (_result, id) => [id] })
        async save(id: string): Promise<string> {
          ran++;
          return id;
        }
      }
      const users = new Users();
      await expect(users.save('1')).rejects.toThrow(OptionError);
      await expect(users.save('1')).rejects.toThrow(
        /^@updates on Users\.save: each owner has entries of (Plans\.)?find .* per: 'class', or use invalidates/,
      );
      expect(ran).toBe(0);
    });

    it('removes what may be meant where args throws, and says so once', async () => {
      class Users {
        @cached() find(id: string): string {
          return id;
        }
        @updates({
          of: 'find',
          args: () => {
            throw new Error('oops');
          },
        })
        save(id: string): string {
          return id;
        }
      }
      const users = new Users();
      const errors: unknown[] = [];
      cacheOf(Users, 'find').on('error', ({ error }) => errors.push(error));
      users.find('1');
      expect(users.save('1')).toBe('1');
      expect(errors).toEqual([
        expect.objectContaining({ code: 'E_CALLBACK', message: expect.stringContaining('oops') }),
      ]);
      expect(cacheOf(users, 'find').has('1')).toBe(false);
    });

    it('stores no result that can be read only once, and says so', async () => {
      class Pages {
        @cached() async find(_id: string): Promise<unknown> {
          return 'old';
        }
        @updates({ of: 'find', args: (_result, id) => [id] })
        async save(_id: string): Promise<unknown> {
          return new Response('text');
        }
      }
      const pages = new Pages();
      const codes: unknown[] = [];
      cacheOf(Pages, 'find').on('error', ({ error }) => codes.push((error as { code?: unknown }).code));
      await pages.find('1');
      expect(await ((await pages.save('1')) as Response).text()).toBe('text');
      expect([codes, cacheOf(pages, 'find').has('1')]).toEqual([['E_ONE_SHOT'], false]);
    });
  });
}
