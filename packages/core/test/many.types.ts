import type { AsyncStore, SyncStore } from '@reprise/store';
import { expectTypeOf } from 'expect-type';
import type { Cache, CachedManyFunction, CachedManyVerb, CacheOf, Inspection, Stats } from '../src/types.ts';

declare const cachedMany: CachedManyVerb;
declare const cacheOf: CacheOf;
declare const memory: SyncStore;
declare const disk: AsyncStore;
declare const far: Cache<AsyncStore>;

interface User {
  readonly id: string;
  readonly name: string;
}
declare function loadUsers(ids: string[], language?: string): Promise<User[]>;

// Called with a list that nobody changes, answered with what may be missing.
const users = cachedMany(loadUsers, { key: (user) => user.id, ttl: '5m', cacheAbsent: '10s' });
expectTypeOf(users).parameters.toEqualTypeOf<[ids: readonly string[], language?: string | undefined]>();
expectTypeOf(users).returns.toEqualTypeOf<Promise<(User | undefined)[]>>();
// @ts-expect-error ids of another type
users([1]);
// @ts-expect-error a list
users('1');

// The handle takes an id in place of the list.
expectTypeOf(users.invalidate).parameters.toEqualTypeOf<
  [id: string | readonly string[], language?: string | undefined]
>();
expectTypeOf(users.invalidate('1')).toEqualTypeOf<boolean>();
expectTypeOf(users.refresh).parameters.toEqualTypeOf<[id: string, language?: string | undefined]>();
expectTypeOf(users.refresh('1')).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(users.peek('1', 'en')).toEqualTypeOf<User | undefined>();
expectTypeOf(users.has('1')).toEqualTypeOf<boolean>();
expectTypeOf(users.set(['1'], { id: '1', name: 'a' })).toEqualTypeOf<void>();
expectTypeOf(users.set(['1', 'en'], undefined)).toEqualTypeOf<void>();
expectTypeOf(users.keyOf('1')).toEqualTypeOf<string>();
expectTypeOf(users.inspect('1')).toEqualTypeOf<Inspection | undefined>();
expectTypeOf(users.stats()).toEqualTypeOf<Stats>();
expectTypeOf(users.original).toEqualTypeOf<typeof loadUsers>();
// @ts-expect-error not an item
users.set(['1'], [{ id: '1', name: 'a' }]);
// @ts-expect-error an id, not a list
users.refresh(['1']);
expectTypeOf(cachedMany(loadUsers, { store: disk, name: 'u' }).peek('1')).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(cachedMany(loadUsers, { cache: far }).invalidate('1')).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(cachedMany(loadUsers, { cache: 'catalog' }).clear()).toEqualTypeOf<Promise<void>>();
expectTypeOf(cachedMany(loadUsers, { store: memory }).has('1')).toEqualTypeOf<boolean>();

// Callbacks get the item, its id and the rest.
cachedMany(loadUsers, {
  key: (user) => {
    expectTypeOf(user).toEqualTypeOf<User>();
    return user.id;
  },
  ttl: (user, id, language) => {
    expectTypeOf(user).toEqualTypeOf<User>();
    expectTypeOf(id).toEqualTypeOf<string>();
    expectTypeOf(language).toEqualTypeOf<string | undefined>();
    return '5m';
  },
  tags: (user, id) => [`user:${id}`, user.name],
  cacheIf: (user) => user.name !== '',
  bypass: (id, language) => id === '' && language === 'en',
  sizeOf: (user) => user.name.length,
  staleWhileRevalidate: '1h',
});

// Maps, synchronous functions, readonly lists, null.
const prices = cachedMany((ids: readonly number[]) => new Map(ids.map((id) => [id, BigInt(id)])));
expectTypeOf(prices).returns.toEqualTypeOf<Promise<(bigint | undefined)[]>>();
expectTypeOf(prices.peek(1)).toEqualTypeOf<bigint | undefined>();
const nullable = cachedMany(async (ids: string[]): Promise<(User | null | undefined)[]> => ids.map(() => null), {
  key: (user) => user.id,
});
expectTypeOf(nullable).returns.resolves.toEqualTypeOf<(User | null | undefined)[]>();
const ofTenant = cachedMany(function (this: { readonly tenant: string }, ids: string[]) {
  return ids.map((id) => this.tenant + id);
});
expectTypeOf(ofTenant).thisParameter.toEqualTypeOf<{ readonly tenant: string }>();
declare function takesMany(fn: CachedManyFunction<(ids: string[]) => Promise<User[]>>): void;
takesMany(cachedMany(async (_ids: string[]): Promise<User[]> => []));

