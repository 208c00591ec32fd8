import type { Peer } from '../feature.ts';
import { lifetime } from '../feature.ts';
import { importFunction } from './import-function.ts';

interface Options {
  maxSize: number;
  maxAge?: number;
  isPromise?: boolean;
  isSerialized?: boolean;
}
type Moize = <Fn>(fn: Fn, options: Options) => Fn;
const load = (): Promise<Moize> => importFunction<Moize>(import('moize'));

// It keeps one entry unless told otherwise.
const maxSize = Number.POSITIVE_INFINITY;
const expiring = { maxSize: lifetime.maxSize, maxAge: lifetime.ttl };

export const peer: Peer = {
  name: 'moize',
  features: {
    zero: async (fn) => (await load())(fn, { maxSize }),
    one: async (fn) => (await load())(fn, { maxSize }),
    two: async (fn) => (await load())(fn, { maxSize }),
    three: async (fn) => (await load())(fn, { maxSize }),
    object: async (fn) => (await load())(fn, { maxSize, isSerialized: true }),
    expiring: async (fn) => (await load())(fn, expiring),
    awaited: async (fn) => (await load())(fn, { maxSize, isPromise: true }),
    awaitedExpiring: async (fn) => (await load())(fn, { ...expiring, isPromise: true }),
    evicting: async (fn) => (await load())(fn, { maxSize: lifetime.maxSize }),
    concurrent: async (fn) => (await load())(fn, { maxSize: lifetime.maxSize, isPromise: true }),
    importing: 'moize',
  },
  absent: { method: 'method', shared: 'shared', memory: 'slow' },
};
