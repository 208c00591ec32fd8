import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from '@jest/globals';
import { type RedisClient, redisStore } from '@reprise/store-redis';
import { createClient } from 'redis';
import { makeClients, versionOf } from './clients.ts';
import { entryOf, listenTo, until } from './entries.ts';
import { withServer } from './with-server.ts';

const page = readFileSync('docs/consistency.md', 'utf8');
/** What the page says that a user needs, beside the store's own keys. */
const commands = /^ {2}`(\+info .*)`\.$/m.exec(page)?.[1]?.split(' ') ?? [];
const prefix = 'access';

withServer('a user with the rights that the page names, and no others,', (server) => {
  const connect = makeClients();
  const open: (() => void)[] = [];
  afterAll(() => {
    for (const close of open) close();
  });

  it.each(['ioredis', 'node-redis'] as const)('can do all that a store does, by %s', async (kind) => {
    const owner = connect(server().port);
    await owner.acl(
      'SETUSER',
      kind,
      'on',
      '>secret',
      `~{${prefix}}:*`,
      // Before version 6.2 channels are everybody's.
      ...((await versionOf(owner)) < 6.2 ? [] : ['&__redis__:invalidate']),
      ...commands,
    );
    const who = { username: kind, password: 'secret' };
    let client: RedisClient;
    if (kind === 'ioredis') client = connect(server().port, who);
    else {
      const other = createClient({ ...who, socket: { host: '127.0.0.1', port: server().port } });
      other.on('error', () => {});
      open.push(() => other.destroy());
      client = await other.connect();
    }
    const store = redisStore({ client, prefix });
    const failures: unknown[] = [];
    store.listen({ failed: (error) => failures.push(error) });
    const { told, leave } = listenTo(store);
    await until(() => told.includes('trusted: true') || failures.length > 0);

    const generation = await store.generation();
    expect(await store.set('computed', entryOf(1, { generation, tags: ['t'], idle: 10_000 }))).toBe(true);
    expect(await store.set('by hand', entryOf(2))).toBe(true);
    expect((await store.getMany(['computed', 'by hand', 'none'])).map((entry) => entry?.value)).toEqual([
      1,
      2,
      undefined,
    ]);
    // By a script, and by a plain command.
    for (let index = 0; index < 3; index++) expect((await store.get('by hand'))?.value).toBe(2);
    await store.touch('computed');
    expect(await store.isCurrent('computed', generation, ['t'])).toBe(true);
    const lease = await store.lease('leased');
    expect(lease && (await store.renew(lease))).toBe(true);
    expect(lease && (await store.set('leased', entryOf(3, { generation: lease.generation })))).toBe(true);
    if (lease !== undefined) await store.release(lease);
    const listed: string[] = [];
    for await (const [key] of store.entries()) listed.push(key);
    expect([listed.sort(), await store.size()]).toEqual([['by hand', 'computed', 'leased'], 3]);
    await store.invalidateTags(['t']);
    expect(await store.delete('by hand')).toBe(true);
    await store.clear('c');
    await store.prune();
    await until(() => told.includes('by hand'));
    leave();
    await store.close();
    expect(failures).toEqual([]);
  });
});
