import { execFile } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Ground, makePlay } from './ground.ts';
import { listFiles } from './places.ts';
import type { Play } from './play.ts';

const run = promisify(execFile);

/** What became of a part: where its files are, or why it was not done. */
export type Place = { readonly folder: string } | { readonly skipped: string };

/** What was kept may be lost, and a write may be refused. */
const lenient = { leaseDuration: 300, keeps: false, mayRefuse: true };

/** Two processes at work, and something that happens to their files meanwhile; afterwards entries are kept again. */
async function playWhile(ground: Ground, disturb: (play: Play) => Promise<void>): Promise<void> {
  const play = makePlay(ground, lenient);
  await play.fleet.startAll(2);
  let isOver = false;
  const clients = play.fleet.workers.flatMap((worker) =>
    Array.from({ length: 3 }, () => play.beClient(worker, () => isOver)),
  );
  await disturb(play);
  isOver = true;
  await Promise.all(clients);
  for (const worker of play.fleet.workers) await play.readAll(worker);
  await play.fleet.close();
}

/** The whole directory is removed beneath running caches, again and again. */
export async function vanish(ground: Ground, rounds: number): Promise<void> {
  // A process that has the old file open notices by its next write, or 100 ms after its last look: packages/store-sqlite/README.md.
  if (ground.kind === 'sqlite') ground.referee.grace = 1_000;
  await playWhile(ground, async (play) => {
    for (let round = 1; round <= rounds; round++) {
      await play.afterSteps(5 + Math.floor(ground.random() * 30));
      // Whoever has a file open goes on with it, beside all that is new.
      const gone = `${ground.folder}-gone`;
      await rename(ground.folder, gone).catch(() => {});
      await rm(gone, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
      ground.referee.count('directories removed');
      ground.say(`vanished: ${round} of ${rounds}`);
    }
  });
}

/** A file system of so many KiB, in memory. @returns why there can be none */
async function mount(folder: string, size: number): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}k,mode=700`, 'tmpfs', folder]);
    return undefined;
  } catch (error) {
    return `no small file system can be mounted (${(error as Error).message.split('\n').at(1) || 'there is no mount'})`;
  }
}

/** Does something on a file system of its own. @returns where the files are, or why there are none */
async function onMount(ground: Ground, size: number, work: (ground: Ground) => Promise<unknown>): Promise<Place> {
  const folder = join(ground.folder, 'mounted');
  const skipped = await mount(folder, size);
  if (skipped !== undefined) return { skipped };
  ground.atEnd(() => run('umount', ['-l', folder]));
  await work({ ...ground, folder });
  return { folder };
}

/** A disk that is too small for what is to be kept. */
export function fillUp(ground: Ground, rounds: number): Promise<Place> {
  const size = ground.kind === 'disk' ? 250 : 400;
  return onMount(ground, size, async (mounted) => {
    await playWhile(mounted, async (play) => {
      const all = (size * 1024) / 2;
      for (let round = 1; round <= rounds; round++) {
        await play.afterSteps(60);
        const used = listUsed(mounted.folder);
        if (used > all) mounted.referee.count('looks at a disk more than half full');
        mounted.say(`full disk: ${round} of ${rounds}, ${used} bytes used`);
      }
    });
    // There is room again: what has been left can be swept.
    await run('mount', ['-o', `remount,size=${4 * size}k`, mounted.folder]);
  });
}

function listUsed(folder: string): number {
  try {
    return listFiles(folder).reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    // A file has gone while its size was asked for.
    return 0;
  }
}

/** A directory that becomes read only between two runs of a program, and writable again. */
export function forbidWrites(ground: Ground, rounds: number): Promise<Place> {
  return onMount(ground, 4_000, async (mounted) => {
    const play = makePlay(mounted, lenient);
    for (let round = 1; round <= rounds; round++) {
      for (const mode of ['rw', 'ro']) {
        // Whoever has a file open for writing keeps the file system from being made read only.
        await run('mount', ['-o', `remount,${mode}`, mounted.folder]);
        mounted.referee.noteAll(`mounted ${mode}`);
        await play.fleet.startAll(2);
        let isOver = false;
        const clients = play.fleet.workers.flatMap((worker) => [0, 1].map(() => play.beClient(worker, () => isOver)));
        await play.afterSteps(80);
        isOver = true;
        await Promise.all(clients);
        await play.fleet.close();
        await setImmediate();
        mounted.referee.count(`plays on a directory mounted ${mode}`);
      }
      await run('mount', ['-o', 'remount,rw', mounted.folder]);
      mounted.say(`read only: ${round} of ${rounds}`);
    }
  });
}
