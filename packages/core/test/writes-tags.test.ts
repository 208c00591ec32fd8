import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, invalidates, updates } from '@reprise/core';
import type { AsyncStore } from '@reprise/store';
import { holdRuns, settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('tags of results in %s', (_kind, makeStore) => {
  function make() {
    const cache = createCache({ name: 'catalog', store: makeStore() });
    const load = holdRuns<[string], string>();
    const find = cached(async (id: string) => `product ${id}`, {
      cache,
      name: 'find',
      tags: (_value, id) => [`p:${id}`],
    });
    const list = cached(async () => ['1', '2'], { cache, name: 'list', tags: ['lists'] });
    const slow = cached(load, { cache, name: 'slow', tags: (_value, id) => [`p:${id}`] });
    return { cache, load, find, list, slow };
  }

  it('are invalidated when the write has succeeded, in whatever carries them', async () => {
    const { find, list } = make();
    for (const id of ['1', '2']) await find(id);
    await list();
    await settle();
    const remove = invalidates(
      invalidates(
        async (id: string) => {
          if (id === 'missing') throw new Error('no such product');
        },
        { tags: ['lists'] },
      ),
      { cache: 'catalog', tags: (_result, id) => [`p:${id}`, 'unknown'] },
    );
    await expect(remove('missing')).rejects.toThrow();
    expect([await find.has('1'), await list.has()]).toEqual([true, true]);
    await remove('1');
    expect([await find.has('1'), await find.has('2'), await list.has()]).toEqual([false, true, false]);
  });

  it('keep out a read that is under way', async () => {
    const { load, slow } = make();
    const remove = invalidates(async (_id: string) => {}, { tags: (_result, id) => [`p:${id}`] });
    const early = slow('1');
    await settle();
    await remove('1');
    load.runs[0]?.resolve('before');
    expect(await early).toBe('before');
    await settle();
    expect(await slow.has('1')).toBe(false);
  });

  it('with before: true are invalidated whatever happens', async () => {
    const { list } = make();
    await list();
    await settle();
    const risk = invalidates(
      async () => {
        throw new Error('in use');
      },
      { before: true, tags: ['lists'] },
    );
    await expect(risk()).rejects.toThrow('in use');
    expect(await list.has()).toBe(false);
  });

  it('keep out the result of an update that may be older, and no other', async () => {
    const { cache, slow, load } = make();
    const write = holdRuns<[string], string>();
    const save = updates(write, { of: slow, args: (_result, id) => [id] });
    const written = ['1', '2'].map((id) => save(id));
    await settle();
    await cache.invalidateTags(['p:1']);
    for (const run of write.runs) run.resolve('written');
    await Promise.all(written);
    expect([await slow.has('1'), await slow.peek('2'), load.runs.length]).toEqual([false, 'written', 0]);
  });
});

describe('a tags callback that throws', () => {
  it('is an event of the cache that is named beside it, or a process warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const cache = createCache({ name: 'catalog' });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push((error as { code?: unknown }).code));
    const tags = (): never => {
      throw new Error('oops');
    };
    const told = invalidates(async () => 'done', { cache, tags });
    const untold = invalidates(async () => 'done', { tags });
    expect([await told(), await untold(), await untold()]).toEqual(['done', 'done', 'done']);
    expect(errors).toEqual(['E_CALLBACK']);
    expect(warn.mock.calls.map(([text, options]) => [text, (options as { code?: string }).code])).toEqual([
      [expect.stringContaining('tags threw Error: oops; nothing was invalidated by it'), 'E_CALLBACK'],
    ]);
    warn.mockRestore();
  });
});

describe('a store that cannot be told of tags', () => {
  it('holds a write up for storeTimeout where it lists entries, and hangs', async () => {
    const store: AsyncStore = {
      ...asyncMemory(),
      async *entries() {
        await new Promise(() => {});
      },
    };
    const cache = createCache({ name: 'hanging', store, storeTimeout: 30 });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    const remove = invalidates(async () => 'done', { tags: ['all'] });
    expect(await remove()).toBe('done');
    expect(errors).toEqual([expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('30 ms') })]);
  });

  it('costs nobody the result, keeps no other store from being told, and is one event', async () => {
    const told: string[][] = [];
    const failing = createCache<AsyncStore>({
      name: 'failing',
      store: {
        ...asyncMemory(),
        invalidateTags: async () => {
          throw new Error('down');
        },
      },
    });
    const working = createCache<AsyncStore>({
      name: 'working',
      store: {
        ...asyncMemory(),
        invalidateTags: async (tags) => {
          told.push([...tags]);
        },
      },
    });
    const errors: unknown[] = [];
    for (const cache of [failing, working]) cache.on('error', ({ error, cache: name }) => errors.push([name, error]));
    const find = cached(async (id: string) => id, { cache: failing, name: 'find', tags: ['all'] });
    await find('1');
    await settle();
    // When it was made, it could not be told of the labels of earlier tests.
    errors.length = 0;
    const remove = invalidates(async () => 'done', { tags: ['all'] });
    expect([await remove(), await find.has('1')]).toEqual(['done', false]);
    expect(errors).toEqual([['failing', expect.objectContaining({ code: 'E_STORE' })]]);
    expect(told.flat()).toContain('all');
  });
});
