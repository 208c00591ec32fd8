import { expect, it } from '@jest/globals';
import { MemoryRecord } from '@reprise/store/contract';
import { RetryTimes } from '../src/retry-times.ts';

function restsUntil(times: RetryTimes, key: string): number | undefined {
  const record = new MemoryRecord('value', 0, 1_000, undefined);
  times.apply(key, record);
  return record.rest?.retryAt;
}

it('a moment is known by its key until it is lifted', () => {
  const times = new RetryTimes();
  times.note('a', 1_000, 0);
  times.note('b', 1_000, 0);
  times.lift('a');
  expect([restsUntil(times, 'a'), restsUntil(times, 'b'), times.size]).toEqual([undefined, 1_000, 1]);
  times.liftWhere((key) => key === 'b');
  expect(times.size).toBe(0);
});

it('a record that knows of a moment which has been lifted rests no longer', () => {
  const times = new RetryTimes();
  const record = new MemoryRecord('value', 0, 1_000, { staleUntil: 2_000 });
  times.note('a', 1_000, 0);
  times.apply('a', record);
  times.lift('a');
  times.apply('a', record);
  expect(record.rest?.retryAt).toBe(-Infinity);
});

it('moments that are over are forgotten with the next one that is noted', () => {
  const times = new RetryTimes();
  for (let n = 0; n < 1_000; n++) times.note(`key ${n}`, n + 1_000, n);
  times.note('later', 3_000, 1_500);
  expect([restsUntil(times, 'key 500'), restsUntil(times, 'key 501'), times.size]).toEqual([undefined, 1_501, 500]);
});

it('never more than ten thousand are remembered', () => {
  const times = new RetryTimes();
  for (let n = 0; n < 10_500; n++) times.note(`key ${n}`, 1_000, 0);
  expect([times.size, restsUntil(times, 'key 499'), restsUntil(times, 'key 500')]).toEqual([10_000, undefined, 1_000]);
});
