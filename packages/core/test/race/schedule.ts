import { seededRandom } from '@reprise/store-testkit';

/** Where the entries of a schedule live; `timed` is an asynchronous store whose operations also run into `storeTimeout`. */
export type HomeKind = 'private' | 'memory' | 'text' | 'async' | 'timed';

export const homeKinds: readonly HomeKind[] = ['private', 'memory', 'text', 'async', 'timed'];

/** How the functions of a schedule are made. */
interface FunctionSetup {
  readonly sync: boolean;
  readonly dedupe: boolean;
  readonly bypass: boolean;
}

/** What a schedule is played on. */
export interface Setup {
  readonly home: HomeKind;
  readonly functions: readonly FunctionSetup[];
  /** Which arguments the keys stand for: see `argumentsOf`. */
  readonly shape: Shape;
  readonly ttl: number;
  readonly maxSize: number;
  /** Whether there is a `cacheIf`. */
  readonly choosy: boolean;
  /** Whether the store fails now and then. */
  readonly faulty: boolean;
  /** Whether somebody listens to every event. */
  readonly heard: boolean;
}

export type Shape = 'texts' | 'lookalikes' | 'objects' | 'lists' | 'nothings';

export const keyCount = 3;

/** The arguments that a key stands for, made anew each time. */
export function argumentsOf(shape: Shape, key: number): unknown[] {
  switch (shape) {
    case 'texts':
      return [textKey(key)];
    case 'lookalikes':
      return [[1], ['1'], [1n]][key] as unknown[];
    case 'objects':
      return [[{ id: 'a', size: 1 }], [{ id: 'a' }], [{ id: 'b', deep: [{ x: 1 }] }]][key] as unknown[];
    case 'lists':
      return [['a', 'b'], ['ab'], [['a', 'b']]][key] as unknown[];
    case 'nothings':
      return [[Number.NaN], [], [undefined]][key] as unknown[];
  }
}

/** A key of `getOrSet`, and of the functions whose keys are texts. */
export function textKey(key: number): string {
  return ['a', 'ab', 'b'][key] as string;
}

/** Which function, and which of its keys; function -1 is the cache's own `getOrSet`. */
export interface Target {
  readonly fn: number;
  readonly key: number;
}

/** What one run does, in order, before it ends: decided when its call is planned, so that dropping steps changes no other. */
export interface Plan {
  readonly acts: readonly Act[];
  readonly fails: boolean;
  /** Whether a `cacheIf` refuses the value. */
  readonly unkept: boolean;
}

type Act =
  | { readonly do: 'wait' }
  | ({ readonly do: 'call'; readonly plan: Plan; readonly awaited: boolean } & Target)
  | ({ readonly do: 'invalidate' } & Target)
  | ({ readonly do: 'set' } & Target);

type StepWork =
  | ({ readonly do: 'call'; readonly plan: Plan; readonly bypassed: boolean; readonly dedupe: boolean } & Target)
  | ({ readonly do: 'refresh'; readonly plan: Plan } & Target)
  | { readonly do: 'settle'; readonly pick: number; readonly fails: boolean }
  | ({ readonly do: 'invalidate' } & Target)
  | ({ readonly do: 'set'; readonly unkept: boolean } & Target)
  | ({ readonly do: 'peek' } & Target)
  | ({ readonly do: 'has' } & Target)
  | { readonly do: 'clear'; readonly fn: number }
  | { readonly do: 'clear cache'; readonly prefix: string | undefined }
  | { readonly do: 'advance'; readonly by: number }
  | { readonly do: 'apply'; readonly pick: number }
  | { readonly do: 'answer'; readonly pick: number; readonly how: 'done' | 'refused' | 'lost' }
  | { readonly do: 'fault'; readonly verb: 'get' | 'set' | 'delete' | 'clear'; readonly late: boolean }
  | { readonly do: 'turn' }
  | { readonly do: 'time out' };

/**
 * One step, and how long it is until the next: until all is quiet, for one turn of the microtask queue, or not at all: then both are in
 * one synchronous stretch.
 */
export type Step = StepWork & { readonly pause: 'long' | 'tick' | 'none' };

