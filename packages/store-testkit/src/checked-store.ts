import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { AsyncStore, Bounds, Clock, Entry, Store, SyncStore } from '@reprise/store';
import { show } from './conformance/case.ts';
import { sameValue } from './same-value.ts';
import { isThenable } from './thenable.ts';
import { untold } from './untold.ts';

/** What {@link checkedStore} cannot see by itself. */
export interface CheckedStoreOptions {
  /** The clock that the store lives by; without one, ages are not checked. A cache's `useClock` gives one too. */
  readonly clock?: Clock;
  /** The bound that the store was made with, for stores that can tell their `size`. */
  readonly maxSize?: number;
}

/** What only the store underneath has. */
type Hidden = 'direct' | 'near' | 'snapshot' | 'tierOf' | 'track';

/** The operations of the contract that the store underneath has; its `direct` form, and what tells of tiers, are not passed on. */
export type CheckedStore<Underneath extends Store> = Underneath extends Store
  ? Pick<Underneath, Extract<keyof Underneath, Exclude<keyof SyncStore | keyof AsyncStore, Hidden>>>
  : never;

/** Something that a key may hold. */
interface State {
  /** `undefined`: nothing; `'anything'`: what lay there before the watch began. */
  entry: Entry | undefined | 'anything';
  /** How the value looked when it was set, for stores that keep bytes: the caller may change it afterwards. */
  readonly look: string | undefined;
  /** How the operation ended that brings it about. */
  outcome: 'pending' | 'done' | 'failed';
}

const historyLength = 40;

/**
 * The same store under watch: after each operation it is checked what must be true of every store, whatever the order of
 * operations. A breach throws (or rejects with) an `AssertionError` that tells the last operations. For randomized tests,
 * and for putting under a cache whose own tests are run.
 *
 * Checked: what comes back is an entry, and one that was set under this key and neither replaced, deleted nor cleared since;
 * with a clock, none at or past its `staleUntil`; a listing holds keys that were asked for, each once; a size never exceeds
 * `maxSize`. An entry that is missing is no breach: a store may evict. What lay in the store before is taken as it is found;
 * from then on nobody else may write to it.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import type { Entry, SyncStore } from '@reprise/store';
 * import { checkedStore } from '@reprise/store-testkit';
 *
 * const entries = new Map<string, Entry>();
 * const forgetful: SyncStore = {
 *   sync: true,
 *   get: (key) => entries.get(key),
 *   set: (key, entry) => void entries.set(key, entry),
 *   delete: () => true, // without deleting
 *   clear: () => entries.clear(),
 *   close: () => {},
 * };
 * const store = checkedStore(forgetful);
 * store.set('k', { value: 1, createdAt: 0, expiresAt: Infinity, staleUntil: Infinity });
 * store.delete('k');
 * assert.throws(() => store.get('k'), /'k' holds nothing .* but the store answers/);
 */
