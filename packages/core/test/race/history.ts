import type { Plan } from './schedule.ts';

/** A key of a function, or of the cache itself. */
export type Subject = string;

/** What a run, or a call, came to. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Something that asks for an answer: a call, a `refresh`, a `getOrSet`. */
export interface Ask {
  readonly verb: 'call' | 'refresh';
  readonly subject: Subject;
  readonly args: readonly unknown[];
  readonly at: number;
  readonly turn: number;
  readonly clock: number;
  readonly plan: Plan;
  /** The run that it was made in. */
  readonly parent: Run | undefined;
  /** Whether its run is nobody else's: `dedupe: false`, or bypassed. */
  readonly alone: boolean;
  readonly bypassed: boolean;
  /** Whether it may have waited to see what became of a refresh. */
  readonly besideRefresh: boolean;
  outcome: Outcome | undefined;
}

/** What an answer can come from: a run, or a `set`. */
export interface Origin {
  readonly subject: Subject;
  readonly value: string;
  /** When the run began. */
  readonly began: number;
  /** When it could first be voided: what is younger is newer. */
  readonly order: number;
  /** Whether that is only known roughly: see `besideRefresh`. */
  readonly vague: boolean;
  ended: Ended | undefined;
  readonly unkept: boolean;
  /** The question that a run answers; `undefined` for a `set`. */
  readonly ask: Ask | undefined;
  /** Whether it only ran lest something wait for itself, and is for nobody else. */
  direct: 'no' | 'perhaps' | 'yes';
}

interface Ended {
  readonly at: number;
  readonly turn: number;
  readonly clock: number;
  readonly outcome: Outcome;
}

export interface Run extends Origin {
  readonly ask: Ask;
  /** The calls made in it that have no answer yet. */
  readonly waits: Set<Ask>;
}

/** A look at an entry: a call, `peek`, `has`. */
export interface Look {
  readonly subject: Subject;
  readonly at: number;
  readonly turn: number;
  readonly clock: number;
}

export interface Rules {
  readonly ttl: number;
  /** Whether what must be remembered is known exactly: synchronous, unbounded, never failing. */
  readonly exact: () => boolean;
  /** Whether what is stored is the newest that there was: no write has failed. */
  readonly orderly: () => boolean;
  /** Whether calls beside a refresh look first. */
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
