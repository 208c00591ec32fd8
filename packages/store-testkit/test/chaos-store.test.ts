import { describe, expect, it } from '@jest/globals';
import { type AsyncStore, type Entry, OptionError, StoreError } from '@reprise/store';
import { type ChaosFault, chaosStore, checkedStore, seededRandom, storeConformance } from '../src/index.ts';
import { bareStore, ReferenceStore } from './reference-store.ts';

const entry = (value: unknown): Entry => ({ value, createdAt: 0, expiresAt: Infinity, staleUntil: Infinity });
let places = 0;
const asyncStore = (): AsyncStore => new ReferenceStore({}, `chaos-${++places}`);
/** As long as microtasks take to come to rest. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await undefined;
};

describe('a chaos store without a plan', () => {
  storeConformance(it, (options, place) => chaosStore(new ReferenceStore(options, place)), {
    iteration: true,
    touch: true,
    bounds: true,
    prune: true,
    bytes: true,
    batches: true,
    fences: true,
    leases: true,
    tags: true,
    persistent: true,
  });
});

describe('chaosStore', () => {
  it('fails the calls that a list names, by their number, and no others', () => {
    const store = chaosStore(bareStore(), { get: ['throw', undefined, 'reject'] });
    expect(() => store.get('k')).toThrow(new StoreError('chaos: get number 1 was made to fail'));
    expect(store.get('k')).toBeUndefined();
    expect(() => store.get('k')).toThrow(/get number 3/);
    expect(store.get('k')).toBeUndefined();
    expect(store.counts.get).toEqual({ calls: 4, faults: 2 });
    expect(store.counts.set).toEqual({ calls: 0, faults: 0 });
  });

  it('leaves the store underneath unasked when it fails, and asked when it fails late', () => {
    const underneath = bareStore();
    const store = chaosStore(underneath, { set: ['reject', 'late failure'] });
    expect(() => store.set('a', entry(1))).toThrow(StoreError);
    expect(underneath.get('a')).toBeUndefined();
    expect(() => store.set('a', entry(1))).toThrow(StoreError);
    expect(underneath.get('a')?.value).toBe(1);
  });

  it('throws at once or rejects on an asynchronous store, as told', async () => {
    const store = chaosStore(asyncStore(), { get: ['throw', 'reject', 'late failure', { throw: 'text' }] });
    expect(() => store.get('k')).toThrow(StoreError);
    await expect(store.get('k')).rejects.toThrow(StoreError);
    await expect(store.get('k')).rejects.toThrow(StoreError);
    await expect(store.get('k')).rejects.toBe('text');
    await expect(store.get('k')).resolves.toBeUndefined();
  });

  it('makes generations and leases fail as everything else, and passes on what the store answers', async () => {
    const underneath = asyncStore();
    const store = chaosStore(underneath, {
      generation: [undefined, 'reject'],
      lease: [undefined, { return: undefined }],
      renew: [undefined, 'reject'],
      release: ['late failure'],
    });
    expect(await store.generation?.()).toBe(await underneath.generation?.());
    await expect(store.generation?.()).rejects.toThrow(/generation number 2/);
    const lease = await store.lease?.('k');
    if (lease === undefined) throw new Error('it was not granted');
    await expect(store.lease?.('other')).resolves.toBeUndefined();
    await expect(store.renew?.(lease)).resolves.toBe(true);
    await expect(store.renew?.(lease)).rejects.toThrow(/renew number 2/);
    await expect(store.release?.(lease)).rejects.toThrow(/release number 1/);
    expect(await underneath.renew?.(lease)).toBe(false);
  });

  it('lets a call hang until it is released, and then asks the store', async () => {
    const underneath = asyncStore();
    const store = chaosStore(underneath, { set: 'hang' });
    let done = 0;
    const sets = ['a', 'b'].map((key) => store.set(key, entry(key)).then(() => done++));
    await settle();
    expect([done, store.waiting]).toEqual([0, 2]);
    expect(await underneath.get('a')).toBeUndefined();
    store.resume();
    await Promise.all(sets);
    expect([done, store.waiting]).toEqual([2, 0]);
    expect((await underneath.get('b'))?.value).toBe('b');
    void store.set('c', entry('c'));
    expect(store.waiting).toBe(1);
    store.heal();
  });

  it('delays a call until a promise of the test settles, or for real milliseconds', async () => {
    let goOn = (): void => {};
    const delay = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const store = chaosStore(asyncStore(), { get: [{ delay }, { delay: 1 }] });
    let done = false;
    const got = store.get('k').then(() => {
      done = true;
    });
    await settle();
    expect([done, store.waiting]).toEqual([false, 1]);
    goOn();
    await got;
    await store.get('k');
    expect([done, store.waiting]).toEqual([true, 0]);
  });

  it('returns garbage of many kinds, or what it was told', async () => {
    const store = chaosStore(asyncStore(), { get: 'garbage', set: { return: 'yes' } });
    const seen = new Set<unknown>();
    for (let call = 0; call < 9; call++) seen.add(await store.get('k'));
    expect(seen.size).toBeGreaterThan(6);
    expect(seen.has(undefined)).toBe(false);
    expect(await store.set('k', entry(1))).toBe('yes');
  });

  it('asks a function for every call, with its number and arguments', () => {
    const asked: unknown[] = [];
    const store = chaosStore(bareStore(), {
      get: (call, key) => {
        asked.push([call, key]);
        return key === 'bad' ? 'throw' : undefined;
      },
    });
    expect(() => store.get('bad')).toThrow(StoreError);
    expect(store.get('good')).toBeUndefined();
    expect(asked).toEqual([
      [1, 'bad'],
      [2, 'good'],
    ]);
  });

  it('fails the same calls at random for the same seed, at the given rate', () => {
    const run = (seed: number): string => {
      const store = chaosStore(bareStore(), { random: { seed, rate: 0.3, faults: ['throw'] } });
      let outcome = '';
      for (let call = 0; call < 500; call++) {
        try {
          store.get('k');
          outcome += '.';
        } catch {
          outcome += 'x';
        }
      }
      return outcome;
    };
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
    const failed = run(1).split('x').length - 1;
    expect(failed).toBeGreaterThan(100);
    expect(failed).toBeLessThan(200);
  });

  it('leaves close alone at random unless told, and other operations when told', () => {
    const store = chaosStore(bareStore(), { random: { seed: 1, rate: 1, faults: ['throw'], operations: ['set'] } });
    expect(() => store.set('k', entry(1))).toThrow(StoreError);
    expect(store.get('k')).toBeUndefined();
    const other = chaosStore(bareStore(), { random: { seed: 1, rate: 1, faults: ['throw'] } });
    expect(() => other.get('k')).toThrow(StoreError);
    expect(() => other.close()).not.toThrow();
  });

  it('heals: hanging calls go on, later ones succeed; a new plan counts from 1', async () => {
    const store = chaosStore(asyncStore(), { get: 'hang', set: 'reject' });
    const got = store.get('k');
    await expect(store.set('k', entry(1))).rejects.toThrow(StoreError);
    store.heal();
    expect(await got).toBeUndefined();
    await store.set('k', entry(2));
    expect((await store.get('k'))?.value).toBe(2);
    store.plan({ get: ['reject'] });
    await expect(store.get('k')).rejects.toThrow(StoreError);
    expect((await store.get('k'))?.value).toBe(2);
    expect(store.counts.get).toEqual({ calls: 4, faults: 2 });
  });

  it('fails listing, counting and sweeping too', async () => {
    const store = chaosStore(asyncStore(), {
      entries: ['reject'],
      size: ['reject'],
      prune: ['reject'],
      clear: ['reject'],
      delete: ['reject'],
    });
    const list = async (): Promise<number> => {
      let count = 0;
      for await (const _ of store.entries?.() ?? []) count++;
      return count;
    };
    await expect(list()).rejects.toThrow(/entries number 1/);
    await expect(store.size?.()).rejects.toThrow(/size number 1/);
    await expect(store.prune?.()).rejects.toThrow(/prune number 1/);
    await expect(store.clear()).rejects.toThrow(/clear number 1/);
    await expect(store.delete('k')).rejects.toThrow(/delete number 1/);
    await store.set('k', entry(1));
    expect(await list()).toBe(1);
  });

  it('fails the reading of several keys too', async () => {
    const store = chaosStore(asyncStore(), { getMany: ['reject'] });
    await expect(store.getMany?.(['a', 'b'])).rejects.toThrow('getMany number 1');
    expect(await store.getMany?.(['a', 'b'])).toEqual([undefined, undefined]);
  });

  it('shows only what the store underneath has', () => {
    const store = chaosStore(bareStore());
    expect([store.entries, store.size, store.prune, store.resize, store.listen, store.copy, 'direct' in store]).toEqual(
      [undefined, undefined, undefined, undefined, undefined, undefined, false],
    );
    expect([store.sync, store.persistent]).toEqual([true, undefined]);
    expect(chaosStore(asyncStore()).persistent).toBe(true);
  });

  it('copies as the store underneath does', () => {
    const copy = (value: unknown) => ({ copyOf: value });
    expect(chaosStore({ ...bareStore(), copy }).copy?.(1)).toEqual({ copyOf: 1 });
  });

  it('refuses a plan that cannot be meant', () => {
    expect(() => chaosStore(bareStore(), { gett: 'throw' } as never)).toThrow(OptionError);
    const impossible: ChaosFault[] = ['hang', { delay: 5 }];
    for (const fault of impossible) {
      expect(() => chaosStore(bareStore(), { get: fault })).toThrow(/synchronous store cannot hang/);
      expect(() => chaosStore(bareStore(), { get: [undefined, fault] })).toThrow(OptionError);
      expect(() => chaosStore(bareStore(), { random: { seed: 1, rate: 1, faults: [fault] } })).toThrow(OptionError);
      expect(() => chaosStore(bareStore(), { get: () => fault }).get('k')).toThrow(OptionError);
    }
  });

  it.each([chaosStore, checkedStore])(
    'does not say that it tells of changes, which it does not pass on: %p',
    (wrap) => {
      const told = { ...asyncStore(), capabilities: { tracking: true, batches: true }, track: () => () => {} };
      const store: AsyncStore = wrap(told as AsyncStore);
      expect([store.capabilities, store.track]).toEqual([{ batches: true }, undefined]);
    },
  );

  it('never changes what the store underneath holds by itself, whatever the faults', async () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() & 0xffff);
    const random = seededRandom(seed);
    const underneath = asyncStore();
    const store = chaosStore(underneath, {
      random: { seed, rate: 0.5, faults: ['reject', 'late failure', 'garbage'] },
    });
    const possible = new Map<string, Set<unknown>>();
    for (let step = 0; step < 500; step++) {
      const key = `k${Math.floor(random() * 5)}`;
      const known = possible.get(key) ?? new Set([undefined]);
      possible.set(key, known);
      if (random() < 0.6) {
        known.add(step);
        await store.set(key, entry(step)).catch(() => {});
      } else {
        await store.delete(key).catch(() => {});
      }
      expect([seed, known.has((await underneath.get(key))?.value)]).toEqual([seed, true]);
    }
  });
});
