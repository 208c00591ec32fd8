import { statfsSync, statSync } from 'node:fs';
import { basename, dirname, relative, sep } from 'node:path';
import type { AsyncStore } from '@reprise/store';
import { directoryAt, type FoundFile, filenameAt, listFiles, openRaw, openStore } from './places.ts';
import type { Kind } from './protocol.ts';

/** What is there after everything: counts, and what should not be there. */
export interface Remains {
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  readonly junk: readonly string[];
}

/** The bytes of fences and of an empty file that no entry pays for. */
const overhead = 1_000_000;

/**
 * Opens a store whose processes are all gone, sweeps, closes, and looks at the files past it.
 *
 * @param maxSize how many entries the bounded namespace may hold
 */
export async function lookAtRemains(kind: Kind, folder: string, maxSize = 20): Promise<Remains> {
  const junk: string[] = [];
  const listener = { failed: (error: unknown) => junk.push(`a report when it was opened again: ${String(error)}`) };
  const store = openStore({ kind, folder }) as AsyncStore;
  const small = openStore({ kind, folder, namespace: 'small', maxSize }) as AsyncStore;
  let entries = 0;
  let content = 0;
  for (const each of [store, small]) {
    each.listen?.(listener);
    await each.prune?.();
    let listed = 0;
    for await (const [key, { value }] of each.entries?.() ?? []) {
      listed++;
      content += key.length + (JSON.stringify(value) ?? '').length + 1_000;
    }
    const size = (await each.size?.()) ?? 0;
    if (size !== listed) junk.push(`it counts ${size} entries and lists ${listed}`);
    if (each === small && size > maxSize) junk.push(`there are ${size} entries where ${maxSize} may be`);
    entries += listed;
  }
  await store.close();
  await small.close();
  const found = listFiles(folder);
  const bytes = found.reduce((sum, file) => sum + file.bytes, 0);
  // A file system gives whole pages, and SQLite has its indexes: several times the content is still no leak.
  const most = overhead + 4 * content;
  if (bytes > most) junk.push(`${bytes} bytes for entries that need no more than ${most}`);
  const hidden = findHidden(folder, found);
  if (hidden > 0) junk.push(`${hidden} bytes of the file system that no file accounts for`);
  const kept = { entries, content };
  junk.push(...(kind === 'disk' ? findOnDisk(folder, found, kept) : findBesideSqlite(folder, found, kept)));
  return { entries, files: found.length, bytes, junk };
}

/** What is in use of a file system of the folder's own, beside its files: none knows better what has been left behind. */
function findHidden(folder: string, files: readonly FoundFile[]): number {
  if (statSync(folder).dev === statSync(dirname(folder)).dev) return 0;
  const { blocks, bfree, bsize } = statfsSync(folder);
  const accounted = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes / bsize), 0);
  return Math.max(0, blocks - bfree - accounted) * bsize;
}

/** What a store says that it keeps: so many entries, that need no more than so many bytes. */
interface Kept {
  readonly entries: number;
  readonly content: number;
}

/** What a line of cacache's index takes at most, and a log of invalidations before it is made anew. */
const longestLine = 1_000;
const longestLog = 1_200_000;

function findOnDisk(folder: string, files: readonly FoundFile[], { entries, content }: Kept): string[] {
  const directory = directoryAt(folder);
  const parts = {
    'content-v2': { least: entries, most: entries, room: content, files: 0, bytes: 0 },
    'index-v5': { least: entries, most: entries, room: entries * longestLine, files: 0, bytes: 0 },
    fences: { least: 0, most: 1, room: longestLog, files: 0, bytes: 0 },
  };
  const junk: string[] = [];
  for (const { path, bytes } of files) {
    const [name = ''] = relative(directory, path).split(sep);
    const part = parts[name as keyof typeof parts];
    if (part === undefined) {
      junk.push(`a file that belongs to nothing: ${relative(folder, path)}`);
      continue;
    }
    part.files++;
    part.bytes += bytes;
  }
  for (const [name, part] of Object.entries(parts)) {
    if (part.files < part.least || part.files > part.most) {
      junk.push(`${part.files} files in ${name} for ${entries} entries`);
    }
    if (part.bytes > part.room) junk.push(`${part.bytes} bytes in ${name} for what needs no more than ${part.room}`);
  }
  return junk;
}

function findBesideSqlite(folder: string, files: readonly FoundFile[], { entries }: Kept): string[] {
  const filename = filenameAt(folder);
  const junk = files
    .filter(({ path }) => path !== filename)
    .map(({ path }) => `a file that belongs to nothing: ${basename(path)}`);
  const database = openRaw(filename);
  try {
    const ask = (sql: string): unknown => Object.values(database.prepare(sql).get() as object)[0];
    const verdict = ask('PRAGMA integrity_check');
    if (verdict !== 'ok') junk.push(`integrity_check says ${String(verdict)}`);
    const rows = ask('SELECT count(*) FROM entries');
    if (rows !== entries) junk.push(`${String(rows)} rows for ${entries} entries`);
    const orphans = ask('SELECT count(*) FROM tags WHERE entry NOT IN (SELECT id FROM entries)');
    if (orphans !== 0) junk.push(`${String(orphans)} tags of entries that are gone`);
    const miscounted = ask(
      'SELECT count(*) FROM namespaces n WHERE entries <> (SELECT count(*) FROM entries e WHERE e.namespace = n.id)',
    );
    if (miscounted !== 0) junk.push(`${String(miscounted)} namespaces count their entries wrongly`);
    const leases = ask(`SELECT count(*) FROM leases WHERE until <= ${Date.now()}`);
    if (leases !== 0) junk.push(`${String(leases)} leases that have ended`);
  } finally {
    database.close();
  }
  return junk;
}

/**
 * The files of a store that can be damaged: all but those on their way, and those that were given up. What SQLite's processes share as memory, in
 * `-shm`, is nothing stored: cut off beneath them it ends them by a signal (SIGBUS) that no library can catch.
 */
export function filesOf(kind: Kind, folder: string): string[] {
  const below = kind === 'disk' ? directoryAt(folder) : folder;
  return listFiles(below)
    .map(({ path }) => path)
    .filter((path) => !relative(below, path).startsWith(`tmp${sep}`) && !/-damaged|-shm$/.test(path))
    .sort();
}
