import assert from 'node:assert/strict';
import type { Lease, Store } from '@reprise/store';
import { assertHit, type ConformanceCase, show, type Trial } from './case.ts';

/** What ends the lease of `find(1)`. */
const invalidations: readonly (readonly [name: string, invalidate: (store: Store, trial: Trial) => unknown])[] = [
  ['delete of its key', (store) => store.delete('find(1)')],
  ['clear()', (store) => store.clear()],
  ['clear of a beginning of its key', (store) => store.clear('find(')],
  ['a set of its key without a generation', (store, trial) => store.set('find(1)', trial.entry('newer'))],
];

/** Capability `leases`: one at a time may compute a key, until it says so, is gone, or the key is invalidated. */
export const leaseCases: readonly ConformanceCase[] = [
  {
    name: 'a lease says what it is for, how long it lasts, and what its result is to carry',
    run: async (trial) => {
      const lease = await grant(await trial.open(), 'find(1)');
      assert.equal(lease.key, 'find(1)');
      assert(typeof lease.token === 'string' && lease.token !== '', `its token is ${show(lease.token)}`);
      assert(lease.duration > 0, `its duration is ${show(lease.duration)}`);
      const type = typeof lease.generation;
      assert(type === 'number' || type === 'string', `its generation is ${show(lease.generation)}`);
    },
  },
  {
    name: 'while one has the lease nobody else gets it, the same store included',
    run: async (trial) => {
      const store = await trial.open();
      await grant(store, 'find(1)');
      await assertDenied(store, 'find(1)');
      await assertDenied(store, 'find(1)');
    },
  },
  {
    name: 'the lease of one key leaves those of others alone',
    run: async (trial) => {
      const store = await trial.open();
      const keys = ['find(1)', 'find(2)', 'find(', '', 'Find(1)', '\ud800', 'a\u0000b', 'x'.repeat(2_000)];
      const tokens = new Set<string>();
      for (const key of keys) tokens.add((await grant(store, key)).token);
      assert.equal(tokens.size, keys.length, 'each lease has a token of its own');
      for (const key of keys) await assertDenied(store, key);
    },
  },
  {
    name: 'a lease can be renewed as often as one likes, and stays its holder’s',
    run: async (trial) => {
      const store = await trial.open();
      const lease = await grant(store, 'find(1)');
      for (let times = 0; times < 3; times++) assert.equal(await store.renew?.(lease), true);
      await assertDenied(store, 'find(1)');
    },
  },
  {
    name: 'a lease that was released is granted to the next, under another token',
    run: async (trial) => {
      const store = await trial.open();
      const first = await grant(store, 'find(1)');
      await store.release?.(first);
      const second = await grant(store, 'find(1)');
      assert.notEqual(second.token, first.token);
      assert.equal(await store.renew?.(first), false, 'what was released cannot be renewed');
      assert.equal(await store.renew?.(second), true);
    },
  },
  {
    name: 'a lease that has ended can be released again, and that takes nothing from its next holder',
    run: async (trial) => {
      const store = await trial.open();
      const first = await grant(store, 'find(1)');
      await store.release?.(first);
      await store.release?.(first);
      const second = await grant(store, 'find(1)');
      await store.release?.(first);
      await assertDenied(store, 'find(1)');
      assert.equal(await store.renew?.(second), true);
    },
  },
  {
    name: 'a lease that was never granted is neither renewed nor harmful to release',
    run: async (trial) => {
      const store = await trial.open();
      const lease = await grant(store, 'find(1)');
      const made = { ...lease, token: 'made up' };
      assert.equal(await store.renew?.(made), false);
      await store.release?.(made);
      assert.equal(await store.renew?.(lease), true);
    },
  },
  ...invalidations.map(
    ([name, invalidate]): ConformanceCase => ({
      name: `a lease ends with ${name}`,
      run: (trial) => checkEnded(trial, invalidate, (store) => store),
    }),
  ),
  {
    name: 'a lease outlasts what is invalidated beside it',
    run: async (trial) => {
      const store = await trial.open();
      const lease = await grant(store, 'find(1)');
      await store.delete('find(2)');
      await store.clear('list(');
      await store.clear('find(1)x');
      await store.set('find(11)', trial.entry('other'));
      assert.equal(await store.renew?.(lease), true);
      await assertDenied(store, 'find(1)');
    },
  },
  {
    name: 'what was computed under a lease is kept, and does not end it',
    run: async (trial) => {
      const store = await trial.open();
      const lease = await grant(store, 'find(1)');
      const kept = await store.set('find(1)', { ...trial.entry('computed'), generation: lease.generation });
      assert(kept !== false, `set under the lease's generation returned ${show(kept)}`);
      await assertHit(store, 'find(1)', 'computed');
      assert.equal(await store.renew?.(lease), true);
      await store.release?.(lease);
      await assertHit(store, 'find(1)', 'computed');
    },
  },
  {
    name: 'what was computed under a lease that an invalidation has ended is refused where there are fences',
    run: async (trial) => {
      const store = await trial.open();
      if (store.generation === undefined) return;
      const lease = await grant(store, 'find(1)');
      await store.delete('find(1)');
      assert.equal(await store.set('find(1)', { ...trial.entry('old'), generation: lease.generation }), false);
      const next = await grant(store, 'find(1)');
      assert((await store.set('find(1)', { ...trial.entry('computed'), generation: next.generation })) !== false);
      await assertHit(store, 'find(1)', 'computed');
    },
  },
];

