import { describe, expect, it } from '@jest/globals';
import { cached } from '../src/cached.ts';
import { targetBehind } from '../src/target.ts';
import { updates } from '../src/write.ts';
import { noteOverwriting, WriteWatch } from '../src/write-watch.ts';
import { holdRuns } from './deferred.ts';

describe('the watch of a write', () => {
  it('hears of keys, of what may be any key, and of nothing after its end', () => {
    const memory = {};
    const watch = new WriteWatch(memory, undefined);
    noteOverwriting(memory, () => 'a');
    noteOverwriting({}, () => 'b');
    expect([watch.voids('a'), watch.voids('b')]).toEqual([true, false]);
    watch.end();
    noteOverwriting(memory, () => undefined);
    expect(watch.voids('b')).toBe(false);
  });

  it.each<[what: string, key: () => string | undefined]>([
    ['is not said', () => undefined],
    [
      'cannot be told',
      () => {
        throw new Error('no key');
      },
    ],
  ])('takes a key that %s for any', (_what, key) => {
    const memory = {};
    const watch = new WriteWatch(memory, undefined);
    noteOverwriting(memory, key);
    expect(watch.voids('a')).toBe(true);
    watch.end();
  });

  it('leaves nothing behind, however the write ends', async () => {
    const find = cached(async (id: string) => id);
    const remembered = targetBehind(find, { self: undefined, everyone: true })?.remembered?.();
    const write = holdRuns<[string], string>();
    const save = updates(write, { of: find, args: (_result, id) => [id] });
    const all = Promise.allSettled([save('1'), save('2')]);
    expect(remembered?.listening).not.toBe(0);
    write.runs[0]?.resolve('saved');
    write.runs[1]?.reject(new Error('not saved'));
    await all;
    const throwing = updates(
      (): string => {
        throw new Error('not saved');
      },
      { of: find, args: () => ['1'] },
    );
    expect(throwing).toThrow('not saved');
    expect(remembered?.listening).toBe(0);
  });
});
