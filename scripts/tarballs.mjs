// Packs every package as it would be published, and installs the tarballs where a user would: check-pack.mjs looks at
// them from outside, check-consumers.mjs runs whole projects on them.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root, run } from './workspace.mjs';

const pnpm = readFileSync(join(root, 'scripts/bootstrap.mjs'), 'utf8').match(/'(pnpm@\d+)'/)[1];

/** Packs all packages into `folder`, which it makes, and resolves to the paths of the tarballs. */
export async function packPackages(folder) {
  mkdirSync(folder, { recursive: true });
  await run('npx', ['-y', pnpm, '-r', '--filter', './packages/*', 'pack', '--pack-destination', folder]);
  const files = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  if (files.length !== packages.length) throw new Error(`packed ${files.length} of ${packages.length} packages`);
  return files.map((file) => join(folder, file));
}

/** Installs `tarballs`, and what the package.json in the folder `project` asks for. */
export async function installTarballs(project, tarballs) {
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--prefer-offline'];
  await run('npm', ['install', ...options, ...tarballs], { cwd: project });
}
