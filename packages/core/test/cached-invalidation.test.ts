import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

describe.each(storeKinds)('in %s', (_kind, makeStore) => {
  function make(options: object = {}) {
    const cache = createCache({ name: 'fenced', store: makeStore() });
    const load = holdRuns<[key?: unknown], string>();
    const user = cached(load, { cache, name: 'user', ...options });
    return { cache, load, user };
  }

  async function prime(user: { set(args: [key?: unknown], value: string): unknown }, ...ids: string[]) {
    for (const id of ids) await user.set([id], id);
    await settle();
  }

  it('invalidate removes the entry of that call and no other', async () => {
    const { user } = make();
    await prime(user, '1', '2');
    expect(await user.invalidate('1')).toBe(true);
    expect([await user.has('1'), await user.has('2')]).toEqual([false, true]);
  });

  it('invalidate without arguments is that of the call without arguments', async () => {
    const { user } = make();
    await prime(user, '1');
    await user.set([], 'all');
    expect(await user.invalidate()).toBe(true);
    expect([await user.has(), await user.has('1')]).toEqual([false, true]);
  });

  it('invalidate says whether there was something', async () => {
    const { user } = make();
    await prime(user, '1');
    expect([await user.invalidate('2'), await user.invalidate('1'), await user.invalidate('1')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('clear removes all entries of the function, and of no other', async () => {
    const { cache, user } = make();
    const users = cached(async () => 'all', { cache, name: 'users' });
    await users();
    await prime(user, '1', '2');
    await user.clear();
    expect([await user.has('1'), await user.has('2'), await users.has()]).toEqual([false, false, true]);
  });

  it('clear of one function leaves one whose name begins alike', async () => {
    const { cache, user } = make();
    const others = ['user2', 'user(', 'user@2', 'user<1>', 'user%'].map((name) =>
      cached(async () => name, { cache, name }),
    );
    for (const other of others) await other();
    await prime(user, '1');
    await user.clear();
    for (const other of others) expect(await other.has()).toBe(true);
  });

  const fences: [name: string, fence: (world: ReturnType<typeof make>) => unknown][] = [
    ['invalidate', ({ user }) => user.invalidate('1')],
    ['the clear of the function', ({ user }) => user.clear()],
    ['the clear of the cache', ({ cache }) => cache.clear()],
    ['a clear by prefix', ({ cache }) => cache.clear({ prefix: 'user(' })],
  ];

  describe.each(fences)('%s', (_fence, fence) => {
    it('keeps out the run that began before it, whose caller still gets its answer', async () => {
      const world = make();
      const { user, load } = world;
      const older = user('1');
      await settle();
      await fence(world);
      load.runs[0]?.resolve('old');
      expect(await older).toBe('old');
      await settle();
      expect(await user.has('1')).toBe(false);
      const newer = user('1');
      await settle();
      load.runs[1]?.resolve('new');
      expect(await newer).toBe('new');
    });

    it('lets no later call join the run that began before it', async () => {
      const world = make();
      const { user, load } = world;
      const older = user('1');
      await settle();
      const fenced = fence(world);
      const newer = user('1');
      await fenced;
      await settle();
      expect(load.runs).toHaveLength(2);
      load.runs[1]?.resolve('new');
      load.runs[0]?.resolve('old');
      expect([await older, await newer]).toEqual(['old', 'new']);
      await settle();
      expect(await user.peek('1')).toBe('new');
    });

    it('keeps out the older run also when it ends last', async () => {
      const world = make();
      const { user, load } = world;
      const older = user('1');
      await settle();
      await fence(world);
      const newer = user('1');
      await settle();
      load.runs[1]?.resolve('new');
      await newer;
      await settle();
      load.runs[0]?.resolve('old');
      await older;
      await settle();
      expect(await user.peek('1')).toBe('new');
    });

    it('keeps out a refresh that began before it', async () => {
      const world = make();
      const { user, load } = world;
      await prime(user, '1');
      const refreshed = user.refresh('1');
      await settle();
      await fence(world);
      load.runs[0]?.resolve('old');
      expect(await refreshed).toBe('old');
      await settle();
      expect(await user.has('1')).toBe(false);
    });

    it('lets no later call join a refresh that began before it', async () => {
      const world = make();
      const { user, load } = world;
      const refreshed = user.refresh('1');
      await settle();
      await fence(world);
      const newer = user('1');
      await settle();
      expect(load.runs).toHaveLength(2);
      load.runs[0]?.resolve('old');
      load.runs[1]?.resolve('new');
      expect([await refreshed, await newer]).toEqual(['old', 'new']);
    });

    it('keeps out all of several runs of one key that began before it', async () => {
      const world = make({ dedupe: false });
      const { user, load } = world;
      const all = Promise.all([user('1'), user('1'), user('1')]);
      await settle();
      expect(load.runs).toHaveLength(3);
      await fence(world);
      for (const run of load.runs) run.resolve('old');
      await all;
      await settle();
      expect(await user.has('1')).toBe(false);
    });
  });

  it.each([['1'], [1], [Number.NaN], [0], [1n], [null], [undefined], [true], [{ id: 1 }], [[1, 2]], [new Date(0)]])(
    'invalidate fences a run for the argument %j, refreshed and not shared ones too',
    async (key) => {
      const { user, load } = make({ dedupe: false });
      const all = [user(key), user(key), user.refresh(key), user.refresh(key)];
      await settle();
      await user.invalidate(key);
      for (const run of load.runs) run.resolve('old');
      await Promise.all(all);
      await settle();
      expect(await user.has(key)).toBe(false);
    },
  );

  it('invalidate of a key without an entry fences too', async () => {
    const { user, load } = make();
    const older = user('1');
    await settle();
    expect(await user.invalidate('1')).toBe(false);
    load.runs[0]?.resolve('old');
    await older;
    await settle();
    expect(await user.has('1')).toBe(false);
  });

  it('invalidate of one key does not fence the run of another', async () => {
    const { user, load } = make();
    const one = user('1');
    await settle();
    await user.invalidate('2');
    load.runs[0]?.resolve('one');
    await one;
    await settle();
    expect(await user.peek('1')).toBe('one');
  });

  it('set wins over older runs, however late they end', async () => {
    const { user, load } = make();
    const older = user('1');
    await settle();
    await user.set(['1'], 'set');
    load.runs[0]?.resolve('old');
    expect(await older).toBe('old');
    await settle();
    expect([await user('1'), load.runs.length]).toEqual(['set', 1]);
  });

  it('set answers at once, before its write is done', async () => {
    const { user, load } = make();
    const done = user.set(['1'], 'set');
    expect([await user('1'), load.runs.length]).toEqual(['set', 0]);
    await done;
  });

  it('set that may not be stored removes the older entry', async () => {
    let storing = true;
    const { user } = make({ cacheIf: () => storing });
    await prime(user, '1');
    storing = false;
    await user.set(['1'], 'new');
    expect(await user.has('1')).toBe(false);
  });

  it.each<[string, 'instance' | ((self: unknown) => string)]>([
    ['instance', 'instance'],
    ['part', (self) => String(self)],
  ])('a function whose entries are per %s loses all of them, also those of calls on nothing', async (_name, per) => {
    const { cache } = make();
    const who = cached(
      async function (this: unknown, _id: string) {
        return this;
      },
      { cache, name: 'who', per },
    );
    const callers: unknown[] = [undefined, { name: 'one' }, 'text'];
    const prime = async () => {
      for (const caller of callers) await who.call(caller, '1');
      await settle();
    };
    await prime();
    const { misses } = who.stats();
    expect(misses).toBe(3);
    await who.invalidate('1');
    await prime();
    expect(who.stats().misses).toBe(2 * misses);
    await who.clear();
    await prime();
    expect(who.stats().misses).toBe(3 * misses);
  });

  it('a failing run removes nothing', async () => {
    const { user, load } = make();
    await prime(user, '1');
    const refreshed = user.refresh('1');
    await settle();
    load.runs[0]?.reject(new Error('down'));
    await expect(refreshed).rejects.toThrow('down');
    await settle();
    expect(await user('1')).toBe('1');
  });

  it('refresh runs anew, the old entry answering meanwhile', async () => {
    const { user, load } = make();
    await prime(user, '1');
    const refreshed = user.refresh('1');
    await settle();
    expect(await user('1')).toBe('1');
    load.runs[0]?.resolve('new');
    expect(await refreshed).toBe('new');
    await settle();
    expect([await user('1'), load.runs.length]).toEqual(['new', 1]);
  });

  it('a call that finds no entry waits for the refresh that is under way', async () => {
    const { user, load } = make();
    const refreshed = user.refresh('1');
    await settle();
    const joined = user('1');
    await settle();
    expect(load.runs).toHaveLength(1);
    load.runs[0]?.resolve('new');
    expect([await refreshed, await joined]).toEqual(['new', 'new']);
  });

  it('the newer of two refreshes stands, whichever ends first', async () => {
    const { user, load } = make();
    const [older, newer] = [user.refresh('1'), user.refresh('1')];
    await settle();
    load.runs[1]?.resolve('newer');
    await newer;
    await settle();
    load.runs[0]?.resolve('older');
    expect(await older).toBe('older');
    await settle();
    expect(await user.peek('1')).toBe('newer');
  });

  it('a refresh stands over a run that began before it, whichever ends first', async () => {
    const { user, load } = make();
    const older = user('1');
    await settle();
    const newer = user.refresh('1');
    await settle();
    load.runs[1]?.resolve('newer');
    await newer;
    await settle();
    load.runs[0]?.resolve('older');
    await older;
    await settle();
    expect(await user.peek('1')).toBe('newer');
  });

  it('peek and has never run the function', async () => {
    const { user, load } = make();
    expect([await user.peek('1'), await user.has('1'), await user.inspect('1')]).toEqual([undefined, false, undefined]);
    expect(load.runs).toHaveLength(0);
  });

  it('inspect tells what is known of an entry, and leaves no trace', async () => {
    const { user } = make({ ttl: '1h' });
    await prime(user, '1');
    const before = user.stats();
    const seen = await user.inspect('1');
    expect(seen).toMatchObject({ key: 'user("1")', status: 'fresh', staleFor: 0, tags: [], tier: expect.any(String) });
    expect(seen?.expiresIn).toBeGreaterThan(3_590_000);
    expect(user.stats()).toEqual(before);
  });

  it('set refuses arguments that are no list', async () => {
    const { user } = make();
    await expect((async () => user.set('1' as never, 'x'))()).rejects.toThrow(/arguments as an array/);
  });

  it('invalidation in a run, of the run’s own key, keeps its result out', async () => {
    const { cache } = make();
    const self: { invalidate?: () => unknown } = {};
    const odd = cached(
      async () => {
        await self.invalidate?.();
        return 'odd';
      },
      { cache, name: 'odd' },
    );
    self.invalidate = () => odd.invalidate();
    expect(await odd()).toBe('odd');
    await settle();
    expect(await odd.has()).toBe(false);
  });
});
