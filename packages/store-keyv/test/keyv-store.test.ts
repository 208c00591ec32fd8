import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cached, createCache } from '@reprise/core';
import { CodecError, type Entry, OptionError, StoreError } from '@reprise/store';
import { keyvStore } from '@reprise/store-keyv';
import { manualClock } from '@reprise/store-testkit';
import Keyv from 'keyv';

function entryOf(value: unknown, ttl = Infinity): Entry {
  const now = Date.now();
  return { value, createdAt: now, expiresAt: now + ttl, staleUntil: now + ttl };
}

/** What an adapter was told of each key's life. */
class TtlMap extends Map<string, unknown> {
  readonly told: (number | undefined)[] = [];

  override set(key: string, value: unknown, ttl?: number): this {
    this.told?.push(ttl);
    return super.set(key, value);
  }
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the ttl of Keyv', () => {
  it('ends an entry that would live longer, as a miss', async () => {
    const store = keyvStore(new Keyv({ ttl: 30_000 }));
    await store.set('k', entryOf(1));
    expect((await store.get('k'))?.value).toBe(1);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 30_001);
    expect(await store.get('k')).toBeUndefined();
    expect(await store.getMany(['k'])).toEqual([undefined]);
    expect(await store.delete('k')).toBe(false);
  });

  it('is what is left of an entry, in whole seconds and a little longer: age is judged by the store', async () => {
    const map = new TtlMap();
    const store = keyvStore(new Keyv({ store: map }));
    await store.set('a', entryOf(1));
    map.told.length = 0;
    await store.set('b', entryOf(1, 1_500));
    await store.set('c', entryOf(1));
    await store.set('d', entryOf(1, 1e300));
    expect(map.told).toEqual([7_000, undefined, undefined]);
  });

  it('never counts for what was cleared', async () => {
    const map = new TtlMap();
    const store = keyvStore(new Keyv({ store: map, ttl: 1_000 }));
    await store.clear('a');
    expect(map.told).toEqual([undefined, undefined]);
    map.told.length = 0;
    await store.set('k', entryOf(1, 60_000));
    expect(map.told).toEqual([1_000]);
  });
});

describe('the namespace of Keyv', () => {
  it('tells two instances on one adapter apart, and beginnings of each other too', async () => {
    const map = new Map<string, unknown>();
    const stores = ['a', 'ab', 'a:b', 'reprise', undefined].map((namespace) =>
      keyvStore(new Keyv({ store: map, ...(namespace !== undefined && { namespace }) })),
    );
    for (const [index, store] of stores.entries()) await store.set('k', entryOf(index));
    for (const [index, store] of stores.entries()) expect((await store.get('k'))?.value).toBe(index);
    await stores[0]?.clear();
    expect(await stores[0]?.get('k')).toBeUndefined();
    for (const [index, store] of stores.entries()) if (index > 0) expect((await store.get('k'))?.value).toBe(index);
  });

  it('cannot be listed where another instance has changed that of the adapter, and says so', async () => {
    const map = new Map<string, unknown>();
    const [one, other] = ['a', 'ab'].map((namespace) => keyvStore(new Keyv({ store: map, namespace })));
    await one?.set('k', entryOf(1));
    await other?.set('k', entryOf(2));
    await expect(one?.size?.()).rejects.toThrow(/shared with a Keyv of the namespace "ab"/);
    await expect(one?.prune?.()).rejects.toThrow(StoreError);
    expect(await other?.size?.()).toBe(1);
  });

  it('is told apart from one that begins with it when listed and swept', async () => {
    const map = new Map<string, unknown>();
    const before = keyvStore(new Keyv({ store: map, namespace: 'ab' }));
    await before.set('k', entryOf('before'));
    const keyv = new Keyv({ store: map, namespace: 'a' });
    const store = keyvStore(keyv);
    await store.set('k', entryOf('own'));
    const listed: unknown[] = [];
    for await (const [key, entry] of store.entries?.() ?? []) listed.push([key, entry.value]);
    expect(listed).toEqual([['k', 'own']]);
    await store.clear();
    expect(await store.size?.()).toBe(0);
    expect(await store.prune?.()).toBe(1);
    expect((await before.get('k'))?.value).toBe('before');
  });

  it('leaves what others keep in the instance', async () => {
    const keyv = new Keyv();
    await keyv.set('theirs', { of: 'theirs' });
    const store = keyvStore(keyv);
    await store.set('k', entryOf(1));
    await store.clear();
    expect(await store.prune?.()).toBe(1);
    expect(await keyv.get('theirs')).toEqual({ of: 'theirs' });
  });
});

