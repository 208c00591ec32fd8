/**
 * The work that a row times, for whatever remembers: the functions that are wrapped, the arguments, the laps.
 * The measuring process imports a fresh copy of this module for every subject, see `loops.ts`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type ByteCodec, type CodecFeature, codecFeatures, createCodecLap } from './codec.ts';
import type { DiskShelf, Feature, Features, Finder, Query } from './feature.ts';
import type * as Loops from './loops.ts';
import { createStorageLap, type OpenStorage, type StorageFeature, storageFeatures } from './storage.ts';

/** Something that can be timed. */
export interface Lap {
  /** How many calls one lap makes. */
  readonly calls: number;
  readonly run: Loops.Run;
  /** What the sum must be after so many laps: asked before they run. */
  expect(laps: number): number;
  /** Makes the arguments for the next laps, outside the time. */
  prepare?(laps: number): void;
}

/** The features whose rows are timed in one process. */
export type Timed = Exclude<Feature, 'memory' | 'importing' | 'redisHit2' | 'redisHit4'>;

const keyCount = 1000;
const numbers = Array.from({ length: keyCount }, (_, index) => index);
const ids = numbers.map(nameId);

/** Short enough to be flat: V8 makes a rope of longer ones, and flattening it would fall into the first round. */
function nameId(index: number): string {
  return `user:${index}`;
}

function readId(id: string): number {
  return Number(id.slice('user:'.length)) + 1;
}

function repeat(laps: number, sumOfLap: number): number {
  return Math.imul(laps, sumOfLap);
}

function addUp(values: readonly number[]): number {
  return values.reduce((sum, value) => (sum + value) | 0, 0);
}

type TimedTasks = { [Name in Timed]: (wrap: Features[Name], loops: typeof Loops) => Promise<Lap> };

async function hitOne(wrap: Features['one'], loops: typeof Loops): Promise<Lap> {
  const call = await wrap(readId);
  for (const id of ids) call(id);
  const sum = addUp(ids.map(readId));
  return { calls: ids.length, run: loops.callOne(call, ids), expect: (laps) => repeat(laps, sum) };
}

async function hitAwaited(wrap: Features['awaited'], loops: typeof Loops): Promise<Lap> {
  const call = await wrap(async (id) => readId(id));
  for (const id of ids) await call(id);
  const sum = addUp(ids.map(readId));
  return { calls: ids.length, run: loops.awaitOne(call, ids), expect: (laps) => repeat(laps, sum) };
}

