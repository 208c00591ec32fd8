import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, StoreError } from '@reprise/core';
import { chaosStore } from '@reprise/store-testkit';
import { defer, settle } from './deferred.ts';
import { asyncStoreOn, Ground } from './ground.ts';
import { asyncMemory } from './store-kinds.ts';
import { counting } from './troubled-cache.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
});

describe('a store that hangs', () => {
  it('holds a call up for storeTimeout, as the function says', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const user = cached(async (id: string) => `user ${id}`, { store, name: 'user', storeTimeout: 20 });
    const errors: unknown[] = [];
    user.on('error', ({ error }) => errors.push(error));
    expect(await user('1')).toBe('user 1');
    expect(errors).toEqual([expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('20 ms') })]);
    store.heal();
  });

  it('holds a call up for storeTimeout, as the cache says', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const { count, errors } = counting(store, { storeTimeout: '20ms' });
    expect(await count('a')).toBe('a1');
    const error = expect.objectContaining({ message: expect.stringContaining('within 20 ms') });
    expect(errors).toEqual([expect.objectContaining({ error })]);
    store.heal();
  });

  it('keeps the result of the run that it held up', async () => {
    const store = chaosStore(asyncMemory(), { get: ['hang'] });
    const { count } = counting(store, { storeTimeout: 20 });
    await count('a');
    await settle();
    expect(await count('a')).toBe('a1');
    store.heal();
  });

  it('is not asked for a lease by a call that has waited for it as long as it may', async () => {
    const store = chaosStore(asyncStoreOn(new Ground()), { get: 'hang', lease: 'hang', generation: 'hang' });
    const user = cached(async (id: string) => `user ${id}`, { store, name: 'user', storeTimeout: 20 });
    user.on('error', () => {});
    expect(await user('1')).toBe('user 1');
    expect(store.counts.get.calls).toBe(1);
    expect(store.counts.lease.calls + store.counts.generation.calls).toBe(0);
    store.heal();
  });

  it('that answers while this process stands still has not failed', async () => {
    const store = chaosStore(asyncMemory(), { get: { delay: 5 } });
    const { count, errors } = counting(store, { storeTimeout: 50 });
    await count('a');
    const answer = count('a');
    await settle();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    expect(await answer).toBe('a1');
    expect(errors).toEqual([]);
  });

  it('while writing holds nobody up, and the value answers meanwhile', async () => {
    const store = chaosStore(asyncMemory(), { set: 'hang' });
    const { count, errors } = counting(store);
    expect([await count('a'), await count('a'), await count.peek('a')]).toEqual(['a1', 'a1', 'a1']);
    expect(errors).toEqual([]);
    store.heal();
  });

  it('while deleting fails the invalidation after storeTimeout, and answers no call', async () => {
    const store = chaosStore(asyncMemory());
    const { count } = counting(store, { storeTimeout: 20 });
    await count('a');
    await settle();
    store.plan({ delete: 'hang' });
    const invalidated = (async () => count.invalidate('a'))();
    const failed = expect(invalidated).rejects.toThrow(StoreError);
    expect(await count('a')).toBe('a2');
    await failed;
    store.heal();
  });

  it('while writing does not bring back what was invalidated since, however late the write lands', async () => {
    const underneath = asyncMemory();
    const store = chaosStore(underneath, { set: ['hang'] });
    const { count, cache } = counting(store, { storeTimeout: 20, cacheIf: (value: string) => value === 'a1' });
    await count('a');
    await (async () => count.invalidate('a'))().catch(() => {});
    store.resume();
    await settle();
    expect(await underneath.get(`${cache.name}/count("a")`)).toBeUndefined();
    expect(await count('a')).toBe('a2');
  });
});

describe('a slow store', () => {
  it('makes one look for all who ask together', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { get: { delay: gate.promise } });
    const { count, calls } = counting(store);
    const all = Promise.all([count('a'), count('a'), count('a')]);
    await settle();
    expect(store.counts.get.calls).toBe(1);
    gate.resolve();
    expect([await all, calls()]).toEqual([['a1', 'a1', 'a1'], 1]);
  });

  it('is not waited for when a result is stored', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory(), { set: { delay: gate.promise } });
    const { count } = counting(store);
    expect(await count('a')).toBe('a1');
    expect(store.waiting).toBe(1);
    gate.resolve();
  });

  it('does not answer a call that came after an invalidation with what it read before', async () => {
    const gate = defer();
    const store = chaosStore(asyncMemory());
    const { count } = counting(store);
    await count('a');
    await settle();
    store.plan({ get: [{ delay: gate.promise }] });
    const early = count('a');
    await settle();
    await count.invalidate('a');
    const late = count('a');
    gate.resolve();
    await early;
    expect(await late).not.toBe('a1');
    await settle();
    expect(await count('a')).not.toBe('a1');
  });

  it('writes in the order of the results', async () => {
    const first = defer();
    const underneath = asyncMemory();
    const store = chaosStore(underneath, { set: [{ delay: first.promise }] });
    const { count } = counting(store);
    await count('a');
    const second = (async () => count.set(['a'], 'newer'))();
    await settle();
    first.resolve();
    await second;
    expect((await underneath.get('troubled/count("a")'))?.value).toBe('newer');
  });
});
