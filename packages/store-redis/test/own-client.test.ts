import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { redisStore } from '@reprise/store-redis';
import { makeClients, newPrefix } from './clients.ts';
import { entryOf, listenTo, until } from './entries.ts';
import { withServer } from './with-server.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program to its end, which must come by itself. */
async function run(code: string): Promise<string> {
  const flags = ['-C', '@reprise/source', '--import', './scripts/source-loader.mjs', '--input-type=module', '-e'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, code], { cwd: root, timeout: 60_000 });
  return stdout;
}

const ask = (url: string, then: string): string => `
  const { redisStore } = await import('./packages/store-redis/src/index.ts');
  const store = redisStore({ url: '${url}' });
  store.listen({ failed: () => {} });
  console.log(await store.get('k').then(() => 'answered', (error) => error.code));
  ${then}`;

it.each([
  ['', ''],
  [', nor once it is closed', 'await store.close();'],
])('a store by a url whose server is not there keeps no process alive%s', async (_, then) => {
  expect(await run(ask('redis://127.0.0.1:1', then))).toBe('E_STORE\n');
});

withServer('a Redis store by a url', (server) => {
  it('keeps no process alive when its server is there, nor when that goes away', async () => {
    const url = `redis://127.0.0.1:${server().port}`;
    expect(await run(ask(url, ''))).toBe('answered\n');
    const code = ask(url, `process.kill(${server().pid}, 'SIGKILL');`);
    expect(await run(code)).toBe('answered\n');
    await server().restart();
  });

  it('is connected anew when it is used, after the server was away', async () => {
    const store = redisStore({ url: `redis://127.0.0.1:${server().port}`, prefix: newPrefix() });
    store.listen({ failed: () => {} });
    await store.set('k', entryOf(1));
    await server().kill();
    await expect(store.get('k')).rejects.toThrow(expect.objectContaining({ code: 'E_STORE' }));
    await server().restart();
    await until(() => store.set('k', entryOf(2)).catch(() => false));
    expect((await store.get('k'))?.value).toBe(2);
    await store.close();
  });
});

withServer('a Redis store on a client of ioredis', (server) => {
  const connect = makeClients();

  it.each([{ enableAutoPipelining: true }, { stringNumbers: true }])(
    'with %j does all that it does with others',
    async (options) => {
      const store = redisStore({ client: connect(server().port, options), prefix: newPrefix() });
      const { told, leave } = listenTo(store);
      await until(() => told.includes('trusted: true'));
      const lease = await store.lease('k');
      expect(await store.lease('k')).toBeUndefined();
      if (lease === undefined) throw new Error('no lease was granted');
      expect(await store.renew(lease)).toBe(true);
      expect(await store.set('k', entryOf('v', { tags: ['t'], generation: lease.generation }))).toBe(true);
      await store.release(lease);
      expect((await Promise.all(['k', 'x', 'k'].map((key) => store.get(key)))).map((entry) => entry?.value)).toEqual([
        'v',
        undefined,
        'v',
      ]);
      expect(await store.isCurrent('k', await store.generation(), ['t'])).toBe(true);
      expect(await store.size()).toBe(1);
      expect(await store.delete('k')).toBe(true);
      expect(await store.delete('k')).toBe(false);
      await store.invalidateTags(['t']);
      await store.clear();
      await until(() => told.includes('k'));
      leave();
      await store.close();
    },
  );
});
