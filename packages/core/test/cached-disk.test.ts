import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CodecError, cached, closeAllCaches, createCache, KeyError, StoreError } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';
import { manualClock } from '@reprise/store-testkit';
import { holdRuns, settle } from './deferred.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reprise-core-'));
});
afterEach(async () => {
  await closeAllCaches();
  rmSync(directory, { recursive: true, force: true });
});

/** A cache as a process would have it: closing it is the process's end. */
function open(options: object = {}) {
  const cache = createCache({ name: 'kept', store: diskStore({ directory }), ...options });
  const errors: unknown[] = [];
  cache.on('error', ({ error }) => errors.push(error));
  const calls: string[] = [];
  const user = cached(
    async (id: string) => {
      calls.push(id);
      return { id, at: new Date(0), tags: new Set([id]) };
    },
    { cache, name: 'user' },
  );
  return { cache, user, calls, errors };
}

function files(under: string): string[] {
  return readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('what is cached on disk', () => {
  it('is there for the next process', async () => {
    const first = open();
    const value = await first.user('1');
    await first.cache.close();
    const second = open();
    expect(await second.user('1')).toEqual(value);
    expect([second.calls, second.user.stats().hits]).toEqual([[], 1]);
  });

  it('has a key that is the same in every process', async () => {
    const first = open();
    const key = first.user.keyOf('1');
    await first.user('1');
    await first.cache.close();
    const second = open();
    expect([key, second.user.keyOf('1')]).toEqual(['user("1")', 'user("1")']);
    expect(await second.user.has('1')).toBe(true);
  });

  it('expires by its ttl, below a second too, and in the next process', async () => {
    const clock = manualClock(1_700_000_000_000);
    const first = open({ clock, ttl: 50 });
    await first.user('1');
    await first.cache.close();
    const second = open({ clock, ttl: 50 });
    clock.advance(49);
    await second.user('1');
    expect(second.calls).toEqual([]);
    clock.advance(1);
    await second.user('1');
    expect(second.calls).toEqual(['1']);
  });

  it('tells names by upper and lower case apart, on every file system', async () => {
    const { user, calls } = open();
    for (const id of ['A', 'a', 'A', 'a']) expect((await user(id)).id).toBe(id);
    expect(calls).toEqual(['A', 'a']);
  });

  it.each([2_048, 65_536])('takes keys of %d characters, and tells the last one', async (length) => {
    const { cache, user } = open();
    const [a, b] = [`${'x'.repeat(length)}a`, `${'x'.repeat(length)}b`];
    await user(a);
    await user(b);
    await cache.close();
    const next = open();
    expect([(await next.user(a)).id === a, (await next.user(b)).id === b, next.calls]).toEqual([true, true, []]);
  });

  it('is cleared for one function and left for the others', async () => {
    const { cache, user } = open();
    const users = cached(async () => 'all', { cache, name: 'users' });
    await user('1');
    await users();
    await user.clear();
    expect([await user.has('1'), await users.has()]).toEqual([false, true]);
  });

  it('is invalidated for the next process, too', async () => {
    const first = open();
    await first.user('1');
    expect([await first.user.invalidate('1'), await first.user.invalidate('1')]).toEqual([true, false]);
    await first.cache.close();
    const second = open();
    await second.user('1');
    expect(second.calls).toEqual(['1']);
  });

  it('keeps out runs that began before an invalidation', async () => {
    const { cache } = open();
    const load = holdRuns<[string], string>();
    const held = cached(load, { cache, name: 'held' });
    const older = held('1');
    while (load.runs.length === 0) await settle();
    await held.invalidate('1');
    load.runs[0]?.resolve('old');
    expect(await older).toBe('old');
    await cache.close();
    expect(await open().cache.has('held("1")')).toBe(false);
    const next = cached(async () => 'new', { store: diskStore({ directory }), name: 'held' });
    expect(await next()).toBe('new');
  });

  it('of another version is never read', async () => {
    const first = createCache({ name: 'versioned', store: diskStore({ directory }) });
    await cached(async () => 'one', { cache: first, name: 'rule', version: 1 })();
    await first.close();
    const second = createCache({ name: 'versioned', store: diskStore({ directory }) });
    expect(await cached(async () => 'two', { cache: second, name: 'rule', version: 2 })()).toBe('two');
  });

  it('belongs to nobody but its reader: each has its own copy', async () => {
    const { user } = open();
    const mine = await user('1');
    mine.id = 'changed';
    const other = await user('1');
    expect([other.id, other.at, other.tags]).toEqual(['1', new Date(0), new Set(['1'])]);
    other.tags.clear();
    expect((await user('1')).tags).toEqual(new Set(['1']));
  });

  it('is for its owner only', async () => {
    const { cache, user } = open();
    await user('1');
    await cache.close();
    const modes = files(directory).map((file) => statSync(file).mode & 0o077);
    expect(modes.length).toBeGreaterThan(0);
    expect(modes.filter((mode) => mode !== 0)).toEqual([]);
  });

  it('that is damaged is a miss, an error event, and is made anew', async () => {
    const first = open();
    await first.user('1');
    await first.cache.close();
    // The contents, that is: what an index does not name is not there.
    const contents = files(directory).filter((file) => file.includes('content-v'));
    expect(contents.length).toBeGreaterThan(0);
    for (const file of contents) writeFileSync(file, 'damaged');
    const second = open();
    expect((await second.user('1')).id).toBe('1');
    await settle();
    expect([second.calls, second.errors.length > 0]).toEqual([['1'], true]);
    await second.cache.close();
    const third = open();
    await third.user('1');
    expect(third.calls).toEqual([]);
  });

  it('may be no class instance: it is answered, not stored, and reported', async () => {
    const { cache, errors } = open();
    class Money {
      readonly amount = 5;
    }
    let calls = 0;
    const price = cached(
      async () => {
        calls++;
        return new Money();
      },
      { cache, name: 'price' },
    );
    expect(await price()).toBeInstanceOf(Money);
    await price();
    expect([calls, errors.length > 0, errors.every((error) => error instanceof CodecError)]).toEqual([2, true, true]);
  });

  it('takes no argument without a value form', async () => {
    const { cache } = open();
    const odd = cached(async (_fn: () => void) => 1, { cache, name: 'odd' });
    await expect(odd(() => {})).rejects.toThrow(KeyError);
  });

  it('evicts down to maxSize, and counts it', async () => {
    const { cache, user } = open({ maxSize: 3 });
    for (let id = 0; id < 8; id++) {
      await user(String(id));
      await user.has(String(id));
    }
    await cache.close();
    expect(cache.stats().evictions).toBeGreaterThanOrEqual(5);
    const store = diskStore({ directory });
    expect(await store.size()).toBeLessThanOrEqual(3);
    await store.close();
  });
});

describe('a disk that cannot be used', () => {
  it('costs no call: results are answered, and each failure is an error event', async () => {
    // A file stands where the folder should: ENOTDIR, for root as well.
    const blocked = join(directory, 'file');
    writeFileSync(blocked, '');
    const { user, calls, errors, cache } = open({ store: diskStore({ directory: join(blocked, 'cache') }) });
    expect([(await user('1')).id, (await user('2')).id]).toEqual(['1', '2']);
    await cache.close();
    expect(calls.slice(0, 2)).toEqual(['1', '2']);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((error) => error instanceof StoreError)).toBe(true);
  });

  it('fails an explicit invalidation by a StoreError', async () => {
    const blocked = join(directory, 'file');
    writeFileSync(blocked, '');
    const { user } = open({ store: diskStore({ directory: join(blocked, 'cache') }) });
    await expect((async () => user.set(['1'], { id: 'x', at: new Date(), tags: new Set() }))()).rejects.toThrow(
      StoreError,
    );
  });
});
