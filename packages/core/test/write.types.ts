import {
  type AnyFunction,
  type Cache,
  cached,
  type InvalidateEffect,
  invalidates,
  memoize,
  type TargetArguments,
  type UpdateEffect,
  updates,
} from '@reprise/core';
import { expectTypeOf } from 'expect-type';

interface Product {
  readonly id: string;
  readonly price: number;
}

declare const catalog: Cache;
declare const hidden: unique symbol;
const user = cached(async (id: string, _full?: boolean): Promise<Product> => ({ id, price: 1 }));
const sum = memoize((a: number, b: number) => a + b);

class Users {
  @cached() async find(id: string): Promise<Product> {
    return { id, price: 1 };
  }
  @cached() static count(step: number): number {
    return step;
  }
}

class Catalog {
  readonly tenant = 'acme';

  // Callbacks are typed from the method they stand on.
  @invalidates({
    of: 'find',
    args(result, id) {
      expectTypeOf(this).toEqualTypeOf<Catalog>();
      expectTypeOf(result).toEqualTypeOf<Product>();
      expectTypeOf(id).toEqualTypeOf<string>();
      return [this.tenant, id];
    },
  })
  async typed(id: string): Promise<Product> {
    return { id, price: 2 };
  }
  @invalidates({
    of: 'find',
    args: (result, id) => {
      expectTypeOf(result).toEqualTypeOf<number>();
      return [id];
    },
  })
  now(id: string): number {
    return id.length;
  }
  @invalidates({
    of: 'count',
    args(_result, id) {
      expectTypeOf(this).toEqualTypeOf<typeof Catalog>();
      expectTypeOf(id).toEqualTypeOf<string>();
      return [id];
    },
  })
  static ofClass(id: string): number {
    return id.length;
  }

  // Before the write there is no result.
  @invalidates({
    of: 'find',
    before: true,
    args(result, id) {
      expectTypeOf(this).toEqualTypeOf<Catalog>();
      expectTypeOf(result).toEqualTypeOf<undefined>();
      expectTypeOf(id).toEqualTypeOf<string>();
      return [id];
    },
  })
  @invalidates({
    before: true,
    tags: (result, id) => {
      expectTypeOf(result).toEqualTypeOf<undefined>();
      return [id];
    },
  })
  @invalidates({ of: 'find', before: false, args: (result) => [result.id] })
  async before(id: string): Promise<Product> {
    return { id, price: 2 };
  }

  // What a target is called with is typed where the target is.
  @invalidates({ of: user, args: (result, id) => [id, result.price > 1] })
  @invalidates({ of: user, args: (result) => [result.id] })
  @invalidates({ of: sum, args: (result, id) => [result.price, id.length] })
  @invalidates({ of: [Users, 'find'], args: (result) => [result.id] })
  @invalidates({ of: [Users, 'count'], args: (result) => [result.price] })
  @invalidates({ of: [Users, 'find'], all: true })
  @invalidates({ of: hidden, args: (result) => [result.id] })
  @invalidates({ of: user, before: true, all: true })
  @invalidates({ of: 'find' })
  @invalidates({ cache: catalog, keys: ['rates'] })
  @invalidates({ cache: 'catalog', keys: (result, id) => [result.id, id.trim()], tags: (result) => [result.id] })
  @invalidates({ tags: ['lists'] as const })
  @updates({ of: 'find', args: (product) => [product.id] })
  @updates({ of: user, args: (product, id) => [product.id, id === ''] })
  @updates({ of: [Users, 'find'], args: (product) => [product.id] })
  async save(id: string): Promise<Product> {
    return { id, price: 2 };
  }

