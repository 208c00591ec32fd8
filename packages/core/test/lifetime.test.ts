import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache, memoize } from '@reprise/core';
import { holdRuns, settle } from './deferred.ts';
import { asyncMemory } from './store-kinds.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

afterEach(closeAllCaches);

/** Collects until `done`, or in vain for a number of turns. */
async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 50 && !done(); turn++) {
    await setImmediate();
    collectGarbage();
  }
  return done();
}

describe('an instance', () => {
  it('can be collected while its entries exist, and they leave with it', async () => {
    class Users {
      readonly ballast = new Array(1_000).fill(0);
      @cached({ ttl: '1h' })
      find(id: string): string {
        return id;
      }
    }
    const refs = (() =>
      Array.from({ length: 20 }, () => {
        const users = new Users();
        users.find('1');
        users.find('2');
        return new WeakRef(users);
      }))();
    expect(cacheOf(Users, 'find').stats().size).toBe(40);
    expect(await collectUntil(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
    expect(await collectUntil(() => cacheOf(Users, 'find').stats().size === 0)).toBe(true);
    expect(cacheOf(Users, 'find').stats().misses).toBe(40);
  });

  it('can be collected while its entries lead back to it', async () => {
    const cache = createCache({ name: 'shared', maxSize: 100 });
    class Users {
      readonly ballast = new Array(1_000).fill(0);
      @cached()
      find(id: string): { id: string; from: Users } {
        return { id, from: this };
      }
      @cached({ cache })
      async load(): Promise<Users> {
        return this;
      }
    }
    const refs = await (async () => {
      const all = Array.from({ length: 20 }, () => new Users());
      for (const users of all) {
        expect(users.find('1')).toBe(users.find('1'));
        expect(await users.load()).toBe(users);
        expect(await users.load()).toBe(users);
      }
      return all.map((users) => new WeakRef(users));
    })();
    expect(cacheOf(Users, 'load').stats().hits).toBe(20);
    expect(await collectUntil(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
    expect(await collectUntil(() => cacheOf(Users, 'find').stats().size === 0)).toBe(true);
    expect(await collectUntil(() => cache.stats().size === 0)).toBe(true);
    expect(cacheOf(Users, 'find').stats().misses).toBe(20);
  });

  it('can be collected after it failed, after it was asked by its handle, and after its runs', async () => {
    class Users {
      @cached()
      async find(id: string): Promise<string> {
        if (id === 'bad') throw new Error('bad');
        return id;
      }
    }
    const ref = await (async () => {
      const users = new Users();
      await users.find('bad').catch(() => {});
      await Promise.all([users.find('1'), users.find('1')]);
      const handle = cacheOf(users, 'find');
      handle.keyOf('1');
      await handle.refresh('1');
      handle.set(['2'], 'two');
      handle.invalidate('1');
      return new WeakRef(users);
    })();
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });

  it('can be collected where it stands in the arguments of its own call', async () => {
    class Node {
      @cached()
      joins(_other: unknown, _list: unknown[]): boolean {
        return true;
      }
    }
    const ref = (() => {
      const node = new Node();
      node.joins(node, [node, { node }]);
      return new WeakRef(node);
    })();
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });

  it('is never answered with the entries of one that was collected', async () => {
    let made = 0;
    class Users {
      readonly number = ++made;
      @cached()
      who(): number {
        return this.number;
      }
    }
    for (let round = 0; round < 5; round++) {
      for (let turn = 0; turn < 50; turn++) {
        const users = new Users();
        expect(users.who()).toBe(users.number);
      }
      await setImmediate();
      collectGarbage();
    }
  });

  it('can be collected in a store of text keys, too', async () => {
    const cache = createCache({ name: 'slow', store: asyncMemory() });
    class Users {
      @cached({ cache })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const ref = await (async () => {
      const users = new Users();
      await users.find('1');
      return new WeakRef(users);
    })();
    await settle();
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });
});

describe('an argument', () => {
  it('that is known by identity can be collected, and its entry leaves', async () => {
    class Request {}
    const parse = cached((_request: object, part: string) => part);
    const ref = (() => {
      const request = new Request();
      parse(request, 'body');
      return new WeakRef(request);
    })();
    expect(parse.stats().size).toBe(1);
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
    expect(await collectUntil(() => parse.stats().size === 0)).toBe(true);
  });

  it('can be collected when its flight has settled, and nothing of it was kept', async () => {
    const gather = cached(async (list: { big: number[] }) => list.big.length, { ttl: 0 });
    const refs: WeakRef<object>[] = [];
    await (async () => {
      const list = { big: new Array(1_000).fill(0) };
      refs.push(new WeakRef(list));
      await Promise.all([gather(list), gather(list)]);
    })();
    expect(await collectUntil(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
  });
});

describe('a result', () => {
  it.each([{ maxSize: 0 }, { ttl: 0 }, { cacheIf: () => false }, { bypass: () => true }])(
    'that is not stored can be collected (%p)',
    async (options) => {
      const make = cached(async (_n: number) => ({ big: new Array(1_000).fill(0) }), options as object);
      const ref = await (async () => new WeakRef(await make(1)))();
      expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
    },
  );

  it.each<[string, (make: any) => unknown]>([
    ['invalidate', (make) => make.invalidate(1)],
    ['clear', (make) => make.clear()],
    ['set', (make) => make.set([1], {})],
    ['refresh', (make) => make.refresh(1)],
    ['eviction', (make) => make(2)],
  ])('can be collected after %s', async (_name, act) => {
    const make = cached(async (_n: number) => ({ big: new Array(1_000).fill(0) }), { maxSize: 1 });
    const ref = await (async () => new WeakRef(await make(1)))();
    await act(make);
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });

  it('of a run that was fenced can be collected', async () => {
    const load = holdRuns<[number], object>();
    const make = cached(load);
    const ref = await (async () => {
      const answer = make(1);
      make.invalidate(1);
      load.runs[0]?.resolve({ big: new Array(1_000).fill(0) });
      const weak = new WeakRef(await answer);
      load.runs.length = 0;
      return weak;
    })();
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });
});

describe('an error', () => {
  it('can be collected when its flight has settled', async () => {
    const fail = cached(async () => {
      throw Object.assign(new Error('down'), { big: new Array(1_000).fill(0) });
    });
    const ref = await (async () => {
      const [answer] = await Promise.allSettled([fail(), fail()]);
      return new WeakRef((answer as PromiseRejectedResult).reason as object);
    })();
    expect(await collectUntil(() => ref.deref() === undefined)).toBe(true);
  });
});

describe('a chain of runs', () => {
  type Step = (link: number) => Promise<object>;
  const verbs: readonly [string, (step: Step) => Step][] = [
    ['cached', (step) => cached(step, { maxSize: 1 })],
    ['memoize', (step) => memoize(step, { maxSize: 1 })],
  ];

  it.each(verbs)('leaves none of its contexts behind (%s)', async (_verb, wrap) => {
    const refs: WeakRef<object>[] = [];
    const links = 50;
    let finish: (() => void) | undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    // Each run begins the next one from a later turn, and so from inside of its own context.
    const step = wrap(async (link) => {
      if (link < links) nextTurn(() => void step(link + 1));
      else finish?.();
      const result = {};
      refs.push(new WeakRef(result));
      return result;
    });
    await step(0);
    await done;
    expect(await collectUntil(() => refs.filter((ref) => ref.deref() !== undefined).length <= 2)).toBe(true);
  });
});

describe('a wrapped function and a cache', () => {
  it('can be collected with all their entries', async () => {
    const refs = await (async () => {
      const cache = createCache({ name: 'gone' });
      const shared = cached(async (id: string) => ({ id }), { cache, name: 'shared' });
      const own = cached(async (id: string) => ({ id }));
      const results = [await shared('1'), await own('1'), cache, own];
      await cache.close();
      return results.map((result) => new WeakRef(result as object));
    })();
    expect(await collectUntil(() => refs.every((ref) => ref.deref() === undefined))).toBe(true);
  });
});

const onDist = process.env['REPRISE_TEST_DIST'] === '1';
const root = fileURLToPath(new URL('../../..', import.meta.url));
const here = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);

/** Runs a program in a process of its own: on the sources, or on what was built where that is tested. */
async function program(code: string): Promise<string> {
  const loader = pathToFileURL(join(root, 'scripts/source-loader.mjs')).href;
  const flags = onDist ? [] : ['-C', '@reprise/source', '--import', loader];
  const { stdout } = await execute(process.execPath, [...flags, '--input-type=module', '-e', code], {
    cwd: here,
    timeout: 20_000,
  });
  return stdout;
}

describe('a process', () => {
  it('ends while entries are pending', async () => {
    const started = performance.now();
    const told = await program(`
      import { cached, createCache } from '@reprise/core';
      const cache = createCache({ name: 'pending', ttl: '1h' });
      const f = cached(async (n) => n, { ttl: '30d' });
      for (let n = 0; n < 100; n++) await f(n);
      await cache.getOrSet('k', async () => 1);
      console.log('done');
    `);
    expect(told).toBe('done\n');
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('ends with its answer where the store hangs, and soon', async () => {
    const told = await program(`
      import { cached } from '@reprise/core';
      const never = () => new Promise(() => {});
      const store = { sync: false, persistent: false, get: never, set: never, delete: never, clear: never, close: never };
      const f = cached(async (n) => n, { store, storeTimeout: 20 });
      f.on('error', () => {});
      console.log(await f(1), await f(2));
    `);
    expect(told).toBe('1 2\n');
  });

  it('is not ended by a run that nobody waits for any more and a store that rejects', async () => {
    const told = await program(`
      import { cached } from '@reprise/core';
      const fail = () => Promise.reject(new Error('down'));
      const store = { sync: false, persistent: false, get: fail, set: fail, delete: fail, clear: fail, close: fail };
      const f = cached(async (n) => n, { store });
      f.on('error', () => {});
      await f(1);
      await f(1);
      await f.clear().catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      console.log('alive');
    `);
    expect(told).toBe('alive\n');
  });

  it('is warned of an unheard error by name and code, and goes on', async () => {
    const told = await program(`
      import { cached } from '@reprise/core';
      process.on('warning', ({ name, code }) => console.log(name, code));
      const f = cached(async function named(n) { return n; }, { cacheIf: () => { throw new Error('no'); } });
      for (let n = 0; n < 3; n++) await f(n);
      setImmediate(() => console.log('alive'));
    `);
    expect(told).toBe('RepriseWarning E_CALLBACK\nalive\n');
  });

  it('hears of a rejection that nobody listens to, also where a run began the one that failed', async () => {
    const told = await program(`
      import { cached } from '@reprise/core';
      process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
      const fails = cached(async (id) => { throw new Error(id); });
      const begins = cached(async () => { void fails('inner'); return 1; });
      await begins();
      void fails('outer');
      await new Promise((resolve) => setTimeout(resolve, 1));
    `);
    expect(told).toBe('unhandled inner\nunhandled outer\n');
  });
});

// Of the sources there is no CommonJS copy.
if (onDist) {
  describe('what was built', () => {
    it('shares its caches between ES modules and CommonJS, by name and by value', async () => {
      const told = await program(`
      import { createRequire } from 'node:module';
      import * as core from '@reprise/core';
      const copy = createRequire(process.cwd() + '/x.js')('@reprise/core');
      const cache = core.createCache({ name: 'both' });
      let calls = 0;
      const one = copy.cached(async function one() { return ++calls; }, { cache: 'both', name: 'one' });
      const two = copy.cached(async function two() { return 'two'; }, { cache });
      await one(); await one(); await two();
      let code;
      try { copy.createCache({ name: 'both' }); } catch (error) { code = error.code + (error instanceof core.RepriseError); }
      const { hits, size } = cache.stats();
      console.log(JSON.stringify([copy.getCache('both') === cache, calls, hits, size, code]));
    `);
      expect(JSON.parse(told)).toEqual([true, 1, 1, 2, 'E_NAME_TAKENtrue']);
    });
  });
}
