import type { Peer } from '../feature.ts';
import { openKeyvShelf } from './keyv-redis.ts';

const shelf = openKeyvShelf((keyv) => ({
  set: (id, value, ttl) => keyv.set(id, value, ttl),
  get: (id) => keyv.get(id),
}));

export const peer: Peer = {
  name: 'keyv',
  features: { redisHit: shelf, redisTogether: shelf, redisHit2: shelf, redisHit4: shelf, importing: 'keyv' },
  absent: { other: 'wrapper' },
};
