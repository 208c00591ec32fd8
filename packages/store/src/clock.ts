/**
 * What time it is, in milliseconds since the epoch. Stores and caches take one, so that tests can move time by hand;
 * the default reads `Date.now()` at every look, and so follows Jest's fake timers.
 */
export interface Clock {
  now(): number;
}

/** The wall clock. */
export const systemClock: Clock = { now: () => Date.now() };
