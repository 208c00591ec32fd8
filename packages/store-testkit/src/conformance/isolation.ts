import assert from 'node:assert/strict';
import { assertHit, type ConformanceCase } from './case.ts';

/** Capability `bytes`: every reader has a value of its own. */
export const bytesCases: readonly ConformanceCase[] = [
  {
    name: 'changing a value after it was set changes nothing that is answered',
    run: async (trial) => {
      const store = await trial.open();
      const value = { list: [1], nested: { name: 'before' } };
      await store.set('k', trial.entry(value));
      value.list.push(2);
      value.nested.name = 'after';
      await assertHit(store, 'k', { list: [1], nested: { name: 'before' } });
    },
  },
  {
    name: 'changing a value while set is under way changes nothing that is answered',
    run: async (trial) => {
      const store = await trial.open();
      const value = { list: [1] };
      const kept = store.set('k', trial.entry(value));
      value.list.push(2);
      await kept;
      await assertHit(store, 'k', { list: [1] });
    },
  },
  {
    name: 'changing what one reader got changes nothing for the next',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry({ list: [1], nested: { name: 'before' } }));
      const first = (await store.get('k'))?.value as { list: number[]; nested: { name: string } };
      first.list.push(2);
      first.nested.name = 'after';
      await assertHit(store, 'k', { list: [1], nested: { name: 'before' } });
    },
  },
  {
    name: 'two readers at once have two values',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry({ a: 1 }));
      const [first, second] = await Promise.all([store.get('k'), store.get('k')]);
      assert(first?.value !== second?.value, 'both have the same object');
    },
  },
];
