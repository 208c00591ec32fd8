import type { ReferenceStore } from './reference-store.ts';

/** Mistakes with what several processes share: generations, leases, labels. */
export const sharedMistakes: readonly (readonly [
  name: string,
  caught: string | RegExp,
  spoil: (store: ReferenceStore) => void,
])[] = [
  [
    'has no fences at all',
    /^fences: a result is refused after delete of the key/,
    (store) => {
      store.isVoid = () => false;
    },
  ],
  [
    'fences only what it holds',
    /^fences: a result is refused after the delete of a key that holds nothing/,
    (store) => {
      const { delete: remove } = store;
      store.delete = async (key) => (store.kept.has(key) ? remove.call(store, key) : false);
    },
  ],
  [
    'does not take a set for an invalidation',
    /^fences: a result is refused after a set of the key without a generation/,
    (store) => {
      const { set, invalidateKey } = store;
      store.set = async (key, entry) => {
        store.invalidateKey = () => {};
        try {
          return await set.call(store, key, entry);
        } finally {
          store.invalidateKey = invalidateKey;
        }
      };
    },
  ],
  [
    'fences what is cleared to the letter only',
    /^fences: a result is refused after clear of a beginning of the key/,
    (store) => {
      const { fence } = store;
      store.fence = (kind, text) => fence.call(store, kind === 'prefix' && text !== '' ? 'key' : kind, text);
    },
  ],
  [
    'fences the whole place',
    /^fences: a result is kept after delete of another key/,
    (store) => {
      store.isVoid = (_, { generation }) => generation !== store.place.epoch;
    },
  ],
  [
    'removes what it refuses to replace',
    /^fences: a refused result leaves a newer one/,
    (store) => {
      const { isVoid } = store;
      store.isVoid = (key, entry) => {
        const isRefused = isVoid.call(store, key, entry);
        if (isRefused) store.kept.delete(key);
        return isRefused;
      };
    },
  ],
  [
    'believes every generation that is no older than the fence',
    'fences: a generation that was never given is refused, whatever it is',
    (store) => {
      const { isVoid } = store;
      store.isVoid = (key, entry) =>
        isVoid.call(store, key, { ...entry, generation: Math.min(Number(entry.generation), store.place.epoch) });
    },
  ],
  [
    'forgets its oldest fences and goes on as if they had never been',
    /^fences: after thousands of invalidations/,
    (store) => {
      const { fence } = store;
      store.fence = (kind, text) => {
        fence.call(store, kind, text);
        const [oldest] = store.place.fences.keys();
        if (store.place.fences.size > 1_000) store.place.fences.delete(oldest as string);
      };
    },
  ],
  [
    'fences tags in its own namespace only',
    /^fences: a result is refused after another process has invalidated its tag/,
    (store) => {
      const { idOf } = store;
      store.idOf = (kind, text) => (kind === 'tag' ? `${store.namespace} ${text}` : idOf.call(store, kind, text));
    },
  ],
  [
    'loses its counters when it is closed',
    /^fences: what was invalidated before close is refused/,
    (store) => {
      const { close } = store;
      store.close = async () => {
        await close.call(store);
        store.place.fences.clear();
      };
    },
  ],
  [
    'grants a lease twice',
    /^leases: while one has the lease nobody else gets it/,
    (store) => {
      const { lease } = store;
      store.lease = async (key) => {
        store.place.leases.delete(store.leaseIdOf(key));
        return lease.call(store, key);
      };
    },
  ],
  [
    'takes a lease from whoever has it when another one is released',
    /^leases: a lease that has ended can be released again/,
    (store) => {
      store.release = async ({ key }) => {
        store.place.leases.delete(store.leaseIdOf(key));
      };
    },
  ],
  [
    'leaves leases alone when their keys are cleared',
    /^leases: a lease ends with clear\(\)/,
    (store) => {
      const { clear } = store;
      store.clear = async (prefix) => {
        const held = [...store.place.leases];
        await clear.call(store, prefix);
        for (const [id, lease] of held) store.place.leases.set(id, lease);
      };
    },
  ],
  [
    'ends a lease when its result is stored',
    'leases: what was computed under a lease is kept, and does not end it',
    (store) => {
      const { set } = store;
      store.set = async (key, entry) => {
        store.place.leases.delete(store.leaseIdOf(key));
        return set.call(store, key, entry);
      };
    },
  ],
  [
    'keeps its leases when it is closed',
    /^leases: the leases of a store end when it is closed/,
    (store) => {
      store.close = async () => {
        store.closed = true;
      };
    },
  ],
  [
    'ends everybody’s leases when it is closed',
    /^leases: the leases of a store end when it is closed/,
    (store) => {
      const { close } = store;
      store.close = async () => {
        await close.call(store);
        store.place.leases.clear();
      };
    },
  ],
  [
    'shares leases between namespaces',
    /^leases: the lease of a key leaves the same key of other namespaces alone/,
    (store) => {
      store.leaseIdOf = (key) => JSON.stringify(['', key]);
    },
  ],
  [
    'voids what carries the first of several tags only',
    /^tags: several tags at once/,
    (store) => {
      const { invalidateTags } = store;
      store.invalidateTags = (tags) => invalidateTags.call(store, tags.slice(0, 1));
    },
  ],
  [
    'voids tags in its own namespace only',
    /^tags: an invalidated tag is void in every namespace/,
    (store) => {
      store.invalidateTags = async (tags) => {
        store.check();
        for (const [key, kept] of [...store.kept]) {
          if (kept.tags.some((tag) => tags.includes(tag))) store.kept.delete(key);
        }
      };
    },
  ],
  [
    'does not tell upper from lower case in tags',
    /^tags: entries with an invalidated tag are gone/,
    (store) => {
      const { invalidateTags } = store;
      store.invalidateTags = (tags) => invalidateTags.call(store, [...tags, ...tags.map((tag) => tag.toUpperCase())]);
    },
  ],
];
