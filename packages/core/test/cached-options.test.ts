import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, closeAllCaches, createCache, ignoreThis, OptionError, RepriseError } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';

afterEach(closeAllCaches);

describe('options that cannot be meant', () => {
  const refused: [string, unknown, RegExp][] = [
    ['an unknown option', { tl: 5 }, /'tl'.*did you mean 'ttl'/],
    ['an option of another library', { expires: 5 }, /there is no option 'expires'; there are .*ttl/],
    ['an inherited name', { constructor: 1 }, /'constructor'/],
    ['a negative ttl', { ttl: -1 }, /ttl must be 0 or more milliseconds, not -1/],
    ['a ttl of NaN', { ttl: Number.NaN }, /ttl must be 0 or more milliseconds, not NaN/],
    ['a ttl without a unit', { ttl: '10' }, /ttl is "10".*unit/],
    ['a ttl of an unknown unit', { ttl: '5 parsecs' }, /ttl is "5 parsecs"/],
    ['a ttl of null', { ttl: null }, /ttl must be .*not null/],
    ['a ttl of an object', { ttl: {} }, /ttl must be/],
    ['a ttl of true', { ttl: true }, /ttl must be/],
    ['a negative maxSize', { maxSize: -1 }, /maxSize must be a whole number/],
    ['a fractional maxSize', { maxSize: 1.5 }, /maxSize must be a whole number/],
    ['a maxSize of NaN', { maxSize: Number.NaN }, /maxSize must be/],
    ['a maxSize of text', { maxSize: '10' }, /maxSize must be .*"10"/],
    ['a maxSize of null', { maxSize: null }, /maxSize must be/],
    ['a negative maxBytes', { maxBytes: -1, sizeOf: () => 1 }, /maxBytes must be/],
    ['maxBytes that nothing weighs', { maxBytes: 10 }, /maxBytes in memory needs sizeOf/],
    ['a sizeOf that is no function', { sizeOf: 5 }, /sizeOf must be a function/],
    ['a key that is no function', { key: 'id' }, /key must be a function, not "id"/],
    ['a per that there is not', { per: 'user' }, /per must be 'instance', 'class' or/],
    ['an empty name', { name: '' }, /name must be a string that is not empty/],
    ['a name that is no text', { name: 5 }, /name must be a string/],
    ['a version that is neither', { version: {} }, /version must be/],
    ['a cacheIf that is no function', { cacheIf: true }, /cacheIf must be a function, not true/],
    ['a bypass that is no function', { bypass: true }, /bypass must be a function/],
    ['a dedupe that is no boolean', { dedupe: 'no' }, /dedupe must be true or false/],
    ['a replace that is no boolean', { replace: 1 }, /replace must be true or false/],
    ['a storeTimeout without a unit', { storeTimeout: '5' }, /storeTimeout is "5"/],
    ['a cache that is none', { cache: {} }, /cache must be a cache made by createCache, or the name/],
    ['a cache that is a map', { cache: new Map() }, /cache must be a cache/],
    ['an empty name of a cache', { cache: '' }, /cache must be/],
    ['a store that is none', { store: new Map() }, /store must be a store/],
    ['a store that is a factory', { store: memoryStore }, /store must be a store/],
    ['store beside cache', { store: memoryStore(), cache: 'x' }, /cache and store exclude each other/],
    ['maxSize beside cache', { maxSize: 5, cache: 'x' }, /maxSize belongs to the shared cache/],
    ['maxBytes beside cache', { maxBytes: 5, cache: 'x' }, /maxBytes belongs to the shared cache/],
    ['sizeOf beside store', { sizeOf: () => 1, store: memoryStore() }, /sizeOf belongs to the store/],
    ['per beside ignoreThis', { key: ignoreThis, per: 'instance' }, /ignoreThis means per: 'class'/],
    ['a list', [], /must be an object, not an array/],
    ['null', null, /must be an object, not null/],
    ['a number', 5, /./],
    ['a text', '5m', /./],
  ];

  it.each(refused)('(%s) are a TypeError at definition that names the function', (_case, options, message) => {
    expect(() => cached(async function findUser() {}, options as never)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
    try {
      cached(async function findUser() {}, options as never);
    } catch (error) {
      expect([error instanceof TypeError, error instanceof RepriseError]).toEqual([true, true]);
      expect((error as Error).message).toContain('findUser');
      expect((error as OptionError).code).toBe('E_OPTION');
    }
  });

  it.each(refused.filter(([, options]) => typeof options === 'object' && options !== null && !Array.isArray(options)))(
    '(%s) are a TypeError at decoration that names the method',
    (_case, options, message) => {
      const define = () => {
        class Users {
          @cached(options as object)
          async findUser() {}
        }
        return Users;
      };
      expect(define).toThrow(TypeError);
      expect(define).toThrow(message);
      expect(define).toThrow(/findUser/);
    },
  );

  it('may be undefined, which means the default', () => {
    expect(() =>
      cached(async () => 1, {
        cache: undefined,
        store: undefined,
        name: undefined,
        key: undefined,
        per: undefined,
        ttl: undefined,
        maxSize: undefined,
        cacheIf: undefined,
        bypass: undefined,
        dedupe: undefined,
        version: undefined,
      }),
    ).not.toThrow();
  });

  it('are checked before the function is known to anybody: its name stays free', () => {
    const cache = createCache({ name: 'free' });
    expect(() => cached(async () => 1, { cache, name: 'user', ttl: -1 })).toThrow(OptionError);
    expect(() => cached(async () => 1, { cache, name: 'user' })).not.toThrow();
  });
});

describe('cached on what it cannot remember', () => {
  it('is a TypeError on a class', () => {
    expect(() => {
      // @ts-expect-error: no class decorator
      @cached
      class Users {}
      return Users;
    }).toThrow(/Users/);
  });

  it('is a TypeError on a field', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no field decorator
        @cached() names = ['a'];
      }
      return new Users();
    }).toThrow(/names/);
  });

  it('is a TypeError on a setter', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no setter decorator
        @cached() set names(_names: string[]) {}
      }
      return Users;
    }).toThrow(/names/);
  });

  it('is a TypeError on a getter, which memoize takes', () => {
    expect(() => {
      class Users {
        // @ts-expect-error: no getter decorator
        @cached() get names(): string[] {
          return [];
        }
      }
      return Users;
    }).toThrow(/names.*memoize/);
  });

  it.each([[undefined], [null], [5], ['text'], [class Users {}]])('is a TypeError for %p', (target) => {
    expect(() => cached(target as never, { ttl: 5 } as never)).toThrow(TypeError);
  });

  it.each(['invalidate', 'clear', 'refresh', 'peek', 'has', 'set', 'keyOf', 'inspect', 'stats', 'on', 'original'])(
    'is a TypeError for a function that has a %s of its own',
    (name) => {
      const fn = Object.assign(async () => 1, { [name]: 1 });
      expect(() => cached(fn)).toThrow(new RegExp(`'${name}'|\\b${name}\\b`));
    },
  );
});
