import type { MemoryRecord } from '@reprise/store/contract';

/** The options that say how a stored result is judged; durations in milliseconds. */
export interface FreshnessRules {
  readonly staleWhileRevalidate?: number | undefined;
  readonly staleIfError?: { readonly for: number } | undefined;
  readonly refreshAhead?: number | 'probabilistic' | undefined;
}

/** How long the function is left alone after a failure behind an answer, in milliseconds. */
export const defaultRetryAfter = 1_000;

/**
 * What a call does with what is under its key.
 *
 *   fresh     answer it
 *   ahead     answer it, and run the function behind
 *   stale     the same, past its ttl
 *   resting   answer it stale; the function has failed a moment ago and is left alone
 *   fallback  run the function; should that fail, or be slow, this may be the answer yet
 *   gone      run the function
 */
export type Verdict = 'fresh' | 'ahead' | 'stale' | 'resting' | 'fallback' | 'gone';

/**
 * Judges the age of a record, at `now` (milliseconds from where records count).
 *
 * @param random a number in [0, 1), asked for by `'probabilistic'` only
 */
export function judge(record: MemoryRecord, rules: FreshnessRules, now: number, random: () => number): Verdict {
  const { expiresAt, rest } = record;
  if (rest?.idle !== undefined && now >= (rest.readAt ?? record.createdAt) + rest.idle) return 'gone';
  const rests = rest?.retryAt !== undefined && now < rest.retryAt;
  if (now < expiresAt) {
    return !rests && rules.refreshAhead !== undefined && isDue(record, rules.refreshAhead, now, random)
      ? 'ahead'
      : 'fresh';
  }
  if (rest?.staleUntil === undefined || now >= rest.staleUntil) return 'gone';
  if (now < expiresAt + (rules.staleWhileRevalidate ?? 0)) return rests ? 'resting' : 'stale';
  return rests && isForgiven(record, rules, now) ? 'resting' : 'fallback';
}

/** Whether a record may be answered in place of an error at `now`. */
export function isForgiven(record: MemoryRecord, { staleIfError }: FreshnessRules, now: number): boolean {
  return staleIfError !== undefined && isWithinWindow(record, now) && now < record.expiresAt + staleIfError.for;
}

/** Whether a record is in any window that was declared when it was stored. */
export function isWithinWindow({ expiresAt, rest }: MemoryRecord, now: number): boolean {
  return now < (rest?.staleUntil ?? expiresAt);
}

/**
 * Whether a refresh ahead of the expiry is due: from a fraction of the ttl on, or by chance, the likelier the nearer the expiry and the
 * longer the load (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015, beta 1).
 */
function isDue(record: MemoryRecord, ahead: number | 'probabilistic', now: number, random: () => number): boolean {
  const { createdAt, expiresAt, rest } = record;
  if (expiresAt === Infinity || rest?.failed) return false;
  if (ahead === 'probabilistic') return -(rest?.loadTime ?? 0) * Math.log(random()) >= expiresAt - now;
  return now >= createdAt + ahead * (expiresAt - createdAt);
}
