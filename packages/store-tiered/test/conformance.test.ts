import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from '@jest/globals';
import { diskStore } from '@reprise/store-disk';
import { memoryStore } from '@reprise/store-memory';
import { sqliteStore } from '@reprise/store-sqlite';
import { storeConformance } from '@reprise/store-testkit';
import { tieredStore } from '../src/index.ts';

/** A tiered store that is tested as the only one on its place. */
function alone<Tiers extends object>(store: Tiers): Tiers {
  return Object.defineProperty(store, 'persistent', { value: false });
}

const root = mkdtempSync(join(tmpdir(), 'reprise-tiered-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const disk = {
  fences: true,
  leases: true,
  tags: true,
  touch: true,
  batches: true,
  iteration: true,
  prune: true,
} as const;
const { batches: _, ...sqlite } = disk;

// What two stores on one place promise each other holds for their second tiers: the first one relaxes it by `l1Ttl`.
describe('memory in front of files, both as one process', () => {
  storeConformance(
    it,
    ({ maxSize: _size, maxBytes: _bytes, sizeOf: _sizeOf, ...options }, place) =>
      alone(
        tieredStore(memoryStore(), diskStore({ directory: join(root, 'one', place), ...options }), { l1Ttl: Infinity }),
      ),
    disk,
  );
});

describe('memory that never answers in front of files', () => {
  storeConformance(
    it,
    ({ maxSize: _size, maxBytes: _bytes, sizeOf: _sizeOf, ...options }, place) =>
      tieredStore(memoryStore(), diskStore({ directory: join(root, 'never', place), ...options }), { l1Ttl: 0 }),
    { ...disk, persistent: true },
  );
});

describe('memory in front of SQLite, both as one process', () => {
  storeConformance(
    it,
    ({ maxSize: _size, maxBytes: _bytes, sizeOf: _sizeOf, ...options }, place) =>
      alone(
        tieredStore(memoryStore(), sqliteStore({ filename: join(root, `one-${place}.db`), ...options }), {
          l1Ttl: Infinity,
        }),
      ),
    sqlite,
  );
});

describe('memory that never answers in front of SQLite', () => {
  storeConformance(
    it,
    ({ maxSize: _size, maxBytes: _bytes, sizeOf: _sizeOf, ...options }, place) =>
      tieredStore(memoryStore(), sqliteStore({ filename: join(root, `never-${place}.db`), ...options }), { l1Ttl: 0 }),
    { ...sqlite, persistent: true },
  );
});
