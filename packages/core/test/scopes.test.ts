import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  cached,
  cacheLife,
  cacheSignal,
  cacheTag,
  closeAllCaches,
  createCache,
  noStore,
  OptionError,
  withCacheMode,
} from '@reprise/core';
import { settle } from './deferred.ts';
import { homes, sharedHomes } from './homes.ts';

let warn: jest.SpiedFunction<typeof process.emitWarning>;

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await closeAllCaches();
  warn.mockRestore();
});

describe.each(sharedHomes)('cacheLife in %s', (_kind, makeHome) => {
  it('takes the place of the ttl, shorter or longer, at any depth of await', async () => {
    const { wrap, clock } = makeHome();
    const short = wrap(
      async () => {
        await Promise.all([sleep(1).then(() => cacheLife('1s'))]);
        return 1;
      },
      { ttl: '1h' },
    );
    const long = wrap(
      async () => {
        cacheLife('1h');
        return 1;
      },
      { ttl: '1s' },
    );
    await Promise.all([short(), long()]);
    await settle();
    clock.advance(999);
    expect([await short.has(), await long.has()]).toEqual([true, true]);
    clock.advance(1);
    expect([await short.has(), await long.has()]).toEqual([false, true]);
    clock.advance('1h');
    expect(await long.has()).toBe(false);
  });

  it('said several times is the shortest', async () => {
    const { wrap } = makeHome();
    const user = wrap(async () => {
      cacheLife('1h');
      cacheLife(2_000);
      cacheLife('1d');
    });
    await user();
    await settle();
    expect((await user.inspect())?.expiresIn).toBe(2_000);
  });

  it('of 0 stores nothing, and removes what was there', async () => {
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(async () => {
      if (++runs > 1) cacheLife(0);
      return runs;
    });
    await user();
    await settle();
    expect(await user.refresh()).toBe(2);
    await settle();
    expect(await user.has()).toBe(false);
  });

  it('in a loader of getOrSet counts for its entry', async () => {
    const { cache, clock } = makeHome();
    await cache.getOrSet('k', async () => {
      await sleep(1);
      cacheLife('1s');
      return 1;
    });
    await settle();
    expect(await cache.has('k')).toBe(true);
    clock.advance(1_000);
    expect(await cache.has('k')).toBe(false);
  });
});

describe.each(homes)('what a function says of its entry in %s', (_kind, makeHome) => {
  it('with noStore keeps it from being stored, for its waiters all the same', async () => {
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(async () => {
      await sleep(1);
      noStore();
      return ++runs;
    });
    expect(await Promise.all([user(), user()])).toEqual([1, 1]);
    await settle();
    expect([await user.has(), await user()]).toEqual([false, 2]);
  });

  it('with noStore removes what was there', async () => {
    const { wrap } = makeHome();
    let runs = 0;
    const user = wrap(async () => {
      if (++runs > 1) noStore();
      return runs;
    });
    await user();
    await settle();
    await user.refresh();
    await settle();
    expect(await user.has()).toBe(false);
  });

  it.each([
    ['called', {}, undefined],
    ['called around the cache', { bypass: () => true }, undefined],
    ['called in the mode no-store', {}, 'no-store'],
  ] as const)('is not said of the entry of an outer function, when it is %s', async (_how, options, mode) => {
    const { wrap } = makeHome();
    const inner = wrap(
      async () => {
        await sleep(1);
        noStore();
        cacheLife(0);
        return 1;
      },
      { ...options },
    );
    const outer = wrap(async () => (mode === undefined ? inner() : withCacheMode(mode, () => inner())));
    await outer();
    await settle();
    expect(await outer.has()).toBe(true);
  });

  it('is not said of the entry of an outer function, when its own cache is off', async () => {
    const cache = createCache({ name: 'off' });
    const inner = cached(
      async () => {
        await sleep(1);
        noStore();
      },
      { cache },
    );
    cache.enabled = false;
    const outer = makeHome().wrap(async () => inner());
    await outer();
    await settle();
    expect(await outer.has()).toBe(true);
  });

  it('is not said of the entry of who waits for it in a circle', async () => {
    const { wrap } = makeHome();
    let depth = 0;
    const self = wrap(async (): Promise<number> => {
      if (++depth > 1) {
        noStore();
        return depth;
      }
      return self();
    });
    expect(await self()).toBe(2);
    await settle();
    expect(await self.has()).toBe(true);
  });

  it('is said of its own entry after it has called others', async () => {
    const { wrap } = makeHome();
    const inner = wrap(async () => 1, { bypass: () => true });
    const outer = wrap(async () => {
      await inner();
      noStore();
    });
    await outer();
    await settle();
    expect(await outer.has()).toBe(false);
  });
});

describe('what a function says of its entry', () => {
  it('is said by a synchronous one too', () => {
    let runs = 0;
    const rate = cached((currency: string) => {
      cacheLife(0);
      return `${currency}${++runs}`;
    });
    expect([rate('EUR'), rate('EUR')]).toEqual(['EUR1', 'EUR2']);
    const stored = cached((_currency: string) => {
      cacheTag('rates');
      return ++runs;
    });
    stored('EUR');
    expect(stored.inspect('EUR')?.tags).toEqual(['rates']);
  });

  it('means nothing outside of a run', () => {
    cacheLife('1s');
    cacheTag('a');
    noStore();
    expect(cacheSignal().aborted).toBe(false);
  });

  it('means nothing for others when it comes too late', async () => {
    const late: (() => void)[] = [];
    const early = cached(async (id: string) => {
      setTimeout(() => {
        noStore();
        cacheTag('late');
        for (const done of late) done();
      }, 5);
      return id;
    });
    const over = new Promise<void>((resolve) => late.push(resolve));
    await early('a');
    const other = cached(async (id: string) => {
      await over;
      return id;
    });
    await other('a');
    expect([early.has('a'), other.has('a'), early.inspect('a')?.tags]).toEqual([true, true, []]);
  });

  it('is refused inside where it cannot be meant, and does nothing outside', async () => {
    const words: readonly (() => void)[] = [
      () => cacheLife('5 parsecs' as never),
      () => cacheLife(-1),
      () => cacheLife(Number.NaN),
      () => cacheTag(5 as never),
      () => cacheTag(['a'] as never),
    ];
    for (const say of words) {
      say();
      await expect(cached(async () => say())()).rejects.toThrow(OptionError);
    }
  });
});