export function checkedStore<Underneath extends Store>(
  store: Underneath,
  options: CheckedStoreOptions = {},
): CheckedStore<Underneath> {
  const watch = new Watch(options, store.capabilities?.bytes === true);
  const checked: Record<string, unknown> = {
    name: store.name,
    sync: store.sync,
    capabilities: untold(store),
    get: (key: string) => {
      const read = watch.beginRead(key);
      return after(store.get(key), (entry) => {
        read(entry);
        return entry;
      });
    },
    set: (key: string, entry: Entry) => {
      const settle = watch.beginSet(key, entry);
      return afterOrFail(
        () => store.set(key, entry),
        (kept) => {
          assert(kept === undefined || typeof kept === 'boolean', watch.tell(`set returned ${show(kept)}`));
          if (kept !== false) settle('done');
          else settle(entry.generation !== undefined && store.generation ? 'refused or void' : 'refused');
          return checkSize(kept);
        },
        () => settle('failed'),
      );
    },
    delete: (key: string) => {
      const settle = watch.beginDelete(key);
      return afterOrFail(
        () => store.delete(key),
        (result) => {
          assert(result === undefined || typeof result === 'boolean', watch.tell(`delete returned ${show(result)}`));
          settle('done');
          return checkSize(result);
        },
        () => settle('failed'),
      );
    },
    clear: (prefix?: string) => {
      const settle = watch.beginClear(prefix ?? '');
      return afterOrFail(
        () => store.clear(prefix),
        (result) => {
          settle('done');
          return checkSize(result);
        },
        () => settle('failed'),
      );
    },
    close: () => store.close(),
    useClock: (clock: Clock) => {
      watch.clock ??= clock;
      store.useClock?.(clock);
    },
  };

  /** Returns what the operation did, once the size was looked at. */
  function checkSize(result: unknown): unknown {
    if (!store.size || watch.maxSize === Infinity) return result;
    return after(store.size(), (size) => {
      assert(size <= watch.maxSize, watch.tell(`the store holds ${size} entries, maxSize is ${watch.maxSize}`));
      return result;
    });
  }

  if (store.persistent !== undefined) checked['persistent'] = store.persistent;
  if (store.listen) checked['listen'] = store.listen.bind(store);
  if (!store.sync && store.getMany) {
    checked['getMany'] = async (keys: readonly string[]) => {
      const reads = keys.map((key) => watch.beginRead(key));
      const entries = (await store.getMany?.(keys)) ?? [];
      const isWhole = Array.isArray(entries) && entries.length === keys.length;
      assert(isWhole, watch.tell(`getMany of ${keys.length} keys answered ${show(entries)}`));
      for (const [index, read] of reads.entries()) read(entries[index]);
      return entries;
    };
  }
  if (store.copy) checked['copy'] = store.copy.bind(store);
  if (store.touch) checked['touch'] = store.touch.bind(store);
  if (store.invalidateTags) checked['invalidateTags'] = store.invalidateTags.bind(store);
  if (store.generation) checked['generation'] = store.generation.bind(store);
  if (store.isCurrent) checked['isCurrent'] = store.isCurrent.bind(store);
  if (store.lease) checked['lease'] = store.lease.bind(store);
  if (store.renew) checked['renew'] = store.renew.bind(store);
  if (store.release) checked['release'] = store.release.bind(store);
  if (store.size) checked['size'] = store.size.bind(store);
  if (store.prune) checked['prune'] = () => after(store.prune?.(), checkSize);
  if (store.resize) {
    checked['resize'] = (bounds: Bounds) => {
      if (bounds.maxSize !== undefined) watch.maxSize = bounds.maxSize;
      return after(store.resize?.(bounds), checkSize);
    };
  }
  if (store.entries) {
    checked['entries'] = (prefix?: string) => {
      const listing = watch.beginListing(prefix ?? '');
      const entries = store.entries?.(prefix) as Iterable<readonly [string, Entry]>;
      if (store.sync)
        return (function* list() {
          for (const item of entries) yield listing(item);
        })();
      return (async function* list() {
        for await (const item of entries) yield listing(item);
      })();
    };
  }
  return checked as unknown as CheckedStore<Underneath>;
}

/** What each key may hold, and what happened last. */
class Watch {
  clock: Clock | undefined;
  maxSize: number;
  readonly #states = new Map<string, State[]>();
  /** The prefixes of clears that have ended: no key that begins so holds what lay there before. */
  readonly #cleared = new Set<string>();
  readonly #history: string[] = [];
  #operations = 0;

  readonly #bytes: boolean;

  constructor({ clock, maxSize = Infinity }: CheckedStoreOptions, bytes: boolean) {
    this.#bytes = bytes;
    this.clock = clock;
    this.maxSize = maxSize;
  }

  beginRead(key: string): (entry: unknown) => void {
    this.#note(`get(${show(key)})`);
    return this.#observe(key);
  }

  beginListing(prefix: string): (item: readonly [string, Entry]) => readonly [string, Entry] {
    const name = `entries(${show(prefix)})`;
    this.#note(name);
    const seen = new Set<string>();
    return (item) => {
      const [key, entry] = item;
      assert(typeof key === 'string' && key.startsWith(prefix), this.tell(`${name} listed ${show(key)}`));
      assert(!seen.has(key), this.tell(`${name} listed ${show(key)} twice`));
      seen.add(key);
      assert(entry !== undefined, this.tell(`${name} listed ${show(key)} without an entry`));
      this.#observe(key)(entry);
      return item;
    };
  }

  /** `'refused or void'`: by a store with fences, which removes what was there or leaves it, and does not say which. */
  beginSet(key: string, entry: Entry): (outcome: 'done' | 'refused' | 'refused or void' | 'failed') => void {
    this.#note(`set(${show(key)}, ${show(entry)})`);
    const state = this.#addState(key, entry);
    return (outcome) => {
      if (outcome === 'refused' || outcome === 'refused or void') state.entry = undefined;
      this.#settle([[key, state]], outcome === 'refused' || outcome === 'done' ? 'done' : 'failed');
    };
  }

  beginDelete(key: string): (outcome: 'done' | 'failed') => void {
    this.#note(`delete(${show(key)})`);
    const state = this.#addState(key, undefined);
    return (outcome) => this.#settle([[key, state]], outcome);
  }

