import { type AnyFunction, cacheLife, cacheTag, noStore } from '@reprise/core';
import type { Ask, Run } from './history.ts';
import type { Model } from './model.ts';
import type { Act, Plan, Setup, Target } from './schedule.ts';
import { nameTag, wrapText } from './values.ts';

/** A run that waits to be told how to go on. */
interface Gate {
  readonly open: () => void;
  readonly fail: (odd: boolean) => void;
}

/** Who does what a run does to others. */
export interface Actor {
  readonly model: Model;
  /** Makes a call from inside of a run. */
  call(target: Target, plan: Plan, parent: Run, mode: (Act & { do: 'call' })['mode']): Promise<unknown> | undefined;
  change(verb: 'invalidate' | 'set', target: Target): void;
  invalidateTags(tags: readonly number[]): void;
}

/** The functions that are cached: each run does what its call has planned. */
export class Bodies {
  readonly gates: Gate[] = [];
  /** The question whose run begins without `this`: a refresh. */
  refreshing: Ask | undefined;
  readonly #setup: Setup;
  readonly #actor: Actor;

  constructor(setup: Setup, actor: Actor) {
    this.#setup = setup;
    this.#actor = actor;
  }

  make(fn: number): AnyFunction {
    const bodies = this;
    if (this.#setup.functions[fn]?.sync) {
      return function (this: Ask | undefined, ...args: unknown[]): unknown {
        return bodies.#runSync(fn, this, args);
      };
    }
    return async function (this: Ask | undefined, ...args: unknown[]): Promise<unknown> {
      return bodies.run(fn, this, args);
    };
  }

  #runSync(fn: number, ask: Ask | undefined, args: readonly unknown[]): unknown {
    const run = this.#begin(ask, args);
    for (const act of run.ask.plan.acts) {
      if (act.do === 'call') this.#actor.call(act, act.plan, run, act.mode)?.catch(() => {});
      else if (act.do !== 'wait') this.#act(act, run);
    }
    return this.#end(run, fn);
  }

  async run(fn: number, ask: Ask | undefined, args: readonly unknown[]): Promise<unknown> {
    const run = this.#begin(ask, args);
    try {
      for (const act of run.ask.plan.acts) {
        if (act.do === 'wait') await this.#wait(run);
        else if (act.do === 'call') {
          const answer = this.#actor.call(act, act.plan, run, act.mode);
          if (act.awaited) await answer;
          else answer?.catch(() => {});
        } else this.#act(act, run);
      }
    } catch (error) {
      this.#actor.model.end(run, { error });
      throw error;
    }
    return this.#end(run, fn);
  }

  #act(act: Exclude<Act, { do: 'wait' | 'call' }>, run: Run): void {
    const { model } = this.#actor;
    switch (act.do) {
      case 'tag':
        model.remark(run, { label: nameTag(act.tag) });
        cacheTag(nameTag(act.tag));
        break;
      case 'life':
        model.remark(run, { life: act.life });
        cacheLife(act.life);
        break;
      case 'no store':
        model.remark(run, { unstored: true });
        noStore();
        break;
      case 'invalidate tags':
        this.#actor.invalidateTags(act.tags);
        break;
      default:
        this.#actor.change(act.do, act);
    }
  }

  #begin(ask: Ask | undefined, args: readonly unknown[]): Run {
    const { model } = this.#actor;
    const asked = ask ?? this.refreshing;
    if (asked === undefined) throw model.chronicle.fault('law 1', 'a run without the this of a call');
    return model.begin(asked, args);
  }

  #end(run: Run, fn: number): unknown {
    const { model } = this.#actor;
    const { fails, odd } = run.ask.plan;
    if (fails) {
      const error = new Error(`${run.value} of function ${fn} fails${odd ? '?' : ''}`);
      model.end(run, { error });
      throw error;
    }
    model.end(run, { value: run.value });
    return wrapText(run.value, this.#setup.policies.isolate);
  }

  #wait(run: Run): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (odd: boolean): void => reject(new Error(`${run.value} is made to fail${odd ? '?' : ''}`));
      this.gates.push({ open: resolve, fail });
    });
  }
}
