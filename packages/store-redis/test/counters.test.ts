import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisStore, redisStore } from '@reprise/store-redis';
import { startRedisServer } from '@reprise/store-testkit';
import { Redis } from 'ioredis';
import { entryOf } from './entries.ts';
import { withServer } from './with-server.ts';

withServer('what a Redis store counts', (server) => {
  let client: Redis;
  let store: RedisStore;
  let places = 0;
  let base = '';

  beforeAll(() => {
    client = new Redis(server().port, '127.0.0.1');
  });

  beforeEach(() => {
    const prefix = `place-${++places}`;
    base = `{${prefix}}:`;
    store = redisStore({ client, prefix });
  });

  afterAll(() => client.quit());

  describe('when the server has lost a counter', () => {
    // What each guards: a run that began before the loss and was invalidated before it too must not be stored.
    const losses: readonly (readonly [key: string, invalidate: () => Promise<unknown>])[] = [
      ['s', () => store.delete('k')],
      ['k', () => store.delete('k')],
      ['p', () => store.clear('k')],
      ['t', () => store.invalidateTags(['t'])],
    ];

    it.each(losses)('%s: what began before is refused, what begins after it is kept', async (letter, invalidate) => {
      const generation = await store.generation();
      await invalidate();
      await client.del(base + letter);
      expect(await store.isCurrent('k', generation, ['t'])).toBe(false);
      expect(await store.set('k', entryOf('old', { tags: ['t'], generation }))).toBe(false);
      expect(await store.get('k')).toBeUndefined();
      const next = await store.generation();
      await store.delete('other');
      await store.invalidateTags(['other']);
      expect(await store.set('k', entryOf('new', { tags: ['t'], generation: next }))).toBe(true);
      expect((await store.get('k'))?.value).toBe('new');
    });

    it('t: entries with tags that are older are void, those without are not', async () => {
      await store.set('tagged', entryOf(1, { tags: ['t'] }));
      await store.set('plain', entryOf(2));
      await store.invalidateTags(['t']);
      await client.del(`${base}t`);
      expect(await store.get('tagged')).toBeUndefined();
      expect((await store.get('plain'))?.value).toBe(2);
    });

    it('s: every entry is void, and no lease stands in the way', async () => {
      await store.set('k', entryOf(1));
      expect(await store.lease('l')).toBeDefined();
      await client.del(`${base}s`);
      expect(await store.get('k')).toBeUndefined();
      expect(await store.lease('l')).toBeDefined();
      // There is a state again, with another mark.
      expect(await store.get('k')).toBeUndefined();
      expect(await store.size()).toBe(0);
      await store.prune();
      expect(await client.exists(`${base}e::k`)).toBe(0);
    });
  });

  it('a server that was emptied during a run does not keep what the run brings', async () => {
    const generation = await store.generation();
    const lease = await store.lease('k');
    await client.flushall();
    expect(await store.set('k', entryOf('old', { generation }))).toBe(false);
    expect(await store.set('k', entryOf('old', { generation: lease?.generation as string }))).toBe(false);
    expect(lease && (await store.renew(lease))).toBe(false);
    expect(await store.get('k')).toBeUndefined();
  });

  it('scripts that the server has forgotten are sent again', async () => {
    await store.set('k', entryOf(1, { tags: ['t'] }));
    await client.script('FLUSH');
    expect((await store.get('k'))?.value).toBe(1);
    await client.script('FLUSH');
    await Promise.all([store.set('k', entryOf(2)), store.delete('k'), store.set('k', entryOf(3))]);
    expect((await store.get('k'))?.value).toBe(3);
    await client.script('FLUSH');
    await store.invalidateTags(['t']);
    await store.clear();
    expect(await store.get('k')).toBeUndefined();
  });

  it('a beginning that was cleared is void though nobody has swept it, and is swept by the next one', async () => {
    await store.set('find(1)', entryOf(1));
    await store.set('list(1)', entryOf(2));
    const state = await client.get(`${base}s`);
    const [, head, epoch] = /^(R2 \w+ \w+) (\d+) /.exec(state as string) as unknown as [string, string, string];
    const cleared = ':find(';
    // As one leaves it behind who is killed between the fence and the sweep.
    await client.set(`${base}s`, `${head} ${Number(epoch) + 1} 0;${Number(epoch) + 1} ${cleared.length}:${cleared}`);
    expect(await store.get('find(1)')).toBeUndefined();
    expect((await store.get('list(1)'))?.value).toBe(2);
    expect(await store.size()).toBe(1);
    expect(await client.exists(`${base}e::find(1)`)).toBe(1);
    await store.set('find(2)', entryOf(3));
    await store.prune();
    expect(await client.exists(`${base}e::find(1)`)).toBe(0);
    expect((await store.get('find(2)'))?.value).toBe(3);
    expect(await client.get(`${base}s`)).toMatch(/;$/);
  });

  it('more beginnings than can wait for the sweep void all of the place', async () => {
    await store.set('kept?', entryOf(1));
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.clear(`part:${index}/`)));
    await store.prune();
    expect((await client.get(`${base}s`))?.length).toBeLessThan(100);
    const generation = await store.generation();
    expect(await store.set('k', entryOf(2, { generation }))).toBe(true);
    expect((await store.get('k'))?.value).toBe(2);
  });

  it('invalidating a tag takes as many commands for ten thousand entries as for ten', async () => {
    const commands = async (): Promise<number> => {
      const stats = await client.info('commandstats');
      return [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
    };
    const cost = async (count: number): Promise<number> => {
      const sets = Array.from({ length: count }, (_, index) =>
        store.set(`${count}:${index}`, entryOf(index, { tags: ['t'] })),
      );
      await Promise.all(sets);
      const before = await commands();
      await store.invalidateTags(['t']);
      return (await commands()) - before;
    };
    await store.invalidateTags(['t']);
    expect(await cost(10_000)).toBe(await cost(10));
    expect(await store.get('10000:9999')).toBeUndefined();
  }, 60_000);

  it('reads of one tick are one MGET, and with tags one script', async () => {
    for (const key of ['a', 'b', 'c']) await store.set(key, entryOf(key));
    const reader = redisStore({ client, prefix: `place-${places}` });
    // The first one connects, the second learns which server answers.
    await reader.get('a');
    await reader.get('a');
    const commandsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
      const second = client.duplicate();
      const monitor = await second.monitor();
      const seen: string[] = [];
      monitor.on('monitor', (_time, args: string[], source) => {
        if (source !== 'lua') seen.push((args[0] as string).toLowerCase());
      });
      await work();
      await client.ping();
      while (!seen.includes('ping')) await new Promise((done) => setImmediate(done));
      monitor.disconnect();
      second.disconnect();
      return seen.slice(0, seen.indexOf('ping'));
    };
    expect(await commandsOf(() => Promise.all([reader.get('a'), reader.get('b'), reader.getMany(['c', 'd'])]))).toEqual(
      ['mget'],
    );
    await store.set('t', entryOf(1, { tags: ['t'] }));
    expect(await commandsOf(() => reader.get('t'))).toEqual(['mget', 'evalsha']);
    expect(await commandsOf(() => Promise.all([reader.get('t'), reader.get('a')]))).toEqual(['evalsha']);
  });

  it('a set that is sent twice is done once', async () => {
    const token = 'x';
    const other = redisStore({ client, prefix: `place-${places}` });
    // The client sends the command a second time, after somebody else has written: as it does when a connection broke before the answer.
    const twice = new Proxy(client, {
      get: (target, name) => {
        if (name !== 'evalshaBuffer') return Reflect.get(target, name, target);
        return async (...args: (string | Buffer)[]) => {
          await target.callBuffer('EVALSHA', ...args);
          await other.set('k', entryOf('of another'));
          return target.callBuffer('EVALSHA', ...args);
        };
      },
    });
    await store.set('k', entryOf(token));
    await redisStore({ client: twice, prefix: `place-${places}` }).set('k', entryOf('sent twice'));
    expect((await store.get('k'))?.value).toBe('of another');
  });

  it('a lease that is not renewed ends, and the next one who asks has it', async () => {
    const short = redisStore({ client, prefix: `place-${places}`, leaseDuration: 50 });
    const begun = performance.now();
    const lease = await short.lease('k');
    let next = await store.lease('k');
    while (next === undefined) next = await store.lease('k');
    // The server counts in whole milliseconds.
    expect(performance.now() - begun).toBeGreaterThan(45);
    expect(next.token).not.toBe(lease?.token);
    expect(lease && (await short.renew(lease))).toBe(false);
  });

  it('an entry whose bytes were copied to another key, cut or overwritten is a miss, is reported, and goes', async () => {
    const reports: unknown[] = [];
    store.listen({ failed: (error, key) => reports.push([key, (error as Error).message]) });
    await store.set('a', entryOf('of a'));
    const bytes = (await client.getBuffer(`${base}e::a`)) as Buffer;
    await client.set(`${base}e::b`, bytes);
    await client.set(`${base}e::c`, bytes.subarray(0, -1));
    await client.set(`${base}e::d`, 'foreign');
    expect(await store.getMany(['a', 'b', 'c', 'd'])).toEqual([
      expect.objectContaining({ value: 'of a' }),
      undefined,
      undefined,
      undefined,
    ]);
    expect(reports).toEqual([
      ['b', expect.stringContaining("another key's")],
      ['c', expect.stringContaining('damaged or truncated')],
      ['d', expect.stringContaining('foreign or damaged')],
    ]);
    while ((await client.exists(`${base}e::b`, `${base}e::c`, `${base}e::d`)) > 0) await client.ping();
    expect((await store.get('a'))?.value).toBe('of a');
  });
});

withServer('what is not this release’s', (server) => {
  it('a state of a later release is left alone: every operation fails in words', async () => {
    const client = new Redis(server().port, '127.0.0.1');
    await client.set('{reprise}:s', 'R3 something');
    const store = redisStore({ client });
    await expect(store.get('k')).rejects.toThrow(/not of this release.*prefix/);
    await expect(store.set('k', entryOf(1))).rejects.toThrow(/not of this release.*prefix/);
    expect(await client.get('{reprise}:s')).toBe('R3 something');
    await client.quit();
  });

  it('a server without room says so, and reads go on', async () => {
    const small = await startRedisServer(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction']);
    const client = new Redis(small.port, '127.0.0.1');
    const store = redisStore({ client });
    try {
      await store.set('k', entryOf(1));
      let failure: unknown;
      for (let index = 0; failure === undefined && index < 100; index++) {
        await store.set(`k${index}`, entryOf('x'.repeat(100_000))).catch((error: unknown) => {
          failure = error;
        });
      }
      expect(String(failure)).toMatch(/memory is full/);
      expect((await store.get('k'))?.value).toBe(1);
    } finally {
      await client.quit();
      await small.stop();
    }
  });
});
