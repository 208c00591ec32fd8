/** The middle of `values`, or the mean of the two middle ones. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * How far `values` typically lie from `centre`, which is what they would all be without noise: the median distance.
 * Half of the values lie nearer, so one outlier does not change it.
 */
export function spreadAround(centre: number, values: readonly number[]): number {
  return median(values.map((value) => Math.abs(value - centre)));
}

/** One round: what the limit took, the same limit once more, and the subject, in any unit. */
export interface Round {
  readonly limit: number;
  readonly again: number;
  readonly subject: number;
}

/** How a subject compares to its limit. */
export interface Comparison {
  /** The subject's ratio to the limit, or how much more it takes: the median over processes of each one's median. */
  readonly value: number;
  /** How far the limit against itself, each process's median of its rounds alike, typically lies from no difference. */
  readonly spread: number;
  /** How long the limit and the subject took, in the units of the rounds. */
  readonly times: { readonly limit: number; readonly subject: number };
  /** The lowest and the highest process. */
  readonly low: number;
  readonly high: number;
}

/** Whether a row states how many times its limit the subject takes, or how much more than it. */
export type Scale = 'ratio' | 'difference';

/** Puts the rounds of several processes together; the limit of a round is the mean of its two samples. */
export function compareRounds(processes: readonly (readonly Round[])[], scale: Scale): Comparison {
  const compare = (a: number, b: number): number => (scale === 'ratio' ? a / b : a - b);
  const perProcess = processes.map((rounds) =>
    median(rounds.map(({ limit, again, subject }) => compare(subject, (limit + again) / 2))),
  );
  const againPerProcess = processes.map((rounds) => median(rounds.map(({ limit, again }) => compare(again, limit))));
  return {
    value: median(perProcess),
    times: {
      limit: median(processes.map((rounds) => median(rounds.map(({ limit, again }) => (limit + again) / 2)))),
      subject: median(processes.map((rounds) => median(rounds.map(({ subject }) => subject)))),
    },
    spread: spreadAround(scale === 'ratio' ? 1 : 0, againPerProcess),
    low: Math.min(...perProcess),
    high: Math.max(...perProcess),
  };
}

/** A row holds if its value, less the spread of the limit against itself, is within the budget. */
export function isWithinBudget({ value, spread }: Pick<Comparison, 'value' | 'spread'>, budget: number): boolean {
  return value - spread <= budget;
}
