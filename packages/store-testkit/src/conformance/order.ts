import assert from 'node:assert/strict';
import { assertHit, assertMiss, type ConformanceCase } from './case.ts';

const hundred = Array.from({ length: 100 }, (_, index) => index);

/** Order: operations that overlap take effect in the order in which they were called. */
export const orderCases: readonly ConformanceCase[] = [
  {
    name: '100 sets at once are all there',
    run: async (trial) => {
      const store = await trial.open();
      await Promise.all(hundred.map((index) => store.set(`key:${index}`, trial.entry(index))));
      for (const index of hundred) await assertHit(store, `key:${index}`, index);
    },
  },
  {
    name: '100 gets at once each answer their own key',
    run: async (trial) => {
      const store = await trial.open();
      for (const index of hundred) await store.set(`key:${index}`, trial.entry(index));
      const entries = await Promise.all(hundred.map((index) => store.get(`key:${index}`)));
      assert.deepEqual(
        entries.map((entry) => entry?.value),
        hundred,
      );
    },
  },
  {
    name: 'of 100 sets of one key at once the last called wins',
    run: async (trial) => {
      const store = await trial.open();
      // The first are the largest, and take the longest to be written.
      await Promise.all(hundred.map((index) => store.set('k', trial.entry('x'.repeat((100 - index) * 1_000)))));
      await assertHit(store, 'k', 'x'.repeat(1_000));
    },
  },
  {
    name: 'set and then delete, without waiting: gone',
    run: async (trial) => {
      const store = await trial.open();
      await Promise.all([store.set('k', trial.entry('x'.repeat(100_000))), store.delete('k')]);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'delete and then set, without waiting: there',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('old'));
      await Promise.all([store.delete('k'), store.set('k', trial.entry('new'))]);
      await assertHit(store, 'k', 'new');
    },
  },
  {
    name: 'set and then clear, without waiting: gone',
    run: async (trial) => {
      const store = await trial.open();
      await Promise.all([...hundred.map((index) => store.set(`key:${index}`, trial.entry(index))), store.clear()]);
      for (const index of hundred) await assertMiss(store, `key:${index}`);
    },
  },
  {
    name: 'clear and then set, without waiting: there',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('old', trial.entry(1));
      await Promise.all([store.clear(), store.set('new', trial.entry(2))]);
      await assertMiss(store, 'old');
      await assertHit(store, 'new', 2);
    },
  },
  {
    name: 'the value is taken when set is called: what is set next does not change it',
    run: async (trial) => {
      const store = await trial.open();
      const first = store.set('a', trial.entry('first'));
      const second = store.set('b', trial.entry('second'));
      await Promise.all([first, second]);
      await assertHit(store, 'a', 'first');
      await assertHit(store, 'b', 'second');
    },
  },
];
