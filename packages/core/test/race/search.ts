import { Violation } from './history.ts';
import { play } from './player.ts';
import type { Direction } from './remains.ts';
import { describeSchedule, type HomeKind, homeKinds, makeSchedule, type Schedule } from './schedule.ts';

/** A schedule in which a law did not hold, made as short as dropping steps makes it. */
export interface Finding {
  readonly law: string;
  readonly report: string;
  /** The command that finds it again. */
  readonly repeat: string;
  /** How many schedules were played before it was found. */
  readonly after: number;
}

/** Seeds `first`, `first + 1`, …, on each home in turn. */
export interface Search extends Direction {
  readonly first: number;
  readonly count: number;
  readonly homes?: readonly HomeKind[];
  /** Goes on until this law does not hold, whatever else does not. */
  readonly law?: string;
  /** Hears what came to pass in the schedules that kept the laws. */
  readonly hear?: (what: string) => void;
}

/** Plays schedules until a law does not hold. */
export async function findViolation(search: Search): Promise<Finding | undefined> {
  const { first, count, homes = homeKinds, law, hear } = search;
  for (let number = 0; number < count; number++) {
    const home = homes[number % homes.length] as HomeKind;
    const schedule = makeSchedule(first + Math.floor(number / homes.length), home);
    const violation = await tryOut(schedule, search, hear);
    if (violation === undefined || (law !== undefined && violation.law !== law)) continue;
    const [shortest, last] = await shrink(schedule, violation, search);
    const report = `${last.message}\n${describeSchedule(shortest)}`;
    const repeat = `REPRISE_SEED=${schedule.seed} REPRISE_SCHEDULES=1 npm test -- packages/core/test/race`;
    return { law: last.law, report, repeat, after: number + 1 };
  }
  return undefined;
}

async function tryOut(schedule: Schedule, direction: Direction, hear?: Search['hear']): Promise<Violation | undefined> {
  try {
    for (const what of await play(schedule, direction)) hear?.(what);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    return new Violation('play', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** Leaves out every step without which the same law still breaks. */
async function shrink(
  schedule: Schedule,
  violation: Violation,
  direction: Direction,
): Promise<readonly [Schedule, Violation]> {
  let shortest = schedule;
  let last = violation;
  for (let index = schedule.steps.length - 1; index >= 0; index--) {
    const steps = shortest.steps.filter((_, at) => at !== index);
    const shorter = { ...shortest, steps };
    const again = await tryOut(shorter, direction);
    if (again?.law !== violation.law) continue;
    shortest = shorter;
    last = again;
  }
  return [shortest, last];
}