export interface Schedule {
  readonly seed: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

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

/** The schedule of a seed: the same each time. */
export function makeSchedule(seed: number, home: HomeKind): Schedule {
  const dice = new Dice(seed * homeKinds.length + homeKinds.indexOf(home));
  const setup = makeSetup(dice, home);
  const length = 8 + dice.below(26);
  return { seed, setup, steps: Array.from({ length }, () => makeStep(dice, setup)) };
}

function makeSetup(dice: Dice, home: HomeKind): Setup {
  const functions = Array.from({ length: home === 'private' ? 1 : 1 + dice.below(2) }, () => ({
    sync: dice.chance(0.15),
    dedupe: !dice.chance(0.2),
    bypass: dice.chance(0.15),
  }));
  const shape = dice.chance(0.6) ? 'texts' : dice.pick(['lookalikes', 'objects', 'lists', 'nothings'] as const);
  return {
    home,
    functions,
    shape,
    ttl: dice.chance(0.5) ? Infinity : dice.chance(0.1) ? 0 : 100,
    maxSize: dice.chance(0.25) ? dice.below(3) : Infinity,
    choosy: dice.chance(0.2),
    faulty: dice.chance(0.5),
    heard: dice.chance(0.3),
  };
}

function makeTarget(dice: Dice, setup: Setup): Target {
  // Most of the time one key, so that things meet.
  const key = dice.chance(0.6) ? 0 : dice.below(keyCount);
  const own = setup.home === 'private' ? 0 : 1;
  return { fn: dice.below(setup.functions.length + own) - own, key };
}

function makePlan(dice: Dice, setup: Setup, depth = 0): Plan {
  const acts: Act[] = [];
  if (dice.chance(depth === 0 ? 0.9 : 0.6)) acts.push({ do: 'wait' });
  while (depth < 3 && dice.chance(depth === 0 ? 0.25 : 0.35)) {
    const verb = dice.weigh({ call: 6, invalidate: 1, set: 1 });
    if (verb === 'call') {
      const plan = makePlan(dice, setup, depth + 1);
      acts.push({ do: 'call', ...makeTarget(dice, setup), plan, awaited: !dice.chance(0.2) });
    } else acts.push({ do: verb, ...makeTarget(dice, setup) });
    if (dice.chance(0.5)) acts.push({ do: 'wait' });
  }
  return { acts, fails: dice.chance(0.1), unkept: setup.choosy && dice.chance(0.3) };
}

function makeStep(dice: Dice, setup: Setup): Step {
  const pause = dice.weigh({ long: 7, tick: 2, none: 1 });
  return { ...makeWork(dice, setup), pause };
}

function makeWork(dice: Dice, setup: Setup): StepWork {
  const { home, faulty } = setup;
  const shared = home !== 'private' ? 1 : 0;
  const later = home === 'async' || home === 'timed' ? 1 : 0;
  const verb = dice.weigh({
    call: 24,
    settle: 16,
    invalidate: 6,
    set: 4,
    refresh: 5,
    peek: 3,
    has: 2,
    clear: 2,
    'clear cache': 3 * shared,
    advance: 5,
    apply: 6 * later,
    answer: 30 * later,
    fault: home === 'text' && faulty ? 6 : 0,
    turn: home === 'timed' ? 0 : 2,
    'time out': home === 'timed' ? 5 : 0,
  });
  const pick = dice.below(1_000);
  switch (verb) {
    case 'call': {
      const target = makeTarget(dice, setup);
      const bypassed = setup.functions[target.fn]?.bypass === true && dice.chance(0.4);
      const dedupe = target.fn >= 0 || !dice.chance(0.2);
      return { do: verb, ...target, plan: makePlan(dice, setup), bypassed, dedupe };
    }
    case 'refresh':
      return {
        do: verb,
        fn: dice.below(setup.functions.length),
        key: dice.below(keyCount),
        plan: makePlan(dice, setup),
      };
    case 'settle':
      return { do: verb, pick: dice.chance(0.5) ? 0 : pick, fails: dice.chance(0.25) };
    case 'set':
      return { do: verb, ...makeTarget(dice, setup), unkept: setup.choosy && dice.chance(0.3) };
    case 'invalidate':
    case 'peek':
    case 'has':
      return { do: verb, ...makeTarget(dice, setup) };
    case 'clear':
      return { do: verb, fn: dice.below(setup.functions.length) };
    case 'clear cache':
      return {
        do: verb,
        prefix: dice.chance(0.4) ? undefined : dice.pick(['a', 'ab', 'first', 'first("a', 'second("ab")']),
      };
    case 'advance':
      return { do: verb, by: dice.pick([1, 40, 60, 99, 100, 1_100]) };
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

/** A schedule for people to read. */
export function describeSchedule({ seed, setup, steps }: Schedule): string {
  const lines = steps.map((step, index) => `  ${index}. ${describe(step)}`);
  return [`seed ${seed}, ${JSON.stringify(setup, showInfinity)}`, ...lines].join('\n');
}

function describe(step: Step): string {
  const { do: verb, pause, ...rest } = step;
  return `${verb} ${JSON.stringify(rest, showInfinity)}${{ long: '', tick: ' …', none: ' +' }[pause]}`;
}

function showInfinity(_key: string, value: unknown): unknown {
  return value === Infinity ? 'Infinity' : value;
}
