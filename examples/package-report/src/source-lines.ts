import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { cached } from '@reprise/core';
import type { InstalledPackage } from './packages.ts';

const sourceExtensions = new Set(['.js', '.cjs', '.mjs', '.jsx', '.ts', '.cts', '.mts', '.tsx']);
const lineFeed = 10;

/**
 * How many lines of JavaScript and TypeScript a package has, declarations included.
 *
 * A plain function, kept in the same cache as the measurements. Its name is part of its key, so the two never mix.
 */
export const countSourceLines = cached(
  async function countSourceLines(found: InstalledPackage): Promise<number> {
    let lines = 0;
    for (const file of found.files) {
      if (!sourceExtensions.has(extname(file))) continue;
      const content = await readFile(join(found.directory, file));
      for (const byte of content) if (byte === lineFeed) lines += 1;
    }
    return lines;
  },
  {
    cache: 'package-report',
    ttl: '30d',
    key: (found) => [found.name, found.version, found.fingerprint],
  },
);
