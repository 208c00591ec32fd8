import type { Finder, Peer } from '../feature.ts';

const load = async (): Promise<typeof import('memoize')['default']> => (await import('memoize')).default;
const cacheKey = JSON.stringify;

export const peer: Peer = {
  name: 'memoize',
  features: {
    zero: async (fn) => (await load())(fn),
    one: async (fn) => (await load())(fn),
    two: async (fn) => (await load())(fn, { cacheKey }),
    three: async (fn) => (await load())(fn, { cacheKey }),
    object: async (fn) => (await load())(fn, { cacheKey }),
    awaited: async (fn) => (await load())(fn),
    concurrent: async (fn) => (await load())(fn),
    importing: 'memoize',
    async method(find) {
      const { memoizeDecorator } = await import('memoize');
      class MemoizeFinder {
        readonly salt: number;
        declare find: Finder['find'];
        constructor(salt: number) {
          this.salt = salt;
        }
      }
      // It knows the legacy dialect only, so it is called as that dialect calls it.
      const descriptor: PropertyDescriptor = { value: find, writable: true, configurable: true };
      Object.defineProperty(MemoizeFinder.prototype, 'find', descriptor);
      memoizeDecorator()(MemoizeFinder.prototype, 'find', descriptor);
      Object.defineProperty(MemoizeFinder.prototype, 'find', descriptor);
      return MemoizeFinder;
    },
  },
  absent: { shared: 'shared', other: 'bounds' },
};
