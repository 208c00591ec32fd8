import { setTimeout } from 'node:timers';
import { type AnyFunction, StoreError } from '@reprise/core';
import { type Ask, type Run, Violation } from './history.ts';
import { Model } from './model.ts';
import { checkCounts, checkSize, type Direction, type Inspector } from './remains.ts';
import { type Plan, type Schedule, type Setup, type Step, type Target, textKey } from './schedule.ts';
import { Stage, shortTimeout } from './stage.ts';

/** A run that waits to be told how to go on. */
interface Gate {
  readonly open: () => void;
  readonly fail: () => void;
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
  // What judges age and what counts the time to a retry is the same clock, which stands still.
  Date.now = () => stage.clock.now();
  try {
    for (const step of steps) {
      const pause = player.step(step);
      // Without a pause the next step is in the same synchronous stretch.
      if (pause !== undefined) await pause;
    }
    await player.finish(inspector);
    return player.tally();
  } finally {
    Date.now = now;
  }
}

class Player {
  readonly stage: Stage;
  readonly #model: Model;
  readonly #gates: Gate[] = [];
  /** Whether microtasks may be under way. */
  #ticking = false;
  /** The question whose run begins without `this`: a refresh. */
  #refreshing: Ask | undefined;

  constructor(setup: Setup) {
    const stage = new Stage(setup, (fn) => (setup.functions[fn]?.sync ? this.#makeSync(fn) : this.#makeAsync(fn)));
    const { deferred, text } = stage;
    this.stage = stage;
    this.#model = new Model({
      ttl: setup.ttl,
      looksFirst: deferred !== undefined,
      now: () => stage.clock.now(),
      exact: () =>
        deferred === undefined && (setup.maxSize === Infinity || text !== undefined) && text?.faulted !== true,
      orderly: () => !stage.hasFailed,
    });
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
        this.#invalidate(({ fn }) => fn === step.fn);
        this.#hear(() => this.stage.functions[step.fn]?.clear());
        break;
      case 'clear cache':
        this.#clearCache(step.prefix);
        break;
      case 'advance':
        this.stage.clock.advance(step.by);
        break;
      case 'apply':
        if (this.stage.deferred?.outstanding.length) this.stage.deferred.apply(step.pick);
        break;
      case 'answer':
        if (this.stage.deferred?.outstanding.length) this.stage.deferred.answer(step.pick, step.how);
        break;
      case 'fault':
        this.stage.text?.fail(step.verb, step.late);
        break;
      case 'turn':
        return new Promise((resolve) => setImmediate(resolve));
      case 'time out':
        this.stage.timedOut ||= (this.stage.deferred?.outstanding.length ?? 0) > 0;
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
    checkSize(this.stage, this.#break);
    this.#model.turn++;
    this.#ticking = false;
  }

  #call(
    target: Target,
    plan: Plan,
    { parent, bypassed = false, dedupe = true }: { parent?: Run; bypassed?: boolean; dedupe?: boolean },
  ): Promise<unknown> | undefined {
    const args = this.stage.argumentsOf(target);
    const alone = bypassed || !(this.stage.setup.functions[target.fn]?.dedupe ?? dedupe);
    const ask = this.#model.ask({
      verb: 'call',
      subject: this.stage.subjectOf(target),
      args,
      plan,
      parent,
      alone,
      bypassed,
    });
    return this.#answer(ask, () => {
      if (target.fn >= 0) return this.stage.functions[target.fn]?.apply(ask, args);
      return this.stage.cache?.getOrSet(textKey(target.key), async () => this.#run(-1, ask, []), { dedupe });
    });
  }

  #refresh(target: Target, plan: Plan): void {
    const args = this.stage.argumentsOf(target);
    const subject = this.stage.subjectOf(target);
    const ask = this.#model.ask({
      verb: 'refresh',
      subject,
      args,
      plan,
      parent: undefined,
      alone: false,
      bypassed: false,
    });
    this.#refreshing = ask;
    this.#answer(ask, () => this.stage.functions[target.fn]?.refresh(...args))?.catch(() => {});
    this.#refreshing = undefined;
  }

  /** Takes an answer down, whether it comes at once or later. */
  #answer(ask: Ask, question: () => unknown): Promise<unknown> | undefined {
    const { subject } = ask;
    let answer: unknown;
    try {
      answer = question();
    } catch (error) {
      if (!this.stage.isSync(subject)) throw this.#break('law 1', `an asynchronous call of ${subject} threw`);
      this.#model.answered(ask, { error });
      return undefined;
    }
    if (!(answer instanceof Promise)) {
      if (!this.stage.isSync(subject))
        throw this.#break('law 1', `an asynchronous call of ${subject} answered no promise`);
      this.#model.answered(ask, { value: answer });
      return undefined;
    }
    if (this.stage.isSync(subject)) throw this.#break('law 1', `a synchronous call of ${subject} answered a promise`);
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

  #change(verb: 'invalidate' | 'set', target: Target, unkept = false): void {
    const subject = this.stage.subjectOf(target);
    const wrapped = this.stage.functions[target.fn];
    const args = this.stage.argumentsOf(target);
    if (verb === 'set') {
      const value = this.#model.put(subject, unkept);
      this.#hear(() =>
        wrapped === undefined ? this.stage.cache?.set(textKey(target.key), value) : wrapped.set(args, value),
      );
      return;
    }
    const known = this.#model.known(subject);
    this.#model.invalidate([subject]);
    this.#hear(
      () => (wrapped === undefined ? this.stage.cache?.delete(textKey(target.key)) : wrapped.invalidate(...args)),
      (existed) => this.#model.removed(subject, known, existed),
    );
  }

  #lookAt(verb: 'peek' | 'has', target: Target): void {
    const look = this.#model.look(this.stage.subjectOf(target));
    const wrapped = this.stage.functions[target.fn];
    const key = textKey(target.key);
    const args = this.stage.argumentsOf(target);
    if (verb === 'peek') {
      this.#hear(
        () => (wrapped === undefined ? this.stage.cache?.get(key) : wrapped.peek(...args)),
        (value) => this.#model.seen(look, value),
      );
    } else {
      this.#hear(
        () => (wrapped === undefined ? this.stage.cache?.has(key) : wrapped.has(...args)),
        (has) => this.#model.had(look, has),
      );
    }
  }

  #invalidate(covers: (target: Target) => boolean): void {
    const covered = [...this.stage.targets()].filter(covers);
    this.#model.invalidate(covered.map((target) => this.stage.subjectOf(target)));
  }

  #clearCache(prefix: string | undefined): void {
    this.#invalidate((target) => prefix === undefined || this.stage.textOf(target).startsWith(prefix));
    this.#hear(() => this.stage.cache?.clear(prefix === undefined ? undefined : { prefix }));
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
    await this.#pause();
    for (let rounds = 0; this.#gates.length > 0 || (deferred?.outstanding.length ?? 0) > 0; rounds++) {
      if (rounds > 200) throw this.#break('law 1', 'it goes on and on');
      for (const gate of this.#gates.splice(0)) gate.open();
      deferred?.answerAll();
      await this.#pause();
    }
    const waiting = this.#model.asks.filter(({ outcome }) => outcome === undefined);
    if (waiting.length > 0) {
      const list = waiting.map(({ verb, subject, at }) => `${verb} of ${subject} at ${at}`).join(', ');
      throw this.#break('law 1', `no answer to ${list}`);
    }
    checkCounts(this.stage, this.#model, this.#break);
    inspector?.checkSettled(this.stage, this.#break);
    await this.#heal();
    inspector?.checkHealed(this.#break);
    await cache?.close();
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

  /** What came to pass, each as often as it did. */
  tally(): string[] {
    const { cache, functions, timedOut, store } = this.stage;
    const stats = cache?.stats() ?? functions[0]?.stats();
    const happened = {
      hit: stats?.hits,
      miss: stats?.misses,
      joined: stats?.coalesced,
      bypassed: stats?.bypass,
      failed: stats?.errors,
      'timed out': Number(timedOut),
      'store failed': Number(store?.failed ?? false),
      ...this.#model.tally(),
    };
    return Object.entries(happened).flatMap(([what, times]) => new Array<string>(times ?? 0).fill(what));
  }

  // Kept, too: what is thrown in a run, or after one, may be taken for its error.
  readonly #break = (law: string, message: string): Violation => {
    const violation = new Violation(law, message);
    this.#model.broken ??= violation;
    return violation;
  };
}
