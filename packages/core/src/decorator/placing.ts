import type { Member } from '../member.ts';
import type { AnyFunction } from '../types/function.ts';

/** The verbs that remember. */
export type Verb = 'cached' | 'cachedMany' | 'memoize';

/** How the dialects get a member wrapped: the engine's `wrap` with the options filled in, the wrapper dressed. */
export interface Placing {
  readonly verb: string;
  /** How a function is wrapped by it, for the way out in errors: `cached(fn)`. */
  readonly wrapping: string;
  readonly getters: boolean;
  wrap(fn: AnyFunction, member: Member): AnyFunction;
}
