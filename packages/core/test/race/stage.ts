import { type AnyFunction, cached, createCache } from '@reprise/core';
import type { Store } from '@reprise/store';
import { memoryStore } from '@reprise/store-memory';
import { type ManualClock, manualClock } from '@reprise/store-testkit';
import { tieredStore } from '@reprise/store-tiered';
import type { Ask, Subject } from './history.ts';
import { argumentsOf, deferredKinds, keyCount, type Policies, type Setup, type Target, textKey } from './schedule.ts';
import { DeferredStore, TextStore } from './stores.ts';
import { isOdd, isRefused, labelsIn, nameTag } from './values.ts';

interface Listenable {
  on(type: string, listener: () => void): unknown;
}

export type Stats = Readonly<
  Record<'hits' | 'misses' | 'stale' | 'coalesced' | 'bypass' | 'loads' | 'errors' | 'size', number>
>;

/** A cached function as a schedule uses it, whatever its store answers with. */
export type Wrapped = Listenable &
  AnyFunction &
  Readonly<Record<'invalidate' | 'clear' | 'refresh' | 'peek' | 'has' | 'set' | 'keyOf', AnyFunction>> & {
    stats(): Stats;
  };

type AnyCache = Listenable &
  Pick<ReturnType<typeof createCache>, 'name' | 'close' | 'stats'> &
  Readonly<Record<'getOrSet' | 'get' | 'set' | 'has' | 'delete' | 'clear' | 'invalidateTags', AnyFunction>>;

/** The longest that a `timed` store may take, in milliseconds: it is only over when a step waits for it. */
export const shortTimeout = 1;
/** The events that are counted beside what `stats` says. */
export const eventTypes = ['hit', 'stale', 'miss', 'coalesced', 'bypass', 'load'] as const;
const names = ['first', 'second'];
let made = 0;

/** Memory in front of a store, at times a small one. */
function inFrontOf(store: Store, maxSize: number): Store {
  return tieredStore(memoryStore({ maxSize: maxSize === Infinity ? 100 : 2 }), store, { l1Ttl: Infinity });
}

/** What a schedule is played on: a store, perhaps a cache in it, the functions. */
export class Stage {
  readonly setup: Setup;
  readonly clock: ManualClock = manualClock(Date.now());
  readonly deferred: DeferredStore | undefined;
  readonly text: TextStore | undefined;
  readonly cache: AnyCache | undefined;
  readonly functions: readonly Wrapped[];
  /** Whether an operation of the store has taken too long. */
  timedOut = false;
  /** How many events were heard, by type. */
  readonly heard: Record<string, number> = {};

  /** @param makeBody the function to be cached */
  constructor(setup: Setup, makeBody: (fn: number) => AnyFunction) {
    this.setup = setup;
    const { home, ttl, maxSize, functions, choosy, knowsTags, policies } = setup;
    this.deferred = deferredKinds.includes(home) ? new DeferredStore(knowsTags) : undefined;
    this.text = home === 'text' ? new TextStore() : undefined;
    const { store } = this;
    const rules = {
      ...(ttl !== Infinity && { ttl }),
      ...(choosy && { cacheIf: (value: unknown) => !isRefused(value) }),
      ...optionsOf(policies),
    };
    if (home !== 'private') {
      this.cache = createCache({
        name: `race ${++made}`,
        clock: this.clock,
        storeTimeout: home === 'timed' ? shortTimeout : Number.POSITIVE_INFINITY,
        ...(store === undefined ? { maxSize } : { store: home === 'tiered' ? inFrontOf(store, maxSize) : store }),
        ...rules,
      }) as unknown as AnyCache;
    }
    const { cache } = this;
    this.functions = functions.map(({ dedupe, bypass }, fn) =>
      cached(makeBody(fn) as never, {
        name: names[fn],
        dedupe,
        ...(bypass && { bypass: isBypassed as never }),
        ...(cache === undefined ? { maxSize, ...rules } : { cache: cache as never }),
      }),
    ) as unknown as Wrapped[];
    this.#listen();
  }

  get store(): DeferredStore | TextStore | undefined {
    return this.deferred ?? this.text;
  }

  /** Whether the store has failed in changing something, so that operations may say so. */
  get hasFailed(): boolean {
    return this.store?.failed === true || this.timedOut;
  }

  /** Whether what must be there is known exactly. */
  get isExact(): boolean {
    const { home, maxSize, policies } = this.setup;
    if (this.text !== undefined) return !this.text.faulted;
    if (this.deferred === undefined) return maxSize === Infinity;
    // A part that is being cleared is not read, and who knows when somebody has read last.
    return home !== 'timed' && !this.deferred.faulted && policies.timeToIdle === 0;
  }

  #listen(): void {
    const hear = (type: string): void => {
      this.heard[type] = (this.heard[type] ?? 0) + 1;
    };
    for (const emitter of this.cache === undefined ? this.functions : [this.cache]) {
      // Failures of the store are expected, and nobody is to be warned of them.
      emitter.on('error', () => hear('error'));
      if (this.setup.heard) for (const type of eventTypes) emitter.on(type, () => hear(type));
    }
  }

  // ── keys ──

  subjectOf({ fn, key }: Target): Subject {
    return `${names[fn] ?? 'cache'}:${key}`;
  }

  argumentsOf({ fn, key }: Target): unknown[] {
    return fn < 0 ? [] : argumentsOf(this.setup.shape, key);
  }

  /** The key in text, as prefixes are compared with it. */
  textOf({ fn, key }: Target): string {
    return fn < 0 ? textKey(key) : this.functions[fn]?.keyOf(...argumentsOf(this.setup.shape, key));
  }

  /** Every key there is. */
  *targets(): Generator<Target> {
    for (let fn = this.cache === undefined ? 0 : -1; fn < this.functions.length; fn++) {
      for (let key = 0; key < keyCount; key++) yield { fn, key };
    }
  }

  /** Whether calls of the key are answered at once. */
  isSync(subject: Subject): boolean {
    const fn = names.indexOf(subject.slice(0, subject.indexOf(':')));
    return this.deferred === undefined && this.setup.functions[fn]?.sync === true;
  }
}

/** The options as users write them. */
function optionsOf(policies: Policies): Record<string, unknown> {
  const { staleWhileRevalidate, staleIfError, retryAfter, refreshAhead, cacheErrors } = policies;
  const { picky, timeToIdle, tags, isolate, timeout } = policies;
  const when = (error: unknown): boolean => !isOdd(error);
  return {
    ...(staleWhileRevalidate > 0 && { staleWhileRevalidate }),
    ...(staleIfError > 0 && { staleIfError: picky ? { for: staleIfError, when } : staleIfError }),
    ...(retryAfter !== 1_000 && { retryAfter }),
    ...(refreshAhead > 0 && { refreshAhead }),
    ...(cacheErrors > 0 && { cacheErrors: { ttl: cacheErrors, ...(picky && { when }) } }),
    ...(timeToIdle > 0 && { timeToIdle }),
    ...(tags !== 'none' && { tags: tags === 'list' ? [nameTag(0)] : labelsIn }),
    ...(isolate && { isolate: 'clone' }),
    ...(Object.keys(timeout).length > 0 && { timeout }),
  };
}

function isBypassed(this: Ask | undefined): boolean {
  return this?.bypassed === true;
}
