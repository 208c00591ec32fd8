import type { Chronicle } from './chronicle.ts';
import type { Entries } from './entries.ts';
import { type Ask, isFailure, isValue, type Look, type Origin, type Run, show } from './history.ts';
import { isOdd } from './values.ts';

/**
 * Law 4, and what runs behind an answer: nothing past its ttl but in a window that was declared, one run behind it, and none for
 * `retryAfter` when that has failed.
 */
export class Windows {
  readonly #chronicle: Chronicle;
  readonly #entries: Entries;
  /** Answers that the function is to be run behind, if it does not run already. */
  #owed: Ask[] = [];

  constructor(chronicle: Chronicle, entries: Entries) {
    this.#chronicle = chronicle;
    this.#entries = entries;
  }

  /** A call, or a look, was answered with a value of some age. */
  checkAge(look: Look, origin: Origin, ask: Ask | undefined): void {
    const chronicle = this.#chronicle;
    // Joined, or as good as that.
    if (origin.ended?.turn === chronicle.turn) return;
    const state = this.#entries.stateOf(origin);
    if (state === 'fresh') return;
    const isAllowed = ask !== undefined && state !== 'gone' && this.#isStaleAllowed(origin, ask, state);
    chronicle.check(isAllowed, 'law 4', () => `${look.subject} was answered ${origin.value}, which is too old`);
    if (ask !== undefined) ask.isStale = true;
  }

  #isStaleAllowed(origin: Origin, ask: Ask, state: 'revalidate' | 'forgive'): boolean {
    if (ask.verb !== 'call') return false;
    if (ask.mode === 'force-cache' || ask.mode === 'only-if-cached') return true;
    if (this.#hasLimitPassed(ask, 'soft') || this.#wasForgiven(origin, ask)) return true;
    return state === 'revalidate' && ask.mode === 'default';
  }

  /** Whether a run failed in a way that a stale answer takes the place of: one that was waited for, or a moment ago. */
  #wasForgiven(origin: Origin, ask: Ask): boolean {
    const { rules, runs, turn } = this.#chronicle;
    const now = rules.now();
    const age = now - (origin.ended?.clock ?? 0);
    if (age >= this.#entries.lifeOf(origin) + rules.staleIfError) return false;
    return runs.some((run) => {
      const { ended, subject } = run;
      if (subject !== origin.subject || ended === undefined || run.ask.bypassed || !this.isForgiven(run)) return false;
      if (ended.turn === turn && ended.at > ask.at) return true;
      return ended.clock + rules.retryAfter > now && !this.#isLifted(run, ask.at, false);
    });
  }

  /** Whether the error of a run is one of those that may be answered stale. */
  isForgiven({ ended }: Run): boolean {
    if (ended === undefined || !('error' in ended.outcome)) return false;
    return !this.#chronicle.rules.picky || !isOdd(ended.outcome.error);
  }

