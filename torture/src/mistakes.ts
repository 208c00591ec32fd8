import type { AsyncStore, Entry, Store } from '@reprise/store';

type Members = Record<string, unknown>;

/** Mistakes that a store could make, each of which has to be found: proofs that the torture can fail. */
const mistakes: Readonly<Record<string, (store: Store) => Members>> = {
  /** A result is kept though what it came from has been invalidated since. */
  'ignores generations': (store) => ({
    set: (key: string, { generation, ...entry }: Entry) => {
      if (generation === undefined) return store.set(key, entry);
      const current = store.generation?.();
      if (!(current instanceof Promise)) return store.set(key, { ...entry, generation: current as string });
      return current.then((now) => store.set(key, { ...entry, generation: now }));
    },
    isCurrent: () => (store.sync ? true : Promise.resolve(true)),
  }),
  /** Everybody has the right to run. */
  'grants every lease': (store) => ({
    lease: (key: string) => {
      const grant = (generation: number | string) => ({ key, token: 'any', generation, duration: 5_000 });
      return store.sync ? grant(store.generation?.() as string) : (store as AsyncStore).generation?.().then(grant);
    },
    renew: () => (store.sync ? true : Promise.resolve(true)),
    release: () => (store.sync ? undefined : Promise.resolve()),
  }),
  /** It says that it has written, and has not. */
  'forgets what is set': (store) => ({
    set: (key: string, entry: Entry) => {
      if (entry.generation === undefined) return store.sync ? true : Promise.resolve(true);
      return store.set(key, entry);
    },
  }),
  /** Now and then it answers what is under another key. */
  'confuses keys': (store) => {
    let last = '';
    let count = 0;
    return {
      get: (key: string) => {
        const asked = count++ % 5 === 4 && last !== '' ? last : key;
        last = key;
        return store.get(asked);
      },
      getMany: undefined,
    };
  },
};

/** The same store, with some members in place of its own. */
export function withMistake<S extends Store>(store: S, name: string | undefined): S {
  if (name === undefined) return store;
  const make = mistakes[name];
  if (make === undefined)
    throw new Error(`There is no mistake '${name}'; there are ${Object.keys(mistakes).join(', ')}.`);
  const replaced = make(store);
  return new Proxy(store, {
    get(target, member) {
      if (typeof member === 'string' && Object.hasOwn(replaced, member)) return replaced[member];
      const found: unknown = Reflect.get(target, member);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
