import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache } from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';
import { asyncMemory, storeKinds } from './store-kinds.ts';

const before = process.env['REPRISE_DISABLED'];

function say(disabled: string | undefined): void {
  if (disabled === undefined) delete process.env['REPRISE_DISABLED'];
  else process.env['REPRISE_DISABLED'] = disabled;
}

afterEach(async () => {
  say(before);
  await closeAllCaches();
});

describe('REPRISE_DISABLED=1 when a function is wrapped', () => {
  beforeEach(() => say('1'));

  it('passes every call through, with its this and arguments', () => {
    const seen: unknown[] = [];
    const echo = cached(function (this: unknown, ...args: number[]) {
      seen.push([this, ...args]);
      return args.length;
    });
    const self = { echo };
    expect([self.echo(1, 2), self.echo(1, 2)]).toEqual([2, 2]);
    expect(seen).toEqual([
      [self, 1, 2],
      [self, 1, 2],
    ]);
  });

  it('counts the calls as bypassed', () => {
    const echo = cached((n: number) => n);
    echo(1);
    echo(1);
    expect(echo.stats()).toMatchObject({ bypass: 2, hits: 0, misses: 0, loads: 0, size: 0, hitRatio: 0 });
  });

  it('makes the handle do nothing, with answers of the same types', () => {
    const echo = cached((n: number) => n);
    expect([echo.invalidate(1), echo.clear(), echo.set([1], 5), echo.peek(1), echo.has(1), echo.inspect(1)]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
      false,
      undefined,
    ]);
    expect([echo.refresh(1), echo(1), echo.original(1)]).toEqual([1, 1, 1]);
  });

  it('makes each of concurrent calls a run', async () => {
    const load = holdRuns<[], string>();
    const user = cached(load);
    const all = Promise.all([user(), user()]);
    expect(load.runs).toHaveLength(2);
    for (const run of load.runs) run.resolve('x');
    await all;
  });

  it('passes calls of methods through', () => {
    class Users {
      calls = 0;
      @cached()
      find(_id: string): number {
        return ++this.calls;
      }
    }
    const users = new Users();
    expect([users.find('1'), users.find('1'), cacheOf(users, 'find').invalidate('1')]).toEqual([1, 2, false]);
  });

  it('lets the function throw what it throws', () => {
    const failure = new Error('mine');
    expect(
      cached(() => {
        throw failure;
      }),
    ).toThrow(failure);
  });

  it('still refuses options that cannot be meant', () => {
    expect(() => cached(() => 1, { ttl: -1 })).toThrow(TypeError);
  });

  it.each(storeKinds)('touches no store: %s', async (_kind, makeStore) => {
    const store = makeStore();
    const cache = createCache({ name: 'off', store });
    let calls = 0;
    const count = cached(async () => ++calls, { cache, name: 'count' });
    expect([await count(), await count(), await count.peek(), await count.invalidate()]).toEqual([
      1,
      2,
      undefined,
      false,
    ]);
    expect([await cache.getOrSet('k', async () => 1), await cache.get('k'), await cache.delete('k')]).toEqual([
      1,
      undefined,
      false,
    ]);
    await cache.set('k', 1);
    await cache.clear();
    await settle();
    expect(await store.size?.()).toBe(0);
  });

  it('answers promises where the store is asynchronous', async () => {
    const twice = cached((n: number) => n * 2, { store: asyncMemory(), name: 'twice' });
    const answer: unknown = twice(2);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe(4);
  });

  it('stays on when enabled is set', () => {
    const cache = createCache({ name: 'off' });
    cache.enabled = true;
    let calls = 0;
    const count = cached(() => ++calls, { cache, name: 'count' });
    expect([count(), count()]).toEqual([1, 2]);
  });
});

describe.each([undefined, '', '0', 'false'])('REPRISE_DISABLED=%j', (said) => {
  it('caches', () => {
    say(said);
    let calls = 0;
    const count = cached(() => ++calls);
    expect([count(), count()]).toEqual([1, 1]);
  });
});

describe('REPRISE_DISABLED=1 after a function was wrapped', () => {
  it('changes nothing for it', () => {
    let calls = 0;
    const count = cached(() => ++calls);
    count();
    say('1');
    expect(count()).toBe(1);
  });
});
