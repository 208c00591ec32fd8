import { describe, expect, it } from '@jest/globals';
import { inside } from './inside.ts';
import { homeKinds } from './schedule.ts';
import { findViolation } from './search.ts';

/*
 * REPRISE_SEED is the first seed, REPRISE_SCHEDULES how many schedules are played in all. A failure says what repeats it.
 */
const first = Number(process.env['REPRISE_SEED'] ?? 1);
const schedules = Number(process.env['REPRISE_SCHEDULES'] ?? 5_000);
const count = Math.ceil(schedules / homeKinds.length);

const meanings = {
  private: 'the private cache of one function',
  memory: 'a shared cache in memory',
  text: 'a synchronous store of text keys, which fails at times',
  async: 'an asynchronous store, whose operations end late, in any order, or fail',
  timed: 'an asynchronous store that runs into storeTimeout',
  tiered: 'memory in front of an asynchronous store',
} as const;

describe('calls, invalidations and stores in random order', () => {
  for (const home of homeKinds) {
    it(`keep every law on ${meanings[home]} (seeds ${first} to ${first + count - 1})`, async () => {
      const finding = await findViolation({ first, count, homes: [home], inspector: inside });
      expect(finding === undefined ? '' : `${finding.report}\nrepeat: ${finding.repeat}`).toBe('');
    }, 120_000);
  }

  it('do all that there is to do', async () => {
    const tally = new Map<string, number>();
    const hear = (what: string): Map<string, number> => tally.set(what, (tally.get(what) ?? 0) + 1);
    await findViolation({ first: 1, count: 250 * homeKinds.length, hear });
    for (const what of rarest) expect([what, (tally.get(what) ?? 0) > 10]).toEqual([what, true]);
  }, 60_000);
});

const rarest = [
  'hit',
  'miss',
  'joined',
  'bypassed',
  'failed',
  'circle',
  'voided',
  'replaced',
  'put',
  'timed out',
  'store failed',
  'stale',
  'behind',
  'failed behind',
  'error answered stale',
  'error remembered',
  'error answered from memory',
  'tags voided',
  'tags passed',
  'told in a mode',
  'refused',
  'gave up',
];
