import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import KeyvMemcache from '@keyv/memcache';
import { type Entry, StoreError } from '@reprise/store';
import { type KeyvStore, keyvStore } from '@reprise/store-keyv';
import { type TcpProxy, tcpProxy } from '@reprise/store-testkit';
import Keyv from 'keyv';
import { hasMemcached, type OwnMemcached, startMemcached } from './memcached.ts';
import { withServer } from './with-server.ts';

function entryOf(value: unknown): Entry {
  return { value, createdAt: Date.now(), expiresAt: Infinity, staleUntil: Infinity };
}

withServer('keyvStore on Memcached, on a bad network', hasMemcached(), () => {
  let server: OwnMemcached;
  let proxy: TcpProxy;
  let adapter: KeyvMemcache;
  let store: KeyvStore;

  beforeAll(async () => {
    server = await startMemcached();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    proxy = await tcpProxy({ port: server.port });
    adapter = connect(proxy.port);
    store = keyvStore(new Keyv({ store: adapter }), { timeout: 1_000 });
  });

  afterEach(async () => {
    await store.close();
    adapter.client.close();
    await proxy.close();
  });

  it('answers again after connections were reset', async () => {
    await store.set('k', entryOf(1));
    for (let round = 0; round < 3; round++) {
      proxy.reset();
      await untilItAnswers('k', 1);
    }
  });

  it('never answers with another value when an answer was torn; the client may be of no more use then', async () => {
    for (let index = 0; index < 20; index++) await store.set(`key ${index}`, entryOf(index));
    for (let round = 1; round < 4; round++) {
      const reads = Array.from({ length: 20 }, (_, index) => store.get(`key ${index}`));
      proxy.reset(round * 150);
      for (const [index, read] of (await Promise.allSettled(reads)).entries()) {
        if (read.status === 'fulfilled') expect([undefined, index]).toContain(read.value?.value);
        else expect(read.reason).toBeInstanceOf(StoreError);
      }
    }
  });

  it('never answers what was altered on its way', async () => {
    for (let index = 0; index < 10; index++) await store.set(`key ${index}`, entryOf(index));
    let answers = 0;
    proxy.corrupt((answer) => {
      const altered = Buffer.from(answer);
      if (++answers % 2 === 0 && altered.length > 60) altered.writeUInt8((altered.readUInt8(50) + 1) % 128, 50);
      return altered;
    });
    for (let index = 0; index < 10; index++) {
      const found = await store.get(`key ${index}`).catch((error: unknown) => {
        expect(error).toBeInstanceOf(StoreError);
        return undefined;
      });
      expect([undefined, index]).toContain(found?.value);
    }
  });

  it('reads answers that come in small pieces', async () => {
    await store.set('k', entryOf('x'.repeat(1_000)));
    proxy.split(7);
    expect((await store.get('k'))?.value).toBe('x'.repeat(1_000));
  });

  it('rejects a delete that the server has not heard of, and holds one that it has', async () => {
    await store.set('k', entryOf(1));
    proxy.blackHole(true);
    await expect(store.delete('k')).rejects.toThrow(StoreError);
    proxy.blackHole(false);
    await untilItHolds(() => store.delete('k'));
    expect(await store.get('k').catch(() => undefined)).toBeUndefined();
    const other = connect(server.port);
    expect(await keyvStore(new Keyv({ store: other })).get('k')).toBeUndefined();
    other.client.close();
  });

  it('brings nothing back that was on its way when the connection went', async () => {
    await store.set('k', entryOf('old'));
    proxy.hold(true);
    await expect(store.set('k', entryOf('late'))).rejects.toThrow(StoreError);
    // What has waited at the proxy arrives now.
    proxy.hold(false);
    await untilItHolds(() => store.delete('k'));
    await untilItHolds(async () => expect(await store.get('k')).toBeUndefined());
  });

  it('rejects within its timeout where no connection is to be had, and works again when there is one', async () => {
    await store.set('k', entryOf(1));
    await proxy.refuse(true);
    proxy.reset();
    for (const work of [store.get('k'), store.set('k', entryOf(2)), store.delete('k'), store.clear()]) {
      await expect(work).rejects.toThrow(StoreError);
    }
    await proxy.refuse(false);
    await untilItHolds(() => store.set('k', entryOf(3)));
    await untilItAnswers('k', 3);
  });

  it('holds what was cleared when the server forgets everything', async () => {
    await store.set('k', entryOf(1));
    await store.clear('other');
    await adapter.clear();
    expect(await store.get('k')).toBeUndefined();
    await store.set('k', entryOf(2));
    expect((await store.get('k'))?.value).toBe(2);
  });

  /** The client needs a moment to find that its connection is gone. */
  async function untilItHolds(work: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work();
        return;
      } catch (error) {
        if (attempt === 10) throw error;
      }
    }
  }

  function untilItAnswers(key: string, value: unknown): Promise<void> {
    return untilItHolds(async () => expect((await store.get(key))?.value).toBe(value));
  }
});

function connect(port: number): KeyvMemcache {
  return new KeyvMemcache(`127.0.0.1:${port}`, { timeout: 0.2, retries: 1, logger: { log() {} } } as object);
}
