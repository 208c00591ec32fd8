import type { CacheMode } from '@reprise/core';
import { seededRandom } from '@reprise/store-testkit';
import {
  type Act,
  deferredKinds,
  type HomeKind,
  hasLimits,
  homeKinds,
  keyCount,
  type Plan,
  type Policies,
  plainPolicies,
  type Schedule,
  type Setup,
  type Step,
  type StepWork,
  type Target,
  type Theme,
  type Timeout,
  tagCount,
} from './schedule.ts';

/** Draws from one stream of random numbers. */
class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** One of several, by weight. */
  weigh<Item extends string>(weights: Readonly<Record<Item, number>>): Item {
    const all = Object.entries(weights) as [Item, number][];
    let left = this.#random() * all.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of all) {
      left -= weight;
      if (left < 0) return item;
    }
    return (all.at(-1) as [Item, number])[0];
  }
}

/**
 * The schedule of a seed: the same each time.
 * @param about what it is to be about; by default that is drawn too
 */
export function makeSchedule(seed: number, home: HomeKind, about?: Theme): Schedule {
  // Those of the last kind are drawn like the next seed's of the first.
  const dice = new Dice(seed * 5 + homeKinds.indexOf(home));
  const drawn = dice.weigh({ plain: 3, mixed: 3, labels: 2, failures: 2 });
  const setup = makeSetup(dice, home, about ?? drawn);
  const length = 8 + dice.below(26);
  const steps: Step[] = [];
  while (steps.length < length) steps.push(makeStep(dice, setup, steps.at(-1)));
  return { seed, setup, steps };
}

function makeSetup(dice: Dice, home: HomeKind, theme: Theme): Setup {
  const isAlone = home === 'private' || theme === 'failures';
  const functions = Array.from({ length: isAlone ? 1 : 1 + dice.below(2) }, () => ({
    sync: dice.chance(0.15),
    dedupe: !dice.chance(0.2),
    bypass: dice.chance(0.15),
  }));
  const shape = dice.chance(0.6) ? 'texts' : dice.pick(['lookalikes', 'objects', 'lists', 'nothings'] as const);
  const forEver = { plain: 0.5, mixed: 0.25, labels: 0.4, failures: 0 }[theme];
  return {
    home,
    theme,
    functions,
    shape,
    ttl: dice.chance(forEver) ? Infinity : dice.chance(0.07) ? 0 : 100,
    maxSize: dice.chance(theme === 'plain' ? 0.25 : 0.1) ? dice.below(3) : Infinity,
    choosy: dice.chance(0.2),
    faulty: dice.chance(0.5),
    // A store without a time limit may never answer that it has been told, and `close` waits for that.
    knowsTags: home !== 'async' && home !== 'tiered' && dice.chance(0.3),
    heard: dice.chance(0.3),
    policies: makePolicies(dice, theme),
  };
}

/** How likely each policy is. */
const shares = {
  mixed: { windows: 0.4, ahead: 0.2, errors: 0.35, picky: 0.3, idle: 0.3, none: 4, isolate: 0.15, timeout: 0.2 },
  labels: { windows: 0.4, ahead: 0, errors: 0.2, picky: 0, idle: 0, none: 0, isolate: 0, timeout: 0 },
  failures: { windows: 0.6, ahead: 0.2, errors: 0.5, picky: 0.5, idle: 0.05, none: 8, isolate: 0, timeout: 0.1 },
} as const;

function makePolicies(dice: Dice, theme: Theme): Policies {
  if (theme === 'plain') return plainPolicies;
  const share = shares[theme];
  const perhaps = (chance: number, value: () => number): number => (dice.chance(chance) ? value() : 0);
  return {
    staleWhileRevalidate: perhaps(share.windows, () => dice.pick([50, 150])),
    staleIfError: perhaps(share.windows, () => dice.pick([100, 300])),
    retryAfter: dice.pick([60, 150, 1_000]),
    refreshAhead: perhaps(share.ahead, () => 0.5),
    cacheErrors: perhaps(share.errors, () => dice.pick([60, 300])),
    picky: dice.chance(share.picky),
    timeToIdle: perhaps(share.idle, () => 70),
    tags: dice.weigh({ none: share.none, list: theme === 'labels' ? 1 : 2, value: 5 }),
    isolate: dice.chance(share.isolate),
    timeout: dice.chance(share.timeout) ? makeTimeout(dice) : {},
  };
}

