// Packs every package as it would be published, lints the tarballs (publint, attw), installs them into an empty
// project outside of the workspace and loads each as ES module and as CommonJS: both must be one instance, and none may
// keep the process alive.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachPair, packages, readJson, root, run, runNode } from './workspace.mjs';

const pnpm = readFileSync(join(root, 'scripts/bootstrap.mjs'), 'utf8').match(/'(pnpm@\d+)'/)[1];
const folder = mkdtempSync(join(tmpdir(), 'reprise-pack-'));
const tarballs = join(folder, 'tarballs');
const project = join(folder, 'project');

/** Loads `name` both ways and compares every export. */
const loader = (name) => `
  const required = require(${JSON.stringify(name)});
  import(${JSON.stringify(name)}).then((imported) => {
    const names = Object.keys(imported).filter((key) => key !== 'default' && key !== 'module.exports');
    const twice = names.filter((key) => imported[key] !== required[key]);
    if (twice.length > 0) throw new Error('${name}: import and require give two instances of ' + twice.join(', '));
  });
`;

try {
  mkdirSync(tarballs);
  mkdirSync(project);
  await run('npx', ['-y', pnpm, '-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs]);
  const files = readdirSync(tarballs).filter((file) => file.endsWith('.tgz'));
  if (files.length !== packages.length) throw new Error(`packed ${files.length} of ${packages.length} packages`);
  await forEachPair(files, async (file) => {
    await runNode(join(root, 'node_modules/publint/src/cli.js'), ['run', join(tarballs, file), '--strict']);
    await runNode(join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'), [
      join(tarballs, file),
      '--profile',
      'node16',
    ]);
  });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', ...files.map((file) => `../tarballs/${file}`)], {
    cwd: project,
  });
  await forEachPair(packages, async (name) => {
    const { name: published } = readJson(`packages/${name}/package.json`);
    await run(process.execPath, ['-e', loader(published)], { cwd: project });
  });
  console.log(`${files.length} tarballs hold.`);
} catch (error) {
  console.error(`${error.output ?? ''}${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
