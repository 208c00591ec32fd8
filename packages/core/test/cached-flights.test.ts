import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { defer, holdRuns, settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

const unhandled = jest.fn();

beforeEach(() => {
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(async () => {
  await closeAllCaches();
  await settle();
  process.off('unhandledRejection', unhandled);
});

describe.each(storeKinds)('concurrent calls in %s', (kind, makeStore) => {
  const bytes = kind.includes('bytes');

  function make(options: object = {}) {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const load = holdRuns<[id: string], { id: string }>();
    return { cache, load, user: cached(load, { cache, name: 'user', ...options }) };
  }

  it('of one key make one run, and all get its value', async () => {
    const { load, user } = make();
    const all = Promise.all(Array.from({ length: 50 }, () => user('1')));
    await settle();
    expect(load.runs).toHaveLength(1);
    const value = { id: '1' };
    load.runs[0]?.resolve(value);
    for (const answer of await all) expect(answer).toEqual(value);
    if (!bytes) expect(new Set(await all)).toEqual(new Set([value]));
  });

  it('of different keys run side by side', async () => {
    const { load, user } = make();
    const all = Promise.all(['1', '2', '3'].map((id) => user(id)));
    await settle();
    expect(load.runs.map(({ args }) => args[0])).toEqual(['1', '2', '3']);
    for (const run of load.runs) run.resolve({ id: run.args[0] });
    expect(await all).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }]);
  });

  it('that come one after the other into a run make none of their own', async () => {
    const { load, user } = make();
    const all: unknown[] = [];
    for (let call = 0; call < 5; call++) {
      all.push(user('1'));
      await settle();
    }
    expect(load.runs).toHaveLength(1);
    load.runs[0]?.resolve({ id: '1' });
    await Promise.all(all);
  });

  it('all get the one error that the function failed with, and nothing is stored', async () => {
    const { load, user } = make();
    const failure = Object.assign(new Error('down'), { status: 503 });
    const all = Promise.allSettled(Array.from({ length: 50 }, () => user('1')));
    await settle();
    load.runs[0]?.reject(failure);
    for (const answer of await all) expect((answer as PromiseRejectedResult).reason).toBe(failure);
    expect([load.runs.length, await user.has('1'), user.stats().errors]).toEqual([1, false, 1]);
    const next = user('1');
    await settle();
    load.runs[1]?.resolve({ id: '1' });
    expect(await next).toEqual({ id: '1' });
    await settle();
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('all get what was thrown, be it no error at all', async () => {
    const { load, user } = make();
    const all = Promise.allSettled([user('1'), user('1')]);
    await settle();
    load.runs[0]?.reject(undefined);
    expect(await all).toEqual([
      { status: 'rejected', reason: undefined },
      { status: 'rejected', reason: undefined },
    ]);
  });

  it('keep the stack of the error', async () => {
    const { load, user } = make();
    const failure = new Error('down');
    const { stack } = failure;
    const answer = Promise.allSettled([user('1'), user('1')]);
    await settle();
    load.runs[0]?.reject(failure);
    await answer;
    expect(failure.stack).toBe(stack);
  });

  it('leave no rejection behind that nobody waits for but the callers', async () => {
    const { load, user } = make();
    const answer = user('1').catch(() => 'caught');
    await settle();
    load.runs[0]?.reject(new Error('down'));
    expect(await answer).toBe('caught');
    await settle();
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('make a run each where dedupe is false', async () => {
    const { load, user } = make({ dedupe: false });
    const all = Promise.all([user('1'), user('1')]);
    await settle();
    expect(load.runs).toHaveLength(2);
    load.runs[0]?.resolve({ id: 'a' });
    load.runs[1]?.resolve({ id: 'b' });
    expect(await all).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it.each([{ ttl: 0 }, { cacheIf: () => false }])('make one run where nothing is stored (%p)', async (options) => {
    const { load, user } = make(options);
    const all = Promise.all([user('1'), user('1')]);
    await settle();
    expect(load.runs).toHaveLength(1);
    load.runs[0]?.resolve({ id: '1' });
    await all;
    await settle();
    void user('1');
    await settle();
    expect(load.runs).toHaveLength(2);
  });

  it('that bypass the cache neither read, write nor join', async () => {
    let live = false;
    const { load, user } = make({ bypass: () => live });
    const kept = user('1');
    await settle();
    live = true;
    const around = user('1');
    await settle();
    expect(load.runs).toHaveLength(2);
    load.runs[1]?.resolve({ id: 'around' });
    expect(await around).toEqual({ id: 'around' });
    load.runs[0]?.resolve({ id: 'kept' });
    await kept;
    await settle();
    live = false;
    expect(await user('1')).toEqual({ id: 'kept' });
  });

  it('give this, value and arguments to what judges the result', async () => {
    const seen: unknown[] = [];
    const judge = (answer: unknown) =>
      function (this: unknown, ...args: unknown[]) {
        seen.push([this === self, ...args]);
        return answer;
      };
    const { load, user } = make({ ttl: judge('1h'), cacheIf: judge(true), bypass: judge(false) });
    const self = { user };
    const answer = self.user('1');
    await settle();
    load.runs[0]?.resolve({ id: '1' });
    await answer;
    await settle();
    expect(seen).toEqual([
      [true, '1'],
      [true, { id: '1' }, '1'],
      [true, { id: '1' }, '1'],
    ]);
  });

  it('see the async context of the caller that ran them, and leave each caller its own', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const context = new AsyncLocalStorage<string>();
    const gate = defer();
    const seen: unknown[] = [];
    const user = cached(
      async (_id: string) => {
        await gate.promise;
        seen.push(context.getStore());
      },
      { cache, name: 'user' },
    );
    const call = (name: string) =>
      context.run(name, async () => {
        await user('1');
        return context.getStore();
      });
    const all = Promise.all([call('one'), call('two')]);
    await settle();
    gate.resolve();
    expect(await all).toEqual(['one', 'two']);
    await settle();
    expect([await call('three'), seen, context.getStore()]).toEqual(['three', ['one'], undefined]);
  });

  it('on behalf of several functions are as many runs', async () => {
    const { cache, load, user } = make();
    const namesake = cached(load, { cache, name: 'namesake' });
    void user('1');
    void namesake('1');
    await settle();
    expect(load.runs).toHaveLength(2);
  });

  it('pass the arguments and this of the first', async () => {
    const cache = createCache({ name: 'flights', store: makeStore() });
    const seen: unknown[] = [];
    const user = cached(
      async function (this: unknown, ...args: number[]) {
        seen.push([this, ...args]);
        return args.length;
      },
      { cache, name: 'user', key: () => 'one' },
    );
    const self = { user };
    await Promise.all([self.user(1, 2), self.user(3)]);
    expect(seen).toEqual([[self, 1, 2]]);
  });
});

describe('a synchronous function', () => {
  it('stays synchronous, and its recursion is linear', () => {
    let calls = 0;
    const fibonacci: (n: number) => bigint = cached((n: number): bigint => {
      calls++;
      return n < 2 ? BigInt(n) : fibonacci(n - 1) + fibonacci(n - 2);
    });
    expect([fibonacci(100), calls]).toEqual([354_224_848_179_261_915_075n, 101]);
  });

  it('that calls itself with its own key comes to an end', () => {
    let depth = 0;
    const again: (n: number) => number = cached((n: number): number => (++depth < 3 ? again(n) + 1 : n));
    expect([again(5), again(5), depth]).toEqual([7, 7, 3]);
  });

  it('that throws stores nothing, and throws the same object', () => {
    const failure = new Error('no');
    let calls = 0;
    const bad = cached(() => {
      calls++;
      throw failure;
    });
    expect(bad).toThrow(failure);
    expect(bad).toThrow(failure);
    expect([calls, bad.stats().size]).toEqual([2, 0]);
  });
});

describe('what a function returns', () => {
  it('is the same promise’s value for a thenable that is no promise', async () => {
    let calls = 0;
    const query = cached((table: string) => {
      calls++;
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      return { then: (resolve: (rows: string[]) => void) => resolve([table]) } as PromiseLike<string[]>;
    });
    expect([await query('users'), await query('users'), calls]).toEqual([['users'], ['users'], 1]);
  });

  it('may be a promise at one time and a value at another', async () => {
    const either = cached((n: number): number | Promise<number> => (n > 0 ? n : Promise.resolve(n)));
    expect([either(1), either(1)]).toEqual([1, 1]);
    const [first, again] = [either(-1), either(-1)];
    expect([first instanceof Promise, again instanceof Promise]).toEqual([true, true]);
    expect([await first, await again, either(1)]).toEqual([-1, -1, 1]);
    expect(either(-1)).toBeInstanceOf(Promise);
    expect(either(1)).toBe(1);
  });

  it('may be a function or a class, which stays what it is', () => {
    class Model {}
    const model = cached(() => Model);
    expect([model(), model()]).toEqual([Model, Model]);
  });

  it('is not waited for by a caller that lets go: the run goes on and is stored', async () => {
    const load = holdRuns<[], string>();
    const user = cached(load);
    void user();
    load.runs[0]?.resolve('there');
    await settle();
    expect(user.peek()).toBe('there');
  });
});
