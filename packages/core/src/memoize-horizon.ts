import { setImmediate } from 'node:timers';
import { readNow } from './coarse-clock.ts';

/*
 * The coarse clock, for a hit path that counts its hits anyway: a call of `isAhead` costs as much as a third of a hit. Here a
 * moment beyond the horizon lies ahead, which takes one comparison, and whoever compares looks at the clock itself at least every
 * `stride` hits. The same holds as for the coarse clock: there is a horizon only within one turn of the event loop, after a burst
 * of looks within one millisecond; it is so far that a hit can be late only when that turn is blocked for longer than `margin`;
 * and whoever asks must see that `Date.now` is the engine's own.
 */
const margin = 5_000;
const burst = 32;

/** After so many hits, at most, {@link isAheadNow} is to be asked again. */
export const stride = 256;

/** Moments (milliseconds since `memoryEpoch`) beyond it lie ahead. */
export let horizon: number = Infinity;

let reading = Number.NaN;
let streak = 0;

/** Whether a moment lies ahead, by a look at the clock. */
export function isAheadNow(moment: number): boolean {
  const now = readNow();
  if (now !== reading) {
    reading = now;
    streak = 0;
  } else if (++streak === burst) {
    // Not unref'd: such a one may wait for the next input, which would be answered first.
    if (horizon === Infinity) setImmediate(forget);
    horizon = now + margin;
  }
  return moment > now;
}

function forget(): void {
  horizon = Infinity;
  reading = Number.NaN;
  streak = 0;
}
