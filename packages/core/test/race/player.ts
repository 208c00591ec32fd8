import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers';
import { type CacheMode, invalidateTags, StoreError } from '@reprise/core';
import { type Actor, Bodies } from './bodies.ts';
import { type Ask, type Run, Violation } from './history.ts';
import { Model } from './model.ts';
import { checkCounts, checkSize, type Direction, type Inspector, tally } from './remains.ts';
import { type Plan, type Schedule, type Setup, type Step, type Target, tagCount, textKey } from './schedule.ts';
import { enterScope, mayBeOver, type Scope } from './scopes.ts';
import { Stage, shortTimeout } from './stage.ts';
import { nameTag, textIn } from './values.ts';

/** How a call is made. */
interface Manner {
  readonly parent?: Run;
  readonly bypassed?: boolean;
  readonly dedupe?: boolean;
  readonly mode?: CacheMode | undefined;
}

/** Longer than what the engine waits before it tries a failed operation again. */
const retryDelay = 1_100;

/**
 * Plays a schedule on the real engine.
 * @returns what came to pass, for who wonders whether schedules do anything
 * @throws Violation of the first law that did not hold
 */
export async function play({ setup, steps }: Schedule, { prepare, inspector }: Direction = {}): Promise<string[]> {
  inspector?.begin();
  const player = new Player(setup);
  const { stage } = player;
  prepare?.(stage);
  const { now } = Date;
  const { now: measure } = performance;
  const hear = (error: unknown): void => {
    player.model.chronicle.fault('law 1', `a rejection that nobody could hear: ${error}`);
  };
  process.on('unhandledRejection', hear);
  // What judges age, what counts the time to a retry and what measures runs is the same clock, which stands still.
  Date.now = () => stage.clock.now();
  performance.now = Date.now;
  try {
    for (const step of steps) {
      const pause = player.step(step);
      // Without a pause the next step is in the same synchronous stretch.
      if (pause !== undefined) await pause;
    }
    await player.finish(inspector);
    return tally(stage, player.model);
  } catch (error) {
    // It must not hear of what later schedules invalidate, nor they of what it leaves.
    stage.cache?.close().catch(() => {});
    await endTurn();
    throw error;
  } finally {
    process.off('unhandledRejection', hear);
    Date.now = now;
    performance.now = measure;
  }
}

class Player implements Actor {
  readonly stage: Stage;
  readonly model: Model;
  readonly #bodies: Bodies;
  readonly #scopes = new Map<Ask, Scope>();
  /** Copies that somebody has. */
  readonly #handed = new WeakSet<object>();
  /** Whether microtasks may be under way. */
  #ticking = false;

