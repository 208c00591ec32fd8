import { assertHit, assertMiss, type ConformanceCase } from './case.ts';

const day = 86_400_000;

/** Age: an entry is answered until its `staleUntil`, by the store's clock, and not at that moment. */
export const ageCases: readonly ConformanceCase[] = [
  ...(
    [
      [1_000, 'a second'],
      [50, '50 ms'],
      [1, '1 ms'],
      [30 * day, '30 days'],
      [30 * 365 * day, '30 years'],
    ] as const
  ).map(
    ([ttl, name]): ConformanceCase => ({
      name: `a ttl of ${name}: an entry one millisecond before its end, none at it`,
      run: async (trial) => {
        const store = await trial.open();
        await store.set('k', trial.entry('v', ttl));
        trial.clock.advance(ttl - 1);
        await assertHit(store, 'k', 'v');
        trial.clock.advance(1);
        await assertMiss(store, 'k');
        trial.clock.advance(1_000);
        await assertMiss(store, 'k');
      },
    }),
  ),
  {
    name: 'in its stale window an entry is answered, and at the end of that it is not',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('v', 1_000, 500));
      trial.clock.advance(1_000);
      await assertHit(store, 'k', 'v');
      trial.clock.advance(499);
      await assertHit(store, 'k', 'v');
      trial.clock.advance(1);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'an entry without end is still there after a hundred years',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', { ...trial.entry('v'), expiresAt: Infinity, staleUntil: Infinity });
      trial.clock.advance(100 * 365 * day);
      await assertHit(store, 'k', 'v');
    },
  },
  {
    name: 'an entry whose end has come before it is set is never answered',
    run: async (trial) => {
      const store = await trial.open();
      const entry = trial.entry('v', 1_000);
      trial.clock.advance(1_000);
      await store.set('k', entry);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'an entry whose end has come before it is set takes the place of the living one',
    run: async (trial) => {
      const store = await trial.open();
      const old = trial.entry('old', 1_000);
      trial.clock.advance(1_000);
      await store.set('k', trial.entry('living'));
      await store.set('k', old);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'a second set begins a new life: its own end counts, later or earlier',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('later', trial.entry('a', 1_000));
      await store.set('earlier', trial.entry('a', 60_000));
      trial.clock.advance(500);
      await store.set('later', trial.entry('b', 1_000));
      await store.set('earlier', trial.entry('b', 1_000));
      trial.clock.advance(999);
      await assertHit(store, 'later', 'b');
      await assertHit(store, 'earlier', 'b');
      trial.clock.advance(1);
      await assertMiss(store, 'later');
      await assertMiss(store, 'earlier');
    },
  },
  {
    name: 'reading an entry does not lengthen its life',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('v', 1_000));
      for (let read = 0; read < 4; read++) {
        trial.clock.advance(249);
        await assertHit(store, 'k', 'v');
      }
      trial.clock.advance(4);
      await assertMiss(store, 'k');
    },
  },
  {
    name: 'a key whose entry has ended can be set again',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('k', trial.entry('old', 1_000));
      trial.clock.advance(1_000);
      await assertMiss(store, 'k');
      await store.set('k', trial.entry('new', 1_000));
      await assertHit(store, 'k', 'new');
    },
  },
  {
    name: 'an entry whose createdAt lies before now ends at its own end, not a whole life after the set',
    run: async (trial) => {
      const store = await trial.open();
      const entry = trial.entry('v', 1_000);
      trial.clock.advance(600);
      await store.set('k', entry);
      trial.clock.advance(399);
      await assertHit(store, 'k', 'v');
      trial.clock.advance(1);
      await assertMiss(store, 'k');
    },
  },
];
