import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheTag, closeAllCaches, createCache, invalidateTags } from '@reprise/core';
import { manualClock } from '@reprise/store-testkit';
import { defer, holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)(
  'a call that waits for a run whose labels are known only later, in %s',
  (_kind, makeStore) => {
    function make() {
      const load = holdRuns<[id: string], string>();
      const cache = createCache({ name: 'labels', store: makeStore() });
      return { load, get: cached(load, { cache, name: 'get', tags: (_value, id) => [id] }) };
    }

    it('gets nothing from before the first of two invalidations', async () => {
      const { load, get } = make();
      const before = get('a');
      await settle();
      await invalidateTags(['a']);
      const between = get('a');
      await settle();
      await invalidateTags(['a']);
      load.runs[0]?.resolve('old');
      await settle();
      load.runs[1]?.resolve('new');
      expect([await before, await between]).toEqual(['old', 'new']);
    });

    it('keeps what it had to load anew', async () => {
      const { load, get } = make();
      void get('a');
      await settle();
      await invalidateTags(['a']);
      const after = get('a');
      load.runs[0]?.resolve('old');
      await settle();
      load.runs[1]?.resolve('new');
      expect(await after).toBe('new');
      await settle();
      expect(await get('a')).toBe('new');
      expect(load.runs).toHaveLength(2);
    });

    it('has no label of a result that it was not answered with', async () => {
      const cache = createCache({ name: 'labels', store: makeStore() });
      const load = holdRuns<[], string>();
      const inner = cached(load, { cache, name: 'inner', tags: (label) => [label] });
      const begin = defer();
      const outer = cached(
        async () => {
          await begin.promise;
          return `made of ${await inner()}`;
        },
        { cache, name: 'outer' },
      );
      void inner();
      const made = outer();
      await settle();
      await invalidateTags(['old']);
      begin.resolve();
      await settle();
      load.runs[0]?.resolve('old');
      await settle();
      load.runs[1]?.resolve('new');
      expect(await made).toBe('made of new');
      await settle();
      expect(await outer.peek()).toBe('made of new');
    });
  },
);

describe.each(storeKinds)('a call that finds a run under way, in %s', (_kind, makeStore) => {
  it.each([
    ['by its options', true],
    ['by what it said inside', false],
  ])('does not wait for it where a label that it has %s was invalidated', async (_how, isOption) => {
    const load = holdRuns<[id: string], string>();
    const get = cached(
      (id: string) => {
        if (!isOption) cacheTag('label');
        return load(id);
      },
      {
        cache: createCache({ name: 'labels', store: makeStore() }),
        name: 'get',
        ...(isOption && { tags: ['label'] }),
      },
    );
    const before = get('a');
    await settle();
    await invalidateTags(['other']);
    const joined = get('a');
    await settle();
    expect(load.runs).toHaveLength(1);
    await invalidateTags(['label']);
    const after = get('a');
    await settle();
    load.runs[1]?.resolve('new');
    expect(await after).toBe('new');
    load.runs[0]?.resolve('old');
    expect([await before, await get('a')]).toEqual(['old', 'new']);
    expect(['old', 'new']).toContain(await joined);
    expect(load.runs).toHaveLength(2);
  });
});

describe.each(storeKinds)('a call that waits for a run that was given up for a label, in %s', (_kind, makeStore) => {
  /** A function whose entry is past its ttl, and whose runs get a label. */
  async function pastItsTtl(name: string) {
    const clock = manualClock(1_700_000_000_000);
    const held = holdRuns<[], string>();
    const load = cached(
      () => {
        cacheTag('label');
        return held();
      },
      { cache: createCache({ name, store: makeStore(), clock }), name: 'load', ttl: 1_000, staleIfError: '1h' },
    );
    await load.set([], 'old');
    await settle();
    clock.advance(1_000);
    return { held, load };
  }

  it.each([
    ['is answered stale when it fails', false],
    ['is answered nothing from before an invalidation', true],
  ])('%s', async (_what, isInvalidated) => {
    const { held, load } = await pastItsTtl('labels');
    const refresh = load.refresh();
    const waiting = load();
    await settle();
    await invalidateTags(['label']);
    const later = load();
    await settle();
    held.runs[1]?.resolve('new');
    expect(await later).toBe('new');
    if (isInvalidated) await load.invalidate();
    held.runs[0]?.reject(new Error('down'));
    await expect(refresh).rejects.toThrow('down');
    if (isInvalidated) await expect(waiting).rejects.toThrow('down');
    else expect(await waiting).toBe('old');
  });

  it.each([
    ['that began it is answered stale when it fails', false],
    ['that began it is answered nothing from before an invalidation', true],
  ])('%s', async (_what, isInvalidated) => {
    const { held, load } = await pastItsTtl('begun');
    const first = load();
    await settle();
    await invalidateTags(['label']);
    const later = load();
    await settle();
    held.runs[1]?.resolve('new');
    expect(await later).toBe('new');
    if (isInvalidated) await load.invalidate();
    held.runs[0]?.reject(new Error('down'));
    if (isInvalidated) await expect(first).rejects.toThrow('down');
    else expect(await first).toBe('old');
  });
});
