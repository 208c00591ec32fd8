import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, closeAllCaches, createCache } from '@reprise/core';
import { diskStore } from '@reprise/store-disk';

describe('on disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'reprise-consumer-'));
  afterEach(() => closeAllCaches());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('results are there for the next cache on the same folder, whole and of their types', async () => {
    let runs = 0;
    class Reports {
      @cached({ cache: 'reports', per: 'class' })
      async make(year: number): Promise<{ year: number; made: Date; pages: Map<number, string> }> {
        runs++;
        return { year, made: new Date(0), pages: new Map([[1, 'Cover']]) };
      }
    }
    for (let round = 0; round < 2; round++) {
      const cache = createCache({ name: 'reports', store: diskStore({ directory }), ttl: '1h' });
      const expected = { year: 2026, made: new Date(0), pages: new Map([[1, 'Cover']]) };
      const reports = new Reports();
      expect(await Promise.all([reports.make(2026), reports.make(2026)])).toEqual([expected, expected]);
      await cache.close();
    }
    expect(runs).toBe(1);
  });

  it('a method has to say whose its results are', async () => {
    createCache({ name: 'reports', store: diskStore({ directory }) });
    class Reports {
      @cached({ cache: 'reports' })
      async make(): Promise<number> {
        return 1;
      }
    }
    await expect(new Reports().make()).rejects.toThrow(/per: 'class'/);
  });
});
