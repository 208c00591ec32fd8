import { setTimeout } from 'node:timers';
import { cached, createCache, StoreError } from '@reprise/core';
import { type ManualClock, manualClock } from '@reprise/store-testkit';
import { homeOf } from '../../src/cache.ts';
import { cachedBehind } from '../../src/cached.ts';
import type { AnyFunction } from '../../src/types.ts';
import { type Ask, Model, type Run, type Subject, Violation } from './model.ts';
import { argumentsOf, keyCount, type Plan, type Schedule, type Setup, type Step, type Target, textKey } from './schedule.ts';
import { DeferredStore, TextStore } from './stores.ts';
import { type Watched, watchParts } from './watch.ts';

/** A run that waits to be told how to go on. */
interface Gate {
  readonly open: () => void;
  readonly fail: () => void;
}

interface Listenable {
  on(type: string, listener: () => void): unknown;
}

type Wrapped = Listenable &
  AnyFunction & {
  invalidate: AnyFunction;
  clear: AnyFunction;
  refresh: AnyFunction;
  peek: AnyFunction;
  has: AnyFunction;
  set: AnyFunction;
  keyOf: AnyFunction;
  stats: () => Stats;
};
type Stats = Readonly<Record<'hits' | 'misses' | 'stale' | 'coalesced' | 'bypass' | 'loads' | 'errors' | 'size', number>>;
type AnyCache = Listenable & Pick<ReturnType<typeof createCache>, 'close' | 'stats'> & Readonly<Record<'getOrSet' | 'get' | 'set' | 'has' | 'delete' | 'clear', AnyFunction>>;
type Home = ReturnType<typeof homeOf>;

/** What a mistake can reach of a schedule that is about to be played. */
export interface Stage {
  readonly store: DeferredStore | TextStore | undefined;
  readonly homes: readonly Home[];
}

/** The longest that a `timed` store may take, in milliseconds: it is only over when a step waits for it. */
const shortTimeout = 1;
/** Longer than what the engine waits before it tries a failed operation again. */
const retryDelay = 1_100;
/** The events that are counted, too. */
const eventTypes = ['hit', 'miss', 'coalesced', 'bypass', 'load'] as const;
const names = ['first', 'second'];
let played = 0;

/**
 * Plays a schedule on the real engine.
 * @returns what came to pass, for who wonders whether schedules do anything
 * @throws Violation of the first law that did not hold
 */
export async function play(schedule: Schedule, prepare?: (stage: Stage) => void): Promise<string[]> {
  const player = new Player(schedule.setup, prepare);
  const { now } = Date;
  // What judges age and what counts the time to a retry is the same clock, which stands still.
  Date.now = () => player.clock.now();
  try {
    for (const step of schedule.steps) {
      const pause = player.step(step);
      // Without a pause the next step is in the same synchronous stretch.
      if (pause !== undefined) await pause;
    }
    await player.finish();
    return player.tally();
  } finally {
    Date.now = now;
  }
}

class Player {
  readonly clock: ManualClock = manualClock(Date.now());
  readonly #setup: Setup;
  readonly #model: Model;
  readonly #functions: readonly Wrapped[];
  readonly #cache: AnyCache | undefined;
  readonly #homes: readonly Home[];
  readonly #deferred: DeferredStore | undefined;
  readonly #text: TextStore | undefined;
  readonly #gates: Gate[] = [];
  readonly #watched: Watched;
  readonly #texts = new Map<Subject, string>();
  #timedOut = false;
  readonly #heard: Record<string, number> = {};
  /** Whether microtasks may be under way. */
  #ticking = false;
  /** The question whose run begins without `this`: a refresh. */
  #refreshing: Ask | undefined;

