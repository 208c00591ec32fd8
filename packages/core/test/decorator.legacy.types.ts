import type { AsyncStore, Store, SyncStore } from '@reprise/store';
import { expectTypeOf } from 'expect-type';
import type { Cache, CachedVerb, CacheOf, MemoizeVerb, Stats } from '../src/types.ts';

declare const cached: CachedVerb;
declare const memoize: MemoizeVerb;
declare const cacheOf: CacheOf;
declare const memory: SyncStore;
declare const disk: AsyncStore;
declare const some: Store;
declare const near: Cache<SyncStore>;
declare const far: Cache<AsyncStore>;
declare const hidden: unique symbol;
const computed = 'computed';

class Users {
  readonly tenant = 'acme';

  // All forms, with every visibility, on what is synchronous or not.
  @cached async bare(id: string): Promise<string> {
    return id;
  }
  @cached() async empty(id: string): Promise<string> {
    return id;
  }
  @cached({ ttl: '5m', maxSize: 10 }) options(id: string): string {
    return id;
  }
  @cached private secret(id: string): string {
    return this.guarded(id);
  }
  @cached({ key: (id) => id.length }) protected guarded(id: string): string {
    return this.secret(id);
  }
  @cached static count(id: number): number {
    return id;
  }
  @cached() [hidden](id: number): number {
    return id;
  }
  @cached({ key: (id) => id }) [Symbol.match](id: number): number {
    return id;
  }
  @cached() [computed](id: number): number {
    return id;
  }

  // Callbacks are typed from the method they stand on.
  @cached({
    key(id, full) {
      expectTypeOf(this).toEqualTypeOf<Users>();
      expectTypeOf(id).toEqualTypeOf<string>();
      expectTypeOf(full).toEqualTypeOf<boolean | undefined>();
      return [this.tenant, id];
    },
    per: (self) => {
      expectTypeOf(self).toEqualTypeOf<Users>();
      return self.tenant;
    },
    ttl: (value, id) => {
      expectTypeOf(value).toEqualTypeOf<number>();
      expectTypeOf(id).toEqualTypeOf<string>();
      return '5m';
    },
    cacheIf: (value, id) => value > id.length,
    bypass: (id, full) => full === true && id === '',
    sizeOf: (value) => value,
  })
  async typed(id: string, full?: boolean): Promise<number> {
    return id.length + Number(full);
  }
  @cached({
    key: (id) => {
      expectTypeOf(id).toEqualTypeOf<number>();
      return id;
    },
    per: (self) => {
      expectTypeOf(self).toEqualTypeOf<typeof Users>();
      return self.name;
    },
  })
  static typedStatic(id: number): number {
    return id;
  }

  // Generics, overloads and `this` stay.
  @cached({ key: (value) => String(value) }) generic<T>(value: T): T {
    return value;
  }
  @cached() async genericLater<T>(value: T): Promise<T> {
    return value;
  }
  overloaded(id: string): string;
  overloaded(id: number): number;
  @cached({ key: (id) => id }) overloaded(id: any): any {
    return id;
  }
  @cached() chained(): this {
    return this;
  }

  // A method that cannot return a promise needs a store that does not.
  @cached({ store: disk, key: (id) => id.trim(), per: (self) => self.tenant }) async onDisk(
    id: string,
  ): Promise<string> {
    return id;
  }
  @cached({ cache: far, per: 'class' }) async inFar(id: string): Promise<string> {
    return id;
  }
  @cached({ cache: 'catalog', key: (id) => id.trim() }) async byName(id: string): Promise<string> {
    return id;
  }
  @cached({ store: memory, key: (id) => id.trim() }) inMemory(id: string): string {
    return id;
  }
  @cached({ cache: near }) inNear(id: string): string {
    return id;
  }
  // Where only the run can tell, the run does.
  @cached({ store: some }) inSome(id: string): string {
    return id;
  }
  // @ts-expect-error an asynchronous store
  @cached({ store: disk }) syncOnDisk(id: string): string {
    return id;
  }
  // @ts-expect-error an asynchronous cache
  @cached({ cache: far }) syncInFar(id: string): string {
    return id;
  }
  // @ts-expect-error a cache by name may be anything
  @cached({ cache: 'catalog' }) syncByName(id: string): string {
    return id;
  }

