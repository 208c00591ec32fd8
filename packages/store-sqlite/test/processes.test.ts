import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StoreError } from '@reprise/store';
import { Child } from './child.ts';
import { endOfTick, entryOf, makeFolder, open, Reports, resultOf } from './places.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await endOfTick();
}

/** What opens the store in a child, under `state.store`, and notes its failures. */
function opening(filename: string, options = {}): string {
  return `
    state.failures = [];
    state.store = sqliteStore({ filename: ${JSON.stringify(filename)}, ...${JSON.stringify(options)} });
    state.store.listen({ failed: (error) => state.failures.push(String(error)) });
  `;
}

describe('several processes on one file', () => {
  it('write a thousand entries each at once, without any of them hearing of SQLITE_BUSY, and all are there', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const children = [new Child(), new Child()];
    await Promise.all(
      children.map((child, number) =>
        child.run(`
          ${opening(filename)}
          for (let index = 0; index < 500; index++) state.store.set('single:${number}:' + index, entryOf(index));
          for (let index = 0; index < 500; index++) {
            const generation = state.store.generation();
            if (!state.store.set('result:${number}:' + index, { ...entryOf(index), generation })) throw new Error('refused');
            if (index % 10 === 0) await endOfTick();
          }
          await endOfTick();
        `),
      ),
    );
    for (const child of children) expect(await child.run('return state.failures')).toEqual([]);
    const store = open(filename);
    expect(store.size()).toBe(2_000);
    for (const number of [0, 1]) {
      for (const index of [0, 1, 250, 498, 499]) {
        expect(store.get(`single:${number}:${index}`)?.value).toBe(index);
        expect(store.get(`result:${number}:${index}`)?.value).toBe(index);
      }
    }
  });

  it('open and make the file at once, and use the same one', async () => {
    const folder = makeFolder();
    const children = [new Child(), new Child(), new Child()];
    for (let round = 0; round < 5; round++) {
      const filename = join(folder, `new/${round}/cache.sqlite`);
      await Promise.all(
        children.map((child, number) =>
          child.run(`${opening(filename)} state.store.set('k${number}', entryOf(${number}));`),
        ),
      );
      for (const child of children) {
        expect(await child.run('return [state.store.size(), state.failures]')).toEqual([3, []]);
        await child.run('state.store.close()');
      }
    }
  });

  it('an invalidation in one keeps out what another was computing', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const store = open(filename);
    const child = new Child();
    await child.run(opening(filename));
    for (const invalidate of [
      () => store.delete('find(1)'),
      () => store.clear('find('),
      () => store.clear(),
      () => store.invalidateTags(['t']),
      () => store.set('find(1)', entryOf('newer')),
    ]) {
      await child.run(`state.generation = state.store.generation();`);
      invalidate();
      const there = store.get('find(1)')?.value;
      const kept = await child.run(`
        return state.store.set('find(1)', { ...entryOf('old'), tags: ['t'], generation: state.generation });
      `);
      expect(kept).toBe(false);
      expect(store.get('find(1)')?.value).toBe(there);
    }
  });

  it('an invalidation in one takes what another has stored and not yet written', async () => {
    const folder = makeFolder();
    const filename = join(folder, 'cache.sqlite');
    const store = open(filename);
    const child = new Child();
    await child.run(opening(filename));
    const hasSet = join(folder, 'has-set');
    const isDeleted = join(folder, 'is-deleted');
    const told = child.run(`
      const kept = state.store.set('k', { ...entryOf('old'), generation: state.store.generation() });
      const before = state.store.get('k')?.value;
      fs.writeFileSync(${JSON.stringify(hasSet)}, '');
      while (!fs.existsSync(${JSON.stringify(isDeleted)}));
      const after = state.store.get('k')?.value ?? 'nothing';
      await endOfTick();
      return [kept, before, after];
    `);
    await until(() => existsSync(hasSet));
    expect(store.get('k')).toBeUndefined();
    store.delete('k');
    writeFileSync(isDeleted, '');
    expect(await told).toEqual([true, 'old', 'nothing']);
    expect(store.get('k')).toBeUndefined();
    expect(store.size()).toBe(0);
  });

  it('never answer what was read before an invalidation once that has returned, however they overlap', async () => {
    const folder = makeFolder();
    const filename = join(folder, 'cache.sqlite');
    const truth = join(folder, 'truth');
    writeFileSync(truth, '0');
    const store = open(filename);
    const children = [new Child(), new Child()];
    const runs = children.map((child) =>
      child.run(`
        ${opening(filename)}
        const read = () => Number(fs.readFileSync(${JSON.stringify(truth)}, 'utf8') || -1);
        for (let round = 0; !state.isDone; round++) {
          const generation = state.store.generation();
          const found = read();
          if (found >= 0) state.store.set('k', { ...entryOf(found), generation });
          if (round % 3 === 0) await endOfTick();
        }
        await endOfTick();
      `),
    );
    for (let version = 1; version <= 100; version++) {
      writeFileSync(truth, String(version));
      store.delete('k');
      let value: unknown;
      while (value === undefined) {
        await endOfTick();
        value = store.get('k')?.value;
      }
      expect(value).toBeGreaterThanOrEqual(version);
    }
    for (const child of children) await child.run('state.isDone = true');
    await Promise.all(runs);
    for (const child of children) expect(await child.run('return state.failures')).toEqual([]);
  });

  it('a bound holds for what they write together', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const children = [new Child(), new Child()];
    await Promise.all(
      children.map((child, number) =>
        child.run(`
          ${opening(filename, { maxSize: 50 })}
          for (let index = 0; index < 300; index++) state.store.set('${number}:' + index, entryOf(index));
        `),
      ),
    );
    const store = open(filename);
    expect(store.size()).toBe(50);
    expect(store.get('0:299') ?? store.get('1:299')).toBeDefined();
  });
});

