import assert from 'node:assert/strict';
import type { Store } from '@reprise/store';
import { assertHit, assertMiss, type ConformanceCase, type Trial } from './case.ts';

/** Capability `bounds`, as far as it concerns the number of entries. */
export const maxSizeCases: readonly ConformanceCase[] = [
  {
    name: 'never more than maxSize entries, and the last one set is among them',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 5 });
      for (let index = 0; index < 40; index++) {
        await store.set(`key:${index}`, trial.entry(index));
        await assertHit(store, `key:${index}`, index);
      }
      await sweep(store);
      const living = await countLiving(store, 40);
      assert(living >= 1 && living <= 5, `${living} entries are there, maxSize is 5`);
      if (store.size) assert((await store.size()) <= 5, `size() is ${await store.size()}, maxSize is 5`);
    },
  },
  {
    name: 'up to maxSize nothing is evicted, and setting a key again evicts nothing',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 5 });
      for (let round = 0; round < 3; round++) {
        for (let index = 0; index < 5; index++) await store.set(`key:${index}`, trial.entry(index));
      }
      await sweep(store);
      assert.equal(await countLiving(store, 5), 5);
    },
  },
  {
    name: 'what was deleted makes room',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 2 });
      await store.set('a', trial.entry('a'));
      await store.set('b', trial.entry('b'));
      await store.delete('a');
      await store.set('c', trial.entry('c'));
      await sweep(store);
      await assertHit(store, 'b', 'b');
      await assertHit(store, 'c', 'c');
    },
  },
  {
    name: 'maxSize 0 keeps nothing, and fails at nothing',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 0 });
      await store.set('a', trial.entry('a'));
      await sweep(store);
      await assertMiss(store, 'a');
      assert((await store.delete('a')) !== true);
      await store.clear();
    },
  },
  {
    name: 'maxSize Infinity keeps everything',
    run: async (trial) => {
      const store = await trial.open({ maxSize: Infinity });
      for (let index = 0; index < 200; index++) await store.set(`key:${index}`, trial.entry(index));
      await sweep(store);
      assert.equal(await countLiving(store, 200), 200);
    },
  },
  {
    name: 'what has ended goes before anything that lives',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 4 });
      await store.set('a', trial.entry('a'));
      await store.set('b', trial.entry('b'));
      await store.set('ended', trial.entry('x', 1_000));
      await store.set('c', trial.entry('c'));
      trial.clock.advance(1_000);
      await store.set('d', trial.entry('d'));
      await sweep(store);
      for (const key of ['a', 'b', 'c', 'd']) await assertHit(store, key, key);
    },
  },
  {
    name: 'resize to a lower maxSize evicts down to it, and it holds from then on',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 20 });
      for (let index = 0; index < 20; index++) await store.set(`key:${index}`, trial.entry(index));
      await store.resize?.({ maxSize: 5 });
      await sweep(store);
      assert.equal(await countLiving(store, 20), 5);
      for (let index = 0; index < 20; index++) await store.set(`key:${index}`, trial.entry(index));
      await sweep(store);
      assert((await countLiving(store, 20)) <= 5);
    },
  },
  {
    name: 'resize to a higher maxSize keeps everything and makes room for more',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 5 });
      for (let index = 0; index < 5; index++) await store.set(`key:${index}`, trial.entry(index));
      await store.resize?.({ maxSize: 20 });
      assert.equal(await countLiving(store, 20), 5);
      for (let index = 5; index < 20; index++) await store.set(`key:${index}`, trial.entry(index));
      await sweep(store);
      assert.equal(await countLiving(store, 20), 20);
    },
  },
];

/** Capability `bounds`, as far as it concerns weight. */
export const maxBytesCases: readonly ConformanceCase[] = [
  {
    name: 'never more than maxBytes of values, and the last one set is among them',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 1_000, maxBytes: 20_000 });
      for (let index = 0; index < 40; index++) {
        await setHeavy(trial, store, index, 2_000);
        await assertHit(store, `key:${index}`, heavy(index, 2_000));
      }
      await sweep(store);
      const living = await countLiving(store, 40);
      assert(living >= 1 && living <= 10, `${living} values of 2,000 bytes are there, maxBytes is 20,000`);
    },
  },
  {
    name: 'a value heavier than maxBytes is not kept, and evicts nobody',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 1_000, maxBytes: 20_000 });
      await setHeavy(trial, store, 0, 2_000);
      await setHeavy(trial, store, 1, 2_000);
      await setHeavy(trial, store, 2, 30_000);
      await sweep(store);
      await assertMiss(store, 'key:2');
      await assertHit(store, 'key:0', heavy(0, 2_000));
      await assertHit(store, 'key:1', heavy(1, 2_000));
    },
  },
  {
    name: 'a value heavier than maxBytes takes the older one under its key with it',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 1_000, maxBytes: 20_000 });
      await setHeavy(trial, store, 0, 2_000);
      await setHeavy(trial, store, 0, 30_000);
      await assertMiss(store, 'key:0');
    },
  },
  {
    name: 'a lighter value under the same key gives room back',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 1_000, maxBytes: 20_000 });
      for (let round = 0; round < 5; round++) {
        await setHeavy(trial, store, 0, 15_000);
        await setHeavy(trial, store, 0, 100);
      }
      await setHeavy(trial, store, 1, 15_000);
      await sweep(store);
      await assertHit(store, 'key:0', heavy(0, 100));
      await assertHit(store, 'key:1', heavy(1, 15_000));
    },
  },
  {
    name: 'resize to lower maxBytes evicts down to them',
    run: async (trial) => {
      const store = await trial.open({ maxSize: 1_000, maxBytes: 50_000 });
      for (let index = 0; index < 10; index++) await setHeavy(trial, store, index, 2_000);
      await store.resize?.({ maxBytes: 7_000 });
      await sweep(store);
      const living = await countLiving(store, 10);
      assert(living >= 1 && living <= 3, `${living} values of 2,000 bytes are there, maxBytes is 7,000`);
    },
  },
];

/** Shared stores keep their bounds after a sweep only. */
async function sweep(store: Store): Promise<void> {
  await store.prune?.();
}

async function countLiving(store: Store, total: number): Promise<number> {
  let living = 0;
  for (let index = 0; index < total; index++) if (await store.get(`key:${index}`)) living++;
  return living;
}

async function setHeavy(trial: Trial, store: Store, index: number, bytes: number): Promise<void> {
  await store.set(`key:${index}`, trial.entry(heavy(index, bytes)));
}

/** Text that no compression makes much lighter. */
function heavy(index: number, bytes: number): string {
  let text = '';
  for (let state = index + 1; text.length < bytes; state = (state * 48_271) % 2_147_483_647) text += state.toString(36);
  return text.slice(0, bytes);
}
