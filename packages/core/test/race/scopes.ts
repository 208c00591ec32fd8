import { type CacheMode, withCacheMode } from '@reprise/core';

/** What `withCacheMode` has begun. */
export interface Scope {
  readonly mode: CacheMode;
  isLive: boolean;
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
