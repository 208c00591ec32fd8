import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CachedFunction, cached, cacheTag } from '@reprise/core';
import type { AsyncStore, Entry, Store } from '@reprise/store';
import { diskStore } from '@reprise/store-disk';
import { redisStore } from '@reprise/store-redis';
import { sqliteStore } from '@reprise/store-sqlite';
import { hasRedisServer, seededRandom, startRedisServer } from '@reprise/store-testkit';
import { asyncStoreOn, Ground, syncStoreOn } from './ground.ts';
import { makeFolder } from './homes.ts';

/*
 * Several processes, each with a store of its own on one ground. A function answers with the version of its item that it has read when
 * it began. Whoever changes an item raises its version and then invalidates. The law: a call answers no version from before an
 * invalidation that had finished when the call was made.
 */
const first = Number(process.env['REPRISE_SEED'] ?? 1);
const schedules = Number(process.env['REPRISE_SCHEDULES'] ?? 400);
const items = ['a', 'b'];
const processes = 3;
const steps = 60;

/** What several processes have in common. */
interface Place {
  /** A store of one more process. */
  open(random: Random): Store;
  /** What shall not be left when all is quiet. */
  leftovers(): string;
}

type Random = () => number;
type User = CachedFunction<(id: string) => Promise<number>, Store>;

const server = hasRedisServer() ? await startRedisServer() : undefined;
afterAll(() => server?.stop());

let warn: jest.SpiedFunction<typeof process.emitWarning>;
beforeAll(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterAll(() => warn.mockRestore());

/** Some turns of the event loop. */
async function turns(random: Random): Promise<void> {
  for (let left = Math.floor(random() * 4); left > 0; left--) await setImmediate();
}

/** Applies each operation a while after it was asked for, and answers a while after that. */
function slowly(store: AsyncStore, random: Random): AsyncStore {
  const slow = <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      await turns(random);
      const result = await operation(...args);
      await turns(random);
      return result;
    };
  };
  const slowed = Object.entries(store).map(([name, member]) => [
    name,
    typeof member === 'function' ? slow(member as never) : member,
  ]);
  return Object.fromEntries(slowed) as AsyncStore;
}

interface World {
  readonly users: User[];
  /** What is true of each item, and what has been made known of it. */
  readonly truth: Record<string, number>;
  readonly known: Record<string, number>;
}

function makeWorld(random: Random, stores: readonly Store[]): World {
  const truth: Record<string, number> = { a: 1, b: 1 };
  const known: Record<string, number> = { a: 1, b: 1 };
  const users = stores.map((store) =>
    cached(
      async (id: string): Promise<number> => {
        const version = truth[id] as number;
        await turns(random);
        cacheTag(`item:${id}`);
        await turns(random);
        if (random() < 0.1) throw new Error('fails');
        return version;
      },
      { name: 'item', store },
    ),
  ) as unknown as User[];
  return { users, truth, known };
}

/** @returns what broke the law */
async function play(seed: number, place: Place) {
  const random = seededRandom(seed);
  const pick = <Item>(list: readonly Item[]): Item => list[Math.floor(random() * list.length)] as Item;
  const stores = Array.from({ length: processes }, () => place.open(random));
  const { users, truth, known } = makeWorld(random, stores);
  // A process that only invalidates.
  const other = place.open(random);
  const broken: string[] = [];
  const busy = new Set<Promise<unknown>>();
  const track = (work: Promise<unknown>): void => {
    busy.add(work);
    void work.finally(() => busy.delete(work));
  };
  const call = async (user: User, id: string): Promise<void> => {
    const least = known[id] as number;
    try {
      const version = await user(id);
      if (version < least) broken.push(`a call of ${id} was answered version ${version}, when ${least} was known`);
    } catch (error) {
      if ((error as Error).message !== 'fails') throw error;
    }
  };
  const change = async (id: string, tell: (version: number) => unknown): Promise<void> => {
    const version = ++(truth[id] as number);
    await tell(version);
    known[id] = Math.max(known[id] as number, version);
  };
  for (let step = 0; step < steps; step++) {
    const user = pick(users);
    const id = pick(items);
    const chance = random();
    if (chance < 0.6) track(call(user, id));
    else if (chance < 0.7) track(change(id, () => user.invalidate(id)));
    else if (chance < 0.78) track(change(id, () => other.invalidateTags?.([`item:${id}`])));
    else if (chance < 0.82) track(change(id, () => user.clear()));
    else await turns(random);
  }
  while (busy.size > 0) await Promise.all(busy);
  for (const id of items) await call(pick(users), id);
  // What is stored, and given back, behind the answers.
  for (let turn = 0; turn < 60; turn++) await setImmediate();
  const left = place.leftovers();
  if (left !== '') broken.push(left);
  for (const store of [...stores, other]) await store.close();
  return broken;
}

