import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Entry, StoreListener } from '@reprise/store';

const made: string[] = [];

/** A directory of its own, gone when the file's tests have ended. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reprise-disk-'));
  made.push(directory);
  return directory;
}

afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

/** The paths of all files below a folder of the store, or of all that belong to entries. */
export async function listFiles(directory: string, folder = ''): Promise<string[]> {
  const items = await readdir(join(directory, folder), { recursive: true, withFileTypes: true });
  const files = items.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
  return folder === '' ? files.filter((file) => !file.startsWith(join(directory, 'fences/'))) : files;
}

/** The one file of a folder. */
export async function onlyFile(directory: string, folder: string): Promise<string> {
  const files = await listFiles(directory, folder);
  if (files.length !== 1) throw new Error(`there are ${files.length} files in ${folder}`);
  return files[0] as string;
}

/** An entry made at `createdAt` that never ends, or lives for `ttl` milliseconds. */
export function entryOf(value: unknown, createdAt = 0, ttl = Infinity): Entry {
  return { value, createdAt, expiresAt: createdAt + ttl, staleUntil: createdAt + ttl };
}

/** Collects what a store reports. */
export class Reports implements StoreListener {
  readonly removals: string[] = [];
  readonly failures: { error: unknown; key: string | undefined }[] = [];

  removed(key: unknown, cause: string): void {
    this.removals.push(`${cause} ${String(key)}`);
  }

  failed(error: unknown, key?: string): void {
    this.failures.push({ error, key });
  }
}