  constructor(setup: Setup) {
    const bodies = new Bodies(setup, this);
    const stage = new Stage(setup, (fn) => bodies.make(fn));
    const { deferred } = stage;
    this.stage = stage;
    this.#bodies = bodies;
    this.model = new Model({
      ...setup.policies,
      ttl: setup.ttl,
      looksFirst: deferred !== undefined,
      now: () => stage.clock.now(),
      exact: () => stage.isExact,
      orderly: () => !stage.hasFailed,
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
    const { deferred, text, clock, functions } = this.stage;
    switch (step.do) {
      case 'call':
        this.#call(step, step.plan, step)?.catch(() => {});
        break;
      case 'refresh':
        this.#refresh(step, step.plan);
        break;
      case 'settle': {
        const { gates } = this.#bodies;
        const [gate] = gates.splice(step.pick % gates.length, 1);
        if (step.fails) gate?.fail(step.odd);
        else gate?.open();
        break;
      }
      case 'invalidate':
        this.change(step.do, step);
        break;
      case 'set':
        this.change(step.do, step, step.unkept, step.labels);
        break;
      case 'invalidate tags':
        this.invalidateTags(step.tags);
        break;
      case 'peek':
      case 'has':
        this.#lookAt(step.do, step);
        break;
      case 'clear':
        this.#invalidate(({ fn }) => fn === step.fn);
        this.#hear(() => functions[step.fn]?.clear());
        break;
      case 'clear cache':
        this.#clearCache(step.prefix);
        break;
      case 'advance':
        clock.advance(step.by);
        break;
      case 'apply':
        if (deferred?.outstanding.length) deferred.apply(step.pick);
        break;
      case 'answer':
        if (deferred?.outstanding.length) deferred.answer(step.pick, step.how);
        break;
      case 'fault':
        text?.fail(step.verb, step.late);
        break;
      case 'turn':
        return endTurn();
      case 'time out':
        return this.#timeOut();
    }
    return undefined;
  }

  async #timeOut(): Promise<void> {
    this.stage.timedOut ||= this.stage.setup.home === 'timed' && (this.stage.deferred?.outstanding.length ?? 0) > 0;
    const passed = this.model.passLimits();
    // Timers are called in the order of their ends: those of the callers and operations before this one.
    // Twice: where the process itself has stood still meanwhile, the store is given as much again.
    for (let left = 2; left > 0; left--) await new Promise((resolve) => setTimeout(resolve, shortTimeout + 1));
    await this.#pause();
    passed();
  }

  /** Lets everything happen that needs no event from outside. */
  async #pause(): Promise<void> {
    // Called when no microtask is left; no timer can fire before.
    await new Promise((resolve) => process.nextTick(resolve));
    const { broken } = this.model.chronicle;
    if (broken !== undefined) throw broken;
    checkSize(this.stage, this.#break);
    this.model.quiet();
    this.#ticking = false;
  }

  call(target: Target, plan: Plan, parent: Run, mode: CacheMode | undefined): Promise<unknown> | undefined {
    return this.#call(target, plan, { parent, mode });
  }

  #call(target: Target, plan: Plan, { parent, bypassed, dedupe = true, mode }: Manner): Promise<unknown> | undefined {
    const { cache, functions, setup } = this.stage;
    const args = this.stage.argumentsOf(target);
    const outer = parent && this.#scopes.get(parent.ask);
    // What goes on when its scope has ended is in no certain mode, so it says one.
    const said = mode ?? (outer !== undefined && mayBeOver(outer) ? 'default' : undefined);
    const own: Scope | undefined = said === undefined ? undefined : { mode: said, isLive: true, runs: [] };
    const scope = own ?? outer;
    const isAround = bypassed === true || scope?.mode === 'no-store';
    const ask = this.model.ask({
      verb: 'call',
      subject: this.stage.subjectOf(target),
      args,
      plan,
      parent,
      alone: isAround || !(setup.functions[target.fn]?.dedupe ?? dedupe),
      bypassed: isAround,
      mode: scope?.mode ?? 'default',
    });
    if (own !== undefined) own.runs = ask.runs;
    if (scope !== undefined) this.#scopes.set(ask, scope);
    return this.#answer(ask, () =>
      enterScope(own, () => {
        if (target.fn >= 0) return functions[target.fn]?.apply(ask, args);
        return cache?.getOrSet(textKey(target.key), async () => this.#bodies.run(-1, ask, []), { dedupe });
      }),
    );
  }

