import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { diskStore } from '@reprise/store-disk';
import { storeConformance } from '@reprise/store-testkit';

describe('diskStore', () => {
  let root = '';

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'reprise-disk-'));
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  storeConformance(
    it,
    ({ clock, namespace, maxSize, maxBytes }, place) =>
      diskStore({
        directory: join(root, place),
        clock,
        ...(namespace !== undefined && { namespace }),
        ...(maxSize !== undefined && { maxSize }),
        ...(maxBytes !== undefined && { maxBytes }),
      }),
    {
      fences: true,
      leases: true,
      tags: true,
      touch: true,
      iteration: true,
      batches: true,
      bounds: true,
      prune: true,
      bytes: true,
      persistent: true,
    },
  );
});