  constructor(setup: Setup, prepare: ((stage: Stage) => void) | undefined) {
    this.#setup = setup;
    const { home, ttl, maxSize, functions, choosy } = setup;
    const later = home === 'async' || home === 'timed';
    this.#deferred = later ? new DeferredStore() : undefined;
    this.#text = home === 'text' ? new TextStore() : undefined;
    const store = this.#deferred ?? this.#text;
    this.#model = new Model({
      ttl,
      looksFirst: later,
      now: () => this.clock.now(),
      exact: () => !later && (maxSize === Infinity || home === 'text') && this.#text?.faulted !== true,
      orderly: () => store?.failed !== true && !this.#timedOut,
    });
    this.#watched = watchParts();
    const kept = choosy ? { cacheIf: (value: unknown) => !String(value).endsWith('!') } : {};
    if (home !== 'private') {
      this.#cache = createCache({
        name: `race ${++played}`,
        clock: this.clock,
        storeTimeout: home === 'timed' ? shortTimeout : Number.POSITIVE_INFINITY,
        ...(ttl !== Infinity && { ttl }),
        ...(store === undefined ? { maxSize } : { store }),
        ...kept,
      }) as unknown as AnyCache;
    }
    const cache = this.#cache;
    this.#functions = functions.map(({ sync, dedupe, bypass }, fn) =>
      cached((sync ? this.#makeSync(fn) : this.#makeAsync(fn)) as never, {
        name: names[fn],
        dedupe,
        ...(bypass && { bypass: isBypassed as never }),
        ...(cache === undefined ? { maxSize, ...(ttl !== Infinity && { ttl }), ...kept } : { cache: cache as never }),
      }),
    ) as unknown as Wrapped[];
    this.#homes =
      cache === undefined
        ? this.#functions.map((wrapped) => cachedBehind(wrapped)?.cached.remembered().home as Home)
        : [homeOf(cache)];
    for (let fn = cache === undefined ? 0 : -1; fn < functions.length; fn++) {
      for (let key = 0; key < keyCount; key++) this.#texts.set(this.#subject({ fn, key }), this.#textOf({ fn, key }));
    }
    this.#listen();
    prepare?.({ store, homes: this.#homes });
  }

  #listen(): void {
    const listenable: Listenable[] = this.#cache === undefined ? [...this.#functions] : [this.#cache];
    for (const emitter of listenable) {
      // Failures of the store are expected, and nobody is to be warned of them.
      emitter.on('error', () => this.#hearEvent('error'));
      if (this.#setup.heard) for (const type of eventTypes) emitter.on(type, () => this.#hearEvent(type));
    }
  }

  #hearEvent(type: string): void {
    this.#heard[type] = (this.#heard[type] ?? 0) + 1;
  }

  // ── the functions ──

  #makeAsync(fn: number): AnyFunction {
    const player = this;
    return async function (this: Ask | undefined, ...args: unknown[]): Promise<unknown> {
      return player.#run(fn, this, args);
    };
  }

  #makeSync(fn: number): AnyFunction {
    const player = this;
    return function (this: Ask | undefined, ...args: unknown[]): unknown {
      const run = player.#begin(this, args);
      for (const act of run.ask.plan.acts) {
        if (act.do === 'call') player.#call(act, act.plan, { parent: run })?.catch(() => {});
        else if (act.do !== 'wait') player.#change(act.do, act);
      }
      return player.#end(run, fn);
    };
  }

  async #run(fn: number, ask: Ask | undefined, args: unknown[]): Promise<unknown> {
    const run = this.#begin(ask, args);
    try {
      for (const act of run.ask.plan.acts) {
        if (act.do === 'wait') await this.#wait(run);
        else if (act.do === 'call') {
          const answer = this.#call(act, act.plan, { parent: run });
          if (act.awaited) await answer;
          else answer?.catch(() => {});
        } else this.#change(act.do, act);
      }
    } catch (error) {
      this.#model.end(run, { error });
      throw error;
    }
    return this.#end(run, fn);
  }

  #begin(ask: Ask | undefined, args: readonly unknown[]): Run {
    const asked = ask ?? this.#refreshing;
    if (asked === undefined) throw this.#break('law 1', 'a run without the this of a call');
    return this.#model.begin(asked, args);
  }

  #end(run: Run, fn: number): unknown {
    if (run.ask.plan.fails) {
      const error = new Error(`${run.value} of function ${fn} fails`);
      this.#model.end(run, { error });
      throw error;
    }
    this.#model.end(run, { value: run.value });
    return run.value;
  }

  #wait(run: Run): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gates.push({ open: resolve, fail: () => reject(new Error(`${run.value} is made to fail`)) });
    });
  }

  // ── the steps ──

  step(step: Step): Promise<void> | undefined {
    const moves = step.do === 'advance' || step.do === 'turn' || step.do === 'time out';
    // In the midst of microtasks nobody could say whether a run ended before or after the clock was moved.
    if (moves && this.#ticking) return this.#pause().then(() => this.step(step));
    const waited = this.#do(step);
    if (waited !== undefined) return waited.then(() => this.#pause());
    if (step.pause === 'long') return this.#pause();
    this.#ticking = true;
    return step.pause === 'none' ? undefined : Promise.resolve();
  }

  #do(step: Step): Promise<unknown> | undefined {
    switch (step.do) {
      case 'call':
        this.#call(step, step.plan, step)?.catch(() => {});
        break;
      case 'refresh':
        this.#refresh(step, step.plan);
        break;
      case 'settle': {
        const [gate] = this.#gates.splice(step.pick % this.#gates.length, 1);
        if (step.fails) gate?.fail();
        else gate?.open();
        break;
      }
      case 'invalidate':
      case 'set':
        this.#change(step.do, step, 'unkept' in step && step.unkept);
        break;
      case 'peek':
      case 'has':
        this.#lookAt(step.do, step);
        break;
      case 'clear':
        this.#model.invalidate([...this.#texts.keys()].filter((subject) => subject.startsWith(`${names[step.fn]}:`)));
        this.#hear(() => this.#functions[step.fn]?.clear());
        break;
      case 'clear cache':
        this.#clearCache(step.prefix);
        break;
      case 'advance':
        this.clock.advance(step.by);
        break;
      case 'apply':
        if (this.#deferred?.outstanding.length) this.#deferred.apply(step.pick);
        break;
      case 'answer':
        if (this.#deferred?.outstanding.length) this.#deferred.answer(step.pick, step.how);
        break;
      case 'fault':
        this.#text?.fail(step.verb, step.late);
        break;
      case 'turn':
        return new Promise((resolve) => setImmediate(resolve));
      case 'time out':
        this.#timedOut ||= (this.#deferred?.outstanding.length ?? 0) > 0;
        // Timers are called in the order of their ends: those of the operations before this one.
        return new Promise((resolve) => setTimeout(resolve, shortTimeout + 1));
    }
    return undefined;
  }

  /** Lets everything happen that needs no event from outside. */
  async #pause(): Promise<void> {
    // Called when no microtask is left; no timer can fire before.
    await new Promise((resolve) => process.nextTick(resolve));
    const { broken } = this.#model;
    if (broken !== undefined) throw broken;
    const { maxSize } = this.#setup;
    for (const { store } of this.#homes) {
      const size = store.sync ? (store.direct?.count() ?? 0) : 0;
      if (size > maxSize) throw this.#break('law 5', `${size} entries, where ${maxSize} are allowed`);
    }
    this.#model.turn++;
    this.#ticking = false;
  }

  #subject({ fn, key }: Target): Subject {
    return `${names[fn] ?? 'cache'}:${key}`;
  }

  #argumentsOf({ fn, key }: Target): unknown[] {
    return fn < 0 ? [] : argumentsOf(this.#setup.shape, key);
  }

  #textOf({ fn, key }: Target): string {
    return fn < 0 ? textKey(key) : this.#functions[fn]?.keyOf(...argumentsOf(this.#setup.shape, key));
  }

  #call(
    target: Target,
    plan: Plan,
    { parent, bypassed = false, dedupe = true }: { parent?: Run; bypassed?: boolean; dedupe?: boolean },
  ): Promise<unknown> | undefined {
    const args = this.#argumentsOf(target);
    const alone = bypassed || !(this.#setup.functions[target.fn]?.dedupe ?? dedupe);
    const ask = this.#model.ask({ verb: 'call', subject: this.#subject(target), args, plan, parent, alone, bypassed });
    return this.#answer(ask, () => {
      if (target.fn >= 0) return this.#functions[target.fn]?.apply(ask, args);
      return this.#cache?.getOrSet(textKey(target.key), async () => this.#run(-1, ask, []), { dedupe });
    });
  }

  #refresh(target: Target, plan: Plan): void {
    const args = this.#argumentsOf(target);
    const subject = this.#subject(target);
    const ask = this.#model.ask({ verb: 'refresh', subject, args, plan, parent: undefined, alone: false, bypassed: false });
    this.#refreshing = ask;
    this.#answer(ask, () => this.#functions[target.fn]?.refresh(...args))?.catch(() => {});
    this.#refreshing = undefined;
  }

  /** Takes an answer down, whether it comes at once or later. */
  #answer(ask: Ask, question: () => unknown): Promise<unknown> | undefined {
    const { subject } = ask;
    let answer: unknown;
    try {
      answer = question();
    } catch (error) {
      if (!this.#isSync(ask)) throw this.#break('law 1', `an asynchronous call of ${subject} threw`);
      this.#model.answered(ask, { error });
      return undefined;
    }
    if (!(answer instanceof Promise)) {
      if (!this.#isSync(ask)) throw this.#break('law 1', `an asynchronous call of ${subject} answered no promise`);
      this.#model.answered(ask, { value: answer });
      return undefined;
    }
    if (this.#isSync(ask)) throw this.#break('law 1', `a synchronous call of ${subject} answered a promise`);
    return answer.then(
      (value) => {
        this.#model.answered(ask, { value });
      },
      (error: unknown) => {
        this.#model.answered(ask, { error });
        throw error;
      },
    );
  }

  #isSync({ subject }: Ask): boolean {
    const fn = names.indexOf(subject.slice(0, subject.indexOf(':')));
    return this.#deferred === undefined && this.#setup.functions[fn]?.sync === true;
  }

  #change(verb: 'invalidate' | 'set', target: Target, unkept = false): void {
    const subject = this.#subject(target);
    const wrapped = this.#functions[target.fn];
    const args = this.#argumentsOf(target);
    if (verb === 'set') {
      const value = this.#model.put(subject, unkept);
      this.#hear(() => (wrapped === undefined ? this.#cache?.set(textKey(target.key), value) : wrapped.set(args, value)));
      return;
    }
    const known = this.#model.known(subject);
    this.#model.invalidate([subject]);
    this.#hear(
      () => (wrapped === undefined ? this.#cache?.delete(textKey(target.key)) : wrapped.invalidate(...args)),
      (existed) => this.#model.removed(subject, known, existed),
    );
  }

  #lookAt(verb: 'peek' | 'has', target: Target): void {
    const look = this.#model.look(this.#subject(target));
    const wrapped = this.#functions[target.fn];
    const key = textKey(target.key);
    const args = this.#argumentsOf(target);
    if (verb === 'peek') {
      this.#hear(
        () => (wrapped === undefined ? this.#cache?.get(key) : wrapped.peek(...args)),
        (value) => this.#model.seen(look, value),
      );
    } else {
      this.#hear(
        () => (wrapped === undefined ? this.#cache?.has(key) : wrapped.has(...args)),
        (has) => this.#model.had(look, has),
      );
    }
  }

  #clearCache(prefix: string | undefined): void {
    const covered = [...this.#texts].filter(([, text]) => prefix === undefined || text.startsWith(prefix));
    this.#model.invalidate(covered.map(([subject]) => subject));
    this.#hear(() => this.#cache?.clear(prefix === undefined ? undefined : { prefix }));
  }

  /** Does something that is no call, and hears what it answers. It may only fail because the store did. */
  #hear(operation: () => unknown, hear: (answer: unknown) => void = () => {}): void {
    const fail = (error: unknown): void => {
      // It stands in the model already.
      if (error instanceof Violation) return;
      const failed = this.#text?.failed || this.#deferred?.failed || this.#timedOut;
      if (!failed || !(error instanceof StoreError)) this.#break('law 1', `an operation failed: ${error}`);
    };
    let answer: unknown;
    try {
      answer = operation();
      if (!(answer instanceof Promise)) {
        hear(answer);
        return;
      }
    } catch (error) {
      fail(error);
      return;
    }
    answer.then(hear).catch(fail);
  }

  // ── the end ──

  /** Lets everything settle and looks what is left. */
  async finish(): Promise<void> {
    await this.#pause();
    for (let rounds = 0; this.#gates.length > 0 || (this.#deferred?.outstanding.length ?? 0) > 0; rounds++) {
      if (rounds > 200) throw this.#break('law 1', 'it goes on and on');
      for (const gate of this.#gates.splice(0)) gate.open();
      while (this.#deferred !== undefined && this.#deferred.outstanding.length > 0) this.#deferred.answer(0, 'done');
      await this.#pause();
    }
    const waiting = this.#model.asks.filter(({ outcome }) => outcome === undefined);
    if (waiting.length > 0) {
      throw this.#break('law 1', `no answer to ${waiting.map(({ verb, subject, at }) => `${verb} of ${subject} at ${at}`).join(', ')}`);
    }
    this.#checkCounts();
    this.#checkFlights();
    await this.#heal();
    await this.#cache?.close();
  }

  /** A store that works again is told what it was not, and then nothing is left of it here. */
  async #heal(): Promise<void> {
    this.#text?.heal();
    for (let round = 0; round < 3; round++) {
      this.clock.advance(retryDelay);
      for (let fn = this.#cache === undefined ? 0 : -1; fn < this.#functions.length; fn++) {
        for (let key = 0; key < keyCount; key++) this.#lookAt(round === 1 ? 'has' : 'peek', { fn, key });
      }
      await this.#pause();
      while (this.#deferred !== undefined && this.#deferred.outstanding.length > 0) {
        this.#deferred.answer(0, 'done');
        await this.#pause();
      }
    }
    for (const lanes of this.#watched.lanes) {
      if (lanes.size > 0) throw this.#break('law 5', `${lanes.size} lanes are left`);
    }
  }

  #checkFlights(): void {
    for (const { flights } of this.#watched.runs) {
      if (flights.size > 0) throw this.#break('law 5', `${flights.size} flights are left`);
    }
    const direct = this.#homes.map(({ store }) => (store.sync ? store.direct : undefined));
    for (const slot of this.#watched.slots) {
      if (slot.attached && !direct.some((store) => store?.peek(slot) !== undefined)) {
        throw this.#break('law 5', 'a slot without an entry is left');
      }
    }
    for (const wrapped of this.#functions) {
      const engine = cachedBehind(wrapped)?.cached.engine();
      if (engine === undefined || !('placeOf' in engine)) continue;
      const { placeOf, textOf } = engine as unknown as { placeOf(text: string): { key: string }; textOf(key: string): string };
      for (const text of this.#texts.values()) {
        const { key } = placeOf.call(engine, text);
        if (textOf.call(engine, key) !== key) throw this.#break('law 5', `the place of ${text} is left`);
      }
    }
  }

  #checkCounts(): void {
    const { asks, runs } = this.#model;
    const check = (stats: Stats, isMeant: (subject: Subject) => boolean, who: string): void => {
      const calls = asks.filter(({ verb, subject }) => verb === 'call' && isMeant(subject));
      const loads = runs.filter(({ ask, subject }) => !ask.bypassed && isMeant(subject));
      const expected = {
        calls: calls.length,
        bypass: calls.filter(({ bypassed }) => bypassed).length,
        loads: loads.length,
        errors: loads.filter(({ ended }) => ended !== undefined && 'error' in ended.outcome).length,
      };
      const { hits, stale, misses, coalesced, bypass, loads: counted, errors } = stats;
      const found = { calls: hits + stale + misses + coalesced + bypass, bypass, loads: counted, errors };
      if (JSON.stringify(found) !== JSON.stringify(expected)) {
        throw this.#break('law 8', `${who} counted ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
      }
    };
    for (const [fn, wrapped] of this.#functions.entries()) {
      const name = names[fn] as string;
      check(wrapped.stats(), (subject) => subject.startsWith(`${name}:`), name);
    }
    const all = this.#cache?.stats() ?? this.#functions[0]?.stats();
    if (all === undefined) return;
    check(all, () => true, 'the cache');
    const failed = this.#text?.faulted || this.#deferred?.failed || this.#timedOut;
    if (failed && this.#heard['error'] === undefined) throw this.#break('law 8', 'no event told that the store had failed');
    if (!this.#setup.heard) return;
    const { hits: hit, misses: miss, coalesced, bypass, loads: load } = all;
    const counted = { hit, miss, coalesced, bypass, load };
    for (const type of eventTypes) {
      const heard = this.#heard[type] ?? 0;
      if (heard !== counted[type] && !process.env['LENIENT']) throw this.#break('law 8', `${counted[type]} × ${type}, and ${heard} events of it`);
    }
  }

  tally(): string[] {
    const stats = this.#cache === undefined ? this.#functions[0]?.stats() : this.#cache.stats();
    const happened = {
      hit: stats?.hits,
      miss: stats?.misses,
      joined: stats?.coalesced,
      bypassed: stats?.bypass,
      failed: stats?.errors,
      'timed out': this.#timedOut ? 1 : 0,
      'store failed': this.#text?.failed || this.#deferred?.failed ? 1 : 0,
      ...this.#model.tally(),
    };
    return Object.entries(happened).flatMap(([what, times]) => new Array<string>(times ?? 0).fill(what));
  }

  #break(law: string, message: string): Violation {
    const violation = new Violation(law, message);
    this.#model.broken ??= violation;
    return violation;
  }
}

function isBypassed(this: Ask | undefined): boolean {
  return this?.bypassed === true;
}
