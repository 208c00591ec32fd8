import assert from 'node:assert/strict';
import type { Entry, Store } from '@reprise/store';
import { sameValue } from '../same-value.ts';
import { assertClosed, type ConformanceCase, show } from './case.ts';

/** Capability `batches`: `getMany` reads several keys as `get` reads one. */
export const batchCases: readonly ConformanceCase[] = [
  {
    name: 'getMany answers what is under each key, in the order of the keys, and undefined for none',
    run: async (trial) => {
      const store = await trial.open();
      for (const [key, value] of [
        ['a', 1],
        ['b', undefined],
        ['c', { list: [3] }],
      ] as const) {
        await store.set(key, trial.entry(value));
      }
      const entries = await getMany(store, ['c', 'missing', 'b', 'a']);
      assertValues(entries, [{ list: [3] }, none, undefined, 1]);
    },
  },
  {
    name: 'getMany of no keys answers nothing',
    run: async (trial) => {
      assertValues(await getMany(await trial.open(), []), []);
    },
  },
  {
    name: 'getMany answers an entry until its staleUntil, and not at that moment',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('short', trial.entry('s', 1_000, 1_000));
      await store.set('long', trial.entry('l', 60_000));
      trial.clock.advance(1_999);
      assertValues(await getMany(store, ['short', 'long']), ['s', 'l']);
      trial.clock.advance(1);
      assertValues(await getMany(store, ['short', 'long']), [none, 'l']);
    },
  },
  {
    name: 'getMany answers 2,500 keys at once',
    run: async (trial) => {
      const store = await trial.open();
      const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`);
      for (const key of keys.filter((_, index) => index % 100 === 0)) await store.set(key, trial.entry(key));
      const entries = await getMany(store, keys);
      assertValues(
        entries,
        keys.map((key, index) => (index % 100 === 0 ? key : none)),
      );
    },
  },
  {
    name: 'getMany sees what was set and deleted before it was called',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('old', trial.entry(1));
      const changes = [store.set('new', trial.entry(2)), store.delete('old')];
      const entries = await getMany(store, ['new', 'old']);
      await Promise.all(changes);
      assertValues(entries, [2, none]);
    },
  },
  {
    name: 'getMany of a closed store fails with E_CLOSED',
    run: async (trial) => {
      const store = await trial.open();
      await store.close();
      await assertClosed(store, 'getMany', () => getMany(store, ['a', 'b']));
    },
  },
];

/** Stands for no entry. */
const none = Symbol('none');

async function getMany(store: Store, keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
  assert(!store.sync && store.getMany, 'the capability batches means that an asynchronous store has getMany()');
  return store.getMany(keys);
}

function assertValues(entries: readonly (Entry | undefined)[], values: readonly unknown[]): void {
  assert(Array.isArray(entries), `getMany answered ${show(entries)}; it must answer an array`);
  assert(entries.length === values.length, `getMany answered ${entries.length} entries for ${values.length} keys`);
  for (const [index, value] of values.entries()) {
    const entry = entries[index] as Entry | undefined;
    const isRight = value === none ? entry === undefined : entry !== undefined && sameValue(entry.value, value);
    assert(
      isRight,
      `getMany answered ${show(entry)} for key ${index}; it must be ${value === none ? 'undefined' : show(value)}`,
    );
  }
}
