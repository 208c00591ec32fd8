import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, getCache } from '@reprise/core';
import type { Entry } from '@reprise/store';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

async function keysOf(cache: { entries(part?: { prefix: string }): AsyncIterable<{ key: string }> }, prefix?: string) {
  const keys: string[] = [];
  for await (const { key } of cache.entries(prefix === undefined ? undefined : { prefix })) keys.push(key);
  return keys.sort();
}

describe.each(storeKinds)('a shared cache in %s', (kind, makeStore) => {
  const isSync = !kind.includes('asynchronous');

  it('runs the loader of getOrSet once for all concurrent callers', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const load = holdRuns<[], number>();
    const both = Promise.all([cache.getOrSet('rate', load), cache.getOrSet('rate', load)]);
    await settle();
    expect(load.runs).toHaveLength(1);
    load.runs[0]?.resolve(7);
    expect(await both).toEqual([7, 7]);
    await settle();
    expect(await cache.getOrSet('rate', load)).toBe(7);
    expect(load.runs).toHaveLength(1);
  });

  it('gets, sets, has and deletes', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    expect([await cache.get('a'), await cache.has('a'), await cache.delete('a')]).toEqual([undefined, false, false]);
    await cache.set('a', 1);
    expect([await cache.get('a'), await cache.has('a')]).toEqual([1, true]);
    expect([await cache.delete('a'), await cache.get('a')]).toEqual([true, undefined]);
  });

  it('takes undefined for a value', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    let loads = 0;
    const load = async () => void loads++;
    await cache.getOrSet('nothing', load);
    await settle();
    await cache.getOrSet('nothing', load);
    expect([loads, await cache.has('nothing')]).toEqual([1, true]);
  });

  it('keeps its own keys and those of functions apart', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const user = cached(async (id: string) => `user ${id}`, { cache, name: 'user' });
    await cache.set('user("1")', 'mine');
    await cache.set('("1")', 'mine too');
    expect(await user('1')).toBe('user 1');
    await settle();
    expect(await cache.get(user.keyOf('1'))).toBe('mine');
  });

  it('lists what is in it, whole or by a prefix', async () => {
    const cache = createCache({ name: 'shared', store: makeStore(), ttl: '1h' });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await user('1');
    await user('2');
    await cache.set('rates', 3);
    await settle();
    expect(await keysOf(cache)).toEqual(['rates', 'user("1")', 'user("2")']);
    expect(await keysOf(cache, 'user(')).toEqual(['user("1")', 'user("2")']);
    for await (const entry of cache.entries({ prefix: 'rates' })) {
      expect(entry).toMatchObject({ key: 'rates', value: 3 });
      expect((entry as Entry).expiresAt - (entry as Entry).createdAt).toBe(3_600_000);
    }
  });

  it('lists nothing that has expired', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'shared', store: makeStore(), clock, ttl: 1_000 });
    await cache.set('a', 1);
    await cache.set('b', 2, { ttl: 5_000 });
    clock.advance(1_000);
    expect(await keysOf(cache)).toEqual(['b']);
  });

  it('clears everything, functions included', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await user('1');
    await cache.set('rates', 3);
    await settle();
    await cache.clear();
    expect([await keysOf(cache), await user.has('1'), await cache.has('rates')]).toEqual([[], false, false]);
    expect(cache.stats().size).toBe(0);
  });

  it('clears by a prefix what begins so, and nothing else', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    const users = cached(async () => ['1'], { cache, name: 'users' });
    await user('1');
    await users();
    await cache.set('user-list', 1);
    await cache.set('rates', 1);
    await settle();
    await cache.clear({ prefix: 'user(' });
    expect(await keysOf(cache)).toEqual(['rates', 'user-list', 'users()']);
    await cache.clear({ prefix: 'user' });
    expect(await keysOf(cache)).toEqual(['rates']);
  });

  it.each(['(', '("', '"', '%', '\\', ''])('clears by the prefix %j only keys that begin so', async (prefix) => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const keys = ['(a', '("b', '"c', '%d', '\\e', 'f'];
    for (const key of keys) await cache.set(key, key);
    await cache.clear({ prefix });
    expect(await keysOf(cache)).toEqual(keys.filter((key) => !key.startsWith(prefix)).sort());
  });

  it('overrides its defaults for one write', async () => {
    const clock = manualClock(1_700_000_000_000);
    const cache = createCache({ name: 'shared', store: makeStore(), clock, ttl: '1h' });
    await cache.getOrSet('short', async () => 1, { ttl: 1_000 });
    await cache.getOrSet('never', async () => 1, { cacheIf: () => false });
    await settle();
    clock.advance(1_000);
    expect([await cache.has('short'), await cache.has('never')]).toEqual([false, false]);
  });

  it('removes the older value where the newer one may not be stored', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    await cache.set('a', 1);
    await cache.set('a', 2, { ttl: 0 });
    await cache.set('b', 1);
    await cache.set('b', 2, { cacheIf: () => false });
    expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, undefined]);
  });

  it('fences getOrSet against set and delete', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const load = holdRuns<[], string>();
    const older = cache.getOrSet('a', load);
    await settle();
    await cache.set('a', 'set');
    load.runs[0]?.resolve('old');
    expect(await older).toBe('old');
    await settle();
    expect(await cache.get('a')).toBe('set');
    const another = cache.getOrSet('b', load);
    await settle();
    await cache.delete('b');
    load.runs[1]?.resolve('old');
    await another;
    await settle();
    expect(await cache.has('b')).toBe(false);
  });

  it('lets a failing loader fail its callers, and stores nothing', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const failure = new Error('no rate');
    const load = async (): Promise<number> => {
      throw failure;
    };
    await expect((async () => cache.getOrSet('a', load))()).rejects.toBe(failure);
    expect(await cache.getOrSet('a', async () => 5)).toBe(5);
  });

  it('stores nothing that a run brings after close, and calls that no error', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const load = holdRuns<[string], string>();
    const user = cached(load, { cache, name: 'user' });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    const late = user('1');
    await settle();
    await cache.close();
    load.runs[0]?.resolve('late');
    expect(await late).toBe('late');
    await settle();
    expect(errors).toEqual([]);
  });

  it('lets calls through to their functions after close, which may be called twice', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    let calls = 0;
    const user = cached(async (id: string) => `${id}${++calls}`, { cache, name: 'user' });
    await user('a');
    await Promise.all([cache.close(), cache.close()]);
    await cache.close();
    expect([await user('a'), await user('a')]).toEqual(['a2', 'a3']);
    expect([await user.invalidate('a'), await user.peek('a'), await user.has('a')]).toEqual([false, undefined, false]);
    await user.set(['a'], 'set');
    await user.clear();
    expect(await user('a')).toBe('a4');
    expect(await cache.getOrSet('x', async () => 'loaded')).toBe('loaded');
    expect([await cache.get('x'), await cache.has('x'), await cache.delete('x')]).toEqual([undefined, false, false]);
  });

  it('closes at the end of an async disposal', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    await cache[Symbol.asyncDispose]();
    expect(getCache('shared')).toBeUndefined();
  });

  it('passes every call through while it is not enabled', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    let calls = 0;
    const user = cached(async () => ++calls, { cache, name: 'user' });
    await user();
    await settle();
    cache.enabled = false;
    expect([await user(), await user(), cache.enabled]).toEqual([2, 3, false]);
    cache.enabled = true;
    expect(await user()).toBe(1);
  });

  it('shows nothing that was invalidated while it was not enabled, then or later', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await user('1');
    await cache.set('rates', 1);
    await settle();
    cache.enabled = false;
    expect(await user.invalidate('1')).toBe(false);
    await cache.delete('rates');
    expect([await user.peek('1'), await user.has('1'), await user.inspect('1')]).toEqual([undefined, false, undefined]);
    expect([await cache.get('rates'), await cache.has('rates')]).toEqual([undefined, false]);
    cache.enabled = true;
    await settle();
    expect([await user.has('1'), await cache.has('rates')]).toEqual([false, false]);
  });

  it('keeps out a run that began before an invalidation made while it was not enabled', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const load = holdRuns<[string], string>();
    const user = cached(load, { cache, name: 'user' });
    const older = user('1');
    await settle();
    cache.enabled = false;
    await user.invalidate('1');
    load.runs[0]?.resolve('old');
    await older;
    await settle();
    cache.enabled = true;
    await settle();
    expect(await user.has('1')).toBe(false);
  });

  it('is one store for two caches, which see nothing of each other', async () => {
    const store = makeStore();
    const [one, other] = [createCache({ name: 'one', store }), createCache({ name: 'one/other', store })];
    const user = cached(async (id: string) => `one ${id}`, { cache: one, name: 'user' });
    const namesake = cached(async (id: string) => `other ${id}`, { cache: other, name: 'user' });
    await one.set('k', 1);
    await other.set('k', 2);
    expect([await user('1'), await namesake('1')]).toEqual(['one 1', 'other 1']);
    await settle();
    expect([await one.get('k'), await other.get('k')]).toEqual([1, 2]);
    await one.clear();
    expect([await keysOf(one), await keysOf(other)]).toEqual([[], ['k', 'user("1")']]);
  });

  it('is closed by the last of two caches that share it', async () => {
    const store = makeStore();
    const close = jest.spyOn(store, 'close');
    const [one, other] = [createCache({ name: 'one', store }), createCache({ name: 'other', store })];
    await one.close();
    expect(close).not.toHaveBeenCalled();
    await other.set('k', 2);
    expect(await other.get('k')).toBe(2);
    await other.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('tells two functions of one name apart by themselves', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const make = (tenant: string) =>
      cached(
        async function plan(id: string) {
          return tenant + id;
        },
        { cache },
      );
    const [a, b] = [make('a'), make('b')];
    expect([await a('1'), await b('1'), await a('1'), await b('1')]).toEqual(['a1', 'b1', 'a1', 'b1']);
    expect(a.keyOf('1')).not.toBe(b.keyOf('1'));
  });

  it('tells two anonymous functions apart', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const [a, b] = ['a', 'b'].map((tenant) => cached(async (id: string) => tenant + id, { cache }));
    expect([await a?.('1'), await b?.('1'), await a?.('1')]).toEqual(['a1', 'b1', 'a1']);
  });

  it('refuses an explicit name twice, naming both functions', () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    cached(async function first() {}, { cache, name: 'user' });
    expect(() => cached(async function second() {}, { cache, name: 'user' })).toThrow(
      expect.objectContaining({
        name: 'OptionError',
        code: 'E_NAME_TAKEN',
        message: expect.stringMatching(/second.*'user'.*first.*replace: true/),
      }),
    );
  });

  it('gives the name to a function that says replace: it answers, and the older one leaves no values behind', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    cached(async () => 'old', { cache, name: 'user' });
    const user = cached(async () => 'new', { cache, name: 'user', replace: true });
    expect(await user()).toBe('new');
  });

  it('clears and fences a function that gave its name away, too', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    let calls = 0;
    const older = cached(async () => `older ${++calls}`, { cache, name: 'user' });
    cached(async () => 'newer', { cache, name: 'user', replace: true });
    expect(await older()).toBe('older 1');
    await settle();
    await cache.clear();
    expect(await older()).toBe('older 2');
  });

  it('gives its version to the functions in it', async () => {
    const cache = createCache({ name: 'shared', store: makeStore(), version: 2 });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    expect(user.keyOf('1')).toBe('user@2("1")');
  });

  it('changes its defaults for the functions in it while they run', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    let calls = 0;
    const count = cached(async () => ++calls, { cache, name: 'count' });
    await count();
    await settle();
    cache.configure({ cacheIf: () => false });
    await count.clear();
    await count();
    await settle();
    expect(await count.has()).toBe(false);
  });

  it.each([
    ['an unknown option', { tll: 5 }, /configure of cache 'shared': .*'tll'.*'ttl'/],
    ['a wrong ttl', { ttl: -1 }, /configure of cache 'shared': ttl/],
    ['a wrong bound', { maxSize: 1.5 }, /configure of cache 'shared': maxSize/],
    [
      'bypass, which is settled when a function is wrapped',
      { bypass: () => true },
      /configure of cache 'shared': .*'bypass'/,
    ],
    ['a version', { version: 2 }, /configure of cache 'shared': .*'version'/],
    ['a bypass', { bypass: () => true }, /configure of cache 'shared': .*'bypass'/],
    ['a clock', { clock: manualClock() }, /configure of cache 'shared': .*'clock'/],
  ])('refuses %s in configure, and changes nothing', async (_case, options, message) => {
    const cache = createCache({ name: 'shared', store: makeStore(), ttl: 1_000 });
    expect(() => cache.configure(options as object)).toThrow(message);
  });

  it.each([
    ['get', (cache: any) => cache.get(1)],
    ['set', (cache: any) => cache.set(undefined, 1)],
    ['has', (cache: any) => cache.has({})],
    ['delete', (cache: any) => cache.delete(Symbol('k'))],
    ['getOrSet', (cache: any) => cache.getOrSet(1, () => 1)],
    ['getOrSet without a function', (cache: any) => cache.getOrSet('k', 1)],
    ['getOrSet with an unknown option', (cache: any) => cache.getOrSet('k', () => 1, { maxSize: 1 })],
  ])('refuses what %s cannot mean by a TypeError', async (_case, act) => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    await expect((async () => act(cache))()).rejects.toThrow(TypeError);
  });

  it('answers getOrSet with an async loader by promises, for a value that was set too', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    await cache.set('rate', 1.08);
    const answer: unknown = cache.getOrSet('rate', async () => 2);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe(1.08);
  });

  it('answers getOrSet with an async loader by promises, whatever other keys were loaded by', async () => {
    const cache = createCache({ name: 'shared', store: makeStore() });
    const load = async () => 1.08;
    await cache.getOrSet('rate', load);
    await cache.getOrSet('plain', () => 1);
    await settle();
    const answer: unknown = cache.getOrSet('rate', load);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe(1.08);
  });

  if (isSync) {
    it('answers at once what was loaded at once, whatever other keys were loaded by', async () => {
      const cache = createCache({ name: 'shared', store: makeStore() });
      expect(cache.getOrSet('plain', () => 1)).toBe(1);
      await cache.getOrSet('rate', async () => 2);
      expect(cache.getOrSet('plain', () => 3)).toBe(1);
      expect(cache.get('rate')).toBe(2);
    });
  }
});
