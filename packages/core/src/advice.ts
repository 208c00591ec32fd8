import { locate } from './decorator/verb.ts';
import { warnOnce } from './events.ts';
import type { Policy } from './options.ts';
import type { Home, Remembered } from './remembered.ts';

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

/** Options that are each right, and together do less than was meant. */
interface Finding {
  /** The option that comes to nothing. */
  readonly idle: keyof Policy;
  readonly code: string;
  readonly text: string;
}

/**
 * Says once for each function what in its options cannot have been meant, when it settles into its cache. Silent about what the
 * cache's defaults bring and this function only does not use; defaults that need a ttl and find none are said once for the cache.
 */
export function adviseAboutOptions(remembered: Remembered): void {
  const { home, member, own, policy } = remembered;
  const where = locate('cached', member);
  for (const { idle, code, text } of [...findContradictions(policy), ...findUnused(policy)]) {
    if (own[idle] !== undefined) advise(member, code, `${where}: ${text}`);
  }
  for (const finding of findLackOfTtl(policy, (option) => own[option] !== undefined)) {
    advise(member, finding.code, `${where}: ${finding.text}`);
  }
  // Who gives this function no end on purpose, in a cache whose entries have one, says so.
  if (own.ttl === undefined) {
    for (const { code, text } of findLackOfTtl(policy, (option) => own[option] === undefined)) {
      advise(home, code, `${where}, in cache '${home.name}': ${text}; or say ttl: Infinity where that is meant`);
    }
  }
  if (home.isUnbounded && policy.timeToIdle === undefined && policy.ttl === undefined) {
    advise(
      member,
      'unbounded',
      `${where}: with maxSize: Infinity and neither ttl nor timeToIdle, every result stays for as long as the process lives, or its ` +
        'store; give it a bound, a ttl or a timeToIdle, or say ttl: Infinity, too, where that is meant',
    );
  }
}

/** The same for the defaults of a cache, as far as no function in it can make sense of them. */
export function adviseAboutDefaults(home: Home, where: string): void {
  for (const { code, text } of findContradictions(home.defaults)) advise(home, code, `${where}: ${text}`);
}

function advise(owner: object, code: string, message: string): void {
  warnOnce(owner, `options ${code}`, 'REPRISE_OPTIONS', message);
}

/** What two options say against each other. */
function findContradictions({ timeout, ttl, timeToIdle, ...windows }: Policy): Finding[] {
  const findings: Finding[] = [];
  const { soft, hard, abandon } = timeout ?? {};
  if (soft !== undefined && hard !== undefined && soft >= hard) {
    findings.push({
      idle: 'timeout',
      code: 'soft',
      text:
        `timeout.soft (${soft} ms) is not below timeout.hard (${hard} ms): callers get the TimeoutError before a stale value could ` +
        'be answered; make soft the shorter one, or leave it out',
    });
  }
  if (abandon !== undefined && hard !== undefined && abandon < hard) {
    findings.push({
      idle: 'timeout',
      code: 'abandon',
      text:
        `timeout.abandon (${abandon} ms) is below timeout.hard (${hard} ms): while callers still wait for a run, it is given up, its ` +
        'value is not stored, and others begin a second one; make abandon at least as long as hard',
    });
  }
  // An entry that is not read does not last through its stale windows either.
  const lifetime = typeof ttl === 'number' ? ttl + longestWindow(windows) : Infinity;
  if (timeToIdle !== undefined && timeToIdle >= lifetime && lifetime < Infinity && ttl !== 0) {
    findings.push({
      idle: 'timeToIdle',
      code: 'timeToIdle',
      text:
        `timeToIdle (${timeToIdle} ms) is not below the ${lifetime} ms after which an entry is gone anyway (ttl and stale windows); ` +
        'make it shorter, or leave it out',
    });
  }
  return findings;
}

/** What waits for an option that is not there. */
function findUnused(policy: Policy): Finding[] {
  const findings: Finding[] = [];
  const hasWindow = longestWindow(policy) > 0;
  if (policy.timeout?.soft !== undefined && !hasWindow) {
    findings.push({
      idle: 'timeout',
      code: 'soft without window',
      text:
        'timeout.soft answers a stale value, and there is none: neither staleIfError nor staleWhileRevalidate is given; ' +
        'give staleIfError, or leave soft out',
    });
  }
  if (policy.retryAfter !== undefined && !hasWindow && policy.refreshAhead === undefined) {
    findings.push({
      idle: 'retryAfter',
      code: 'retryAfter',
      text:
        'retryAfter has nothing to hold back: it counts after a failed run behind an answer, or a failure answered stale; give ' +
        'staleWhileRevalidate, staleIfError or refreshAhead, or leave it out; to remember errors, use cacheErrors',
    });
  }
  return findings;
}

/** Which options count from the end of a ttl, where there is no end; only those that `concerns`. */
function findLackOfTtl(policy: Policy, concerns: (option: keyof Policy) => boolean): Finding[] {
  const { ttl = Infinity, staleWhileRevalidate = 0, staleIfError, refreshAhead, jitter = 0 } = policy;
  if (ttl !== Infinity) return [];
  const waiting = (
    [
      staleWhileRevalidate > 0 && 'staleWhileRevalidate',
      staleIfError !== undefined && staleIfError.for > 0 && 'staleIfError',
      refreshAhead !== undefined && 'refreshAhead',
      jitter > 0 && 'jitter',
    ] as const
  ).filter((option) => option !== false && concerns(option)) as (keyof Policy)[];
  const [idle] = waiting;
  if (idle === undefined) return [];
  const names = waiting.join(', ').replace(/, (\w+)$/, ' and $1');
  const [verb, count] = waiting.length === 1 ? ['has', 'counts'] : ['have', 'count'];
  return [
    {
      idle,
      code: 'ttl',
      text: `${names} ${verb} no effect without a ttl, from whose end ${waiting.length === 1 ? 'it' : 'they'} ${count}: nothing expires; give a ttl`,
    },
  ];
}

/** For how long after its ttl an entry may be answered, in milliseconds. */
function longestWindow({ staleWhileRevalidate = 0, staleIfError }: Policy): number {
  return Math.max(staleWhileRevalidate, staleIfError?.for ?? 0);
}
