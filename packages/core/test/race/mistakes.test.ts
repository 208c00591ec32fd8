import { describe, expect, it } from '@jest/globals';
import { inside } from './inside.ts';
import { mistakes } from './mistakes.ts';
import { policyMistakes } from './policy-mistakes.ts';
import { findViolation } from './search.ts';

/** So many schedules must be enough for each. */
const enough = 1_000;

describe('the race test finds', () => {
  for (const { name, law, homes, theme, make, prepare } of [...mistakes, ...policyMistakes]) {
    it(`${name} (${law})`, async () => {
      const mend = make();
      try {
        const finding = await findViolation({
          first: 1,
          count: enough,
          homes,
          law,
          inspector: inside,
          ...(theme && { theme }),
          ...(prepare && { prepare }),
        });
        expect(finding?.law).toBe(law);
      } finally {
        mend();
      }
    }, 60_000);
  }

  it('nothing once they are mended', async () => {
    expect(await findViolation({ first: 1, count: 100, inspector: inside })).toBeUndefined();
  });
});
