import { describe, expect, it } from '@jest/globals';
import { type ConformanceCapabilities, type MakeStore, storeConformance } from '../src/index.ts';
import { mistakes } from './mistakes.ts';
import { bareStore, ReferenceStore } from './reference-store.ts';
import { sharedMistakes } from './shared-mistakes.ts';

const all: ConformanceCapabilities = {
  iteration: true,
  bounds: true,
  prune: true,
  touch: true,
  bytes: true,
  batches: true,
  fences: true,
  leases: true,
  tags: true,
  persistent: true,
};

describe('the least store there is', () => {
  storeConformance(it, () => bareStore());
});

describe('a store with every capability', () => {
  storeConformance(it, (options, place) => new ReferenceStore(options, place), all);
});

/** Registers the suite, runs it, and tells which cases failed. @param isRun which are run at all: none needs another one */
async function findFailures(
  makeStore: MakeStore,
  capabilities: ConformanceCapabilities,
  isRun: (name: string) => boolean = () => true,
): Promise<Map<string, unknown>> {
  const cases = new Map<string, () => Promise<void>>();
  storeConformance((name, run) => cases.set(name, run), makeStore, capabilities);
  const failures = new Map<string, unknown>();
  for (const [name, run] of cases) if (isRun(name)) await run().catch((error: unknown) => failures.set(name, error));
  return failures;
}

function countCases(capabilities?: ConformanceCapabilities): number {
  const names = new Set<string>();
  storeConformance(
    (name) => names.add(name),
    () => bareStore(),
    capabilities,
  );
  return names.size;
}

describe('the suite itself', () => {
  it('has more than a hundred cases for the five operations, and names each differently', () => {
    const names: string[] = [];
    storeConformance(
      (name) => names.push(name),
      () => bareStore(),
    );
    expect(names.length).toBeGreaterThan(100);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has cases of their own for each capability that it can judge', () => {
    const bare = countCases();
    for (const name of [
      'iteration',
      'bounds',
      'prune',
      'touch',
      'bytes',
      'batches',
      'fences',
      'leases',
      'tags',
      'persistent',
    ] as const) {
      expect(countCases({ [name]: true })).toBeGreaterThanOrEqual(bare + 2);
    }
    expect(countCases({ bounds: 'maxSize' }) + countCases({ bounds: 'maxBytes' })).toBe(
      countCases({ bounds: true }) + bare,
    );
  });

  it('has cases for two processes where entries outlive the store', () => {
    for (const name of ['fences', 'leases', 'tags'] as const) {
      const alone = countCases({ [name]: true }) - countCases();
      const shared = countCases({ [name]: true, persistent: true }) - countCases({ persistent: true });
      expect(shared).toBeGreaterThan(alone);
    }
  });

  it('names a capability that it was told to leave alone', async () => {
    const names: string[] = [];
    storeConformance(
      (name) => names.push(name),
      () => bareStore(),
      { tags: 'unproven' },
    );
    expect(names).toContain('tags: declared, and not judged by this suite (unproven)');
  });

  it('refuses a capability that does not exist', () => {
    expect(() => storeConformance(it, () => bareStore(), { itertion: true } as never)).toThrow(
      /no capability "itertion"/,
    );
  });

  it('closes every store that a case has opened, also when the case fails', async () => {
    const stores: ReferenceStore[] = [];
    await findFailures((options, place) => {
      const store = new ReferenceStore(options, place);
      store.get = async () => undefined;
      stores.push(store);
      return store;
    }, all);
    expect(stores.length).toBeGreaterThan(100);
    expect(stores.filter((store) => !store.closed)).toEqual([]);
  });
});

describe('a store with one mistake', () => {
  it.each([...mistakes, ...sharedMistakes])('that %s is caught by the case "%s"', async (_name, caught, spoil) => {
    const failures = await findFailures(
      (options, place) => {
        const store = new ReferenceStore(options, place);
        Object.assign(store, { capabilities: { ...store.capabilities } });
        spoil(store);
        return store;
      },
      all,
      (name) => (typeof caught === 'string' ? name.startsWith(caught) : caught.test(name)),
    );
    expect([...failures.keys()]).not.toEqual([]);
  });

  it('that lets one namespace clear the others is caught by the group "namespaces"', async () => {
    const failures = await findFailures(
      (options, place) => new ReferenceStore({ ...options, namespace: '' }, place),
      all,
    );
    expect([...failures.keys()].filter((name) => name.startsWith('namespaces:')).length).toBeGreaterThan(3);
  });

  it('that joins namespace and key without a boundary is caught by the group "namespaces"', async () => {
    const failures = await findFailures((options, place) => {
      const { namespace = '', ...others } = options;
      const store = new ReferenceStore(others, place);
      const { entries, clear, size } = store;
      store.keyFor = (key) => `${namespace}/${key}`;
      store.clear = (prefix = '') => clear.call(store, store.keyFor(prefix));
      store.size = (prefix = '') => size.call(store, store.keyFor(prefix));
      store.entries = async function* list(prefix = '') {
        for await (const [key, entry] of entries.call(store, store.keyFor(prefix)))
          yield [key.slice(namespace.length + 1), entry] as const;
      };
      return store;
    }, all);
    expect([...failures.keys()]).toContain('namespaces: a namespace and the beginning of a key are not confused');
    expect([...failures.keys()]).toContain('namespaces: clear() of the namespace "a" leaves the others on its place');
  });

  it('that does none of this passes', async () => {
    expect(await findFailures((options, place) => new ReferenceStore(options, place), all)).toEqual(new Map());
  });
});
