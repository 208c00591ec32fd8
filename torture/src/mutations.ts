import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import cacache from 'cacache';
import type { Worker } from './fleet.ts';
import { type Ground, makePlay } from './ground.ts';
import { directoryAt, filenameAt, listFiles, openRaw } from './places.ts';
import { filesOf } from './remains.ts';

interface Victim {
  readonly file: string;
  /** Other files of the store, and the same one. */
  readonly files: readonly string[];
  readonly folder: string;
  readonly pick: (count: number) => number;
}

type Mutation = (victim: Victim) => Promise<unknown>;

const change = (edit: (bytes: Buffer, pick: Victim['pick']) => Buffer): Mutation => {
  return async ({ file, pick }) => writeFile(file, edit(await readFile(file), pick));
};

/** What can happen to any file. */
const toFiles: readonly Mutation[] = [
  change((bytes, pick) => {
    const at = pick(bytes.length);
    if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << pick(8));
    return bytes;
  }),
  change((bytes, pick) => bytes.subarray(0, pick(bytes.length))),
  change((bytes, pick) => {
    const at = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from('\n\0x'), bytes.subarray(at)]);
  }),
  change((bytes, pick) => {
    const at = pick(bytes.length);
    return bytes.fill(0, at, Math.min(at + pick(5_000), bytes.length));
  }),
  change(() => Buffer.from('{"value":"foreign"}')),
  async ({ file }) => rm(file, { force: true }),
];

const entryOn = async ({ folder, pick }: Victim): Promise<[key: string, data: Buffer] | undefined> => {
  const keys = Object.keys(await cacache.ls(directoryAt(folder)));
  const key = keys[pick(keys.length)];
  if (key === undefined) return undefined;
  const found = await cacache.get(directoryAt(folder), key).catch(() => undefined);
  return found && [key, found.data];
};

/** What cacache itself would call whole: an envelope of a later release, an entry under another key, files that have changed places. */
const onDisk: readonly Mutation[] = [
  ...toFiles,
  async (victim) => {
    const [key, data] = (await entryOn(victim)) ?? [];
    if (key === undefined || data === undefined) return;
    data[4] = 1 + victim.pick(200);
    await cacache.put(directoryAt(victim.folder), key, data);
  },
  async (victim) => {
    const [one, other] = [await entryOn(victim), await entryOn(victim)];
    if (one !== undefined && other !== undefined) await cacache.put(directoryAt(victim.folder), one[0], other[1]);
  },
  async ({ file, files, pick }) => {
    const other = files[pick(files.length)] as string;
    if (other === file) return;
    await rename(file, `${file}.x`);
    await rename(other, file);
    await rename(`${file}.x`, other);
  },
];

const inTables = (sql: (pick: Victim['pick']) => string): Mutation => {
  return async ({ folder, pick }) => {
    let database: ReturnType<typeof openRaw> | undefined;
    try {
      database = openRaw(filenameAt(folder));
      database.exec(sql(pick));
    } catch {
      // An earlier mutation has left nothing that SQLite would open.
    } finally {
      database?.close();
    }
  };
};

const one = '(SELECT id FROM entries ORDER BY random() LIMIT 1)';
const inSqlite: readonly Mutation[] = [
  ...toFiles,
  inTables(
    (pick) =>
      `UPDATE entries SET envelope = CAST(substr(envelope, 1, ${pick(90)}) || x'5a' || substr(envelope, ${pick(90)}) AS BLOB) WHERE id = ${one}`,
  ),
  inTables((pick) => `UPDATE entries SET envelope = substr(envelope, 1, ${pick(200)}) WHERE id = ${one}`),
  inTables(
    () => `UPDATE entries SET envelope = (SELECT envelope FROM entries ORDER BY random() LIMIT 1) WHERE id = ${one}`,
  ),
  inTables(
    (pick) =>
      `UPDATE entries SET envelope = CAST(substr(envelope, 1, 4) || x'${(1 + pick(200)).toString(16).padStart(2, '0')}' || substr(envelope, 6) AS BLOB) WHERE id = ${one}`,
  ),
  inTables(() => `UPDATE entries SET envelope = CAST('{"value":"foreign"}' AS BLOB) WHERE id = ${one}`),
  // A file of a later release: nothing is kept, and every call is answered all the same.
  inTables(() => 'PRAGMA user_version = 2'),
];

/**
 * Alters stored files again and again beneath two processes: flips, truncations, foreign and later contents, exchanged ones. Every other time while the
 * caches are closed, else while they are in use. It may cost entries; it never changes an answer.
 */
export async function mutate(ground: Ground, count: number): Promise<void> {
  const { kind, folder, referee, random, say } = ground;
  const play = makePlay(ground, { leaseDuration: 300, keeps: false, mayRefuse: true });
  play.plan = (item) => ({ value: referee.valueNow(item), delay: 0, fails: false });
  await play.fleet.startAll(2);
  const [first, second] = play.fleet.workers as [Worker, Worker];
  const pick = (most: number): number => Math.floor(random() * Math.max(most, 1));
  const both = (deed: 'open' | 'close'): Promise<unknown> =>
    Promise.all([first, second].map((worker) => worker.order(deed)));
  await play.readAll(first);
  for (let round = 1; round <= count; round++) {
    const isClosed = round % 2 === 0;
    if (isClosed) await both('close');
    const files = filesOf(kind, folder);
    const mutations = kind === 'disk' ? onDisk : inSqlite;
    const file = files[pick(files.length)];
    if (file !== undefined) await mutations[round % mutations.length]?.({ file, files, folder, pick });
    referee.count('mutations');
    if (isClosed) await both('open');
    await play.readAll(first);
    await play.change(second, [pick(2) === 0 ? 'plain a' : 'stale b'], pick(2) === 0 ? 'invalidate' : 'tag');
    await play.readAll(second);
    if (kind === 'sqlite') await inTables(() => 'PRAGMA user_version = 1')({ file: '', files, folder, pick });
    if (round % 50 === 0 || round === count) say(`mutations: ${round} of ${count}`);
  }
  await play.fleet.close();
  // What the store has moved aside is for its user to look at, and what guarded that stays beside it.
  for (const { path } of listFiles(folder)) if (/-damaged|-repair$/.test(path)) await rm(path);
}
