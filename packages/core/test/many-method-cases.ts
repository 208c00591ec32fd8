import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cachedMany, cacheOf, closeAllCaches, createCache, OptionError } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';
import { settle } from './deferred.ts';
import { storeKindsWithBatches } from './store-kinds.ts';

interface User {
  readonly id: string;
  readonly by: string;
}

/** What methods do under `@cachedMany`, whichever dialect of decorators this file was compiled in. */
export function describeManyMethods(dialect: string): void {
  afterEach(closeAllCaches);

  describe.each(storeKindsWithBatches)(`a method of many ids in %s, in the ${dialect} dialect`, (_kind, makeStore) => {
    function make() {
      const cache = createCache({ name: 'methods', store: makeStore() });
      const runs: string[] = [];
      class Users {
        readonly tag: string;
        constructor(tag: string) {
          this.tag = tag;
        }
        @cachedMany({ cache, key: (user) => user.id })
        async find(ids: readonly string[]): Promise<(User | undefined)[]> {
          runs.push(`find ${this.tag} ${ids.join()}`);
          return ids.filter((id) => id !== 'gone').map((id) => ({ id, by: this.tag }));
        }
        @cachedMany({ cache, per: 'class' })
        async ofAll(ids: string[], language = 'en'): Promise<string[]> {
          runs.push(`ofAll ${this.tag} ${ids.join()}`);
          return ids.map((id) => `${id} ${language}`);
        }
        @cachedMany({ cache, per: (self: Users) => self.tag })
        async ofTag(ids: string[]): Promise<string[]> {
          runs.push(`ofTag ${this.tag} ${ids.join()}`);
          return ids;
        }
        @cachedMany({ cache })
        static async all(ids: string[]): Promise<string[]> {
          runs.push(`all ${this.name} ${ids.join()}`);
          return ids;
        }
        @cached({ cache })
        async name(id: string): Promise<string | undefined> {
          return (await this.find([id]))[0]?.by;
        }
      }
      class Admins extends Users {}
      return { cache, runs, Users, Admins, one: new Users('one'), two: new Users('two') };
    }

    it('has entries of its own for each instance, and loads what is missing', async () => {
      const { one, two, runs } = make();
      await one.find(['1', '2']);
      await settle();
      expect(await one.find(['3', '1', 'gone'])).toEqual([{ id: '3', by: 'one' }, { id: '1', by: 'one' }, undefined]);
      expect((await two.find(['1']))[0]?.by).toBe('two');
      expect(runs).toEqual(['find one 1,2', 'find one 3,gone', 'find two 1']);
    });

    it('shares per class, per part, and per class that a static one is called on', async () => {
      const { one, two, runs, Users, Admins } = make();
      await one.ofAll(['1']);
      await settle();
      await two.ofAll(['1', '2']);
      await one.ofTag(['1']);
      await settle();
      await new Users('one').ofTag(['1', '2']);
      await two.ofTag(['1']);
      await Users.all(['1']);
      await settle();
      await Users.all(['1']);
      await Admins.all(['1']);
      expect(runs).toEqual([
        'ofAll one 1',
        'ofAll two 2',
        'ofTag one 1',
        'ofTag one 2',
        'ofTag two 1',
        'all Users 1',
        'all Admins 1',
      ]);
    });

    it('has a handle for an owner, which takes an id', async () => {
      const { one, two, runs } = make();
      await Promise.all([one.find(['1', '2']), two.find(['1'])]);
      await settle();
      expect(await cacheOf(one, 'find').has('1')).toBe(true);
      expect(await cacheOf(one, 'find').invalidate('1')).toBe(true);
      expect(await cacheOf(one, 'find').peek('2')).toEqual({ id: '2', by: 'one' });
      await cacheOf(one, 'find').set(['3'], { id: '3', by: 'set' });
      expect((await one.find(['3', '2', '1'])).map((user) => user?.by)).toEqual(['set', 'one', 'one']);
      expect(runs[2]).toBe('find one 1');
      expect(await cacheOf(one, 'find').refresh('2')).toEqual({ id: '2', by: 'one' });
      expect(runs[3]).toBe('find one 2');
      await settle();
      expect(await cacheOf(one, 'find').invalidate(['1', '2'])).toBe(true);
      expect(await cacheOf(one, 'find').has('2')).toBe(false);
      expect(await cacheOf(two, 'find').has('1')).toBe(true);
    });

    it('has a handle for the class', async () => {
      const { one, two, Users } = make();
      await Promise.all([one.find(['1', '2']), two.find(['1'])]);
      await settle();
      expect(cacheOf(Users, 'find').stats()).toMatchObject({ misses: 3, loads: 3, size: 3 });
      await cacheOf(Users, 'find').invalidate('1');
      expect([await cacheOf(one, 'find').has('1'), await cacheOf(two, 'find').has('1')]).toEqual([false, false]);
      await cacheOf(Users, 'find').clear();
      expect(cacheOf(Users, 'find').stats().size).toBe(0);
    });

    it('is called in all ways in which methods are', async () => {
      const { one, runs, Users } = make();
      const { find } = one;
      await find.call(one, ['1']);
      await settle();
      await Reflect.apply(find, one, [['1']]);
      await one.find.bind(one)(['1']);
      expect(await one.name('1')).toBe('one');
      expect(runs).toEqual(['find one 1']);
      expect([Users.prototype.find.name, Users.prototype.find.length]).toEqual(['find', 1]);
    });
  });

  describe(`@cachedMany in the ${dialect} dialect`, () => {
    it('stands bare, with and without brackets', async () => {
      const runs: string[] = [];
      class Lists {
        @cachedMany async bare(ids: number[]): Promise<number[]> {
          runs.push(`bare ${ids}`);
          return ids;
        }
        @cachedMany() async empty(ids: number[]): Promise<number[]> {
          runs.push(`empty ${ids}`);
          return ids;
        }
      }
      const lists = new Lists();
      await lists.bare([1]);
      await lists.bare([1, 2]);
      await lists.empty([1]);
      expect(runs).toEqual(['bare 1', 'bare 2', 'empty 1']);
    });

    it('refuses wrong options and places, and names the member', () => {
      const loose = cachedMany as unknown as (...args: unknown[]) => any;
      expect(() => {
        class Lists {
          @loose({ cacheAbsent: 'soon' })
          async find(ids: number[]): Promise<number[]> {
            return ids;
          }
        }
        return Lists;
      }).toThrow(/@cachedMany on .*find: cacheAbsent/);
      expect(() => {
        class Lists {
          @loose()
          get all(): number[] {
            return [];
          }
        }
        return Lists;
      }).toThrow(/@cachedMany on .*all: a getter/);
    });

    it('must say what its entries belong to in a store that outlives the process', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'reprise-many-'));
      const store = diskStore({ directory });
      class Lists {
        @cachedMany({ store })
        async find(ids: number[]): Promise<number[]> {
          return ids;
        }
        @cachedMany({ store, per: 'class' })
        async shared(ids: number[]): Promise<number[]> {
          return ids;
        }
      }
      const error = await new Lists().find([1]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).toMatch(/@cachedMany on Lists\.find: per: 'instance'/);
      expect(await new Lists().shared([1, 2])).toEqual([1, 2]);
      expect(cacheOf(Lists, 'shared').keyOf(1)).toBe('Lists.shared(1)');
      await settle();
      await store.close();
      rmSync(directory, { recursive: true });
    });
  });
}
