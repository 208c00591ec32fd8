import { EventEmitter } from 'node:events';
import { describe, expect, it, jest } from '@jest/globals';
import { cached, createCache } from '@reprise/core';
import { type Duration, type Entry, StoreError } from '@reprise/store';
import { keyvStore } from '@reprise/store-keyv';
import Keyv from 'keyv';

/** How adapters fail: some throw, some emit `error` and answer nothing, some do both, some answer nothing and say nothing. */
type Manner = 'throws' | 'emits' | 'both';

class FailingAdapter extends EventEmitter {
  readonly opts: object = {};
  readonly held = new Map<string, unknown>();
  failing: readonly string[] = [];
  manner: Manner = 'throws';
  /** While set, answers wait for it. */
  gate: Promise<void> | undefined;

  get(key: string): Promise<unknown> {
    return this.#operation('get', () => this.held.get(key), undefined);
  }

  getMany(keys: string[]): Promise<unknown[]> {
    return this.#operation(
      'getMany',
      () => keys.map((key) => this.held.get(key)),
      keys.map(() => undefined),
    );
  }

  set(key: string, value: unknown): Promise<unknown> {
    return this.#operation('set', () => void this.held.set(key, value), undefined);
  }

  delete(key: string): Promise<unknown> {
    return this.#operation('delete', () => this.held.delete(key), false);
  }

  clear(): void {}

  async #operation<Result>(name: string, effect: () => Result, nothing: Result): Promise<Result> {
    await this.gate;
    if (!this.failing.includes(name)) return effect();
    const error = new Error(`${name} is down`);
    if (this.manner !== 'throws') this.emit('error', error);
    if (this.manner !== 'emits') throw error;
    return nothing;
  }
}

function entryOf(value: unknown): Entry {
  return { value, createdAt: Date.now(), expiresAt: Infinity, staleUntil: Infinity };
}

const everything = ['get', 'getMany', 'set', 'delete'];

for (const manner of ['throws', 'emits', 'both'] as const) {
  for (const emitErrors of [true, false]) {
    describe(`an adapter that ${manner} (emitErrors: ${emitErrors})`, () => {
      function make() {
        const adapter = new FailingAdapter();
        adapter.manner = manner;
        const store = keyvStore(new Keyv({ store: adapter, emitErrors }));
        return { adapter, store };
      }

      it('fails every operation with a StoreError that names it, and works again afterwards', async () => {
        const { adapter, store } = make();
        await store.set('k', entryOf(1));
        adapter.failing = everything;
        for (const work of [store.get('k'), store.set('k', entryOf(2)), store.delete('k'), store.clear()]) {
          const error: unknown = await work.catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(StoreError);
          expect((error as Error).message).toMatch(/^The Keyv store on FailingAdapter could not \w+: \w+ is down$/);
          expect((error as Error).cause).toBeInstanceOf(Error);
        }
        adapter.failing = [];
        // The clear may have gone half its way: the store takes nothing for granted then.
        await store.set('k', entryOf(3));
        expect((await store.get('k'))?.value).toBe(3);
      });

      it('makes a delete fail that has not reached it, and leaves the order as it was', async () => {
        const { adapter, store } = make();
        await store.set('k', entryOf(1));
        adapter.failing = ['delete'];
        const [deleted, set] = await Promise.allSettled([store.delete('k'), store.set('k', entryOf(2))]);
        expect([deleted.status, set.status]).toEqual(['rejected', 'fulfilled']);
        expect((await store.get('k'))?.value).toBe(2);
      });

      it('makes a clear fail wherever it is stopped, and nothing is answered that was cleared', async () => {
        for (const failing of ['get', 'set']) {
          const { adapter, store } = make();
          await store.set('k', entryOf(1));
          adapter.failing = [failing];
          await expect(store.clear()).rejects.toThrow(StoreError);
          adapter.failing = [];
          await store.clear();
          expect(await store.get('k')).toBeUndefined();
        }
      });

      it('takes a failed read of several keys apart', async () => {
        const { adapter, store } = make();
        await store.set('a', entryOf(1));
        const failures: unknown[] = [];
        store.listen({ failed: (error, key) => failures.push([(error as Error).name, key]) });
        adapter.failing = ['getMany', 'get'];
        const read = store.getMany(['a', 'b']);
        if (manner === 'emits') expect(await read).toEqual([undefined, undefined]);
        else await expect(read).rejects.toThrow(StoreError);
        adapter.failing = ['getMany'];
        adapter.manner = 'emits';
        expect((await store.getMany(['a', 'b'])).map((entry) => entry?.value)).toEqual([1, undefined]);
      });
    });
  }
}

describe('what an adapter does not say', () => {
  it('a set that is answered with false is no success', async () => {
    const adapter = new FailingAdapter();
    adapter.set = async () => false;
    await expect(keyvStore(new Keyv({ store: adapter })).set('k', entryOf(1))).rejects.toThrow(StoreError);
  });

  it('a delete that deletes nothing is no success', async () => {
    const adapter = new FailingAdapter();
    const store = keyvStore(new Keyv({ store: adapter }));
    await store.set('k', entryOf(1));
    adapter.delete = async () => false;
    await expect(store.delete('k')).rejects.toThrow('still there');
  });

  it('a clear whose marks are not kept is no success', async () => {
    const adapter = new FailingAdapter();
    const store = keyvStore(new Keyv({ store: adapter }));
    await store.set('k', entryOf(1));
    adapter.set = async () => {};
    await expect(store.clear()).rejects.toThrow('what is written is not there afterwards');
  });
});

