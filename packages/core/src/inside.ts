import { type Duration, OptionError, parseDuration } from '@reprise/store/contract';
import { addTags, currentMaking, currentRun, notesOf } from './context.ts';

/**
 * Says, from inside of a cached function, how long the entry being made is fresh: in place of the option `ttl`. Of several calls the
 * shortest time counts; `0`: it is not stored. Outside of a run it does nothing.
 *
 * @throws OptionError (a `TypeError`) on what is no duration
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, cacheLife } from '@reprise/core';
 *
 * const token = cached(async () => {
 *   const answer = { value: 'abc', expiresIn: 30_000 };
 *   cacheLife(answer.expiresIn);
 *   return answer.value;
 * });
 * await token();
 * assert((token.inspect()?.expiresIn ?? 0) <= 30_000);
 */
export function cacheLife(ttl: Duration): void {
  const run = currentMaking();
  if (run === undefined) return;
  const life = parseDuration(ttl, 'cacheLife');
  const notes = notesOf(run);
  notes.life = Math.min(notes.life ?? Infinity, life);
}

/**
 * Puts labels, from inside of a cached function, on the entry being made, and so on every outer cached result that is built from it;
 * see {@link invalidateTags}. Outside of a run it does nothing.
 *
 * @throws OptionError (a `TypeError`) on what is no string
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, cacheTag, invalidateTags } from '@reprise/core';
 *
 * let renders = 0;
 * const user = cached(async (id: string) => {
 *   cacheTag(`user:${id}`);
 *   return { id };
 * });
 * const page = cached(async (id: string) => `${++renders} ${(await user(id)).id}`);
 * await page('7');
 * await invalidateTags(['user:7']);
 * assert.equal(await page('7'), '2 7');
 */
export function cacheTag(...tags: readonly string[]): void {
  const run = currentRun();
  if (run === undefined) return;
  for (const tag of tags) {
    if (typeof tag !== 'string') throw new OptionError(`cacheTag: a tag must be a string, not ${typeof tag}`);
  }
  addTags(run, tags);
}

/**
 * Says, from inside of a cached function, that the result is not to be stored. Calls that wait for it get it all the same. Outside of a
 * run it does nothing.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, noStore } from '@reprise/core';
 *
 * const search = cached(async (words: string) => {
 *   const found = words === '' ? [] : [words];
 *   if (found.length === 0) noStore();
 *   return found;
 * });
 * await search('');
 * assert.equal(search.has(''), false);
 */
export function noStore(): void {
  const run = currentMaking();
  if (run !== undefined) notesOf(run).isUnstored = true;
}

/**
 * The signal of the run that the code is part of: aborts when all callers have left by theirs (option `signal`). Outside of a run, one
 * that never aborts.
 *
 * @example
 * import assert from 'node:assert/strict';
 * import { cached, cacheSignal } from '@reprise/core';
 *
 * const load = cached(async (id: string, _signal?: AbortSignal) => ({ id, aborted: cacheSignal().aborted }), {
 *   signal: (_id, signal) => signal,
 * });
 * assert.deepEqual(await load('7', new AbortController().signal), { id: '7', aborted: false });
 */
export function cacheSignal(): AbortSignal {
  const run = currentRun();
  if (run === undefined) return new AbortController().signal;
  const notes = notesOf(run);
  notes.controller ??= new AbortController();
  return notes.controller.signal;
}
