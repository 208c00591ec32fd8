import assert from 'node:assert/strict';
import type { Store } from '@reprise/store';
import { assertHit, assertMiss, type ConformanceCase, show, type Trial } from './case.ts';

type Generation = number | string;

/** What voids a run for `find(1)` with the tag `t` that began before it. */
const invalidations: readonly (readonly [name: string, invalidate: (store: Store, trial: Trial) => unknown])[] = [
  ['delete of the key', (store) => store.delete('find(1)')],
  ['clear()', (store) => store.clear()],
  ['clear of a beginning of the key', (store) => store.clear('find(')],
  ['clear of the whole key', (store) => store.clear('find(1)')],
  ['a set of the key without a generation', (store, trial) => store.set('find(1)', trial.entry('newer'))],
];

/** What leaves a run for `find(1)` alone. */
const others: readonly (readonly [name: string, invalidate: (store: Store, trial: Trial) => unknown])[] = [
  ['delete of another key', (store) => store.delete('find(2)')],
  ['delete of a beginning of the key', (store) => store.delete('find(')],
  ['clear of another beginning', (store) => store.clear('list(')],
  ['clear of something longer than the key', (store) => store.clear('find(1)x')],
  ['a set of another key', (store, trial) => store.set('find(2)', trial.entry('other'))],
];

