import type { Chronicle } from './chronicle.ts';
import { type Ask, isWithin, type Run, show } from './history.ts';

/** Law 2: one run for each key at a time, but where the laws or the user say otherwise, or where it would wait for itself. */
export class FlightLaw {
  readonly #chronicle: Chronicle;

  constructor(chronicle: Chronicle) {
    this.#chronicle = chronicle;
  }

  /** A run begins. */
  check(run: Run): void {
    const { ask } = run;
    if (ask.alone || ask.verb === 'refresh' || ask.mode === 'reload') return;
    const chronicle = this.#chronicle;
    const { invalidated, refreshed, origins } = chronicle.history(run.subject);
    for (const other of origins as Run[]) {
      if (other.ask === undefined || other.direct === 'yes' || other.ask.alone) continue;
      if (other.ended !== undefined) {
        // It has ended just now: whether the engine knows it already, cannot be seen from here.
        if (other.ended.turn === chronicle.turn && this.#mayWaitFor(other, ask)) run.direct = 'perhaps';
        continue;
      }
      const from = Math.min(run.opened, other.opened);
      const to = Math.max(run.order, other.order);
      // A newer run that nobody joined may have taken the place of one that could be joined.
      const isReplaced = origins.some(
        ({ ask: own, order, ended }) => own?.alone && !own.bypassed && order > other.order && ended !== undefined,
      );
      const isGivenUp = isReplaced || chronicle.isAbandoned(other, run.clock);
      const apart = isGivenUp || [...invalidated, ...refreshed].some((at) => at > from && at <= to);
      if (chronicle.isOutdated(other, to) || this.#mayBeOutdated(other, to, ask)) {
        // Whether its labels were known already, cannot be seen from here.
        if (this.#mayWaitFor(other, ask)) run.direct = 'perhaps';
        continue;
      }
      if (apart && !isGivenUp && !run.vague && !other.vague) continue;
      if (this.#mayWaitFor(other, ask)) {
        run.direct = apart || other.direct === 'perhaps' ? 'perhaps' : 'yes';
        continue;
      }
      if (apart || other.direct === 'perhaps') continue;
      throw chronicle.fault('law 2', `${run.subject} runs twice at once: for ${show(other.ask)} and for ${show(ask)}`);
    }
  }

  /** Whether a call made in a run may have brought a label that was invalidated, and the answer is on its way. */
  #mayBeOutdated(other: Run, to: number, ask: Ask): boolean {
    const { lastTagged, runs } = this.#chronicle;
    if (lastTagged <= other.opened) return false;
    const waited = runs.filter((run) => isWithin(run, other)).flatMap((run) => [...run.waits]);
    const mayBeAnswered = (wait: Ask): boolean => wait !== ask && wait.runs.every(({ ended }) => ended !== undefined);
    return waited
      .filter(mayBeAnswered)
      .some(({ subject }) =>
        this.#chronicle
          .history(subject)
          .origins.some((origin) => origin.ended !== undefined && this.#chronicle.isLabelled(origin, other.opened, to)),
      );
  }

  /** Whether `other` may be waiting, directly or through others, for the run in which `ask` is made. */
  #mayWaitFor(other: Run, ask: Ask): boolean {
    if (ask.parent === undefined) return false;
    if (isWithin(ask.parent, other)) return true;
    // What has no flight of its own waits on behalf of the run around it.
    return this.#chronicle.runs.some((run) => (run.waits.size > 0 || run.gaveUp) && isWithin(run, other));
  }
}
