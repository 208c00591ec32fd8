import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What results can be kept in. */
const storeKinds = ['disk', 'sqlite'] as const;
type StoreKind = (typeof storeKinds)[number];

/** What the user asked for. */
export interface Options {
  /** The `node_modules` to report on. */
  readonly directory: string;
  /** Where results are kept from run to run. */
  readonly cachePath: string;
  readonly store: StoreKind;
  /** How many packages the table of the largest ones shows. */
  readonly top: number;
  readonly clear: boolean;
  readonly help: boolean;
}

/** A command line that cannot be meant. */
export class UsageError extends Error {}

export const usage = `Reports on the npm packages that are really installed: files, bytes, gzip size, integrity, license.

Usage: package-report [options]

  --dir <path>    the node_modules to report on (default: this repository's)
  --top <n>       how many of the largest packages to list (default: 15)
  --store <kind>  what results are kept in: disk (a folder of files) or sqlite (one file); default: disk
  --cache <path>  the folder that results are kept in, for sqlite the file without its .sqlite
                  (default: node_modules/.cache/reprise/package-report)
  --clear         forget what earlier runs found in this store, and start over
  --help          this text`;

/**
 * Reads the command line.
 *
 * @param args without the program's own name
 * @param root the directory whose `node_modules` holds the packages and the cache, unless the user says otherwise
 * @throws UsageError for an unknown flag, a missing or a wrong value, a directory that is not there
 */
export function readOptions(args: readonly string[], root: string): Options {
  const { dir, top, cache, clear, help, ...flags } = parseFlags(args);
  if (!/^\d+$/.test(top)) throw new UsageError(`--top must be a whole number, not '${top}'`);
  const store = storeKinds.find((kind) => kind === flags.store);
  if (store === undefined) throw new UsageError(`--store must be ${storeKinds.join(' or ')}, not '${flags.store}'`);
  const directory = dir === undefined ? join(root, 'node_modules') : resolve(dir);
  if (!help && !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${directory} is no directory`);
  }
  return {
    directory,
    cachePath: cache === undefined ? join(root, 'node_modules/.cache/reprise/package-report') : resolve(cache),
    store,
    top: Number(top),
    clear,
    help,
  };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        dir: { type: 'string' },
        top: { type: 'string', default: '15' },
        cache: { type: 'string' },
        store: { type: 'string', default: 'disk' },
        clear: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
