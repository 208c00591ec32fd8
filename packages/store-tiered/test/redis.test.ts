import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { type Cache, cached, closeAllCaches, createCache } from '@reprise/core';
import { type AsyncStore, type Entry, StoreError } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { redisStore } from '@reprise/store-redis';
import { hasRedisServer, startRedisServer, storeConformance, tcpProxy } from '@reprise/store-testkit';
import { Redis } from 'ioredis';
import { tieredStore } from '../src/index.ts';

const server = hasRedisServer() ? await startRedisServer() : undefined;
afterAll(() => server?.stop());
const clients: Redis[] = [];
afterAll(() => {
  for (const client of clients) client.disconnect();
});

/** How long another process's first tier may answer with what was invalidated: that is promised. */
const promised = 100;
let places = 0;

function entryOf(value: unknown, more: Partial<Entry> = {}): Entry {
  const createdAt = Date.now();
  return { value, createdAt, expiresAt: createdAt + 60_000, staleUntil: createdAt + 60_000, ...more };
}

async function until(check: () => unknown): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('it has not come to that');
}

function connect(port: number): Redis {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

if (server === undefined) {
  console.warn('not run: tiers in front of Redis, for want of a redis-server');
  it('tiers in front of Redis are not run for want of a redis-server, which continuous integration must have', () => {
    expect(process.env['CI']).not.toBe('1');
  });
} else {
  const { port } = server;
  const direct = connect(port);

  /** The tiers of one process, on a connection of its own. */
  const openTiers = (prefix: string, through: number = port): AsyncStore => {
    const store = tieredStore(memoryStore(), redisStore({ client: connect(through), prefix })) as AsyncStore;
    store.listen?.({ failed: () => {} });
    return store;
  };
  const isNear = (store: AsyncStore, key: string): boolean => store.tierOf?.(key) === 'memory';
  /** Has a process keep what it reads in its first tier. */
  const keepNear = (store: AsyncStore, key: string): Promise<void> =>
    until(async () => {
      await store.get(key);
      return isNear(store, key);
    });

  afterEach(() => closeAllCaches());

  describe('a tier in front of Redis, as one process', () => {
    const client = connect(port);
    storeConformance(
      it,
      ({ clock, namespace }, place) =>
        Object.defineProperty(
          tieredStore(memoryStore(), redisStore({ client, prefix: place, clock, ...(namespace && { namespace }) })),
          'persistent',
          { value: false },
        ),
      { fences: true, leases: true, tags: true, touch: true, iteration: true, batches: true, prune: true },
    );
  });

  describe('tiers of two processes in front of one Redis', () => {
    const changes: readonly (readonly [
      what: string,
      change: (other: AsyncStore, name: string) => unknown,
      left: unknown,
    ])[] = [
      ['a deletion', (other) => other.delete('find(1)'), undefined],
      ['a newer value', (other) => other.set('find(1)', entryOf('new')), 'new'],
      ['an invalidated label', (other) => other.invalidateTags?.(['t']), undefined],
      ['a clear of a part', (other) => other.clear('find('), undefined],
      ['a clear', (other) => other.clear(), undefined],
      [
        'a result under a generation',
        async (other) => other.set('find(1)', entryOf('new', { generation: (await other.generation?.()) as string })),
        'new',
      ],
      ["a foreign client's DEL", (_other, name) => direct.del(name), undefined],
    ];
    for (const [what, change, left] of changes) {
      it(`are told of ${what} within ${promised} ms`, async () => {
        const prefix = `tiers-${process.pid}-${++places}`;
        const [here, there] = [openTiers(prefix), openTiers(prefix)];
        await there.set('find(1)', entryOf('old', { tags: ['t'] }));
        await there.set('other', entryOf('other'));
        await keepNear(here, 'find(1)');
        await change(there, `{${prefix}}:e::find(1)`);
        const finished = performance.now();
        let last = finished;
        await until(async () => {
          // What counts is when it was asked: how long the answer takes is the machine's affair.
          const asked = performance.now();
          const isOld = (await here.get('find(1)'))?.value === 'old';
          if (isOld) last = asked;
          return !isOld;
        });
        expect(last - finished).toBeLessThan(promised);
        expect((await here.get('find(1)'))?.value).toBe(left);
        await here.close();
        await there.close();
      });
    }

    it('keep in front what nobody has changed: the server is not asked', async () => {
      const prefix = `tiers-${process.pid}-${++places}`;
      const [here, there] = [openTiers(prefix), openTiers(prefix)];
      await there.set('k', entryOf('v'));
      await keepNear(here, 'k');
      await there.set('another', entryOf('v'));
      await there.delete('another');
      const reads = async (): Promise<number> =>
        Number(/cmdstat_mget:calls=(\d+)/.exec(String(await direct.info('commandstats')))?.[1]);
      // Where this process stands still for a moment, what is in front is not believed for a read or two.
      await until(async () => {
        const before = await reads();
        for (let read = 0; read < 100; read++) expect((await here.get('k'))?.value).toBe('v');
        return (await reads()) === before;
      });
      await here.close();
      await there.close();
    });

    it('distrust what is in front from the moment at which the connection that tells is lost, until it is whole again', async () => {
      const prefix = `tiers-${process.pid}-${++places}`;
      const [here, there] = [openTiers(prefix), openTiers(prefix)];
      await there.set('k', entryOf('old'));
      await keepNear(here, 'k');
      for (let round = 0; round < 5; round++) {
        // All that hear of changes, and no others.
        await direct.client('KILL', 'TYPE', 'PUBSUB');
        await there.set('k', entryOf(`new ${round}`));
        await until(async () => (await here.get('k'))?.value === `new ${round}`);
        await keepNear(here, 'k');
        expect((await here.get('k'))?.value).toBe(`new ${round}`);
      }
      await here.close();
      await there.close();
    });

    it('do not answer from in front with what changed while this process stood still', async () => {
      const prefix = `tiers-${process.pid}-${++places}`;
      const [here, there] = [openTiers(prefix), openTiers(prefix)];
      await there.set('k', entryOf('old'));
      await keepNear(here, 'k');
      const deletion = there.delete('k');
      await new Promise((resolve) => setImmediate(resolve));
      // The deletion reaches the server; what that tells is not read here before the next turn of the loop.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      expect(isNear(here, 'k')).toBe(false);
      expect(await here.get('k')).toBeUndefined();
      await deletion;
      await here.close();
      await there.close();
    });

    for (const trouble of ['hold', 'halfOpen', 'blackHole'] as const) {
      it(`do not go on answering from in front when the network falls silent (${trouble})`, async () => {
        const prefix = `tiers-${process.pid}-${++places}`;
        const proxy = await tcpProxy({ port });
        const [here, there] = [openTiers(prefix, proxy.port), openTiers(prefix)];
        await there.set('k', entryOf('old'));
        await keepNear(here, 'k');
        proxy[trouble](true);
        const silent = performance.now();
        let last = silent;
        await there.set('k', entryOf('new'));
        await until(() => {
          const now = performance.now();
          if (!isNear(here, 'k')) return true;
          last = now;
          return false;
        });
        expect(last - silent).toBeLessThan(promised);
        proxy[trouble](false);
        await until(async () => {
          const entry = await here.get('k').catch(() => undefined);
          expect(entry?.value).not.toBe('old');
          return entry?.value === 'new';
        });
        await keepNear(here, 'k');
        expect((await here.get('k'))?.value).toBe('new');
        await here.close();
        await there.close();
        await proxy.close();
      });
    }
  });

  describe('a cache on tiers', () => {
    const open = async (): Promise<{
      proxy: Awaited<ReturnType<typeof tcpProxy>>;
      cache: Cache;
      reads: AsyncStore;
    }> => {
      const prefix = `tiers-${process.pid}-${++places}`;
      const proxy = await tcpProxy({ port });
      const store = tieredStore(memoryStore(), redisStore({ client: connect(proxy.port), prefix }));
      const cache = createCache({ name: prefix, store, storeTimeout: 200 });
      cache.on('error', () => {});
      return { proxy, cache: cache as never, reads: openTiers(prefix) };
    };

    it('answers 20,000 calls while Redis is away, by the function, and from the tiers within a second of its return', async () => {
      const { proxy, cache, reads } = await open();
      let runs = 0;
      const read = cached(
        async (id: string) => {
          runs++;
          return `value of ${id}`;
        },
        { cache, name: 'read' },
      );
      await read('0');
      await proxy.refuse(true);
      proxy.reset();
      const outcomes = await Promise.all(Array.from({ length: 20_000 }, (_, index) => read(String(index % 500))));
      expect(outcomes.every((value, index) => value === `value of ${index % 500}`)).toBe(true);
      expect(proxy.connections).toBe(0);
      await proxy.refuse(false);
      const healed = performance.now();
      await until(async () => {
        const before = runs;
        await read('after');
        return runs === before;
      });
      expect(performance.now() - healed).toBeLessThan(3_000);
      // No stampede: what is cold is computed once each, however many ask.
      runs = 0;
      await Promise.all(Array.from({ length: 1_000 }, () => read('cold')));
      expect(runs).toBe(1);
      await cache.close();
      await reads.close();
      await proxy.close();
    });

    it('does not have an invalidation undone by the return of Redis that was made while it was away', async () => {
      const { proxy, cache, reads } = await open();
      let version = 1;
      const read = cached(async (_id: string) => version, { cache, name: 'read' });
      for (let call = 0; call < 3; call++) expect(await read('x')).toBe(1);
      await proxy.refuse(true);
      proxy.reset();
      version = 2;
      await expect(read.invalidate('x')).rejects.toThrow(StoreError);
      expect(await read('x')).toBe(2);
      await proxy.refuse(false);
      for (const end = performance.now() + 2_500; performance.now() < end; ) {
        expect(await read('x')).toBe(2);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await cache.close();
      await reads.close();
      await proxy.close();
    });
  });
}