  // Generics, overloads, visibility and `this` stay.
  @invalidates({ of: 'find', args: (_result, value) => [value] })
  generic<Value>(value: Value): Value {
    return value;
  }
  overloaded(id: string): string;
  overloaded(id: number): number;
  @invalidates({ of: 'find', args: (_result, id) => [id] })
  overloaded(id: any): any {
    return id;
  }
  @invalidates({ of: 'secret', args: (_result, id) => [id] })
  protected async guarded(id: string): Promise<void> {
    await this.secret(id);
  }
  @updates({ of: 'find', args: (_result, id) => [id] })
  private async secret(id: string): Promise<void> {
    await this.guarded(id);
  }
  @invalidates({ of: 'find', all: true })
  chained(): this {
    return this;
  }
  @invalidates({
    of: 'find',
    args(_result, id) {
      expectTypeOf(this).toEqualTypeOf<Catalog>();
      return [id, this.tenant];
    },
  })
  async #own(id: string): Promise<string> {
    return id;
  }
  own(): Promise<string> {
    return this.#own('1');
  }

  // What does not compile.
  // @ts-expect-error it needs an effect
  @invalidates bare(_id: string): void {}
  // @ts-expect-error it needs an effect
  @invalidates() empty(_id: string): void {}
  // @ts-expect-error the function takes a string
  @invalidates({ of: user, args: () => [5] }) wrong1(_id: string): void {}
  // @ts-expect-error the function needs an argument
  @invalidates({ of: user, args: () => [] }) wrong2(_id: string): void {}
  // @ts-expect-error the method takes a string
  @invalidates({ of: [Users, 'find'], args: () => [5] }) wrong3(_id: string): void {}
  // @ts-expect-error no such member
  @invalidates({ of: [Users, 'fnd'], args: (_result, id) => [id] }) wrong4(_id: string): void {}
  // @ts-expect-error they exclude each other
  @invalidates({ of: 'find', all: true, args: () => [5] }) wrong5(_id: string): void {}
  // @ts-expect-error they exclude each other
  @invalidates({ of: 'find', tags: ['a'] }) wrong6(_id: string): void {}
  // @ts-expect-error an unknown option
  @invalidates({ of: 'find', arguments: () => [5] }) wrong7(_id: string): void {}
  // @ts-expect-error a string has no such property
  @invalidates({ of: 'find', args: (_result, id) => [id.nope] }) wrong8(_id: string): void {}
  // @ts-expect-error not strings
  @invalidates({ tags: (result) => [result] }) wrong9(_id: string): number {
    return 1;
  }
  // @ts-expect-error neither a cache nor a name
  @invalidates({ cache: 5, tags: ['a'] }) wrong10(_id: string): void {}
  // @ts-expect-error under which call?
  @updates({ of: 'find' }) wrong11(_id: string): void {}
  // @ts-expect-error an update knows no before
  @updates({ of: 'find', args: (_result, id) => [id], before: true }) wrong12(_id: string): void {}
  // @ts-expect-error the function returns something else
  @updates({ of: user, args: (_result, id) => [id] }) async wrong13(_id: string): Promise<number> {
    return 1;
  }
  // @ts-expect-error the method returns something else
  @updates({ of: [Users, 'find'], args: (_result, id) => [id] }) async wrong14(_id: string): Promise<number> {
    return 1;
  }
  // @ts-expect-error a getter
  @invalidates({ of: 'find', all: true }) get wrong15(): number {
    return 1;
  }
}

// The class is as if undecorated.
expectTypeOf<Catalog['save']>().toEqualTypeOf<(id: string) => Promise<Product>>();
expectTypeOf<Catalog['generic']>().toEqualTypeOf<<Value>(value: Value) => Value>();
expectTypeOf<Catalog['overloaded']>().toEqualTypeOf<{ (id: string): string; (id: number): number }>();
// @ts-expect-error still private
new Catalog().secret;

// Functions stay what they are.
const rename = invalidates(async (id: string, name: string) => id.length + name.length, {
  of: user,
  args: (result, id, name) => {
    expectTypeOf(result).toEqualTypeOf<number>();
    return [id, name === ''];
  },
});
expectTypeOf(rename).toEqualTypeOf<(id: string, name: string) => Promise<number>>();
expectTypeOf(updates(user, { of: user, args: (product) => [product.id] })).toEqualTypeOf<typeof user>();
invalidates((id: string) => id, { tags: (result, id) => [result, id] });
invalidates((id: string) => id, {
  before: true,
  of: user,
  args: (result, id) => {
    expectTypeOf(result).toEqualTypeOf<undefined>();
    return [id];
  },
});
invalidates(
  function (this: Users, id: string) {
    return this.find(id);
  },
  {
    of: 'find',
    args(result, id) {
      expectTypeOf(this).toEqualTypeOf<Users>();
      return [result.id, id];
    },
  },
);
// @ts-expect-error it needs an effect
invalidates((id: string) => id);
// @ts-expect-error the function takes a string
invalidates((id: string) => id.length, { of: user, args: (result) => [result] });
// @ts-expect-error the function returns something else
updates(async (id: string) => id, { of: user, args: (result) => [result] });

// One decorator for several members.
const anew = invalidates({ of: 'list', all: true });
const byFirst = invalidates({ of: 'find', args: (_result, id) => [id] });
class Shop {
  @anew open(): void {}
  @byFirst static async close(id: string): Promise<string> {
    return id;
  }
}
expectTypeOf<Shop['open']>().toEqualTypeOf<() => void>();

// Generic and abstract classes.
abstract class Repository<Row extends { readonly id: string }> {
  @cached() async find(_id: string): Promise<Row | undefined> {
    return undefined;
  }
  @updates({ of: 'find', args: (saved, _row) => [saved.id] })
  async save(row: Row): Promise<Row> {
    return row;
  }
  @invalidates({ of: 'find', args: (_result, id) => [id] })
  abstracted(id: string): string {
    return id;
  }
}
void Repository;

// The names by which effects are made apart.
expectTypeOf<TargetArguments<typeof user>>().toEqualTypeOf<readonly [id: string, _full?: boolean | undefined]>();
expectTypeOf<TargetArguments<readonly [typeof Users, 'count']>>().toEqualTypeOf<readonly [step: number]>();
expectTypeOf<TargetArguments<'find'>>().toEqualTypeOf<readonly unknown[]>();
const effect: InvalidateEffect<AnyFunction, unknown, 'find'> = { of: 'find', all: true };
const update: UpdateEffect<(id: string) => string, unknown, 'find'> = { of: 'find', args: (_result, id) => [id] };
void [effect, update];
