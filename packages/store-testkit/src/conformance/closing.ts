import { assertClosed, type ConformanceCase, listEntries } from './case.ts';

/** Closing: once is enough, twice does no harm, and after it nothing is answered. */
export const closingCases: readonly ConformanceCase[] = [
  {
    name: 'a store that was never used can be closed, twice',
    run: async (trial) => {
      const store = await trial.open();
      await store.close();
      await store.close();
    },
  },
  {
    name: 'a store that holds entries can be closed, twice at once',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('v'));
      await Promise.all([store.close(), store.close()]);
    },
  },
  {
    name: 'every operation of a closed store fails with E_CLOSED',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('v'));
      await store.close();
      await assertClosed(store, 'get', () => store.get('k'));
      await assertClosed(store, 'set', () => store.set('k', trial.entry('v')));
      await assertClosed(store, 'delete', () => store.delete('k'));
      await assertClosed(store, 'clear', () => store.clear());
      await assertClosed(store, 'clear with a prefix', () => store.clear('k'));
      if (store.size) await assertClosed(store, 'size', () => store.size?.());
      if (store.prune) await assertClosed(store, 'prune', () => store.prune?.());
      if (store.entries) {
        await assertClosed(store, 'entries', () => (store.sync ? [...(store.entries?.() ?? [])] : listEntries(store)));
      }
    },
  },
];
