import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { chaosStore } from '@reprise/store-testkit';
import { settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

async function keysOf(cache: { entries(): AsyncIterable<{ key: string }> }): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of cache.entries()) keys.push(key);
  return keys.sort();
}

describe.each(storeKinds)('the keys of getOrSet in %s', (_kind, makeStore) => {
  it('are one key space, and no functions: what one key was loaded with tells nothing of another', async () => {
    const cache = createCache({ name: 'own', store: makeStore() });
    cache.on('error', () => {});
    await cache.getOrSet('data', async () => ({ plain: true }));
    const load = async () => [1, 2].values();
    const [one, other] = await Promise.all([cache.getOrSet('iterator', load), cache.getOrSet('iterator', load)]);
    expect(one).not.toBe(other);
    expect(await cache.has('iterator')).toBe(false);
  });

  it('are as they were written in a cache with a version, and are cleared by their beginning', async () => {
    const cache = createCache({ name: 'own', store: makeStore(), version: 2 });
    const seen: unknown[] = [];
    cache.on('store', ({ key }) => seen.push(key));
    await cache.set('a1', 1);
    await cache.set('b1', 1);
    expect([await keysOf(cache), seen]).toEqual([
      ['a1', 'b1'],
      ['a1', 'b1'],
    ]);
    await cache.clear({ prefix: 'a' });
    expect(await keysOf(cache)).toEqual(['b1']);
  });

  it('of a version are not those of another', async () => {
    const store = makeStore();
    const one = createCache({ name: 'own', store, version: 1 });
    await one.set('a', 'one');
    const two = createCache({ name: 'own', store, version: 2, replace: true });
    expect(await two.has('a')).toBe(false);
  });

  it.each([
    ['a misspelt option', { prefx: 'a' }],
    ['a text', 'a'],
    ['a prefix that is no text', { prefix: 5 }],
    ['a list', ['a']],
  ])('are not cleared by %s', async (_case, part) => {
    const cache = createCache({ name: 'own', store: makeStore() });
    await cache.set('a', 1);
    await expect((async () => cache.clear(part as object))()).rejects.toThrow(TypeError);
    await expect((async () => cache.clear(part as object))()).rejects.toThrow(/own/);
    expect(await cache.has('a')).toBe(true);
  });

  it('may be any text', async () => {
    const cache = createCache({ name: 'own', store: makeStore() });
    const keys = ['', ' ', '"', '\\', '\n', '\0', 'é', '🎉', 'a'.repeat(1_000), '__proto__', '("x")', '@2("a")'];
    for (const [index, key] of keys.entries()) await cache.set(key, index);
    for (const [index, key] of keys.entries()) expect(await cache.get(key)).toBe(index);
    expect(await keysOf(cache)).toEqual([...keys].sort());
  });
});

describe('getOrSet', () => {
  it('waits for its store as long as it was told', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const cache = createCache({ name: 'own', store });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    expect(await cache.getOrSet('k', async () => 1, { storeTimeout: 20 })).toBe(1);
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('within 20 ms') })]);
    store.heal();
  });

  it('answers a value that was set to a synchronous loader as it is, whatever other keys were loaded by', async () => {
    const cache = createCache({ name: 'own' });
    await cache.getOrSet('x', async () => 1);
    cache.set('plain', 1);
    expect(cache.getOrSet('plain', () => 2)).toBe(1);
  });
});

describe('a function that returns an object now and an iterator then', () => {
  it('shares the one and not the other', async () => {
    let answer: () => unknown = () => ({ plain: true });
    const give = cached(async (_key: string) => answer());
    give.on('error', () => {});
    const [one, same] = await Promise.all([give('a'), give('a')]);
    expect(one).toBe(same);
    answer = () => [1].values();
    const [first, second] = await Promise.all([give('b'), give('b')]);
    expect(first).not.toBe(second);
    await settle();
    expect(give.has('b')).toBe(false);
  });
});
