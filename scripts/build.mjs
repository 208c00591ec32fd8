// Builds every package twice from the same sources: ES modules into dist/, CommonJS into dist/cjs/, of each the JavaScript
// in one file per entry (bundle.mjs) and the declarations by tsc; the examples and the benchmarks once, by tsc. What no
// source stands behind any more is removed from dist. Only what is out of date is built again. Options: --esm leaves
// CommonJS out, --quiet prints failures only; folders (packages/core) limit the build to these and what they refer to.
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { forEachPair, listEntries, listFiles, packages, programs, readJson, root, runNode, tsc } from './workspace.mjs';

const packageFolders = packages.map((name) => `packages/${name}`);

/** Builds `folders`, all unless told; rejects with the compiler's `output`. */
export async function build({ folders = [], commonjs = true } = {}) {
  const targets = addReferences(folders.length > 0 ? folders : [...packageFolders, ...programs]);
  const names = packages.filter((name) => targets.includes(`packages/${name}`));
  for (const folder of targets) removeOrphans(folder);
  await runNode(tsc, ['-b', '--pretty', 'false', ...targets]);
  await bundle(names, commonjs);
  if (commonjs) await forEachPair(names, declareCommonJs);
}

/** `folders` and, as `tsc -b` does, what their tsconfig.json refers to. */
function addReferences(folders) {
  const all = new Set(folders.map((folder) => posix.normalize(folder).replace(/\/$/, '')));
  for (const folder of all) {
    const { references = [] } = readJson(`${folder}/tsconfig.json`);
    for (const { path } of references) all.add(posix.join(folder, path));
  }
  return [...all];
}

async function bundle(names, commonjs) {
  const outdated = names.flatMap((name) => {
    const folder = `packages/${name}`;
    const outputs = listEntries(name).map(({ output }) => output);
    const isStale = (files) =>
      isOlder(
        files.map((file) => `${folder}/${file}`),
        [...inputsOf(folder), `${folder}/package.json`, 'scripts/bundle.mjs'],
      );
    return [
      ...(isStale(outputs) ? [{ name, format: 'esm' }] : []),
      ...(commonjs && isStale(outputs.map(toCommonJs)) ? [{ name, format: 'cjs' }] : []),
    ];
  });
  if (outdated.length === 0) return;
  const { bundlePackage, stopBundler } = await import('./bundle.mjs');
  try {
    await forEachPair(outdated, ({ name, format }) => bundlePackage(name, format));
  } finally {
    await stopBundler();
  }
}

async function declareCommonJs(name) {
  const folder = `packages/${name}`;
  const stamp = `${folder}/dist/cjs/package.json`;
  if (!isOlder([stamp], [...inputsOf(folder), `${folder}/tsconfig.cjs.json`, 'tsconfig.cjs.json'])) return;
  rmSync(join(root, stamp), { force: true });
  await runNode(tsc, ['-p', `${folder}/tsconfig.cjs.json`, '--pretty', 'false']);
  mkdirSync(join(root, folder, 'dist/cjs'), { recursive: true });
  writeFileSync(join(root, stamp), '{ "type": "commonjs" }\n');
}

const toCommonJs = (output) => output.replace(/^dist\//, 'dist/cjs/');

/** What changes whenever a source, a setting or a declaration that a package was built from does. */
const inputsOf = (folder) => [`${folder}/dist/.tsbuildinfo`];

/** Whether one of `outputs` is missing or not newer than each of `inputs`. */
function isOlder(outputs, inputs) {
  const newest = Math.max(...inputs.map((file) => statSync(join(root, file)).mtimeMs));
  return outputs.some((file) => !(existsSync(join(root, file)) && statSync(join(root, file)).mtimeMs > newest));
}

function removeOrphans(folder) {
  const sources = new Set(
    listFiles(`${folder}/src`, '.ts').map((file) => file.slice(`${folder}/src/`.length, -'.ts'.length)),
  );
  const isPackage = packageFolders.includes(folder);
  const bundled = isPackage
    ? new Set(listEntries(posix.basename(folder)).map(({ output }) => output.slice('dist/'.length, -'.js'.length)))
    : sources;
  for (const file of listFiles(`${folder}/dist`)) {
    const name = file.slice(`${folder}/dist/`.length).replace(/^cjs\//, '');
    const [, source, ending] = /^(.*?)(\.d\.ts|\.js)(?:\.map)?$/.exec(name) ?? [];
    if (source !== undefined && !(ending === '.js' ? bundled : sources).has(source)) rmSync(join(root, file));
  }
  // Outputs that somebody removed by hand: the build info would say that they are there.
  const made = isPackage ? '.d.ts' : '.js';
  const isWhole = [...sources].every((source) => existsSync(join(root, folder, 'dist', `${source}${made}`)));
  if (!isWhole) rmSync(join(root, folder, 'dist/.tsbuildinfo'), { force: true });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  const started = performance.now();
  try {
    await build({ folders: args.filter((arg) => !arg.startsWith('--')), commonjs: !args.includes('--esm') });
    if (!args.includes('--quiet')) console.log(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  } catch (error) {
    console.error(`${error.output ?? ''}${error.message}`);
    process.exitCode = 1;
  }
}
