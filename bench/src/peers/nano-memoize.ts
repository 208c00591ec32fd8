import { isDeepStrictEqual } from 'node:util';
import type { Peer } from '../feature.ts';
import { importFunction } from './import-function.ts';

type Nano = <Fn>(fn: Fn, options?: { equals?: (a: unknown, b: unknown) => boolean }) => Fn;
const load = (): Promise<Nano> => importFunction<Nano>(import('nano-memoize'));

export const peer: Peer = {
  name: 'nano-memoize',
  features: {
    zero: async (fn) => (await load())(fn),
    one: async (fn) => (await load())(fn),
    two: async (fn) => (await load())(fn),
    three: async (fn) => (await load())(fn),
    // Not its `serializer`: with that it calls the function with the key.
    object: async (fn) => (await load())(fn, { equals: isDeepStrictEqual }),
    awaited: async (fn) => (await load())(fn),
    concurrent: async (fn) => (await load())(fn),
    importing: 'nano-memoize',
  },
  absent: { method: 'method', shared: 'shared', other: 'bounds' },
};
