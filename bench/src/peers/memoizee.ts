import type { Finder, Peer } from '../feature.ts';
import { lifetime, memoryEntries } from '../feature.ts';
import { importFunction } from './import-function.ts';

interface Options {
  primitive?: boolean;
  promise?: boolean;
  maxAge?: number;
  max?: number;
  normalizer?: (args: ArrayLike<unknown>) => string;
}
type Memoizee = <Fn>(fn: Fn, options: Options) => Fn;
type Methods = (methods: Record<string, PropertyDescriptor & Options>) => PropertyDescriptorMap;
const load = (): Promise<Memoizee> => importFunction<Memoizee>(import('memoizee'));

const primitive = true;
const promise = true;
const expiring = { primitive, maxAge: lifetime.ttl, max: lifetime.maxSize };

export const peer: Peer = {
  name: 'memoizee',
  features: {
    zero: async (fn) => (await load())(fn, { primitive }),
    one: async (fn) => (await load())(fn, { primitive }),
    two: async (fn) => (await load())(fn, { primitive }),
    three: async (fn) => (await load())(fn, { primitive }),
    object: async (fn) => (await load())(fn, { normalizer: (args) => JSON.stringify(args[0]) }),
    expiring: async (fn) => (await load())(fn, expiring),
    awaited: async (fn) => (await load())(fn, { primitive, promise }),
    awaitedExpiring: async (fn) => (await load())(fn, { ...expiring, promise }),
    evicting: async (fn) => (await load())(fn, { primitive, max: lifetime.maxSize }),
    concurrent: async (fn) => (await load())(fn, { primitive, promise, max: lifetime.maxSize }),
    memory: async (fn) => (await load())(fn, { ...expiring, max: memoryEntries }),
    importing: 'memoizee',
    async method(find) {
      // @ts-expect-error: its types leave this module out.
      const methods = await importFunction<Methods>(import('memoizee/methods.js'));
      class MemoizeeFinder {
        readonly salt: number;
        declare find: Finder['find'];
        constructor(salt: number) {
          this.salt = salt;
        }
      }
      const descriptor = { value: find, writable: true, configurable: true, enumerable: false, primitive };
      Object.defineProperties(MemoizeeFinder.prototype, methods({ find: descriptor }));
      return MemoizeeFinder;
    },
  },
  absent: { shared: 'shared' },
};
