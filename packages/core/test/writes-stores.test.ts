import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, invalidates, memoize, StoreError, updates } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { type ChaosPlan, chaosStore } from '@reprise/store-testkit';
import { defer, settle } from './deferred.ts';
import { asyncMemory, bytesStore } from './store-kinds.ts';

const unhandled = jest.fn();
let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  process.on('unhandledRejection', unhandled);
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(async () => {
  await settle();
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
  unhandled.mockClear();
  warn.mockRestore();
  await closeAllCaches();
});

/** A function in a cache on a store that is about to be in trouble. */
async function make({ options = {}, sync = false }: { options?: object; sync?: boolean } = {}) {
  const store = sync ? chaosStore(memoryStore()) : chaosStore(asyncMemory());
  const cache = createCache({ name: 'troubled', store, ...options });
  const errors: unknown[] = [];
  cache.on('error', ({ error }) => errors.push(error));
  let reads = 0;
  const find = cached(async (id: string) => `${id} ${++reads}`, { cache, name: 'find' });
  await find('1');
  await find('2');
  await settle();
  return { store, cache, errors, find };
}

const isStoreError = expect.objectContaining({ code: 'E_STORE' });

describe.each([
  ['an asynchronous store', false],
  ['a synchronous store', true],
])('%s that fails', (_kind, sync) => {
  const plans: [what: string, all: boolean, plan: ChaosPlan][] = [
    ['delete', false, { delete: 'reject' }],
    ['delete, throwing at once', false, { delete: 'throw' }],
    ['delete, by what is no error', false, { delete: { throw: 'oops' } }],
    ['clear', true, { clear: 'reject' }],
  ];

  it.each(plans)('to %s is one event, and neither the result nor the entry suffers', async (_what, all, plan) => {
    const { store, errors, find } = await make({ sync });
    const remove = invalidates(
      async (id: string) => `removed ${id}`,
      all ? { of: find, all: true } : { of: find, args: (_result, id) => [id] },
    );
    store.plan(plan);
    expect(await remove('1')).toBe('removed 1');
    expect(errors).toEqual([isStoreError]);
    expect(await find('1')).toBe('1 3');
    store.heal();
  });

  it('to delete lets a synchronous method return', async () => {
    const { store, errors, find } = await make({ sync });
    const remove = invalidates((id: string) => `removed ${id}`, { of: find, args: (_result, id) => [id] });
    store.plan({ delete: 'reject' });
    expect(remove('1')).toBe('removed 1');
    expect(await find('1')).toBe('1 3');
    await settle();
    expect(errors.filter((error) => error instanceof StoreError)).not.toHaveLength(0);
    store.heal();
  });

  it('keeps none of the other effects from happening', async () => {
    const { store, errors, find } = await make({ sync });
    const other = cached(async (id: string) => id);
    await other('1');
    const remove = invalidates(
      invalidates(
        invalidates(async (_id: string) => 'done', { of: other, args: (_result, id) => [id] }),
        { of: find, args: (_result, id) => [id] },
      ),
      { of: find, args: () => ['2'] },
    );
    store.plan({ delete: 'reject' });
    expect(await remove('1')).toBe('done');
    expect([errors.length, other.has('1')]).toEqual([2, false]);
    expect([await find('1'), await find('2')]).toEqual(['1 3', '2 4']);
    store.heal();
  });

  it('to set costs an update nothing but the entry', async () => {
    const { store, errors, find } = await make({ sync });
    const save = updates(async (id: string) => `saved ${id}`, { of: find, args: (_result, id) => [id] });
    store.plan({ set: 'reject' });
    expect(await save('1')).toBe('saved 1');
    expect(errors).toEqual([isStoreError]);
    expect(await find('1')).toBe('1 3');
    store.heal();
  });

  it('rejects an explicit invalidation, and not the write', async () => {
    const { store, find } = await make({ sync });
    const remove = invalidates(async () => 'done', { of: find, args: () => ['2'] });
    store.plan({ delete: 'reject' });
    await expect((async () => find.invalidate('1'))()).rejects.toThrow(StoreError);
    expect(await remove()).toBe('done');
    store.heal();
  });
});

