import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A package as it lies on disk now. Finding it reads its `package.json` and looks at its files, but into none of them. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
  /** The license field of its `package.json`, in whatever form its author gave it. */
  readonly license: unknown;
  /** Its files, sorted, with `/` between the parts of a path. Dependencies in its own `node_modules` are not its files. */
  readonly files: readonly string[];
  /**
   * A digest of the path, size and modification time of every file. It costs a fraction of reading them, and tells a
   * changed package from an unchanged one: that makes it the right thing to have in a cache key.
   */
  readonly fingerprint: string;
}

/** Every package below a `node_modules`, whether npm or pnpm made it, each once, sorted by name. */
export function findPackages(nodeModules: string): InstalledPackage[] {
  const found: InstalledPackage[] = [];
  for (const directory of packageDirectories(nodeModules)) {
    const manifest = readManifest(directory);
    if (manifest) found.push({ ...manifest, directory, ...lookAtFiles(directory) });
  }
  return found.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

function* packageDirectories(parent: string): Generator<string> {
  if (!existsSync(parent)) return;
  for (const entry of readdirSync(parent, { withFileTypes: true })) {
    // A link leads to a package that is found where it really lies.
    if (!entry.isDirectory()) continue;
    const path = join(parent, entry.name);
    if (entry.name === '.pnpm') {
      for (const slot of readdirSync(path)) yield* packageDirectories(join(path, slot, 'node_modules'));
    } else if (entry.name.startsWith('@')) {
      yield* packageDirectories(path);
    } else if (!entry.name.startsWith('.')) {
      yield path;
      yield* packageDirectories(join(path, 'node_modules'));
    }
  }
}

function readManifest(directory: string): Pick<InstalledPackage, 'name' | 'version' | 'license'> | undefined {
  const file = join(directory, 'package.json');
  if (!existsSync(file)) return undefined;
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  return {
    name: String(manifest['name'] ?? basename(directory)),
    version: String(manifest['version'] ?? '0.0.0'),
    license: manifest['license'] ?? manifest['licenses'],
  };
}

function lookAtFiles(directory: string): Pick<InstalledPackage, 'files' | 'fingerprint'> {
  const files = [...filesBelow(directory, '')].sort(compare);
  const digest = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(directory, file));
    digest.update(`${file}\0${size}\0${mtimeMs}\0`);
  }
  return { files, fingerprint: digest.digest('base64url') };
}

function* filesBelow(directory: string, prefix: string): Generator<string> {
  for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const path = prefix + entry.name;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && path !== 'node_modules') yield* filesBelow(directory, `${path}/`);
  }
}

/** By code unit: the same order on every machine, whatever its locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
