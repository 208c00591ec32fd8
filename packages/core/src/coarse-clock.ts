import { setImmediate } from 'node:timers';
import { memoryEpoch } from '@reprise/store/contract';

/*
 * Judging age costs a look at the clock, and that look costs several hits. This clock looks once for many hits where that
 * cannot be noticed, and each time where it could:
 *
 * - A reading is used again only inside one turn of the event loop, only after a burst of looks that all fell within one
 *   millisecond, and for at most `reuses` hits.
 * - Only for an entry that had more than `margin` to live at the reading. So a hit can be late only when one turn of the loop,
 *   after such a burst, is blocked for longer than `margin`.
 * - Never when `Date.now` is not the engine's own: fake timers and patched clocks are read at every look.
 */
const margin = 5_000;
const burst = 32;
const reuses = 31;

/** The engine's own `Date.now`, which a patched one differs from; `undefined` if it was patched before this was loaded. */
export const nativeNow: (() => number) | undefined = isNative(Date.now) ? Date.now : undefined;

let reading = -1;
/** How often the reading may be used again. */
let left = 0;
/** What lies beyond it lies ahead, as long as the reading is used again; `Infinity`: ask the clock. */
let horizon = Infinity;
let streak = 0;
let resetQueued = false;

function isNative(now: () => number): boolean {
  return Function.prototype.toString.call(now).includes('[native code]');
}

/** Milliseconds since {@link memoryEpoch}, read anew. */
export function readNow(): number {
  const now = Date.now() - memoryEpoch;
  // As a small integer, where it is one: engines keep those in place, and box what might be a fraction.
  const small = now | 0;
  return small === now ? small : now;
}

/** Whether a moment (milliseconds since {@link memoryEpoch}) lies in the future. */
export function isAhead(moment: number): boolean {
  if (moment > horizon && Date.now === nativeNow) {
    if (--left === 0) horizon = Infinity;
    return true;
  }
  return moment > look();
}

/** Milliseconds since {@link memoryEpoch}, as of this turn of the loop: for what is only shown, never judged. */
export function roughNow(): number {
  if (left > 0 && Date.now === nativeNow) {
    if (--left === 0) horizon = Infinity;
    return reading;
  }
  return look();
}

function look(): number {
  const now = readNow();
  if (now !== reading || Date.now !== nativeNow) {
    reading = now;
    streak = 0;
    left = 0;
    horizon = Infinity;
  } else if (++streak >= burst) {
    left = reuses;
    horizon = now + margin;
    if (!resetQueued) {
      resetQueued = true;
      // Not unref'd: such a one may wait for the next input, and that would be answered by this reading first.
      setImmediate(forget);
    }
  }
  return now;
}

function forget(): void {
  resetQueued = false;
  reading = -1;
  streak = 0;
  left = 0;
  horizon = Infinity;
}
