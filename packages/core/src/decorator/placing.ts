import type { Member } from '../member.ts';
import type { AnyFunction } from '../types/function.ts';

/** The functions that wrap and decorate. */
export type Verb = 'cached' | 'cachedMany' | 'memoize';

/** How the dialects get a member wrapped: the engine's `wrap` with the options filled in, the wrapper dressed. */
export interface Placing {
  readonly verb: Verb;
  readonly getters: boolean;
  wrap(fn: AnyFunction, member: Member): AnyFunction;
}
