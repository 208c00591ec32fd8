import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { type Entry, StoreError } from '@reprise/store';
import { tcpProxy } from '@reprise/store-testkit';
import type { Redis } from 'ioredis';
import { createClient } from 'redis';
import { redisStore } from '../src/index.ts';
import { makeClients, newPrefix, versionOf } from './clients.ts';
import { entryOf, until } from './entries.ts';
import { withServer } from './with-server.ts';

withServer('what is special of the Redis store', (server) => {
  const connect = makeClients();
  let client: Redis;
  beforeAll(() => {
    client = connect(server().port);
  });
  const open = (prefix = newPrefix(), more: object = {}): ReturnType<typeof redisStore> =>
    redisStore({ client, prefix, ...more });
  /** How often the server has been given a command. */
  const countOf = async (command: string): Promise<number> => {
    const stats = String(await client.info('commandstats'));
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeAllCaches();
  });

  describe('reads', () => {
    it('of one tick are one MGET, whoever asks', async () => {
      const store = open();
      for (const key of ['a', 'b', 'c']) await store.set(key, entryOf(key));
      await store.get('a');
      const before = await countOf('mget');
      const entries = await Promise.all([store.get('a'), store.get('b'), store.getMany(['c', 'x']), store.get('a')]);
      expect(await countOf('mget')).toBe(before + 1);
      expect(entries.flat().map((entry) => entry?.value)).toEqual(['a', 'b', 'c', undefined, 'a']);
    });

    it('of entries with labels take one round trip too, once one has been met', async () => {
      const store = open();
      await store.set('a', entryOf('a', { tags: ['one'] }));
      await store.set('b', entryOf('b'));
      await store.get('a');
      const scripts = await countOf('evalsha');
      expect((await Promise.all([store.get('a'), store.get('b')])).map((entry) => entry?.value)).toEqual(['a', 'b']);
      expect(await countOf('evalsha')).toBe(scripts + 1);
    });

    it('by a store that has not met a label yet are not answered with what its label has voided', async () => {
      const prefix = newPrefix();
      const [writer, reader] = [open(prefix), open(prefix)];
      await writer.set('a', entryOf('a', { tags: ['one', 'two'] }));
      await writer.set('b', entryOf('b', { tags: ['two'] }));
      await writer.invalidateTags(['one']);
      expect(await reader.get('a')).toBeUndefined();
      expect((await reader.get('b'))?.value).toBe('b');
    });

    it('of 1,500 keys are answered one for one', async () => {
      const store = open();
      const keys = Array.from({ length: 1_500 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => store.set(key, entryOf(key))));
      expect((await store.getMany(keys)).map((entry) => entry?.value)).toEqual(keys);
    });
  });

  describe('entries', () => {
    it("end by the server's clock, at the end of their stale window", async () => {
      const prefix = newPrefix();
      await open(prefix).set('k', entryOf('v', { staleUntil: Date.now() + 90_000 }));
      const left = await client.pttl(`{${prefix}}:e::k`);
      expect(left).toBeGreaterThan(85_000);
      expect(left).toBeLessThanOrEqual(90_000);
    });

    it('have the age that the server says, however wrong the clocks of those who write and read', async () => {
      const prefix = newPrefix();
      const realNow = Date.now;
      const wrong = (by: number) => jest.spyOn(Date, 'now').mockImplementation(() => realNow() + by);
      wrong(3_600_000);
      await open(prefix).set('k', entryOf('v'));
      wrong(-3_600_000);
      const entry = (await open(prefix).get('k')) as Entry;
      expect(Math.abs(entry.createdAt - Date.now())).toBeLessThan(5_000);
      expect(Math.abs(entry.expiresAt - Date.now() - 60_000)).toBeLessThan(5_000);
    });

    it('that are without end stay without', async () => {
      const prefix = newPrefix();
      await open(prefix).set('k', entryOf('v', { expiresAt: Infinity, staleUntil: Infinity }));
      expect(await client.pttl(`{${prefix}}:e::k`)).toBe(-1);
      expect((await open(prefix).get('k'))?.expiresAt).toBe(Infinity);
    });

    it('that stand under another key, were altered, or are foreign are misses that are reported and removed', async () => {
      const prefix = newPrefix();
      const store = open(prefix);
      const failures: unknown[] = [];
      store.listen({ failed: (error) => failures.push(error) });
      await store.set('a', entryOf('a'));
      await store.set('b', entryOf('b'));
      const name = (key: string): string => `{${prefix}}:e::${key}`;
      const bytes = (await client.getBuffer(name('a'))) as Buffer;
      await client.set(name('b'), bytes);
      expect(await store.get('b')).toBeUndefined();
      bytes[bytes.length - 2] = (bytes[bytes.length - 2] as number) ^ 1;
      await client.set(name('a'), bytes);
      expect(await store.get('a')).toBeUndefined();
      await client.set(name('c'), 'something else');
      expect(await store.get('c')).toBeUndefined();
      expect(failures.map((error) => (error as { code: string }).code)).toEqual(['E_CODEC', 'E_CODEC', 'E_CODEC']);
      await until(async () => (await client.exists(name('a'), name('b'))) === 0);
    });
  });

  describe('invalidations', () => {
    it('leave foreign keys alone, and never list or flush all keys', async () => {
      const prefix = `a*[b]?\\-${newPrefix()}`;
      const foreign = ['x', `{${prefix.replace('*', 'X')}}:e::k`, `{${prefix}}extra`, `${prefix}:e::k`, 'reprise'];
      for (const key of foreign) await client.set(key, 'foreign');
      const store = open(prefix);
      for (const key of ['k', 'find(1)', 'find(2)', 'f[1]']) await store.set(key, entryOf(key));
      await store.clear('find(');
      await store.prune();
      expect(await store.size()).toBe(2);
      await store.clear('f[');
      await store.prune();
      expect(await store.size()).toBe(1);
      await store.clear();
      await store.prune();
      expect(await client.exists(...foreign)).toBe(foreign.length);
      expect((await client.keys('*')).filter((key) => key.startsWith(`{${prefix}}:e:`))).toEqual([]);
      expect(await countOf('keys')).toBe(1);
      expect((await countOf('flushall')) + (await countOf('flushdb'))).toBe(0);
      await client.del(...foreign);
    });

    it('by clear hold at once for every process, before a byte has been removed', async () => {
      const prefix = newPrefix();
      const store = open(prefix);
      for (let index = 0; index < 3_000; index++) void store.set(`find(${index})`, entryOf(index));
      await store.set('other', entryOf('other'));
      const reader = open(prefix);
      await reader.get('other');
      await store.clear('find(');
      expect(await reader.get('find(2999)')).toBeUndefined();
      expect((await reader.get('other'))?.value).toBe('other');
      await store.prune();
      expect(String(await client.get(`{${prefix}}:s`))).toMatch(/^R2 \w{24} \w{16} \d+ 0;$/);
    });

    it('by clear are swept by the next one where the process was ended in the midst of it', async () => {
      const prefix = newPrefix();
      const store = open(prefix);
      for (let index = 0; index < 2_000; index++) void store.set(`find(${index})`, entryOf(index));
      await store.set('other', entryOf('other'));
      await store.clear('find(');
      await store.close();
      const next = open(prefix);
      expect(await next.get('find(1)')).toBeUndefined();
      await next.prune();
      expect(await next.size()).toBe(1);
      expect(String(await client.get(`{${prefix}}:s`))).toMatch(/^R2 \w{24} \w{16} \d+ 0;$/);
    });

    it('of labels cost the same however many entries carry them', async () => {
      const prefix = newPrefix();
      const store = open(prefix);
      for (let index = 0; index < 2_000; index++) void store.set(`k${index}`, entryOf(index, { tags: ['all'] }));
      await store.set('last', entryOf('last', { tags: ['all', 'x'] }));
      const before = await client.dbsize();
      await store.invalidateTags(['all']);
      expect(await client.dbsize()).toBe(before);
      expect(await store.get('k7')).toBeUndefined();
      expect(await store.size()).toBe(0);
      await store.prune();
      expect(await client.dbsize()).toBe(before - 2_001);
    });

    it('of one label leave a newer entry that carries it', async () => {
      const store = open();
      await store.invalidateTags(['t']);
      await store.set('k', entryOf('v', { tags: ['t'] }));
      expect((await store.get('k'))?.value).toBe('v');
    });
  });

  describe('a counter that is missing voids what it guards:', () => {
    /** What may be evicted, and is all of it lost together at a restart. */
    const losses: readonly (readonly [what: string, names: readonly string[]])[] = [
      ['the state', ['s']],
      ["keys' fences", ['k']],
      ["labels' fences", ['t']],
      ["beginnings' fences", ['p']],
    ];
    for (const [what, names] of losses) {
      it(`${what}`, async () => {
        const prefix = newPrefix();
        const store = open(prefix);
        const generation = await store.generation();
        // Each kind of invalidation, so that each counter has something to forget.
        await store.delete('k');
        await store.invalidateTags(['t']);
        await store.clear('find(');
        await client.del(...names.map((name) => `{${prefix}}:${name}`));
        for (const [key, tags] of [
          ['k', []],
          ['x', ['t']],
          ['find(1)', []],
        ] as const) {
          expect(await store.set(key, entryOf('old', { generation, tags: [...tags] }))).toBe(false);
          expect(await store.isCurrent(key, generation, tags)).toBe(false);
        }
        const next = await store.generation();
        expect(await store.set('k', entryOf('new', { generation: next }))).toBe(true);
        expect((await store.get('k'))?.value).toBe('new');
      });
    }

    it('all of them, with the entries, in a restart with an empty memory: nothing that began before is stored', async () => {
      const store = open();
      const generation = await store.generation();
      const lease = await store.lease('k');
      await client.flushall();
      expect(await store.set('k', entryOf('old', { generation }))).toBe(false);
      expect(await store.set('k', entryOf('old', { generation: lease?.generation as string }))).toBe(false);
      expect(await store.renew(lease as never)).toBe(false);
      expect(await store.get('k')).toBeUndefined();
    });

    it('an entry that carries labels is void with them', async () => {
      const prefix = newPrefix();
      const store = open(prefix);
      const generation = await store.generation();
      await store.set('k', entryOf('v', { generation, tags: ['t'] }));
      await store.delete('another');
      expect((await store.get('k'))?.value).toBe('v');
      await client.del(`{${prefix}}:t`);
      expect(await store.get('k')).toBeUndefined();
    });

    it('a server without the script is given it again, and all that was asked meanwhile is done', async () => {
      const store = open();
      await store.set('a', entryOf('a'));
      await client.script('FLUSH');
      await Promise.all(['b', 'c', 'd'].map((key) => store.set(key, entryOf(key))));
      await client.script('FLUSH');
      expect(await store.delete('b')).toBe(true);
      expect((await store.getMany(['a', 'b', 'c', 'd'])).map((entry) => entry?.value)).toEqual([
        'a',
        undefined,
        'c',
        'd',
      ]);
    });
  });

  describe('a lease', () => {
    it('ends when it is not renewed, by the clock of the server', async () => {
      const prefix = newPrefix();
      const [one, other] = [open(prefix, { leaseDuration: 80 }), open(prefix, { leaseDuration: 80 })];
      const begun = performance.now();
      expect(await one.lease('k')).toBeDefined();
      await until(() => other.lease('k'));
      // It counts in whole milliseconds.
      expect(performance.now() - begun).toBeGreaterThan(75);
    });

    it('is over with a clear that covers its key', async () => {
      const prefix = newPrefix();
      const [one, other] = [open(prefix), open(prefix)];
      const lease = await one.lease('find(1)');
      await other.clear('find(');
      expect(await one.renew(lease as never)).toBe(false);
      expect(await other.lease('find(1)')).toBeDefined();
    });

    it('is given back when the store is closed', async () => {
      const prefix = newPrefix();
      const [one, other] = [open(prefix), open(prefix)];
      await one.lease('k');
      await one.close();
      expect(await other.lease('k')).toBeDefined();
    });
  });

  describe('a client', () => {
    it('of a url is made by the store when it is first needed, and ended by it', async () => {
      const before = ((await client.client('LIST')) as string).split('\n').length;
      const store = redisStore({ url: `redis://127.0.0.1:${server().port}`, prefix: newPrefix() });
      await store.set('k', entryOf('v'));
      expect((await store.get('k'))?.value).toBe('v');
      await store.close();
      await until(async () => ((await client.client('LIST')) as string).split('\n').length === before);
      await expect(store.get('k')).rejects.toMatchObject({ code: 'E_CLOSED' });
    });

    it("of the user's is not ended", async () => {
      const store = open();
      await store.set('k', entryOf('v'));
      await store.close();
      expect(await client.ping()).toBe('PONG');
    });

    it('that has lost its connection fails at once, and what was asked for does not wait in a queue', async () => {
      const proxy = await tcpProxy({ port: server().port });
      const own = connect(proxy.port, { retryStrategy: () => 20 });
      const store = redisStore({ client: own, prefix: newPrefix() });
      await store.set('k', entryOf('v'));
      await proxy.refuse(true);
      proxy.reset();
      await until(() => own.status !== 'ready');
      const outcomes = await Promise.allSettled(Array.from({ length: 20_000 }, () => store.get('k')));
      expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(19_000);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StoreError);
      }
      await proxy.refuse(false);
      await until(() => own.status === 'ready');
      expect((await store.get('k'))?.value).toBe('v');
      await proxy.close();
    });

    for (const kind of ['ioredis', 'redis'] as const) {
      it(`of ${kind} gives no reader another key's value, over 5,000 reads of which connections break in the midst`, async () => {
        const proxy = await tcpProxy({ port: server().port });
        const url = `redis://127.0.0.1:${proxy.port}`;
        const own =
          kind === 'ioredis'
            ? connect(proxy.port, { retryStrategy: () => 1, maxRetriesPerRequest: 1 })
            : await createClient({ url, socket: { reconnectStrategy: () => 1 } })
                .on('error', () => {})
                .connect();
        const prefix = newPrefix();
        const store = redisStore({ client: own as never, prefix });
        const direct = open(prefix);
        const keys = Array.from({ length: 50 }, (_, index) => `key:${index}`);
        await Promise.all(keys.map((key) => direct.set(key, entryOf({ of: key }))));
        let answered = 0;
        try {
          for (let round = 0; answered < 5_000 && round < 2_000; round++) {
            await until(() =>
              kind === 'ioredis' ? (own as Redis).status === 'ready' : (own as { isReady: boolean }).isReady,
            );
            const asked = keys.map(async (key) => {
              try {
                const entry = await store.get(key);
                if (entry !== undefined) expect(entry.value).toEqual({ of: key });
                answered++;
              } catch (error) {
                if (!(error instanceof StoreError)) throw error;
              }
            });
            if (round % 3 === 0) proxy.reset(round % 2 === 0 ? undefined : round * 7);
            await Promise.all(asked);
          }
          expect(answered).toBeGreaterThanOrEqual(5_000);
        } finally {
          if (kind === 'ioredis') (own as Redis).disconnect();
          else (own as { destroy(): void }).destroy();
          await proxy.close();
        }
      });
    }
  });

  describe('a server that', () => {
    it('is full refuses entries in words, and still takes invalidations', async () => {
      const store = open();
      await store.set('k', entryOf('old'));
      await client.config('SET', 'maxmemory', '1');
      try {
        await expect(store.set('x', entryOf('x'.repeat(100)))).rejects.toThrow(
          /could not write: the server's memory is full/,
        );
        if ((await versionOf(client)) < 7) {
          // There nothing may be written that could make room.
          await expect(store.clear()).rejects.toThrow(/could not clear: the server's memory is full/);
          return;
        }
        expect(await store.delete('k')).toBe(true);
        expect(await store.get('k')).toBeUndefined();
        await store.clear();
        await store.invalidateTags(['t']);
      } finally {
        await client.config('SET', 'maxmemory', '0');
      }
    });

    it('has become a replica refuses invalidations in words, and answers nothing that they might have been for', async () => {
      const store = open();
      await store.set('k', entryOf('v'));
      await client.config('SET', 'replica-serve-stale-data', 'yes');
      await client.replicaof('127.0.0.1', 1);
      try {
        await expect(store.delete('k')).rejects.toThrow(/READONLY/);
        expect(await store.get('k')).toBeUndefined();
      } finally {
        await client.replicaof('NO', 'ONE');
      }
    });

    it('hangs costs a call no more than its storeTimeout, and is used again when it answers', async () => {
      const own = connect(server().port);
      const cache = createCache({
        name: newPrefix(),
        store: redisStore({ client: own, prefix: newPrefix() }),
        storeTimeout: 100,
      });
      const errors: unknown[] = [];
      cache.on('error', ({ error }) => errors.push(error));
      let runs = 0;
      const read = cached(async (_id: string) => ++runs, { cache, name: 'read' });
      expect(await read('x')).toBe(1);
      process.kill(server().pid, 'SIGSTOP');
      try {
        expect(await read('z')).toBe(2);
        expect(errors).toContainEqual(expect.objectContaining({ message: expect.stringContaining('within 100 ms') }));
      } finally {
        process.kill(server().pid, 'SIGCONT');
      }
      await until(async () => {
        const before = runs;
        await read('y');
        return runs === before;
      });
    });
  });
});
