import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { compressedCodec, OptionError, sealedCodec } from '@reprise/store';
import { type DiskStore, type DiskStoreOptions, diskStore } from '@reprise/store-disk';
import { manualClock } from '@reprise/store-testkit';
import { entryOf, listFiles, makeDirectory } from './directory.ts';

const clock = manualClock(1_000_000);

async function openWithFront(
  front: DiskStoreOptions['front'],
): Promise<[fronted: DiskStore, other: DiskStore, string]> {
  const directory = await makeDirectory();
  return [diskStore({ directory, front: front ?? false, clock }), diskStore({ directory, clock }), directory];
}

/** So that whatever is answered comes from memory. */
async function removeContents(directory: string): Promise<void> {
  for (const file of await listFiles(directory, 'content-v2')) await rm(file);
}

const closeAll = (...stores: DiskStore[]): Promise<unknown> => Promise.all(stores.map((store) => store.close()));

describe('the front', () => {
  it('answers what was written or read a moment ago without its file, until its age', async () => {
    const [fronted, other, directory] = await openWithFront({ maxAge: 500 });
    await fronted.set('written', entryOf('w'));
    await other.set('read', entryOf('r'));
    expect((await fronted.get('read'))?.value).toBe('r');
    await removeContents(directory);
    clock.advance(499);
    expect((await fronted.get('written'))?.value).toBe('w');
    expect((await fronted.get('read'))?.value).toBe('r');
    clock.advance(1);
    expect(await fronted.get('written')).toBeUndefined();
    expect(await fronted.get('read')).toBeUndefined();
    await closeAll(fronted, other);
  });

  it('is off unless asked for', async () => {
    for (const front of [undefined, false]) {
      const [store, other, directory] = await openWithFront(front);
      await store.set('k', entryOf(1));
      await store.get('k');
      await removeContents(directory);
      expect(await store.get('k')).toBeUndefined();
      await closeAll(store, other);
    }
  });

  it.each<[name: string, (store: DiskStore) => Promise<unknown>, left: unknown]>([
    ['delete', (store) => store.delete('k'), undefined],
    ['clear', (store) => store.clear('k'), undefined],
    ['invalidateTags', (store) => store.invalidateTags(['t']), undefined],
    ['set by hand', (store) => store.set('k', entryOf('by hand')), 'by hand'],
  ])('answers nothing that a %s in another store has invalidated, from the call on', async (_, invalidate, left) => {
    const [fronted, other] = await openWithFront({ maxAge: '1h' });
    await fronted.set('k', { ...entryOf('old'), tags: ['t'] });
    expect((await fronted.get('k'))?.value).toBe('old');
    const invalidated = invalidate(other);
    expect([undefined, left]).toContain((await fronted.get('k'))?.value);
    await invalidated;
    expect((await fronted.get('k'))?.value).toBe(left);
    await closeAll(fronted, other);
  });

  it('answers an older result than another store has computed meanwhile until its age, and its own newer one at once', async () => {
    const [fronted, other] = await openWithFront({ maxAge: 1_000 });
    await fronted.set('k', { ...entryOf('first'), generation: await fronted.generation() });
    await other.set('k', { ...entryOf('second'), generation: await other.generation() });
    expect((await fronted.get('k'))?.value).toBe('first');
    clock.advance(1_000);
    expect((await fronted.get('k'))?.value).toBe('second');
    await fronted.set('k', { ...entryOf('third'), generation: await fronted.generation() });
    expect((await fronted.get('k'))?.value).toBe('third');
    await closeAll(fronted, other);
  });

  it('keeps an entry’s own end', async () => {
    const [fronted, other] = await openWithFront({ maxAge: '1h' });
    await fronted.set('k', entryOf('v', clock.now(), 100));
    clock.advance(99);
    expect((await fronted.get('k'))?.value).toBe('v');
    clock.advance(1);
    expect(await fronted.get('k')).toBeUndefined();
    await closeAll(fronted, other);
  });

  it('leaves idle times to the files', async () => {
    const [fronted, other] = await openWithFront({ maxAge: '1h' });
    await fronted.set('k', { ...entryOf('v', clock.now()), idle: 100 });
    clock.advance(90);
    await other.touch('k');
    clock.advance(90);
    expect((await fronted.get('k'))?.value).toBe('v');
    clock.advance(10);
    expect(await fronted.get('k')).toBeUndefined();
    await closeAll(fronted, other);
  });

  it('gives every reader a value of his own, and remembered errors as errors', async () => {
    const [fronted, other] = await openWithFront(true);
    const value = { list: [1], at: new Date(5) };
    await fronted.set('k', entryOf(value));
    value.list.push(2);
    const first = (await fronted.get('k'))?.value as typeof value;
    first.list.push(3);
    expect((await fronted.get('k'))?.value).toEqual({ list: [1], at: new Date(5) });
    const { value: _, ...rest } = entryOf(1);
    await fronted.set('e', { ...rest, error: new RangeError('no') });
    for (let count = 0; count < 2; count++) {
      const entry = await fronted.get('e');
      expect(entry?.error).toEqual(new RangeError('no'));
      expect(entry !== undefined && 'value' in entry).toBe(false);
    }
    await fronted.set('u', entryOf(undefined));
    expect(await fronted.get('u')).toEqual({ ...entryOf(undefined), generation: expect.any(String) });
    await closeAll(fronted, other);
  });

  it('answers what a codec has bound to its entry', async () => {
    const directory = await makeDirectory();
    const codec = sealedCodec(compressedCodec(), { key: randomBytes(32) });
    const store = diskStore({ directory, codec, front: { maxAge: '1h' } });
    const other = diskStore({ directory, codec });
    await store.set('written', { ...entryOf('w'.repeat(5_000)), tags: ['t'] });
    await other.set('read', entryOf('r'));
    await store.get('read');
    await removeContents(directory);
    expect((await store.get('written'))?.value).toBe('w'.repeat(5_000));
    expect((await store.get('read'))?.value).toBe('r');
    await closeAll(store, other);
  });

  it('holds no more than maxSize entries, those used last', async () => {
    const [fronted, other, directory] = await openWithFront({ maxAge: '1h', maxSize: 2 });
    for (const key of ['a', 'b']) await fronted.set(key, entryOf(key));
    await fronted.get('a');
    await fronted.set('c', entryOf('c'));
    await removeContents(directory);
    const found = [await fronted.get('a'), await fronted.get('c'), await fronted.get('b')];
    expect(found.map((entry) => entry?.value)).toEqual(['a', 'c', undefined]);
    await closeAll(fronted, other);
  });

  it('does not keep what a read has found that a write has overtaken', async () => {
    const [fronted, other] = await openWithFront({ maxAge: '1h' });
    // So large that the read ends after the write.
    await other.set('k', entryOf('old'.repeat(10_000_000)));
    const generation = await fronted.generation();
    const reading = fronted.get('k');
    await fronted.set('k', { ...entryOf('new'), generation });
    await reading;
    expect((await fronted.get('k'))?.value).toBe('new');
    await closeAll(fronted, other);
  });

  it('answers nothing when the directory has gone', async () => {
    const [fronted, other, directory] = await openWithFront({ maxAge: '1h' });
    await fronted.set('k', entryOf(1));
    await rm(directory, { recursive: true });
    expect(await fronted.get('k')).toBeUndefined();
    await closeAll(fronted, other);
  });

  it('does not answer what was evicted or pruned here', async () => {
    const directory = await makeDirectory();
    const store = diskStore({ directory, front: { maxAge: '1h' }, maxSize: 1, clock });
    await store.set('a', entryOf('a'));
    clock.advance(1);
    await store.set('b', entryOf('b'));
    expect(await store.get('a')).toBeUndefined();
    expect((await store.get('b'))?.value).toBe('b');
    await store.close();
  });

  it.each([
    [/front must be true, false or an object/, 5],
    [/front must be/, null],
    [/front must be/, []],
    [/front has no option 'ttl'; it takes maxAge and maxSize/, { ttl: 5 }],
    [/front.maxAge .*not null/, { maxAge: null }],
    [/front.maxSize .*not null/, { maxSize: null }],
    [/front.maxAge must be 0 or more/, { maxAge: -1 }],
    [/front.maxSize must be a whole number/, { maxSize: 1.5 }],
  ])('has options that are checked: %s', (words, front) => {
    const make = (): unknown => diskStore({ directory: '/nowhere', front: front as never });
    expect(make).toThrow(OptionError);
    expect(make).toThrow(words);
  });
});
