import type { AsyncStore, Store, SyncStore } from '@reprise/store';
import { expectTypeOf } from 'expect-type';
import type {
  Cache,
  CachedFunction,
  CachedVerb,
  CacheEvent,
  Handle,
  Inspection,
  MemoizeVerb,
  Stats,
} from '../src/types.ts';

declare const cached: CachedVerb;
declare const memoize: MemoizeVerb;
declare const memory: SyncStore;
declare const disk: AsyncStore;
declare const some: Store;
declare const near: Cache<SyncStore>;
declare const far: Cache<AsyncStore>;
declare const whichever: Cache;

// Parameters, result, parameter names, optional and rest parameters stay.
const load = cached(async (id: number, full?: boolean, ...rest: string[]) => ({ id, full, rest }));
expectTypeOf(load).parameters.toEqualTypeOf<[id: number, full?: boolean | undefined, ...rest: string[]]>();
expectTypeOf(load).returns.resolves.toEqualTypeOf<{ id: number; full: boolean | undefined; rest: string[] }>();
// @ts-expect-error the function takes a number
load('1');

// The handle takes the function's own arguments and answers its own value, not a promise of it.
expectTypeOf(load.invalidate).parameters.toEqualTypeOf<[id: number, full?: boolean | undefined, ...rest: string[]]>();
expectTypeOf(load.invalidate(1)).toEqualTypeOf<boolean>();
expectTypeOf(load.clear()).toEqualTypeOf<void>();
expectTypeOf(load.refresh(1)).resolves.toHaveProperty('rest');
expectTypeOf(load.peek(1)).toEqualTypeOf<{ id: number; full: boolean | undefined; rest: string[] } | undefined>();
expectTypeOf(load.has(1, true, 'a')).toEqualTypeOf<boolean>();
expectTypeOf(load.set([1], { id: 1, full: undefined, rest: [] })).toEqualTypeOf<void>();
expectTypeOf(load.keyOf(1)).toEqualTypeOf<string>();
expectTypeOf(load.inspect(1)).toEqualTypeOf<Inspection | undefined>();
expectTypeOf(load.stats()).toEqualTypeOf<Stats>();
expectTypeOf(load.original).toEqualTypeOf<
  (id: number, full?: boolean, ...rest: string[]) => Promise<{ id: number; full: boolean | undefined; rest: string[] }>
>();
expectTypeOf(load.on('error', (event) => expectTypeOf(event).toEqualTypeOf<CacheEvent<'error'>>())).toEqualTypeOf<
  () => void
>();
// @ts-expect-error arguments of another type
load.invalidate('1');
// @ts-expect-error arguments are a list
load.set(1, { id: 1, full: undefined, rest: [] });
// @ts-expect-error not the function's value
load.set([1], 'one');
// @ts-expect-error no such event
load.on('hits', () => {});
// @ts-expect-error there is no such operation
load.delete(1);

// Callbacks are typed from the function.
cached(async (id: number, full?: boolean) => String(id) + full, {
  key: (id, full) => {
    expectTypeOf(id).toEqualTypeOf<number>();
    expectTypeOf(full).toEqualTypeOf<boolean | undefined>();
    return [id, { full }];
  },
  ttl: (value, id) => {
    expectTypeOf(value).toEqualTypeOf<string>();
    expectTypeOf(id).toEqualTypeOf<number>();
    return '5m';
  },
  cacheIf: (value, id, full) => value !== '' && id > 0 && full !== false,
  bypass: (id) => id < 0,
  sizeOf: (value) => value.length,
});
cached(
  function (this: { readonly tenant: string }, id: number) {
    return this.tenant + id;
  },
  {
    key(id) {
      expectTypeOf(this).toEqualTypeOf<{ readonly tenant: string }>();
      return id;
    },
    per: (self) => self.tenant,
    ttl(value) {
      return this.tenant === value ? 1 : 2;
    },
  },
);

// `this` stays.
const greeting = cached(function (this: { readonly tenant: string }, id: number) {
  return this.tenant + id;
});
expectTypeOf(greeting).thisParameter.toEqualTypeOf<{ readonly tenant: string }>();
expectTypeOf(greeting.invalidate).parameters.toEqualTypeOf<[id: number]>();

