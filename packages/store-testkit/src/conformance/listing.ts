import assert from 'node:assert/strict';
import { assertHit, assertMiss, type ConformanceCase, listEntries, show } from './case.ts';

/** Capability `iteration`. */
export const iterationCases: readonly ConformanceCase[] = [
  {
    name: 'entries() of an empty store lists nothing, and its size is 0',
    run: async (trial) => {
      const store = await trial.open();
      assert.deepEqual([...(await listEntries(store))], []);
      assert.equal(await store.size?.(), 0);
    },
  },
  {
    name: 'entries() lists every key as it was set, with its entry',
    run: async (trial) => {
      const store = await trial.open();
      const keys = ['a', 'a/b', '', '__proto__', 'A', '🎈', 'x'.repeat(1_000), 'a%2Fb', '\ud800'];
      for (const key of keys) await store.set(key, { ...trial.entry({ of: key }, 1_000, 500), tags: [key] });
      const listed = await listEntries(store);
      assert.deepEqual([...listed.keys()].sort(), [...keys].sort());
      for (const key of keys) {
        const entry = listed.get(key);
        assert.deepEqual({ ...(entry?.value as object) }, { of: key });
        assert.deepEqual([...(entry?.tags ?? [])], [key]);
        assert.equal(entry?.expiresAt, trial.clock.now() + 1_000);
        assert.equal(entry?.staleUntil, trial.clock.now() + 1_500);
      }
      assert.equal(await store.size?.(), keys.length);
    },
  },
  {
    name: 'entries(prefix) and size(prefix) take the keys that begin with it, to the letter',
    run: async (trial) => {
      const store = await trial.open();
      for (const key of ['a%', 'a%b', 'ab', 'a', 'A%', 'xa%']) await store.set(key, trial.entry(key));
      assert.deepEqual([...(await listEntries(store, 'a%')).keys()].sort(), ['a%', 'a%b']);
      assert.equal(await store.size?.('a%'), 2);
      assert.equal(await store.size?.(''), 6);
    },
  },
  {
    name: 'stale entries are listed, ended ones are not',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('ended', trial.entry(1, 1_000));
      await store.set('stale', trial.entry(2, 1_000, 500));
      await store.set('fresh', trial.entry(3));
      trial.clock.advance(1_000);
      assert.deepEqual([...(await listEntries(store)).keys()].sort(), ['fresh', 'stale']);
    },
  },
  {
    name: 'replaced, deleted and cleared entries are neither listed nor counted',
    run: async (trial) => {
      const store = await trial.open();
      for (const key of ['a', 'b', 'c/1', 'c/2']) await store.set(key, trial.entry('old'));
      await store.set('a', trial.entry('new'));
      await store.delete('b');
      await store.clear('c/');
      const listed = await listEntries(store);
      assert.deepEqual(
        [...listed].map(([key, entry]) => [key, entry.value]),
        [['a', 'new']],
      );
      assert.equal(await store.size?.(), 1);
    },
  },
  {
    name: 'listing tolerates that each entry is deleted on the way',
    run: async (trial) => {
      const store = await trial.open();
      for (let index = 0; index < 50; index++) await store.set(`key:${index}`, trial.entry(index));
      const seen = new Set<string>();
      assert(store.entries);
      for await (const [key] of store.entries()) {
        seen.add(key);
        await store.delete(key);
      }
      assert.equal(seen.size, 50);
      assert.equal((await listEntries(store)).size, 0);
    },
  },
  {
    name: 'listing comes to an end though an entry is set, and one set again, at each step',
    run: async (trial) => {
      const store = await trial.open();
      for (let index = 0; index < 20; index++) await store.set(`key:${index}`, trial.entry(index));
      let steps = 0;
      assert(store.entries);
      for await (const [key] of store.entries()) {
        assert(++steps <= 1_000, 'it went on for a thousand steps over 20 entries');
        await store.set(`new:${steps}`, trial.entry(steps));
        await store.delete(key);
        await store.set(key, trial.entry('again'));
      }
      assert(steps >= 20, `${steps} of 20 entries were listed`);
    },
  },
  {
    name: 'listing can be left half-way',
    run: async (trial) => {
      const store = await trial.open();
      for (let index = 0; index < 20; index++) await store.set(`key:${index}`, trial.entry(index));
      assert(store.entries);
      for await (const [key] of store.entries()) {
        assert(key.startsWith('key:'), show(key));
        break;
      }
      assert.equal((await listEntries(store)).size, 20);
    },
  },
];

/** Capability `prune`. */
export const pruneCases: readonly ConformanceCase[] = [
  {
    name: 'prune() of a store without ended entries removes none',
    run: async (trial) => {
      const store = await trial.open();
      assert.equal(await store.prune?.(), 0);
      await store.set('fresh', trial.entry(1));
      await store.set('stale', trial.entry(2, 1_000, 1_000));
      trial.clock.advance(1_500);
      assert.equal(await store.prune?.(), 0);
      await assertHit(store, 'fresh', 1);
      await assertHit(store, 'stale', 2);
    },
  },
  {
    name: 'prune() removes what has ended, counts it, and leaves the rest',
    run: async (trial) => {
      const store = await trial.open();
      for (let index = 0; index < 30; index++) await store.set(`short:${index}`, trial.entry(index, 1_000));
      for (let index = 0; index < 10; index++) await store.set(`long:${index}`, trial.entry(index));
      trial.clock.advance(1_000);
      assert.equal(await store.prune?.(), 30);
      assert.equal(await store.prune?.(), 0);
      for (let index = 0; index < 30; index++) await assertMiss(store, `short:${index}`);
      for (let index = 0; index < 10; index++) await assertHit(store, `long:${index}`, index);
      if (store.size) assert.equal(await store.size(), 10);
    },
  },
];
