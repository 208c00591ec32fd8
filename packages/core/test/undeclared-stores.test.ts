import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, cacheOf, closeAllCaches, createCache } from '@reprise/core';
import type { AsyncStore, Entry } from '@reprise/store';
import { settle } from './deferred.ts';

afterEach(closeAllCaches);

/** Says nothing of whether it outlives the process, and does. */
function undeclaredStore(entries: Map<string, Entry>): AsyncStore {
  return {
    sync: false,
    get: async (key) => entries.get(key),
    set: async (key, entry) => void entries.set(key, entry),
    delete: async (key) => entries.delete(key),
    clear: async (prefix = '') => {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
    close: async () => {},
  };
}

/** A function called `load`, as two modules may each have one. */
function makeLoad(answer: string) {
  return async function load(): Promise<string> {
    return answer;
  };
}

function makeUsers(answer: string, cache: ReturnType<typeof createCache<AsyncStore>>) {
  class Users {
    @cached({ cache, per: 'class' })
    async find(id: string): Promise<string> {
      return `${answer} ${id}`;
    }
  }
  return new Users();
}

describe('a store that does not say whether it outlives the process', () => {
  it('never answers a function with what another of its name left, in whichever order they are called', async () => {
    const entries = new Map<string, Entry>();
    const first = createCache({ name: 'shared', store: undeclaredStore(entries) });
    await cached(makeLoad('one'), { cache: first })();
    await cached(makeLoad('other'), { cache: first })();
    await settle();
    await first.close();

    const second = createCache({ name: 'shared', store: undeclaredStore(entries) });
    const [one, other] = ['one', 'other'].map((answer) => cached(makeLoad(answer), { cache: second }));
    expect(await other?.()).toBe('other');
    expect(await one?.()).toBe('one');
  });

  it('never answers a method with what one of another class of its name left', async () => {
    const entries = new Map<string, Entry>();
    const first = createCache({ name: 'shared', store: undeclaredStore(entries) });
    await makeUsers('one', first).find('42');
    await settle();
    await first.close();

    const second = createCache({ name: 'shared', store: undeclaredStore(entries) });
    expect(await makeUsers('other', second).find('42')).toBe('other 42');
  });

  it('keeps the entries of methods by instance, under keys that no other process has', async () => {
    const entries = new Map<string, Entry>();
    const store = undeclaredStore(entries);
    let runs = 0;
    class Users {
      @cached({ store })
      async find(_id: string): Promise<number> {
        return ++runs;
      }
    }
    const [one, other] = [new Users(), new Users()];
    expect([await one.find('42'), await other.find('42'), await one.find('42')]).toEqual([1, 2, 1]);
    expect([...entries.keys()]).not.toContain('Users.find<Users#1>("42")');
    expect(cacheOf(one, 'find').keyOf('42')).toMatch(/^Users\.find~\w+\.\d+<Users#\d+>\("42"\)$/);
  });

  it('shares what functions with an explicit name left, and the keys of getOrSet', async () => {
    const entries = new Map<string, Entry>();
    const first = createCache({ name: 'shared', store: undeclaredStore(entries) });
    await cached(makeLoad('before'), { cache: first, name: 'load' })();
    await first.getOrSet('rate', async () => 1.08);
    await settle();
    await first.close();

    const second = createCache({ name: 'shared', store: undeclaredStore(entries) });
    expect(await cached(makeLoad('after'), { cache: second, name: 'load' })()).toBe('before');
    expect(await second.getOrSet('rate', async () => 1.09)).toBe(1.08);
  });
});
