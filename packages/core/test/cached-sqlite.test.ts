import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache, OptionError } from '@reprise/core';
import { sqliteStore } from '@reprise/store-sqlite';
import { manualClock } from '@reprise/store-testkit';
import { settle } from './deferred.ts';
import { makeFolder } from './homes.ts';

const makeFile = (): string => join(makeFolder(), 'cache.sqlite');
const cacheOn = (filename: string, options: object = {}) =>
  createCache({ name: 'kept', store: sqliteStore({ filename }), ...options });

afterEach(() => closeAllCaches());

describe('a function cached in SQLite', () => {
  it('that is synchronous stays so, and is answered by a later cache on the same file', async () => {
    const filename = makeFile();
    const first = cacheOn(filename);
    const square = cached((side: number) => ({ area: side * side }), { cache: first, name: 'square' });
    expect(square(3)).toEqual({ area: 9 });
    await first.close();
    let runs = 0;
    const again = cached(
      (side: number) => {
        runs++;
        return { area: side };
      },
      { cache: cacheOn(filename), name: 'square' },
    );
    expect([again(3), again(4)]).toEqual([{ area: 9 }, { area: 4 }]);
    expect(runs).toBe(1);
  });

  it('gives each caller a value of his own', () => {
    const list = cached((id: string) => [id], { cache: cacheOn(makeFile()), name: 'list' });
    list('a').push('b');
    list('a').push('c');
    expect(list('a')).toEqual(['a']);
  });

  it('that is asynchronous is run once for a hundred callers, and kept', async () => {
    const filename = makeFile();
    let runs = 0;
    const load = async (id: string): Promise<string> => {
      await settle();
      return `${id}${++runs}`;
    };
    const cache = cacheOn(filename);
    const user = cached(load, { cache, name: 'user' });
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => user('a'))))).toEqual(new Set(['a1']));
    await cache.close();
    expect(await cached(load, { cache: cacheOn(filename), name: 'user' })('a')).toBe('a1');
  });

  it('is not answered past its ttl, nor after an invalidation, whoever made it', async () => {
    const filename = makeFile();
    const clock = manualClock(1_700_000_000_000);
    let runs = 0;
    const user = cached((id: string) => id + ++runs, { cache: cacheOn(filename, { clock }), name: 'user', ttl: 1_000 });
    expect([user('a'), user('a')]).toEqual(['a1', 'a1']);
    clock.advance(1_000);
    expect(user('a')).toBe('a2');
    const other = sqliteStore({ filename });
    other.clear('kept/');
    other.close();
    expect(user('a')).toBe('a3');
    user.invalidate('a');
    expect(user('a')).toBe('a4');
  });

  it('must have a name, as a method must say whose its entries are, and an argument must have a form as a value', () => {
    const cache = cacheOn(makeFile());
    expect(() =>
      cached(
        (
          () => () =>
            1
        )(),
        { cache },
      ),
    ).toThrow(OptionError);
    class Users {
      @cached({ cache })
      find(id: string): string {
        return id;
      }
    }
    expect(() => new Users().find('a')).toThrow(/per/);
    const read = cached((of: object) => Object.keys(of), { cache, name: 'read' });
    expect(() => read(new WeakMap())).toThrow(/argument/);
  });
});
