import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import type { Entry } from '@reprise/store';
import { type RedisClient, redisStore } from '@reprise/store-redis';
import { startRedisServer } from '@reprise/store-testkit';
import { Cluster, Redis } from 'ioredis';
import { createClient } from 'redis';
import { createClient as createOldClient } from 'redis-5';
import { entryOf, until } from './entries.ts';
import { withServer } from './with-server.ts';

describe('what a Redis store is made of', () => {
  it('a client of redis below 6 is refused, saying why', () => {
    const client = createOldClient() as unknown as RedisClient;
    expect(() => redisStore({ client })).toThrow(/below 6.*another.*npm i redis@6/);
  });

  it('a client that changes keys, or reads from replicas, is refused', async () => {
    const prefixed = new Redis({ lazyConnect: true, keyPrefix: 'app:' });
    expect(() => redisStore({ client: prefixed })).toThrow(/keyPrefix.*prefix/);
    const replicas = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, scaleReads: 'slave' });
    expect(() => redisStore({ client: replicas })).toThrow(/replicas.*scaleReads 'master'/);
    expect(() => redisStore({ client: createClient({ keyPrefix: 'app:' }) })).toThrow(/keyPrefix.*prefix/);
  });

  it.each([
    [{}, /either a client .* or a url/],
    [{ url: 'localhost' }, /redis:\/\//],
    [{ client: {} }, /neither one of ioredis/],
    [{ url: 'redis://h', client: {} }, /both a client and a url/],
    [{ url: 'redis://h', prefix: '' }, /prefix/],
    [{ url: 'redis://h', prefix: 'a}b' }, /prefix/],
    [{ url: 'redis://h', prefix: '\ud800' }, /prefix/],
    [{ url: 'redis://h', namespace: 1 }, /namespace/],
    [{ url: 'redis://h', codec: {} }, /codec/],
    [{ url: 'redis://h', clock: {} }, /clock/],
    [{ url: 'redis://h', leaseDuration: 0 }, /leaseDuration/],
    [{ url: 'redis://h', leaseDuration: 1.5 }, /whole milliseconds/],
    [{ url: 'redis://h', leaseDuration: null }, /leaseDuration .*not null/],
    [{ url: 'redis://h', maxSize: 10 }, /maxmemory/],
    [{ url: 'redis://h', ttl: 10 }, /no option 'ttl'/],
  ])('%j is an OptionError', (options, message) => {
    expect(() => redisStore(options as never)).toThrow(message);
    expect(() => redisStore(options as never)).toThrow(expect.objectContaining({ code: 'E_OPTION' }));
  });
});

