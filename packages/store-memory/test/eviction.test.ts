import { describe, expect, it } from '@jest/globals';
import { LRUCache } from 'lru-cache';
import { clock, entry, keysOf, listen, make, makeCounted, record } from './fixture.ts';

describe('eviction by number', () => {
  it('takes the least recently used: set a and b, get a, set c, and b is gone', () => {
    const store = make({ maxSize: 2 });
    store.set('a', entry(1));
    store.set('b', entry(2));
    store.get('a');
    store.set('c', entry(3));
    expect(keysOf(store)).toEqual(['a', 'c']);
  });

  it('counts a set of the same key as a use, but not listing, counting or sweeping', () => {
    const store = make({ maxSize: 2 });
    store.set('a', entry(1));
    store.set('b', entry(2));
    store.set('a', entry(3));
    for (const _ of store.entries()) store.size();
    store.prune();
    store.set('c', entry(4));
    expect(keysOf(store)).toEqual(['a', 'c']);
  });

  it('keeps 10,000 entries when not told otherwise', () => {
    const store = make();
    for (let index = 0; index < 10_100; index++) store.set(`k${index}`, entry(index));
    expect(store.size()).toBe(10_000);
    expect(store.get('k99')).toBeUndefined();
    expect(store.get('k100')?.value).toBe(100);
  });

  it('keeps the order of use while it grows', () => {
    const store = make({ maxSize: 100 });
    for (let index = 0; index < 100; index++) {
      store.set(`k${index}`, entry(index));
      store.get('k0');
    }
    for (let index = 100; index < 150; index++) store.set(`k${index}`, entry(index));
    expect(store.get('k0')?.value).toBe(0);
    for (let index = 1; index <= 50; index++) expect(store.get(`k${index}`)).toBeUndefined();
    for (let index = 51; index < 150; index++) expect(store.get(`k${index}`)?.value).toBe(index);
  });

  it('with maxSize 0 keeps nothing and says so', () => {
    const store = make({ maxSize: 0 });
    expect(store.set('a', entry(1))).toBe(false);
    expect(store.direct.keep('a', record(1))).toBe(false);
    expect([store.get('a'), store.size(), store.direct.count()]).toEqual([undefined, 0, 0]);
  });

  it('with maxSize Infinity keeps everything', () => {
    const store = make({ maxSize: Infinity });
    for (let index = 0; index < 20_000; index++) store.set(`k${index}`, entry(index));
    expect(store.size()).toBe(20_000);
  });

  it('bounds the text form and the direct form together', () => {
    const store = make({ maxSize: 3 });
    store.set('a', entry(1));
    store.direct.keep('a', record(2));
    store.set('b', entry(3));
    store.direct.keep('b', record(4));
    expect(store.get('a')).toBeUndefined();
    expect([store.direct.find('a')?.value, store.get('b')?.value, store.direct.find('b')?.value]).toEqual([2, 3, 4]);
    expect(store.size() + store.direct.count()).toBe(3);
  });
});