/** The same between processes. */
export const sharedLeaseCases: readonly ConformanceCase[] = [
  {
    name: 'while one process has the lease no other one gets it, and it gets it afterwards',
    run: async (trial) => {
      const store = await trial.open();
      const other = await trial.open();
      const lease = await grant(store, 'find(1)');
      await assertDenied(other, 'find(1)');
      await grant(other, 'find(2)');
      await assertDenied(store, 'find(2)');
      await store.release?.(lease);
      await grant(other, 'find(1)');
      await assertDenied(store, 'find(1)');
      assert.equal(await store.renew?.(lease), false);
    },
  },
  {
    name: 'the lease of a key leaves the same key of other namespaces alone',
    run: async (trial) => {
      const store = await trial.open({ namespace: 'a' });
      const other = await trial.open({ namespace: 'b' });
      const lease = await grant(store, 'find(1)');
      await grant(other, 'find(1)');
      await other.clear();
      await other.delete('find(1)');
      assert.equal(await store.renew?.(lease), true);
    },
  },
  ...invalidations.map(
    ([name, invalidate]): ConformanceCase => ({
      name: `a lease ends with ${name} by another process`,
      run: (trial) => checkEnded(trial, invalidate, () => trial.open()),
    }),
  ),
  {
    name: 'the leases of a store end when it is closed, and those of others do not',
    run: async (trial) => {
      const store = await trial.open();
      const other = await trial.open();
      await grant(store, 'find(1)');
      await grant(store, 'find(2)');
      const kept = await grant(other, 'find(3)');
      await store.close();
      await grant(other, 'find(1)');
      await grant(await trial.open(), 'find(2)');
      assert.equal(await other.renew?.(kept), true);
    },
  },
];

async function checkEnded(
  trial: Trial,
  invalidate: (store: Store, trial: Trial) => unknown,
  chooseOther: (store: Store) => Store | Promise<Store>,
): Promise<void> {
  const store = await trial.open();
  const other = await chooseOther(store);
  await store.set('find(1)', trial.entry('there'));
  const lease = await grant(store, 'find(1)');
  await invalidate(other, trial);
  assert.equal(await store.renew?.(lease), false, 'an invalidation ends the lease of its key');
  const next = await grant(other, 'find(1)');
  assert.notEqual(next.token, lease.token);
  await store.release?.(lease);
  await assertDenied(store, 'find(1)');
}

async function grant(store: Store, key: string): Promise<Lease> {
  assert(store.lease && store.renew && store.release, 'the capability leases means lease(), renew() and release()');
  const lease = await store.lease(key);
  assert(lease, `the lease of ${show(key)} was not granted, though nobody has it`);
  return lease;
}

async function assertDenied(store: Store, key: string): Promise<void> {
  const lease = await store.lease?.(key);
  assert(lease === undefined, `the lease of ${show(key)} was granted to two: ${show(lease)}`);
}
