import { assertHit, assertMiss, type ConformanceCase } from './case.ts';

/** Idle time: an entry that is not touched for so long is gone, and its end stays the hard limit. */
export const touchCases: readonly ConformanceCase[] = [
  {
    name: 'an entry that is not touched for its idle time is gone, however often it was got',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', { ...trial.entry('v'), idle: 1_000 });
      trial.clock.advance(999);
      await assertHit(store, 'k', 'v');
      trial.clock.advance(1);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'a touch lets the idle time begin anew',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', { ...trial.entry('v'), idle: 1_000 });
      for (let times = 0; times < 3; times++) {
        trial.clock.advance(900);
        await store.touch?.('k');
      }
      trial.clock.advance(999);
      await assertHit(store, 'k', 'v');
      trial.clock.advance(1);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'a touch does not carry an entry beyond its end, and one of nothing makes nothing',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', { ...trial.entry('v', 1_500), idle: 1_000 });
      trial.clock.advance(900);
      await store.touch?.('k');
      await store.touch?.('none');
      trial.clock.advance(600);
      await assertMiss(store, 'k');
      await assertMiss(store, 'none');
    },
  },
];
