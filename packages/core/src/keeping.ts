import { parseDuration, RepriseError } from '@reprise/store/contract';
import type { RunNotes } from './context.ts';
import { textOf } from './events.ts';
import { isThenable } from './one-shot.ts';
import type { Policy } from './options.ts';
import type { Remembered } from './remembered.ts';
import { checkTags } from './tags.ts';

/** What is kept of a result beside the value. Durations in milliseconds. */
export interface Keeping {
  /** How long it is fresh, from now. */
  readonly lifetime: number;
  /** How long after that it may be answered in any declared window. */
  readonly staleFor: number;
  readonly idle?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Whether a hit has more to look at than its age and its labels. */
  readonly guarded: boolean;
  readonly failed?: boolean;
  /** Whether every reader gets a copy. */
  readonly copied?: boolean;
}

/** The call whose result is judged. */
export interface Judged {
  readonly policy: Policy;
  readonly self: unknown;
  readonly args: readonly unknown[];
  /** The key in text, for reports. */
  readonly key: () => string;
}

const forAlways: Keeping = { lifetime: Infinity, staleFor: 0, guarded: false };

/** What is kept under a plain policy: no callbacks, no windows, no labels. `undefined`: nothing. */
export function keepPlainly({ ttl }: Policy): Keeping | undefined {
  if (ttl === undefined || ttl === Infinity) return forAlways;
  return ttl === 0 ? undefined : { lifetime: ttl as number, staleFor: 0, guarded: false };
}

/** The labels of a result: the options' and those that were set or met inside. `undefined`: they cannot be told, which was reported. */
export function tagsOf(
  remembered: Remembered,
  { policy, self, args, key }: Judged,
  value: unknown,
  notes: RunNotes | undefined,
): readonly string[] | undefined {
  let own: readonly string[] = [];
  const { tags } = policy;
  // Of an item that is not there, callbacks are not asked.
  if (typeof tags === 'function' && !isAbsence(policy, value)) {
    const answer = remembered.ask<readonly string[]>(
      'tags',
      (...given: unknown[]) => checkTags(Reflect.apply(tags, self, given), 'the answer of tags'),
      self,
      [value, ...args],
      key,
    );
    if (answer === undefined) return undefined;
    own = answer;
  } else if (Array.isArray(tags)) own = tags as readonly string[];
  if (own.length === 0 && notes?.tags === undefined) return own;
  // A list of one's own: the user may go on to change his.
  return [...new Set([...own, ...(notes?.tags ?? [])])];
}

/** What is kept of a value; `undefined`: it is not stored. `tags` as {@link tagsOf} gave them. */
export function keepValue(
  remembered: Remembered,
  judged: Judged,
  value: unknown,
  notes: RunNotes | undefined,
  tags: readonly string[] | undefined,
): Keeping | undefined {
  const { policy, self, args, key } = judged;
  if (tags === undefined || notes?.isUnstored) return undefined;
  const { cacheIf } = policy;
  const isAbsent = isAbsence(policy, value);
  if (cacheIf !== undefined && !isAbsent && remembered.ask('cacheIf', cacheIf, self, [value, ...args], key) !== true) {
    return undefined;
  }
  const ttl = isAbsent
    ? Math.min(policy.absentFor as number, notes?.life ?? Infinity)
    : (notes?.life ?? ttlOf(remembered, judged, value));
  if (ttl === undefined || ttl === 0) return undefined;
  const lifetime = policy.jitter === undefined ? ttl : ttl * (1 - policy.jitter * remembered.home.random());
  return {
    lifetime,
    // What never expires is never stale, and that there was no such item is not answered beyond its time.
    staleFor:
      lifetime === Infinity || isAbsent ? 0 : Math.max(policy.staleWhileRevalidate ?? 0, policy.staleIfError?.for ?? 0),
    idle: policy.timeToIdle,
    tags: tags.length === 0 ? undefined : tags,
    guarded: policy.timeToIdle !== undefined || policy.refreshAhead !== undefined || policy.isolate === 'clone',
    copied: policy.isolate === 'clone',
  };
}

/** What is kept of an error; `undefined`: it is not remembered. */
export function keepError(
  remembered: Remembered,
  { policy, self, key }: Judged,
  error: unknown,
  notes: RunNotes | undefined,
): Keeping | undefined {
  const { cacheErrors, tags } = policy;
  if (cacheErrors === undefined || cacheErrors.ttl === 0 || notes?.isUnstored) return undefined;
  if (
    cacheErrors.when !== undefined &&
    remembered.ask('cacheErrors.when', cacheErrors.when, self, [error], key) !== true
  ) {
    return undefined;
  }
  const labels = [...new Set([...(Array.isArray(tags) ? tags : []), ...(notes?.tags ?? [])])];
  return {
    lifetime: cacheErrors.ttl,
    staleFor: 0,
    tags: labels.length === 0 ? undefined : labels,
    guarded: true,
    failed: true,
  };
}

/** Whether a result says that there is no such item. */
function isAbsence({ absentFor }: Policy, value: unknown): boolean {
  return value === undefined && absentFor !== undefined;
}

/** The ttl of a result, in milliseconds; `undefined` where it could not be told, which was reported. */
function ttlOf(remembered: Remembered, { policy, self, args, key }: Judged, value: unknown): number | undefined {
  const { ttl } = policy;
  if (typeof ttl !== 'function') return ttl ?? Infinity;
  return remembered.ask(
    'ttl',
    (...given: unknown[]) => {
      const said: unknown = Reflect.apply(ttl, self, given);
      return isThenable(said) ? said : parseDuration(said, `${remembered.label()}: the answer of ttl`);
    },
    self,
    [value, ...args],
    key,
  );
}

/** Says that a value could not be copied or frozen as `isolate` asks. */
export function isolationError(remembered: Remembered, error: unknown): RepriseError {
  return new RepriseError(
    'E_ISOLATE',
    `${remembered.label()}: isolate: ${textOf(error)}; the value went to the call that ran it and was not stored`,
    { cause: error },
  );
}