  /** Whether a caller may have had enough of waiting. */
  #hasLimitPassed(ask: Ask, limit: 'soft' | 'hard'): boolean {
    return this.#chronicle.rules.timeout[limit] !== undefined && ask.at < this.#chronicle.limited;
  }

  /** A call got a `TimeoutError`. */
  checkLimit(ask: Ask): void {
    const hasPassed = this.#hasLimitPassed(ask, 'hard');
    this.#chronicle.check(hasPassed, 'timeout', () => `${show(ask)} was told of a limit that has not passed`);
  }

  /** The limits of all who asked before a moment have passed. */
  checkLimits(before: number): void {
    const { asks, rules } = this.#chronicle;
    if (rules.timeout.hard === undefined || rules.looksFirst) return;
    const late = asks.find(
      ({ at, verb, bypassed, outcome }) => at < before && verb === 'call' && !bypassed && outcome === undefined,
    );
    this.#chronicle.check(late === undefined, 'timeout', () => `${show(late as Ask)} waits beyond its limit`);
  }

  // ── behind an answer ──

  /** A run turns out to be behind an answer from `origin`; one that began after the answer was opened a little before. */
  checkBehind(run: Run, origin: Origin, isLater: boolean): void {
    const chronicle = this.#chronicle;
    const { ask } = run;
    // Its caller may have given up waiting, or be answered in place of its error.
    if (this.#hasLimitPassed(ask, 'soft') || (isFailure(run) && ask.isStale)) return;
    run.behind = true;
    if (chronicle.rules.looksFirst) {
      // It was opened when the answer was known: a moment before it began.
      run.order = run.began;
      run.vague = ask.vague || isLater;
    }
    chronicle.check(ask.mode === 'default', 'modes', () => `${show(ask)} has begun a run behind its answer`);
    const isDue = isValue(origin) && (ask.isStale || this.#entries.isDue(origin));
    chronicle.check(isDue, 'law 2', () => `${run.subject} was run behind ${origin.value}, which is fresh`);
    const resting = this.#restingFor(run);
    chronicle.check(
      resting === undefined,
      'law 2',
      () => `${run.subject} was run again too early after ${resting?.value}`,
    );
    const other = chronicle.runs.find(
      ({ behind, subject, began, ended }) =>
        behind && subject === run.subject && began < run.began && (ended === undefined || ended.at > run.began),
    );
    chronicle.check(
      other === undefined || this.#isApart(other, run),
      'law 2',
      () => `${run.subject} runs twice behind answers: ${other?.value} and ${run.value}`,
    );
  }

  /** A run was for its caller, who could have been answered stale if the function rests. */
  checkForeground({ mode, bypassed }: Ask, run: Run): void {
    if (bypassed || run.beside?.state !== 'forgive' || mode !== 'default') return;
    const resting = this.#restingFor(run);
    const isTooEarly = resting !== undefined && this.isForgiven(resting);
    this.#chronicle.check(!isTooEarly, 'law 2', () => `${run.subject} was run again too early after ${resting?.value}`);
  }

  #isApart(older: Run, newer: Run): boolean {
    const { invalidated, refreshed } = this.#chronicle.history(newer.subject);
    const isBetween = (at: number): boolean => at > older.opened && at <= newer.began;
    if ([...invalidated, ...refreshed].some(isBetween)) return true;
    return this.#chronicle.isAbandoned(older, newer.clock) || this.#chronicle.isOutdated(older, newer.began);
  }

  /** The failed run for whose sake the function was not to be run behind an answer yet. */
  #restingFor({ subject, clock, began, turn }: Run): Run | undefined {
    const { rules, runs } = this.#chronicle;
    return runs.find((run) => {
      if (run.subject !== subject || run.ended === undefined || !isFailure(run)) return false;
      if (run.ended.at > began || run.ended.turn >= turn) return false;
      // One that was begun behind an answer, or whose caller was answered stale.
      if (!run.behind && !(run.ask.isStale && this.isForgiven(run))) return false;
      return clock < run.ended.clock + rules.retryAfter && !this.#isLifted(run, began, true);
    });
  }

  /**
   * Whether something has happened that makes the failure of a run forgotten: an invalidation, or a refresh, since it failed.
   * `perhaps`: also what may have done so while it was under way, or by a newer value.
   */
  #isLifted(run: Run, before: number, perhaps: boolean): boolean {
    const { invalidated, lifted, origins } = this.#chronicle.history(run.subject);
    const { opened, ended } = run;
    if (!perhaps) return lifted.some(({ at, turn }) => at < before && turn > (ended?.turn ?? 0));
    const since = (at: number): boolean => at > opened && at < before;
    if (invalidated.some(since) || lifted.some(({ at }) => since(at)) || this.#entries.isAbandoned(run)) return true;
    return origins.some((origin) => isValue(origin) && origin.ended !== undefined && since(origin.ended.at));
  }

  /** A call was answered from an entry: is the function to be run behind it? */
  noteAnswer(ask: Ask, origin: Origin): void {
    const { rules, runs, turn } = this.#chronicle;
    // Beside a look into a slow store nothing is run behind.
    if (
      !rules.exact() ||
      rules.looksFirst ||
      ask.mode !== 'default' ||
      origin.ended?.turn === turn ||
      ask.turn !== turn
    )
      return;
    const isAsked = ask.isStale ? this.#entries.stateOf(origin) === 'revalidate' : this.#entries.isDue(origin);
    if (!isAsked) return;
    const now = rules.now();
    const mayRest = runs.some(
      (run) => run.subject === ask.subject && isFailure(run) && (run.ended?.clock ?? 0) + rules.retryAfter > now,
    );
    if (!mayRest) this.#owed.push(ask);
  }

  /** All is quiet: what is to run behind answers does, or did. */
  checkQuiet(): void {
    const { runs, turn } = this.#chronicle;
    const owed = this.#owed;
    this.#owed = [];
    for (const ask of owed) {
      const runsOn = runs.some(
        (run) => run.subject === ask.subject && (run.ended === undefined || run.ended.turn === turn),
      );
      // One that was voided before it began need not run.
      const { invalidated, refreshed } = this.#chronicle.history(ask.subject);
      const isVoided = [...invalidated, ...refreshed].some((at) => at > ask.at);
      this.#chronicle.check(runsOn || isVoided, 'windows', () => `nothing was run behind the answer to ${show(ask)}`);
    }
  }
}
