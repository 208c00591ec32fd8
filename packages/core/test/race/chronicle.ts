import {
  type Ask,
  isWithin,
  type Look,
  type Origin,
  type Rules,
  type Run,
  type Subject,
  Violation,
} from './history.ts';
import { labelsIn, nameTag } from './values.ts';

interface SubjectHistory {
  readonly invalidated: number[];
  /** When runs were begun that take the place of one under way: `refresh`, the mode `reload`. */
  readonly refreshed: number[];
  /** Those of them that let a function rest no more: `refresh`. */
  readonly lifted: { readonly at: number; readonly turn: number }[];
  readonly origins: Origin[];
}

/**
 * What happened, in order, and the plainest questions about it.
 *
 * Two measures of time: `moment` counts events, `turn` counts pauses. What ended in an earlier turn has reached the engine.
 */
export class Chronicle {
  readonly rules: Rules;
  turn = 0;
  moment = 0;
  readonly asks: Ask[] = [];
  readonly runs: Run[] = [];
  readonly subjects: Map<Subject, SubjectHistory> = new Map();
  readonly byValue: Map<unknown, Origin> = new Map();
  /** When labels were invalidated. */
  readonly tagged: Map<string, number[]> = new Map();
  /** When a label was last invalidated. */
  lastTagged = 0;
  /** Up to when the limits of callers have passed; `Infinity` while they are passing. */
  limited = 0;
  /** The first law that was broken where nobody could be told. */
  broken: Violation | undefined;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  history(subject: Subject): SubjectHistory {
    let history = this.subjects.get(subject);
    if (history === undefined) {
      history = { invalidated: [], refreshed: [], lifted: [], origins: [] };
      this.subjects.set(subject, history);
    }
    return history;
  }

  look(subject: Subject): Look {
    return { subject, at: ++this.moment, turn: this.turn, clock: this.rules.now() };
  }

  /** Whether the run goes on at the beginning of a turn. */
  isOpen(run: Run, turn: number): boolean {
    return run.ended === undefined || run.ended.turn >= turn;
  }

  /** Law 3: whether there was an invalidation, of its key or of a label, after the run began and before the look. */
  isVoided(origin: Origin, before: number): boolean {
    const { began, labels, subject } = origin;
    const voids = (at: number): boolean => at > began && at < before;
    if (this.history(subject).invalidated.some(voids)) return true;
    for (const label of labels) if (this.tagged.get(label)?.some(voids)) return true;
    return false;
  }

  /** Whether its key was invalidated since it can have been opened, so that it may not have been kept. */
  isKeyVoided({ subject, opened }: Origin, before: number = Number.POSITIVE_INFINITY): boolean {
    return this.history(subject).invalidated.some((at) => at > opened && at < before);
  }

  /** The same for its labels: those that it has, and those that it may have. */
  isTagVoided(origin: Origin, before: number = Number.POSITIVE_INFINITY): boolean {
    return this.isLabelled(origin, origin.opened, before - 1);
  }

  /** Whether it has, or may have, a label that was invalidated after a moment and up to another. */
  isLabelled({ labels, loose }: Origin, after: number, to: number): boolean {
    if (this.lastTagged <= after) return false;
    const voids = (at: number): boolean => at > after && at <= to;
    if (loose) for (const moments of this.tagged.values()) if (moments.some(voids)) return true;
    for (const label of labels) if (this.tagged.get(label)?.some(voids)) return true;
    return false;
  }

  /** Whether a slow store may not have been waited for, so that there was time for the function within the limit of a caller. */
  mayNotHaveLooked({ at }: Ask): boolean {
    return this.rules.looksFirst && this.rules.timeout.hard !== undefined && at < this.limited;
  }

  /** Whether a run has been under way for longer than `timeout.abandon`. */
  isAbandoned({ clock }: Run, now: number): boolean {
    const { abandon } = this.rules.timeout;
    return abandon !== undefined && now - clock >= abandon;
  }

  check(holds: boolean, law: string, message: () => string): void {
    if (!holds) throw this.fault(law, message());
  }

  /** Kept, too: what is thrown inside of a run, or of a promise's callback, might be swallowed. */
  fault(law: string, message: string): Violation {
    const violation = new Violation(law, message);
    this.broken ??= violation;
    return violation;
  }

  /** Whether a label that is known of a run under way was invalidated since it began: it is not waited for. */
  isOutdated(other: Run, to: number): boolean {
    // What is run inside labels it, too: also for its caller alone.
    const known = this.runs
      .filter((run) => isWithin(run, other))
      .flatMap((run) => [...run.labels, ...labelsIn(run.value)]);
    if (this.rules.tags === 'list') known.push(nameTag(0));
    return known.some((label) => this.tagged.get(label)?.some((at) => at > other.opened && at <= to));
  }
}
