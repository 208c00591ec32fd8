import type { Peer } from '../feature.ts';

const load = async (): Promise<typeof import('p-memoize')['default']> => (await import('p-memoize')).default;

export const peer: Peer = {
  name: 'p-memoize',
  features: {
    awaited: async (fn) => (await load())(fn),
    concurrent: async (fn) => (await load())(fn),
    importing: 'p-memoize',
  },
  absent: { awaitedExpiring: 'bounds', memory: 'bounds', other: 'async' },
};
