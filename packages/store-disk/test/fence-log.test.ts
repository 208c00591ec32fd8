import { appendFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { Entry } from '@reprise/store';
import { type DiskStore, diskStore } from '@reprise/store-disk';
import { FenceLog } from '../src/fence-log.ts';
import { formatRecord } from '../src/fence-record.ts';
import { FenceState } from '../src/fence-state.ts';
import { entryOf, listFiles, makeDirectory, onlyFile } from './directory.ts';
import { StoreProcess } from './store-process.ts';

async function computed(store: DiskStore, value: unknown): Promise<Entry> {
  return { ...entryOf(value), generation: await store.generation() };
}

describe('a log of invalidations', () => {
  it('that ended without a follower, as its process died, gets one', async () => {
    const directory = await makeDirectory();
    const [one, other] = [diskStore({ directory }), diskStore({ directory })];
    await one.set('a', entryOf('a'));
    const entry = await computed(one, 'old');
    await other.delete('k');
    const first = await onlyFile(directory, 'fences');
    await appendFile(first, formatRecord(['seal']) + formatRecord(['key', '', 'a']));
    expect((await other.get('a'))?.value).toBe('a');
    expect(await one.set('k', entry)).toBe(false);
    expect(await onlyFile(directory, 'fences')).not.toBe(first);
    await other.delete('a');
    expect(await one.get('a')).toBeUndefined();
    await Promise.all([one.close(), other.close()]);
  });

  it('that was closed is not opened by who looks at it too late', async () => {
    const log = new FenceLog(await makeDirectory());
    log.append(['key', '', 'a']);
    log.close();
    expect(log.look()).toBeUndefined();
    expect(() => log.append(['key', '', 'b'])).toThrow(/cannot be read/);
  });

  it('from before the machine was restarted does not take what it lost for what comes', async () => {
    const head = { version: 1, chain: 'c', base: 1, floor: 0, refused: 0, boot: 'before', gaps: [] } as const;
    const before = new FenceState(head);
    before.apply(['key', '', 'k'], 100);
    before.end = 100;
    const table = [...before.compact('after', 0)];
    const after = new FenceState((table[0] as ['head', typeof head])[1]);
    for (const record of table) after.apply(record, 0);
    after.end += 10_000;
    expect(after.isVoid('', 'k', undefined, 'c:100')).toBe(false);
    expect(after.isVoid('', 'k', undefined, 'c:99')).toBe(true);
    expect(after.isVoid('', 'k', undefined, 'c:150')).toBe(true);
    expect(after.isVoid('', 'k', undefined, after.generation)).toBe(false);
  });

  it('lets go of names when it knows very many, and loses nothing that was not invalidated', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory });
    await store.set('first', { ...entryOf('first'), tags: ['kept'] });
    await store.set('voided', { ...entryOf('voided'), tags: ['tag 0'] });
    const old = await computed(store, 'old');
    const log = new FenceLog(directory);
    for (let count = 0; count < 52; count++) {
      log.append(['tags', Array.from({ length: 1_000 }, (_, index) => `tag ${count * 1_000 + index}`)]);
    }
    expect(log.require().names).toBeGreaterThan(52_000);
    await store.prune();
    expect(log.require().names).toBeLessThan(30_000);
    expect((await store.get('first'))?.value).toBe('first');
    expect(await store.get('voided')).toBeUndefined();
    expect(await listFiles(directory, 'content-v2')).toHaveLength(1);
    expect(await store.set('old', old)).toBe(false);
    expect(await store.set('new', await computed(store, 'new'))).toBe(true);
    log.close();
    await store.close();
  });

  it('that lets go of a name keeps out who had looked before', async () => {
    const directory = await makeDirectory();
    const writer = await StoreProcess.open({ directory });
    const store = diskStore({ directory });
    const generation = await writer.call<string>('generation');
    const { stopped } = await writer.stopAt('before rename');
    const setting = writer.call('set', 'k', { ...entryOf('old'), tags: ['tag 0'], generation });
    await stopped;
    const log = new FenceLog(directory);
    for (let count = 0; count < 52; count++) {
      log.append(['tags', Array.from({ length: 1_000 }, (_, index) => `tag ${count * 1_000 + index}`)]);
    }
    await store.prune();
    const { names } = log.require();
    expect(names).toBeLessThan(30_000);
    expect(await listFiles(directory, 'tmp')).toEqual([]);
    await writer.call('resume');
    expect(await setting).toBe(false);
    expect(await store.get('k')).toBeUndefined();
    expect(await listFiles(directory)).toEqual([]);
    log.close();
    await store.close();
  });

  it('has one follower, however many processes end it at once', async () => {
    const directory = await makeDirectory();
    const logs = Array.from({ length: 4 }, () => new FenceLog(directory));
    for (const log of logs) log.append(['key', '', 'early']);
    const first = await onlyFile(directory, 'fences');
    await appendFile(first, formatRecord(['seal']).repeat(3));
    const positions = logs.map((log, index) => log.append(['key', '', `k${index}`]));
    expect(new Set(positions).size).toBe(4);
    expect(await listFiles(directory, 'fences')).toHaveLength(1);
    const generations = new Set(logs.map((log) => log.require().generation));
    expect(generations.size).toBe(1);
    for (const log of logs) {
      const state = log.require();
      for (const index of positions.keys()) {
        expect(state.isVoid('', `k${index}`, undefined, state.format((positions[index] as number) - 1))).toBe(true);
        expect(state.isVoid('', `k${index}`, undefined, state.format(positions[index] as number))).toBe(false);
      }
      log.close();
    }
  });

  it('that cannot hold all names gives up the older half, and what is older is void', () => {
    const head = { version: 1, chain: 'c', base: 1, floor: 0, refused: 0, boot: '', gaps: [] } as const;
    const state = new FenceState(head);
    for (let index = 0; index < 100_002; index++) state.apply(['key', '', `k${index}`], 10 + index);
    state.end = 200_000;
    const table = [...state.compact('', 0)];
    expect(table.length).toBeLessThan(51_000);
    expect(state.isVoid('', 'never named', undefined, 'c:9')).toBe(true);
    expect(state.isVoid('', 'never named', undefined, state.generation)).toBe(false);
  });
});