  beginClear(prefix: string): (outcome: 'done' | 'failed') => void {
    this.#note(`clear(${show(prefix)})`);
    const keys = [...this.#states.keys()].filter((key) => key.startsWith(prefix));
    const states = keys.map((key) => [key, this.#addState(key, undefined)] as const);
    return (outcome) => {
      if (outcome === 'done') this.#cleared.add(prefix);
      this.#settle(states, outcome);
    };
  }

  tell(breach: string): string {
    return `${breach}\nThe last operations (of ${this.#operations}):\n  ${this.#history.join('\n  ')}`;
  }

  /** Begins a look at a key; the function returned judges what was seen, by all that the key held meanwhile. */
  #observe(key: string): (entry: unknown) => void {
    const states = this.#statesOf(key);
    const before = states.slice(inEffect(states));
    const now = this.clock?.now();
    return (found) => {
      if (found === undefined) return;
      assert(isEntry(found), this.tell(`there is no entry under ${show(key)} but ${show(found)}`));
      assert(
        now === undefined || found.staleUntil > now,
        this.tell(`the entry under ${show(key)} ended at ${found.staleUntil}, and it is ${now}`),
      );
      const possible = [...new Set([...before, ...this.#statesOf(key)])];
      if (possible.some((state) => mayShow(state, found))) return;
      const held = possible.map(({ entry }) =>
        entry === undefined ? 'nothing (deleted, cleared or refused)' : show(entry),
      );
      assert.fail(this.tell(`${show(key)} holds ${held.join(' or ')}, but the store answers ${show(found)}`));
    };
  }

  #statesOf(key: string): State[] {
    let states = this.#states.get(key);
    if (states === undefined) {
      const cleared = [...this.#cleared].some((prefix) => key.startsWith(prefix));
      states = [{ entry: cleared ? undefined : 'anything', look: undefined, outcome: 'done' }];
      this.#states.set(key, states);
    }
    return states;
  }

  #addState(key: string, entry: Entry | undefined): State {
    const look = this.#bytes && entry !== undefined ? lookOf(entry) : undefined;
    const state: State = { entry, look, outcome: 'pending' };
    this.#statesOf(key).push(state);
    return state;
  }

  #settle(settled: readonly (readonly [key: string, state: State])[], outcome: 'done' | 'failed'): void {
    for (const [key, state] of settled) {
      state.outcome = outcome;
      const states = this.#statesOf(key);
      states.splice(0, inEffect(states));
    }
  }

  #note(operation: string): void {
    this.#operations++;
    this.#history.push(`${this.#operations}. ${operation}`);
    if (this.#history.length > historyLength) this.#history.shift();
  }
}

/**
 * The first state that may still be seen: the last one done, with nothing pending before it. A failed write may have
 * happened or not, so it replaces nothing.
 */
function inEffect(states: readonly State[]): number {
  let first = 0;
  for (const [index, { outcome }] of states.entries()) {
    if (outcome === 'pending') break;
    if (outcome === 'done') first = index;
  }
  return first;
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { createdAt, expiresAt, staleUntil } = value as Partial<Entry>;
  if (typeof createdAt !== 'number' || typeof expiresAt !== 'number' || typeof staleUntil !== 'number') return false;
  return 'value' in value || 'error' in value;
}

function mayShow({ entry, look }: State, found: Entry): boolean {
  if (entry === undefined || entry === 'anything') return entry === 'anything';
  if ('error' in found !== 'error' in entry) return false;
  const times = ['createdAt', 'expiresAt', 'staleUntil'] as const;
  if (times.some((name) => found[name] !== entry[name])) return false;
  return (look !== undefined && look === lookOf(found)) || sameValue(contentOf(found), contentOf(entry));
}

function contentOf(entry: Entry): unknown {
  return 'error' in entry ? entry.error : entry.value;
}

function lookOf(entry: Entry): string {
  return inspect(contentOf(entry), { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

function after<Result>(result: Result | Promise<Result>, next: (result: Result) => unknown): unknown {
  return isThenable(result) ? (result as Promise<Result>).then(next) : next(result as Result);
}

function afterOrFail<Result>(
  run: () => Result | Promise<Result>,
  next: (result: Result) => unknown,
  failed: () => void,
): unknown {
  let result: Result | Promise<Result>;
  try {
    result = run();
  } catch (error) {
    failed();
    throw error;
  }
  if (!isThenable(result)) return next(result as Result);
  return (result as Promise<Result>).then(next, (error: unknown) => {
    failed();
    throw error;
  });
}
