/**
 * One process of those that share a store: does what its parent orders. What its functions answer, how long they take and whether they fail
 * is known to the parent only.
 */
import { setTimeout } from 'node:timers/promises';
import { type Cache, cached, cacheTag, createCache } from '@reprise/core';
import type { AsyncStore, Store } from '@reprise/store';
import { withMistake } from './mistakes.ts';
import { openStore } from './places.ts';
import { type Course, type Deed, failureOf, type Order, type Setting, type Value, type Word } from './protocol.ts';

/** So many entries the bounded cache may hold. */
const maxSize = 20;

const courses = new Map<number, (course: Course) => void>();
let runs = 0;

function say(word: Word): void {
  process.send?.(word, () => {});
}

async function run(item: string): Promise<Value> {
  const number = ++runs;
  const coming = new Promise<Course>((resolve) => courses.set(number, resolve));
  say({ run: number, item });
  const { value, delay, fails } = await coming;
  courses.delete(number);
  if (delay > 0) await setTimeout(delay);
  if (fails) throw new Error(failureOf(value));
  return value;
}

function open(setting: Setting) {
  const store = withMistake(openStore(setting), setting.mistake) as AsyncStore;
  const small = openStore({ ...setting, namespace: 'small', maxSize }) as AsyncStore;
  const listen = (cache: Cache<AsyncStore>): void => {
    cache.on('error', ({ error }) => say({ report: String((error as Error | undefined)?.stack ?? error) }));
  };
  const cache = createCache({ name: 'shared', store, storeTimeout: '30s' });
  const bounded = createCache({ name: 'bounded', store: small, storeTimeout: '30s' });
  listen(cache);
  listen(bounded);
  const plain = cached(async (item: string) => run(item), {
    name: 'plain',
    cache,
    replace: true,
    tags: (_value, item) => [`item:${item}`],
  });
  const stale = cached(
    async (item: string) => {
      // For an error, too; what is set by hand has its label by the option.
      cacheTag(`item:${item}`);
      return run(item);
    },
    {
      name: 'stale',
      cache,
      replace: true,
      tags: (_value, item) => [`item:${item}`],
      ttl: 100,
      staleWhileRevalidate: '1h',
      staleIfError: '1h',
      retryAfter: 50,
      cacheErrors: { ttl: '1m' },
    },
  );
  const kept = cached(async (item: string): Promise<Value> => ({ item, version: -1, text: '' }), {
    name: 'kept',
    cache,
    replace: true,
  });
  return { store: store as Store, small: small as Store, cache, bounded, plain, stale, kept };
}

let setting: Setting;
let now: ReturnType<typeof open>;
const of = (item: string) => (item.startsWith('stale') ? now.stale : now.plain);

const deeds: Record<Deed, (order: Order) => unknown> = {
  call: ({ item }) => of(item)(item),
  refresh: ({ item }) => of(item).refresh(item),
  invalidate: ({ item }) => of(item).invalidate(item),
  tag: ({ item }) => now.cache.invalidateTags([`item:${item}`]),
  set: ({ item, value }) => of(item).set([item], value as Value),
  keep: ({ item, value }) => now.kept.set([item], value as Value),
  recall: ({ item }) => now.kept.peek(item),
  clear: ({ item }) => of(item).clear(),
  churn: async ({ id, item }) => {
    for (let index = 0; index < 10; index++) await now.bounded.set(`${item} ${id} ${index}`, 'x'.repeat(index * 300));
  },
  prune: () => now.store.prune?.(),
  close: async () => {
    await now.bounded.close();
    await now.cache.close();
  },
  open: ({ setting: given }) => {
    setting = given ?? setting;
    now = open(setting);
  },
};

process.on('message', async (message: Order | Course) => {
  if ('run' in message) {
    courses.get(message.run)?.(message);
    return;
  }
  const { id, deed } = message;
  try {
    const value = await deeds[deed](message);
    say({ id, value: value === undefined || deed === 'open' ? null : value });
  } catch (error) {
    const { name, message: text, code } = error as Error & { code?: unknown };
    say({ id, error: { name, code: String(code ?? ''), message: text } });
  }
});
process.on('disconnect', () => process.exit());
say({ ready: true });
