import { describe, expect, it } from '@jest/globals';
import { cached } from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';

describe('in a private cache', () => {
  const keys = ['1', 1, Number.NaN, 0, -0, 1n, null, undefined, true, '', { id: 1 }, Symbol.for('s')];

  it.each(keys.map((key) => [key]))('invalidate fences every run for the argument %p', async (key) => {
    const load = holdRuns<[unknown], string>();
    const user = cached(load);
    const all = [user(key), user.refresh(key), user.refresh(key)];
    await settle();
    user.invalidate(key);
    for (const run of load.runs) run.resolve('old');
    await Promise.all(all);
    expect([user.has(key), user.stats().size]).toEqual([false, 0]);
  });

  it.each(keys.map((key) => [key]))('the newer of two runs stands for the argument %p', async (key) => {
    const load = holdRuns<[unknown], string>();
    const user = cached(load);
    const [older, newer] = [user(key), user.refresh(key)];
    load.runs[1]?.resolve('newer');
    await newer;
    load.runs[0]?.resolve('older');
    await older;
    expect(user.peek(key)).toBe('newer');
  });

  it('invalidate inside of a synchronous run keeps its result out', () => {
    let calls = 0;
    const self: { drop?: () => void } = {};
    const odd = cached((n: number) => {
      self.drop?.();
      return n + 10 * ++calls;
    });
    self.drop = () => odd.invalidate(1);
    expect([odd(1), odd.has(1), odd(1)]).toEqual([11, false, 21]);
  });

  it('set inside of a synchronous run wins over its result', () => {
    const self: { prime?: () => void } = {};
    const odd = cached((_n: number) => {
      self.prime?.();
      return 'run';
    });
    self.prime = () => odd.set([1], 'set');
    expect([odd(1), odd(1)]).toEqual(['run', 'set']);
  });

  it('a value that was set answers an async function’s call by a promise', async () => {
    const user = cached(async (id: string) => `run ${id}`);
    user.set(['1'], 'set');
    const answer: unknown = user('1');
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe('set');
  });

  it('a value that was set answers by a promise where the function is known to return promises', async () => {
    const user = cached((id: string) => Promise.resolve(`run ${id}`));
    await user('0');
    user.set(['1'], 'set');
    const answer: unknown = user('1');
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe('set');
  });
});
