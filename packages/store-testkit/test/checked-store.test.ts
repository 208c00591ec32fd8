import type { AssertionError } from 'node:assert';
import { describe, expect, it } from '@jest/globals';
import type { AsyncStore, Entry, SyncStore } from '@reprise/store';
import { chaosStore, checkedStore, manualClock, seededRandom, storeConformance } from '../src/index.ts';
import { bareStore, ReferenceStore } from './reference-store.ts';

const entry = (value: unknown, staleUntil = Infinity): Entry => ({
  value,
  createdAt: 0,
  expiresAt: staleUntil,
  staleUntil,
});
let places = 0;
const place = (): string => `checked-${++places}`;

/** Fails unless the operation is found out; returns what was told. */
function findBreach(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_ASSERTION' });
    return (error as AssertionError).message;
  }
  throw new Error('nothing was found');
}

/** The watch knows one store; another on the same place writes behind its back. */
class UnsharedStore extends ReferenceStore {
  override readonly persistent = false;
}

describe('a sound store under watch', () => {
  storeConformance(it, (options, where) => checkedStore<AsyncStore>(new UnsharedStore(options, where), options), {
    iteration: true,
    touch: true,
    bounds: true,
    prune: true,
    bytes: true,
    batches: true,
    fences: true,
    leases: true,
    tags: true,
  });
});

