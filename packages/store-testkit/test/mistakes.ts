import { type Entry, memoryEpoch } from '@reprise/store';
import { decode, encode, type ReferenceStore } from './reference-store.ts';

/** A store with one mistake each, and a case that must find it. */
export const mistakes: readonly (readonly [
  name: string,
  caught: string | RegExp,
  spoil: (store: ReferenceStore) => void,
])[] = [
  [
    'drops undefined',
    'values: undefined is answered as it was stored',
    (store) => {
      const { set } = store;
      store.set = async (key, entry) =>
        'value' in entry && entry.value === undefined ? false : set.call(store, key, entry);
    },
  ],
  [
    'turns NaN into null',
    'values: NaN is answered as it was stored',
    (store) => {
      const { set } = store;
      store.set = (key, entry) =>
        set.call(store, key, { ...entry, value: Number.isNaN(entry.value) ? null : entry.value });
    },
  ],
  [
    'forgets the sign of zero',
    'values: minus zero is answered as it was stored',
    (store) => {
      const { get } = store;
      store.get = async (key) => {
        const entry = await get.call(store, key);
        return entry && entry.value === 0 ? { ...entry, value: 0 } : entry;
      };
    },
  ],
  [
    'refuses with an error of no type',
    /^values: a Map .* refused with a CodecError$/,
    (store) => {
      const { set } = store;
      store.set = (key, entry) =>
        set.call(store, key, entry).catch((error: Error) => Promise.reject(new Error(error.message)));
    },
  ],
  [
    'answers a remembered error as a value',
    /^entries: a remembered error comes back/,
    (store) => {
      const { get } = store;
      store.get = async (key) => {
        const entry = await get.call(store, key);
        if (!entry || !('error' in entry)) return entry;
        const { error, ...rest } = entry;
        return { ...rest, value: error };
      };
    },
  ],
  [
    'loses the tags',
    'entries: tags comes back as set',
    (store) => {
      const { set } = store;
      store.set = (key, { tags: _, ...entry }) => set.call(store, key, entry);
    },
  ],
  [
    'makes no difference between stale and ended',
    /^age: in its stale window/,
    (store) => {
      const { get } = store;
      store.get = async (key) => {
        const entry = await get.call(store, key);
        return entry && entry.expiresAt > store.clock.now() ? entry : undefined;
      };
    },
  ],
  [
    'answers what has ended',
    /^age: a ttl of a second/,
    (store) => {
      store.lives = () => true;
    },
  ],
  [
    'answers at the very end',
    /^age: a ttl of 1 ms/,
    (store) => {
      store.lives = (kept) => kept.staleUntil >= store.clock.now();
    },
  ],
  [
    'overflows after 24 days',
    /^age: a ttl of 30 days/,
    (store) => {
      store.lives = (kept) => kept.staleUntil > store.clock.now() && kept.staleUntil < memoryEpoch + 2 ** 31;
    },
  ],
  [
    'gives a whole life to what is set late',
    /^age: an entry whose createdAt lies before now/,
    (store) => {
      const { set } = store;
      store.set = (key, entry) => {
        const shift = store.clock.now() - entry.createdAt;
        return set.call(store, key, {
          ...entry,
          expiresAt: entry.expiresAt + shift,
          staleUntil: entry.staleUntil + shift,
        });
      };
    },
  ],
  [
    'lengthens a life at each read',
    /^age: reading an entry does not lengthen/,
    (store) => {
      const { get, set } = store;
      store.get = async (key) => {
        const entry = await get.call(store, key);
        if (entry === undefined) return entry;
        const { generation: _, ...rest } = entry;
        const staleUntil = store.clock.now() + entry.staleUntil - entry.createdAt;
        await set.call(store, key, { ...rest, staleUntil });
        return entry;
      };
    },
  ],
  [
    'does not tell upper from lower case',
    'keys: told apart: upper and lower case',
    (store) => {
      store.keyFor = (key) => key.toLowerCase();
    },
  ],
  [
    'cuts long keys',
    /^keys: told apart: 64 KB/,
    (store) => {
      store.keyFor = (key) => key.slice(0, 1_000);
    },
  ],
  [
    'normalises unicode',
    /^keys: told apart: precomposed/,
    (store) => {
      store.keyFor = (key) => key.normalize();
    },
  ],
  [
    'writes keys as UTF-8',
    'keys: told apart: lone surrogates',
    (store) => {
      store.keyFor = (key) => new TextDecoder().decode(new TextEncoder().encode(key));
    },
  ],
  [
    'trims keys',
    'keys: told apart: spaces at the ends',
    (store) => {
      store.keyFor = (key) => key.trim();
    },
  ],
  [
    'deletes nothing',
    /^removal: a deleted entry is gone/,
    (store) => {
      store.delete = async () => true;
    },
  ],
  [
    'always says that it deleted',
    /^removal: delete says whether/,
    (store) => {
      const { delete: remove } = store;
      store.delete = async (key) => {
        await remove.call(store, key);
        return true;
      };
    },
  ],
  [
    'clears everything, prefix or not',
    /^removal: clear\(prefix\) removes the keys/,
    (store) => {
      const { clear } = store;
      store.clear = () => clear.call(store);
    },
  ],
  [
    'clears what contains the prefix',
    /^removal: clear\(prefix\) removes the keys/,
    (store) => {
      store.clear = async (prefix = '') => {
        store.check();
        for (const key of [...store.kept.keys()]) if (key.includes(prefix)) store.kept.delete(key);
      };
    },
  ],
  [
    'takes the prefix as a pattern',
    'removal: clear("a%") takes the prefix to the letter, as no pattern',
    (store) => {
      store.clear = async (prefix = '') => {
        store.check();
        const pattern = new RegExp(`^${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*')}`, 's');
        for (const key of [...store.kept.keys()]) if (pattern.test(key)) store.kept.delete(key);
      };
    },
  ],
  [
    'writes large values later',
    /^order: of 100 sets of one key/,
    (store) => {
      const { set } = store;
      store.set = async (key, entry) => {
        for (let turns = String(entry.value).length / 1_000; turns > 0; turns--) await undefined;
        return set.call(store, key, entry);
      };
    },
  ],
  [
    'shares what it was given',
    /^bytes: changing a value after it was set/,
    (store) => {
      const given = new Map<string, Entry>();
      const { set, get } = store;
      store.set = async (key, entry) => {
        given.set(key, entry);
        return set.call(store, key, entry);
      };
      store.get = async (key) => ((await get.call(store, key)) ? given.get(key) : undefined);
    },
  ],
  [
    'gives all readers the same object',
    /^bytes: changing what one reader got/,
    (store) => {
      const read = new Map<string, Entry>();
      const { get } = store;
      store.get = async (key) => {
        const entry = await get.call(store, key);
        const known = store.kept.get(key)?.bytes ?? '';
        if (entry) read.set(known, read.get(known) ?? decode(known));
        return entry && read.get(known);
      };
    },
  ],
  [
    'lists what has ended',
    /^iteration: stale entries are listed, ended/,
    (store) => {
      store.entries = async function* list() {
        store.check();
        for (const [key, { bytes }] of [...store.kept]) yield [key, decode(bytes)] as const;
      };
    },
  ],
  [
    'never stops listing',
    /^iteration: listing comes to an end/,
    (store) => {
      store.entries = async function* list() {
        for (const [key, { bytes }] of store.kept) yield [key, decode(bytes)] as const;
      };
    },
  ],
  [
    'prunes what is stale',
    /^prune: prune\(\) of a store without ended/,
    (store) => {
      store.prune = async () => {
        const ended = [...store.kept].filter(([, { bytes }]) => decode(bytes).expiresAt <= store.clock.now());
        for (const [key] of ended) store.kept.delete(key);
        return ended.length;
      };
    },
  ],
  [
    'ignores maxSize',
    /^bounds: never more than maxSize/,
    (store) => {
      store.maxSize = Infinity;
    },
  ],
  [
    'ignores maxBytes',
    /^bounds: never more than maxBytes/,
    (store) => {
      store.maxBytes = Infinity;
    },
  ],
  [
    'evicts the newest',
    /^bounds: never more than maxSize entries, and the last/,
    (store) => {
      store.evict = () => {
        while (store.kept.size > store.maxSize) store.kept.delete([...store.kept.keys()].at(-1) as string);
      };
    },
  ],
  [
    'evicts the living before the ended',
    /^bounds: what has ended goes before/,
    (store) => {
      store.evict = () => {
        while (store.kept.size > store.maxSize) store.kept.delete([...store.kept.keys()][0] as string);
      };
    },
  ],
  [
    'keeps the older entry when the newer is too heavy',
    /^bounds: a value heavier than maxBytes takes the older/,
    (store) => {
      const { set } = store;
      store.set = async (key, entry) => (encode(entry).length > store.maxBytes ? false : set.call(store, key, entry));
    },
  ],
  [
    'works on after it was closed',
    /^closing: every operation/,
    (store) => {
      store.check = () => {};
    },
  ],
  [
    'rejects the second close',
    /^closing: a store that was never used/,
    (store) => {
      store.close = async () => {
        store.check();
        store.closed = true;
      };
    },
  ],
  [
    'keeps nothing beyond close',
    /^persistence: what was set before close/,
    (store) => {
      store.close = async () => {
        store.kept.clear();
        store.closed = true;
      };
    },
  ],
  [
    'hides a capability',
    /^nature: the capabilities that it declares/,
    (store) => {
      Object.assign(store.capabilities, { prune: false });
    },
  ],
  [
    'says that it tells of changes, and tells nobody',
    /^nature: (the capabilities that it declares|what its capabilities promise)/,
    (store) => {
      Object.assign(store.capabilities, { tracking: true });
    },
  ],
  [
    'is synchronous in truth',
    /^nature: it says whether it is synchronous/,
    (store) => {
      store.clear = (() => store.kept.clear()) as never;
    },
  ],
  [
    'answers several keys in an order of its own',
    /^batches: getMany answers what is under each key/,
    (store) => {
      const { getMany } = store;
      store.getMany = async (keys) => getMany.call(store, [...keys].sort());
    },
  ],
  [
    'leaves out what it does not have when it is asked for several keys',
    /^batches: getMany answers what is under each key/,
    (store) => {
      const { getMany } = store;
      store.getMany = async (keys) => (await getMany.call(store, keys)).filter((entry) => entry !== undefined);
    },
  ],
];