/** Capability `fences`: what was computed before an invalidation is not kept after it. */
export const fenceCases: readonly ConformanceCase[] = [
  {
    name: 'a result is kept when nothing has been invalidated since its run began',
    run: async (trial) => {
      const store = await trial.open();
      const generation = await giveGeneration(store);
      await setUnder(trial, store, 'find(1)', 'computed', generation);
      await assertHit(store, 'find(1)', 'computed');
      await setUnder(trial, store, 'find(1)', 'again', generation);
      await assertHit(store, 'find(1)', 'again');
      await setUnder(trial, store, 'find(2)', 'other', generation);
      await assertHit(store, 'find(2)', 'other');
    },
  },
  ...invalidations.map(
    ([name, invalidate]): ConformanceCase => ({
      name: `a result is refused after ${name}, and what is there stays`,
      run: (trial) => checkRefused(trial, invalidate, (store) => store),
    }),
  ),
  {
    name: 'what was set without a generation is read with one where reads take their time, and that is judged like any other',
    run: async (trial) => {
      const store = await trial.open();
      if (store.sync) return;
      await store.set('find(1)', trial.entry('set'));
      const generation = (await store.get('find(1)'))?.generation;
      assert(generation !== undefined, 'there is none');
      await assertJudged(store, 'find(1)', generation, true);
      await store.delete('find(1)');
      await assertJudged(store, 'find(1)', generation, false);
    },
  },
  {
    name: 'a result is refused after the delete of a key that holds nothing',
    run: async (trial) => {
      const store = await trial.open();
      const generation = await giveGeneration(store);
      assert((await store.delete('find(1)')) !== true);
      await assertRefused(trial, store, 'find(1)', generation);
      await assertMiss(store, 'find(1)');
    },
  },
  {
    name: 'a refused result leaves a newer one that a run began after the invalidation',
    run: async (trial) => {
      const store = await trial.open();
      const old = await giveGeneration(store);
      await store.delete('find(1)');
      await setUnder(trial, store, 'find(1)', 'newer', await giveGeneration(store));
      await assertRefused(trial, store, 'find(1)', old);
      await assertHit(store, 'find(1)', 'newer');
    },
  },
  {
    name: 'a generation that is given after an invalidation is as good as any',
    run: async (trial) => {
      const store = await trial.open();
      for (const [, invalidate] of invalidations) {
        await invalidate(store, trial);
        await setUnder(trial, store, 'find(1)', 'computed', await giveGeneration(store));
        await assertHit(store, 'find(1)', 'computed');
      }
    },
  },
  ...others.map(
    ([name, invalidate]): ConformanceCase => ({
      name: `a result is kept after ${name}`,
      run: async (trial) => {
        const store = await trial.open();
        const generation = await giveGeneration(store);
        await invalidate(store, trial);
        await setUnder(trial, store, 'find(1)', 'computed', generation);
        await assertHit(store, 'find(1)', 'computed');
      },
    }),
  ),
  {
    name: 'a result with several tags is refused after one of them was invalidated, one with others is kept',
    run: async (trial) => {
      const store = await trial.open();
      if (store.invalidateTags === undefined) return;
      const generation = await giveGeneration(store);
      await store.invalidateTags(['b', 'never used']);
      assert.equal(await store.isCurrent?.('find(1)', generation, ['a', 'b']), false);
      assert.equal(await store.isCurrent?.('find(2)', generation, ['a', 'bb', 'B', '']), true);
      const refused = await store.set('find(1)', { ...trial.entry('old'), tags: ['a', 'b'], generation });
      assert.equal(refused, false, `set returned ${show(refused)}; its tag b was invalidated after its run began`);
      await assertMiss(store, 'find(1)');
      assert(
        (await store.set('find(2)', { ...trial.entry('kept'), tags: ['a', 'bb', 'B', ''], generation })) !== false,
      );
      await assertHit(store, 'find(2)', 'kept');
      await setUnder(trial, store, 'find(3)', 'untagged', generation);
      await assertHit(store, 'find(3)', 'untagged');
    },
  },
  {
    name: 'a generation that was never given is refused, whatever it is',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('find(1)', trial.entry('there'));
      const given = await giveGeneration(store);
      const made: unknown[] = [
        'x',
        '',
        ':',
        '0',
        -1,
        0.5,
        Number.NaN,
        Infinity,
        -Infinity,
        2 ** 60,
        `${given}0`,
        `${given} `,
      ];
      if (typeof given === 'number') made.push(given + 1, String(given));
      for (const generation of made) await assertRefused(trial, store, 'find(1)', generation as Generation);
      await assertHit(store, 'find(1)', 'there');
    },
  },
  {
    name: 'after thousands of invalidations what began before each of them is still refused',
    run: async (trial) => {
      const store = await trial.open();
      const old = await giveGeneration(store);
      const numbers = Array.from({ length: 2_000 }, (_, index) => index);
      for (const index of numbers) await store.delete(`key:${index}`);
      for (const index of numbers.slice(0, 500)) await store.clear(`part:${index}/`);
      for (const index of [0, 1, 999, 1_000, 1_999]) await assertRefused(trial, store, `key:${index}`, old);
      for (const index of [0, 1, 250, 499]) await assertRefused(trial, store, `part:${index}/x`, old);
      await setUnder(trial, store, 'key:0', 'computed', await giveGeneration(store));
      await assertHit(store, 'key:0', 'computed');
    },
  },
];

