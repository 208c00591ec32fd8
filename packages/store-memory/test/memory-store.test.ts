import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Entry, MemoryRecord, memoryEpoch, StoreError } from '@reprise/store';
import { manualClock } from '@reprise/store-testkit';
import { memoryStore } from '../src/index.ts';

const record = (value: unknown, ttl = Infinity): MemoryRecord => {
  const now = Date.now() - memoryEpoch;
  return new MemoryRecord(value, now, now + ttl, undefined);
};
const entry = (now: number, value: unknown, ttl = Infinity): Entry => ({
  value,
  createdAt: now,
  expiresAt: now + ttl,
  staleUntil: now + ttl,
});

afterEach(() => {
  jest.useRealTimers();
});

describe('memoryStore', () => {
  it('says what it is', () => {
    const store = memoryStore();
    expect([store.name, store.sync, store.persistent]).toEqual(['memory', true, false]);
    expect(store.capabilities).toEqual({ iteration: true, bounds: true, prune: true, touch: true });
  });

  it('answers the very value that was set, and the very error', () => {
    const store = memoryStore();
    const value = { list: [1] };
    const error = new Error('down');
    store.set('value', entry(0, value));
    const { value: _, ...times } = entry(0, 0);
    store.set('error', { ...times, error });
    expect(store.get('value')?.value).toBe(value);
    expect(store.get('error')?.error).toBe(error);
  });

  it('declines an entry whose end has come, and drops the older one', () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    store.set('k', entry(0, 'old'));
    expect(store.set('k', entry(0, 'new', 0))).toBe(false);
    expect(store.get('k')).toBeUndefined();
  });

  it('says of an entry whose end has come that there was none to delete', () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    store.set('k', entry(0, 'v', 10));
    clock.advance(10);
    expect(store.size()).toBe(1);
    expect(store.delete('k')).toBe(false);
    expect(store.size()).toBe(0);
  });

  it('lets an entry with idle time go unless it is touched, and never past its own end', () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    store.set('read', { ...entry(0, 'v', 2_500), idle: 1_000 });
    store.set('unread', { ...entry(0, 'v', 2_500), idle: 1_000 });
    clock.advance(900);
    expect(store.get('read')?.value).toBe('v');
    expect([...store.entries()].length).toBe(2);
    store.size();
    store.prune();
    store.touch?.('read');
    clock.advance(100);
    expect(store.get('unread')).toBeUndefined();
    clock.advance(800);
    expect(store.get('read')?.value).toBe('v');
    store.touch?.('read');
    clock.advance(699);
    expect(store.get('read')?.value).toBe('v');
    clock.advance(1);
    expect(store.get('read')).toBeUndefined();
  });

  it('takes the clock of the first cache that has one, unless it was given one', () => {
    const given = manualClock();
    const early = manualClock(5);
    const late = manualClock(500);
    const store = memoryStore({ clock: given });
    store.useClock(late);
    store.set('k', entry(0, 'v', 10));
    expect(store.get('k')?.value).toBe('v');
    const open = memoryStore();
    open.useClock(early);
    open.useClock(late);
    open.set('k', entry(5, 'v', 10));
    expect(open.get('k')?.value).toBe('v');
    early.advance(10);
    expect(open.get('k')).toBeUndefined();
  });

  it('follows the fake timers of Jest', () => {
    jest.useFakeTimers();
    const store = memoryStore();
    store.set('k', entry(Date.now(), 'v', 1_000));
    jest.advanceTimersByTime(999);
    expect(store.get('k')?.value).toBe('v');
    jest.advanceTimersByTime(1);
    expect(store.get('k')).toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is closed once and for all: the text form fails, the direct form keeps and finds nothing', () => {
    const store = memoryStore();
    store.set('k', entry(0, 'v'));
    store.direct.keep('k', record('v'));
    store.close();
    store.close();
    for (const run of [
      () => store.get('k'),
      () => store.set('k', entry(0, 'v')),
      () => store.delete('k'),
      () => store.clear(),
      () => store.entries(),
      () => store.size(),
      () => store.prune(),
      () => store.resize({ maxSize: 1 }),
    ]) {
      expect(run).toThrow(StoreError);
      expect(run).toThrow(expect.objectContaining({ code: 'E_CLOSED' }));
    }
    expect(store.direct.keep('k', record('v'))).toBe(false);
    expect([store.direct.find('k'), store.direct.peek('k'), store.direct.drop('k'), store.direct.count()]).toEqual([
      undefined,
      undefined,
      false,
      0,
    ]);
    expect([...store.direct.records()]).toEqual([]);
  });

  it('costs little while it is empty, and no more than its entries need when its bound is large', () => {
    const before = process.memoryUsage();
    const stores = Array.from({ length: 1_000 }, () => memoryStore({ maxSize: 1_000_000 }));
    for (const store of stores) store.set('k', entry(0, 'v'));
    const after = process.memoryUsage();
    // A thousand preallocated ones would take 20 GB.
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(50_000_000);
    expect(stores.every((store) => store.size() === 1)).toBe(true);
  });

  it('holds nothing open: the process may exit with entries pending', () => {
    const before = process.getActiveResourcesInfo().sort();
    const store = memoryStore({ maxSize: 2 });
    const now = Date.now();
    for (const key of ['a', 'b', 'c']) store.set(key, entry(now, key, 3_600_000));
    for (const key of ['a', 'b', 'c']) store.direct.keep(key, record(key, 3_600_000));
    store.prune();
    expect(process.getActiveResourcesInfo().sort()).toEqual(before);
  });
});

