import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { keyvStore } from '@reprise/store-keyv';
import { type ConformanceCapabilities, storeConformance } from '@reprise/store-testkit';
import { hasMemcached } from './memcached.ts';
import {
  hasMysql,
  hasPostgres,
  mapPlaces,
  memcachedPlaces,
  mysqlPlaces,
  type Places,
  postgresPlaces,
  sqlitePlaces,
} from './places.ts';
import { withServer } from './with-server.ts';

const listed = { batches: true, bytes: true, iteration: true, prune: true } as const;

describe('keyvStore on a Map', () => conform(mapPlaces, listed));
describe('keyvStore on SQLite', () => conform(sqlitePlaces, { ...listed, persistent: true }));
withServer('keyvStore on PostgreSQL', await hasPostgres(), () =>
  conform(postgresPlaces, { ...listed, persistent: true }),
);
withServer('keyvStore on MySQL', await hasMysql(), () => conform(mysqlPlaces, { ...listed, persistent: true }));
withServer('keyvStore on Memcached', hasMemcached(), () =>
  conform(memcachedPlaces, { batches: true, bytes: true, persistent: true }),
);

function conform(makePlaces: () => Promise<Places> | Places, capabilities: ConformanceCapabilities): void {
  let places: Places;

  beforeAll(async () => {
    places = await makePlaces();
  });

  afterAll(() => places.remove());

  storeConformance(
    it,
    async ({ clock, namespace }, place) =>
      keyvStore(await places.open(place), { clock, ...(namespace !== undefined && { namespace }) }),
    capabilities,
  );
}
