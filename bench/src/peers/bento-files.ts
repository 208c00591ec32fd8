/** The file driver of bentocache, without a memory in front. */
import { join } from 'node:path';
import { type DiskShelf, lifetime } from '../feature.ts';
import type { Storage } from '../storage.ts';

export async function openBentoFiles(folder: string, length: number): Promise<Storage> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { fileDriver } = await import('bentocache/drivers/file');
  const driver = fileDriver({ directory: join(folder, 'bento'), pruneInterval: false });
  const bento = new BentoCache({
    default: 'files',
    ttl: lifetime.ttl,
    stores: { files: bentostore().useL2Layer(driver) },
  });
  const text = 'x'.repeat(length);
  return {
    put: (key, number) => bento.set({ key, value: { number, text } }),
    get: async (key) => ((await bento.get({ key })) as { number: number } | undefined)?.number ?? Number.NaN,
    prune: () => Promise.reject(new Error('it does not say how many it has removed')),
    close: () => bento.disconnectAll(),
  };
}

export function openBentoShelf(folder: string): DiskShelf {
  const opened = openBentoFiles(folder, 1_000);
  return {
    put: async (id, number) => (await opened).put(id, number),
    get: async (id) => (await opened).get(id),
    list: () => Promise.reject(new Error('it lists nothing')),
  };
}
