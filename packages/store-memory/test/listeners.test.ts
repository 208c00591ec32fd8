import { describe, expect, it } from '@jest/globals';
import { clock, entry, keysOf, listen, make, record } from './fixture.ts';

describe('listeners', () => {
  it('hear of evictions and sweeps, and not of delete, clear or replacement', () => {
    const store = make({ maxSize: 2 });
    const heard = listen(store);
    store.set('a', entry(1));
    store.set('a', entry(2));
    store.delete('a');
    store.set('b', entry(1));
    store.clear();
    store.set('x', entry(1, 1_000));
    store.direct.keep(1, record(1));
    store.direct.drop(1);
    store.direct.keep(2, record(2, 2_000));
    expect(heard.removed).toEqual([]);
    clock.advance(1_000);
    expect(store.get('x')).toBeUndefined();
    expect(heard.removed).toEqual([['x', 'expire']]);
    clock.advance(1_000);
    expect(store.prune()).toBe(1);
    for (const key of ['c', 'd', 'e']) store.set(key, entry(key));
    store.direct.keep(undefined, record(1));
    store.direct.keep(null, record(1));
    store.direct.keep(3, record(1));
    expect(heard.removed).toEqual([
      ['x', 'expire'],
      [2, 'expire'],
      ['c', 'evict'],
      ['d', 'evict'],
      ['e', 'evict'],
      [undefined, 'evict'],
    ]);
  });

  it('may use the store, and are told of what that evicts', () => {
    const store = make({ maxSize: 2 });
    const heard: unknown[] = [];
    store.listen({
      removed: (key) => {
        heard.push(key);
        if (heard.length < 5) store.set(`again ${heard.length}`, entry(1));
      },
    });
    for (const key of ['a', 'b', 'c']) store.set(key, entry(key));
    expect(heard).toEqual(['a', 'b', 'c', 'again 1', 'again 2']);
    expect(keysOf(store)).toEqual(['again 3', 'again 4']);
  });

  it('that throw cost nobody anything, and are reported to those who listen for failures', () => {
    const store = make({ maxSize: 1 });
    const thrown = new Error('listener');
    store.listen({
      removed: () => {
        throw thrown;
      },
      failed: () => {
        throw new Error('worse');
      },
    });
    const heard = listen(store);
    store.set('a', entry(1));
    expect(store.set('b', entry(2))).toBe(true);
    expect(heard).toEqual({ removed: [['a', 'evict']], failed: [[thrown, undefined]] });
  });

  it('hear of what was kept before they came', () => {
    const store = make({ maxSize: 2 });
    store.direct.keep(1, record(1));
    store.direct.keep(2, record(2));
    store.direct.find(1);
    const heard = listen(store);
    store.direct.keep(3, record(3));
    expect(heard.removed).toEqual([[2, 'evict']]);
  });

  it('leave one at a time', () => {
    const store = make({ maxSize: 1 });
    let heard = 0;
    const listener = {
      removed: () => {
        heard++;
      },
    };
    const leave = store.listen(listener);
    store.listen(listener);
    store.set('a', entry(1));
    store.set('b', entry(1));
    expect(heard).toBe(2);
    leave();
    leave();
    store.set('c', entry(1));
    expect(heard).toBe(3);
  });
});
