import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AsyncStore, Lease } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { type RedisStore, redisStore } from '@reprise/store-redis';
import { startRedisServer } from '@reprise/store-testkit';
import { tieredStore } from '@reprise/store-tiered';
import { Redis } from 'ioredis';
import { clients, newPrefix, type OwnClient } from './clients.ts';
import { answersOf, entryOf, until } from './entries.ts';
import { mistakes } from './mistakes.ts';
import { save } from './replication.ts';
import { withServer, withServers } from './with-server.ts';

const invalidations: Readonly<Record<string, (store: RedisStore) => Promise<unknown>>> = {
  'its key was deleted': (store) => store.delete('k'),
  'its label was invalidated': (store) => store.invalidateTags(['t']),
  'a beginning was cleared': (store) => store.clear('k'),
  'all was cleared': (store) => store.clear(),
  'a newer value was set': (store) => store.set('k', entryOf('new')),
};

withServer('a server that is killed, and starts from what it saved before', (server) => {
  describe.each(Object.entries(clients))('with %s', (_, connect) => {
    let own: OwnClient;
    const open = (): RedisStore => redisStore({ client: own.client, prefix: newPrefix() });

    beforeAll(async () => {
      own = await connect(server().port);
    });

    afterAll(() => own.close());

    it.each(Object.entries(invalidations))(
      'does not bring back what was there before %s',
      async (_what, invalidate) => {
        const store = open();
        await store.set('k', entryOf('old', { tags: _what.includes('label') ? ['t'] : [] }));
        for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
        await save(server().port);
        await invalidate(store);
        const restarted = server().restart();
        expect(await answersOf(store, 'k')).not.toContain('old');
        await restarted;
        expect(await answersOf(store, 'k')).toEqual([undefined, undefined, undefined, undefined]);
        expect(await store.set('k', entryOf('newest'))).toBe(true);
        expect((await store.get('k'))?.value).toBe('newest');
        expect(await store.size()).toBe(1);
      },
    );

    it('does not answer a read with it that was on its way, and that the client may send again', async () => {
      const store = open();
      await store.set('k', entryOf('old'));
      for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
      await save(server().port);
      await store.delete('k');
      process.kill(server().pid, 'SIGSTOP');
      const asked = Promise.allSettled([store.get('k'), store.getMany(['k', 'x'])]);
      await new Promise((sent) => setImmediate(sent));
      await server().restart();
      for (const outcome of await asked) {
        if (outcome.status === 'fulfilled') expect([outcome.value].flat()).not.toContainEqual(expect.anything());
        else expect(outcome.reason).toMatchObject({ code: 'E_STORE' });
      }
      await answersOf(store, 'k');
    });

    it('neither to a store that is made only then', async () => {
      const prefix = newPrefix();
      const store = redisStore({ client: own.client, prefix });
      await store.set('k', entryOf('old'));
      await save(server().port);
      await store.delete('k');
      await server().restart();
      const next = await connect(server().port);
      const fresh = redisStore({ client: next.client, prefix });
      for (let index = 0; index < 3; index++) expect(await fresh.get('k')).toBeUndefined();
      const keys: string[] = [];
      for await (const [key] of fresh.entries()) keys.push(key);
      expect(keys).toEqual([]);
      expect(await fresh.size()).toBe(0);
      await fresh.prune();
      await next.close();
      await answersOf(store, 'k');
    });

    it('does not keep what a run brings that began before, with a lease or without', async () => {
      const store = open();
      const generation = await store.generation();
      const lease = (await store.lease('k')) as Lease;
      await save(server().port);
      await store.delete('k');
      await server().restart();
      await answersOf(store, 'k');
      expect(await store.isCurrent('k', generation)).toBe(false);
      expect(await store.renew(lease)).toBe(false);
      for (const began of [generation, lease.generation]) {
        expect(await store.set('k', entryOf('old', { generation: began }))).toBe(false);
      }
      const next = (await store.lease('k')) as Lease;
      expect(await store.set('k', entryOf('new', { generation: next.generation }))).toBe(true);
      expect((await store.get('k'))?.value).toBe('new');
    });

    it('does not let a run begin by a count from before', async () => {
      const store = open();
      const before = await store.generation();
      await save(server().port);
      await server().restart();
      await answersOf(store, 'k');
      expect((await store.generation()).split(':')[0]).not.toBe(before.split(':')[0]);
    });

    it('does not bring it back behind memory either', async () => {
      const prefix = newPrefix();
      const other = redisStore({ client: own.client, prefix });
      const tiers = tieredStore(memoryStore(), redisStore({ client: own.client, prefix }));
      tiers.listen?.({ failed: () => {} });
      await tiers.set('k', entryOf('old'));
      await until(async () => {
        await tiers.get('k');
        return tiers.tierOf?.('k') === 'memory';
      });
      await save(server().port);
      await other.delete('k');
      await until(async () => (await tiers.get('k')) === undefined);
      const restarted = server().restart();
      expect(await answersOf(tiers as AsyncStore, 'k')).not.toContain('old');
      await restarted;
      expect(await answersOf(tiers as AsyncStore, 'k')).not.toContain('old');
      await tiers.close?.();
    });
  });

  describe('and a mistake in the store is found out:', () => {
    let undo = (): void => {};
    afterEach(() => undo());

    it.each(mistakes)('%s', async (_, mistake, tags) => {
      undo = mistake();
      const client = new Redis(server().port, '127.0.0.1', { retryStrategy: () => 20 });
      client.on('error', () => {});
      const store = redisStore({ client, prefix: newPrefix() });
      await store.set('k', entryOf('old', { tags: [...tags] }));
      for (let index = 0; index < 3; index++) await store.get('k');
      await save(server().port);
      await store.delete('k');
      await server().restart();
      expect(await answersOf(store, 'k')).toContain('old');
      client.disconnect();
    });
  });
});

