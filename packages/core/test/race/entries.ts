import type { Chronicle } from './chronicle.ts';
import { isFailure, isRun, isShared, isValue, type Known, type Origin, type State, type Subject } from './history.ts';

/** What is under the keys, as far as that can be told from outside: how old it is, and what must be there. */
export class Entries {
  readonly #chronicle: Chronicle;

  constructor(chronicle: Chronicle) {
    this.#chronicle = chronicle;
  }

  /** How long it is fresh. */
  lifeOf(origin: Origin): number {
    const { rules } = this.#chronicle;
    return isFailure(origin) ? rules.cacheErrors : (origin.life ?? rules.ttl);
  }

  /** What an entry is good for by its age. */
  stateOf(origin: Origin): State {
    const { rules } = this.#chronicle;
    const { ended } = origin;
    if (ended === undefined) return 'gone';
    const now = rules.now();
    const age = now - ended.clock;
    const life = this.lifeOf(origin);
    const isError = isFailure(origin);
    if (!isError && rules.timeToIdle > 0 && now - origin.readAt >= rules.timeToIdle) return 'gone';
    if (age < life) return 'fresh';
    if (isError) return 'gone';
    if (age < life + rules.staleWhileRevalidate) return 'revalidate';
    return age < life + rules.staleIfError ? 'forgive' : 'gone';
  }

  /** Whether a hit on it makes a run behind it. */
  isDue(origin: Origin): boolean {
    const { rules } = this.#chronicle;
    const life = this.lifeOf(origin);
    if (origin.ended === undefined || rules.refreshAhead === 0 || life === Number.POSITIVE_INFINITY) return false;
    return isValue(origin) && rules.now() - origin.ended.clock >= rules.refreshAhead * life;
  }

  /** The entry that must be there; `undefined` where there is none, `'unclear'` where nobody can tell from outside. */
  known(subject: Subject): Known | undefined | 'unclear' {
    const chronicle = this.#chronicle;
    if (!chronicle.rules.exact()) return 'unclear';
    let top: Origin | undefined;
    for (const origin of chronicle.history(subject).origins) {
      if (!this.#canBeKept(origin)) continue;
      if (this.#isUnclear(origin)) return 'unclear';
      if (top === undefined || origin.order > top.order) top = origin;
    }
    if (top === undefined) return undefined;
    // It may not have been kept, and then an older one is still there.
    if (chronicle.isTagVoided(top)) return 'unclear';
    if (top.unkept) return undefined;
    const state = this.stateOf(top);
    return state === 'gone' ? undefined : { origin: top, state };
  }

  /** The entry that must be there, if any is known for certain. */
  certain(subject: Subject): Known | undefined {
    const known = this.known(subject);
    return known === 'unclear' ? undefined : known;
  }

  #canBeKept(origin: Origin): boolean {
    if (origin.ended === undefined || !isShared(origin)) return false;
    if (isFailure(origin) && (origin.remembered === 'no' || origin.remembered === 'held')) return false;
    const { invalidated } = this.#chronicle.history(origin.subject);
    return !invalidated.some((at) => at > origin.began) && !this.isAbandoned(origin);
  }

  #isUnclear(origin: Origin): boolean {
    const { ask, direct, ended, remembered, vague } = origin;
    if (direct === 'perhaps' || vague || this.#chronicle.isKeyVoided(origin)) return true;
    if (isFailure(origin) && remembered === 'perhaps') return true;
    // Whether the engine knows it already, cannot be seen from here.
    return ask !== undefined && ended?.turn === this.#chronicle.turn;
  }

  /** Whether it was under way for so long that its value was not to be stored. */
  isAbandoned(origin: Origin): boolean {
    return isRun(origin) && origin.ended !== undefined && this.#chronicle.isAbandoned(origin, origin.ended.clock);
  }

  /** The newest result that was certainly kept: of what ended before a turn, and was not invalidated before a moment. */
  newest(subject: Subject, moment: number, turn: number): Origin | undefined {
    const chronicle = this.#chronicle;
    let newest: Origin | undefined;
    for (const origin of chronicle.history(subject).origins) {
      if (origin.ended === undefined || origin.ended.turn >= turn) continue;
      if (isFailure(origin) && origin.remembered !== 'yes') continue;
      if (!isShared(origin) || origin.vague || origin.direct === 'perhaps' || this.isAbandoned(origin)) continue;
      if (chronicle.isKeyVoided(origin, moment) || chronicle.isTagVoided(origin, moment)) continue;
      if (newest === undefined || origin.order > newest.order) newest = origin;
    }
    return newest;
  }
}
