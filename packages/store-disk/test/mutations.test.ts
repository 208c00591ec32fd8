import { readFile, rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { diskStore } from '@reprise/store-disk';
import { seededRandom } from '@reprise/store-testkit';
import cacache from 'cacache';
import { entryOf, listFiles, makeDirectory, Reports } from './directory.ts';

const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`);
const contentOf = (key: string, version: number): unknown => ({ key, version, list: [1, 2, 3], at: new Date(version) });

type Pick = (count: number) => number;
type Mutation = (file: string, others: readonly string[], pick: Pick, directory: string) => Promise<unknown>;

const change = (edit: (bytes: Buffer, pick: Pick) => Buffer): Mutation => {
  return async (file, _others, pick) => writeFile(file, edit(await readFile(file), pick));
};

const mutations: readonly (readonly [name: string, mutate: Mutation])[] = [
  [
    'a flipped bit',
    change((bytes, pick) => {
      const at = pick(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << pick(8));
      return bytes;
    }),
  ],
  ['a lost end', change((bytes, pick) => bytes.subarray(0, pick(bytes.length)))],
  ['a lost beginning', change((bytes, pick) => bytes.subarray(pick(bytes.length)))],
  [
    'something in its middle',
    change((bytes, pick) => {
      const at = pick(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('\n\0x'), bytes.subarray(at)]);
    }),
  ],
  ['zeros in its place', change((bytes) => Buffer.alloc(bytes.length))],
  ['a foreign text in its place', change(() => Buffer.from('{"value":"foreign"}'))],
  [
    'another one’s bytes',
    async (file, others, pick) => writeFile(file, await readFile(others[pick(others.length)] as string)),
  ],
  [
    'its place exchanged with another one',
    async (file, others, pick) => {
      const other = others[pick(others.length)] as string;
      await rename(file, `${file}.x`);
      if (other !== file) await rename(other, file);
      await rename(`${file}.x`, other);
    },
  ],
  [
    'a later version in place of an entry',
    async (_file, _others, pick, directory) => {
      const key = `reprise/:${keys[pick(keys.length)]}`;
      const { data } = await cacache.get(directory, key).catch(() => ({ data: Buffer.alloc(8) }));
      data[4] = 1 + pick(200);
      await cacache.put(directory, key, data);
    },
  ],
  [
    'another key’s entry under a key',
    async (_file, _others, pick, directory) => {
      const found = await cacache.get(directory, `reprise/:${keys[pick(keys.length)]}`).catch(() => undefined);
      if (found !== undefined) await cacache.put(directory, `reprise/:${keys[pick(keys.length)]}`, found.data);
    },
  ],
];

describe('300 mutations of stored files', () => {
  const seed = 5;
  it(`cost entries, and never change one; a set heals each (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const pick: Pick = (count) => Math.floor(random() * Math.max(count, 1));
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    const reports = new Reports();
    store.listen(reports);
    const versions = new Map<string, number>();
    const write = async (key: string, version: number): Promise<void> => {
      expect(await store.set(key, { ...entryOf(contentOf(key, version)), tags: ['t'] })).toBe(true);
      versions.set(key, version);
    };
    for (const key of keys) await write(key, 0);
    let misses = 0;
    for (let round = 1; round <= 300; round++) {
      const [name, mutate] = mutations[round % mutations.length] as (typeof mutations)[number];
      const folder = ['content-v2', 'index-v5', 'content-v2', 'index-v5', 'fences'][pick(5)] as string;
      const files = await listFiles(directory, folder);
      const context = `round ${round}: ${name} in ${folder}`;
      await mutate(files[pick(files.length)] as string, files, pick, directory);
      for await (const [key, entry] of store.entries()) {
        expect([context, key, entry.value]).toEqual([context, key, contentOf(key, versions.get(key) as number)]);
      }
      for (const key of keys) {
        const entry = await store.get(key);
        if (entry === undefined) {
          misses++;
          await write(key, round);
        }
        const healed = entry ?? (await store.get(key));
        expect([context, healed?.value]).toEqual([context, contentOf(key, versions.get(key) as number)]);
      }
    }
    expect(misses).toBeGreaterThan(150);
    expect(reports.failures.length).toBeGreaterThan(50);
    await store.prune();
    await store.close();
    expect(await listFiles(directory)).toHaveLength(2 * keys.length);
  }, 120_000);
});
