import { afterEach, describe, expect, it } from '@jest/globals';
import { CodecError, cached, closeAllCaches, createCache } from '@reprise/core';
import { type AsyncStore, createCodec, type Entry, type Store, type SyncStore } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { chaosStore } from '@reprise/store-testkit';
import { defer, holdRuns, settle } from './deferred.ts';
import { asyncMemory, bytesStore, storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

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

  it('that bytes cannot keep, when they are set, remove the older entry', async () => {
    const cache = createCache({ name: 'valued', store: bytesStore() });
    cache.on('error', () => {});
    const give = cached(async (): Promise<unknown> => 'plain', { cache, name: 'give' });
    await give();
    await settle();
    await (async () => give.set([], new Money(1)))().catch(() => {});
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