function makeTimeout(dice: Dice): Timeout {
  return dice.pick<Timeout>([
    { hard: 1 },
    { soft: 1 },
    { soft: 1, hard: 1 },
    { abandon: 60 },
    { hard: 1, abandon: 60 },
  ]);
}

function makeTarget(dice: Dice, setup: Setup, most: number = 0): Target {
  // Most of the time one key, so that things meet.
  const key = dice.chance(setup.theme === 'failures' ? 0.8 : 0.6) ? most : dice.below(keyCount);
  const own = setup.home === 'private' ? 0 : 1;
  return { fn: dice.below(setup.functions.length + own) - own, key };
}

const modes: readonly CacheMode[] = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'];

function makeMode(dice: Dice, share: number): { mode?: CacheMode } {
  return dice.chance(share) ? { mode: dice.pick(modes) } : {};
}

function makeLabels(dice: Dice, setup: Setup): readonly number[] {
  if (setup.policies.tags !== 'value') return [];
  return Array.from({ length: tagCount }, (_, tag) => tag).filter(() => dice.chance(0.25));
}

/** Most of the time one label, so that things meet. */
function makeTag(dice: Dice): number {
  return dice.chance(0.6) ? 0 : dice.below(tagCount);
}

function makePlan(dice: Dice, setup: Setup, depth = 0): Plan {
  const { theme, policies, choosy } = setup;
  const acts: Act[] = [];
  const tells = dice.chance(theme === 'plain' ? 0.1 : theme === 'labels' ? 0.5 : 0.35);
  const tell = (): void => {
    if (tells && dice.chance(0.5)) acts.push(makeRemark(dice, setup));
  };
  tell();
  const waits = { plain: 0.9, mixed: 0.8, labels: 0.4, failures: 0.5 }[theme];
  if (dice.chance(depth === 0 ? waits : Math.min(waits, 0.6))) acts.push({ do: 'wait' });
  const further = theme === 'labels' ? 0.5 : 0.25;
  // Results made of others, rather than circles.
  const inner = theme === 'labels' ? (depth + 1) % keyCount : 0;
  while (depth < 3 && dice.chance(depth === 0 ? further : 0.35)) {
    const verb = dice.weigh({ call: 8, invalidate: 1, set: 1, 'invalidate tags': hasTags(setup) ? 1 : 0 });
    if (verb === 'call') {
      const plan = makePlan(dice, setup, depth + 1);
      const mode = makeMode(dice, theme === 'mixed' ? 0.15 : 0.05);
      acts.push({ do: 'call', ...makeTarget(dice, setup, inner), plan, awaited: !dice.chance(0.2), ...mode });
    } else if (verb === 'invalidate tags') acts.push({ do: verb, tags: [makeTag(dice)] });
    else acts.push({ do: verb, ...makeTarget(dice, setup) });
    if (dice.chance(0.5)) acts.push({ do: 'wait' });
  }
  tell();
  return {
    acts,
    fails: dice.chance(theme === 'failures' ? 0.4 : 0.1),
    odd: policies.picky && dice.chance(0.4),
    unkept: choosy && dice.chance(0.3),
    labels: makeLabels(dice, setup),
  };
}

/** What a run says of the entry being made. */
function makeRemark(dice: Dice, setup: Setup): Act {
  const verb = dice.weigh({ tag: hasTags(setup) ? 8 : 0, life: 2, 'no store': 1 });
  if (verb === 'tag') return { do: verb, tag: makeTag(dice) };
  return verb === 'life' ? { do: verb, life: dice.pick([0, 30, 200]) } : { do: verb };
}

