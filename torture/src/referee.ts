import { type Deed, failureOf, hasLabelledFailures, type Outcome, type Value, versionOf } from './protocol.ts';

interface Item {
  /** The version that is true. */
  truth: number;
  /** The highest version whose invalidation had finished. */
  known: number;
  /** The same of invalidations by key. */
  knownByKey: number;
  /** Changes under way; a `set` stands alone, since it wins over whatever was invalidated while it was under way. */
  changing: number;
  isSetting: boolean;
}

/** So many of the last events of an item are told with a wrong value. */
const remembered = 12;

interface Kept {
  /** What has been acknowledged; `undefined`: whatever there is, since the last `keep` was cut off. */
  value: Value | null | undefined;
  isBusy: boolean;
}

/**
 * Knows, outside of all caches, what is true of each item and what has been made known of it, and judges each answer. The law: a call answers
 * nothing from before an invalidation that had finished when the call was made.
 */
export class Referee {
  readonly #items = new Map<string, Item>();
  readonly #history = new Map<string, string[]>();
  readonly #kept = new Map<string, Kept>();
  readonly #longest: number;
  /** For so many milliseconds an answer may be older: a bound that the store's page states for what the play does to it. */
  grace = 0;
  /** What should never have happened, in words. */
  readonly found: string[] = [];
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();
  /** How often the function was run for each item. */
  readonly runs = new Map<string, number>();

  /** @param longest how many characters a value has at most */
  constructor(longest = 6_000) {
    this.#longest = longest;
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** Notes what happened to all items. */
  noteAll(event: string): void {
    for (const item of this.#items.keys()) this.note(item, event);
  }

  /** Notes what happened to an item. */
  note(item: string, event: string): void {
    const events = this.#history.get(item) ?? [];
    events.push(event);
    if (events.length > remembered) events.shift();
    this.#history.set(item, events);
  }

  find(what: string): void {
    if (this.found.length < 50) this.found.push(what);
    this.count('found');
  }

  /** The value that a run of this moment is to answer. */
  valueNow(item: string, by?: number): Value {
    this.runs.set(item, (this.runs.get(item) ?? 0) + 1);
    this.note(item, `a run of version ${this.#of(item).truth}${by === undefined ? '' : ` by ${by}`}`);
    return versionOf(item, this.#of(item).truth, this.#longest);
  }

  /** What a version of an item is. */
  versionOf(item: string, version: number): Value {
    return versionOf(item, version, this.#longest);
  }

  /** A call is about to be made. @returns how its outcome is judged */
  begin(item: string, what = 'call', by = 0): (outcome: Outcome) => void {
    const { known, knownByKey } = this.#of(item);
    const before = this.#history.get(item)?.at(-1);
    this.count(`${what}s`);
    return ({ value, error }) => {
      const found = error === undefined ? value : this.#readFailure(item, what, error.message);
      if (found === undefined) return;
      const { version } = (found ?? {}) as Value;
      const { truth } = this.#of(item);
      const least = error === undefined || hasLabelledFailures(item) ? known : knownByKey;
      if (JSON.stringify(found) !== JSON.stringify(versionOf(item, version, this.#longest))) {
        this.find(`a wrong value: a ${what} of ${item} was answered ${JSON.stringify(found)?.slice(0, 120)}`);
      } else if (version < least || version > truth) {
        this.find(
          `a wrong value: a ${what} of ${item} by ${by} ${error === undefined ? 'was answered' : 'failed with'} version ${version} when ${least} was known of ${truth}; it began after: ${before}; before its end: ${this.#history.get(item)?.join(', ')}`,
        );
      }
    };
  }

  #readFailure(item: string, what: string, message: string): Value | undefined {
    const version = Number(/@(\d+)$/.exec(message)?.[1] ?? Number.NaN);
    const value = versionOf(item, Number.isNaN(version) ? 0 : version, this.#longest);
    if (message === failureOf(value)) {
      this.count('failures of the function');
      return value;
    }
    this.find(`a throw: a ${what} of ${item} failed with: ${message}`);
    return undefined;
  }

  /** An item changes. @returns the new version, and what is to be said when that has been made known; nothing while it cannot */
  change(items: readonly string[], deed: Deed): { versions: number[]; finish(isKnown: boolean): void } | undefined {
    const isSet = deed === 'set';
    const changed = items.map((item) => this.#of(item));
    if (changed.some(({ changing, isSetting }) => isSetting || (isSet && changing > 0))) return undefined;
    const versions = changed.map((item) => {
      item.changing++;
      item.isSetting = isSet;
      return ++item.truth;
    });
    const finish = (isKnown: boolean): void => {
      for (const [index, item] of changed.entries()) {
        item.changing--;
        item.isSetting = false;
        const note = (): void => {
          item.known = Math.max(item.known, versions[index] as number);
          if (deed !== 'tag') item.knownByKey = Math.max(item.knownByKey, versions[index] as number);
        };
        if (isKnown && this.grace > 0) setTimeout(note, this.grace).unref();
        else if (isKnown) note();
      }
      if (isKnown) this.count('changes made known', changed.length);
    };
    return { versions, finish };
  }

  /** Something is kept by hand. @returns nothing while another such is under way, or looked for */
  keep(item: string, version: number): { value: Value; finish(isKept: boolean): void } | undefined {
    const kept = this.#keptOf(item);
    if (kept.isBusy) return undefined;
    const value = versionOf(item, version, this.#longest);
    kept.isBusy = true;
    kept.value = undefined;
    const finish = (isKept: boolean): void => {
      kept.isBusy = false;
      if (!isKept) return;
      kept.value = value;
      this.count('sets acknowledged');
    };
    return { value, finish };
  }

  /** What was kept is about to be looked for. @returns how the answer is judged */
  recall(item: string): ((outcome: Outcome | undefined) => void) | undefined {
    const kept = this.#keptOf(item);
    if (kept.isBusy) return undefined;
    kept.isBusy = true;
    const { value } = kept;
    return (outcome) => {
      kept.isBusy = false;
      if (outcome === undefined) return;
      this.count('sets looked for');
      if (outcome.error !== undefined) this.find(`a throw: a peek of ${item} failed with: ${outcome.error.message}`);
      else if (value !== undefined && JSON.stringify(outcome.value) !== JSON.stringify(value)) {
        this.find(
          `acknowledged and lost: ${item} was set to version ${value?.version}; there is ${describe(outcome.value)}`,
        );
      }
    };
  }

  #of(item: string): Item {
    let found = this.#items.get(item);
    if (found === undefined) {
      found = { truth: 1, known: 1, knownByKey: 1, changing: 0, isSetting: false };
      this.#items.set(item, found);
    }
    return found;
  }

  #keptOf(item: string): Kept {
    let found = this.#kept.get(item);
    if (found === undefined) {
      found = { value: null, isBusy: false };
      this.#kept.set(item, found);
    }
    return found;
  }
}

function describe(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : `version ${(value as Value).version}`;
}