/** The same between processes, and from one life of a store to the next. */
export const sharedFenceCases: readonly ConformanceCase[] = [
  ...invalidations.map(
    ([name, invalidate]): ConformanceCase => ({
      name: `a result is refused after ${name} by another process, and what is there stays`,
      run: (trial) => checkRefused(trial, invalidate, () => trial.open()),
    }),
  ),
  {
    name: 'a result is refused after another process has deleted a key that holds nothing',
    run: async (trial) => {
      const store = await trial.open();
      const other = await trial.open();
      const generation = await giveGeneration(store);
      await other.delete('find(1)');
      await assertRefused(trial, store, 'find(1)', generation);
      await assertMiss(store, 'find(1)');
    },
  },
  {
    name: 'a result is refused after another process has invalidated its tag, in whatever namespace',
    run: async (trial) => {
      const store = await trial.open({ namespace: 'a' });
      if (store.invalidateTags === undefined) return;
      const other = await trial.open({ namespace: 'b' });
      const generation = await giveGeneration(store);
      await other.invalidateTags?.(['t']);
      assert.equal(await store.set('find(1)', { ...trial.entry('old'), tags: ['t'], generation }), false);
      await assertMiss(store, 'find(1)');
    },
  },
  {
    name: 'a result is kept after another namespace was cleared, and had the same key deleted and set',
    run: async (trial) => {
      const store = await trial.open({ namespace: 'a' });
      const other = await trial.open({ namespace: 'a/find' });
      const generation = await giveGeneration(store);
      await other.set('find(1)', trial.entry('other'));
      await other.delete('find(1)');
      await other.clear();
      await setUnder(trial, store, 'find(1)', 'computed', generation);
      await assertHit(store, 'find(1)', 'computed');
    },
  },
  {
    name: 'a result that was kept goes with the next invalidation by another process',
    run: async (trial) => {
      const store = await trial.open();
      const other = await trial.open();
      await setUnder(trial, store, 'find(1)', 'computed', await giveGeneration(store));
      await other.delete('find(1)');
      await assertMiss(store, 'find(1)');
      await assertMiss(other, 'find(1)');
    },
  },
  {
    name: 'what was invalidated before close is refused when the place is opened again',
    run: async (trial) => {
      const before = await trial.open();
      const generation = await giveGeneration(before);
      await before.delete('find(1)');
      await before.clear('list(');
      await before.invalidateTags?.(['t']);
      await before.close();
      const after = await trial.open();
      await assertRefused(trial, after, 'find(1)', generation);
      await assertRefused(trial, after, 'list(1)', generation);
      if (after.invalidateTags !== undefined) {
        assert.equal(await after.set('find(2)', { ...trial.entry('old'), tags: ['t'], generation }), false);
      }
      await setUnder(trial, after, 'find(1)', 'computed', await giveGeneration(after));
      await assertHit(after, 'find(1)', 'computed');
    },
  },
];

async function checkRefused(
  trial: Trial,
  invalidate: (store: Store, trial: Trial) => unknown,
  chooseOther: (store: Store) => Store | Promise<Store>,
): Promise<void> {
  const store = await trial.open();
  const other = await chooseOther(store);
  await store.set('find(1)', trial.entry('there'));
  const generation = await giveGeneration(store);
  await invalidate(other, trial);
  const there = (await store.get('find(1)'))?.value;
  await assertRefused(trial, store, 'find(1)', generation);
  assert.deepEqual((await store.get('find(1)'))?.value, there, 'a result that is refused changes nothing');
  assert.deepEqual((await other.get('find(1)'))?.value, there, 'a result that is refused changes nothing elsewhere');
}

/** What the store's counters are now. */
async function giveGeneration(store: Store): Promise<Generation> {
  assert(store.generation, 'the capability fences means that there is generation()');
  const generation = await store.generation();
  const type = typeof generation;
  assert(
    type === 'number' || type === 'string',
    `generation() gave ${show(generation)}; it must be a number or a text`,
  );
  return generation;
}

async function setUnder(
  trial: Trial,
  store: Store,
  key: string,
  value: unknown,
  generation: Generation,
): Promise<void> {
  await assertJudged(store, key, generation, true);
  const kept = await store.set(key, { ...trial.entry(value), generation });
  assert(
    kept !== false,
    `set of ${show(key)} under ${show(generation)} was refused; nothing of it has been invalidated`,
  );
}

/** `isCurrent` says beforehand what `set` will do. */
async function assertJudged(store: Store, key: string, generation: Generation, expected: boolean): Promise<void> {
  assert(store.isCurrent, 'the capability fences means that there is isCurrent()');
  const found = await store.isCurrent(key, generation);
  assert(
    found === expected,
    `isCurrent of ${show(key)} under ${show(generation)} is ${show(found)}; it must be ${show(expected)}`,
  );
}

async function assertRefused(trial: Trial, store: Store, key: string, generation: Generation): Promise<void> {
  await assertJudged(store, key, generation, false);
  const kept = await store.set(key, { ...trial.entry('old'), generation });
  assert(
    kept === false,
    `set of ${show(key)} under ${show(generation)} returned ${show(kept)}; it must be refused (false)`,
  );
}
