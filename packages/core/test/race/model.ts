import { inspect, isDeepStrictEqual } from 'node:util';
import { RepriseError, TimeoutError } from '@reprise/core';
import { AnswerLaw } from './answers.ts';
import { Chronicle } from './chronicle.ts';
import { Entries } from './entries.ts';
import { FailureLaw } from './failures.ts';
import { FlightLaw } from './flights.ts';
import {
  type Ask,
  isFailure,
  isFor,
  type Look,
  type Origin,
  type Outcome,
  type Rules,
  type Run,
  type Subject,
  show,
} from './history.ts';
import { labelsIn, makeText, nameTag, wrapText } from './values.ts';
import { Windows } from './windows.ts';

/** What is asked; the model adds when. */
export type Question = Pick<Ask, 'verb' | 'subject' | 'args' | 'plan' | 'parent' | 'alone' | 'bypassed' | 'mode'>;

/**
 * What happened, seen from outside: who asked, what ran, what was invalidated. It knows nothing of how the engine works, and
 * says of every answer whether the laws allow it.
 */
export class Model {
  readonly chronicle: Chronicle;
  readonly #entries: Entries;
  readonly #windows: Windows;
  readonly #flights: FlightLaw;
  readonly #failures: FailureLaw;
  readonly answers: AnswerLaw;
  readonly #rules: Rules;