describe('eviction of what has expired', () => {
  it('comes before any living entry, wherever it stands, in stores of up to 100', () => {
    for (const maxSize of [1, 2, 17, 99, 100]) {
      for (const at of [0, Math.floor(maxSize / 2), maxSize - 1]) {
        const store = make({ maxSize });
        for (let index = 0; index < maxSize; index++)
          store.set(`k${index}`, entry(index, index === at ? 1_000 : 5_000));
        clock.advance(1_000);
        store.set('new', entry('new'));
        expect(keysOf(store)).toEqual(
          [...Array(maxSize).keys()]
            .filter((index) => index !== at)
            .map((index) => `k${index}`)
            .concat('new')
            .sort(),
        );
      }
    }
  });

  it('comes first again after records with an end have come and gone', () => {
    const store = make({ maxSize: 10 });
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 10; index++) store.set(`live${index}`, entry(index, 100_000));
      store.set('short', entry('x', 10));
      clock.advance(10);
      for (let index = 0; index < 9; index++) store.get(`live${index}`);
      const living = keysOf(store);
      store.set(`new${round}`, entry(round, 100_000));
      expect(keysOf(store)).toEqual([...living, `new${round}`].sort());
    }
  });

  it('is not searched for when a key is only replaced', () => {
    const store = make({ maxSize: 3 });
    const heard = listen(store);
    for (const key of ['a', 'b', 'c']) store.set(key, entry(key, key === 'c' ? 1_000 : 5_000));
    clock.advance(1_000);
    store.set('a', entry('again'));
    expect(heard.removed).toEqual([]);
    expect(store.direct.count() + store.size()).toBe(3);
  });

  it('finds the expired beyond 100 by a bounded search that goes on where it ended', () => {
    const store = make({ maxSize: 1_000 });
    const heard = listen(store);
    for (let index = 0; index < 500; index++) store.direct.keep(index, record(index, 100_000));
    for (let index = 500; index < 1_000; index++) store.direct.keep(index, record(index, 1_000));
    clock.advance(1_000);
    for (let index = 1_000; index < 3_500; index++) store.direct.keep(index, record(index, 100_000));
    const swept = heard.removed.filter(([, cause]) => cause === 'expire').length;
    expect(swept).toBeGreaterThan(400);
    expect(store.direct.count()).toBe(1_000);
  });

  it('keeps finding them while others are read, replaced and removed', () => {
    const store = make({ maxSize: 500 });
    const heard = listen(store);
    for (let index = 0; index < 500; index++)
      store.direct.keep(index, record(index, index % 5 === 0 ? 1_000 : 100_000));
    clock.advance(1_000);
    for (let index = 500; index < 1_500; index++) {
      store.direct.find(index - 200);
      store.direct.drop(index - 100);
      store.direct.keep(index - 150, record('again', 100_000));
      store.direct.keep(index, record(index, 100_000));
      store.direct.keep(-index, record(index, 100_000));
    }
    const ended = new Set(heard.removed.filter(([, cause]) => cause === 'expire').map(([key]) => key));
    expect(ended.size).toBeGreaterThan(70);
    for (const key of ended) expect((key as number) % 5).toBe(0);
  });

  it('does without the slots of lru-cache, should a version of it not show them', () => {
    const { unsafeExposeInternals } = LRUCache;
    LRUCache.unsafeExposeInternals = undefined as never;
    try {
      for (const maxSize of [5, 100, 300]) {
        const store = make({ maxSize });
        for (let index = 0; index < maxSize; index++) store.set(`k${index}`, entry(index, index === 3 ? 1_000 : 5_000));
        clock.advance(1_000);
        store.set('new', entry('new'));
        expect(store.get('k0')?.value).toBe(0);
        expect(store.size()).toBe(maxSize);
        store.set('newer', entry('newer'));
        expect([store.get('k1'), store.get('k0')?.value, store.direct.find(undefined)]).toEqual([
          undefined,
          0,
          undefined,
        ]);
      }
    } finally {
      LRUCache.unsafeExposeInternals = unsafeExposeInternals;
    }
  });

  it('asks the clock only while a record may have expired', () => {
    for (const maxSize of [3, 300]) {
      const { store, countReads } = makeCounted({ maxSize });
      for (let index = 0; index < 1_000; index++) store.direct.keep(index, record(index));
      for (let index = 0; index < 1_000; index++) store.direct.find(index);
      expect(countReads()).toBe(0);
      store.direct.keep('ends', record(1, 1_000));
      store.direct.keep('more', record(1));
      expect(countReads()).toBe(maxSize === 3 ? 1 : 0);
      clock.advance(1_000);
      store.direct.keep('most', record(1));
      expect(countReads()).toBe(1);
    }
  });

  it('stops searching once the records with an end are gone', () => {
    for (const maxSize of [50, 300]) {
      const { store, countReads } = makeCounted({ maxSize });
      // Twice, as what one round of the search has seen must not be left over for the next.
      for (const ttl of [1_000, 2_000]) {
        store.direct.keep('ends', record(1, ttl));
        for (let index = 0; index < maxSize; index++)
          store.direct.keep(index, record(index, index < 5 ? 2_000 : Infinity));
        clock.advance(ttl);
        for (let index = 0; index < 2_000; index++) store.direct.keep(`new${ttl}:${index}`, record(index));
      }
      countReads();
      for (let index = 0; index < 2_000; index++) store.direct.keep(`more:${index}`, record(index));
      expect(countReads()).toBe(0);
    }
  });

  it('rests after a search in vain, so that a full store pays for two looks an eviction at most', () => {
    const { store, countReads } = makeCounted({ maxSize: 5_000 });
    store.direct.keep('ends', record(1, 1_000));
    for (let index = 0; index < 5_000; index++) store.direct.keep(index, record(index, 100_000));
    clock.advance(1_000);
    for (let index = 5_000; index < 7_000; index++) store.direct.keep(index, record(index, 100_000));
    const reads = countReads();
    expect(reads).toBeGreaterThan(30);
    expect(reads).toBeLessThan(50);
  });

  it('counts time without a read too', () => {
    const store = make({ maxSize: 2 });
    store.set('idle', { ...entry(1), idle: 1_000 });
    store.set('a', entry(2));
    store.get('idle');
    store.get('a');
    store.get('idle');
    clock.advance(1_000);
    store.set('b', entry(3));
    expect(keysOf(store)).toEqual(['a', 'b']);
  });

  it('goes by staleUntil, not by expiresAt', () => {
    const store = make({ maxSize: 2 });
    store.set('old', entry(1));
    store.set('stale', { ...entry(2, 1_000), staleUntil: clock.now() + 2_000 });
    clock.advance(1_500);
    store.set('new', entry(3));
    expect(keysOf(store)).toEqual(['new', 'stale']);
  });
});

