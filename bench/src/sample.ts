/** Times the limit, the limit once more and the subject in one process, round by round, in random order. */
import { createRandom, shuffle } from './random.ts';
import type { Round } from './statistics.ts';
import type { Lap } from './task.ts';

export interface SampleOptions {
  readonly rounds: number;
  /** Milliseconds that one sample takes at least. */
  readonly sampleTime: number;
  /** Milliseconds for which each lap runs before anything is kept, so that V8 has optimized it. */
  readonly warmUpTime: number;
  readonly seed: number;
}

/** Nanoseconds per call of `laps` laps. */
async function time(lap: Lap, laps: number): Promise<number> {
  lap.prepare?.(laps);
  const expected = lap.expect(laps);
  const started = process.hrtime.bigint();
  const running = lap.run(laps);
  const sum = typeof running === 'number' ? running : await running;
  const taken = Number(process.hrtime.bigint() - started);
  // A lap that did not do the work must not count as a fast one.
  if (sum !== expected) throw new Error(`wrong answers: they add up to ${sum} instead of ${expected}`);
  return taken / (laps * lap.calls);
}

async function warmUp(lap: Lap, forMs: number): Promise<void> {
  const until = performance.now() + forMs;
  do await time(lap, 1);
  while (performance.now() < until);
}

/** How many laps a sample needs to take `sampleTime`. */
async function countLaps(lap: Lap, sampleTime: number): Promise<number> {
  let nsPerCall = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3; attempt++) nsPerCall = Math.min(nsPerCall, await time(lap, 1));
  return Math.max(1, Math.ceil((sampleTime * 1e6) / (nsPerCall * lap.calls)));
}

export async function sampleRounds(
  laps: { readonly limit: Lap; readonly again: Lap; readonly subject: Lap },
  { rounds, sampleTime, warmUpTime, seed }: SampleOptions,
): Promise<Round[]> {
  const random = createRandom(seed);
  const names = ['limit', 'again', 'subject'] as const;
  // In turns, so that none is optimized for a process in which the others have not run yet.
  for (let turn = 0; turn < 4; turn++) {
    for (const name of shuffle(names, random)) await warmUp(laps[name], warmUpTime / 4);
  }
  // The limits alike: two counts for the same work would make two different samples of it.
  const forLimit = await countLaps(laps.limit, sampleTime);
  const counts = { limit: forLimit, again: forLimit, subject: await countLaps(laps.subject, sampleTime) };
  const kept: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const taken = { limit: 0, again: 0, subject: 0 };
    for (const name of shuffle(names, random)) {
      // What the sample before left behind is not this one's to collect. A full collection would throw away the code
      // that V8 has optimized for classes without an instance at that moment: short-lived objects, and no others, would
      // be timed while it is made again.
      globalThis.gc?.({ type: 'minor' });
      taken[name] = await time(laps[name], counts[name]);
    }
    kept.push(taken);
  }
  return kept;
}
