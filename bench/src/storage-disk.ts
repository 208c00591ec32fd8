/** Files with values of several sizes: Reprise, and cacache by itself. */
import { diskStore } from '@reprise/store-disk';
import cacache from 'cacache';
import { type OpenStorage, year } from './storage.ts';

export const openDisk: OpenStorage = (folder, length, clock) => {
  const store = diskStore({ directory: folder, clock });
  const text = 'x'.repeat(length);
  return {
    async put(id, number, life = year) {
      const now = clock.now();
      const value = { number, text };
      await store.set(id, { value, createdAt: now, expiresAt: now + life, staleUntil: now + life });
    },
    async get(id) {
      const entry = await store.get(id);
      return entry === undefined ? Number.NaN : (entry.value as { number: number }).number;
    },
    prune: () => store.prune(),
    close: () => store.close(),
  };
};

/** Its declarations do not know the option. */
const removeEntry = cacache.rm.entry as (folder: string, key: string, options: object) => Promise<unknown>;

/** It knows nothing of expiry: who wants to sweep notes it beside the content, and lists all. */
export const openCacache: OpenStorage = (folder, length, clock) => {
  const text = 'x'.repeat(length);
  return {
    async put(id, number, life) {
      const bytes = Buffer.from(`0000${text}`);
      bytes.writeUInt32LE(number);
      await cacache.put(folder, id, bytes, life === undefined ? {} : { metadata: clock.now() + life });
    },
    get: async (id) => (await cacache.get(folder, id)).data.readUInt32LE(),
    async prune() {
      const now = clock.now();
      const ended = Object.values(await cacache.ls(folder)).filter(({ metadata }) => metadata <= now);
      for (const { key, integrity } of ended) {
        await removeEntry(folder, key, { removeFully: true });
        await cacache.rm.content(folder, integrity);
      }
      return ended.length;
    },
    close: () => undefined,
  };
};