  #refresh(target: Target, plan: Plan): void {
    const args = this.stage.argumentsOf(target);
    const ask = this.model.ask({
      verb: 'refresh',
      subject: this.stage.subjectOf(target),
      args,
      plan,
      parent: undefined,
      alone: false,
      bypassed: false,
      mode: 'default',
    });
    this.#bodies.refreshing = ask;
    this.#answer(ask, () => this.stage.functions[target.fn]?.refresh(...args))?.catch(() => {});
    this.#bodies.refreshing = undefined;
  }

  /** Takes an answer down, whether it comes at once or later. */
  #answer(ask: Ask, question: () => unknown): Promise<unknown> | undefined {
    const { subject } = ask;
    let answer: unknown;
    try {
      answer = question();
    } catch (error) {
      if (!this.stage.isSync(subject)) throw this.#break('law 1', `an asynchronous call of ${subject} threw`);
      this.model.answered(ask, { error });
      return undefined;
    }
    if (!(answer instanceof Promise)) {
      if (!this.stage.isSync(subject))
        throw this.#break('law 1', `an asynchronous call of ${subject} answered no promise`);
      this.model.answered(ask, { value: this.#take(answer) });
      return undefined;
    }
    if (this.stage.isSync(subject)) throw this.#break('law 1', `a synchronous call of ${subject} answered a promise`);
    return answer.then(
      (value) => {
        this.model.answered(ask, { value: this.#take(value) });
      },
      (error: unknown) => {
        this.model.answered(ask, { error });
        throw error;
      },
    );
  }

  /** The text of a value that somebody was given. Where copies were asked for, nobody else has this one. */
  #take(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#handed.has(value)) throw this.#break('isolate', `two have the same copy of ${textIn(value)}`);
    this.#handed.add(value);
    return textIn(value);
  }

  change(verb: 'invalidate' | 'set', target: Target, unkept = false, labels: readonly number[] = []): void {
    const subject = this.stage.subjectOf(target);
    const wrapped = this.stage.functions[target.fn];
    const args = this.stage.argumentsOf(target);
    if (verb === 'set') {
      const value = this.model.put(subject, unkept, labels);
      this.#take(value);
      this.#hear(() =>
        wrapped === undefined ? this.stage.cache?.set(textKey(target.key), value) : wrapped.set(args, value),
      );
      return;
    }
    const known = this.model.answers.known(subject);
    this.model.invalidate([subject]);
    this.#hear(
      () => (wrapped === undefined ? this.stage.cache?.delete(textKey(target.key)) : wrapped.invalidate(...args)),
      (existed) => this.model.answers.removed(subject, known, existed),
    );
  }

  #lookAt(verb: 'peek' | 'has', target: Target): void {
    const look = this.model.look(this.stage.subjectOf(target));
    const wrapped = this.stage.functions[target.fn];
    const key = textKey(target.key);
    const args = this.stage.argumentsOf(target);
    const { answers } = this.model;
    if (verb === 'peek') {
      this.#hear(
        () => (wrapped === undefined ? this.stage.cache?.get(key) : wrapped.peek(...args)),
        (value) => answers.seen(look, this.#take(value)),
      );
    } else {
      this.#hear(
        () => (wrapped === undefined ? this.stage.cache?.has(key) : wrapped.has(...args)),
        (has) => answers.had(look, has),
      );
    }
  }

  #invalidate(covers: (target: Target) => boolean): void {
    const covered = [...this.stage.targets()].filter(covers);
    this.model.invalidate(covered.map((target) => this.stage.subjectOf(target)));
  }

  #clearCache(prefix: string | undefined): void {
    this.#invalidate((target) => prefix === undefined || this.stage.textOf(target).startsWith(prefix));
    this.#hear(() => this.stage.cache?.clear(prefix === undefined ? undefined : { prefix }));
  }

  invalidateTags(tags: readonly number[]): void {
    const labels = tags.map(nameTag);
    this.model.invalidateTags(labels);
    this.#hear(() => (this.stage.cache ?? { invalidateTags }).invalidateTags(labels));
  }

  /** Does something that is no call, and hears what it answers. It may only fail because the store did. */
  #hear(operation: () => unknown, hear: (answer: unknown) => void = () => {}): void {
    const fail = (error: unknown): void => {
      // It stands in the model already.
      if (error instanceof Violation) return;
      if (!this.stage.hasFailed || !(error instanceof StoreError))
        this.#break('law 1', `an operation failed: ${error}`);
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
  async finish(inspector: Inspector | undefined): Promise<void> {
    const { deferred, cache } = this.stage;
    const { gates } = this.#bodies;
    await this.#pause();
    for (let rounds = 0; gates.length > 0 || (deferred?.outstanding.length ?? 0) > 0; rounds++) {
      if (rounds > 200) throw this.#break('law 1', 'it goes on and on');
      for (const gate of gates.splice(0)) gate.open();
      deferred?.answerAll();
      await this.#pause();
    }
    const waiting = this.model.chronicle.asks.filter(({ outcome }) => outcome === undefined);
    if (waiting.length > 0) {
      const list = waiting.map(({ verb, subject, at }) => `${verb} of ${subject} at ${at}`).join(', ');
      throw this.#break('law 1', `no answer to ${list}`);
    }
    checkCounts(this.stage, this.model, this.#break);
    if (this.stage.setup.theme === 'labels') await this.#voidAll();
    inspector?.checkSettled(this.stage, this.#break);
    await this.#heal();
    inspector?.checkHealed(this.#break);
    await cache?.close();
    // Unheard rejections are told of when all else is done.
    await endTurn();
    const { broken } = this.model.chronicle;
    if (broken !== undefined) throw broken;
  }

  /** Of what is left, each label takes what was made of it. */
  async #voidAll(): Promise<void> {
    for (let tag = 0; tag < tagCount; tag++) {
      this.invalidateTags([tag]);
      for (const target of this.stage.targets()) this.#lookAt('peek', target);
      await this.#pause();
      this.stage.deferred?.answerAll();
      await this.#pause();
    }
  }

  /** A store that works again is told what it was not. What it was not told yet, must not be answered either. */
  async #heal(): Promise<void> {
    const { deferred, text, clock } = this.stage;
    text?.heal();
    for (const verb of ['peek', 'has', 'peek'] as const) {
      clock.advance(retryDelay);
      for (const target of this.stage.targets()) this.#lookAt(verb, target);
      await this.#pause();
      while (deferred !== undefined && deferred.outstanding.length > 0) {
        deferred.answer(0, 'done');
        await this.#pause();
      }
    }
  }

  // Kept, too: what is thrown in a run, or after one, may be taken for its error.
  readonly #break = (law: string, message: string): Violation => this.model.chronicle.fault(law, message);
}

function endTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
