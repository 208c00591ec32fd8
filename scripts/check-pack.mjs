// Packs every package as it would be published, lints the tarballs (publint, attw), installs them into an empty
// project outside of the workspace and loads each as ES module and as CommonJS: both must be one instance, all entries of a
// package too, and none may keep the process alive.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTarballs, packPackages } from './tarballs.mjs';
import { forEachPair, listEntries, packages, root, run, runNode } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'reprise-pack-'));
const project = join(folder, 'project');

/**
 * Loads every entry of a package both ways. An export must be one object, whichever way it came, and a function or class
 * that has a name must be called as it was written.
 */
const loader = (specifiers) => `
  const specifiers = ${JSON.stringify(specifiers)};
  const loaded = specifiers.map((specifier) => [specifier + ' by require', require(specifier)]);
  Promise.all(specifiers.map((specifier) => import(specifier))).then((modules) => {
    modules.forEach((module, index) => loaded.push([specifiers[index] + ' by import', module]));
    const first = new Map();
    for (const [way, module] of loaded) {
      for (const name of Object.keys(module)) {
        if (name === 'default' || name === 'module.exports') continue;
        const known = first.get(name) ?? { way, value: module[name] };
        first.set(name, known);
        if (known.value !== module[name]) throw new Error(name + ' is not the same in ' + known.way + ' and ' + way);
        if (typeof module[name] === 'function' && !['', name].includes(module[name].name)) {
          throw new Error(name + ' is called ' + module[name].name + ' in ' + way);
        }
      }
    }
    if (first.size === 0) throw new Error(specifiers + ' export nothing');
  });
`;

try {
  mkdirSync(project);
  const tarballs = await packPackages(join(folder, 'tarballs'));
  await forEachPair(tarballs, async (tarball) => {
    await runNode(join(root, 'node_modules/publint/src/cli.js'), ['run', tarball, '--strict']);
    await runNode(join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'), [tarball, '--profile', 'node16']);
  });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  await installTarballs(project, tarballs);
  await forEachPair(packages, async (name) => {
    const specifiers = listEntries(name).map(({ specifier }) => specifier);
    await run(process.execPath, ['-e', loader(specifiers)], { cwd: project });
  });
  console.log(`${tarballs.length} tarballs hold.`);
} catch (error) {
  console.error(`${error.output ?? ''}${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
