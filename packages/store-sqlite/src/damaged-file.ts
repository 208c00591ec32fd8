import { renameSync, rmSync } from 'node:fs';
import { type Database, kindOf, type OpenDatabase } from './driver.ts';
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
  const lock = takeLock(`${filename}-repair`, open, lockTimeout);
  try {
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

function takeLock(filename: string, open: OpenDatabase, lockTimeout: number): Database {
  for (let isAgain = false; ; isAgain = true) {
    createFile(filename);
    const lock = open(filename, lockTimeout);
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      lock.close();
      // There is nothing in it: what damaged the one file may have damaged the other.
      if (isAgain || kindOf(error) !== 'damaged') throw error;
      rmSync(filename, { force: true });
    }
  }
}
