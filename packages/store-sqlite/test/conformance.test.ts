import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { storeConformance } from '@reprise/store-testkit';
import { drivers, makeFolder, open } from './places.ts';

it('finds a driver in this Node', () => {
  expect(drivers.length).toBeGreaterThan(0);
});

describe.each(drivers)('sqliteStore on %s', (driver) => {
  const folder = makeFolder();

  storeConformance(
    it,
    ({ clock, namespace, maxSize, maxBytes }, place) =>
      open(join(folder, `${place}.sqlite`), {
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