describe('what Keyv does with values', () => {
  const value = { when: new Date(0), bytes: Buffer.from([0, 255]), map: new Map([['a', -0]]), text: ':x\ud800' };
  const instances: Record<string, () => Keyv> = {
    'its own serializer': () => new Keyv(),
    'JSON alone': () => new Keyv({ serialize: JSON.stringify, deserialize: (text) => JSON.parse(String(text)) }),
    'no serializer': () => {
      const keyv = new Keyv();
      keyv.serialize = undefined;
      keyv.deserialize = undefined;
      return keyv;
    },
    compression: () =>
      new Keyv({
        compression: {
          compress: (text: string) => gzipSync(text).toString('base64'),
          decompress: (text: string) => gunzipSync(Buffer.from(text, 'base64')).toString(),
        },
      }),
    'no key prefix': () => new Keyv({ useKeyPrefix: false }),
    statistics: () => new Keyv({ stats: true }),
  };

  for (const [name, make] of Object.entries(instances)) {
    it(`${name}: values come back as they were`, async () => {
      const store = keyvStore(make());
      await store.set('k', entryOf(value));
      expect((await store.get('k'))?.value).toEqual(value);
      expect((await store.getMany(['none', 'k']))[1]?.value).toEqual(value);
    });
  }

  it('hooks hear of what the store does', async () => {
    const keyv = new Keyv();
    const heard: unknown[] = [];
    keyv.hooks.addHandler('preSet', ({ key }: { key: string }) => heard.push(key));
    await keyvStore(keyv).set('k', entryOf(1));
    expect(heard.length).toBeGreaterThan(0);
  });

  it('the instance stays as it was', async () => {
    const keyv = new Keyv();
    const store = keyvStore(keyv);
    await store.set('k', entryOf(1));
    await store.close();
    expect(keyv.throwOnErrors).toBe(false);
    expect('throwOnErrors' in keyv.opts).toBe(false);
    expect(await keyv.get('any')).toBeUndefined();
  });
});

describe('what stands in Keyv', () => {
  /** By somebody who can make a checksum. */
  function forged(place: string): string {
    const rest = `root:0:${Buffer.from(place).toString('base64url')}:AAAA`;
    return `1:${crc32(rest).toString(16).padStart(8, '0')}:${rest}`;
  }

  async function damage(alter: (text: string) => unknown) {
    const map = new Map<string, string>();
    const store = keyvStore(new Keyv({ store: map }));
    await store.set('k', entryOf('value'));
    const [at, text] = [...map].find(([key]) => /^keyv:reprise-[0-9a-f]{64}$/.test(key)) as [string, string];
    const held = JSON.parse(text) as { value: string };
    map.set(at, JSON.stringify({ ...held, value: alter(held.value) }));
    const failures: unknown[] = [];
    store.listen({ failed: (error) => failures.push(error) });
    return { found: await store.get('k'), failures, store };
  }

  it('is a miss and reported where it is damaged, cut off or somebody else’s, and is written anew', async () => {
    for (const alter of [
      (text: string) => `${text.slice(0, 60)}${text[60] === 'A' ? 'B' : 'A'}${text.slice(61)}`,
      (text: string) => text.slice(0, -4),
      (text: string) => `${text}AAAA`,
      (text: string) => text.replace(/:0:/, ':1:'),
      () => forged('no JSON'),
      () => forged('42'),
      () => 'text',
      () => 42,
      () => ({}),
    ]) {
      const { found, failures, store } = await damage(alter);
      expect(found).toBeUndefined();
      expect(failures.map((error) => error instanceof CodecError)).toEqual([true]);
      await store.set('k', entryOf('new'));
      expect((await store.get('k'))?.value).toBe('new');
    }
  });

  it('is no answer under another key, or in another namespace', async () => {
    const map = new Map<string, string>();
    const keyv = new Keyv({ store: map });
    const stores = [keyvStore(keyv), keyvStore(keyv, { namespace: 'n' })] as const;
    await stores[0].set('a', entryOf('a'));
    await stores[0].set('b', entryOf('b'));
    const [first, second] = [...map.keys()].filter((key) => /-[0-9a-f]{64}$/.test(key) && !/mark|clears/.test(key));
    map.set(second as string, map.get(first as string) as string);
    const failures: unknown[] = [];
    stores[0].listen({ failed: (error) => failures.push(error) });
    expect([(await stores[0].get('a'))?.value, await stores[0].get('b')]).toEqual(['a', undefined]);
    expect(failures[0]).toBeInstanceOf(CodecError);
  });

  it('is void as a whole when the server has lost what was cleared, and can be written anew', async () => {
    for (const lost of [/mark/, /clears/]) {
      const map = new Map<string, string>();
      const [one, other] = [keyvStore(new Keyv({ store: map })), keyvStore(new Keyv({ store: map }))];
      await one.set('k', entryOf(1));
      await one.clear('other');
      for (const key of map.keys()) if (lost.test(key)) map.delete(key);
      expect(await other.get('k')).toBeUndefined();
      await other.set('k', entryOf(2));
      expect([(await one.get('k'))?.value, (await other.get('k'))?.value]).toEqual([2, 2]);
    }
  });

  it('leaves entries where they are after a thousand clears of others', async () => {
    const store = keyvStore(new Keyv());
    await store.set('kept', entryOf(1));
    for (let index = 0; index < 900; index++) await store.clear(`find(${index % 30},`);
    expect((await store.get('kept'))?.value).toBe(1);
    for (let index = 0; index < 1_100; index++) await store.clear(`owner${index}(`);
    // More beginnings than are told apart: what is older than those that were let go is void.
    expect(await store.get('kept')).toBeUndefined();
    await store.set('kept', entryOf(2));
    await store.clear('owner');
    expect((await store.get('kept'))?.value).toBe(2);
  });
});

