import assert from 'node:assert/strict';
import { assertHit, assertMiss, type ConformanceCase } from './case.ts';

const namespaces = ['a', 'a/b', 'a%', 'a%2Fb', 'A', 'b', '__proto__'];

/** Namespaces on one place do not touch each other, whatever characters they hold. */
export const namespaceCases: readonly ConformanceCase[] = [
  {
    name: 'the same key in several namespaces on one place holds several values',
    run: async (trial) => {
      for (const namespace of namespaces) {
        const store = await trial.open({ namespace });
        await assertMiss(store, 'k');
        await store.set('k', trial.entry(namespace));
        await assertHit(store, 'k', namespace);
      }
    },
  },
  {
    name: 'a namespace and the beginning of a key are not confused',
    run: async (trial) => {
      const outer = await trial.open({ namespace: 'a' });
      const inner = await trial.open({ namespace: 'a/b' });
      await outer.set('b/k', trial.entry('outer'));
      await assertMiss(inner, 'k');
      await inner.set('k', trial.entry('inner'));
      await assertHit(outer, 'b/k', 'outer');
      await assertHit(inner, 'k', 'inner');
    },
  },
  ...namespaces.map(
    (cleared): ConformanceCase => ({
      name: `clear() of the namespace ${JSON.stringify(cleared)} leaves the others on its place`,
      run: async (trial) => {
        const stores = new Map(
          await Promise.all(namespaces.map(async (namespace) => [namespace, await trial.open({ namespace })] as const)),
        );
        for (const [namespace, store] of stores) await store.set('b/k', trial.entry(namespace));
        await stores.get(cleared)?.clear();
        for (const [namespace, store] of stores) {
          if (namespace === cleared) await assertMiss(store, 'b/k');
          else await assertHit(store, 'b/k', namespace);
        }
      },
    }),
  ),
  {
    name: 'clear(prefix) and delete stay within their namespace',
    run: async (trial) => {
      const one = await trial.open({ namespace: 'a' });
      const other = await trial.open({ namespace: 'a/b' });
      for (const store of [one, other]) {
        await store.set('find(1)', trial.entry('v'));
        await store.set('k', trial.entry('v'));
      }
      await one.clear('find(');
      await one.clear('b/');
      await one.delete('k');
      await assertMiss(one, 'find(1)');
      await assertHit(other, 'find(1)', 'v');
      await assertHit(other, 'k', 'v');
    },
  },
];

/** A persistent store: what was set is there for the next one on its place. */
export const persistenceCases: readonly ConformanceCase[] = [
  {
    name: 'what was set before close is there when the place is opened again',
    run: async (trial) => {
      const before = await trial.open();
      const keys = Array.from({ length: 50 }, (_, index) => `key:${index}`);
      // Not awaited: close must flush what is on its way.
      const sets = keys.map((key) => before.set(key, { ...trial.entry({ of: key }), tags: [key] }));
      await before.close();
      await Promise.all(sets);
      const after = await trial.open();
      for (const key of keys) await assertHit(after, key, { of: key });
      assert.deepEqual([...((await after.get('key:7'))?.tags ?? [])], ['key:7']);
    },
  },
  {
    name: 'what was deleted, cleared or has ended before is not there when the place is opened again',
    run: async (trial) => {
      const before = await trial.open();
      for (const key of ['kept', 'deleted', 'cleared/1']) await before.set(key, trial.entry(key));
      await before.set('ended', trial.entry('ended', 1_000));
      await before.delete('deleted');
      await before.clear('cleared/');
      await before.close();
      trial.clock.advance(1_000);
      const after = await trial.open();
      await assertHit(after, 'kept', 'kept');
      for (const key of ['deleted', 'cleared/1', 'ended']) await assertMiss(after, key);
    },
  },
  {
    name: 'the age of an entry counts on while the store is closed',
    run: async (trial) => {
      const before = await trial.open();
      await before.set('k', trial.entry('v', 1_000));
      await before.close();
      trial.clock.advance(999);
      const soon = await trial.open();
      await assertHit(soon, 'k', 'v');
      await soon.close();
      trial.clock.advance(1);
      await assertMiss(await trial.open(), 'k');
    },
  },
  {
    name: 'two stores on one place see each other: set, replaced and deleted',
    run: async (trial) => {
      const one = await trial.open();
      const other = await trial.open();
      await one.set('k', trial.entry('first'));
      await assertHit(other, 'k', 'first');
      await other.set('k', trial.entry('second'));
      await assertHit(one, 'k', 'second');
      await one.delete('k');
      await assertMiss(other, 'k');
    },
  },
  {
    name: 'a clear in one store on a place holds in the other',
    run: async (trial) => {
      const one = await trial.open();
      const other = await trial.open();
      await one.set('a', trial.entry('v'));
      await other.set('b', trial.entry('v'));
      await other.clear();
      await assertMiss(one, 'a');
      await assertMiss(one, 'b');
    },
  },
];
