import type { CacheMode } from '@reprise/core';
import type { Plan, Policies } from './schedule.ts';

/** A key of a function, or of the cache itself. */
export type Subject = string;

/** What a run, or a call, came to. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Something that asks for an answer: a call, a `refresh`, a `getOrSet`. */
export interface Ask extends Look {
  readonly verb: 'call' | 'refresh';
  readonly args: readonly unknown[];
  readonly plan: Plan;
  /** The run that it was made in. */
  readonly parent: Run | undefined;
  /** Whether its run is nobody else's: `dedupe: false`, or bypassed. */
  readonly alone: boolean;
  /** Whether it goes around the cache: by the option, or by the mode `no-store`. */
  readonly bypassed: boolean;
  readonly mode: CacheMode;
  /** Whether its run may have been opened later than it was asked: after a look, or after another run. */
  readonly vague: boolean;
  /** What had to be there when it was asked. */
  readonly known: Known | undefined;
  /** The runs that were begun for it. */
  readonly runs: Run[];
  outcome: Outcome | undefined;
  /** What the value that it was answered with came from. */
  origin: Origin | undefined;
  isStale: boolean;
}

/** What an answer can come from: a run, or a `set`. */
export interface Origin {
  readonly subject: Subject;
  readonly value: string;
  /** When the run began. */
  readonly began: number;
  /** The earliest moment at which it can have been opened, and so voided. */
  opened: number;
  /** What is younger is newer. */
  order: number;
  /** Whether that is only known roughly: see {@link Ask.vague}. */
  vague: boolean;
  ended: Ended | undefined;
  /** Whether its value is not to be stored, and takes the place of an older one: by `cacheIf`, `noStore`, or a life of 0. */
  unkept: boolean;
  /** Whether its run said `noStore`. */
  unstored: boolean;
  /** How long it is fresh, where its run said so. */
  life: number | undefined;
  /** Labels that it certainly has. */
  readonly labels: Set<string>;
  /** Whether it may have others: those of calls whose answers it did not see. */
  loose: boolean;
  /** When an answer was last taken from it, at the latest. */
  readAt: number;
  /** The question that a run answers; `undefined` for a `set`. */
  readonly ask: Ask | undefined;
  /** Whether it only ran lest something wait for itself, and is for nobody else. */
  direct: Certainty;
  /** Of a run that failed: whether its error was to be remembered; `held`: not in the place of the value that was there. */
  remembered: Certainty | 'held';
}

type Certainty = 'no' | 'perhaps' | 'yes';

interface Ended {
  readonly at: number;
  readonly turn: number;
  readonly clock: number;
  readonly outcome: Outcome;
}

export interface Run extends Origin {
  readonly ask: Ask;
  /** In which turn it began, and what the clock showed. */
  readonly turn: number;
  readonly clock: number;
  /** What had to be there when it was asked for, and still when it began. */
  readonly beside: Known | undefined;
  /** The calls made in it that have no answer yet. */
  readonly waits: Set<Ask>;
  /** Whether it did not wait to the end for a call that it made: the engine may still take it for waiting. */
  gaveUp: boolean;
  /** Whether it ran behind an answer. */
  behind: boolean;
}

/** A look at an entry: a call, `peek`, `has`. */
export interface Look {
  readonly subject: Subject;
  readonly at: number;
  readonly turn: number;
  readonly clock: number;
}

/** What can be done with what is under a key: `revalidate` and `forgive` are the two stale windows. */
export type State = 'fresh' | 'revalidate' | 'forgive' | 'gone';

/** An entry that must be there. */
export interface Known {
  readonly origin: Origin;
  readonly state: State;
}

export interface Rules extends Policies {
  readonly ttl: number;
  /** Whether what must be remembered is known exactly: synchronous, unbounded, never failing. */
  readonly exact: () => boolean;
  /** Whether what is stored is the newest that there was: no write has failed. */
  readonly orderly: () => boolean;
  /** Whether calls look into the store before they run. */
  readonly looksFirst: boolean;
  readonly now: () => number;
}

/** A law that did not hold. */
export class Violation extends Error {
  readonly law: string;

  constructor(law: string, message: string) {
    super(`${law}: ${message}`);
    this.name = 'Violation';
    this.law = law;
  }
}

export function isFailure(origin: Origin, error?: unknown): boolean {
  if (origin.ended === undefined || !('error' in origin.ended.outcome)) return false;
  return error === undefined || Object.is(origin.ended.outcome.error, error);
}

export function isValue({ ended }: Origin): boolean {
  return ended !== undefined && 'value' in ended.outcome;
}

export function isRun(origin: Origin): origin is Run {
  return origin.ask !== undefined;
}

/** Whether anybody but the caller may have it. */
export function isShared({ ask, direct }: Origin): boolean {
  return direct !== 'yes' && ask?.bypassed !== true;
}

/** Whether an answer may come from there. */
export function isFor(origin: Origin, ask: Ask): boolean {
  return origin.ask === ask || (ask.verb === 'call' && !ask.bypassed && isShared(origin));
}

/** Whether a run was begun inside of another, or of one inside of that. */
export function isWithin(run: Run | undefined, other: Run): boolean {
  for (let outer = run; outer !== undefined; outer = outer.ask.parent) if (outer === other) return true;
  return false;
}

export function show({ verb, subject, at, mode }: Ask): string {
  return `the ${verb} of ${subject} at ${at}${mode === 'default' ? '' : ` (${mode})`}`;
}
