import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach } from '@jest/globals';
import { makeDirectory } from './directory.ts';

const run = promisify(execFile);
const mounted: string[] = [];

/** A file system of its own, of so many KiB, in memory. */
export async function mountDisk(size: number): Promise<string> {
  const directory = await makeDirectory();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}k,mode=700`, 'tmpfs', directory]);
  mounted.push(directory);
  return directory;
}

/** A directory in which nothing can be written while it is locked; no store may have it open for writing then. */
export async function makeLockable(): Promise<{ directory: string; lock(): Promise<void>; unlock(): Promise<void> }> {
  if ((await whyNotMount()) === undefined) {
    const directory = await mountDisk(2_000);
    const remount = (mode: string) => async (): Promise<void> => {
      await run('mount', ['-o', `remount,${mode}`, directory]);
    };
    return { directory, lock: remount('ro'), unlock: remount('rw') };
  }
  // Who may not mount is not root, and so is bound by the rights of files.
  const directory = await makeDirectory();
  const change = (rights: string) => async (): Promise<void> => {
    await run('chmod', ['-R', rights, directory]);
  };
  return { directory, lock: change('a-w'), unlock: change('u+w') };
}

/** `undefined` where this user may mount; otherwise why not, in a few words. */
export async function whyNotMount(): Promise<string | undefined> {
  try {
    await mountDisk(64);
    await unmountAll();
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n').at(1) || 'there is no mount';
  }
}

afterEach(unmountAll);

async function unmountAll(): Promise<void> {
  for (const directory of mounted.splice(0)) await run('umount', ['-l', directory]);
}
