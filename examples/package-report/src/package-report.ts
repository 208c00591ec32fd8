import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { cached } from '@reprise/core';
import type { InstalledPackage } from './packages.ts';

/** What is known of a package once all its files have been read. */
export interface Measurement {
  readonly files: number;
  readonly bytes: number;
  /** Of all its files together, in one gzip stream at zlib's default level. */
  readonly gzipBytes: number;
  /**
   * `sha512-` and a base64 digest, over every file in order of path: the path, its size in decimal, both ended by a
   * zero byte, then its bytes.
   */
  readonly integrity: string;
}

/** Measures packages, and remembers what it measured in the cache named `package-report`. */
export class PackageReport {
  /**
   * Reads, hashes and compresses every file of a package, unless this or an earlier run has done so.
   *
   * The key says which package, and what its files look like today: a package that changes has a new key, and all the
   * others keep theirs. `per: 'class'` says that a measurement is the same whichever object was asked for it.
   */
  @cached({
    cache: 'package-report',
    per: 'class',
    ttl: '30d',
    key: (found) => [found.name, found.version, found.fingerprint],
  })
  async measure(found: InstalledPackage): Promise<Measurement> {
    const hash = createHash('sha512');
    let bytes = 0;
    let gzipBytes = 0;

    async function* contents(): AsyncGenerator<Buffer> {
      for (const file of found.files) {
        const content = await readFile(join(found.directory, file));
        hash.update(`${file}\0${content.length}\0`).update(content);
        bytes += content.length;
        yield content;
      }
    }
    await pipeline(contents, createGzip(), async (compressed) => {
      for await (const chunk of compressed) gzipBytes += chunk.length;
    });

    return { files: found.files.length, bytes, gzipBytes, integrity: `sha512-${hash.digest('base64')}` };
  }
}
