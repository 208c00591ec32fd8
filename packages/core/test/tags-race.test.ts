import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cacheTag, closeAllCaches, invalidateTags, withCacheMode } from '@reprise/core';
import { seededRandom } from '@reprise/store-testkit';
import { homes, type TestHome } from './homes.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

const ids = ['a', 'b', 'c'];
type Versions = Record<string, number>;

/**
 * Law 3 for labels, in a random day: things have versions, functions read them and each other, and each invalidation follows a
 * change. Whatever is answered must be as new as what had been invalidated when the call came.
 */
async function play(seed: number, steps: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <Choice>(choices: readonly Choice[]): Choice => choices[below(choices.length)] as Choice;
  const pause = async (): Promise<void> => {
    for (let turns = below(4); turns > 0; turns--) await setImmediate();
  };
  const made: TestHome[] = homes.map(([, make]) => make());
  const now: Versions = Object.fromEntries(ids.map((id) => [id, 1]));
  let fails = 0;

  /** The options of one function. */
  const vary = (): object => ({
    ...(random() < 0.4 && { ttl: 1 + below(500), staleWhileRevalidate: 1_000 }),
    ...(random() < 0.4 && { staleIfError: 100_000, retryAfter: 0 }),
    ...(random() < 0.3 && { cacheErrors: { ttl: 1_000 } }),
    ...(random() < 0.2 && { isolate: 'clone' }),
    ...(random() < 0.2 && { dedupe: false }),
    ...(random() < 0.2 && { bypass: () => random() < 0.3 }),
    ...(random() < 0.2 && { refreshAhead: 0.5, ttl: 500 }),
  });
  const readers = [0, 1, 2].map((number) => {
    const viaOption = random() < 0.5;
    return pick(made).wrap(
      async (id: string): Promise<Versions> => {
        await pause();
        const read = { [id]: now[id] as number };
        if (!viaOption) cacheTag(id);
        await pause();
        if (fails > 0 && random() < 0.3) throw new Error(`reader ${number}`);
        return read;
      },
      { ...(viaOption && { tags: (_value: Versions, id: string) => [id] }), ...vary() },
    );
  });
  const merge = (all: Versions[]): Versions => {
    const merged: Versions = {};
    for (const one of all) {
      for (const [id, version] of Object.entries(one)) merged[id] = Math.min(merged[id] ?? Infinity, version);
    }
    return merged;
  };
  const pages = [0, 1, 2].map(() => {
    const from = [pick(readers), pick(readers)] as const;
    return pick(made).wrap(async (id: string, other: string): Promise<Versions> => {
      await pause();
      const first = await from[0](id);
      await pause();
      return merge([first, await from[1](other), (await from[1].peek(id)) ?? {}]);
    }, vary());
  });
  const books = [0, 1].map(() => {
    const from = [pick(pages), pick(pages)] as const;
    return pick(made).wrap(
      async (id: string, other: string): Promise<Versions> =>
        merge(await Promise.all([from[0](id, other), from[1](other, id)])),
      vary(),
    );
  });

  const failures: string[] = [];
  const open: Promise<unknown>[] = [];
  const check = async (label: string, call: () => Promise<Versions | undefined>): Promise<void> => {
    const floor = { ...now };
    let answer: Versions | undefined;
    try {
      answer = await call();
    } catch {
      return;
    }
    for (const [id, version] of Object.entries(answer ?? {})) {
      if (version < (floor[id] as number)) failures.push(`${label}: ${id} at ${version}, invalidated at ${floor[id]}`);
    }
  };
  for (let step = 0; step < steps; step++) {
    const [id, other] = [pick(ids), pick(ids)];
    const reader = pick(readers);
    const page = pick([...pages, ...books]);
    const choice = below(12);
    if (choice < 3) open.push(check(`${step} reader`, () => reader(id)));
    else if (choice < 7) open.push(check(`${step} page`, () => page(id, other)));
    else if (choice < 9) {
      now[id] = (now[id] as number) + 1;
      open.push(invalidateTags([id]).catch(() => {}));
    } else if (choice === 9) {
      const mode = pick(['reload', 'no-cache', 'no-store', 'force-cache', 'only-if-cached'] as const);
      open.push(check(`${step} ${mode}`, () => withCacheMode(mode, async () => page(id, other))));
    } else if (choice === 10) {
      open.push(check(`${step} peek`, async () => pick([reader.peek(id), page.peek(id, other)] as const)));
      open.push(Promise.resolve(page.refresh(id, other)).catch(() => {}));
    } else {
      fails = fails > 0 ? 0 : 1;
      for (const { clock } of made) clock.advance(below(400));
    }
    await pause();
  }
  await Promise.all(open);
  if (failures.length > 0) throw new Error(`seed ${seed}: ${failures.slice(0, 5).join('; ')}`);
}

describe('labels in a random day', () => {
  const first = Number(process.env['REPRISE_SEED'] ?? Math.floor(Math.random() * 1e9));
  it.each([...Array(Number(process.env['REPRISE_SEEDS'] ?? 12)).keys()].map((n) => first + n))(
    'with seed %i: no answer is older than what was invalidated',
    async (seed) => {
      await expect(play(seed, 150)).resolves.toBeUndefined();
    },
  );
});