/** A folder that is gone when the process ends. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const fewIds = ids.slice(0, 50);
const veryFewIds = ids.slice(0, 5);

function readShelf(shelf: DiskShelf, loops: typeof Loops, read: readonly string[]): Lap {
  const sum = addUp(read.map(readId));
  return { calls: read.length, run: loops.awaitOne(shelf.get, read), expect: (laps) => repeat(laps, sum) };
}
const codecTasks = Object.fromEntries(
  codecFeatures.map((name) => [name, async (codec: ByteCodec) => createCodecLap(name, codec)]),
) as { [Name in CodecFeature]: (codec: ByteCodec) => Promise<Lap> };

const storageTasks = Object.fromEntries(
  storageFeatures.map((name) => [
    name,
    (open: OpenStorage, loops: typeof Loops) => createStorageLap(name, open, loops),
  ]),
) as { [Name in StorageFeature]: (open: OpenStorage, loops: typeof Loops) => Promise<Lap> };

export const tasks: TimedTasks = {
  ...codecTasks,
  ...storageTasks,

  async zero(wrap, loops) {
    // Sixteen functions in turn: a program has many, and the answer of a single one could be folded.
    const answers = numbers.slice(1, 17);
    const calls = await Promise.all(answers.map((answer) => wrap(() => answer)));
    for (const call of calls) call();
    const rounds = 64;
    const length = calls.length * rounds;
    const sum = addUp(answers) * rounds;
    return { calls: length, run: loops.callZero(calls, length), expect: (laps) => repeat(laps, sum) };
  },

  one: hitOne,

  async two(wrap, loops) {
    const pairs = numbers.map((n) => [nameId(n % 50), Math.floor(n / 50)] as const);
    const add = (id: string, page: number): number => readId(id) + page;
    const call = await wrap(add);
    for (const pair of pairs) call(...pair);
    const sum = addUp(pairs.map((pair) => add(...pair)));
    return { calls: pairs.length, run: loops.callTwo(call, pairs), expect: (laps) => repeat(laps, sum) };
  },

  async three(wrap, loops) {
    const triples = numbers.map((n) => [nameId(n % 50), Math.floor(n / 100), n % 100 < 50] as const);
    const add = (id: string, page: number, deep: boolean): number => readId(id) + page + (deep ? 100 : 0);
    const call = await wrap(add);
    for (const triple of triples) call(...triple);
    const sum = addUp(triples.map((triple) => add(...triple)));
    return { calls: triples.length, run: loops.callThree(call, triples), expect: (laps) => repeat(laps, sum) };
  },

  async object(wrap, loops) {
    const makeQueries = (): Query[] =>
      numbers.map((n) => ({ category: `shelf${n % 20}`, page: Math.floor(n / 40), inStock: n % 40 < 20 }));
    const count = (query: Query): number =>
      Number(query.category.slice('shelf'.length)) + query.page + (query.inStock ? 100 : 1);
    const known = makeQueries();
    // Equal to the known ones and other objects, so that identity is of no help.
    const asked = makeQueries();
    const call = await wrap(count);
    for (const query of known) call(query);
    const sum = addUp(asked.map(count));
    return { calls: asked.length, run: loops.callOne(call, asked), expect: (laps) => repeat(laps, sum) };
  },

  async method(makeClass, loops) {
    function find(this: Finder, id: string): number {
      return this.salt + readId(id);
    }
    const FinderClass = await makeClass(find);
    const finders = numbers.slice(0, 10).map((salt) => new FinderClass(salt));
    const few = ids.slice(0, 100);
    for (const finder of finders) for (const id of few) finder.find(id);
    const sum = addUp(finders.flatMap(({ salt }) => few.map((id) => salt + readId(id))));
    const calls = finders.length * few.length;
    return { calls, run: loops.callMethod(finders, few), expect: (laps) => repeat(laps, sum) };
  },

  expiring: hitOne,
  shared: hitOne,
  awaited: hitAwaited,
  awaitedExpiring: hitAwaited,
  async tiered(wrap, loops) {
    const call = await wrap(async (id) => readId(id));
    // What is on its way to the far tier is asked for there. A loop of hits never lets it arrive: it leaves no turn to anything else.
    for (let round = 0; round < 3; round++) {
      for (const id of ids) {
        await call(id);
        await setImmediate();
      }
    }
    const sum = addUp(ids.map(readId));
    return { calls: ids.length, run: loops.awaitOne(call, ids), expect: (laps) => repeat(laps, sum) };
  },

  async evicting(wrap, loops) {
    let next = 0;
    let runs = 0;
    // The answer says how often the function ran, so that a call that was no miss shows in the sum.
    const call = await wrap((_id) => {
      runs = (runs + 1) | 0;
      return runs;
    });
    const keys: string[] = [];
    const run = loops.callOne(call, keys);
    const lapLength = 500;
    for (let i = 0; i < 20_000; i++) call(nameId(next++));
    return {
      calls: lapLength,
      // `keys` holds all the laps, so the loop over it is one.
      run: () => run(1),
      expect(laps) {
        let sum = 0;
        for (let i = 1; i <= laps * lapLength; i++) sum = (sum + runs + i) | 0;
        return sum;
      },
      prepare(laps) {
        keys.length = 0;
        for (let i = 0; i < laps * lapLength; i++) keys.push(nameId(next++));
      },
    };
  },

  async concurrent(wrap, loops) {
    let runs = 0;
    let next = 0;
    const callsPerLap = 10_000;
    const keysPerLap = 100;
    const call = await wrap(async (_id) => {
      runs++;
      await undefined;
      return 1;
    });
    const keysOfLaps: string[][] = [];
    const run = loops.awaitTogether(call, keysOfLaps, callsPerLap);
    return {
      calls: callsPerLap,
      async run(laps) {
        runs = 0;
        return (await run(laps)) + runs;
      },
      expect: (laps) => laps * (callsPerLap + keysPerLap),
      prepare(laps) {
        keysOfLaps.length = 0;
        for (let lap = 0; lap < laps; lap++) {
          keysOfLaps.push(Array.from({ length: keysPerLap }, () => nameId(next++)));
        }
      },
    };
  },

  async diskHit(makeShelf, loops) {
    const shelf = makeShelf(makeFolder());
    for (const id of fewIds) await shelf.put(id, readId(id));
    return readShelf(shelf, loops, fewIds);
  },

  async diskRewritten(makeShelf, loops) {
    const shelf = makeShelf(makeFolder());
    // cacache reads a key the longer, the oftener it was written: the limit is one that was written once.
    const times = makeShelf.name === 'cacacheShelf' ? 1 : 1_000;
    for (let count = 0; count < times; count++) await Promise.all(veryFewIds.map((id) => shelf.put(id, readId(id))));
    return readShelf(shelf, loops, veryFewIds);
  },

  async diskPut(makeShelf, loops) {
    let next = 0;
    const shelf = makeShelf(makeFolder());
    const keys: string[] = [];
    const lapLength = 20;
    const put = async (id: string): Promise<number> => {
      await shelf.put(id, 1);
      return 1;
    };
    const run = loops.awaitOne(put, keys);
    return {
      calls: lapLength,
      run: () => run(1),
      expect: (laps) => laps * lapLength,
      prepare(laps) {
        keys.length = 0;
        for (let i = 0; i < laps * lapLength; i++) keys.push(nameId(next++));
      },
    };
  },

  async diskList(makeShelf) {
    const count = 1_000;
    const shelf = makeShelf(makeFolder());
    for (let done = 0; done < count; done += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => shelf.put(nameId(done + index), 1)));
    }
    return {
      calls: 1,
      async run(laps) {
        let sum = 0;
        for (let lap = 0; lap < laps; lap++) sum += await shelf.list();
        return sum;
      },
      expect: (laps) => laps * count,
    };
  },

  async sqliteHit(makeShelf, loops) {
    const shelf = makeShelf(makeFolder());
    shelf.put(ids);
    await setImmediate();
    return { calls: ids.length, run: loops.callOne(shelf.get, ids), expect: (laps) => laps * ids.length };
  },

  async sqlitePut(makeShelf) {
    let next = 0;
    const shelf = makeShelf(makeFolder());
    let keysOfLaps: string[][] = [];
    const lapLength = 100;
    return {
      calls: lapLength,
      async run(laps) {
        let sum = 0;
        for (let lap = 0; lap < laps; lap++) {
          const keys = keysOfLaps[lap] as string[];
          shelf.put(keys);
          // What waits for the end of the tick is written by then.
          await setImmediate();
          sum += keys.length;
        }
        return sum;
      },
      expect: (laps) => laps * lapLength,
      prepare(laps) {
        keysOfLaps = Array.from({ length: laps }, () => Array.from({ length: lapLength }, () => nameId(next++)));
      },
    };
  },

  async redisHit(makeShelf, loops) {
    const shelf = makeShelf();
    await Promise.all(fewIds.map((id) => shelf.put(id)));
    return { calls: fewIds.length, run: loops.awaitOne(shelf.get, fewIds), expect: (laps) => laps * fewIds.length };
  },

  async redisDown(wrap) {
    const call = await wrap(async (id) => readId(id));
    const sum = addUp(fewIds.map(readId));
    // The first ones find out that it is down.
    for (const id of fewIds) await call(id).catch(() => {});
    return {
      calls: fewIds.length,
      async run(laps) {
        let total = 0;
        for (let lap = 0; lap < laps; lap++) for (const id of fewIds) total = (total + (await call(id))) | 0;
        return total;
      },
      expect: (laps) => repeat(laps, sum),
    };
  },

  async redisTogether(makeShelf) {
    const shelf = makeShelf();
    const together = ids.slice(0, 64);
    await Promise.all(together.map((id) => shelf.put(id)));
    return {
      calls: together.length,
      async run(laps) {
        let sum = 0;
        for (let lap = 0; lap < laps; lap++) {
          for (const number of await Promise.all(together.map(shelf.get))) sum += number;
        }
        return sum;
      },
      expect: (laps) => laps * together.length,
    };
  },

  async sqliteList(makeShelf) {
    const shelf = makeShelf(makeFolder());
    shelf.put(ids);
    await setImmediate();
    return {
      calls: 1,
      run(laps) {
        let sum = 0;
        for (let lap = 0; lap < laps; lap++) sum += shelf.list();
        return sum;
      },
      expect: (laps) => laps * ids.length,
    };
  },
};
