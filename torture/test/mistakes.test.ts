import { describe, expect, it } from '@jest/globals';
import { runTorture } from '../src/torture.ts';
import { program } from './program.ts';

const seed = Number(process.env['REPRISE_SEED'] ?? 1);

describe('is found:', () => {
  it.each([
    ['a store that ignores generations', 'ignores generations', 'together', /a wrong value/],
    ['a store that grants every lease', 'grants every lease', 'together', /not one flight/],
    ['a store that forgets what is set', 'forgets what is set', 'alone', /acknowledged and lost/],
    ['a store that confuses keys', 'confuses keys', 'alone', /a wrong value/],
  ] as const)(
    '%s',
    async (_what, mistake, part, words) => {
      const { found } = await runTorture({ kind: 'sqlite', part, times: 0.2, seed, mistake, program });
      expect(found.join('\n')).toMatch(words);
    },
    180_000,
  );
});