// Generics stay in the call; overloads too, and the handle takes the last one's arguments.
const same = cached(<T>(value: T) => value);
expectTypeOf(same('a' as const)).toEqualTypeOf<'a'>();
const sameLater = cached(async <T>(value: T) => value, { store: disk, key: (value) => String(value) });
expectTypeOf(sameLater('a' as const)).toEqualTypeOf<Promise<'a'>>();
declare function parse(text: string): string;
declare function parse(text: string, radix: number): number;
const parsed = cached(parse, { key: (text, radix) => [text, radix] });
expectTypeOf(parsed('1')).toEqualTypeOf<string>();
expectTypeOf(parsed('1', 10)).toEqualTypeOf<number>();
expectTypeOf(parsed.invalidate).parameters.toEqualTypeOf<[text: string, radix: number]>();
const tagged = cached(Object.assign((id: number) => id, { route: '/users' }));
expectTypeOf(tagged.route).toEqualTypeOf<string>();
expectTypeOf(cached((): any => 1, { store: disk })()).toEqualTypeOf<any>();

// Wrapped functions and wrapped wrapped ones are functions.
expectTypeOf(cached((id: number) => id)).toExtend<(id: number) => number>();
expectTypeOf(['1'].map(memoize((text: string) => text.length))).toEqualTypeOf<number[]>();
declare function takesHandle(handle: Handle<(id: number) => string>): void;
takesHandle(cached((id: number) => String(id)));
declare function takesCached(fn: CachedFunction<(id: number) => string>): void;
takesCached(cached((id: number) => String(id), { store: memory }));

// On a synchronous store a synchronous function stays so; elsewhere it returns a promise, and so does its handle.
const show = (id: number): string => String(id);
expectTypeOf(cached(show)(1)).toEqualTypeOf<string>();
expectTypeOf(cached(show, { store: memory })(1)).toEqualTypeOf<string>();
expectTypeOf(cached(show, { cache: near, key: (id) => id })(1)).toEqualTypeOf<string>();
const onDisk = cached(show, { store: disk, key: (id) => id });
expectTypeOf(onDisk).parameters.toEqualTypeOf<[id: number]>();
expectTypeOf(onDisk(1)).toEqualTypeOf<Promise<string>>();
expectTypeOf(onDisk.invalidate(1)).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(onDisk.clear()).toEqualTypeOf<Promise<void>>();
expectTypeOf(onDisk.peek(1)).toEqualTypeOf<Promise<string | undefined>>();
expectTypeOf(onDisk.refresh(1)).toEqualTypeOf<Promise<string>>();
expectTypeOf(onDisk.set([1], 'a')).toEqualTypeOf<Promise<void>>();
expectTypeOf(onDisk.inspect(1)).toEqualTypeOf<Promise<Inspection | undefined>>();
expectTypeOf(onDisk.keyOf(1)).toEqualTypeOf<string>();
expectTypeOf(onDisk.stats()).toEqualTypeOf<Stats>();
expectTypeOf(onDisk.original).toEqualTypeOf<(id: number) => string>();
expectTypeOf(cached(show, { cache: far })(1)).toEqualTypeOf<Promise<string>>();
expectTypeOf(cached(show, { cache: 'catalog', key: (id) => id })(1)).toEqualTypeOf<Promise<string>>();
expectTypeOf(cached(show, { cache: 'catalog' }).has(1)).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(cached(show, { store: some })(1)).toEqualTypeOf<string | Promise<string>>();
expectTypeOf(cached(show, { cache: whichever })(1)).toEqualTypeOf<string | Promise<string>>();
expectTypeOf(cached(show, { store: some }).has(1)).toEqualTypeOf<boolean | Promise<boolean>>();
expectTypeOf(cached(async (id: number) => id, { store: disk })(1)).toEqualTypeOf<Promise<number>>();
declare function either(id: number): number | Promise<number>;
expectTypeOf(cached(either)(1)).toEqualTypeOf<number | Promise<number>>();
expectTypeOf(cached(either, { store: disk })(1)).toEqualTypeOf<Promise<number>>();
declare function thenable(id: number): PromiseLike<number>;
expectTypeOf(cached(thenable, { store: disk })(1)).toEqualTypeOf<Promise<number>>();