describe('the caller of an asynchronous write', () => {
  it('goes on when the store has been told', async () => {
    const { store, find } = await make();
    const told = defer();
    store.plan({ delete: { delay: told.promise } });
    const remove = invalidates(async (id: string) => id, { of: find, args: (_result, id) => [id] });
    let isDone = false;
    const removed = remove('1').then(() => {
      isDone = true;
    });
    await settle();
    expect([isDone, store.waiting]).toEqual([false, 1]);
    told.resolve();
    await removed;
    store.heal();
  });

  it('waits for all effects at once, and no longer than storeTimeout', async () => {
    const { store, find, errors } = await make({ options: { storeTimeout: 30 } });
    store.plan({ delete: 'hang' });
    const remove = invalidates(
      invalidates(async () => 'done', { of: find, args: () => ['1'] }),
      { of: find, args: () => ['2'] },
    );
    const removed = remove();
    await settle();
    expect(store.waiting).toBe(2);
    expect(await removed).toBe('done');
    const tooSlow = expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('within 30 ms') });
    expect(errors).toEqual([tooSlow, tooSlow]);
    store.heal();
  });

  it('is told the error of the method alone, where both failed', async () => {
    const { store, find, errors } = await make();
    const risk = invalidates(
      async (_id: string) => {
        throw new Error('not saved');
      },
      { of: find, before: true, args: (_result, id) => [id] },
    );
    store.plan({ delete: 'reject' });
    await expect(risk('1')).rejects.toThrow('not saved');
    expect(errors).toEqual([isStoreError]);
    expect(await find('1')).toBe('1 3');
    store.heal();
  });
});

describe('before: true, on an asynchronous store', () => {
  it('begins the write when the store has been told', async () => {
    const { store, find } = await make();
    const told = defer();
    store.plan({ delete: { delay: told.promise } });
    const seen: string[] = [];
    const risk = invalidates(async (id: string) => seen.push(id), {
      of: find,
      before: true,
      args: (_result, id) => [id],
    });
    const risked = risk('1');
    await settle();
    expect(seen).toEqual([]);
    told.resolve();
    expect(await risked).toBe(1);
    store.heal();
  });

  it.each([
    ['resolves', false],
    ['rejects', true],
  ])('keeps the caller of a method that is not async by its syntax waiting, where it %s', async (_how, fails) => {
    const { store, find } = await make();
    const told = defer();
    store.plan({ delete: { delay: told.promise } });
    const seen: string[] = [];
    const risk = invalidates(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve('yes')), {
      of: find,
      before: true,
      args: () => ['1'],
    });
    const risked = risk().then(
      (value) => seen.push(value),
      (error: Error) => seen.push(error.message),
    );
    await settle();
    expect(seen).toEqual([]);
    told.resolve();
    await risked;
    expect(seen).toEqual([fails ? 'no' : 'yes']);
    store.heal();
  });

  it('lets a synchronous method run at once', async () => {
    const { store, find } = await make();
    store.plan({ delete: 'hang' });
    const risk = invalidates((id: string) => id, { of: find, before: true, args: (_result, id) => [id] });
    expect(risk('1')).toBe('1');
    expect(await find('1')).toBe('1 3');
    store.heal();
  });
});

