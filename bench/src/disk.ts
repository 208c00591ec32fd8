/** Files: what Reprise does, and cacache by itself, which neither encodes a value nor knows what has expired. */
import { type DiskStoreOptions, diskStore } from '@reprise/store-disk';
import cacache from 'cacache';
import type { DiskShelf } from './feature.ts';

const text = 'x'.repeat(1_000);

export function diskShelf(directory: string, front: NonNullable<DiskStoreOptions['front']> = false): DiskShelf {
  const store = diskStore({ directory, front });
  return {
    async put(id, number) {
      const now = Date.now();
      const value = { number, text };
      await store.set(id, { value, createdAt: now, expiresAt: now + 3_600_000, staleUntil: now + 3_600_000 });
    },
    async get(id) {
      const entry = await store.get(id);
      return entry === undefined ? Number.NaN : (entry.value as { number: number }).number;
    },
    async list() {
      let count = 0;
      for await (const _ of store.entries()) count++;
      return count;
    },
  };
}

export function cacacheShelf(directory: string): DiskShelf {
  return {
    async put(id, number) {
      const bytes = Buffer.from(`0000${text}`);
      bytes.writeUInt32LE(number);
      await cacache.put(directory, id, bytes);
    },
    get: async (id) => (await cacache.get(directory, id)).data.readUInt32LE(),
    list: async () => Object.keys(await cacache.ls(directory)).length,
  };
}
