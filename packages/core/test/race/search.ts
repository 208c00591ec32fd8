import { makeSchedule } from './draw.ts';
import { Violation } from './history.ts';
import { play } from './player.ts';
import type { Direction } from './remains.ts';
import {
  type Act,
  describeSchedule,
  type HomeKind,
  homeKinds,
  type Plan,
  type Policies,
  plainPolicies,
  type Schedule,
  type Step,
  type Theme,
} from './schedule.ts';

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
  /** What all of them are to be about. */
  readonly theme?: Theme;
  /** Goes on until this law does not hold, whatever else does not. */
  readonly law?: string;
  /** Hears what came to pass in the schedules that kept the laws. */
  readonly hear?: (what: string) => void;
}

/** Plays schedules until a law does not hold. */
export async function findViolation(search: Search): Promise<Finding | undefined> {
  const { first, count, homes = homeKinds, theme, law, hear } = search;
  for (let number = 0; number < count; number++) {
    const home = homes[number % homes.length] as HomeKind;
    const schedule = makeSchedule(first + Math.floor(number / homes.length), home, theme);
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

/** Leaves out every step, act and policy without which the same law still breaks. */
async function shrink(
  schedule: Schedule,
  violation: Violation,
  direction: Direction,
): Promise<readonly [Schedule, Violation]> {
  let shortest = schedule;
  let last = violation;
  const breaks = async (shorter: Schedule): Promise<boolean> => {
    const again = await tryOut(shorter, direction);
    if (again?.law !== violation.law) return false;
    shortest = shorter;
    last = again;
    return true;
  };
  for (let index = schedule.steps.length - 1; index >= 0; index--) {
    await breaks({ ...shortest, steps: shortest.steps.filter((_, at) => at !== index) });
  }
  for (let index = 0; index < shortest.steps.length; index++) {
    const step = shortest.steps[index] as Step;
    if (!('plan' in step)) continue;
    const replace = (plan: Plan): Promise<boolean> =>
      breaks({ ...shortest, steps: shortest.steps.map((other, at) => (at === index ? { ...step, plan } : other)) });
    await shrinkPlan(step.plan, replace);
  }
  for (const policies of simplerPolicies(shortest.setup.policies)) {
    await breaks({ ...shortest, setup: { ...shortest.setup, policies: { ...shortest.setup.policies, ...policies } } });
  }
  return [shortest, last];
}

/** Leaves out acts, the inner ones of those that stay too. */
async function shrinkPlan(plan: Plan, replace: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let shortest = plan;
  for (let index = plan.acts.length - 1; index >= 0; index--) {
    const without = { ...shortest, acts: shortest.acts.filter((_, at) => at !== index) };
    if (await replace(without)) {
      shortest = without;
      continue;
    }
    const act = shortest.acts[index] as Act;
    if (act.do !== 'call') continue;
    const before = shortest;
    const withInner = (inner: Plan): Plan => ({
      ...before,
      acts: before.acts.map((other, at) => (at === index ? { ...act, plan: inner } : other)),
    });
    shortest = withInner(await shrinkPlan(act.plan, (inner) => replace(withInner(inner))));
  }
  return shortest;
}

function simplerPolicies(policies: Policies): Partial<Policies>[] {
  const names = Object.keys(plainPolicies) as (keyof Policies)[];
  return names
    .filter((name) => policies[name] !== plainPolicies[name])
    .map((name) => ({ [name]: plainPolicies[name] }));
}