describe('a lease', () => {
  it('is granted to one process at a time, and at once to the next when its holder was killed', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const store = open(filename, { leaseDuration: '1h' });
    const child = new Child();
    await child.run(`${opening(filename, { leaseDuration: '1h' })} state.lease = state.store.lease('k');`);
    expect(store.lease('k')).toBeUndefined();
    expect(await child.run(`return state.store.renew(state.lease)`)).toBe(true);
    await child.kill();
    const lease = store.lease('k');
    expect(lease).toMatchObject({ key: 'k', duration: 3_600_000 });
    expect(store.set('k', { ...entryOf('computed'), generation: lease?.generation as string })).toBe(true);
  });

  it('of a process that lives ends when it is not renewed, and cannot be renewed then', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const store = open(filename);
    const child = new Child();
    await child.run(`${opening(filename, { leaseDuration: 50 })} state.lease = state.store.lease('k');`);
    let lease = store.lease('k');
    while (lease === undefined) {
      await endOfTick();
      lease = store.lease('k');
    }
    expect(await child.run(`return state.store.renew(state.lease)`)).toBe(false);
    expect(store.renew(lease)).toBe(true);
  });

  it('ends in its holder when another process invalidates the key', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const store = open(filename);
    const child = new Child();
    await child.run(`${opening(filename)} state.lease = state.store.lease('k');`);
    store.clear();
    expect(await child.run(`return state.store.renew(state.lease)`)).toBe(false);
    expect(
      await child.run(`return state.store.set('k', { ...entryOf('old'), generation: state.lease.generation })`),
    ).toBe(false);
  });
});

describe('a process that has the file locked', () => {
  it('makes writers fail in words after lockTimeout, costs a waiting result, and hinders no reader', async () => {
    const filename = join(makeFolder(), 'cache.sqlite');
    const store = open(filename, { lockTimeout: 30 });
    const reports = new Reports();
    store.listen(reports);
    store.set('k', entryOf('there'));
    const child = new Child();
    await child.run(`
      const { createRequire } = await import('node:module');
      const name = ${JSON.stringify(filename)};
      try {
        state.database = new (createRequire(process.cwd() + '/index.js')('better-sqlite3'))(name);
      } catch {
        state.database = new (process.getBuiltinModule('node:sqlite').DatabaseSync)(name);
      }
      state.database.exec('BEGIN IMMEDIATE');
    `);
    expect(() => store.delete('k')).toThrow(StoreError);
    expect(() => store.delete('k')).toThrow(
      /could not delete: another process has been writing.*lockTimeout \(30 ms\)/,
    );
    expect(() => store.lease('k')).toThrow(StoreError);
    expect(store.get('k')?.value).toBe('there');
    expect(store.set('result', resultOf(store, 'computed'))).toBe(true);
    expect(store.get('result')?.value).toBe('computed');
    await endOfTick();
    expect(store.get('result')).toBeUndefined();
    expect(reports.failures.map(({ error }) => error)).toEqual([expect.any(StoreError)]);
    await child.run(`state.database.exec('COMMIT')`);
    expect(store.delete('k')).toBe(true);
  });
});