describe('checkedStore', () => {
  it('takes it as no breach that a result which is void leaves what is there, or removes it', async () => {
    for (const leaves of [true, false]) {
      const underneath = new UnsharedStore({}, place());
      const store = checkedStore<AsyncStore>(underneath);
      const generation = (await store.generation?.()) as number;
      await store.set('k', entry('newer'));
      expect(await store.set('k', { ...entry('old'), generation })).toBe(false);
      if (!leaves) await underneath.delete('k');
      expect((await store.get('k'))?.value).toBe(leaves ? 'newer' : undefined);
    }
  });

  it('finds a result that was refused and is answered', async () => {
    const underneath = new UnsharedStore({}, place());
    const store = checkedStore<AsyncStore>(underneath);
    const generation = (await store.generation?.()) as number;
    await store.delete('k');
    expect(await store.set('k', { ...entry('old'), generation })).toBe(false);
    await underneath.set('k', entry('old'));
    await expect(store.get('k')).rejects.toThrow(/but the store answers/);
  });

  it('finds an entry that was deleted, and tells the operations that led there', () => {
    const store = checkedStore<SyncStore>({ ...bareStore(), delete: () => true });
    store.set('k', entry(1));
    store.delete('k');
    const told = findBreach(() => store.get('k'));
    expect(told).toMatch(/'k' holds nothing \(deleted, cleared or refused\), but the store answers/);
    expect(told).toMatch(/1\. set\('k', .*\n {2}2\. delete\('k'\)\n {2}3\. get\('k'\)/);
  });

  it('finds an entry that was cleared, by its prefix or with all, and one that was there before', () => {
    for (const prefix of [undefined, '', 'a']) {
      const underneath: SyncStore = { ...bareStore(), clear: () => {} };
      underneath.set('ab', entry('before'));
      underneath.set('a', entry('before'));
      const store = checkedStore(underneath);
      store.set('a', entry(1));
      store.clear(prefix);
      findBreach(() => store.get('a'));
      findBreach(() => store.get('ab'));
    }
  });

  it('finds an entry that was replaced, and one of another key', () => {
    const first = bareStore();
    const stubborn = checkedStore({
      ...first,
      set: (key, value) => (first.get(key) ? undefined : first.set(key, value)),
    });
    stubborn.set('k', entry(1));
    stubborn.set('k', entry(2));
    expect(findBreach(() => stubborn.get('k'))).toMatch(/holds \{ value: 2/);
    const second = bareStore();
    const confused = checkedStore({ ...second, get: (key) => second.get(key.toLowerCase()) });
    confused.set('k', entry(1));
    confused.set('K', entry(2));
    expect(findBreach(() => confused.get('K'))).toMatch(/'K' holds/);
  });

  it('finds an entry that was refused', () => {
    const underneath = bareStore();
    const store = checkedStore<SyncStore>({
      ...underneath,
      set: (key, value) => underneath.set(key, value) === undefined && false,
    });
    store.set('k', entry(1));
    findBreach(() => store.get('k'));
  });

  it('finds an entry whose fields or value are not as set', () => {
    for (const change of [{ value: 2 }, { expiresAt: 5 }, { createdAt: 1 }, { error: 1 }]) {
      const underneath = bareStore();
      const store = checkedStore<SyncStore>({
        ...underneath,
        get: (key) => ({ ...(underneath.get(key) as Entry), ...change }),
      });
      store.set('k', entry(1));
      findBreach(() => store.get('k'));
    }
  });

  it('finds an entry past its end, by the clock it was given or that of the cache', () => {
    for (const given of [true, false]) {
      const clock = manualClock(1_000);
      const { useClock: _, ...underneath } = bareStore();
      const values = new Map<string, Entry>();
      const timeless = {
        ...underneath,
        get: (key: string) => values.get(key),
        set: (key: string, value: Entry) => void values.set(key, value),
      };
      const store = checkedStore<SyncStore>(timeless, given ? { clock } : {});
      if (!given) store.useClock?.(clock);
      store.set('k', entry(1, 2_000));
      clock.advance(999);
      expect(store.get('k')?.value).toBe(1);
      clock.advance(1);
      expect(findBreach(() => store.get('k'))).toMatch(/ended at 2000, and it is 2000/);
    }
  });

  it('finds what is no entry, and results that no operation has', () => {
    for (const garbage of [null, 42, 'text', {}, { value: 1 }, [], { createdAt: 0, expiresAt: 1, staleUntil: 1 }]) {
      const store = checkedStore(chaosStore(bareStore(), { get: { return: garbage } }));
      expect(findBreach(() => store.get('k'))).toMatch(/there is no entry under 'k' but/);
    }
    const store = checkedStore(chaosStore(bareStore(), { set: { return: 1 }, delete: { return: 'yes' } }));
    expect(findBreach(() => store.set('k', entry(1)))).toMatch(/set returned 1/);
    expect(findBreach(() => store.delete('k'))).toMatch(/delete returned 'yes'/);
  });

  it('finds a store that outgrows maxSize, at once and after a resize', async () => {
    const unbounded = new ReferenceStore({}, place());
    const store = checkedStore<AsyncStore>(unbounded, { maxSize: 2 });
    await store.set('a', entry(1));
    await store.set('b', entry(1));
    await expect(store.set('c', entry(1))).rejects.toThrow(/the store holds 3 entries, maxSize is 2/);
    await store.resize?.({ maxSize: 5 });
    await store.set('d', entry(1));
    unbounded.evict = () => {};
    await expect((async () => store.resize?.({ maxSize: 3 }))()).rejects.toThrow(/holds 4 entries, maxSize is 3/);
  });

  it('finds listings that repeat, invent or resurrect', async () => {
    const wrongs: [RegExp, (items: (readonly [string, Entry])[]) => (readonly [string, Entry])[]][] = [
      [/listed 'a' twice/, (items) => [...items, ...items]],
      [/listed 'x'/, (items) => [...items, ['x', entry(1)]]],
      [/'a' holds/, () => [['a', entry(9)]]],
      [/without an entry/, () => [['a', undefined as never]]],
    ];
    for (const [told, spoil] of wrongs) {
      const store = checkedStore<SyncStore>({
        ...bareStore(),
        entries: () => spoil([['a', entry(1)]]),
      });
      store.set('a', entry(1));
      expect(findBreach(() => [...(store.entries?.('a') ?? [])])).toMatch(told);
    }
  });

  it('finds a reading of several keys that resurrects, or answers for too few', async () => {
    const store = new UnsharedStore({}, place());
    const { getMany } = store;
    const checked = checkedStore<AsyncStore>(store);
    await checked.set('a', entry(1));
    await checked.set('b', entry(2));
    expect(await checked.getMany?.(['b', 'a', 'c'])).toMatchObject([entry(2), entry(1), undefined]);
    await checked.delete('a');
    store.getMany = async () => [entry(1), entry(2)];
    await expect(checked.getMany?.(['a', 'b'])).rejects.toThrow(/'a' holds nothing/);
    store.getMany = async (keys) => (await getMany.call(store, keys)).slice(1);
    await expect(checked.getMany?.(['a', 'b'])).rejects.toThrow(/getMany of 2 keys answered/);
  });

  it('lets a store evict, refuse, and answer what lay in it before', () => {
    const underneath = bareStore();
    underneath.set('old', entry(1));
    const store = checkedStore(underneath);
    expect(store.get('old')?.value).toBe(1);
    store.set('k', entry(1));
    underneath.delete('k');
    expect(store.get('k')).toBeUndefined();
  });

  it('lets a read that overlaps a write see either, and a failed write have happened or not', async () => {
    const underneath = new ReferenceStore({}, place());
    const chaos = chaosStore(underneath, { set: [undefined, 'hang', 'late failure', 'reject'] });
    const store = checkedStore<AsyncStore>(chaos);
    await store.set('k', entry(1));
    const hanging = store.set('k', entry(2));
    expect((await store.get('k'))?.value).toBe(1);
    chaos.resume();
    expect([1, 2]).toContain((await store.get('k'))?.value);
    await hanging;
    expect((await store.get('k'))?.value).toBe(2);
    await expect(store.set('k', entry(3))).rejects.toThrow(/late|fail/);
    expect((await store.get('k'))?.value).toBe(3);
    await expect(store.set('k', entry(4))).rejects.toThrow(/fail/);
    expect((await store.get('k'))?.value).toBe(3);
    await store.set('k', entry(5));
    await underneath.set('k', entry(3));
    await expect(store.get('k')).rejects.toThrow(/'k' holds/);
  });

  it('copies as the store underneath does', () => {
    const copy = (value: unknown) => ({ copyOf: value });
    expect(checkedStore<SyncStore>({ ...bareStore(), copy }).copy?.(1)).toEqual({ copyOf: 1 });
    expect(checkedStore<SyncStore>(bareStore()).copy).toBeUndefined();
  });

  it('reports breaches as AssertionError', async () => {
    const store = checkedStore<AsyncStore>(chaosStore(new ReferenceStore({}, place()), { get: 'garbage' }));
    await expect(store.get('k')).rejects.toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION' });
  });

  it('passes 300 random histories of a sound store, many operations at once', async () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffff);
    const random = seededRandom(seed);
    for (let history = 0; history < 300; history++) {
      const clock = manualClock(1_000);
      const store = checkedStore<AsyncStore>(new ReferenceStore({ clock, maxSize: 4 }, place()), { clock, maxSize: 4 });
      for (let step = 0; step < 10; step++) {
        const batch = Array.from({ length: 5 }, async () => {
          const key = `k${Math.floor(random() * 6)}`;
          const chance = random();
          if (chance < 0.4) await store.set(key, entry(`${history}:${step}:${random()}`, clock.now() + random() * 200));
          else if (chance < 0.8) await store.get(key);
          else if (chance < 0.95) await store.delete(key);
          else await store.clear(key.slice(0, Math.floor(random() * 3)));
        });
        await Promise.all(batch).catch((error: unknown) => {
          throw new Error(`REPRISE_SEED=${seed}`, { cause: error });
        });
        clock.advance(random() * 100);
      }
    }
  });
});
