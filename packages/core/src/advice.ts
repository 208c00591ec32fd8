import { warnOnce } from './events.ts';
import type { Remembered } from './remembered.ts';

/**
 * `ids.map(user)` hands index and array to the function, and so to its key: hardly a call finds another's entry. Said once for each
 * function, on a miss that looks like it.
 */
export function adviseAboutMap(remembered: Remembered, args: ArrayLike<unknown>): void {
  if (args.length !== 3) return;
  const [first, index, list] = [args[0], args[1], args[2]];
  if (!Array.isArray(list) || typeof index !== 'number' || !Object.is(list[index], first)) return;
  const label = remembered.label();
  warnOnce(
    remembered,
    'map',
    'REPRISE_MAP',
    `${label} was called as by ids.map(${label}): the index and the whole list became part of its key; write ` +
      `ids.map((id) => ${label}(id)), or give it a key`,
  );
}
