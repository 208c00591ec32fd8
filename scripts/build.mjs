// Builds every package twice from the same sources: ES modules and declarations into dist/, CommonJS into dist/cjs/;
// the examples and the benchmarks once. What no source stands behind any more is removed from dist. Only what is out
// of date is built again. Options: --esm leaves CommonJS out, --quiet prints failures only; folders (packages/core)
// limit the build to these and what they refer to.
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { forEachPair, listFiles, packages, programs, root, runNode, tsc } from './workspace.mjs';

/** Builds `folders`, all unless told; rejects with the compiler's `output`. */
export async function build({ folders = [], commonjs = true } = {}) {
  const targets = folders.length > 0 ? folders : [...packages.map((name) => `packages/${name}`), ...programs];
  for (const folder of targets) removeOrphans(folder);
  await runNode(tsc, ['-b', '--pretty', 'false', ...targets]);
  if (commonjs) {
    await forEachPair(
      packages.filter((name) => targets.includes(`packages/${name}`)),
      buildCommonJs,
    );
  }
}

async function buildCommonJs(name) {
  const folder = `packages/${name}`;
  const stamp = join(root, folder, 'dist/cjs/package.json');
  // The ESM build info changes whenever a source, a setting or a declaration it was built from does.
  const newest = Math.max(
    ...['dist/.tsbuildinfo', 'tsconfig.cjs.json', '../../tsconfig.cjs.json'].map(
      (file) => statSync(join(root, folder, file)).mtimeMs,
    ),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  rmSync(stamp, { force: true });
  await runNode(tsc, ['-p', `${folder}/tsconfig.cjs.json`, '--pretty', 'false']);
  writeFileSync(stamp, '{ "type": "commonjs" }\n');
}

function removeOrphans(folder) {
  const sources = new Set(
    listFiles(`${folder}/src`, '.ts').map((file) => file.slice(`${folder}/src/`.length, -'.ts'.length)),
  );
  for (const file of listFiles(`${folder}/dist`)) {
    const name = file.slice(`${folder}/dist/`.length).replace(/^cjs\//, '');
    const source = name.replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    if (source !== name && !sources.has(source)) rmSync(join(root, file));
  }
  // Outputs that somebody removed by hand: the build info would say that they are there.
  const isWhole = [...sources].every((source) => existsSync(join(root, folder, 'dist', `${source}.js`)));
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