  constructor(rules: Rules) {
    const chronicle = new Chronicle(rules);
    this.chronicle = chronicle;
    this.#rules = rules;
    this.#entries = new Entries(chronicle);
    this.#windows = new Windows(chronicle, this.#entries);
    this.#flights = new FlightLaw(chronicle);
    this.#failures = new FailureLaw(chronicle, this.#entries, this.#windows);
    this.answers = new AnswerLaw(chronicle, this.#entries, this.#windows);
  }

  // ── what happens ──

  ask(question: Question): Ask {
    const { chronicle } = this;
    const { verb, subject, parent, mode } = question;
    const known = this.#entries.certain(subject);
    const vague = this.#isVague(question);
    const ask: Ask = {
      ...question,
      ...chronicle.look(subject),
      known,
      vague,
      runs: [],
      outcome: undefined,
      origin: undefined,
      isStale: false,
    };
    chronicle.asks.push(ask);
    if (verb === 'refresh' || mode === 'reload') chronicle.history(subject).refreshed.push(ask.at);
    if (verb === 'refresh') chronicle.history(subject).lifted.push(ask);
    parent?.waits.add(ask);
    return ask;
  }

  /** Whether the run of a question may be opened later than it is asked. */
  #isVague({ verb, subject, alone, bypassed, mode }: Question): boolean {
    if (!this.#rules.looksFirst || bypassed || verb === 'refresh') return false;
    if (mode === 'force-cache') return true;
    if (alone || mode === 'reload') return false;
    if (mode === 'no-cache') return true;
    const { runs, asks, turn, lastTagged } = this.chronicle;
    const isOpen = (run: Run): boolean => this.chronicle.isOpen(run, turn);
    // It looks whether the older entry answers, before it waits for one that takes its place.
    const isBeside = ({ ask, ...run }: Run): boolean =>
      run.subject === subject && (ask.verb === 'refresh' || ask.mode !== 'default' || this.#runsBehind);
    if (runs.some((run) => isOpen(run) && isBeside(run))) return true;
    // What it waits for may turn out to have a label that was invalidated before.
    return asks.some(
      (other) =>
        other.subject === subject && other.at < lastTagged && (other.outcome === undefined || other.runs.some(isOpen)),
    );
  }

  get #runsBehind(): boolean {
    return this.#rules.staleWhileRevalidate > 0 || this.#rules.refreshAhead > 0;
  }

  /** The function begins to run. */
  begin(ask: Ask, args: readonly unknown[]): Run {
    const { chronicle } = this;
    chronicle.check(isDeepStrictEqual(args, ask.args), 'law 1', () => `${ask.subject} was run with ${inspect(args)}`);
    chronicle.check(ask.mode !== 'only-if-cached' || ask.bypassed, 'modes', () => `${show(ask)} has run the function`);
    const { plan, subject } = ask;
    const began = ++chronicle.moment;
    const isBehind = ask.origin !== undefined;
    const { looksFirst } = this.#rules;
    const vague = looksFirst && (ask.vague || (ask.verb === 'call' && !ask.bypassed && this.#runsBehind));
    const opened = looksFirst || isBehind ? ask.at : began;
    const known = this.#entries.certain(subject);
    const run: Run = {
      subject,
      value: makeText(`${subject} run ${chronicle.runs.length}`, plan.labels, plan.unkept),
      began,
      opened,
      order: vague ? began : opened,
      vague,
      turn: chronicle.turn,
      clock: this.#rules.now(),
      ended: undefined,
      unkept: plan.unkept,
      unstored: false,
      life: undefined,
      labels: new Set(),
      loose: false,
      readAt: 0,
      ask,
      direct: 'no',
      remembered: 'no',
      beside: known?.origin === ask.known?.origin ? known : undefined,
      waits: new Set(),
      gaveUp: false,
      behind: false,
    };
    this.#flights.check(run);
    if (ask.outcome === undefined) this.#checkNeed(ask, run);
    ask.runs.push(run);
    chronicle.runs.push(run);
    chronicle.history(subject).origins.push(run);
    chronicle.byValue.set(run.value, run);
    if (ask.origin !== undefined) this.#windows.checkBehind(run, ask.origin, true);
    return run;
  }

  /** Nothing is run in place of a fresh entry. */
  #checkNeed(ask: Ask, { direct }: Run): void {
    if (ask.verb !== 'call' || ask.bypassed || ask.mode === 'reload' || ask.mode === 'no-cache') return;
    const known = this.#entries.certain(ask.subject);
    if (known?.state !== 'fresh' || this.#entries.isDue(known.origin) || this.chronicle.mayNotHaveLooked(ask)) return;
    // Another may have brought it while the store was being asked; and beside a run under way the store is not asked.
    if (this.#rules.looksFirst && (ask.known?.origin !== known.origin || direct !== 'no')) return;
    // Or it runs behind an answer, a little later, as synchronous functions do.
    if (!this.#rules.looksFirst && this.chronicle.moment !== ask.at + 1) return;
    throw this.chronicle.fault('remembers', `${ask.subject} ran again while there was ${known.origin.value}`);
  }

  end(run: Run, outcome: Outcome): void {
    const { chronicle } = this;
    const now = this.#rules.now();
    if ('error' in outcome) run.remembered = this.#failures.isRemembered(run, outcome.error);
    // What goes around the cache has the labels of its value for the run around it.
    if (!run.ask.bypassed || 'value' in outcome) this.#label(run.labels, 'value' in outcome ? run.value : undefined);
    if (run.waits.size > 0) run.loose = true;
    run.unkept ||= run.unstored || (run.life ?? this.#rules.ttl) === 0;
    run.readAt = now;
    run.ended = { at: ++chronicle.moment, turn: chronicle.turn, clock: now, outcome };
  }

  /** What the option gives a value, or an error. */
  #label(labels: Set<string>, value: string | undefined): void {
    const { tags } = this.#rules;
    if (tags === 'list') labels.add(nameTag(0));
    else if (tags === 'value' && value !== undefined) for (const label of labelsIn(value)) labels.add(label);
  }

  /** A run says something of the entry being made; what runs for its caller alone says it of the entry around it. */
  remark(run: Run, remark: { readonly label?: string; readonly life?: number; readonly unstored?: boolean }): void {
    if (remark.label !== undefined) run.labels.add(remark.label);
    if (remark.life !== undefined) run.life = Math.min(run.life ?? Number.POSITIVE_INFINITY, remark.life);
    if (remark.unstored) run.unstored = true;
  }

  invalidate(subjects: Iterable<Subject>): void {
    const at = ++this.chronicle.moment;
    for (const subject of subjects) this.chronicle.history(subject).invalidated.push(at);
  }

  invalidateTags(labels: readonly string[]): void {
    const { tagged } = this.chronicle;
    const at = ++this.chronicle.moment;
    this.chronicle.lastTagged = at;
    for (const label of labels) tagged.set(label, [...(tagged.get(label) ?? []), at]);
    // Whether the engine has seen yet what the error of a run was not to take the place of, cannot be told from here.
    for (const run of this.chronicle.runs) {
      const isJustHeld = run.remembered === 'held' && run.ended?.turn === this.chronicle.turn;
      if (isJustHeld && this.#entries.known(run.subject) === 'unclear') run.remembered = 'perhaps';
    }
  }

  /** A `set`. @returns the value to set */
  put(subject: Subject, unkept: boolean, labels: readonly number[]): unknown {
    const { chronicle } = this;
    this.invalidate([subject]);
    const at = chronicle.moment;
    const value = makeText(`${subject} set at ${at}`, labels, unkept);
    const now = this.#rules.now();
    const origin: Origin = {
      subject,
      value,
      began: at,
      opened: at,
      order: at,
      vague: false,
      ended: { at, turn: chronicle.turn, clock: now, outcome: { value } },
      unkept: unkept || this.#rules.ttl === 0,
      unstored: false,
      life: undefined,
      labels: new Set(),
      loose: false,
      readAt: now,
      ask: undefined,
      direct: 'no',
      remembered: 'no',
    };
    this.#label(origin.labels, value);
    chronicle.history(subject).origins.push(origin);
    chronicle.byValue.set(value, origin);
    return wrapText(value, this.#rules.isolate);
  }

  /** A look begins: see `seen` and `had`. */
  look(subject: Subject): Look {
    return this.chronicle.look(subject);
  }

  /** The limits of callers begin to pass. @returns what is to be called when they have passed */
  passLimits(): () => void {
    const { chronicle } = this;
    const before = ++chronicle.moment;
    chronicle.limited = Number.POSITIVE_INFINITY;
    return () => {
      chronicle.limited = ++chronicle.moment;
      this.#windows.checkLimits(before);
    };
  }

  /** All is quiet. */
  quiet(): void {
    this.#windows.checkQuiet();
    this.chronicle.turn++;
  }

  // ── the laws ──

  #close(ask: Ask, outcome: Outcome): void {
    ask.outcome = outcome;
    ask.parent?.waits.delete(ask);
  }

  /** A call got its answer. */
  answered(ask: Ask, outcome: Outcome): void {
    this.#close(ask, outcome);
    if ('error' in outcome) {
      this.#failed(ask, outcome.error);
      return;
    }
    const { chronicle } = this;
    const origin = this.answers.originOf(ask, outcome.value, ask);
    chronicle.check(
      isFor(origin, ask),
      'law 2',
      () => `${show(ask)} was answered by ${origin.value}, which is not for it`,
    );
    this.answers.checkMode(ask, origin);
    this.answers.checkKnown(ask, origin);
    ask.origin = origin;
    origin.readAt = this.#rules.now();
    for (const run of ask.runs) {
      if (run === origin) this.#foreground(ask, run);
      else this.#windows.checkBehind(run, origin, false);
    }
    this.#windows.noteAnswer(ask, origin);
    this.#pass(ask, origin);
  }

  #failed(ask: Ask, error: unknown): void {
    const isThrown = this.chronicle.runs.some((run) => isFailure(run, error));
    if (!isThrown && error instanceof TimeoutError) {
      this.#windows.checkLimit(ask);
      // What it would have been answered with may yet add its labels.
      if (ask.parent !== undefined) {
        ask.parent.loose = true;
        ask.parent.gaveUp = true;
      }
    } else if (!isThrown && error instanceof RepriseError && error.code === 'E_NOT_CACHED') {
      this.#failures.checkRefused(ask);
    } else {
      const run = this.#failures.check(ask, error);
      this.#foreground(ask, run);
      this.#pass(ask, run);
    }
  }

  /** A run was for who asked, and so was opened when he asked. */
  #foreground(ask: Ask, run: Run | Origin): void {
    if (run.ask !== ask) return;
    this.#windows.checkForeground(ask, run as Run);
    if (!this.#rules.looksFirst) return;
    run.vague = ask.vague;
    run.order = ask.vague ? run.began : ask.at;
  }

  /** Who uses an answer has its labels from then on. */
  #pass({ parent, isStale }: Ask, origin: Origin): void {
    if (parent === undefined || parent.ended !== undefined) return;
    if (isStale && this.#rules.timeout.soft !== undefined) parent.gaveUp = true;
    for (const label of origin.labels) parent.labels.add(label);
    // A run that failed behind a stale answer has left its own as well.
    if (origin.loose || isStale || isFailure(origin)) parent.loose = true;
  }
}