describe('where it cannot be told which entry is meant', () => {
  class Visitor {
    readonly id: string;
    constructor(id: string) {
      this.id = id;
    }
  }

  it('all entries of the function go, and it is said once: an argument without a key', async () => {
    const store = asyncMemory({ persistent: true });
    const cache = createCache({ name: 'pages', store });
    const errors: unknown[] = [];
    cache.on('error', ({ error, name }) => errors.push([name, (error as { code?: unknown }).code]));
    const page = cached(async (visitor: unknown) => String(visitor), { cache, name: 'page' });
    await page('1');
    await settle();
    const leave = invalidates(async (visitor: Visitor) => visitor.id, {
      of: page,
      args: (_result, visitor) => [visitor],
    });
    expect(await leave(new Visitor('1'))).toBe('1');
    expect([errors, await page.has('1')]).toEqual([[['page', 'E_KEY']], false]);
    await page('1');
    const enter = updates(async (_visitor: Visitor) => 'new', { of: page, args: (_result, visitor) => [visitor] });
    expect(await enter(new Visitor('1'))).toBe('new');
    expect([errors.length, await page.has('1')]).toEqual([2, false]);
  });

  it('all entries of all owners go where per throws', async () => {
    let throws = false;
    class Users {
      tenant: string;
      constructor(tenant: string) {
        this.tenant = tenant;
      }
    }
    const cache = createCache({ name: 'plans' });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push((error as { code?: unknown }).code));
    const plan = cached(
      function (this: Users, name: string) {
        return `${this.tenant} ${name}`;
      },
      {
        cache,
        name: 'plan',
        per: (self) => {
          if (throws) throw new Error('no tenant');
          return self.tenant;
        },
      },
    );
    const acme = Object.assign(new Users('acme'), {
      plan,
      change: invalidates(async function (this: Users) {}, { of: 'plan', args: () => ['gold'] }),
    });
    acme.plan('gold');
    plan.call(new Users('zeta'), 'gold');
    throws = true;
    await acme.change();
    expect([errors, plan.stats().size]).toEqual([['E_CALLBACK'], 0]);
  });

  it('a process warning says it where nobody can listen, and of memoize', () => {
    const slug = memoize((title: string) => title.toLowerCase());
    slug('A');
    slug('B');
    const rename = invalidates((_title: string) => 'done', {
      of: slug,
      args: () => {
        throw new Error('oops');
      },
    });
    expect([rename('A'), rename('A'), slug.has('A'), slug.has('B')]).toEqual(['done', 'done', false, false]);
    expect(warn.mock.calls.map(([text, options]) => [text, (options as { code?: string }).code])).toEqual([
      [expect.stringContaining('invalidates(anonymous function): args threw Error: oops'), 'E_CALLBACK'],
    ]);
  });
});

describe('what a store refuses to keep', () => {
  it('is not stored by an update, takes the old entry with it, and is one event', async () => {
    const cache = createCache({ name: 'bytes', store: bytesStore() });
    const codes: unknown[] = [];
    cache.on('error', ({ error }) => codes.push((error as { code?: unknown }).code));
    const find = cached(async (_id: string): Promise<unknown> => 'read', { cache, name: 'find' });
    await find('1');
    await settle();
    const save = updates(
      async (_id: string): Promise<unknown> =>
        () => {},
      { of: find, args: (_result, id) => [id] },
    );
    expect(await save('1')).toBeInstanceOf(Function);
    expect([codes, await find.has('1')]).toEqual([['E_CODEC'], false]);
  });
});

describe('a cache that is switched off', () => {
  it('forgets all when it is on again, since it does not know what it missed', async () => {
    const { cache, find } = await make();
    const remove = invalidates(async (id: string) => id, { of: find, args: (_result, id) => [id] });
    cache.enabled = false;
    await remove('1');
    cache.enabled = true;
    await settle();
    expect([await find.has('1'), await find.has('2')]).toEqual([false, false]);
  });

  it('lets writes through once it is closed, by its name too', async () => {
    const { cache, errors, find } = await make();
    const remove = invalidates(
      invalidates(async (id: string) => `removed ${id}`, { of: find, args: (_result, id) => [id] }),
      { cache: 'troubled', keys: ['rates'] },
    );
    const save = updates(async (id: string) => `saved ${id}`, { of: find, args: (_result, id) => [id] });
    await remove('1');
    await cache.close();
    expect([await remove('1'), await save('1'), errors]).toEqual(['removed 1', 'saved 1', []]);
  });
});
