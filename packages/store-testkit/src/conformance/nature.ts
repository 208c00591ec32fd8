import assert from 'node:assert/strict';
import type { StoreCapabilities } from '@reprise/store';
import { isThenable } from '../thenable.ts';
import type { ConformanceCapabilities } from './capabilities.ts';
import { type ConformanceCase, show } from './case.ts';

const names: readonly (keyof StoreCapabilities)[] = [
  'fences',
  'leases',
  'tags',
  'touch',
  'iteration',
  'batches',
  'bounds',
  'prune',
  'bytes',
  'tracking',
];

/** Nature: a store is what it says it is, and says all that the suite was told of it. */
export function natureCases(capabilities: ConformanceCapabilities): readonly ConformanceCase[] {
  return [
    {
      name: 'it says whether it is synchronous, and its operations return accordingly',
      run: async (trial) => {
        const store = await trial.open();
        assert(typeof store.sync === 'boolean', `sync is ${show(store.sync)}; it must be true or false`);
        const results = [
          ['set', store.set('k', trial.entry(1))],
          ['get', store.get('k')],
          ['get of no entry', store.get('missing')],
          ['delete', store.delete('k')],
          ['clear', store.clear()],
          ['close', store.close()],
        ] as const;
        for (const [operation, result] of results) {
          assert(isThenable(result) !== store.sync, `${operation} returned ${show(result)}, but sync is ${store.sync}`);
          await result;
        }
      },
    },
    {
      name: 'the capabilities that it declares are those that the suite was told of',
      run: async (trial) => {
        const store = await trial.open();
        for (const name of names) {
          const declared = store.capabilities?.[name] === true;
          const told = Boolean(capabilities[name]);
          assert(
            declared === told,
            declared
              ? `it declares ${name}; tell storeConformance so (true, or 'unproven'), or the suite says nothing about it`
              : `storeConformance was told of ${name}, which the store does not declare`,
          );
        }
        // A store that does not say proves nothing, and is taken for either.
        assert(
          (store.persistent ?? false) === (capabilities.persistent === true),
          `persistent is ${store.persistent}, but storeConformance was told otherwise`,
        );
      },
    },
    {
      name: 'what its capabilities promise is there',
      run: async (trial) => {
        const store = await trial.open();
        const { iteration, prune, bounds, batches, tracking } = store.capabilities ?? {};
        if (iteration === true) assert(store.entries && store.size, 'iteration means entries() and size()');
        if (prune === true) assert(store.prune, 'prune means prune()');
        if (batches === true) assert('getMany' in store, 'batches means getMany()');
        if (bounds === true) assert(store.resize, 'bounds means resize()');
        if (tracking === true) assert('track' in store, 'tracking means track()');
      },
    },
  ];
}
