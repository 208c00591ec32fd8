/**
 * The limits: what nobody can beat with the same tools, the function that a person would write by hand for this one
 * case. Each has the branch for a miss, and what it takes to fill: without it V8 moves half of `Map.get` out of the loop
 * that times it, which no function that remembers can have. The measuring process imports a fresh copy of this module
 * for each of the two limits of a round.
 */
import { cached, createCache } from '@reprise/core';
import { memoryStore } from '@reprise/store-memory';
import { LRUCache } from 'lru-cache';
import { forEachCodecFeature, jsonBytes } from './codec.ts';
import { cacacheShelf } from './disk.ts';
import type { Features, Finder, Query } from './feature.ts';
import { lifetime, memoryEntries } from './feature.ts';
import { bareRedisShelf, rawRedisShelf } from './redis.ts';
import { rawSqliteShelf } from './sqlite.ts';
import { forEachStorageFeature } from './storage.ts';
import { openCacache } from './storage-disk.ts';
import { openRawSqlite } from './storage-sqlite.ts';

const one: Features['one'] = (fn) => {
  const known = new Map<string, number>();
  return (id) => {
    const answer = known.get(id);
    if (answer !== undefined) return answer;
    const made = fn(id);
    known.set(id, made);
    return made;
  };
};

const keepPromise: Features['awaited'] = (fn) => {
  const known = new Map<string, Promise<number>>();
  return (id) => {
    const running = known.get(id);
    if (running !== undefined) return running;
    const started = fn(id);
    known.set(id, started);
    return started;
  };
};

function nameQuery(query: Query): string {
  return `${query.category}:${query.page}:${query.inStock}`;
}

export const limits: Features = {
  ...forEachCodecFeature(jsonBytes),
  ...forEachStorageFeature({ disk: openCacache, sqlite: openRawSqlite }),

  zero(fn) {
    let isKnown = false;
    let known = 0;
    return () => {
      if (isKnown) return known;
      known = fn();
      isKnown = true;
      return known;
    };
  },

  one,

  two(fn) {
    const known = new Map<string, Map<number, number>>();
    return (id, page) => {
      let pages = known.get(id);
      if (pages === undefined) {
        pages = new Map();
        known.set(id, pages);
      }
      const answer = pages.get(page);
      if (answer !== undefined) return answer;
      const made = fn(id, page);
      pages.set(page, made);
      return made;
    };
  },

  three(fn) {
    const known = new Map<string, Map<number, Map<boolean, number>>>();
    return (id, page, deep) => {
      let pages = known.get(id);
      if (pages === undefined) {
        pages = new Map();
        known.set(id, pages);
      }
      let depths = pages.get(page);
      if (depths === undefined) {
        depths = new Map();
        pages.set(page, depths);
      }
      const answer = depths.get(deep);
      if (answer !== undefined) return answer;
      const made = fn(id, page, deep);
      depths.set(deep, made);
      return made;
    };
  },

  object(fn) {
    const known = new Map<string, number>();
    return (query) => {
      const key = nameQuery(query);
      const answer = known.get(key);
      if (answer !== undefined) return answer;
      const made = fn(query);
      known.set(key, made);
      return made;
    };
  },

  method(find) {
    const known = new WeakMap<Finder, Map<string, number>>();
    return class {
      readonly salt: number;
      constructor(salt: number) {
        this.salt = salt;
      }
      find(id: string): number {
        let own = known.get(this);
        if (own === undefined) {
          own = new Map();
          known.set(this, own);
        }
        const answer = own.get(id);
        if (answer !== undefined) return answer;
        const made = find.call(this, id);
        own.set(id, made);
        return made;
      }
    };
  },

  expiring: one,

  shared(fn) {
    const known = new Map<string, number>();
    return (id) => {
      const key = `find:${id}`;
      const answer = known.get(key);
      if (answer !== undefined) return answer;
      const made = fn(id);
      known.set(key, made);
      return made;
    };
  },

  awaited: keepPromise,
  awaitedExpiring: keepPromise,

  evicting(fn) {
    const known = new LRUCache<string, number>({ max: lifetime.maxSize });
    return (id) => {
      const answer = known.get(id);
      if (answer !== undefined) return answer;
      const made = fn(id);
      known.set(id, made);
      return made;
    };
  },

  concurrent: keepPromise,

  memory(fn) {
    const known = new LRUCache<string, ReturnType<typeof fn>>({ max: memoryEntries, ttl: lifetime.ttl });
    return (id) => {
      const answer = known.get(id);
      if (answer !== undefined) return answer;
      const made = fn(id);
      known.set(id, made);
      return made;
    };
  },

  diskHit: cacacheShelf,
  diskRewritten: cacacheShelf,
  diskPut: cacacheShelf,
  diskList: cacacheShelf,
  sqliteHit: rawSqliteShelf,
  sqlitePut: rawSqliteShelf,
  sqliteList: rawSqliteShelf,
  redisHit: rawRedisShelf,
  redisTogether: bareRedisShelf,
  redisHit2: rawRedisShelf,
  redisHit4: rawRedisShelf,
  redisDown: (fn) => fn,
  tiered: (fn) =>
    cached(fn, {
      name: 'find',
      ttl: lifetime.ttl,
      cache: createCache({ name: 'limit', store: memoryStore(), replace: true }),
    }),

  importing: 'lru-cache',
};
