import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache, StoreError } from '@reprise/core';
import { type ChaosFault, chaosStore } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';
import { counting, fakeDate, makers } from './troubled-cache.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
});

const faults: [name: string, fault: ChaosFault][] = [
  ['throws', 'throw'],
  ['rejects', 'reject'],
  ['answers garbage', 'garbage'],
  ['throws no error', { throw: 'plain text' }],
  ['fails after it was done', 'late failure'],
];

describe.each(makers)('%s whose reading', (_kind, makeStore) => {
  it.each(faults)('%s costs no call: the function runs, and each failure is one error event', async (name, fault) => {
    const store = chaosStore(makeStore(), { get: [fault] });
    const { count, errors, calls } = counting(store);
    expect(await count('a')).toBe('a1');
    expect(errors.map(({ error }) => error)).toEqual([expect.any(StoreError)]);
    await settle();
    // Healed: the result was not lost.
    expect([await count('a'), calls(), errors.length, name]).toEqual(['a1', 1, 1, name]);
  });

  it('fails says in its event which call of which function it was', async () => {
    const { count, errors } = counting(chaosStore(makeStore(), { get: 'reject' }));
    await count('a');
    expect(errors[0]).toMatchObject({ key: 'count("a")', name: 'count', cache: 'troubled' });
  });

  it('answers any sort of garbage is a miss', async () => {
    const now = Date.now();
    const strange: unknown[] = [
      null,
      0,
      '',
      true,
      [],
      {},
      Symbol('s'),
      () => 1,
      Number.NaN,
      { value: 1 },
      { value: 1, expiresAt: Number.NaN },
      { value: 1, createdAt: now, expiresAt: String(now + 1_000), staleUntil: now + 1_000 },
      new Map([['value', 1]]),
    ];
    for (const answer of strange) {
      const { cache, count } = counting(chaosStore(makeStore(), { get: { return: answer } }));
      expect(await count('a')).toBe('a1');
      await cache.close();
    }
  });

  it('answers with an entry whose getters throw is a miss', async () => {
    const entry = {
      get expiresAt(): number {
        throw new Error('trap');
      },
    };
    const { count, errors } = counting(chaosStore(makeStore(), { get: { return: entry } }));
    expect(await count('a')).toBe('a1');
    expect(errors).toHaveLength(1);
  });

  it('answers with an entry that has neither value nor error is a miss', async () => {
    const now = Date.now();
    const hollow = { createdAt: now, expiresAt: now + 60_000, staleUntil: now + 60_000 };
    const { count } = counting(chaosStore(makeStore(), { get: { return: hollow } }));
    expect(await count('a')).toBe('a1');
  });

  it('answers with an entry that has expired is a miss', async () => {
    const now = Date.now();
    const old = { value: 'old', createdAt: now - 2_000, expiresAt: now - 1_000, staleUntil: now + 60_000 };
    const { count } = counting(chaosStore(makeStore(), { get: { return: old } }));
    expect(await count('a')).toBe('a1');
  });

  it('fails does not keep the calls of one key from making one run', async () => {
    const cache = createCache({ name: 'troubled', store: chaosStore(makeStore(), { get: 'reject' }) });
    cache.on('error', () => {});
    const load = holdRuns<[string], string>();
    const user = cached(load, { cache, name: 'user' });
    const all = Promise.all(Array.from({ length: 20 }, () => user('1')));
    await settle();
    expect(load.runs).toHaveLength(1);
    load.runs[0]?.resolve('one');
    expect(new Set(await all)).toEqual(new Set(['one']));
  });
});

describe.each(makers)('%s whose writing', (_kind, makeStore) => {
  it.each(faults)('%s costs no call: the result is answered', async (_name, fault) => {
    const { count, errors } = counting(chaosStore(makeStore(), { set: [fault] }));
    expect(await count('a')).toBe('a1');
    await settle();
    // Garbage of a write is no failure: what it did is seen on reading.
    expect(errors.length).toBe(fault === 'garbage' ? 0 : 1);
    expect(await count('b')).toBe('b2');
  });

  it('fails leaves the older entry where a refresh made a newer result, as long as it is fresh', async () => {
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    await count('a');
    await settle();
    store.plan({ set: 'reject' });
    expect(await count.refresh('a')).toBe('a2');
    await settle();
    expect(['a1', 'a3']).toContain(await count('a'));
  });

  it('fails is told to who sets a value, and the older value answers no more', async () => {
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    await count('a');
    await settle();
    store.plan({ set: 'reject' });
    await expect((async () => count.set(['a'], 'new'))()).rejects.toThrow(StoreError);
    expect(await count('a')).not.toBe('a1');
  });

  it('declines is no failure', async () => {
    const { count, errors } = counting(chaosStore(makeStore(), { set: { return: false } }));
    expect([await count('a'), await count('a'), errors.length]).toEqual(['a1', 'a2', 0]);
  });
});