// Wrong options do not compile; explicit undefined does.
cached(show, {
  ttl: undefined,
  key: undefined,
  maxSize: undefined,
  cache: undefined,
  store: undefined,
  per: undefined,
});
cached(show, undefined);
// @ts-expect-error an unknown option
cached(show, { tll: 1 });
// @ts-expect-error null is no duration
cached(show, { ttl: null });
// @ts-expect-error nor is a boolean
cached(show, { ttl: true });
// @ts-expect-error a key is not a promise
cached(show, { key: async (id) => id });
// @ts-expect-error a key is not undefined
cached(show, { key: (_id) => undefined });
// @ts-expect-error a key function takes the function's arguments
cached(show, { key: (id: string) => id });
// @ts-expect-error there is no such owner
cached(show, { per: 'tenant' });
// @ts-expect-error cacheIf tells yes or no
cached(show, { cacheIf: (value) => value });
// @ts-expect-error a store has operations
cached(show, { store: {} });
// @ts-expect-error a cache is one, or a name
cached(show, { cache: 7 });
// @ts-expect-error positive words
cached(show, { noStore: true });
// @ts-expect-error null is no options
cached(show, null);
// @ts-expect-error neither function nor options
cached('5m');

// memoize: values, four options.
const slug = memoize((title: string, length?: number) => title.slice(0, length), {
  key: (title, length) => {
    expectTypeOf(title).toEqualTypeOf<string>();
    expectTypeOf(length).toEqualTypeOf<number | undefined>();
    return title;
  },
  ttl: '5m',
  maxSize: 10,
  per: 'class',
});
expectTypeOf(slug('a', 1)).toEqualTypeOf<string>();
expectTypeOf(slug.invalidate).parameters.toEqualTypeOf<[title: string, length?: number | undefined]>();
expectTypeOf(slug.peek('a')).toEqualTypeOf<string | undefined>();
expectTypeOf(slug.refresh('a')).toEqualTypeOf<string>();
expectTypeOf(memoize(async (id: number) => id).refresh(1)).toEqualTypeOf<Promise<number>>();
expectTypeOf(memoize(<T>(value: T) => value)('a' as const)).toEqualTypeOf<'a'>();
// @ts-expect-error memoize has no events
slug.on('hit', () => {});
// @ts-expect-error memoize has no store
memoize(show, { store: memory });
// @ts-expect-error nor a ttl by value
memoize(show, { ttl: () => 1 });

// Cache: values on a synchronous store, promises on an asynchronous one.
expectTypeOf(near.getOrSet('a', () => 1, { ttl: (value) => value })).toEqualTypeOf<number>();
expectTypeOf(near.getOrSet('a', async () => 1, { ttl: (value) => value })).toEqualTypeOf<Promise<number>>();
expectTypeOf(far.getOrSet('a', () => 1)).toEqualTypeOf<Promise<number>>();
expectTypeOf(far.getOrSet('a', async () => 1)).toEqualTypeOf<Promise<number>>();
expectTypeOf(near.get<number>('a')).toEqualTypeOf<number | undefined>();
expectTypeOf(far.get<number>('a')).toEqualTypeOf<Promise<number | undefined>>();
expectTypeOf(far.clear({ prefix: 'a' })).toEqualTypeOf<Promise<void>>();
expectTypeOf(near.delete('a')).toEqualTypeOf<boolean>();
expectTypeOf(near.on('evict', (event) => event.key)).toEqualTypeOf<() => void>();
expectTypeOf(near).toExtend<Cache>();
expectTypeOf(far).toExtend<AsyncDisposable>();
near.configure({ ttl: '5m', maxSize: 500 });
// @ts-expect-error a name stays
near.configure({ name: 'other' });
for await (const entry of near.entries({ prefix: 'a' })) expectTypeOf(entry.key).toEqualTypeOf<string>();
