import { describe, expect, it } from '@jest/globals';
import { type Duration, OptionError, parseDuration } from '@reprise/store';
import { seededRandom } from '@reprise/store-testkit';

describe('parseDuration', () => {
  it.each<[Duration, number]>([
    [0, 0],
    [250, 250],
    [0.5, 0.5],
    [Infinity, Infinity],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['0ms', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0.5s', 500],
    ['1d2h3m4s5ms', 93_784_005],
    ['1m1ms', 60_001],
    ['365d', 31_536_000_000],
    ['007s', 7_000],
  ])('takes %p for %p ms', (duration, milliseconds) => {
    expect(parseDuration(duration, 'ttl')).toBe(milliseconds);
  });

  it('takes minus zero for nothing', () => {
    expect(parseDuration(-0, 'ttl') === 0).toBe(true);
  });

  it.each<[unknown]>([
    [-1],
    [Number.NaN],
    [-Infinity],
    ['10'],
    [''],
    [' '],
    ['5 parsecs'],
    ['5 m'],
    [' 5m'],
    ['5m '],
    ['-5m'],
    ['+5m'],
    ['m'],
    ['5M'],
    ['5min'],
    ['.5s'],
    ['5.s'],
    ['1e3ms'],
    ['30m1h'],
    ['1h1h'],
    ['1h30'],
    ['٥s'],
    ['Infinity'],
    [null],
    [undefined],
    [true],
    [{}],
    [[5]],
    [10n],
    [new Date()],
    [() => 5],
  ])('refuses %p, naming what it was for', (duration) => {
    expect(() => parseDuration(duration, 'Users.find: ttl')).toThrow(OptionError);
    expect(() => parseDuration(duration, 'Users.find: ttl')).toThrow(/^Users\.find: ttl /);
  });

  it('says what was found and what to write instead', () => {
    expect(() => parseDuration('10', 'ttl')).toThrow(
      'ttl is "10", which is no duration: give milliseconds as a number, or a string',
    );
    expect(() => parseDuration(-1, 'ttl')).toThrow('ttl must be 0 or more milliseconds, not -1');
    expect(() => parseDuration(null, 'ttl')).toThrow(/a string with a unit such as '5m', not null/);
  });

  it('reads back every duration written with its units, from the longest to the shortest', () => {
    const seed = Date.now() & 0xffff;
    console.info(`seed ${seed}`);
    const random = seededRandom(seed);
    const lengths = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
    for (let round = 0; round < 1_000; round++) {
      let text = '';
      let milliseconds = 0;
      for (const [unit, length] of Object.entries(lengths)) {
        if (random() < 0.5) continue;
        const count = Math.floor(random() * 1_000);
        text += `${count}${unit}`;
        milliseconds += count * length;
      }
      if (text !== '') expect([text, parseDuration(text, 'ttl')]).toEqual([text, milliseconds]);
    }
  });

  it('answers long nonsense at once', () => {
    const started = process.hrtime.bigint();
    expect(() => parseDuration(`${'9'.repeat(200_000)}x`, 'ttl')).toThrow(OptionError);
    expect(() => parseDuration('1s'.repeat(100_000), 'ttl')).toThrow(OptionError);
    expect(Number(process.hrtime.bigint() - started)).toBeLessThan(1_000_000_000);
  });
});
