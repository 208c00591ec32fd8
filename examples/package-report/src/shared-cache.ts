import { type Cache, createCache, StoreError } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';
import { sqliteStore } from '@reprise/store-sqlite';
import { type Options, UsageError } from './options.ts';

/**
 * Opens the cache of this program. `package-report.ts` and `source-lines.ts` use it by its name, and so need not import
 * this file, nor know what it is kept in.
 *
 * @throws UsageError where SQLite was asked for and this Node has no driver for it
 */
export function openCache({ cachePath, store }: Pick<Options, 'cachePath' | 'store'>): Cache {
  return createCache({
    name: 'package-report',
    store: store === 'sqlite' ? openSqlite(`${cachePath}.sqlite`) : diskStore({ directory: cachePath, maxSize }),
    ttl: '30d',
  });
}

const maxSize = 20_000;

function openSqlite(filename: string) {
  try {
    return sqliteStore({ filename, maxSize });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new UsageError(`--store sqlite: ${error.message}; or --store disk, which needs neither`, { cause: error });
  }
}