/** A place in memory. */
function onGround(makeStore: (ground: Ground, random: Random) => Store, ground: Ground = new Ground()): Place {
  return {
    open: (random) => makeStore(ground, random),
    leftovers: () => (ground.leases.size === 0 ? '' : `leases are left of ${[...ground.leases.keys()].join(', ')}`),
  };
}

/** A place in files. */
function inFiles(makeStore: (folder: string) => Store): Place {
  const folder = makeFolder();
  return { open: () => makeStore(folder), leftovers: () => '' };
}

let redisPlaces = 0;

/** A place on a server, which each process reaches by a connection of its own. */
function onRedis(): Place {
  const prefix = `race-${process.pid}-${++redisPlaces}`;
  return { open: () => redisStore({ url: `redis://127.0.0.1:${server?.port}`, prefix }), leftovers: () => '' };
}

const onSync = (ground: Ground): Store => syncStoreOn(ground);
const onAsync = (ground: Ground, random: Random): Store => slowly(asyncStoreOn(ground), random);

const places: [kind: string, share: number, make: () => Place][] = [
  ['synchronous stores', 1, () => onGround(onSync)],
  ['asynchronous stores', 1, () => onGround(onAsync)],
  ['SQLite', 0.1, () => inFiles((folder) => sqliteStore({ filename: join(folder, 'cache.sqlite') }))],
  ['disk', 0.1, () => inFiles((directory) => diskStore({ directory }))],
  ...(server === undefined ? [] : [['Redis', 0.25, onRedis] as [kind: string, share: number, make: () => Place]]),
];

if (server === undefined) {
  it('Redis: not run for want of a redis-server, which continuous integration must have', () => {
    expect(process.env['CI']).not.toBe('1');
  });
}

describe.each(places)('processes on %s', (_kind, share, makePlace) => {
  const count = Math.ceil(schedules * share);
  it(`answer nothing from before an invalidation that had finished (seeds ${first} to ${first + count - 1})`, async () => {
    for (let seed = first; seed < first + count; seed++) {
      expect({ seed, broken: await play(seed, makePlace()) }).toEqual({ seed, broken: [] });
    }
  }, 240_000);
});

describe('is found, on one kind of store at least:', () => {
  const mistakes: [what: string, make: () => Ground][] = [
    [
      'a store that keeps what began before an invalidation',
      () => {
        const ground = new Ground();
        const set = ground.set.bind(ground);
        ground.set = (key: string, entry: Entry) => set(key, { ...entry, generation: ground.generation() });
        return ground;
      },
    ],
    [
      'a run that is joined though another process has overtaken it',
      () => Object.assign(new Ground(), { isCurrent: () => true }),
    ],
    [
      'a store whose labels keep nothing out',
      () => {
        const ground = new Ground();
        const set = ground.set.bind(ground);
        ground.set = (key: string, { tags: _, ...entry }: Entry) => set(key, entry);
        return ground;
      },
    ],
  ];

  it.each(mistakes)('%s', async (_what, make) => {
    for (const makeStore of [onSync, onAsync]) {
      for (let seed = first; seed < first + 200; seed++) {
        if ((await play(seed, onGround(makeStore, make()))).length > 0) return;
      }
    }
    throw new Error('nothing was found');
  });
});
