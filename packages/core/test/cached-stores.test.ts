import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CodecError, cached, closeAllCaches, createCache, StoreError } from '@reprise/core';
import { type AsyncStore, createCodec, type Entry, type Store, type SyncStore } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { type ChaosFault, chaosStore } from '@reprise/store-testkit';
import { defer, holdRuns, settle } from './deferred.ts';
import { asyncMemory, bytesStore, storeKinds } from './store-kinds.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAllCaches();
});

/** Only the date is faked: a store that failed is asked again after a while. */
function fakeDate(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'setTimeout', 'clearTimeout'] });
}

function counting(store: Store, options: object = {}) {
  const cache = createCache({ name: 'troubled', store, ...options });
  const errors: { type: string; key: string | undefined; error?: unknown }[] = [];
  cache.on('error', (event) => errors.push(event));
  let calls = 0;
  const count = cached(async (of: string) => `${of}${++calls}`, { cache, name: 'count' });
  return { cache, count, errors, calls: () => calls };
}

const makers: [kind: string, make: () => Store][] = [
  ['a synchronous store', () => chaosStore(memoryStore()) as Store],
  ['an asynchronous store', () => asyncMemory()],
];
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

describe('a store that hangs', () => {
  it('holds a call up for storeTimeout, as the function says', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const user = cached(async (id: string) => `user ${id}`, { store, name: 'user', storeTimeout: 20 });
    const errors: unknown[] = [];
    user.on('error', ({ error }) => errors.push(error));
    const started = performance.now();
    expect(await user('1')).toBe('user 1');
    expect(performance.now() - started).toBeLessThan(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'E_STORE', message: expect.stringContaining('20 ms') })]);
    store.heal();
  });

  it('holds a call up for storeTimeout, as the cache says', async () => {
    const store = chaosStore(asyncMemory(), { get: 'hang' });
    const { count } = counting(store, { storeTimeout: '20ms' });
    const started = performance.now();
    expect(await count('a')).toBe('a1');
    expect(performance.now() - started).toBeLessThan(500);
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
    store.release();
    await settle();
    expect(await underneath.get(`${cache.name}/count("a")`)).toBeUndefined();
    expect(await count('a')).toBe('a2');
  });
});

