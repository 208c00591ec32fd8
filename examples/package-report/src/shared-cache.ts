import { type Cache, createCache } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';

/**
 * Opens the cache of this program. `package-report.ts` and `source-lines.ts` use it by its name, and so need not import
 * this file, nor know that it is on disk.
 */
export function openCache(directory: string): Cache {
  return createCache({
    name: 'package-report',
    store: diskStore({ directory, maxSize: 20_000 }),
    ttl: '30d',
  });
}
