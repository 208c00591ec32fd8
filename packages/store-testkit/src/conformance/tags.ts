import assert from 'node:assert/strict';
import { assertHit, assertMiss, type ConformanceCase, listEntries, type Trial } from './case.ts';

const strange: readonly (readonly [name: string, tag: string])[] = [
  ['the empty text', ''],
  ['quotes', `a'b"c\`d`],
  ['wildcards', 'a%_*?[b]'],
  ['separators', 'a,b;c:d|e/f\\g\n'],
  ['NUL', 'a\u0000b'],
  ['a lone surrogate', '\ud800'],
  ['emoji', '🎈'],
  ['a name of Object.prototype', '__proto__'],
  ['64 KB', `${'t'.repeat(65_536)}a`],
];

/** Capability `tags`: whatever carries a label goes with it. */
export const tagCases: readonly ConformanceCase[] = [
  {
    name: 'entries with an invalidated tag are gone, all others stay',
    run: async (trial) => {
      const store = await trial.open();
      await setTagged(trial, store, { a: ['t'], b: ['t', 'u'], c: ['u'], d: ['T', 'tt', 't '], e: [] });
      await store.set('plain', trial.entry('plain'));
      await store.invalidateTags?.(['t']);
      for (const key of ['a', 'b']) await assertMiss(store, key);
      for (const key of ['c', 'd', 'e', 'plain']) await assertHit(store, key, key);
    },
  },
  {
    name: 'entries with an invalidated tag are neither listed nor pruned as ended ones nor deleted twice',
    run: async (trial) => {
      const store = await trial.open();
      await setTagged(trial, store, { a: ['t'], b: ['u'] });
      await store.invalidateTags?.(['t']);
      if (store.entries) assert.deepEqual([...(await listEntries(store)).keys()], ['b']);
      assert((await store.delete('a')) !== true, 'there was no entry any more');
      await store.prune?.();
      if (store.size) assert.equal(await store.size(), 1);
    },
  },
  {
    name: 'several tags at once void what carries any of them, named twice or not',
    run: async (trial) => {
      const store = await trial.open();
      await setTagged(trial, store, { a: ['t'], b: ['u'], c: ['t', 'u'], d: ['v'] });
      await store.invalidateTags?.(['t', 'u', 't', 'none has this']);
      for (const key of ['a', 'b', 'c']) await assertMiss(store, key);
      await assertHit(store, 'd', 'd');
    },
  },
  {
    name: 'a tag that nothing carries, and no tag at all, void nothing',
    run: async (trial) => {
      const store = await trial.open();
      await store.invalidateTags?.(['never seen']);
      await setTagged(trial, store, { a: ['t'] });
      await store.invalidateTags?.(['never seen']);
      await store.invalidateTags?.([]);
      await assertHit(store, 'a', 'a');
    },
  },
  {
    name: 'what is set after an invalidation is kept, and goes with the next one',
    run: async (trial) => {
      const store = await trial.open();
      for (let round = 0; round < 3; round++) {
        await setTagged(trial, store, { a: ['t'], b: ['t', 'u'] });
        await assertHit(store, 'a', 'a');
        await assertHit(store, 'b', 'b');
        await store.invalidateTags?.([round === 1 ? 'u' : 't']);
        if (round === 1) await assertHit(store, 'a', 'a');
        else await assertMiss(store, 'a');
        await assertMiss(store, 'b');
      }
    },
  },
  {
    name: 'the tags of an entry that was replaced are forgotten with it',
    run: async (trial) => {
      const store = await trial.open();
      await setTagged(trial, store, { a: ['old'], b: ['old'] });
      await setTagged(trial, store, { a: ['new'] });
      await store.set('b', trial.entry('b'));
      await store.invalidateTags?.(['old']);
      await assertHit(store, 'a', 'a');
      await assertHit(store, 'b', 'b');
      await store.invalidateTags?.(['new']);
      await assertMiss(store, 'a');
      await assertHit(store, 'b', 'b');
    },
  },
  {
    name: 'a tag on more than a thousand entries voids them all, and an entry with 150 tags goes with each',
    run: async (trial) => {
      const store = await trial.open();
      const many = Array.from({ length: 150 }, (_, index) => `tag:${index}`);
      for (let index = 0; index < 1_200; index++) {
        await store.set(`key:${index}`, { ...trial.entry(index), tags: ['t', `own:${index}`] });
      }
      await store.set('many', { ...trial.entry('many'), tags: many });
      await store.invalidateTags?.(['t']);
      for (const index of [0, 1, 500, 998, 999, 1_000, 1_199]) await assertMiss(store, `key:${index}`);
      await assertHit(store, 'many', 'many');
      await store.invalidateTags?.(['tag:149']);
      await assertMiss(store, 'many');
    },
  },
  {
    name: 'entries with errors, without end and in their stale window go as well',
    run: async (trial) => {
      const store = await trial.open();
      await store.set('error', { ...trial.failure(new Error('down')), tags: ['t'] });
      await store.set('endless', { ...trial.entry(1), expiresAt: Infinity, staleUntil: Infinity, tags: ['t'] });
      await store.set('stale', { ...trial.entry(2, 1_000, 5_000), tags: ['t'] });
      trial.clock.advance(2_000);
      await store.invalidateTags?.(['t']);
      for (const key of ['error', 'endless', 'stale']) await assertMiss(store, key);
    },
  },
  ...strange.map(
    ([name, tag]): ConformanceCase => ({
      name: `a tag is any text: ${name}`,
      run: async (trial) => {
        const store = await trial.open();
        await setTagged(trial, store, {
          it: [tag],
          longer: [`${tag}x`],
          shorter: [tag === '' ? ' ' : tag.slice(0, -1)],
          other: ['\ufffd', 'a', 'b', '%'],
        });
        await store.invalidateTags?.([tag]);
        await assertMiss(store, 'it');
        for (const key of ['longer', 'shorter', 'other']) await assertHit(store, key, key);
      },
    }),
  ),
];

/** The same for several stores on one place. */
export const sharedTagCases: readonly ConformanceCase[] = [
  {
    name: 'an invalidated tag is void in every namespace of the place',
    run: async (trial) => {
      const stores = [await trial.open(), await trial.open({ namespace: 'a' }), await trial.open({ namespace: 'a/b' })];
      for (const store of stores) await setTagged(trial, store, { k: ['t'], l: ['u'] });
      await stores[1]?.invalidateTags?.(['t']);
      for (const store of stores) {
        await assertMiss(store, 'k');
        await assertHit(store, 'l', 'l');
        if (store.size) assert.equal(await store.size(), 1);
      }
    },
  },
  {
    name: 'what another process has set goes with its tag, and what was invalidated is gone when the place is opened again',
    run: async (trial) => {
      const store = await trial.open();
      const other = await trial.open();
      await setTagged(trial, store, { a: ['t'], b: ['u'] });
      await other.invalidateTags?.(['t']);
      await assertMiss(store, 'a');
      await assertMiss(other, 'a');
      await assertHit(other, 'b', 'b');
      await store.close();
      await other.close();
      const again = await trial.open();
      await assertMiss(again, 'a');
      await assertHit(again, 'b', 'b');
      await again.invalidateTags?.(['u']);
      await assertMiss(again, 'b');
    },
  },
];

/** Sets entries whose values are their keys. */
async function setTagged(
  trial: Trial,
  store: Awaited<ReturnType<Trial['open']>>,
  tagsByKey: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  assert(store.invalidateTags, 'the capability tags means that there is invalidateTags()');
  for (const [key, tags] of Object.entries(tagsByKey)) await store.set(key, { ...trial.entry(key), tags });
}
