import { inspect } from 'node:util';
import type { Chronicle } from './chronicle.ts';
import type { Entries } from './entries.ts';
import {
  type Ask,
  isFailure,
  isRun,
  isShared,
  isValue,
  type Known,
  type Look,
  type Origin,
  type Run,
  type Subject,
  show,
} from './history.ts';
import type { Windows } from './windows.ts';

/** What a value may be answered with: what its own run returned, from after the last invalidation, not too old, the newest there is. */
export class AnswerLaw {
  readonly #chronicle: Chronicle;
  readonly #entries: Entries;
  readonly #windows: Windows;

  constructor(chronicle: Chronicle, entries: Entries, windows: Windows) {
    this.#chronicle = chronicle;
    this.#entries = entries;
    this.#windows = windows;
  }

  /** The mode of a call says whether it takes what there is. */
  checkMode(ask: Ask, origin: Origin): void {
    if ((ask.mode !== 'reload' && ask.mode !== 'no-cache') || isModeOver(ask)) return;
    const isLater = isRun(origin) ? (origin.ended?.turn ?? 0) >= ask.turn : origin.began > ask.at;
    const isNew = origin.ask === ask || (ask.mode === 'no-cache' && (ask.isStale || isLater));
    this.#chronicle.check(isNew, 'modes', () => `${show(ask)} was answered by ${origin.value}, from before`);
  }

  /** What was there when it was asked, and could be answered at once, was. */
  checkKnown(ask: Ask, origin: Origin): void {
    const { known, mode } = ask;
    if (known === undefined || ask.verb !== 'call' || ask.bypassed || mode === 'reload' || mode === 'no-cache') return;
    if (known.state === 'forgive' && mode === 'default') return;
    if (origin.ask === ask && this.#chronicle.mayNotHaveLooked(ask)) return;
    // Beside a run under way a slow store is not asked.
    if (this.#chronicle.rules.looksFirst && (origin.ask !== ask || origin.direct !== 'no')) return;
    const now = this.#entries.certain(ask.subject);
    if (now?.origin !== known.origin || now.state !== known.state) return;
    this.#chronicle.check(
      known.origin === origin,
      known.state === 'fresh' ? 'remembers' : 'windows',
      () => `${show(ask)} was answered ${origin.value}, while there was ${known.origin.value} (${known.state})`,
    );
  }

  /** Whether a run had been under way for so long when somebody came that he was not to wait for it. */
  #wasAbandoned(run: Run, { at, clock }: Look): boolean {
    return run.began < at && this.#chronicle.isAbandoned(run, clock);
  }

  /** `peek`, or the cache's `get`, answered. */
  seen(look: Look, value: unknown): void {
    if (value === undefined) {
      this.#checkAbsent(look);
      return;
    }
    const chronicle = this.#chronicle;
    const origin = this.originOf(look, value, undefined);
    chronicle.check(
      isShared(origin),
      'law 2',
      () => `${look.subject} was peeked at: ${origin.value}, which is not shared`,
    );
    chronicle.check(!origin.unkept, 'remembers', () => `${origin.value} was not to be kept`);
  }

  /** `has` answered. */
  had(look: Look, has: unknown): void {
    const chronicle = this.#chronicle;
    if (has === false) {
      this.#checkAbsent(look);
      return;
    }
    chronicle.check(has === true, 'law 1', () => `has answered ${inspect(has)}`);
    const ended = chronicle.history(look.subject).origins.filter(isValue);
    const kept = ended.filter((origin) => isShared(origin) && !origin.unkept);
    chronicle.check(kept.length > 0, 'remembers', () => `has(${look.subject}): nothing was kept`);
    const valid = kept.filter((origin) => !chronicle.isVoided(origin, look.at));
    chronicle.check(valid.length > 0, 'law 3', () => `has(${look.subject}): there is nothing that could be had`);
    chronicle.check(
      valid.some((origin) => origin.ended?.turn === chronicle.turn || this.#entries.stateOf(origin) === 'fresh'),
      'law 4',
      () => `has(${look.subject}): all is too old`,
    );
  }

  #checkAbsent(look: Look): void {
    if (look.turn !== this.#chronicle.turn) return;
    const known = this.known(look.subject);
    this.#chronicle.check(
      known === undefined || isFailure(known.origin) || (known.origin.ended?.at ?? 0) > look.at,
      'remembers',
      () => `${look.subject} is not there, ${known?.origin.value} should be`,
    );
  }

  /** An `invalidate` answered whether there was something; `known` from before it. */
  removed(subject: Subject, known: Known | undefined, existed: unknown): void {
    this.#chronicle.check(typeof existed === 'boolean', 'law 1', () => `invalidate answered ${inspect(existed)}`);
    this.#chronicle.check(
      known === undefined || existed === true || !this.#chronicle.rules.exact(),
      'remembers',
      () => `${subject} was not there to be invalidated`,
    );
  }

  /** The fresh entry that must be there, where that is known for certain. */
  known(subject: Subject): Known | undefined {
    const known = this.#entries.certain(subject);
    return known?.state === 'fresh' ? known : undefined;
  }

  /** Where a value came from that a call, or a look, was answered with. */
  originOf(look: Look, value: unknown, ask: Ask | undefined): Origin {
    const chronicle = this.#chronicle;
    const origin = chronicle.byValue.get(value);
    const { subject } = look;
    if (origin?.ended === undefined)
      throw chronicle.fault('law 1', `${subject} was answered what no run returned: ${inspect(value)}`);
    chronicle.check(origin.subject === subject, 'law 6', () => `${subject} was answered ${value}`);
    chronicle.check(
      !chronicle.isVoided(origin, look.at),
      'law 3',
      () => `${subject} was answered ${value}, from before an invalidation`,
    );
    this.#windows.checkAge(look, origin, ask);
    const isLate = origin.ended.turn < look.turn;
    const isGivenUp = isLate ? this.#entries.isAbandoned(origin) : isRun(origin) && this.#wasAbandoned(origin, look);
    chronicle.check(
      !isGivenUp || origin.ask === ask,
      'timeout',
      () => `${subject} was answered ${value}, whose run had taken too long to be kept or joined`,
    );
    if (chronicle.rules.orderly() && !origin.vague && isLate) {
      const newest = this.#entries.newest(subject, look.at, look.turn);
      chronicle.check(
        newest === undefined || newest.order <= origin.order,
        'newest',
        () => `${subject} was answered ${value}, while there was ${newest?.value}`,
      );
    }
    return origin;
  }
}

/** Whether what began the mode has been answered already: who waited for nothing may find it gone. */
function isModeOver({ mode, parent }: Ask): boolean {
  for (let run = parent; run !== undefined; run = run.ask.parent) {
    if (run.ask.mode === mode && run.ask.outcome !== undefined) return true;
  }
  return false;
}
