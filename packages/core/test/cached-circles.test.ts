import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { defer, holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('calls inside of runs in %s', (_kind, makeStore) => {
  it('of the same key run directly, and come to an end', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    let depth = 0;
    const again: (n: string) => Promise<string> = cached(
      async (n: string): Promise<string> => (++depth < 3 ? `${await again(n)}!` : n),
      { cache, name: 'again' },
    );
    expect(await again('a')).toBe('a!!');
  });

  it('of the same key after a turn of the loop run directly, too', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    let depth = 0;
    const again: (n: string) => Promise<string> = cached(
      async (n: string): Promise<string> => {
        await settle();
        return ++depth < 3 ? `${await again(n)}!` : n;
      },
      { cache, name: 'again' },
    );
    expect(await again('a')).toBe('a!!');
  });

  it('store the outer result, and not that of the run inside', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    let depth = 0;
    const again: () => Promise<string> = cached(
      async (): Promise<string> => (++depth === 1 ? `outer of ${await again()}` : 'inner'),
      { cache, name: 'again' },
    );
    await again();
    await settle();
    expect(await again()).toBe('outer of inner');
  });

  it('that go in a circle over two functions come to an end', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    let depth = 0;
    const a: () => Promise<string> = cached(async (): Promise<string> => (++depth > 3 ? 'end' : `a${await b()}`), {
      cache,
      name: 'a',
    });
    const b: () => Promise<string> = cached(async (): Promise<string> => `b${await a()}`, { cache, name: 'b' });
    expect(await a()).toMatch(/^ab.*end$/);
  });

  it('that close a circle between two runs started apart come to an end', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const gates = { a: defer(), b: defer() };
    let runs = 0;
    const a: () => Promise<string> = cached(
      async (): Promise<string> => {
        if (++runs > 4) return 'end';
        await gates.a.promise;
        return `a${await b()}`;
      },
      { cache, name: 'a' },
    );
    const b: () => Promise<string> = cached(
      async (): Promise<string> => {
        if (++runs > 4) return 'end';
        await gates.b.promise;
        return `b${await a()}`;
      },
      { cache, name: 'b' },
    );
    const both = Promise.all([a(), b()]);
    await settle();
    gates.a.resolve();
    await settle();
    gates.b.resolve();
    const [one, other] = await both;
    expect([one, other].every((text) => text.endsWith('end') || text.length > 1)).toBe(true);
  });

  it('that go in a circle over three functions, through other caches, come to an end', async () => {
    const caches = ['x', 'y', 'z'].map((name) => createCache({ name, store: makeStore() }));
    const functions: (() => Promise<number>)[] = [];
    let runs = 0;
    for (const [index, cache] of caches.entries()) {
      functions.push(
        cached(async (): Promise<number> => (++runs > 6 ? runs : ((await functions[(index + 1) % 3]?.()) ?? 0)), {
          cache,
          name: 'step',
        }),
      );
    }
    expect(await functions[0]?.()).toBe(7);
  });

  it('of other keys are kept: recursion is linear', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    let calls = 0;
    const fibonacci: (n: number) => Promise<bigint> = cached(
      async (n: number): Promise<bigint> => {
        calls++;
        return n < 2 ? BigInt(n) : (await fibonacci(n - 1)) + (await fibonacci(n - 2));
      },
      { cache, name: 'fibonacci' },
    );
    expect([await fibonacci(100), calls]).toEqual([354_224_848_179_261_915_075n, 101]);
  });

  it('of another key of the same function wait for the run that is under way', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const gate = defer();
    const calls: string[] = [];
    const user: (id: string) => Promise<string> = cached(
      async (id: string): Promise<string> => {
        calls.push(id);
        if (id === 'leaf') {
          await gate.promise;
          return 'leaf';
        }
        return `${id} of ${await user('leaf')}`;
      },
      { cache, name: 'user' },
    );
    const all = Promise.all([user('a'), user('b'), user('leaf')]);
    await settle();
    gate.resolve();
    expect(await all).toEqual(['a of leaf', 'b of leaf', 'leaf']);
    expect(calls.filter((id) => id === 'leaf')).toHaveLength(1);
  });

  it('that were not waited for keep nobody from joining later', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const inner = holdRuns<[], string>();
    const b = cached(inner, { cache, name: 'b' });
    const a = cached(
      async () => {
        void b();
        return 'a';
      },
      { cache, name: 'a' },
    );
    await a();
    const joined = b();
    await settle();
    expect(inner.runs).toHaveLength(1);
    inner.runs[0]?.resolve('b');
    expect(await joined).toBe('b');
  });
});
