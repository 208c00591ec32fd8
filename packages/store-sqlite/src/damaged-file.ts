import { renameSync, rmSync } from 'node:fs';
import type { OpenDatabase } from './driver.ts';
import { createFile, identityOf } from './session.ts';

/**
 * Moves a damaged file out of the way, to `<filename>-damaged`, in place of an earlier one.
 *
 * Of several processes that find the damage one does it: the others wait, and then find another file under the name. The lock is
 * one of SQLite's, on a file beside it: the operating system takes it from a process that dies.
 *
 * @param identity of the file that is damaged; any other one is left alone
 */
export function moveAside(filename: string, identity: string, open: OpenDatabase, lockTimeout: number): void {
  createFile(`${filename}-repair`);
  const lock = open(`${filename}-repair`, lockTimeout);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    if (identityOf(filename) !== identity) return;
    // A log must never stand beside a file that it is not about.
    rmSync(`${filename}-wal`, { force: true });
    rmSync(`${filename}-shm`, { force: true });
    renameSync(filename, `${filename}-damaged`);
    rmSync(`${filename}-wal`, { force: true });
    rmSync(`${filename}-shm`, { force: true });
  } finally {
    lock.close();
  }
}