  // memoize: the same, and getters.
  @memoize name(id: string): string {
    return id;
  }
  @memoize() nameEmpty(id: string): string {
    return id;
  }
  @memoize({ key: (id) => id.trim(), per: (self) => self.tenant, ttl: 5, maxSize: 5 }) nameOptions(id: string): string {
    return id;
  }
  @memoize static nameStatic(id: string): string {
    return id;
  }
  @memoize get settings(): number {
    return 1;
  }
  @memoize() get settingsEmpty(): { readonly a: number } {
    return { a: 1 };
  }
  @memoize({ ttl: '5m', per: (self) => self.tenant }) get settingsOptions(): string {
    return 'a';
  }
  @memoize() get both(): string {
    return 'a';
  }
  set both(_value: string) {}
  @memoize({ per: 'class' }) static get settingsStatic(): string {
    return 'a';
  }

  // A class has its own handles.
  forget(id: string) {
    cacheOf(this, 'guarded').clear();
    return cacheOf(this, 'secret').invalidate(id);
  }
  static forgetCount() {
    return cacheOf(this, 'count').invalidate(1);
  }

  // What does not compile.
  // @ts-expect-error an unknown option
  @cached({ tll: 1 }) wrong1(id: string): string {
    return id;
  }
  // @ts-expect-error null is no duration
  @cached({ ttl: null }) wrong2(id: string): string {
    return id;
  }
  // @ts-expect-error a string has no such property
  @cached({ key: (id) => id.nope }) wrong3(id: string): string {
    return id;
  }
  // @ts-expect-error the class has no such property
  @cached({ per: (self) => self.nope }) wrong4(id: string): string {
    return id;
  }
  // @ts-expect-error a key is not a promise
  @cached({ key: async (id) => id }) wrong5(id: string): string {
    return id;
  }
  // @ts-expect-error memoize has no store
  @memoize({ store: memory }) wrong6(id: string): string {
    return id;
  }
  // @ts-expect-error a getter is for memoize
  @cached get wrong7(): number {
    return 1;
  }
  // @ts-expect-error a getter is for memoize
  @cached() get wrong8(): number {
    return 1;
  }
  // Fields and setters have no type of their own in this dialect: they are refused at definition, when it runs.
  // @ts-expect-error a parameter
  wrong9(@cached() id: string): string {
    return id;
  }
  // @ts-expect-error a parameter
  wrong10(@memoize id: string): string {
    return id;
  }
}

// @ts-expect-error a class
@cached()
class Wrong1 {}
// @ts-expect-error a class
@cached
class Wrong2 {}
// @ts-expect-error a class
@memoize()
class Wrong3 {}
// @ts-expect-error a class
@memoize
class Wrong4 {}
void [Wrong1, Wrong2, Wrong3, Wrong4];

// The class is as if undecorated.
expectTypeOf<Users['bare']>().toEqualTypeOf<(id: string) => Promise<string>>();
expectTypeOf<Users['typed']>().toEqualTypeOf<(id: string, full?: boolean) => Promise<number>>();
expectTypeOf<Users['generic']>().toEqualTypeOf<<T>(value: T) => T>();
expectTypeOf<Users['overloaded']>().toEqualTypeOf<{ (id: string): string; (id: number): number }>();
expectTypeOf<Users['settings']>().toEqualTypeOf<number>();
// @ts-expect-error still private
new Users().secret;
// @ts-expect-error still protected
new Users().guarded;

