import assert from 'node:assert/strict';
import { assertHit, assertMiss, type ConformanceCase, show } from './case.ts';

/** Removal: `delete` takes one key, `clear` those that begin with a text, and nothing else goes. */
export const removalCases: readonly ConformanceCase[] = [
  {
    name: 'a deleted entry is gone, and its neighbours stay',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('a', trial.entry(1));
      await store.set('ab', trial.entry(2));
      await store.delete('a');
      await assertMiss(store, 'a');
      await assertHit(store, 'ab', 2);
    },
  },
  {
    name: 'delete says whether there was an entry, or nothing at all',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry(undefined));
      const results = [await store.delete('k'), await store.delete('k'), await store.delete('never set')];
      const told = [
        [true, false, false],
        [undefined, undefined, undefined],
      ];
      assert(
        told.some((expected) => expected.every((result, index) => results[index] === result)),
        `delete of an entry, of it again, and of none returned ${show(results)}; it must be true, false, false, or always undefined`,
      );
    },
  },
  {
    name: 'delete of a key that was never set does nothing',
    run: async (trial) => {
      const store = await trial.open();
      await store.delete('missing');
      await assertMiss(store, 'missing');
    },
  },
  {
    name: 'a deleted key can be set again',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('old'));
      await store.delete('k');
      await store.set('k', trial.entry('new'));
      await assertHit(store, 'k', 'new');
    },
  },
  {
    name: 'clear() removes everything',
    run: async (trial) => {
      const store = await trial.open();
      for (const key of ['a', 'b/c', '', '__proto__']) await store.set(key, trial.entry(key));
      await store.clear();
      for (const key of ['a', 'b/c', '', '__proto__']) await assertMiss(store, key);
    },
  },
  {
    name: 'clear of an empty store does nothing, and a cleared store can be used',
    run: async (trial) => {
      const store = await trial.open();
      await store.clear();
      await store.clear('any');
      await store.set('k', trial.entry('v'));
      await assertHit(store, 'k', 'v');
    },
  },
  {
    name: 'clear(prefix) removes the keys that begin with it, itself included, and no others',
    run: async (trial) => {
      const store = await trial.open();
      const gone = ['find(', 'find("1")', 'find("2")', 'find(\n'];
      const kept = ['find', 'finder("1")', 'Find("1")', 'x.find("1")', ' find("1")', ''];
      for (const key of [...gone, ...kept]) await store.set(key, trial.entry(key));
      await store.clear('find(');
      for (const key of gone) await assertMiss(store, key);
      for (const key of kept) await assertHit(store, key, key);
    },
  },
  ...['a%', 'a_', 'a*', 'a[0]', 'a.', 'a/', 'a\\', "a'", '🎈'].map(
    (prefix): ConformanceCase => ({
      name: `clear(${JSON.stringify(prefix)}) takes the prefix to the letter, as no pattern`,
      run: async (trial) => {
        const store = await trial.open();
        const kept = ['a', 'ab', 'aXb', 'a0', 'a1/', 'a-', 'A%', 'b%', '🎉'].filter((key) => !key.startsWith(prefix));
        for (const key of [prefix, `${prefix}1`, ...kept]) await store.set(key, trial.entry(key));
        await store.clear(prefix);
        await assertMiss(store, prefix);
        await assertMiss(store, `${prefix}1`);
        for (const key of kept) await assertHit(store, key, key);
      },
    }),
  ),
  {
    name: 'clear(prefix) finds keys too long for a file name, by their beginning',
    run: async (trial) => {
      const store = await trial.open();
      const tail = 'x'.repeat(2_048);
      await store.set(`find(${tail}1`, trial.entry(1));
      await store.set(`other(${tail}1`, trial.entry(2));
      await store.clear('find(');
      await assertMiss(store, `find(${tail}1`);
      await assertHit(store, `other(${tail}1`, 2);
    },
  },
];
