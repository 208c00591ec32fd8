import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, invalidates } from '@reprise/core';
import type { Store } from '@reprise/store';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

/** A catalog over a table, with finds to count. */
function makeCatalog(store: Store) {
  const cache = createCache({ name: 'catalog', store });
  const runs: string[] = [];
  const other = cached(async (id: string) => `other ${id}`, { cache, name: 'other' });
  class Reader {
    readonly tag: string;
    constructor(tag = 'a') {
      this.tag = tag;
    }
    @cached({ cache })
    async find(id: string): Promise<string> {
      runs.push(`${this.tag} ${id}`);
      return id;
    }
    @cached({ cache })
    async list(): Promise<string[]> {
      runs.push(`${this.tag} list`);
      return ['1', '2'];
    }
    @cached({ cache })
    static async all(id: string): Promise<string> {
      runs.push(`${this.name} ${id}`);
      return id;
    }
  }
  class Catalog extends Reader {
    @invalidates({ of: 'find', args: (_result, id) => [id] })
    async remove(id: string): Promise<string> {
      if (id === 'missing') throw new Error('no such product');
      return `removed ${id}`;
    }
    @invalidates({ of: 'find', args: (result) => [result] })
    async removeLast(): Promise<string> {
      return '2';
    }
    @invalidates({ of: 'find', before: true, args: (result, id) => (result === undefined ? [id] : ['wrong']) })
    async risk(id: string): Promise<void> {
      throw new Error(`${id} is in use`);
    }
    @invalidates({ of: 'find' })
    async touch(_id: string, _deeply?: boolean): Promise<void> {}
    @invalidates({ of: 'list' })
    async reload(): Promise<void> {}
    @invalidates({ of: 'find', all: true })
    async removeAll(): Promise<void> {}
    @invalidates({ of: [Reader, 'find'], args: (_result, id) => [id] })
    async removeEverywhere(_id: string): Promise<void> {}
    @invalidates({ of: [Reader, 'find'], all: true })
    async removeAllEverywhere(): Promise<void> {}
    @invalidates({ of: other, args: (_result, id) => [id] })
    async removeOther(_id: string): Promise<void> {}
    @invalidates({ of: 'find', args: (_result, id) => [id] })
    @invalidates({ of: 'list', all: true })
    @invalidates({ of: other, all: true })
    async removeFully(_id: string): Promise<void> {}
    @invalidates({ cache: 'catalog', keys: ['rates'] })
    @invalidates({ cache, keys: (_result, id) => [`rate:${id}`] })
    async setRate(_id: string): Promise<void> {}
    @invalidates({ of: 'all', args: (_result, id) => [id] })
    static async removeOfClass(_id: string): Promise<void> {}
    @invalidates({ of: 'find', args: (_result, id) => [id] })
    removeNow(id: string): string {
      if (id === 'missing') throw new Error('no such product');
      return `removed ${id}`;
    }
  }
  return { cache, runs, other, Reader, Catalog };
}

