import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, isAbsence } from './file-errors.ts';
import { bucketPath, contentPath, draftPath, type IndexLine, latestLines, parseBucket } from './layout.ts';

/**
 * Removes a key and its content.
 *
 * Whoever reads a bucket and then removes it may remove what another process has put there in between. So it is moved aside first, looked
 * at, and put back if it is not what was meant; all in one breath, as a read meanwhile is a miss.
 *
 * @param isMeant whether what is there now shall go; asked twice
 * @returns what was there; `undefined` when there was nothing, or nothing that is meant
 */
export function removeEntry(
  directory: string,
  key: string,
  isMeant: (line: IndexLine) => boolean,
): IndexLine | undefined {
  const bucket = bucketPath(directory, key);
  const seen = readBucketNow(bucket);
  const latest = latestOf(seen, key);
  if (latest === undefined || !isMeant(latest)) return undefined;
  const aside = draftPath(directory);
  if (!moveAside(bucket, aside)) {
    removeContents(directory, seen, key);
    return latest;
  }
  const moved = readBucketNow(aside);
  const found = latestOf(moved, key);
  if (found !== undefined && !isMeant(found)) {
    putBack(aside, bucket);
    removeNow(aside);
    return undefined;
  }
  removeContents(directory, moved, key);
  removeNow(aside);
  return found;
}

/** The lines of a bucket; none where there is no file, or a folder in its place. */
export function readBucketNow(path: string): IndexLine[] {
  try {
    return parseBucket(readFileSync(path, 'utf8'));
  } catch (error) {
    if (isAbsence(error) || codeOf(error) === 'EISDIR') return [];
    throw error;
  }
}

/** Removes a file, or the folder that is in its place. */
export function removeNow(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (isAbsence(error)) return;
    rmSync(path, { recursive: true, force: true });
  }
}

function latestOf(lines: readonly IndexLine[], key: string): IndexLine | undefined {
  return latestLines(lines).find((line) => line.key === key);
}

/** @returns whether there was something */
function moveAside(bucket: string, aside: string): boolean {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(bucket, aside);
      return true;
    } catch (error) {
      if (!isAbsence(error)) throw error;
      // The bucket is missing, or the folder for drafts.
      if (attempt > 1) return false;
      mkdirSync(dirname(aside), { recursive: true, mode: 0o700 });
    }
  }
}

function putBack(aside: string, bucket: string): void {
  try {
    linkSync(aside, bucket);
  } catch (error) {
    // A newer one has come.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function removeContents(directory: string, lines: readonly IndexLine[], key: string): void {
  for (const line of lines) {
    const path = line.key === key ? contentPath(directory, line.integrity) : undefined;
    if (path !== undefined) removeNow(path);
  }
}
