/** What stores that keep bytes do with values of several sizes, and what there is to do around them: sweep, open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Loops from './loops.ts';
import type { Lap } from './task.ts';

const sizes = { '64k': 65_536, '1m': 1_048_576 } as const;
type Size = keyof typeof sizes;
type Kind = 'disk' | 'sqlite';

/** A row of this kind: where, what is done, and with values of which size, if not 1 KB. */
export type StorageFeature = `${Kind}-${'hit' | 'put'}-${Size}` | `${Kind}-${'prune' | 'open'}` | 'sqlite-rewritten';

/** What keeps numbers, with so much text around each. */
export interface Storage {
  /** Has written it when it is done. @param life in milliseconds, a year unless told */
  put(id: string, number: number, life?: number): unknown;
  get(id: string): number | Promise<number>;
  /** Removes what has expired. @returns how many there were */
  prune(): number | Promise<number>;
  close(): unknown;
}

/** A clock that can be put forward. */
class Clock {
  #ahead = 0;
  readonly now = (): number => Date.now() + this.#ahead;

  skip(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

/** How long entries live, in milliseconds. */
export const year = 31_536_000_000;

/** Opens what is in a folder. @param length of the text of what is put */
export type OpenStorage = (folder: string, length: number, clock: Clock) => Storage | Promise<Storage>;

const kinds: readonly Kind[] = ['disk', 'sqlite'];

export const storageFeatures: readonly StorageFeature[] = [
  ...kinds.flatMap((kind) => [
    ...(['hit', 'put'] as const).flatMap((work) =>
      (Object.keys(sizes) as Size[]).map((size): StorageFeature => `${kind}-${work}-${size}`),
    ),
    `${kind}-prune` as const,
    `${kind}-open` as const,
  ]),
  'sqlite-rewritten',
];

/** The same part for each of these rows, by where. */
export function forEachStorageFeature<Part>(parts: { readonly [Name in Kind]: Part }): {
  [Name in StorageFeature]: Part;
} {
  const entries = storageFeatures.map((name) => [name, parts[kindOf(name)]]);
  return Object.fromEntries(entries) as { [Name in StorageFeature]: Part };
}

/** What a row does, and with how many characters. */
function partsOf(name: StorageFeature): { work: string; length: number } {
  const [, work = '', size] = name.split('-');
  return { work, length: size === undefined ? 1_000 : sizes[size as Size] };
}

function kindOf(name: StorageFeature): Kind {
  return name.startsWith('disk') ? 'disk' : 'sqlite';
}

const what: Readonly<Record<string, string>> = {
  hit: 'hit',
  put: 'put of a new key',
  prune: 'put of 20 entries that expire, prune of them among 1,000 others',
  open: 'open, one hit, close',
  rewritten: 'hit of a key written 1,000 times',
};

/** What a row is called, and what its limit is. */
export function describeStorage(name: StorageFeature): { path: string; limit: string } {
  const { work, length } = partsOf(name);
  const isOnDisk = kindOf(name) === 'disk';
  const size = length < 10_000 ? '' : length < 1_000_000 ? ', 64 KB' : ', 1 MB';
  const path = `\`${isOnDisk ? 'diskStore' : 'sqliteStore'}\`, ${what[work]}${size}`;
  if (!isOnDisk) return { path, limit: '`better-sqlite3` and `JSON`' };
  return { path, limit: work === 'put' ? '`cacache.put`' : work === 'prune' ? '`cacache`' : '`cacache.get`' };
}

/** The work of such a row. */
export async function createStorageLap(name: StorageFeature, open: OpenStorage, loops: typeof Loops): Promise<Lap> {
  const { work, length } = partsOf(name);
  const folder = makeFolder();
  const clock = new Clock();
  const storage = await open(folder, length, clock);
  const put = async (id: string): Promise<number> => {
    await storage.put(id, 1);
    return 1;
  };
  const fill = async (count: number, times = 1): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_, index) => `user:${index}`);
    for (let time = 0; time < times; time++) for (const id of ids) await put(id);
    return ids;
  };
  if (work === 'put') return lapOfPuts(put, length, loops);
  if (work === 'hit' || work === 'rewritten') {
    const ids = await (work === 'hit' ? fill(length < 1_000_000 ? 20 : 4) : fill(5, 1_000));
    return { calls: ids.length, run: loops.awaitOne(storage.get, ids), expect: (laps) => laps * ids.length };
  }
  await fill(work === 'prune' ? 1_000 : 100);
  if (work === 'prune') return lapOfSweeps(storage, clock);
  await storage.close();
  const openOnce = async (): Promise<number> => {
    const opened = await open(folder, length, clock);
    const found = await opened.get('user:7');
    await opened.close();
    return found;
  };
  return { calls: 1, run: loops.awaitOne(openOnce, ['']), expect: (laps) => laps };
}

function lapOfSweeps(storage: Storage, clock: Clock): Lap {
  const ended = 20;
  let lap = 0;
  return {
    calls: ended,
    async run(laps) {
      let sum = 0;
      for (const last = lap + laps; lap < last; lap++) {
        for (let index = 0; index < ended; index++) await storage.put(`gone:${lap}:${index}`, 1, 1_000);
        clock.skip(1_000);
        sum += await storage.prune();
      }
      return sum;
    },
    expect: (laps) => laps * ended,
  };
}

function lapOfPuts(put: (id: string) => Promise<number>, length: number, loops: typeof Loops): Lap {
  let next = 0;
  const keys: string[] = [];
  const lapLength = length < 1_000_000 ? 10 : 2;
  const run = loops.awaitOne(put, keys);
  return {
    calls: lapLength,
    // `keys` holds all the laps, so the loop over it is one.
    run: () => run(1),
    expect: (laps) => laps * lapLength,
    prepare(laps) {
      keys.length = 0;
      for (let index = 0; index < laps * lapLength; index++) keys.push(`user:${next++}`);
    },
  };
}

/** A folder that is gone when the process ends. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