describe.each(makers)('%s that fails to delete', (_kind, makeStore) => {
  it('rejects the invalidation, and answers no call with what was to go', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    await count('a');
    await settle();
    store.plan({ delete: 'reject' });
    await expect((async () => count.invalidate('a'))()).rejects.toThrow(StoreError);
    expect(await count.has('a')).toBe(false);
    expect(await count('a')).toBe('a2');
  });

  it('lists nothing that was to go', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count, cache } = counting(store);
    await count('a');
    await count('b');
    await settle();
    const listed = async () => {
      const keys: string[] = [];
      for await (const { key } of cache.entries()) keys.push(key);
      return keys.sort();
    };
    expect(await listed()).toEqual(['count("a")', 'count("b")']);
    store.plan({ delete: 'reject', clear: 'reject' });
    await (async () => count.invalidate('a'))().catch(() => {});
    expect(await listed()).toEqual(['count("b")']);
    await (async () => cache.clear())().catch(() => {});
    expect(await listed()).toEqual([]);
  });

  it('is asked again, until what was to go has gone', async () => {
    fakeDate();
    const underneath = makeStore();
    const store = chaosStore(underneath);
    const { count, cache } = counting(store, { cacheIf: (value: string) => value === 'a1' });
    await count('a');
    await settle();
    store.plan({ delete: 'reject' });
    await (async () => count.invalidate('a'))().catch(() => {});
    store.heal();
    jest.setSystemTime(Date.now() + 1_500);
    expect(await count('a')).toBe('a2');
    await settle();
    expect(await underneath.get(`${cache.name}/${count.keyOf('a')}`)).toBeUndefined();
  });

  it('rejects the clearing of a function, and answers no call with what was to go', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    await count('a');
    await settle();
    store.plan({ clear: 'reject', delete: 'reject' });
    await expect((async () => count.clear())()).rejects.toThrow(StoreError);
    expect(await count('a')).toBe('a2');
    await settle();
    store.heal();
    jest.setSystemTime(Date.now() + 1_500);
    expect(await count('a')).not.toBe('a1');
  });

  it('is told again what it could not clear, and used from then on, though the clock was set back', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    store.plan({ clear: 'reject', delete: 'reject' });
    await expect((async () => count.clear())()).rejects.toThrow(StoreError);
    store.heal();
    jest.setSystemTime(Date.now() - 3_600_000);
    await count('a');
    await settle();
    const kept = await count('b');
    await settle();
    expect(await count('b')).toBe(kept);
  });

  it('rejects the clearing of the cache, and answers no call with what was to go', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count, cache } = counting(store);
    await count('a');
    await cache.set('k', 'old');
    await settle();
    store.plan({ clear: 'reject', delete: 'reject' });
    await expect((async () => cache.clear())()).rejects.toThrow(StoreError);
    expect([await count('a'), await cache.get('k')]).toEqual(['a2', undefined]);
  });

  it('does not let a cache that is enabled again answer with what was invalidated meanwhile', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { count, cache } = counting(store);
    await count('a');
    await settle();
    store.plan({ clear: 'reject', delete: 'reject' });
    cache.enabled = false;
    await count.invalidate('a');
    expect(() => {
      cache.enabled = true;
    }).not.toThrow();
    await settle();
    expect(await count('a')).toBe('a2');
    warn.mockRestore();
  });
});

describe.each(makers)('%s that keeps failing', (_kind, makeStore) => {
  it('is used again within a second after it healed', async () => {
    fakeDate();
    const store = chaosStore(makeStore(), { get: 'reject', set: 'reject' });
    const { count } = counting(store);
    for (let call = 0; call < 100; call++) await count(`k${call}`);
    store.heal();
    jest.setSystemTime(Date.now() + 1_000);
    for (let call = 0; call < 3; call++) {
      await count('healed');
      await settle();
    }
    const before = store.counts.get.calls;
    const answer = await count('healed');
    expect(await count('healed')).toBe(answer);
    expect(store.counts.get.calls).toBe(before + 2);
  });

  it('answers nothing that was invalidated while it was left alone', async () => {
    fakeDate();
    const store = chaosStore(makeStore());
    const { count } = counting(store);
    const old = await count('kept');
    await settle();
    store.plan({ get: 'reject', set: 'reject', delete: 'reject', clear: 'reject' });
    for (let call = 0; call < 100; call++) await count(`k${call}`);
    await (async () => count.invalidate('kept'))().catch(() => {});
    store.heal();
    jest.setSystemTime(Date.now() + 5_000);
    for (let call = 0; call < 3; call++) {
      expect(await count('kept')).not.toBe(old);
      await settle();
    }
  });
});