describe.each(makers)('%s that keeps failing', (_kind, makeStore) => {
  it('is left alone for a while', async () => {
    fakeDate();
    const store = chaosStore(makeStore(), { get: 'reject', set: 'reject' });
    const { count } = counting(store);
    for (let call = 0; call < 100; call++) expect(await count(`k${call}`)).toBe(`k${call}${call + 1}`);
    expect(store.counts.get.calls).toBeLessThan(50);
  });

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

describe('values', () => {
  const cyclic: Record<string, unknown> = { name: 'cycle' };
  cyclic['self'] = cyclic;
  const values: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['false', false],
    ['true', true],
    ['0', 0],
    ['-0', -0],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['an empty text', ''],
    ['text with a lone surrogate', 'a\ud800b'],
    ['a bigint', -12_345_678_901_234_567_890n],
    ['an array', [1, [2, undefined], null]],
    // biome-ignore lint/suspicious/noSparseArray: holes are values too
    ['an array with holes', [1, , 3]],
    ['a plain object', { a: 1, b: { c: undefined } }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a date', new Date(0)],
    ['an invalid date', new Date(Number.NaN)],
    ['a map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]])],
    ['a set', new Set([1, 'a', Number.NaN])],
    ['a regular expression', /a+/giu],
    ['a URL', new URL('https://example.org/?a=1')],
    ['a buffer', Buffer.from([1, 2, 255])],
    ['a typed array', new Float64Array([1.5, -0])],
    ['an error', new RangeError('too far', { cause: 1 })],
    ['a cycle', cyclic],
  ];

  describe.each(storeKinds)('in %s', (_kind, makeStore) => {
    it.each(values)('%s is a hit once it was cached, and equals the miss', async (_name, value) => {
      const cache = createCache({ name: 'valued', store: makeStore() });
      let calls = 0;
      const give = cached(
        async () => {
          calls++;
          return value;
        },
        { cache, name: 'give' },
      );
      await give();
      await settle();
      const hit = await give();
      // Jest finds no two invalid dates equal.
      if (value instanceof Date) expect(Number(hit)).toBe(Number(value));
      else expect(hit).toStrictEqual(value);
      expect(Object.is(hit, -0)).toBe(Object.is(value, -0));
      expect([calls, await give.has()]).toEqual([1, true]);
    });
  });

  class Money {
    readonly amount: number;
    constructor(amount: number) {
      this.amount = amount;
    }
  }

  it.each<[string, unknown]>([
    ['a class instance', new Money(1)],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an object with an accessor', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true })],
  ])('that bytes cannot keep faithfully are answered and not stored: %s', async (_name, value) => {
    const cache = createCache({ name: 'valued', store: bytesStore() });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    let calls = 0;
    const give = cached(
      async () => {
        calls++;
        return value;
      },
      { cache, name: 'give' },
    );
    expect(await give()).toBe(value);
    await settle();
    expect(errors).toEqual([expect.any(CodecError)]);
    expect(await give()).toBe(value);
    expect(calls).toBe(2);
  });

  it('that bytes cannot keep remove the older entry', async () => {
    const cache = createCache({ name: 'valued', store: bytesStore() });
    cache.on('error', () => {});
    let value: unknown = 'plain';
    const give = cached(async () => value, { cache, name: 'give' });
    await give();
    await settle();
    value = new Money(1);
    await give.refresh();
    await settle();
    expect(await give.has()).toBe(false);
  });

  it('go to every caller of one flight where bytes cannot keep them', async () => {
    const cache = createCache({ name: 'valued', store: bytesStore() });
    cache.on('error', () => {});
    const load = holdRuns<[], unknown>();
    const give = cached(load, { cache, name: 'give' });
    const all = Promise.all([give(), give(), give()]);
    await settle();
    load.runs[0]?.resolve(new Money(5));
    for (const value of await all) expect(value).toEqual(new Money(5));
  });

  it('of classes come back as the codec of the user says', async () => {
    const inner = createCodec();
    const codec = {
      name: 'money',
      encode: (value: unknown) => inner.encode(value instanceof Money ? { money: value.amount } : value),
      decode(bytes: Uint8Array) {
        const value = inner.decode(bytes) as { money?: number };
        return typeof value?.money === 'number' ? new Money(value.money) : value;
      },
    };
    const cache = createCache({ name: 'valued', store: bytesStore({ codec }) });
    let calls = 0;
    const price = cached(
      async (sku: string) => {
        calls++;
        return new Money(sku.length);
      },
      { cache, name: 'price' },
    );
    await price('apple');
    await settle();
    const hit = await price('apple');
    expect([hit instanceof Money, hit.amount, calls]).toEqual([true, 5, 1]);
  });

  it('that the codec of the user refuses are not stored: one error event', async () => {
    const codec = {
      ...createCodec(),
      name: 'refusing',
      encode(): Uint8Array {
        throw new Error('no room for this');
      },
    };
    const cache = createCache({ name: 'valued', store: bytesStore({ codec }) });
    const errors: unknown[] = [];
    cache.on('error', ({ error }) => errors.push(error));
    let calls = 0;
    const count = cached(async () => ++calls, { cache, name: 'count' });
    expect(await count()).toBe(1);
    await settle();
    expect(errors).toHaveLength(1);
    expect(await count()).toBe(2);
  });
});

describe('what a caller does to its result', () => {
  interface User {
    name: string;
  }
  function make(store: Store) {
    const cache = createCache({ name: 'isolated', store });
    const load = holdRuns<[], User>();
    return { load, user: cached(load, { cache, name: 'user' }) };
  }

  it('is seen by the next hit in memory', async () => {
    const { load, user } = make(memoryStore());
    const first = user();
    load.runs[0]?.resolve({ name: 'Ada' });
    (await first).name = 'changed';
    expect((await user()).name).toBe('changed');
  });

  it('is seen by nobody who reads bytes', async () => {
    const { load, user } = make(bytesStore());
    const first = user();
    await settle();
    load.runs[0]?.resolve({ name: 'Ada' });
    const mine = await first;
    await settle();
    mine.name = 'changed';
    const hit = await user();
    expect(hit.name).toBe('Ada');
    hit.name = 'changed again';
    expect((await user()).name).toBe('Ada');
    expect(await user.peek()).toEqual({ name: 'Ada' });
  });

  it('is seen by none of those that joined its run, where the store keeps bytes', async () => {
    const { load, user } = make(bytesStore());
    const spoil = async (answer: Promise<User>, name: string) => {
      const value = await answer;
      const found = value.name;
      value.name = name;
      return found;
    };
    const all = Promise.all(['one', 'two', 'three'].map((name) => spoil(user(), name)));
    await settle();
    load.runs[0]?.resolve({ name: 'Ada' });
    expect(await all).toEqual(['Ada', 'Ada', 'Ada']);
  });

  it('while the write is under way is seen by nobody, where the store keeps bytes', async () => {
    const gate = defer();
    const store = bytesStore();
    const slow: AsyncStore = {
      ...store,
      async set(key, entry) {
        const bytes = store.copy?.(entry.value);
        await gate.promise;
        return store.set(key, { ...entry, value: bytes });
      },
    };
    const { load, user } = make(slow);
    const first = user();
    await settle();
    load.runs[0]?.resolve({ name: 'Ada' });
    const mine = await first;
    mine.name = 'changed';
    const pending = await user();
    expect(pending.name).toBe('Ada');
    pending.name = 'changed again';
    expect((await user()).name).toBe('Ada');
    expect(await user.peek()).toEqual({ name: 'Ada' });
    gate.resolve();
    await settle();
    expect((await user()).name).toBe('Ada');
  });

  it('before the next turn is not what is stored, where the store keeps bytes', async () => {
    const { load, user } = make(bytesStore());
    const first = user().then((value) => {
      value.name = 'changed';
    });
    await settle();
    load.runs[0]?.resolve({ name: 'Ada' });
    await first;
    await settle();
    expect((await user()).name).toBe('Ada');
  });

  it('does not reach a value that was set, where the store keeps bytes', async () => {
    const { user } = make(bytesStore());
    const mine = { name: 'Ada' };
    const done = user.set([], mine);
    mine.name = 'changed';
    expect((await user()).name).toBe('Ada');
    await done;
    expect((await user()).name).toBe('Ada');
  });
});

describe('a synchronous function', () => {
  it('stays synchronous in a synchronous store of text keys', () => {
    const cache = createCache({ name: 'sync', store: chaosStore(memoryStore()) as SyncStore });
    let calls = 0;
    const twice = cached((n: number) => n * 2 + 0 * ++calls, { cache, name: 'twice' });
    expect([twice(2), twice(2), calls]).toEqual([4, 4, 1]);
    expect([twice.has(2), twice.peek(2), twice.invalidate(2), twice.invalidate(2)]).toEqual([true, 4, true, false]);
  });

  it('answers promises from an asynchronous store', async () => {
    const twice = cached((n: number) => n * 2, { store: asyncMemory(), name: 'twice' });
    const answer: unknown = twice(2);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe(4);
  });

  it('throws what it throws through a failing synchronous store', () => {
    const failure = new Error('mine');
    const store = chaosStore(memoryStore(), { get: 'throw', set: 'throw', delete: 'throw' }) as SyncStore;
    const bad = cached(
      () => {
        throw failure;
      },
      { store, name: 'bad' },
    );
    bad.on('error', () => {});
    expect(bad).toThrow(failure);
  });

  it('that returns promises answers promises from what another process left in a synchronous store', async () => {
    const left: SyncStore = {
      name: 'left',
      sync: true,
      persistent: true,
      get: (): Entry => ({
        value: 'left',
        promised: true,
        createdAt: Date.now(),
        expiresAt: Infinity,
        staleUntil: Infinity,
      }),
      set: () => true,
      delete: () => true,
      clear() {},
      close() {},
    };
    const user = cached((id: string) => Promise.resolve(id), { store: left, name: 'user' });
    expect(user('1')).toBeInstanceOf(Promise);
    expect(await user('1')).toBe('left');
  });
});

describe('keys in a store', () => {
  it.each(storeKinds)(
    'are kept apart at 64 KB where only the last character differs, in %s',
    async (_kind, makeStore) => {
      const cache = createCache({ name: 'long', store: makeStore() });
      const last = cached(async (text: string) => text.at(-1), { cache, name: 'last' });
      const [a, b] = [`${'x'.repeat(65_536)}a`, `${'x'.repeat(65_536)}b`];
      expect([await last(a), await last(b)]).toEqual(['a', 'b']);
      await settle();
      expect([await last(a), await last(b), cache.stats().hits]).toEqual(['a', 'b', 2]);
    },
  );

  it.each(storeKinds)('are listed whole however long they are, in %s', async (_kind, makeStore) => {
    const cache = createCache({ name: 'long', store: makeStore() });
    const last = cached(async (text: string) => text.at(-1), { cache, name: 'last' });
    const text = 'x'.repeat(1_000);
    await last(text);
    await settle();
    for await (const { key } of cache.entries()) expect(key).toBe(last.keyOf(text));
    await last.clear();
    expect(await last.has(text)).toBe(false);
  });

  it('that were shortened answer only the call that they were made for', async () => {
    const cache = createCache({ name: 'long', store: chaosStore(asyncMemory(), { get: (_call, key) => other(key) }) });
    const text = 'x'.repeat(1_000);
    function other(_key: unknown): ChaosFault {
      const now = Date.now();
      return {
        return: {
          value: 'wrong',
          key: 'long/last("another")',
          createdAt: now,
          expiresAt: now + 1_000,
          staleUntil: now + 1_000,
        },
      };
    }
    const last = cached(async (of: string) => of.at(-1), { cache, name: 'last' });
    expect(await last(text)).toBe('x');
  });

  it('are those that keyOf tells, behind the namespace', async () => {
    const store = asyncMemory();
    const cache = createCache({ name: 'named', store });
    const user = cached(async (id: string) => id, { cache, name: 'user' });
    await user('42');
    await settle();
    expect(user.keyOf('42')).toBe('user("42")');
    expect((await store.get('named/user("42")'))?.value).toBe('42');
  });

  it('of another version are never read', async () => {
    const store = asyncMemory({ persistent: true });
    const one = cached(async () => 'one', { store, name: 'versioned', version: 1 });
    const two = cached(async () => 'two', { store, name: 'versioned', version: 2, replace: true });
    await one();
    await settle();
    expect(await two()).toBe('two');
  });

  it('change with the source of the function where the version says so', () => {
    const store = asyncMemory({ persistent: true });
    const keys = [async () => 'one', async () => 'two', async () => 'two'].map((fn) =>
      cached(fn, { store, name: 'sourced', version: 'source', replace: true }).keyOf(),
    );
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[1]).toBe(keys[2]);
  });
});
