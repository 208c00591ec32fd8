import { OptionError } from './errors.ts';

/**
 * A length of time: milliseconds as a number, or a string with units (`'500ms' '30s' '5m' '1h30m' '7d'`).
 * `Infinity` means without end.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | (string & {});

const unitLengths: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const units = ['d', 'h', 'm', 's', 'ms'];
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/**
 * The milliseconds of a {@link Duration}.
 *
 * @param duration what the caller said; each unit at most once, from the longest to the shortest
 * @param where what the duration is for, as the error shall name it: `Users.find: ttl`
 * @throws OptionError when it is negative, NaN, without a unit, or not a duration at all
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { parseDuration } from '@reprise/store';
 *
 * assert.equal(parseDuration('1h30m', 'ttl'), 5_400_000);
 * assert.equal(parseDuration(250, 'ttl'), 250);
 * assert.throws(() => parseDuration('10', 'ttl'), /ttl.*unit/);
 */
export function parseDuration(duration: unknown, where: string): number {
  if (typeof duration === 'number') {
    if (duration >= 0) return duration;
    throw new OptionError(`${where} must be 0 or more milliseconds, not ${duration}`);
  }
  if (typeof duration !== 'string') {
    const found = duration === null ? 'null' : typeof duration;
    throw new OptionError(`${where} must be milliseconds or a string with a unit such as '5m', not ${found}`);
  }
  let total = 0;
  let position = 0;
  let longest = -1;
  while (position < duration.length) {
    part.lastIndex = position;
    const match = part.exec(duration);
    const unit = match?.[2] ?? '';
    const rank = units.indexOf(unit);
    if (!match || rank <= longest) break;
    total += Number(match[1]) * (unitLengths[unit] ?? Number.NaN);
    longest = rank;
    position = part.lastIndex;
  }
  if (position === duration.length && position > 0) return total;
  throw new OptionError(
    `${where} is ${JSON.stringify(duration)}, which is no duration: give milliseconds as a number, or a string ` +
      `with a unit: '500ms', '30s', '5m', '1h30m', '7d'`,
  );
}