describe('the direct form', () => {
  it('tells keys apart as a Map does, undefined and null among them', () => {
    const { direct } = memoryStore();
    const keys = [undefined, null, 0, '0', 0n, false, '', Number.NaN, Symbol('a'), Symbol('a'), {}, {}, [], () => {}];
    for (const [index, key] of keys.entries()) expect(direct.keep(key, record(index))).toBe(true);
    for (const [index, key] of keys.entries()) expect(direct.find(key)?.value).toBe(index);
    expect(direct.find(-0)?.value).toBe(2);
    expect([...direct.records()].map(([key]) => key)).toHaveLength(keys.length);
    expect(new Set([...direct.records()].map(([key]) => key))).toEqual(new Set(keys));
    for (const key of keys)
      expect([direct.drop(key), direct.drop(key), direct.find(key)]).toEqual([true, false, undefined]);
    expect(direct.count()).toBe(0);
  });

  it('keeps the record itself, undefined values too, and does not judge its age', () => {
    const { direct } = memoryStore();
    const ended = record(undefined, -1_000);
    direct.keep('k', ended);
    expect(direct.find('k')).toBe(ended);
    expect(direct.peek('k')).toBe(ended);
  });

  it('lists the most recently used first; find is a use, peek is none', () => {
    const { direct } = memoryStore({ maxSize: 3 });
    for (const key of ['a', 'b', 'c']) direct.keep(key, record(key));
    direct.find('a');
    direct.peek('b');
    expect([...direct.records()].map(([key]) => key)).toEqual(['a', 'c', 'b']);
    direct.keep('d', record('d'));
    expect([...direct.records()].map(([key]) => key)).toEqual(['d', 'a', 'c']);
  });

  it('lists the most recently kept first where nothing bounds it', () => {
    const { direct } = memoryStore({ maxSize: Infinity });
    for (const key of ['a', undefined, 'b']) direct.keep(key, record(key));
    direct.find('a');
    expect([...direct.records()].map(([key]) => key)).toEqual(['b', undefined, 'a']);
    direct.keep('a', record('a'));
    expect([...direct.records()].map(([key]) => key)).toEqual(['a', 'b', undefined]);
  });

  it.each([3, Infinity])('takes undefined for a key like any other (maxSize: %s)', (maxSize) => {
    const { direct } = memoryStore({ maxSize });
    expect([direct.find(undefined), direct.peek(undefined), direct.drop(undefined)]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const kept = record(undefined);
    direct.keep(undefined, kept);
    direct.keep('undefined', record('text'));
    expect([direct.find(undefined), direct.peek(undefined), direct.count()]).toEqual([kept, kept, 2]);
    expect([direct.drop(undefined), direct.find(undefined), direct.count()]).toEqual([true, undefined, 1]);
  });

  it('can be changed while it is listed', () => {
    const { direct } = memoryStore();
    for (let index = 0; index < 100; index++) direct.keep(index, record(index));
    let seen = 0;
    for (const [key] of direct.records()) {
      seen++;
      direct.drop(key);
      direct.keep(`new ${seen}`, record(seen));
    }
    expect([seen, direct.count()]).toEqual([100, 100]);
  });

  it('and the text form are two spaces: neither sees, counts or lists the keys of the other', () => {
    const store = memoryStore();
    store.set('k', entry(0, 'text'));
    store.direct.keep('k', record('direct'));
    expect([store.get('k')?.value, store.direct.find('k')?.value]).toEqual(['text', 'direct']);
    expect([store.size(), store.direct.count()]).toEqual([1, 1]);
    expect([...store.entries()].map(([, { value }]) => value)).toEqual(['text']);
    expect([...store.direct.records()].map(([, { value }]) => value)).toEqual(['direct']);
    store.clear('k');
    expect([store.get('k'), store.direct.find('k')?.value]).toEqual([undefined, 'direct']);
    store.set('k', entry(0, 'text'));
    store.direct.drop('k');
    expect(store.get('k')?.value).toBe('text');
  });

  it('is emptied by clear() without a prefix', () => {
    const store = memoryStore();
    store.direct.keep('k', record(1));
    store.clear('k');
    expect(store.direct.count()).toBe(1);
    store.clear();
    expect(store.direct.count()).toBe(0);
  });

  it('is swept by prune', () => {
    const clock = manualClock(memoryEpoch);
    const store = memoryStore({ clock });
    store.direct.keep('a', new MemoryRecord(1, 0, 10, undefined));
    store.direct.keep('b', new MemoryRecord(1, 0, 10, { staleUntil: 20 }));
    store.direct.keep('c', new MemoryRecord(1, 0, 100, { idle: 15, readAt: 10 }));
    clock.advance(10);
    expect([store.prune(), store.direct.find('a')]).toEqual([1, undefined]);
    clock.advance(10);
    expect([store.prune(), store.direct.find('b')]).toEqual([1, undefined]);
    clock.advance(5);
    expect([store.prune(), store.direct.count()]).toEqual([1, 0]);
  });
});
