import { type CacheMode, withCacheMode } from '@reprise/core';
import type { Run } from './history.ts';

/** What `withCacheMode` has begun. */
export interface Scope {
  readonly mode: CacheMode;
  isLive: boolean;
  /** The runs that were begun for the call it was begun with. */
  runs: readonly Run[];
}

/** The engine may know already that the call has ended, before who made it is told. */
export function mayBeOver({ isLive, runs }: Scope): boolean {
  return !isLive || runs.some(({ ended }) => ended !== undefined);
}

/** Makes a call, in a mode of its own where it has one. */
export function enterScope(scope: Scope | undefined, call: () => unknown): unknown {
  if (scope === undefined) return call();
  const end = (): void => {
    scope.isLive = false;
  };
  let answer: unknown;
  try {
    answer = withCacheMode(scope.mode, call);
  } catch (error) {
    end();
    throw error;
  }
  if (answer instanceof Promise) answer.then(end, end);
  else end();
  return answer;
}
