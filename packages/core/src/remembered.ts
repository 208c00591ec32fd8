import { RepriseError } from '@reprise/store/contract';
import { currentMode, modes } from './context.ts';
import type { Verb } from './decorator/placing.ts';
import { isAnythingObserved, isObserved, publishEvent } from './diagnostics.ts';
import { bitOf, codeOf, Emitter, textOf, warnOnce } from './events.ts';
import type { Member } from './member.ts';
import { isThenable } from './one-shot.ts';
import { type Policy, settlePolicy } from './options.ts';
import { shownKey } from './shown-key.ts';
import type { AnyFunction, CacheEvent, CacheEventType } from './types.ts';

/** What a cache is to the functions in it. */
export interface Home {
  readonly name: string | undefined;
  readonly emitter: Emitter;
  /** What functions go by that do not say otherwise. */
  readonly defaults: Policy;
  /** Whether the clock is one that was given. */
  readonly isClocked: boolean;
  /** Milliseconds since `memoryEpoch`, by the cache's clock. */
  now(): number;
  /** The same for what is only shown, such as an age; may be a little behind. */
  roughNow(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Whether a moment lies ahead, by the cache's clock: the cheap form of `moment > now()`. */
  isAhead(moment: number): boolean;
  /** Whether calls go through to their functions: disabled, or closed. */
  readonly off: boolean;
  /** Whether its user said that nothing bounds the number of entries. */
  readonly isUnbounded: boolean;
  /** An invalidation was asked for while the cache was off: what it should have removed must not answer later. @returns `false` */
  missInvalidation(): false;
  /** An invalidation goes to the store: the moment to say, once, what the store cannot promise about it. */
  noteInvalidation(): void;
  /** Something was met whose labels have been invalidated: the store may not know yet. */
  metVoided(): void;
}

/**
 * A function that a cache remembers results of, apart from where they are kept: what it is called, how its results are judged,
 * what is counted and who hears of it.
 */
export class Remembered {
  readonly fn: AnyFunction;
  readonly member: Member;
  readonly home: Home;
  readonly emitter: Emitter;
  /** The options given for this function; the rest is the cache's. */
  readonly own: Policy;
  /** The explicit name. */
  readonly givenName: string | undefined;
  policy: Policy;
  /** By which it was wrapped, for messages. */
  verb: Verb = 'cached';
  /** Whether another function has taken its name in a store of text keys: its calls go through. */
  isRetired = false;
  /** The bits of the event types that anybody listens to: here, or at the cache. */
  heard = 0;

  /** @param emitter the listeners, where the function was in another cache before */
  constructor(
    fn: AnyFunction,
    member: Member,
    home: Home,
    own: Policy,
    givenName: string | undefined,
    emitter: Emitter = new Emitter(),
  ) {
    this.fn = fn;
    this.member = member;
    this.home = home;
    this.own = own;
    this.givenName = givenName;
    this.policy = own;
    this.emitter = emitter;
    emitter.changed = () => this.update();
    this.update();
  }

  /** Takes in what has changed at the cache: its defaults, its listeners. */
  update(): void {
    this.policy = settlePolicy(this.home.defaults, this.own);
    this.heard = this.emitter.mask | this.home.emitter.mask;
  }

  /** Not 0 where anybody listens to anything: here, at the cache, or to the channels of the process. */
  get listening(): number {
    return isAnythingObserved() ? -1 : this.heard;
  }

  /** How messages and events call it. */
  label(): string {
    if (this.givenName === '') return `getOrSet of cache '${this.home.name}'`;
    return this.givenName ?? this.member.label();
  }

  /** Whether a value that `set` puts in place of a result stands for a promise of it. Loaders of `getOrSet` are each on their own. */
  givesPromises(runs: { readonly isAsync: boolean }): boolean {
    return this.givenName !== '' && runs.isAsync;
  }

  /** What events say of a call. */
  describe(key: (() => string | undefined) | undefined): Pick<CacheEvent, 'cache' | 'name' | 'key'> {
    let text: string | undefined;
    try {
      text = key?.();
      if (this.givenName === '' && text !== undefined) text = shownKey(text);
    } catch {
      // What has no text is told without.
    }
    return { cache: this.home.name, name: this.givenName === '' ? undefined : this.label(), key: text };
  }

