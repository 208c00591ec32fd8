import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CodecError, StoreError } from '@reprise/store';
import { seededRandom } from '@reprise/store-testkit';
import { Child } from './child.ts';
import { entryOf, makeFilename, makeFolder, open, openDatabase, Reports, resultOf } from './places.ts';

/** A file with so many entries, closed. */
function fill(filename: string, count: number): void {
  const store = open(filename);
  for (let index = 0; index < count; index++)
    store.set(`key:${index}`, entryOf(`value of ${index} ${'x'.repeat(500)}`));
  store.close();
}

/** Every entry that is answered must be the right one. @returns how many are */
function countRight(store: ReturnType<typeof open>, count: number): number {
  let right = 0;
  for (let index = 0; index < count; index++) {
    const entry = store.get(`key:${index}`);
    if (entry === undefined) continue;
    expect(entry.value).toBe(`value of ${index} ${'x'.repeat(500)}`);
    right++;
  }
  return right;
}

function overwrite(filename: string, position: number, bytes: Uint8Array): void {
  const file = openSync(filename, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

describe('a damaged row', () => {
  it.each([
    ['altered', `UPDATE entries SET envelope = CAST(substr(envelope, 1, 80) || x'00' || substr(envelope, 82) AS BLOB)`],
    ['altered text', `UPDATE entries SET envelope = replace(envelope, 'val', 'vbl')`],
    ['no UTF-8', `UPDATE entries SET envelope = CAST(CAST(substr(envelope, 1, 40) AS BLOB) || x'ff' AS TEXT)`],
    ['truncated', 'UPDATE entries SET envelope = substr(envelope, 1, length(envelope) - 1)'],
    ['empty', `UPDATE entries SET envelope = x''`],
    ['foreign', `UPDATE entries SET envelope = CAST('{"value":1}' AS BLOB)`],
    ['no bytes at all', 'UPDATE entries SET envelope = 42'],
    ['text', `UPDATE entries SET envelope = 'text'`],
    [
      'another key’s',
      `UPDATE entries SET envelope = (SELECT envelope FROM entries WHERE key LIKE '%other') WHERE key NOT LIKE '%other'`,
    ],
  ])('that is %s is a miss, is reported, goes, and the next set takes its place', (_name, sql) => {
    const filename = makeFilename();
    const store = open(filename);
    store.set('k', entryOf('value'));
    store.set('other', entryOf('other'));
    const database = openDatabase(filename);
    database.exec(sql);
    database.close();
    const reports = new Reports();
    store.listen(reports);
    expect(store.get('k')).toBeUndefined();
    expect(reports.failures).toEqual([{ error: expect.any(CodecError), key: 'k' }]);
    expect(store.get('k')).toBeUndefined();
    expect(reports.failures.length).toBe(1);
    store.set('k', entryOf('again'));
    expect(store.get('k')?.value).toBe('again');
  });

  it('is looked for by its key where its number has passed to another key', () => {
    const filename = makeFilename();
    const store = open(filename);
    for (const key of ['a', 'b', 'c']) store.set(key, entryOf(key));
    for (let count = 0; count < 3; count++)
      expect(['a', 'b', 'c'].map((key) => store.get(key)?.value)).toEqual(['a', 'b', 'c']);
    const reports = new Reports();
    store.listen(reports);
    const other = open(filename);
    for (const key of ['c', 'b', 'a']) other.delete(key);
    expect(['a', 'b', 'c'].map((key) => store.get(key))).toEqual([undefined, undefined, undefined]);
    for (const key of ['c', 'a', 'b']) other.set(key, entryOf(`${key} again`));
    for (let count = 0; count < 3; count++) {
      expect(['a', 'b', 'c'].map((key) => store.get(key)?.value)).toEqual(['a again', 'b again', 'c again']);
    }
    other.delete('c');
    other.delete('a');
    other.set('d', entryOf('d'));
    expect(['a', 'b', 'c', 'd'].map((key) => store.get(key)?.value)).toEqual([undefined, 'b again', undefined, 'd']);
    expect(reports.failures).toEqual([]);
  });

  it('is not removed when a newer one has taken its place', () => {
    const filename = makeFilename();
    const store = open(filename);
    store.set('k', entryOf('value'));
    const database = openDatabase(filename);
    database.exec(`UPDATE entries SET envelope = x'00'`);
    database.close();
    store.listen({ failed: () => store.set('k', entryOf('newer')) });
    expect(store.get('k')).toBeUndefined();
    expect(store.get('k')?.value).toBe('newer');
  });
});

describe('a damaged file', () => {
  it.each([
    ['is no database', (filename: string) => writeFileSync(filename, 'no database at all, but text\n'.repeat(200))],
    ['has lost its head', (filename: string) => overwrite(filename, 0, new Uint8Array(100))],
    ['was cut in the middle of its tables', (filename: string) => truncateSync(filename, 4_096 * 3)],
    ['was cut in the middle of a page', (filename: string) => truncateSync(filename, 1_000)],
    [
      'has lost a table',
      (filename: string) => {
        const database = openDatabase(filename);
        database.exec('DROP TABLE fences');
        database.close();
      },
    ],
    [
      'has lost its counters',
      (filename: string) => {
        const database = openDatabase(filename);
        database.exec('DELETE FROM state');
        database.close();
      },
    ],
  ])('that %s is moved aside and reported, and the store goes on with a new one', (_name, damage) => {
    const filename = makeFilename();
    fill(filename, 100);
    damage(filename);
    const store = open(filename);
    const reports = new Reports();
    store.listen(reports);
    expect(countRight(store, 100)).toBeLessThan(100);
    store.size();
    store.set('k', entryOf('value'));
    expect(store.get('k')?.value).toBe('value');
    expect(reports.failures).toEqual([
      { error: expect.objectContaining({ message: expect.stringContaining(`${filename}-damaged`) }), key: undefined },
    ]);
    for (const name of readdirSync(dirname(filename))) {
      expect([name, statSync(join(dirname(filename), name)).mode & 0o077]).toEqual([name, 0]);
    }
    expect(existsSync(`${filename}-damaged`)).toBe(true);
  });

  it('is moved aside though the file that guards this is damaged as well', () => {
    const filename = makeFilename();
    fill(filename, 10);
    for (const path of [filename, `${filename}-repair`])
      writeFileSync(path, 'no database at all, but text\n'.repeat(200));
    const store = open(filename);
    store.set('k', entryOf('value'));
    expect(store.get('k')?.value).toBe('value');
    expect(existsSync(`${filename}-damaged`)).toBe(true);
  });

  it('that is empty is used', () => {
    const filename = makeFilename();
    writeFileSync(filename, '');
    const store = open(filename);
    store.set('k', entryOf('value'));
    expect(store.get('k')?.value).toBe('value');
    expect(existsSync(`${filename}-damaged`)).toBe(false);
  });

  it('never gives a wrong value, whatever bytes of it were altered', () => {
    const seed = Number(process.env['REPRISE_SEED'] ?? Date.now() % 100_000);
    const random = seededRandom(seed);
    const folder = makeFolder();
    const whole = join(folder, 'whole.sqlite');
    fill(whole, 60);
    const bytes = readFileSync(whole);
    for (let round = 0; round < 40; round++) {
      const damaged = Buffer.from(bytes);
      const start = Math.floor(random() * damaged.length);
      const length = 1 + Math.floor(random() * (random() < 0.5 ? 4 : 4_000));
      for (let at = start; at < Math.min(start + length, damaged.length); at++)
        damaged[at] = Math.floor(random() * 256);
      const filename = join(folder, `${round}/cache.sqlite`);
      mkdirSync(dirname(filename));
      writeFileSync(filename, damaged);
      const store = open(filename);
      try {
        countRight(store, 60);
        store.size();
        for (const [, entry] of store.entries()) expect(entry.value).toMatch(/^value of \d+ x{500}$/);
        store.set('key:1', resultOf(store, `value of 1 ${'x'.repeat(500)}`));
        store.delete('key:2');
        store.invalidateTags(['t']);
        store.prune();
        countRight(store, 60);
      } catch (error) {
        // In words: it cannot be used, and says so.
        if (!(error instanceof StoreError)) throw new Error(`REPRISE_SEED=${seed}, round ${round}`, { cause: error });
      }
      store.close();
    }
  });

  it('that was replaced by one process is given up by the others, and all use the new one', async () => {
    const filename = makeFilename();
    fill(filename, 50);
    const child = new Child();
    await child.run(`
      state.store = sqliteStore({ filename: ${JSON.stringify(filename)} });
      state.store.get('key:0');
    `);
    // In the child: whoever closes a file by hand takes from his process the locks that SQLite has on it.
    await child.run(`
      const file = fs.openSync(${JSON.stringify(filename)}, 'r+');
      fs.writeSync(file, new Uint8Array(4096 * 4), 0, 4096 * 4, 0);
      fs.closeSync(file);
    `);
    const store = open(filename);
    store.set('new', entryOf('here'));
    await child.run(`state.store.set('child', entryOf('there'))`);
    expect(store.get('child')?.value).toBe('there');
    expect(await child.run(`return state.store.get('new')?.value`)).toBe('here');
    expect(store.size()).toBe(2);
    const generation = await child.run<string>('return state.store.generation()');
    store.delete('k');
    expect(await child.run(`return state.store.set('k', { ...entryOf(1), generation: '${generation}' })`)).toBe(false);
  });

  it('that several processes find at once is replaced once, and all go on with the same new one', async () => {
    const folder = makeFolder();
    const children = [new Child(), new Child(), new Child()];
    for (let round = 0; round < 5; round++) {
      const filename = join(folder, `${round}/cache.sqlite`);
      fill(filename, 50);
      overwrite(filename, 0, new Uint8Array(4_096));
      await Promise.all(
        children.map((child, number) =>
          child.run(`
            state.store?.close();
            state.store = sqliteStore({ filename: ${JSON.stringify(filename)} });
            state.failures = [];
            state.store.listen({ failed: (error) => state.failures.push(String(error)) });
            state.store.set('k${number}', entryOf(${number}));
          `),
        ),
      );
      for (const child of children) {
        const found = await child.run(
          `return [...state.store.entries()].map(([key, { value }]) => [key, value]).sort()`,
        );
        expect(found).toEqual([
          ['k0', 0],
          ['k1', 1],
          ['k2', 2],
        ]);
      }
    }
  });
});

describe('a file that is not to be used', () => {
  it.each([
    ['with tables', 'CREATE TABLE users (name); INSERT INTO users VALUES (1)'],
    ['with a version of its own', 'PRAGMA user_version = 7; CREATE TABLE users (name)'],
    ['with a mark of its own', 'PRAGMA application_id = 42; PRAGMA user_version = 1'],
  ])(
    'because it is the database of something else, %s, is left as it is, and every operation says so',
    (_name, sql) => {
      const filename = makeFilename();
      const database = openDatabase(filename);
      database.exec(sql);
      database.close();
      const before = createHash('sha256').update(readFileSync(filename)).digest('hex');
      const store = open(filename);
      expect(() => store.get('k')).toThrow(/database of something else; give it a file of its own as filename/);
      expect(() => store.set('k', entryOf(1))).toThrow(StoreError);
      expect(() => store.delete('k')).toThrow(StoreError);
      store.close();
      expect(createHash('sha256').update(readFileSync(filename)).digest('hex')).toBe(before);
    },
  );

  it('because a later release has made it is left as it is, and every operation says so', () => {
    const filename = makeFilename();
    fill(filename, 1);
    const database = openDatabase(filename);
    database.exec('PRAGMA user_version = 2');
    database.close();
    const store = open(filename);
    expect(() => store.get('key:0')).toThrow(/later release \(schema 2; this release knows 1\)/);
    store.close();
    expect(existsSync(filename)).toBe(true);
    expect(existsSync(`${filename}-damaged`)).toBe(false);
  });

  it('because its folder cannot be made fails in words', () => {
    const circle = join(makeFolder(), 'circle');
    symlinkSync(circle, circle);
    const store = open(join(circle, 'cache.sqlite'));
    expect(() => store.get('k')).toThrow(StoreError);
    expect(() => store.set('k', entryOf(1))).toThrow(/The SQLite store at .*cache\.sqlite could not write: /);
    store.close();
  });
});

describe('a disk that takes no more', () => {
  it('makes writes fail in words, costs waiting results, and loses nothing that was written', async () => {
    const filename = makeFilename();
    const child = new Child(1_000);
    const told = await child.run<{ kept: number; error: string; failures: string[]; result: boolean; right: number }>(`
      const store = sqliteStore({ filename: ${JSON.stringify(filename)} });
      const failures = [];
      store.listen({ failed: (error) => failures.push(String(error)) });
      let kept = 0;
      let error;
      while (error === undefined) {
        try {
          store.set('key:' + kept, entryOf('x'.repeat(5_000) + kept));
          kept++;
        } catch (thrown) {
          error = String(thrown);
        }
      }
      const result = store.set('result', { ...entryOf('y'.repeat(100_000)), generation: store.generation() });
      await endOfTick();
      let right = 0;
      for (let index = 0; index < kept; index++) if (store.get('key:' + index)?.value === 'x'.repeat(5_000) + index) right++;
      if (store.get('result') !== undefined) throw new Error('it was not written');
      return { kept, error, failures, result, right };
    `);
    expect(told.error).toMatch(/^StoreError: The SQLite store at .* could not write: /);
    expect(told.result).toBe(true);
    expect(told.failures).toEqual([expect.stringMatching(/^StoreError: .* could not write: /)]);
    expect(told.kept).toBeGreaterThan(10);
    expect(told.right).toBe(told.kept);
    await child.kill();
    const store = open(filename);
    expect(store.size()).toBe(told.kept);
    expect(store.delete('key:0')).toBe(true);
  });
});

describe('a file that goes away while it is open', () => {
  it('is made anew, and what was in it is not answered for longer than a moment', async () => {
    const filename = makeFilename();
    const store = open(filename);
    store.set('k', entryOf('value'));
    const generation = store.generation();
    for (const name of readdirSync(dirname(filename))) rmSync(join(dirname(filename), name));
    while (store.get('k') !== undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(store.set('k', { ...entryOf('old'), generation })).toBe(false);
    store.set('k', entryOf('again'));
    expect(existsSync(filename)).toBe(true);
    expect(open(filename).get('k')?.value).toBe('again');
  });

  it('is noticed at once by a write', () => {
    const filename = makeFilename();
    const store = open(filename);
    store.set('k', entryOf('value'));
    renameSync(dirname(filename), `${dirname(filename)}-moved`);
    expect(store.delete('k')).toBe(false);
    expect(store.get('k')).toBeUndefined();
    expect(existsSync(filename)).toBe(true);
    rmSync(`${dirname(filename)}-moved`, { recursive: true });
  });
});

describe('what the store makes', () => {
  it('is for its owner only, whatever else there may be in the folder', () => {
    const folder = makeFolder();
    chmodSync(folder, 0o755);
    const filename = join(folder, 'new/deep/cache.sqlite');
    const store = open(filename);
    store.set('k', entryOf('value'));
    for (const name of readdirSync(dirname(filename))) {
      expect([name, statSync(join(dirname(filename), name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    for (const made of [dirname(filename), dirname(dirname(filename))]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });
});