/** What `@invalidates` does to results, whichever dialect of decorators this file was compiled in. */
export function describeInvalidates(dialect: string): void {
  afterEach(closeAllCaches);

  describe.each(storeKinds)(`@invalidates, of results in %s, in the ${dialect} dialect`, (_kind, makeStore) => {
    async function make() {
      const world = makeCatalog(makeStore());
      const [catalog, second] = [new world.Catalog('a'), new world.Catalog('b')];
      for (const one of [catalog, second]) for (const id of ['1', '2']) await one.find(id);
      for (const one of [catalog, second]) await one.list();
      await settle();
      world.runs.length = 0;
      /** Which of the finds of both have to run again. */
      const missing = async () => {
        for (const one of [catalog, second]) for (const id of ['1', '2']) await one.find(id);
        return world.runs.splice(0);
      };
      return { ...world, catalog, second, missing };
    }

    it('invalidates that one call of that owner', async () => {
      const { catalog, missing } = await make();
      expect(await catalog.remove('1')).toBe('removed 1');
      expect(await missing()).toEqual(['a 1']);
    });

    it('says by the result which call is meant', async () => {
      const { catalog, missing } = await make();
      await catalog.removeLast();
      expect(await missing()).toEqual(['a 2']);
    });

    it('invalidates nothing where the method rejects, and the error stays what it is', async () => {
      const { catalog, missing } = await make();
      await expect(catalog.remove('missing')).rejects.toThrow('no such product');
      expect(await missing()).toEqual([]);
    });

    it('invalidates nothing where the method throws', async () => {
      const { catalog, missing } = await make();
      expect(() => catalog.removeNow('missing')).toThrow('no such product');
      expect(await missing()).toEqual([]);
    });

    it('with before: true invalidates first, whatever happens, and has no result to give', async () => {
      const { catalog, missing } = await make();
      await expect(catalog.risk('1')).rejects.toThrow('1 is in use');
      expect(await missing()).toEqual(['a 1']);
    });

    it('takes the arguments of the method for those of the target, without args', async () => {
      const { catalog, missing } = await make();
      await catalog.touch('1');
      expect(await missing()).toEqual(['a 1']);
    });

    it('without args, and with more arguments than the target has, invalidates all that may be meant', async () => {
      const { catalog, missing } = await make();
      await catalog.touch('1', true);
      expect(await missing()).toEqual(['a 1', 'a 2']);
    });

    it('takes no arguments for the call without arguments', async () => {
      const { catalog, runs } = await make();
      await catalog.reload();
      await catalog.list();
      expect(runs).toEqual(['a list']);
    });

    it('with all: true invalidates all of that owner', async () => {
      const { catalog, missing } = await make();
      await catalog.removeAll();
      expect(await missing()).toEqual(['a 1', 'a 2']);
    });

    it('invalidates a call of another class for every owner', async () => {
      const { catalog, missing } = await make();
      await catalog.removeEverywhere('1');
      const runs = await missing();
      expect(runs).toEqual(expect.arrayContaining(['a 1', 'b 1']));
    });

    it('with all: true invalidates every call of another class for every owner', async () => {
      const { catalog, missing } = await make();
      await catalog.removeAllEverywhere();
      expect(await missing()).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
    });

    it('invalidates a call of a wrapped function', async () => {
      const { catalog, other } = await make();
      await other('1');
      await other('2');
      await settle();
      await catalog.removeOther('1');
      expect([await other.has('1'), await other.has('2')]).toEqual([false, true]);
    });

    it('does all that is stacked', async () => {
      const { catalog, other, runs, missing } = await make();
      await other('9');
      await settle();
      await catalog.removeFully('2');
      expect(await other.has('9')).toBe(false);
      expect(await missing()).toEqual(['a 2']);
      await catalog.list();
      expect(runs).toEqual(['a list']);
    });

    it('invalidates keys of getOrSet, in a cache or in the one of a name', async () => {
      const { catalog, cache } = await make();
      for (const key of ['rates', 'rate:1', 'rate:2']) await cache.getOrSet(key, async () => 1);
      await settle();
      await catalog.setRate('1');
      expect([await cache.has('rates'), await cache.has('rate:1'), await cache.has('rate:2')]).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('of a static method means the class that it was called on', async () => {
      const { Catalog, Reader, runs } = await make();
      class Shop extends Catalog {}
      for (const one of [Reader, Catalog, Shop]) for (const id of ['1', '2']) await one.all(id);
      await settle();
      await Catalog.removeOfClass('1');
      runs.length = 0;
      for (const one of [Reader, Catalog, Shop]) for (const id of ['1', '2']) await one.all(id);
      expect(runs).toEqual(['Catalog 1']);
    });

    it('lets a synchronous method stay so, and has bound this process when it returns', async () => {
      const { catalog, missing } = await make();
      expect(catalog.removeNow('1')).toBe('removed 1');
      const again = missing();
      expect(await again).toEqual(['a 1']);
    });

    it('keeps out a read that is under way when the write finishes', async () => {
      const cache = createCache({ name: 'fenced', store: makeStore() });
      const load = holdRuns<[string], string>();
      const write = holdRuns<[string], void>();
      class Catalog {
        @cached({ cache })
        async find(id: string): Promise<string> {
          return load(id);
        }
        @invalidates({ of: 'find', args: (_result, id) => [id] })
        async rename(id: string): Promise<void> {
          await write(id);
        }
      }
      const catalog = new Catalog();
      const written = catalog.rename('1');
      const early = catalog.find('1');
      await settle();
      write.runs[0]?.resolve();
      await written;
      const late = catalog.find('1');
      await settle();
      load.runs[0]?.resolve('before');
      load.runs[1]?.resolve('after');
      expect([await early, await late]).toEqual(['before', 'after']);
      await settle();
      expect(await cacheOf(catalog, 'find').peek('1')).toBe('after');
    });

    it('means the override of a subclass, and what that overrides', async () => {
      const { Catalog, cache, runs } = await make();
      class Shop extends Catalog {
        @cached({ cache })
        override async find(id: string): Promise<string> {
          runs.push(`shop ${id}`);
          return `shop's ${await super.find(id)}`;
        }
      }
      const shop = new Shop('s');
      for (const id of ['1', '2']) await shop.find(id);
      await settle();
      runs.length = 0;
      await shop.remove('1');
      for (const id of ['1', '2']) await shop.find(id);
      expect(runs).toEqual(['shop 1', 's 1']);
    });

    it('finds the target beneath an override that is not cached', async () => {
      const { Catalog, runs } = await make();
      class Shop extends Catalog {
        override async find(id: string): Promise<string> {
          return `shop's ${await super.find(id)}`;
        }
      }
      const shop = new Shop('s');
      await shop.find('1');
      await settle();
      await shop.remove('1');
      runs.length = 0;
      await shop.find('1');
      expect(runs).toEqual(['s 1']);
    });

    it('is called by an override with super', async () => {
      const { Catalog, runs } = await make();
      class Shop extends Catalog {
        override async remove(id: string): Promise<string> {
          return `shop ${await super.remove(id)}`;
        }
      }
      const shop = new Shop('s');
      await shop.find('1');
      await settle();
      runs.length = 0;
      expect(await shop.remove('1')).toBe('shop removed 1');
      await shop.find('1');
      expect(runs).toEqual(['s 1']);
    });
  });
}