// cacheOf: by instance and by class; as either, for its store is unknown.
const users = new Users();
expectTypeOf(cacheOf(users, 'typed').invalidate).parameters.toEqualTypeOf<[id: string, full?: boolean | undefined]>();
expectTypeOf(cacheOf(users, 'typed').invalidate('1')).toEqualTypeOf<boolean | Promise<boolean>>();
expectTypeOf(cacheOf(users, 'typed').clear()).toEqualTypeOf<void | Promise<void>>();
expectTypeOf(cacheOf(users, 'typed').peek('1')).toEqualTypeOf<number | undefined | Promise<number | undefined>>();
expectTypeOf(cacheOf(users, 'typed').refresh('1')).toEqualTypeOf<Promise<number>>();
expectTypeOf(cacheOf(users, 'inMemory').refresh('1')).toEqualTypeOf<string | Promise<string>>();
expectTypeOf(cacheOf(users, 'typed').stats()).toEqualTypeOf<Stats>();
expectTypeOf(cacheOf(Users, 'typed').invalidate).parameters.toEqualTypeOf<[id: string, full?: boolean | undefined]>();
expectTypeOf(cacheOf(Users, 'typedStatic').invalidate).parameters.toEqualTypeOf<[id: number]>();
expectTypeOf(cacheOf(users, hidden).invalidate).parameters.toEqualTypeOf<[id: number]>();
expectTypeOf(cacheOf(users, 'overloaded').invalidate).parameters.toEqualTypeOf<[id: number]>();
expectTypeOf(cacheOf(users, 'settings').peek()).toEqualTypeOf<number | undefined | Promise<number | undefined>>();
expectTypeOf(cacheOf(Users, 'settings').invalidate).parameters.toEqualTypeOf<[]>();
expectTypeOf(cacheOf(Users, 'settingsStatic').peek()).toEqualTypeOf<string | undefined | Promise<string | undefined>>();
cacheOf(users, 'typed').set(['1'], 1);
// @ts-expect-error the method takes a string
cacheOf(users, 'typed').invalidate(1);
// @ts-expect-error the method's promise resolves to a number
cacheOf(users, 'typed').set(['1'], '1');
// @ts-expect-error no such member
cacheOf(users, 'nope');
// As with users['secret'], privacy is not in the way of one who names a private member.
expectTypeOf(cacheOf(users, 'secret').invalidate).parameters.toEqualTypeOf<[id: string]>();
// @ts-expect-error a static one is of the class
cacheOf(users, 'typedStatic');

// Generic, derived and abstract classes.
abstract class Repository<Row extends { readonly id: string }> {
  abstract readonly table: string;
  @cached({ key: (id) => id, per: (self) => self.table, cacheIf: (row) => row?.id !== '' })
  async find(_id: string): Promise<Row | undefined> {
    return undefined;
  }
  @memoize({ key: (row) => row.id }) label(row: Row): string {
    return row.id;
  }
  forget(row: Row): void {
    cacheOf(this, 'label').invalidate(row);
  }
}
class Books extends Repository<{ readonly id: string; readonly title: string }> {
  readonly table = 'books';
  @cached() override async find(id: string): Promise<{ readonly id: string; readonly title: string } | undefined> {
    return super.find(id);
  }
}
expectTypeOf(cacheOf(new Books(), 'find').peek('1')).toEqualTypeOf<
  | { readonly id: string; readonly title: string }
  | undefined
  | Promise<{ readonly id: string; readonly title: string } | undefined>
>();

// One decorator for several members.
const daily = cached({ ttl: '1d' });
const once = memoize();
class Shop {
  @daily open(day: number): boolean {
    return day < 6;
  }
  @daily static async count(city: string): Promise<number> {
    return city.length;
  }
  @once price<T>(value: T): T {
    return value;
  }
  @once get name(): string {
    return 'shop';
  }
}
expectTypeOf<Shop['price']>().toEqualTypeOf<<T>(value: T) => T>();
