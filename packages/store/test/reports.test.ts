import { expect, it } from '@jest/globals';
import { CodecError, Reports, StoreError } from '@reprise/store';

const reports = new Reports('The paper store');

it('tells every listener, also behind one that throws, as often as it came, until it leaves', () => {
  const heard: unknown[] = [];
  const listener = {
    failed: (...told: unknown[]) => heard.push(told),
    removed: (...told: unknown[]) => heard.push(told),
  };
  reports.listen({
    failed: () => {
      throw new Error('badly');
    },
  });
  const leave = [reports.listen(listener), reports.listen(listener)];
  reports.failed('torn', 'k');
  expect(heard).toEqual([
    ['torn', 'k'],
    ['torn', 'k'],
  ]);
  leave[0]?.();
  leave[0]?.();
  reports.removed('k', 'evict');
  expect(heard.slice(2)).toEqual([['k', 'evict']]);
  reports.clear();
  reports.failed('torn');
  expect(heard).toHaveLength(3);
});

it.each([
  ['an error', new Error('no ink'), 'no ink'],
  ['one with a code and no message', Object.assign(new Error(), { code: 'E_INK' }), 'E_INK'],
  ['one with neither', new TypeError(), 'TypeError'],
  ['no error', 'no ink', 'no ink'],
])('puts %s in words, and keeps it as the cause', (_what, cause, reason) => {
  const error = reports.failure('write', cause);
  expect(error).toBeInstanceOf(StoreError);
  expect(error).toMatchObject({ code: 'E_STORE', message: `The paper store could not write: ${reason}`, cause });
});

it('leaves errors of Reprise as they are, in what it attempts, too', async () => {
  const error = new CodecError('smudged');
  const fail = () => {
    throw error;
  };
  expect(reports.failure('read', error)).toBe(error);
  expect(() => reports.attemptNow('read', fail)).toThrow(error);
  await expect(reports.attempt('read', async () => fail())).rejects.toBe(error);
  await expect(reports.attempt('read', () => Promise.reject(new Error('torn')))).rejects.toThrow(
    'could not read: torn',
  );
  expect(reports.closed()).toMatchObject({ code: 'E_CLOSED', message: 'The paper store is closed' });
});