// What does not compile.
// @ts-expect-error takes no list
cachedMany(async (id: string) => [id]);
// @ts-expect-error answers no items
cachedMany(async (ids: string[]) => ids.length);
// @ts-expect-error an unknown option
cachedMany(loadUsers, { absent: '1m' });
// @ts-expect-error null is no duration
cachedMany(loadUsers, { cacheAbsent: null });
// @ts-expect-error an id of another type
cachedMany(loadUsers, { key: (user) => user.name.length });
// @ts-expect-error an item has no such property
cachedMany(loadUsers, { key: (user) => user.uid });

// Made apart, for several members.
const daily = cachedMany({ ttl: '1d', per: 'class', cacheAbsent: '1h' });

class Service {
  @daily async cities(ids: string[]): Promise<string[]> {
    return ids;
  }
  @daily async rivers(ids: number[]): Promise<(User | undefined)[]> {
    return ids.map(() => undefined);
  }
  readonly tenant = 'acme';

  @cachedMany async bare(ids: string[]): Promise<string[]> {
    return ids;
  }
  @cachedMany() async empty(ids: string[]): Promise<string[]> {
    return ids;
  }
  @cachedMany({
    key: (user) => {
      expectTypeOf(user).toEqualTypeOf<User>();
      return user.id;
    },
    per: (self) => {
      expectTypeOf(self).toEqualTypeOf<Service>();
      return self.tenant;
    },
    tags: (user, id, full) => {
      expectTypeOf(user).toEqualTypeOf<User>();
      expectTypeOf(id).toEqualTypeOf<string>();
      expectTypeOf(full).toEqualTypeOf<boolean | undefined>();
      return [user.id];
    },
    cacheAbsent: '10s',
  })
  async find(ids: readonly string[], _full?: boolean): Promise<(User | undefined)[]> {
    return ids.map((id) => ({ id, name: this.tenant }));
  }
  @cachedMany({ store: disk, per: 'class', ttl: (value) => value }) async onDisk(ids: string[]): Promise<number[]> {
    return ids.map(Number);
  }
  @cachedMany({ cache: 'catalog', per: 'class' }) static async ofAll(ids: number[]): Promise<number[]> {
    return ids;
  }
  @cachedMany() private async hidden(ids: string[]): Promise<string[]> {
    return ids;
  }
  forget(id: string) {
    void this.hidden([id]);
    return cacheOf(this, 'hidden').invalidate(id);
  }

  // @ts-expect-error what is left out is undefined, and its type has to say so
  @cachedMany({ key: (user) => user.id }) async wrong1(_ids: string[]): Promise<User[]> {
    return [];
  }
  // @ts-expect-error the answer is an array, whatever the function brings
  @cachedMany() async wrong2(_ids: string[]): Promise<Map<string, User>> {
    return new Map();
  }
  // @ts-expect-error the answer is a promise
  @cachedMany() wrong3(ids: string[]): string[] {
    return ids;
  }
  // @ts-expect-error an unknown option
  @cachedMany({ keys: 1 }) async wrong4(ids: string[]): Promise<string[]> {
    return ids;
  }
  // @ts-expect-error takes no list
  @cachedMany async wrong5(id: string): Promise<string[]> {
    return [id];
  }
  // @ts-expect-error a list of items, even where nothing is said
  @cachedMany async wrong7(ids: string[]): Promise<number> {
    return ids.length;
  }
  // @ts-expect-error the class has no such property
  @cachedMany({ per: (self) => self.nope }) async wrong6(ids: string[]): Promise<string[]> {
    return ids;
  }
}

// The class is as if undecorated; `cacheOf` takes an id.
expectTypeOf<Service['find']>().toEqualTypeOf<
  (ids: readonly string[], _full?: boolean) => Promise<(User | undefined)[]>
>();
const service = new Service();
expectTypeOf(cacheOf(service, 'find').invalidate('1')).toEqualTypeOf<boolean | Promise<boolean>>();
expectTypeOf(cacheOf(service, 'find').invalidate(['1', '2'])).toEqualTypeOf<boolean | Promise<boolean>>();
expectTypeOf(cacheOf(service, 'find').peek('1', true)).toEqualTypeOf<User | undefined | Promise<User | undefined>>();
expectTypeOf(cacheOf(service, 'find').refresh('1')).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(cacheOf(service, 'find').set(['1'], { id: '1', name: 'a' })).toEqualTypeOf<void | Promise<void>>();
expectTypeOf(cacheOf(Service, 'ofAll').has(1)).toEqualTypeOf<boolean | Promise<boolean>>();
// @ts-expect-error an id of another type
cacheOf(service, 'find').has(1);