describe('an adapter that hangs', () => {
  function make(timeout: Duration) {
    const adapter = new FailingAdapter();
    const store = keyvStore(new Keyv({ store: adapter }), { timeout });
    let release = (): void => {};
    const hang = (): void => {
      adapter.gate = new Promise((resolve) => {
        release = () => {
          adapter.gate = undefined;
          resolve();
        };
      });
    };
    return { adapter, store, hang, release: () => release() };
  }

  it('fails each operation after its timeout', async () => {
    const { store, hang, release } = make(20);
    hang();
    for (const work of [
      store.get('k'),
      store.getMany(['k']),
      store.set('k', entryOf(1)),
      store.delete('k'),
      store.clear(),
    ]) {
      await expect(work).rejects.toThrow(/has not been able to \w+ within 20 ms/);
    }
    release();
  });

  it('fails them by the real clock, which no fake timers stop', async () => {
    const { store, hang, release } = make(20);
    hang();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      await expect(store.get('k')).rejects.toThrow(/within 20 ms/);
    } finally {
      jest.useRealTimers();
    }
    release();
  });

  it('is waited for where the timeout is longer than a timer can be', async () => {
    const { store, hang, release } = make('60d');
    hang();
    const read = store.get('k');
    const pause = new Promise((resolve) => setTimeout(resolve, 30, 'no answer yet'));
    expect(await Promise.race([read, pause])).toBe('no answer yet');
    release();
    expect(await read).toBeUndefined();
  });

  it('is told again in vain while it hangs, and afterwards what it is told holds', async () => {
    const { adapter, store, hang, release } = make(20);
    await store.set('k', entryOf(1));
    hang();
    await expect(store.set('k', entryOf(2))).rejects.toThrow(StoreError);
    await expect(store.delete('k')).rejects.toThrow(StoreError);
    release();
    await store.delete('k');
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await store.get('k')).toBeUndefined();
    expect(await keyvStore(new Keyv({ store: adapter })).get('k')).toBeUndefined();
  });

  it('does no harm by what it does late, and is not waited for for ever', async () => {
    const { adapter, store } = make(20);
    await store.set('k', entryOf(1));
    await store.set('other', entryOf(1));
    const late: (() => unknown)[] = [];
    // Its answer is lost, and it arrives when all is over.
    const { set } = adapter;
    adapter.set = (key, value) => {
      late.push(() => adapter.held.set(key, value));
      return new Promise(() => {});
    };
    await expect(store.set('k', entryOf(2))).rejects.toThrow('within 20 ms');
    adapter.set = set;
    expect(await store.delete('k')).toBe(true);
    for (const arrive of late) arrive();
    expect(await store.get('k')).toBeUndefined();
    await store.set('k', entryOf(3));
    expect((await store.get('k'))?.value).toBe(3);
    expect((await store.get('other'))?.value).toBe(1);
  });

  it('is believed nothing after a hundred writes that may arrive late', async () => {
    const { adapter, store } = make(20);
    await store.set('kept', entryOf(1));
    const { set } = adapter;
    const late: (() => unknown)[] = [];
    adapter.set = (key, value) => {
      late.push(() => adapter.held.set(key, value));
      return new Promise(() => {});
    };
    const keys = Array.from({ length: 120 }, (_, index) => `key ${index}`);
    await Promise.allSettled(keys.map((key) => store.set(key, entryOf('late'))));
    adapter.set = set;
    for (const key of keys) await store.delete(key);
    for (const arrive of late) arrive();
    for (const key of keys) expect(await store.get(key)).toBeUndefined();
  });

  it('has an older entry removed by a write that fails', async () => {
    const { adapter, store } = make(1_000);
    await store.set('k', entryOf(1));
    adapter.failing = ['set'];
    await expect(store.set('k', entryOf(2))).rejects.toThrow(StoreError);
    expect(await store.get('k')).toBeUndefined();
  });

  it('does not keep close() waiting for longer than that', async () => {
    const { store, hang, release } = make(20);
    hang();
    await expect(store.set('k', entryOf(1))).rejects.toThrow(StoreError);
    await store.close();
    release();
  });
});

describe('a cached function on an adapter that fails', () => {
  it('answers all the same, and its invalidation rejects', async () => {
    const adapter = new FailingAdapter();
    const cache = createCache({ name: 'failing-keyv', store: keyvStore(new Keyv({ store: adapter })) });
    const failures: unknown[] = [];
    cache.on('error', ({ error }) => failures.push(error));
    let runs = 0;
    const find = cached(async (id: string) => `${id}${++runs}`, { cache, name: 'find' });
    expect(await find('a')).toBe('a1');
    adapter.failing = everything;
    await expect(find.invalidate('a')).rejects.toThrow(StoreError);
    expect(await find('a')).toBe('a2');
    expect(failures.length).toBeGreaterThan(0);
    adapter.failing = [];
    await cache.close();
  });
});