withServer('a Redis store and its client', (server) => {
  it('by a url, it makes a client of its own, and closes it', async () => {
    const store = redisStore({ url: `redis://127.0.0.1:${server().port}`, prefix: 'url' });
    await store.set('k', entryOf(1));
    expect((await store.get('k'))?.value).toBe(1);
    await store.close();
  });

  it('a tier in front is told on while timers are faked', async () => {
    const client = new Redis(server().port, '127.0.0.1');
    const store = redisStore({ client, prefix: 'faked' });
    let heard = 0;
    const leave = store.track?.({
      changed: () => {},
      cleared: () => {},
      tagsInvalidated: () => {},
      trusted: () => {},
      heard: () => heard++,
    });
    await until(() => heard > 0);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      const enough = heard + 5;
      const end = performance.now() + 20_000;
      while (heard < enough && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toBeGreaterThanOrEqual(enough);
    } finally {
      jest.useRealTimers();
    }
    leave?.();
    await store.close();
    await client.quit();
  });

  it("a user's client is left open, and without listeners of the store", async () => {
    const client = new Redis(server().port, '127.0.0.1');
    for (let index = 0; index < 20; index++) {
      const store = redisStore({ client, prefix: 'left' });
      await store.get('k');
      await store.close();
    }
    expect(client.listenerCount('error')).toBe(0);
    expect(client.listenerCount('connect')).toBe(0);
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });

  it('where the connection is lost, operations fail at once and in words; when it is back, they work', async () => {
    let own = await startRedisServer();
    const client = new Redis(own.port, '127.0.0.1', { retryStrategy: () => 20 });
    const store = redisStore({ client });
    await store.set('k', entryOf(1));
    const generation = await store.generation();
    const lost = new Promise((done) => client.once('close', () => done(undefined)));
    await own.stop();
    await lost;
    for (const work of [
      () => store.get('k'),
      () => store.set('k', entryOf(1)),
      () => store.delete('k'),
      () => store.clear(),
    ]) {
      await expect(work()).rejects.toThrow(/The Redis store could not \w+: the client is not connected/);
    }
    const ready = new Promise((done) => client.once('ready', () => done(undefined)));
    own = await startRedisServer([], own.port);
    await ready;
    expect(await store.set('k', entryOf('of before', { generation }))).toBe(false);
    expect(await store.get('k')).toBeUndefined();
    await client.quit();
    await own.stop();
  });

  it('the age of an entry counts by the server: a wall clock that jumps changes nothing', async () => {
    const client = new Redis(server().port, '127.0.0.1');
    const store = redisStore({ client, prefix: 'age' });
    const realNow = Date.now;
    try {
      await store.set('k', { ...entryOf('v'), createdAt: realNow() - 5_000 });
      for (const jump of [3_600_000, -3_600_000]) {
        Date.now = () => realNow() + jump;
        const found = (await store.get('k')) as Entry;
        expect(found.value).toBe('v');
        expect(Date.now() - found.createdAt).toBeGreaterThanOrEqual(5_000);
        expect(Date.now() - found.createdAt).toBeLessThan(15_000);
      }
      Date.now = realNow;
      await store.set('short', { ...entryOf('v'), expiresAt: realNow() + 30, staleUntil: realNow() + 60 });
      const left = await client.pttl('{age}:e::short');
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(60);
      while ((await store.get('short')) !== undefined) await client.ping();
    } finally {
      Date.now = realNow;
      await client.quit();
    }
  });

  it.each(['ioredis', 'node-redis'])(
    '5,000 reads by %s while connections are reset give no wrong value',
    async (kind) => {
      const proxy = await startProxy(server().port);
      const own = new Redis(proxy.port, '127.0.0.1', { retryStrategy: () => 1 });
      const other = createClient({ socket: { host: '127.0.0.1', port: proxy.port, reconnectStrategy: () => 1 } });
      other.on('error', () => {});
      await other.connect();
      const store = redisStore({ client: kind === 'ioredis' ? own : other, prefix: `resets-${kind}` });
      const keys = Array.from({ length: 50 }, (_, index) => `key:${index}`);
      for (const key of keys) await store.set(key, entryOf(`value of ${key}`, { tags: [key] }));
      let hits = 0;
      let failures = 0;
      for (let round = 0; round < 500; round++) {
        const asked = Array.from({ length: 10 }, (_, index) => keys[(round * 7 + index) % keys.length] as string);
        const reads = asked.map(async (key) => {
          // Each read by itself, so that several commands are on their way when the connection goes.
          await null;
          const found = await new Promise((done) => setImmediate(done)).then(() => store.get(key));
          if (found === undefined) return;
          expect(found.value).toBe(`value of ${key}`);
          hits++;
        });
        if (round % 10 === 5) proxy.reset();
        for (const read of await Promise.allSettled(reads)) {
          if (read.status === 'fulfilled') continue;
          expect(read.reason).toMatchObject({ code: 'E_STORE' });
          failures++;
        }
        while (!(own.status === 'ready' && other.isReady)) await new Promise((done) => setImmediate(done));
      }
      expect(hits + failures).toBe(5_000);
      expect(hits).toBeGreaterThan(4_000);
      own.disconnect();
      other.destroy();
      await proxy.close();
    },
    60_000,
  );
});

withServer('two processes with one Redis', (server) => {
  it('what one computes is refused after the other has invalidated it, and the lease of one that was killed is taken over', async () => {
    const child = fork(new URL('./child.ts', import.meta.url), [String(server().port)], {
      execArgv: ['-C', '@reprise/source', '--import', './scripts/source-loader.mjs'],
    });
    const client = new Redis(server().port, '127.0.0.1');
    const store = redisStore({ client, prefix: 'processes' });
    expect(await ask(child, 'begin')).toMatch(/:/);
    await store.delete('k');
    expect(await ask(child, 'keep')).toBe(false);
    expect(await store.get('k')).toBeUndefined();
    expect(await ask(child, 'begin')).toMatch(/:/);
    expect(await ask(child, 'keep')).toBe(true);
    expect((await store.get('k'))?.value).toBe('computed');
    const begun = performance.now();
    expect(await ask(child, 'lease')).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    let lease = await store.lease('k');
    while (lease === undefined) lease = await store.lease('k');
    // The server counts in whole milliseconds.
    expect(performance.now() - begun).toBeGreaterThan(195);
    expect(await store.set('k', entryOf('taken over', { generation: lease.generation }))).toBe(true);
    await client.quit();
  }, 60_000);
});

async function ask(child: ChildProcess, question: string): Promise<unknown> {
  child.send(question);
  const [answer] = (await once(child, 'message')) as [unknown];
  return answer;
}

async function startProxy(port: number): Promise<{ port: number; reset(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const proxy: Server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer).pipe(inner);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (proxy.address() as { port: number }).port,
    reset,
    close: async () => {
      reset();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
