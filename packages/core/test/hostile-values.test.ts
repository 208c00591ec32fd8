import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { settle } from './deferred.ts';
import { storeKinds } from './store-kinds.ts';

afterEach(closeAllCaches);

function makeStrict(): Record<string, unknown> {
  return new Proxy(
    {},
    {
      get(_target, name) {
        // A promise asks for this; what is awaited has it asked for without us.
        if (name === 'then') return undefined;
        throw new Error(`strict: there is no ${String(name)}`);
      },
    },
  );
}

function makeRevoked(): object {
  const { proxy, revoke } = Proxy.revocable(function target() {}, {});
  revoke();
  return proxy;
}

class Trapped {
  get pipe(): never {
    throw new Error('trap');
  }
  get bodyUsed(): never {
    throw new Error('trap');
  }
  get next(): never {
    throw new Error('trap');
  }
}

const hostile: [string, () => object][] = [
  ['a proxy that refuses names it does not know', makeStrict],
  ['an instance whose getters throw', () => new Trapped()],
  ['an object whose getters throw', () => Object.defineProperty({}, 'next', { get: () => raise(), enumerable: true })],
];

describe.each(storeKinds)('in %s', (_kind, makeStore) => {
  it.each(hostile)('%s is answered as it was returned, to everybody, and nothing stays behind', async (_name, make) => {
    const cache = createCache({ name: 'hostile', store: makeStore() });
    cache.on('error', () => {});
    const value = make();
    let calls = 0;
    const give = cached(
      async () => {
        calls++;
        return { held: value }.held;
      },
      { cache, name: 'give' },
    );
    const answers = await Promise.all([give(), give()]);
    expect(answers.every((answer) => Object.is(answer, value))).toBe(true);
    await settle();
    expect(Object.is(await give(), value)).toBe(true);
    await give.clear();
    const before = calls;
    expect(Object.is(await give(), value)).toBe(true);
    expect(calls).toBe(before + 1);
  });
});

describe('a synchronous function', () => {
  it('may return a proxy that was revoked', () => {
    const revoked = makeRevoked();
    const give = cached((_n: number) => revoked);
    expect([Object.is(give(1), revoked), Object.is(give(1), revoked)]).toEqual([true, true]);
  });

  it('may return what throws when it is asked whether it is a promise', () => {
    const value = Object.defineProperty({}, 'then', { get: () => raise() });
    const give = cached((_n: number) => value);
    expect([Object.is(give(1), value), Object.is(give(1), value)]).toEqual([true, true]);
  });

  it('may return what throws when it is looked at', () => {
    const value = new Trapped();
    const give = cached((_n: number) => value);
    expect([give(1) === value, give(1) === value, give.stats().loads]).toEqual([true, true, 1]);
  });

  it('may throw what cannot be turned into text', () => {
    const failure = Object.assign(Object.create(null), { no: 'text' });
    const bad = cached(
      (_n: number): number => {
        throw failure;
      },
      {
        cacheIf: () => {
          throw failure;
        },
      },
    );
    let seen: unknown;
    try {
      bad(1);
    } catch (error) {
      seen = error;
    }
    expect(seen).toBe(failure);
  });
});

describe('a callback', () => {
  it.each([
    ['an object without text', () => Object.create(null)],
    ['undefined', () => undefined],
    ['a symbol', () => Symbol('s')],
    ['a revoked proxy', makeRevoked],
  ])('that throws %s costs the caller nothing', async (_name, make) => {
    const thrown: unknown = make();
    const fail = (): never => {
      throw thrown;
    };
    for (const options of [{ cacheIf: fail }, { ttl: fail }, { bypass: fail }]) {
      const give = cached(async (n: number) => n, options);
      const errors: unknown[] = [];
      give.on('error', ({ error }) => errors.push(error));
      expect([await give(1), errors.length, give.has(1)]).toEqual([1, 1, false]);
    }
  });

  it('of an error listener may throw, too', async () => {
    const give = cached(async (n: number) => n, {
      cacheIf: () => raise(),
    });
    give.on('error', () => raise());
    expect(await give(1)).toBe(1);
  });
});

function raise(): never {
  throw new Error('trap');
}
