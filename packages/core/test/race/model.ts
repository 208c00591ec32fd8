import { inspect, isDeepStrictEqual } from 'node:util';
import {
  type Ask,
  type Look,
  type Origin,
  type Outcome,
  type Rules,
  type Run,
  type Subject,
  Violation,
} from './history.ts';

/**
 * What happened, seen from outside: who asked, what ran, what was invalidated. It knows nothing of how the engine works, and
 * says of every answer whether the laws allow it.
 *
 * Two measures of time: `moment` counts events, `turn` counts pauses. What ended in an earlier turn has reached the engine.
 */
export class Model {
  turn = 0;
  readonly asks: Ask[] = [];
  readonly runs: Run[] = [];
  readonly subjects: Map<
    Subject,
    { readonly invalidated: number[]; readonly refreshed: number[]; readonly origins: Origin[] }
  > = new Map();
  readonly #rules: Rules;
  readonly #byValue = new Map<unknown, Origin>();
  #moment = 0;
  /** The first law that was broken where nobody could be told. */
  broken: Violation | undefined;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  // ── what happens ──

  ask(given: Omit<Ask, 'at' | 'turn' | 'clock' | 'besideRefresh' | 'outcome'>): Ask {
    const { runs } = this;
    const besideRefresh =
      this.#rules.looksFirst &&
      !given.alone &&
      runs.some((run) => run.ask.verb === 'refresh' && run.subject === given.subject && this.#isOpen(run, this.turn));
    const ask: Ask = { ...given, ...this.#look(given.subject), besideRefresh, outcome: undefined };
    this.asks.push(ask);
    if (given.verb === 'refresh') this.#history(given.subject).refreshed.push(ask.at);
    given.parent?.waits.add(ask);
    return ask;
  }

  /** The function begins to run. */
  begin(ask: Ask, args: readonly unknown[]): Run {
    this.#check(isDeepStrictEqual(args, ask.args), 'law 1', () => `${ask.subject} was run with ${inspect(args)}`);
    const began = ++this.#moment;
    const run: Run = {
      subject: ask.subject,
      value: `${ask.subject} run ${this.runs.length}${ask.plan.unkept ? '!' : ''}`,
      began,
      order: ask.besideRefresh ? began : ask.at,
      vague: ask.besideRefresh,
      ended: undefined,
      unkept: ask.plan.unkept,
      ask,
      direct: 'no',
      waits: new Set(),
    };
    this.#checkFlights(run);
    if (ask.verb === 'call' && !ask.bypassed) {
      const known = this.known(ask.subject);
      this.#check(known === undefined, 'remembers', () => `${ask.subject} ran again while there was ${known?.value}`);
    }
    this.runs.push(run);
    this.#history(run.subject).origins.push(run);
    this.#byValue.set(run.value, run);
    return run;
  }

  end(run: Run, outcome: Outcome): void {
    run.ended = { at: ++this.#moment, turn: this.turn, clock: this.#rules.now(), outcome };
  }

  invalidate(subjects: Iterable<Subject>): void {
    const at = ++this.#moment;
    for (const subject of subjects) this.#history(subject).invalidated.push(at);
  }

  /** A `set`. @returns the value to set */
  put(subject: Subject, unkept: boolean): string {
    this.invalidate([subject]);
    const at = this.#moment;
    const value = `${subject} set at ${at}${unkept ? '!' : ''}`;
    const ended = { at, turn: this.turn, clock: this.#rules.now(), outcome: { value } };
    const origin: Origin = {
      subject,
      value,
      began: at,
      order: at,
      vague: false,
      ended,
      unkept,
      ask: undefined,
      direct: 'no',
    };
    this.#history(subject).origins.push(origin);
    this.#byValue.set(value, origin);
    return value;
  }

  /** A look begins: see `seen` and `had`. */
  look(subject: Subject): Look {
    return this.#look(subject);
  }

  /** How often what is rare came to pass. */
  tally(): Readonly<Record<'circle' | 'voided' | 'replaced' | 'put', number>> {
    const { runs, subjects } = this;
    return {
      circle: runs.filter(({ direct }) => direct === 'yes').length,
      voided: runs.filter(({ ask, ended, subject }) => {
        const { invalidated } = this.#history(subject);
        return ended !== undefined && invalidated.some((at) => at > ask.at && at < ended.at);
      }).length,
      replaced: runs.filter(({ ask, ended, subject }) => {
        const { refreshed } = this.#history(subject);
        return ended !== undefined && refreshed.some((at) => at > ask.at && at < ended.at);
      }).length,
      put: [...subjects.values()].flatMap(({ origins }) => origins).filter(({ ask }) => ask === undefined).length,
    };
  }

  // ── the laws ──

  /** A call got its answer. */
  answered(ask: Ask, outcome: Outcome): void {
    ask.outcome = outcome;
    ask.parent?.waits.delete(ask);
    if ('error' in outcome) {
      const sources = this.runs.filter((run) => isFailure(run, outcome.error));
      const own = sources.filter(({ subject }) => subject === ask.subject);
      this.#check(
        sources.length > 0,
        'law 1',
        () => `${ask.subject} threw what no run threw: ${inspect(outcome.error)}`,
      );
      this.#check(own.length > 0, 'law 6', () => `${ask.subject} got the error of ${sources[0]?.subject}`);
      // Several runs can throw one error, when one passes on what another threw.
      const living = own.filter((run) => this.#isOpen(run, ask.turn));
      this.#check(
        living.length > 0,
        'law 7',
        () => `${ask.subject} got the error of a run that had ended before: ${outcome.error}`,
      );
      const valid = living.filter((run) => !this.#isVoided(run, ask));
      this.#check(valid.length > 0, 'law 3', () => `${ask.subject} got the error of a run from before an invalidation`);
      this.#check(
        valid.some((run) => isFor(run, ask)),
        'law 2',
        () => `${ask.subject} got an error of a run that is not shared`,
      );
      return;
    }
    const origin = this.#originOf(ask, outcome.value);
    this.#check(isFor(origin, ask), 'law 2', () => `${show(ask)} was answered by ${origin.value}, which is not for it`);
  }

  /** `peek`, or the cache's `get`, answered. */
  seen(look: Look, value: unknown): void {
    if (value === undefined) {
      this.#checkKnown(look);
      return;
    }
    const origin = this.#originOf(look, value);
    this.#check(isShared(origin), 'law 2', () => `${look.subject} was peeked at: ${origin.value}, which is not shared`);
    this.#check(!origin.unkept, 'remembers', () => `${origin.value} was not to be kept`);
  }

  /** `has` answered. */
  had(look: Look, has: unknown): void {
    if (has === false) {
      this.#checkKnown(look);
      return;
    }
    this.#check(has === true, 'law 1', () => `has answered ${inspect(has)}`);
    const ended = this.#history(look.subject).origins.filter(
      (origin) => origin.ended !== undefined && 'value' in origin.ended.outcome,
    );
    const kept = ended.filter((origin) => isShared(origin) && !origin.unkept);
    this.#check(kept.length > 0, 'remembers', () => `has(${look.subject}): nothing was kept`);
    const valid = kept.filter((origin) => !this.#isVoided(origin, look));
    this.#check(valid.length > 0, 'law 3', () => `has(${look.subject}): there is nothing that could be had`);
    this.#check(
      valid.some((origin) => this.#isFresh(origin, look)),
      'law 4',
      () => `has(${look.subject}): all is too old`,
    );
  }

  /** An `invalidate` answered whether there was something; `known` from before it. */
  removed(subject: Subject, known: Origin | undefined, existed: unknown): void {
    this.#check(typeof existed === 'boolean', 'law 1', () => `invalidate answered ${inspect(existed)}`);
    this.#check(
      known === undefined || existed === true,
      'remembers',
      () => `${subject} was not there to be invalidated`,
    );
  }

  /** The entry that must be there, where that is known for certain. */
  known(subject: Subject): Origin | undefined {
    if (!this.#rules.exact()) return undefined;
    const { origins } = this.#history(subject);
    const isUnclear = ({ ask, ended, direct }: Origin): boolean =>
      direct === 'perhaps' || (ask !== undefined && ended?.turn === this.turn);
    if (origins.some(isUnclear)) return undefined;
    const newest = this.#newest(subject, Infinity, this.turn + 1);
    if (newest?.ended === undefined || newest.unkept) return undefined;
    return this.#rules.now() - newest.ended.clock < this.#rules.ttl ? newest : undefined;
  }

  #checkKnown(look: Look): void {
    if (look.turn !== this.turn) return;
    const known = this.known(look.subject);
    this.#check(known === undefined, 'remembers', () => `${look.subject} is not there, ${known?.value} should be`);
  }

  /** The newest result that was to be kept: of what ended before a turn, and was not invalidated before a moment. */
  #newest(subject: Subject, moment: number, turn: number): Origin | undefined {
    const { origins, invalidated } = this.#history(subject);
    let newest: Origin | undefined;
    for (const origin of origins) {
      if (origin.ended === undefined || origin.ended.turn >= turn || !('value' in origin.ended.outcome)) continue;
      const asked = origin.ask?.at ?? origin.began;
      if (
        !isShared(origin) ||
        origin.vague ||
        origin.direct === 'perhaps' ||
        invalidated.some((at) => at > asked && at < moment)
      )
        continue;
      if (newest === undefined || origin.order > newest.order) newest = origin;
    }
    return newest;
  }

  #originOf(look: Look, value: unknown): Origin {
    const origin = this.#byValue.get(value);
    const { subject } = look;
    if (origin?.ended === undefined)
      throw this.#fault('law 1', `${subject} was answered what no run returned: ${inspect(value)}`);
    this.#check(origin.subject === subject, 'law 6', () => `${subject} was answered ${value}`);
    this.#check(
      !this.#isVoided(origin, look),
      'law 3',
      () => `${subject} was answered ${value}, from before an invalidation`,
    );
    this.#check(this.#isFresh(origin, look), 'law 4', () => `${subject} was answered ${value}, which is too old`);
    if (this.#rules.orderly() && !origin.vague && origin.ended.turn < look.turn) {
      const newest = this.#newest(subject, look.at, look.turn);
      this.#check(
        newest === undefined || newest.order <= origin.order,
        'newest',
        () => `${subject} was answered ${value}, while there was ${newest?.value}`,
      );
    }
    return origin;
  }

  /** Whether the run goes on at the beginning of a turn. */
  #isOpen(run: Run, turn: number): boolean {
    return run.ended === undefined || run.ended.turn >= turn;
  }

  /** Law 3: whether there was an invalidation after the run began and before the look. */
  #isVoided(origin: Origin, look: { readonly at: number; readonly subject: Subject }): boolean {
    return this.#history(look.subject).invalidated.some((at) => at > origin.began && at < look.at);
  }

  /** Law 4: by the clock when the look was made, or, where the answer took longer, when it was given. */
  #isFresh(origin: Origin, look: Look): boolean {
    if (origin.ended === undefined || origin.ended.turn === this.turn) return true;
    const clock = look.turn === this.turn ? look.clock : this.#rules.now();
    return clock - origin.ended.clock < this.#rules.ttl;
  }

  /** Law 2, as a run begins. */
  #checkFlights(run: Run): void {
    const { ask } = run;
    if (ask.alone || ask.verb === 'refresh') return;
    const { invalidated, refreshed, origins } = this.#history(run.subject);
    for (const other of origins) {
      if (other.ask === undefined || other.direct === 'yes' || other.ask.alone) continue;
      if (other.ended !== undefined) {
        // It has ended just now: whether the engine knows it already, cannot be seen from here.
        if (other.ended.turn === this.turn && this.#mayWaitFor(other as Run, ask)) run.direct = 'perhaps';
        continue;
      }
      const from = Math.min(ask.at, other.ask.at);
      const to = Math.max(run.order, other.order);
      // A newer run that nobody joined may have taken the place of one that could be joined.
      const isReplaced = origins.some(
        ({ ask: own, order, ended }) => own?.alone && !own.bypassed && order > other.order && ended !== undefined,
      );
      const apart = isReplaced || [...invalidated, ...refreshed].some((at) => at > from && at <= to);
      if (apart && !isReplaced && !run.vague && !other.vague) continue;
      if (this.#mayWaitFor(other as Run, ask)) {
        run.direct = apart || other.direct === 'perhaps' ? 'perhaps' : 'yes';
        continue;
      }
      if (apart || other.direct === 'perhaps') continue;
      throw this.#fault('law 2', `${run.subject} runs twice at once: for ${show(other.ask)} and for ${show(ask)}`);
    }
  }

  /** Whether `other` may be waiting, directly or through others, for the run in which `ask` is made. */
  #mayWaitFor(other: Run, ask: Ask): boolean {
    if (ask.parent === undefined) return false;
    if (isWithin(ask.parent, other)) return true;
    // What has no flight of its own waits on behalf of the run around it.
    return this.runs.some((run) => run.waits.size > 0 && isWithin(run, other));
  }

  #look(subject: Subject): Look {
    return { subject, at: ++this.#moment, turn: this.turn, clock: this.#rules.now() };
  }

  #history(subject: Subject) {
    let history = this.subjects.get(subject);
    if (history === undefined) {
      history = { invalidated: [], refreshed: [], origins: [] };
      this.subjects.set(subject, history);
    }
    return history;
  }

  #check(holds: boolean, law: string, message: () => string): void {
    if (!holds) throw this.#fault(law, message());
  }

  /** Kept, too: what is thrown inside of a run, or of a promise's callback, might be swallowed. */
  #fault(law: string, message: string): Violation {
    const violation = new Violation(law, message);
    this.broken ??= violation;
    return violation;
  }
}

function isFailure(run: Run, error: unknown): boolean {
  return run.ended !== undefined && 'error' in run.ended.outcome && Object.is(run.ended.outcome.error, error);
}

/** Whether anybody but the caller may have it. */
function isShared({ ask, direct }: Origin): boolean {
  return direct !== 'yes' && ask?.bypassed !== true;
}

/** Whether an answer may come from there. */
function isFor(origin: Origin, ask: Ask): boolean {
  if (origin.ask === ask) return true;
  return ask.verb === 'call' && !ask.bypassed && isShared(origin);
}

/** Whether a run was begun inside of another, or of one inside of that. */
function isWithin(run: Run | undefined, other: Run): boolean {
  for (let outer = run; outer !== undefined; outer = outer.ask.parent) if (outer === other) return true;
  return false;
}

function show({ verb, subject, at }: Ask): string {
  return `the ${verb} of ${subject} at ${at}`;
}
