import type { Chronicle } from './chronicle.ts';
import type { Entries } from './entries.ts';
import { type Ask, isFailure, isFor, type Origin, type Run, show } from './history.ts';
import { isOdd } from './values.ts';
import type { Windows } from './windows.ts';

type Fault = readonly [law: string, message: string];

/** Law 7: errors are not values. One is remembered only where that was asked for, and never in place of a value that is allowed yet. */
export class FailureLaw {
  readonly #chronicle: Chronicle;
  readonly #entries: Entries;
  readonly #windows: Windows;

  constructor(chronicle: Chronicle, entries: Entries, windows: Windows) {
    this.#chronicle = chronicle;
    this.#entries = entries;
    this.#windows = windows;
  }

  /** A run is about to fail: is its error to be remembered? */
  isRemembered(run: Run, error: unknown): Origin['remembered'] {
    const { rules } = this.#chronicle;
    // Who wanted it anew leaves the entry as it is.
    const { verb, mode } = run.ask;
    if (verb === 'refresh' || mode === 'reload' || mode === 'no-cache') return 'no';
    if (rules.cacheErrors === 0 || run.unstored || run.ask.bypassed || run.direct === 'yes') return 'no';
    if ((rules.picky && isOdd(error)) || this.#chronicle.isAbandoned(run, rules.now())) return 'no';
    if (this.#chronicle.isVoided(run, Number.POSITIVE_INFINITY)) return 'no';
    // What has not looked into a slow store cannot know what it would take the place of.
    const mayLook = run.ask.verb === 'call' && run.ask.mode === 'default' && !this.#chronicle.mayNotHaveLooked(run.ask);
    const looks = !rules.looksFirst || mayLook;
    const known = looks ? this.#entries.known(run.subject) : 'unclear';
    if (known === 'unclear' || run.direct === 'perhaps') return 'perhaps';
    if (this.#chronicle.isKeyVoided(run) || this.#chronicle.isTagVoided(run)) return 'perhaps';
    if (known !== undefined && !isFailure(known.origin)) return 'held';
    // A newer run that has ended has taken its right to be kept, or was not kept itself; one under way may end first.
    const { origins } = this.#chronicle.history(run.subject);
    const isAlone = origins.every((other) => other === run || (other.ended !== undefined && other.order < run.order));
    return isAlone ? 'yes' : 'perhaps';
  }

  /** A call was answered with an error: that of a run which went on when it came, or one that was remembered. */
  check(ask: Ask, error: unknown): Run {
    const chronicle = this.#chronicle;
    const sources = chronicle.runs.filter((run) => isFailure(run, error));
    const own = sources.filter(({ subject }) => subject === ask.subject);
    chronicle.check(sources.length > 0, 'law 1', () => `${ask.subject} threw what no run threw: ${error}`);
    chronicle.check(own.length > 0, 'law 6', () => `${ask.subject} got the error of ${sources[0]?.subject}`);
    // Several runs can throw one error, when one passes on what another threw.
    let fault: Fault | undefined;
    for (const run of own) {
      fault = this.#faultOf(run, ask, error);
      if (fault !== undefined) continue;
      this.#checkForgiveness(ask, run);
      return run;
    }
    const [law, message] = fault as Fault;
    throw chronicle.fault(law, message);
  }

  #faultOf(run: Run, ask: Ask, error: unknown): Fault | undefined {
    const chronicle = this.#chronicle;
    const { rules, turn } = chronicle;
    const isLate = !chronicle.isOpen(run, ask.turn);
    const what = `${show(ask)} got the error of a run that had ended before: ${error}`;
    const isHeld = run.remembered === 'held' && rules.exact();
    if (isLate && (rules.cacheErrors === 0 || run.remembered === 'no' || isHeld || !isFor(run, ask))) {
      return ['law 7', what];
    }
    if (chronicle.isVoided(run, ask.at)) {
      return ['law 3', `${ask.subject} got the error of a run from before an invalidation: ${error}`];
    }
    if (!isFor(run, ask)) return ['law 2', `${ask.subject} got an error of a run that is not shared`];
    if (run.ask !== ask && (ask.mode === 'reload' || (isLate && ask.mode === 'no-cache'))) {
      return ['modes', `${show(ask)} got the error of another run`];
    }
    if (!isLate) return undefined;
    if (this.#entries.stateOf(run) !== 'fresh') return ['law 7', `${what}, and is too old`];
    const newest = rules.orderly() && !run.vague ? this.#entries.newest(ask.subject, ask.at, ask.turn) : undefined;
    if (newest !== undefined && newest.order > run.order) return ['newest', `${what}, while there was ${newest.value}`];
    if (ask.runs.some(({ ended }) => ended === undefined || ended.turn === turn)) {
      return ['law 2', `${show(ask)} was answered with an error and has begun a run behind it`];
    }
    return undefined;
  }

  /** No error takes the place of a stale answer that is allowed. */
  #checkForgiveness(ask: Ask, run: Run): void {
    const { known } = ask;
    if (known === undefined || ask.verb !== 'call' || ask.bypassed || ask.mode !== 'default') return;
    if (this.#chronicle.mayNotHaveLooked(ask) || this.#chronicle.mayNotHaveLooked(run.ask)) return;
    if (this.#chronicle.rules.timeout.abandon !== undefined || !this.#windows.isForgiven(run)) return;
    if (this.#chronicle.rules.looksFirst && isBesideRun(ask, run, known.origin)) return;
    const now = this.#entries.certain(ask.subject);
    if (now === undefined || now.origin !== known.origin || isFailure(known.origin)) return;
    throw this.#chronicle.fault(
      'windows',
      `${show(ask)} got an error, while ${known.origin.value} was allowed (${now.state})`,
    );
  }

  /** A call was told that there is nothing. */
  checkRefused(ask: Ask): void {
    const isAsked = ask.mode === 'only-if-cached' && !ask.bypassed && ask.runs.length === 0;
    this.#chronicle.check(isAsked, 'modes', () => `${show(ask)} was told that there is nothing`);
    const now = this.#entries.certain(ask.subject);
    const known = now?.origin === ask.known?.origin ? ask.known : undefined;
    this.#chronicle.check(known === undefined, 'remembers', () => `${show(ask)} did not get ${known?.origin.value}`);
  }
}

/** Whether a call came upon a run under way that did not find what an older one has brought since: a slow store is not asked beside it. */
function isBesideRun(ask: Ask, run: Run, known: Origin): boolean {
  if (run.ask === ask) return run.direct !== 'no';
  const { verb, mode } = run.ask;
  return verb === 'call' && mode !== 'reload' && mode !== 'no-cache' && known.order < run.order;
}
