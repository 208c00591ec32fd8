import { describe, expect, it } from '@jest/globals';
import { OptionError } from '@reprise/store';
import { manualClock, seededRandom } from '../src/index.ts';

describe('manualClock', () => {
  it('stands still at its start, 0 by default', () => {
    const clock = manualClock();
    expect([clock.now(), clock.now()]).toEqual([0, 0]);
    expect(manualClock(1_700_000_000_000).now()).toBe(1_700_000_000_000);
  });

  it('advances by milliseconds, fractions of them, and durations', () => {
    const clock = manualClock(10);
    clock.advance(5);
    clock.advance('1m');
    clock.advance(0.5);
    clock.advance(0);
    expect(clock.now()).toBe(60_015.5);
  });

  it('is set to any moment, earlier ones too', () => {
    const clock = manualClock(10);
    clock.set(-5);
    expect(clock.now()).toBe(-5);
  });

  it('refuses what is no time', () => {
    const clock = manualClock();
    for (const duration of [-1, Number.NaN, Infinity, '5', 'soon', null]) {
      expect(() => clock.advance(duration as never)).toThrow(OptionError);
    }
    for (const moment of [Number.NaN, Infinity, '5', null]) {
      expect(() => clock.set(moment as never)).toThrow(OptionError);
      expect(() => manualClock(moment as never)).toThrow(OptionError);
    }
    expect(clock.now()).toBe(0);
  });

  it('works when its functions are taken off it', () => {
    const { now, advance } = manualClock();
    advance(3);
    expect(now()).toBe(3);
  });
});

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('spreads over [0, 1)', () => {
    const random = seededRandom(3);
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const number = random();
      expect(number >= 0 && number < 1).toBe(true);
      buckets[Math.floor(number * 10)] = (buckets[Math.floor(number * 10)] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).toBeGreaterThan(800);
  });
});
