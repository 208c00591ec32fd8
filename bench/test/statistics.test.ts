import { describe, expect, it } from '@jest/globals';
import { createRandom, shuffle } from '../src/random.ts';
import type { Round } from '../src/statistics.ts';
import { compareRounds, isWithinBudget, median, spreadAround } from '../src/statistics.ts';

describe('median', () => {
  it('is the middle of an odd number of values, in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
  });

  it('is the mean of the two middle ones of an even number', () => {
    expect(median([10, 1, 2, 4])).toBe(3);
  });

  it('orders numbers as numbers and leaves the list as it was', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('is NaN for no values', () => {
    expect(median([])).toBeNaN();
  });
});

describe('spreadAround', () => {
  it('is the median distance from the centre, on both sides', () => {
    expect(spreadAround(1, [0.9, 1.3, 1])).toBeCloseTo(0.1);
    expect(spreadAround(0, [-4, 2, 6])).toBe(4);
  });

  it('is not changed by one outlier', () => {
    expect(spreadAround(1, [1.01, 0.99, 1.01, 50, 0.99])).toBeCloseTo(0.01);
  });
});

describe('compareRounds', () => {
  const round = (limit: number, again: number, subject: number): Round => ({ limit, again, subject });

  it('divides by the mean of the two limits of the same round', () => {
    expect(compareRounds([[round(8, 12, 15)]], 'ratio')).toEqual({
      value: 1.5,
      spread: 0.5,
      low: 1.5,
      high: 1.5,
      times: { limit: 10, subject: 15 },
    });
  });

  it('is the median over processes of the median over rounds, and keeps their range', () => {
    const { value, spread, low, high } = compareRounds(
      [
        [round(1, 1, 1), round(1, 1, 2), round(1, 1, 90)],
        [round(1, 1, 3), round(1, 1, 3), round(1, 1, 3)],
        [round(1, 1, 7), round(1, 1, 5), round(1, 1, 6)],
      ],
      'ratio',
    );
    expect([value, spread, low, high]).toEqual([3, 0, 2, 6]);
  });

  it('puts the limit against itself through the same statistic', () => {
    const noisy = [round(10, 11, 10), round(10, 90, 10), round(10, 11, 10)];
    const slower = [round(10, 12, 10), round(10, 1, 10), round(10, 12, 10)];
    const faster = [round(10, 7, 10), round(10, 7, 10), round(10, 70, 10)];
    expect(compareRounds([noisy, slower, faster], 'ratio').spread).toBeCloseTo(0.2);
  });

  it('subtracts where the row states a difference', () => {
    expect(compareRounds([[round(10, 12, 14)]], 'difference')).toEqual({
      value: 3,
      spread: 2,
      low: 3,
      high: 3,
      times: { limit: 11, subject: 14 },
    });
  });
});

describe('isWithinBudget', () => {
  it('lets a value exceed its budget by the spread of the limit, and no further', () => {
    expect(isWithinBudget({ value: 1.25, spread: 0.05 }, 1.2)).toBe(true);
    expect(isWithinBudget({ value: 1.26, spread: 0.05 }, 1.2)).toBe(false);
  });

  it('holds on the budget itself', () => {
    expect(isWithinBudget({ value: 1.5, spread: 0 }, 1.5)).toBe(true);
  });

  it('does not hold without a figure', () => {
    expect(isWithinBudget({ value: Number.NaN, spread: 0 }, 1.5)).toBe(false);
  });
});

describe('shuffle', () => {
  it('keeps every item and repeats itself for the same seed', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    const shuffled = shuffle(items, createRandom(7));
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffle(items, createRandom(7))).toEqual(shuffled);
    expect(shuffle(items, createRandom(8))).not.toEqual(shuffled);
  });

  it('puts every item into every place about as often', () => {
    const random = createRandom(1);
    const firsts = [0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      const first = shuffle([0, 1, 2], random)[0] as number;
      firsts[first] = (firsts[first] ?? 0) + 1;
    }
    for (const count of firsts) expect(Math.abs(count - 1000)).toBeLessThan(100);
  });
});
