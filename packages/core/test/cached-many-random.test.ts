import { afterEach, describe, expect, it } from '@jest/globals';
import { cachedMany, closeAllCaches, createCache, invalidateTags } from '@reprise/core';
import { manualClock, seededRandom } from '@reprise/store-testkit';
import { type Deferred, defer, settle } from './deferred.ts';
import { storeKindsWithBatches } from './store-kinds.ts';

afterEach(closeAllCaches);

const idCount = 6;
const ttl = 1_000;

/** An item, with the moments at which its run began and ended. */
interface Item {
  readonly id: number;
  readonly begun: number;
}
interface Run {
  readonly ids: readonly number[];
  readonly begun: number;
  readonly end: Deferred<Item[]>;
}

describe.each(storeKindsWithBatches)('random calls of many ids in %s', (_kind, makeStore) => {
  it('are never answered with what is older than an invalidation of that id', () => play(false));

  // Where an invalidation comes before a run that was decided on has begun, another may begin beside it.
  it('load each id once, where all that was decided has begun before an invalidation', () => play(true));

  async function play(isCalm: boolean): Promise<void> {
    const seed = Number(process.env['REPRISE_SEED'] ?? Math.floor(Math.random() * 100_000));
    const random = seededRandom(seed);
    const below = (limit: number): number => Math.floor(random() * limit);
    const clock = manualClock(1_000_000);
    const cache = createCache({ name: 'random', store: makeStore(), clock });
    let moment = 0;
    /** When each id was invalidated last. */
    const voided = new Array<number>(idCount).fill(0);
    /** When each id was refreshed last: from then on there may be two runs. */
    const refreshed = new Array<number>(idCount).fill(0);
    const running = new Set<Run>();
    const faults: string[] = [];

    const get = cachedMany(
      (ids: number[]) => {
        const run: Run = { ids: [...ids], begun: ++moment, end: defer() };
        if (new Set(ids).size < ids.length) faults.push(`ids twice: ${ids}`);
        for (const id of ids) {
          for (const other of running) {
            const isTwice = other.ids.includes(id) && other.begun > Math.max(voided[id] ?? 0, refreshed[id] ?? 0);
            if (isTwice && isCalm) faults.push(`two runs for ${id}, begun at ${other.begun} and ${run.begun}`);
          }
        }
        running.add(run);
        return run.end.promise;
      },
      {
        cache,
        name: 'get',
        key: (item) => item.id,
        ttl,
        staleWhileRevalidate: 500,
        staleIfError: 800,
        retryAfter: 0,
        tags: (item) => [`odd:${item.id % 2}`],
      },
    );
    const calls: Promise<unknown>[] = [];

    const call = (): void => {
      const ids = Array.from({ length: below(idCount) + 1 }, () => below(idCount));
      const since = [...voided];
      calls.push(
        get(ids).then(
          (items) => {
            for (const [index, id] of ids.entries()) {
              const item = items[index];
              if (item === undefined) continue;
              if (item.id !== id) faults.push(`${item.id} in the place of ${id}`);
              if (item.begun < (since[id] ?? 0)) faults.push(`${id} begun at ${item.begun}, voided at ${since[id]}`);
            }
          },
          (error: Error) => {
            if (error.message !== 'down') faults.push(String(error));
          },
        ),
      );
    };
    const end = (run: Run): void => {
      running.delete(run);
      const items = run.ids.filter(() => random() < 0.8).map((id) => ({ id, begun: run.begun }));
      if (random() < 0.2) run.end.reject(new Error('down'));
      else run.end.resolve(items.reverse());
    };
    const quiet = (promise: unknown): void => {
      calls.push(Promise.resolve(promise).catch(() => {}));
    };
    const voiding: (() => unknown)[] = [
      () => {
        const id = below(idCount);
        voided[id] = ++moment;
        quiet(get.invalidate(id));
      },
      () => {
        const ids = [below(idCount), below(idCount)];
        for (const id of ids) voided[id] = ++moment;
        quiet(get.invalidate(ids));
      },
      () => {
        const id = below(idCount);
        voided[id] = ++moment;
        quiet(get.set([id], { id, begun: ++moment }));
      },
      () => {
        const id = below(idCount);
        refreshed[id] = moment + 1;
        quiet(get.refresh(id));
      },
      () => {
        const odd = below(2);
        for (let id = odd; id < idCount; id += 2) voided[id] = ++moment;
        quiet(invalidateTags([`odd:${odd}`]));
      },
      () => {
        if (random() > 0.3) return;
        voided.fill(++moment);
        quiet(get.clear());
      },
    ];
    const others: (() => unknown)[] = [call, call, call, () => clock.advance(below(400)), settle, () => undefined];
    for (let step = 0; step < 1_500; step++) {
      const isVoiding = random() < 0.4;
      if (isVoiding && isCalm) await settle();
      const actions = isVoiding ? voiding : others;
      await actions[below(actions.length)]?.();
      if (running.size > 0 && random() < 0.3) end([...running][below(running.size)] as Run);
    }
    await settle();
    while (running.size > 0) {
      for (const run of running) end(run);
      await settle();
    }
    await Promise.all(calls);
    expect({ seed, faults }).toEqual({ seed, faults: [] });
    const { hits, misses, stale, coalesced, loads } = get.stats();
    expect(hits + misses + stale + coalesced).toBeGreaterThan(500);
    expect(loads).toBeGreaterThan(0);
  }
});
