import { type Clock, type Duration, OptionError, parseDuration } from '@reprise/store';

/** A clock that stands still until told; see {@link manualClock}. */
export interface ManualClock extends Clock {
  /** Moves time on by milliseconds, or a duration such as `'1h30m'`. */
  advance(duration: Duration): void;
  /** Puts it at a moment, in milliseconds since the epoch; backwards too. */
  set(milliseconds: number): void;
}

/**
 * A clock for tests: it shows `start` (milliseconds since the epoch, default `0`) until it is moved.
 *
 * @throws OptionError for a moment that is not a finite number, or an `advance` by no duration
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { manualClock } from '@reprise/store-testkit';
 *
 * const clock = manualClock();
 * clock.advance('1m');
 * clock.advance(500);
 * assert.equal(clock.now(), 60_500);
 */
export function manualClock(start = 0): ManualClock {
  let now = checkMoment(start, 'manualClock');
  return {
    now: () => now,
    advance: (duration) => {
      now = checkMoment(now + parseDuration(duration, 'manualClock: advance'), 'manualClock: advance');
    },
    set: (milliseconds) => {
      now = checkMoment(milliseconds, 'manualClock: set');
    },
  };
}

function checkMoment(moment: number, where: string): number {
  if (Number.isFinite(moment)) return moment;
  throw new OptionError(`${where}: a moment must be a finite number of milliseconds, not ${String(moment)}`);
}
