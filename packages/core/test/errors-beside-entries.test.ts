import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, withCacheMode } from '@reprise/core';
import { holdRuns, runOf, settle } from './deferred.ts';
import { sharedHomes } from './homes.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

describe.each(sharedHomes)('beside an entry, in %s,', (_kind, makeHome) => {
  function failing() {
    const home = makeHome();
    let failure: Error | undefined;
    const user = home.wrap(
      async (id: string) => {
        if (failure !== undefined) throw failure;
        return id;
      },
      { ttl: '1m', cacheErrors: { ttl: '1h' } },
    );
    const fail = (error: Error): void => {
      failure = error;
    };
    return { ...home, user, fail };
  }

  it('the failure of a refresh is not remembered: the value goes on answering', async () => {
    const { user, fail } = failing();
    await user('a');
    await settle();
    fail(new Error('down'));
    await expect(user.refresh('a')).rejects.toThrow('down');
    await settle();
    expect(await user.peek('a')).toBe('a');
    expect(await user('a')).toBe('a');
  });

  it.each(['reload', 'no-cache'] as const)('nor is that of a run in the mode %s', async (mode) => {
    const { user, fail } = failing();
    await user('a');
    await settle();
    fail(new Error('down'));
    await expect(withCacheMode(mode, () => user('a'))).rejects.toThrow('down');
    await settle();
    expect(await user('a')).toBe('a');
  });

  it('that of any other run is', async () => {
    const { user, fail } = failing();
    fail(new Error('down'));
    await expect(user('a')).rejects.toThrow('down');
    await settle();
    await expect(user('a')).rejects.toThrow('down');
    expect(user.stats().loads).toBe(1);
  });

  it('a run that hangs behind it is given up after abandon: another one brings the newer value', async () => {
    const { clock, wrap } = makeHome();
    const load = holdRuns<[id: string], string>();
    const user = wrap(load, { ttl: '1s', staleWhileRevalidate: '1h', timeout: { abandon: 400 } });
    await user.set(['a'], 'first');
    clock.advance('2s');
    expect(await user('a')).toBe('first');
    const second = await runOf(load, 0);
    const began = performance.now();
    while (performance.now() - began < 401) await settle();
    expect(await user('a')).toBe('first');
    (await runOf(load, 1)).resolve('third');
    await settle();
    second.resolve('second');
    await settle();
    expect(await user('a')).toBe('third');
  });
});

describe('an error that is not remembered, since there is a value,', () => {
  it('takes the place of no newer value that is under way either', async () => {
    const held = holdRuns<[], string>();
    const load = cached(held, { dedupe: false, cacheErrors: { ttl: '1m' } });
    const [first, second, third] = [load(), load(), load()];
    held.runs[0]?.resolve('first');
    expect(await first).toBe('first');
    held.runs[2]?.reject(new Error('down'));
    await expect(third).rejects.toThrow('down');
    held.runs[1]?.resolve('second');
    expect(await second).toBe('second');
    expect(load.peek()).toBe('second');
  });
});