function hasTags({ theme, policies }: Setup): boolean {
  return theme === 'mixed' || policies.tags !== 'none';
}

function makeStep(dice: Dice, setup: Setup, last: Step | undefined): Step {
  const pause = dice.weigh({ long: 7, tick: 2, none: 1 });
  return { ...makeWork(dice, setup, last), pause };
}

function makeWork(dice: Dice, setup: Setup, last: Step | undefined): StepWork {
  const { home, faulty, policies, theme } = setup;
  const shared = home !== 'private' ? 1 : 0;
  const later = deferredKinds.includes(home) ? 1 : 0;
  const limited = hasLimits(setup);
  // When it is later, there is something to be asked.
  const isLater = theme !== 'plain' && last?.do === 'advance';
  const verb = dice.weigh({
    call: isLater ? 120 : 24,
    settle: 16,
    invalidate: theme === 'labels' ? 3 : theme === 'failures' ? 4 : 6,
    set: theme === 'failures' ? 8 : 4,
    refresh: theme === 'failures' ? 8 : 5,
    peek: 3,
    has: 2,
    clear: theme === 'failures' ? 1 : 2,
    'invalidate tags': theme === 'labels' ? 10 : hasTags(setup) ? 5 : 0,
    'clear cache': (theme === 'failures' ? 1 : 3) * shared,
    advance: theme === 'plain' ? 5 : theme === 'failures' ? 14 : 9,
    apply: 6 * later,
    answer: 30 * later,
    fault: home === 'text' && faulty ? 6 : 0,
    turn: limited ? 0 : 2,
    'time out': limited ? 5 : 0,
  });
  const pick = dice.below(1_000);
  switch (verb) {
    case 'call': {
      const target = makeTarget(dice, setup);
      const bypassed = setup.functions[target.fn]?.bypass === true && dice.chance(0.4);
      const dedupe = target.fn >= 0 || !dice.chance(0.2);
      const mode = bypassed ? {} : makeMode(dice, theme === 'mixed' ? 0.25 : 0.05);
      return { do: verb, ...target, plan: makePlan(dice, setup), bypassed, dedupe, ...mode };
    }
    case 'refresh':
      return {
        do: verb,
        fn: dice.below(setup.functions.length),
        key: dice.below(keyCount),
        plan: makePlan(dice, setup),
      };
    case 'settle':
      return {
        do: verb,
        pick: dice.chance(0.5) ? 0 : pick,
        fails: dice.chance(0.25),
        odd: policies.picky && dice.chance(0.4),
      };
    case 'set':
      return {
        do: verb,
        ...makeTarget(dice, setup),
        unkept: setup.choosy && dice.chance(0.3),
        labels: makeLabels(dice, setup),
      };
    case 'invalidate':
    case 'peek':
    case 'has':
      return { do: verb, ...makeTarget(dice, setup) };
    case 'invalidate tags':
      return { do: verb, tags: dice.chance(0.8) ? [makeTag(dice)] : [0, 1] };
    case 'clear':
      return { do: verb, fn: dice.below(setup.functions.length) };
    case 'clear cache':
      return {
        do: verb,
        prefix: dice.chance(0.4) ? undefined : dice.pick(['a', 'ab', 'first', 'first("a', 'second("ab")']),
      };
    case 'advance':
      return {
        do: verb,
        by: dice.pick(theme === 'plain' ? [1, 40, 60, 99, 100, 1_100] : [1, 20, 50, 60, 99, 100, 100, 120, 150, 1_100]),
      };
    case 'apply':
      return { do: verb, pick };
    case 'answer': {
      const how = !faulty || dice.chance(0.7) ? 'done' : dice.pick(['refused', 'lost'] as const);
      return { do: verb, pick: dice.chance(0.5) ? 0 : pick, how };
    }
    case 'fault':
      return { do: verb, verb: dice.pick(['get', 'set', 'delete', 'clear'] as const), late: dice.chance(0.3) };
    case 'turn':
    case 'time out':
      return { do: verb };
  }
}
