import { describe, expect, it } from '@jest/globals';
import type { Kind } from '../src/protocol.ts';
import { type PartName, partNames, runTorture } from '../src/torture.ts';
import { program } from './program.ts';

/** How much of what the torture does once. `npm run torture` does ten times as much. */
const times = Number(process.env['REPRISE_TORTURE_TIMES'] ?? 1);
const seed = Number(process.env['REPRISE_SEED'] ?? 1);

/** What there must have been of each part, lest it passes for want of anything happening. */
const least: Readonly<Record<PartName, Readonly<Record<string, number>>>> = {
  alone: { kills: 20, calls: 200, 'changes made known': 20, 'sets acknowledged': 5 },
  together: { kills: 40, calls: 500, 'changes made known': 50, 'sets acknowledged': 20, 'misses together': 15 },
  mutations: { mutations: 300, calls: 3_000, 'changes made known': 200 },
  vanished: { 'directories removed': 20, calls: 50 },
  full: { 'writes refused in words': 1, calls: 50 },
  'read-only': { 'writes refused in words': 1, calls: 50 },
};

/** Each part of the torture, on one kind of store. */
export function describeParts(kind: Kind): void {
  describe(`cached functions on ${kind}`, () => {
    it.each(partNames)(
      `are right, lose nothing, throw nothing and leave no junk: %s (seed ${seed})`,
      async (part) => {
        const { counts, found, skipped } = await runTorture({ kind, part, times, seed, program });
        expect({ seed, found }).toEqual({ seed, found: [] });
        if (skipped !== undefined) console.warn(`NOT DONE HERE: ${kind} ${part}: ${skipped}`);
        else
          for (const [what, count] of Object.entries(least[part]))
            expect([what, atLeast(counts, what, Math.floor(count * times))]).toEqual([what, Math.floor(count * times)]);
      },
      180_000,
    );
  });
}

/** So many, or how many less there are. */
function atLeast(counts: ReadonlyMap<string, number>, what: string, count: number): number {
  return Math.min(counts.get(what) ?? 0, count);
}