describe('the options', () => {
  it('refuse what is no Keyv of today, and say what to do', () => {
    for (const [wrong, message] of [
      [undefined, 'takes a Keyv instance'],
      ['redis://localhost', 'takes a Keyv instance'],
      [new Map(), 'it has no getMany()'],
      [{ get() {}, getMany() {}, set() {}, delete() {} }, 'no Keyv ≥ 5.6'],
    ] as const) {
      expect(() => keyvStore(wrong as never)).toThrow(OptionError);
      expect(() => keyvStore(wrong as never)).toThrow(message);
    }
  });

  it('refuse what is unknown or cannot be meant', () => {
    for (const [options, message] of [
      [null, 'as one object'],
      [[], 'as one object'],
      [{ ttl: 5 }, "no option 'ttl'"],
      [{ maxSize: 5 }, 'set them on the server'],
      [{ namespace: 5 }, 'namespace must be a string'],
      [{ codec: {} }, 'codec must be'],
      [{ clock: {} }, 'clock must be'],
      [{ persistent: 'yes' }, 'persistent must be'],
      [{ timeout: 0 }, 'timeout must be longer than 0'],
      [{ timeout: '5 parsecs' }, 'timeout'],
      [{ timeout: null }, 'not null'],
    ] as const) {
      expect(() => keyvStore(new Keyv(), options as never)).toThrow(OptionError);
      expect(() => keyvStore(new Keyv(), options as never)).toThrow(message);
    }
  });

  it('say whether entries outlive the process: not in a Map, unless told', () => {
    expect(keyvStore(new Keyv()).persistent).toBe(false);
    expect(keyvStore(new Keyv(), { persistent: true }).persistent).toBe(true);
  });
});

describe('a cached function on Keyv', () => {
  it('hits, is invalidated, and shares with a second cache as with another process', async () => {
    const map = new Map<string, unknown>();
    const clock = manualClock(Date.now());
    let runs = 0;
    const caches = ['keyv-one', 'keyv-two'].map((name) => {
      const store = keyvStore(new Keyv({ store: map }), { persistent: true, clock });
      return createCache({ name, store, ttl: '1m', clock });
    });
    const [find] = caches.map((cache) => cached(async (id: string) => `${id}${++runs}`, { cache, name: 'find' }));
    expect([await find?.('a'), await find?.('a')]).toEqual(['a1', 'a1']);
    expect(await find?.invalidate('a')).toBe(true);
    expect(await find?.invalidate('a')).toBe(false);
    expect(await find?.('a')).toBe('a2');
    clock.advance(60_000);
    expect(await find?.('a')).toBe('a3');
    await find?.clear();
    expect(await find?.('a')).toBe('a4');
    for (const cache of caches) await cache.close();
  });
});
