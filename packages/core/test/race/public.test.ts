import { describe, expect, it } from '@jest/globals';
import { homeKinds } from './schedule.ts';
import { findViolation } from './search.ts';

/** Not those of `race.test.ts`. Nothing here imports a source, so these are played on what was built, too. */
const first = Number(process.env['REPRISE_SEED'] ?? 1_000_000);
const count = Math.ceil(Number(process.env['REPRISE_SCHEDULES'] ?? 1_000));

describe('calls, invalidations and stores in random order, seen by public names alone', () => {
  it(`keep the laws (seeds from ${first})`, async () => {
    const finding = await findViolation({ first, count, homes: homeKinds });
    expect(finding === undefined ? '' : `${finding.report}\nrepeat: ${finding.repeat}`).toBe('');
  }, 120_000);
});
