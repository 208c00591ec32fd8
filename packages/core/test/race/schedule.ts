import type { CacheMode } from '@reprise/core';

/**
 * Where the entries of a schedule live; `timed` is an asynchronous store whose operations also run into `storeTimeout`, `tiered` one with
 * memory in front.
 */
export type HomeKind = 'private' | 'memory' | 'text' | 'async' | 'timed' | 'tiered';

export const homeKinds: readonly HomeKind[] = ['private', 'memory', 'text', 'async', 'timed', 'tiered'];

/** Those whose store does nothing until it is told to. */
export const deferredKinds: readonly HomeKind[] = ['async', 'timed', 'tiered'];

/** How the functions of a schedule are made. */
interface FunctionSetup {
  readonly sync: boolean;
  readonly dedupe: boolean;
  readonly bypass: boolean;
}

/** What the functions of a schedule say about freshness, failures, labels; durations in milliseconds, 0 for none. */
export interface Policies {
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly retryAfter: number;
  /** A fraction of the ttl; 0: never. */
  readonly refreshAhead: number;
  /** The ttl of remembered errors. */
  readonly cacheErrors: number;
  /** Whether `when` excludes odd errors from being remembered or forgiven. */
  readonly picky: boolean;
  readonly timeToIdle: number;
  /** Where the option takes labels from: everything has `t0`, or what the value says. */
  readonly tags: 'none' | 'list' | 'value';
  /** Whether every caller gets a copy. */
  readonly isolate: boolean;
  readonly timeout: Timeout;
}

/** None of them. */
export const plainPolicies: Policies = {
  staleWhileRevalidate: 0,
  staleIfError: 0,
  retryAfter: 1_000,
  refreshAhead: 0,
  cacheErrors: 0,
  picky: false,
  timeToIdle: 0,
  tags: 'none',
  isolate: false,
  timeout: {},
};

/** Real time for `soft` and `hard`, the schedule's for `abandon`. */
export interface Timeout {
  readonly soft?: number;
  readonly hard?: number;
  readonly abandon?: number;
}

/** What a schedule is mostly about: nothing beyond calls and invalidations, all at once, results made of labelled ones, or failures. */
export type Theme = 'plain' | 'mixed' | 'labels' | 'failures';

/** What a schedule is played on. */
export interface Setup {
  readonly home: HomeKind;
  readonly theme: Theme;
  readonly functions: readonly FunctionSetup[];
  /** Which arguments the keys stand for: see `argumentsOf`. */
  readonly shape: Shape;
  readonly ttl: number;
  readonly maxSize: number;
  /** Whether there is a `cacheIf`. */
  readonly choosy: boolean;
  /** Whether the store fails now and then. */
  readonly faulty: boolean;
  /** Whether an asynchronous store can itself void what carries a label. */
  readonly knowsTags: boolean;
  /** Whether somebody listens to every event. */
  readonly heard: boolean;
  readonly policies: Policies;
}

export type Shape = 'texts' | 'lookalikes' | 'objects' | 'lists' | 'nothings';

export const keyCount = 3;
export const tagCount = 3;

/** The arguments that a key stands for, made anew each time. */
export function argumentsOf(shape: Shape, key: number): unknown[] {
  switch (shape) {
    case 'texts':
      return [textKey(key)];
    case 'lookalikes':
      return [[1], ['1'], [1n]][key] as unknown[];
    case 'objects':
      return [[{ id: 'a', size: 1 }], [{ id: 'a' }], [{ id: 'b', deep: [{ x: 1 }] }]][key] as unknown[];
    case 'lists':
      return [['a', 'b'], ['ab'], [['a', 'b']]][key] as unknown[];
    case 'nothings':
      return [[Number.NaN], [], [undefined]][key] as unknown[];
  }
}

/** A key of `getOrSet`, and of the functions whose keys are texts. */
export function textKey(key: number): string {
  return ['a', 'ab', 'b'][key] as string;
}

/** Which function, and which of its keys; function -1 is the cache's own `getOrSet`. */
export interface Target {
  readonly fn: number;
  readonly key: number;
}

/** What one run does, in order, before it ends: decided when its call is planned, so that dropping steps changes no other. */
export interface Plan {
  readonly acts: readonly Act[];
  readonly fails: boolean;
  /** Whether the error is one that `when` excludes. */
  readonly odd: boolean;
  /** Whether a `cacheIf` refuses the value. */
  readonly unkept: boolean;
  /** The labels that the value says it has. */
  readonly labels: readonly number[];
}

export type Act =
  | { readonly do: 'wait' }
  | ({ readonly do: 'call'; readonly plan: Plan; readonly awaited: boolean; readonly mode?: CacheMode } & Target)
  | ({ readonly do: 'invalidate' } & Target)
  | ({ readonly do: 'set' } & Target)
  | { readonly do: 'invalidate tags'; readonly tags: readonly number[] }
  | { readonly do: 'tag'; readonly tag: number }
  | { readonly do: 'life'; readonly life: number }
  | { readonly do: 'no store' };

export type StepWork =
  | ({
      readonly do: 'call';
      readonly plan: Plan;
      readonly bypassed: boolean;
      readonly dedupe: boolean;
      readonly mode?: CacheMode;
    } & Target)
  | ({ readonly do: 'refresh'; readonly plan: Plan } & Target)
  | { readonly do: 'settle'; readonly pick: number; readonly fails: boolean; readonly odd: boolean }
  | ({ readonly do: 'invalidate' } & Target)
  | { readonly do: 'invalidate tags'; readonly tags: readonly number[] }
  | ({ readonly do: 'set'; readonly unkept: boolean; readonly labels: readonly number[] } & Target)
  | ({ readonly do: 'peek' } & Target)
  | ({ readonly do: 'has' } & Target)
  | { readonly do: 'clear'; readonly fn: number }
  | { readonly do: 'clear cache'; readonly prefix: string | undefined }
  | { readonly do: 'advance'; readonly by: number }
  | { readonly do: 'apply'; readonly pick: number }
  | { readonly do: 'answer'; readonly pick: number; readonly how: 'done' | 'refused' | 'lost' }
  | { readonly do: 'fault'; readonly verb: 'get' | 'set' | 'delete' | 'clear'; readonly late: boolean }
  | { readonly do: 'turn' }
  | { readonly do: 'time out' };

/**
 * One step, and how long it is until the next: until all is quiet, for one turn of the microtask queue, or not at all: then both are in
 * one synchronous stretch.
 */
export type Step = StepWork & { readonly pause: 'long' | 'tick' | 'none' };

export interface Schedule {
  readonly seed: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

/** Whether callers run into limits of real time, which pass only where a step lets them. */
export function hasLimits({ home, policies: { timeout } }: Setup): boolean {
  return home === 'timed' || timeout.soft !== undefined || timeout.hard !== undefined;
}

/** A schedule for people to read. */
export function describeSchedule({ seed, setup, steps }: Schedule): string {
  const lines = steps.map((step, index) => `  ${index}. ${describe(step)}`);
  return [`seed ${seed}, ${JSON.stringify(setup, showInfinity)}`, ...lines].join('\n');
}

function describe(step: Step): string {
  const { do: verb, pause, ...rest } = step;
  return `${verb} ${JSON.stringify(rest, showInfinity)}${{ long: '', tick: ' …', none: ' +' }[pause]}`;
}

function showInfinity(_key: string, value: unknown): unknown {
  return value === Infinity ? 'Infinity' : value;
}