/** Since version 7 there is a folder of them. */
function appendOnlyFile(folder: string): string {
  const parts = join(folder, 'appendonlydir');
  if (!existsSync(parts)) return join(folder, 'appendonly.aof');
  return join(parts, readdirSync(parts).find((name) => name.includes('.incr.')) as string);
}

withServers(
  'a server that is killed, and whose append-only file has lost its end',
  (server) => {
    it.each(Object.entries(clients))('does not bring back what it had forgotten, with %s', async (_, connect) => {
      const own = await connect(server().port);
      const store = redisStore({ client: own.client, prefix: newPrefix() });
      await store.set('k', entryOf('old'));
      for (let index = 0; index < 3; index++) expect((await store.get('k'))?.value).toBe('old');
      const file = appendOnlyFile(server().folder);
      const { size } = statSync(file);
      await store.delete('k');
      await server().kill();
      truncateSync(file, size);
      await server().restart();
      expect(await answersOf(store, 'k')).not.toContain('old');
      const direct = new Redis(server().port, '127.0.0.1');
      // It was there again.
      expect((await direct.keys('*:e::k')).length).toBe(1);
      await direct.flushall();
      await direct.quit();
      await own.close();
    });
  },
  () => startRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']),
);

withServer('the state of the first release', (server) => {
  it('counts for nothing, and is replaced', async () => {
    const client = new Redis(server().port, '127.0.0.1');
    const prefix = newPrefix();
    const mark = 'a'.repeat(24);
    await client.set(`{${prefix}}:s`, `R1 ${mark} 7 0;`);
    const store = redisStore({ client, prefix });
    expect(await store.get('k')).toBeUndefined();
    expect(await store.set('k', entryOf('old', { generation: `${mark}:7` }))).toBe(false);
    expect(await store.set('k', entryOf('new'))).toBe(true);
    expect((await store.get('k'))?.value).toBe('new');
    expect(await client.get(`{${prefix}}:s`)).toMatch(/^R2 \w{24} \w{16} \d+ 0;$/);
    await client.quit();
  });
});
