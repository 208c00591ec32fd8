import { describe, expect, it } from '@jest/globals';
import { RepriseError } from '@reprise/store';
import { clock, entry, keysOf, listen, make, makeCounted, record } from './fixture.ts';

describe('eviction by weight', () => {
  const sizeOf = (value: number): number => value;

  it('keeps maxBytes: 3 with a size 1 and a size 2, declines a size 4 that evicts nobody, and drops what it would replace', () => {
    const store = make({ maxBytes: 3, sizeOf });
    expect(store.set('one', entry(1))).toBe(true);
    expect(store.set('two', entry(2))).toBe(true);
    expect(store.set('four', entry(4))).toBe(false);
    expect(keysOf(store)).toEqual(['one', 'two']);
    expect(store.set('one', entry(4))).toBe(false);
    expect(keysOf(store)).toEqual(['two']);
    expect(store.set('three', entry(3))).toBe(true);
    expect(keysOf(store)).toEqual(['three']);
  });

  it('counts fractions and nothing', () => {
    const store = make({ maxBytes: 1, sizeOf });
    for (let index = 0; index < 10; index++) store.set(`tenth${index}`, entry(0.1));
    expect(store.size()).toBeGreaterThanOrEqual(9);
    for (let index = 0; index < 50; index++) store.set(`nothing${index}`, entry(0));
    expect(store.size()).toBeGreaterThanOrEqual(59);
    store.set('whole', entry(1));
    expect(store.get('whole')?.value).toBe(1);
  });

  it('gives back what leaves, whichever way it goes, down to the last fraction', () => {
    const store = make({ maxBytes: 1, maxSize: 40, sizeOf });
    for (let round = 0; round < 300; round++) {
      for (let index = 0; index < 7; index++)
        store.set(`k${index}`, entry(0.1 + index / 100, index === 3 ? 10 : Infinity));
      store.delete('k0');
      clock.advance(10);
      if (round % 3 === 0) store.prune();
      if (round % 5 === 0) store.clear('k1');
      if (round % 7 === 0) store.clear();
    }
    store.clear('');
    expect(store.set('whole', entry(1))).toBe(true);
    expect(store.get('whole')?.value).toBe(1);
  });

  it('takes the weight that an entry brings along before that of sizeOf', () => {
    const store = make({ maxBytes: 10, sizeOf: () => 100 });
    expect(store.set('light', { ...entry('x'), size: 3 })).toBe(true);
    expect(store.get('light')?.size).toBe(3);
    const heavy = record('x');
    heavy.rest = { size: 11 };
    expect(store.direct.keep('heavy', heavy)).toBe(false);
    expect(store.set('weighed', entry('x'))).toBe(false);
  });

  it.each([
    ['NaN', () => Number.NaN],
    ['a negative number', () => -1],
    ['text', () => '5'],
    ['nothing', () => undefined],
    ['a promise', async () => 1],
  ])('keeps no value for which sizeOf gives %s, reports it once, and leaves the other entries', (_, broken) => {
    let weigh: (value: unknown) => number = () => 1;
    const store = make({ maxBytes: 5, sizeOf: (value) => weigh(value) });
    const heard = listen(store);
    store.set('other', entry(1));
    store.set('same', entry(1));
    weigh = broken as never;
    expect(store.set('same', entry(2))).toBe(false);
    expect(store.direct.keep('direct', record(2))).toBe(false);
    expect(keysOf(store)).toEqual(['other']);
    expect(heard.failed.map(([error, key]) => [(error as RepriseError).code, key])).toEqual([
      ['E_SIZE', 'same'],
      ['E_SIZE', undefined],
    ]);
    expect(heard.removed).toEqual([]);
  });

  it('keeps no value for which sizeOf throws, and passes on what was thrown', () => {
    const thrown = new Error('cannot weigh');
    const store = make({
      maxBytes: 5,
      sizeOf: () => {
        throw thrown;
      },
    });
    const heard = listen(store);
    expect(store.set('k', entry(1))).toBe(false);
    const [[error]] = heard.failed as [[RepriseError, string]];
    expect(error).toBeInstanceOf(RepriseError);
    expect([error.code, error.cause, heard.failed.length]).toEqual(['E_SIZE', thrown, 1]);
  });

  it('weighs remembered errors as nothing, without showing them to sizeOf', () => {
    const store = make({ maxBytes: 1, sizeOf: (text: string) => text.length });
    const { value: _, ...times } = entry(0);
    expect(store.set('k', { ...times, error: new Error('down') })).toBe(true);
    expect(store.get('k')?.error).toEqual(new Error('down'));
  });

  it('takes Infinity for too heavy, not for a failure', () => {
    const store = make({ sizeOf: () => Infinity });
    const heard = listen(store);
    expect([store.set('k', entry(1)), heard.failed.length]).toEqual([false, 0]);
  });

  it('lets the expired go first', () => {
    const store = make({ maxBytes: 3, sizeOf: () => 1 });
    store.set('old', entry(1));
    store.set('short', entry(1, 1_000));
    store.set('middle', entry(1));
    clock.advance(1_000);
    store.set('new', entry(1));
    expect(keysOf(store)).toEqual(['middle', 'new', 'old']);
  });

  it('finds the expired among a hundred, though there were more before', () => {
    const store = make({ maxBytes: 120, maxSize: 1_000, sizeOf });
    for (let index = 0; index < 119; index++) store.set(`k${index}`, entry(1));
    store.set('short', entry(1, 1_000));
    for (let index = 0; index < 30; index++) store.delete(`k${index}`);
    clock.advance(1_000);
    store.set('heavy', entry(31));
    expect(store.size()).toBe(90);
    expect(keysOf(store)).toContain('k30');
    expect(store.prune()).toBe(0);
  });

  it('asks the clock no more once the entries with an end are gone', () => {
    const { store, countReads } = makeCounted({ maxBytes: 130, maxSize: 1_000, sizeOf });
    for (let index = 0; index < 130; index++) store.direct.keep(index, record(1));
    for (let index = 0; index < 80; index++) store.direct.drop(index);
    store.direct.keep('short', record(1, 1_000));
    store.direct.drop('short');
    clock.advance(1_000);
    store.direct.keep('heavy', record(81));
    expect(countReads()).toBe(1);
    for (let index = 0; index < 20; index++) store.direct.keep(index, record(1));
    expect(countReads()).toBe(0);
  });

  it('keeps both bounds, of which either may be lowered and raised', () => {
    const store = make({ maxSize: 5, maxBytes: 10, sizeOf });
    for (let index = 0; index < 5; index++) store.set(`k${index}`, entry(2));
    store.resize({ maxBytes: 4 });
    expect(keysOf(store)).toEqual(['k3', 'k4']);
    store.resize({ maxBytes: 100 });
    for (let index = 0; index < 9; index++) store.set(`k${index}`, entry(2));
    expect(store.size()).toBe(5);
    store.resize({ maxSize: 2 });
    expect(keysOf(store)).toEqual(['k7', 'k8']);
    store.resize({ maxSize: 0 });
    expect(store.set('k', entry(1))).toBe(false);
    store.resize({ maxSize: 3 });
    expect(store.set('k', entry(1))).toBe(true);
  });
});
