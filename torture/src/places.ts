import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Store } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { sqliteStore } from '@reprise/store-sqlite';
import type { Setting } from './protocol.ts';

/** Which store to open, as {@link Setting} says; of its options those that matter here. */
export interface Opening extends Pick<Setting, 'kind' | 'folder'> {
  readonly number?: number;
  readonly leaseDuration?: number;
  readonly namespace?: string;
  readonly maxSize?: number;
}

/** A store at a place. On disk every other worker reads through the memory in front. */
export function openStore({
  kind,
  folder,
  number = 0,
  leaseDuration = 5_000,
  namespace = '',
  maxSize,
}: Opening): Store {
  const options = { leaseDuration, namespace, ...(maxSize !== undefined && { maxSize }) };
  if (kind === 'sqlite') return sqliteStore({ filename: filenameAt(folder), lockTimeout: '20s', ...options });
  return diskStore({ directory: directoryAt(folder), front: number % 2 === 1, ...options });
}

export const filenameAt = (folder: string): string => join(folder, 'cache.sqlite');
export const directoryAt = (folder: string): string => join(folder, 'cache');

/** A file with its size. */
export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
}

/** All files below a folder; none where there is no folder. */
export function listFiles(folder: string): FoundFile[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .map((item) => join(item.parentPath, item.name))
      .map((path) => ({ path, bytes: statSync(path).size }));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}

/** A database as SQLite itself shows it. */
export interface RawDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): { all(): unknown[]; get(): unknown };
  close(): void;
}

/** Opens a file past the store. */
export function openRaw(filename: string): RawDatabase {
  const load = createRequire(import.meta.url);
  try {
    return new (load('better-sqlite3'))(filename);
  } catch (error) {
    const builtIn = process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as
      | { DatabaseSync: new (filename: string) => RawDatabase }
      | undefined;
    if (builtIn === undefined) throw error;
    return new builtIn.DatabaseSync(filename);
  }
}