describe('resize', () => {
  it('to a lower maxSize takes the expired first, then the least recently used', () => {
    const store = make({ maxSize: 50 });
    const heard = listen(store);
    for (let index = 0; index < 50; index++) store.set(`k${index}`, entry(index, index % 2 === 0 ? 1_000 : Infinity));
    clock.advance(1_000);
    store.resize({ maxSize: 10 });
    expect(keysOf(store)).toEqual([31, 33, 35, 37, 39, 41, 43, 45, 47, 49].map((index) => `k${index}`));
    expect(heard.removed.filter(([, cause]) => cause === 'expire').length).toBe(25);
    expect(heard.removed.filter(([, cause]) => cause === 'evict').length).toBe(15);
  });

  it('to a first maxSize takes the expired first, then what was kept the longest ago', () => {
    const store = make({ maxSize: Infinity });
    const heard = listen(store);
    for (let index = 0; index < 50; index++) store.set(`k${index}`, entry(index, index % 2 === 0 ? 1_000 : Infinity));
    store.set('k1', entry('again'));
    store.get('k3');
    clock.advance(1_000);
    store.resize({ maxSize: 3 });
    expect(keysOf(store)).toEqual(['k1', 'k47', 'k49']);
    expect(heard.removed.filter(([, cause]) => cause === 'expire').length).toBe(25);
    expect(heard.removed.filter(([, cause]) => cause === 'evict').length).toBe(22);
    store.get('k1');
    store.get('k47');
    store.set('new', entry('new'));
    expect(keysOf(store)).toEqual(['k1', 'k47', 'new']);
  });

  it('to a first maxSize of more than there is takes nobody, and is kept from then on', () => {
    const store = make({ maxSize: Infinity });
    for (let index = 0; index < 100; index++) store.set(`k${index}`, entry(index));
    store.resize({ maxSize: 150 });
    expect(store.size()).toBe(100);
    for (let index = 100; index < 200; index++) store.set(`k${index}`, entry(index));
    expect([store.size(), store.get('k49'), store.get('k50')?.value]).toEqual([150, undefined, 50]);
  });

  it('to 0 empties a store without bounds, which keeps nothing until there is room again', () => {
    const store = make({ maxSize: Infinity });
    store.set('a', entry('a'));
    store.resize({ maxSize: 0 });
    expect([store.size(), store.set('b', entry('b')), store.get('a')]).toEqual([0, false, undefined]);
    store.resize({ maxSize: Infinity });
    expect([store.set('b', entry('b')), store.get('b')?.value]).toEqual([true, 'b']);
  });

  it('to Infinity where there was none before changes nothing', () => {
    const store = make({ maxSize: Infinity });
    store.set('a', entry('a'));
    store.resize({ maxSize: Infinity });
    store.clear();
    store.set('b', entry('b', 1_000));
    clock.advance(1_000);
    expect([store.prune(), store.size(), store.get('a')]).toEqual([1, 0, undefined]);
  });

  it('to a higher maxSize keeps the entries and their order', () => {
    const store = make({ maxSize: 3 });
    for (const key of ['a', 'b', 'c']) store.set(key, entry(key));
    store.get('a');
    store.resize({ maxSize: 4 });
    store.set('d', entry('d'));
    store.set('e', entry('e'));
    expect(keysOf(store)).toEqual(['a', 'c', 'd', 'e']);
  });
});