  /**
   * Tells whoever listens. `key` is only called when somebody does.
   * @returns whether a listener was told; subscribers of channels look on, and do not count
   */
  emit(
    type: CacheEventType,
    key: (() => string | undefined) | undefined,
    more?: Pick<CacheEvent, 'duration' | 'error'>,
  ): boolean {
    if ((this.heard & bitOf(type)) === 0 && !isObserved(type)) return false;
    const event: CacheEvent = { type, ...this.describe(key), ...more };
    publishEvent(event);
    const here = this.emitter.emit(event);
    return this.home.emitter.emit(event) || here;
  }

  /** Something went wrong that no caller shall suffer from: an `error` event, or a warning, once for each code, where nobody listens. */
  report(error: unknown, key?: () => string | undefined): void {
    if (this.emit('error', key, { error })) return;
    this.#warn(codeOf(error), textOf(error));
  }

  /** A run behind an answer failed: an `error` event with the function's own error, or a warning. */
  reportBehind(error: unknown, key: () => string | undefined): void {
    if (this.emit('error', key, { error })) return;
    this.#warn('E_BACKGROUND', `a run behind an answer failed: ${textOf(error)}`);
  }

  #warn(code: string, text: string): void {
    warnOnce(this, code, code, `${this.label()}: ${text} (said once; listen to 'error' for all)`);
  }

  /** Calls something that the user gave. What it throws is reported, and `undefined` is the answer. */
  ask<Answer>(
    option: string,
    callback: AnyFunction,
    self: unknown,
    args: readonly unknown[],
    key?: () => string,
  ): Answer | undefined {
    try {
      const answer: unknown = Reflect.apply(callback, self, args);
      if (!isThenable(answer)) return answer as Answer;
      // Nobody waits for it; its failure must not end the process.
      answer.then(undefined, () => {});
      throw new TypeError('it answered a promise, and must be synchronous');
    } catch (error) {
      this.report(
        new RepriseError('E_CALLBACK', `${this.label()}: ${option} threw ${textOf(error)}; ${consequenceOf(option)}`, {
          cause: error,
        }),
        key,
      );
      return undefined;
    }
  }

  /** Whether calls go through to the function: the cache is off, or the caller's mode says so. */
  get isOff(): boolean {
    return this.home.off || this.isRetired || (modes !== 0 && currentMode() === 'no-store');
  }

  /** The caller's signal among the arguments of a call. A throw of the callback is reported, and so is what is no signal: then there is none. */
  signalOf(self: unknown, args: readonly unknown[]): AbortSignal | undefined {
    const { signal } = this.policy;
    if (signal === undefined) return undefined;
    const answer = this.ask<unknown>('signal', signal, self, args);
    if (answer === undefined || answer === null || isSignal(answer)) return answer ?? undefined;
    const text = `signal answered what is no AbortSignal (${typeof answer}); ${consequenceOf('signal')}`;
    this.report(new RepriseError('E_CALLBACK', `${this.label()}: ${text}`));
    return undefined;
  }

  /** What a call runs on a miss: the function, for a caller who may have a signal. */
  workFor(signal: AbortSignal | undefined): { fn: AnyFunction; policy: Policy; signal?: AbortSignal } {
    return signal === undefined ? this : { fn: this.fn, policy: this.policy, signal };
  }

  /** Whether this call goes around the cache. A throw of the callback does, and is reported. */
  isBypassed(self: unknown, args: readonly unknown[]): boolean {
    const { bypass } = this.policy;
    if (bypass === undefined) return false;
    let failed = true;
    const answer = this.ask(
      'bypass',
      (...given: unknown[]) => {
        const said = Reflect.apply(bypass, self, given) as unknown;
        failed = isThenable(said);
        return said;
      },
      self,
      args,
    );
    return failed || Boolean(answer);
  }
}

/** Whether something is a signal, of whichever realm or implementation. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** What comes of a callback that threw. */
function consequenceOf(option: string): string {
  if (option === 'bypass') return 'the call went around the cache';
  if (option === 'signal') return 'the call has no signal';
  if (option.endsWith('.when')) return 'the error is answered as it is';
  return 'the value is not stored';
}
