import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { type SqliteDriver, sqliteStore } from '@reprise/store-sqlite';
import { storeConformance } from '@reprise/store-testkit';

const hasBuiltIn = process.getBuiltinModule('node:sqlite' as 'node:fs') !== undefined;
const drivers: readonly SqliteDriver[] = ['better-sqlite3', ...(hasBuiltIn ? (['node:sqlite'] as const) : [])];

describe.each(drivers)('sqliteStore on %s', (driver) => {
  let root = '';

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'reprise-sqlite-'));
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  storeConformance(
    it,
    ({ clock, namespace, maxSize, maxBytes }, place) =>
      sqliteStore({
        filename: join(root, `${place}.sqlite`),
        driver,
        clock,
        ...(namespace !== undefined && { namespace }),
        ...(maxSize !== undefined && { maxSize }),
        ...(maxBytes !== undefined && { maxBytes }),
      }),
    {
      iteration: true,
      bounds: true,
      prune: true,
      touch: true,
      bytes: true,
      persistent: true,
      fences: true,
      leases: true,
      tags: true,
    },
  );
});
