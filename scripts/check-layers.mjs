// Fails when a package knows another one that its layer may not know: in its dependencies, in its tsconfig references
// (which must name the same packages) or in the import statements of its sources. Then checks that inside
// packages/core/src imports go one way: docs/order-of-files.md lists the files in reading order, one a line in a code
// block, and a file imports only what stands above it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { listFiles, packages, readJson, root } from './workspace.mjs';

const scope = '@reprise/';

/** Which packages of ours each package may import: with all their entries, or one entry of theirs, `store/contract`. */
const allowed = {
  store: [],
  'store-testkit': ['store'],
  'store-memory': ['store/contract'],
  'store-disk': ['store'],
  'store-sqlite': ['store'],
  'store-redis': ['store'],
  'store-keyv': ['store'],
  'store-tiered': ['store'],
  // Without the codec, which takes as long to load as the rest of core.
  core: ['store/contract', 'store-memory'],
  http: ['core'],
};

const orderPage = 'docs/order-of-files.md';
const orderedFolder = 'packages/core/src';

const packageOf = (entry) => entry.split('/')[0];

/** The modules a source file imports, types included, with their lines. */
function listImports(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    name: fileName,
    line: text.slice(0, pos).split('\n').length,
  }));
}

function checkPackages() {
  const errors = [];
  for (const name of packages) {
    const may = allowed[name];
    if (!may) {
      errors.push(`packages/${name} has no layer: add it to scripts/check-layers.mjs.`);
      continue;
    }
    const mayKnow = may.map(packageOf);
    const said = may.length > 0 ? `only ${may.join(', ')}` : 'nothing of ours';
    const { dependencies, peerDependencies } = readJson(`packages/${name}/package.json`);
    const known = Object.keys({ ...dependencies, ...peerDependencies })
      .filter((dependency) => dependency.startsWith(scope))
      .map((dependency) => dependency.slice(scope.length))
      .sort();
    for (const dependency of known) {
      if (!mayKnow.includes(dependency)) {
        errors.push(`packages/${name}/package.json: depends on ${dependency}; it may know ${said}.`);
      }
    }
    const { references = [] } = readJson(`packages/${name}/tsconfig.json`);
    const referred = references.map((reference) => posix.basename(reference.path)).sort();
    if (String(referred) !== String(known)) {
      errors.push(`packages/${name}/tsconfig.json: references [${referred}] are not the dependencies [${known}].`);
    }
    for (const file of listFiles(`packages/${name}/src`, '.ts')) {
      for (const { name: imported, line } of listImports(file)) {
        if (imported.startsWith('.')) {
          const target = posix.join(dirname(file), imported);
          if (!target.startsWith(`packages/${name}/src/`)) {
            errors.push(`${file}:${line}: imports ${imported}, which is outside of its package's sources.`);
          }
        } else if (imported.startsWith(scope)) {
          const entry = imported.slice(scope.length);
          const other = packageOf(entry);
          if (other === name) errors.push(`${file}:${line}: imports its own package by name.`);
          else if (!may.includes(other) && !may.includes(entry)) {
            errors.push(`${file}:${line}: imports ${imported}; packages/${name} may know ${said}.`);
          } else if (!known.includes(other)) {
            errors.push(`${file}:${line}: imports ${imported}, which packages/${name}/package.json leaves out.`);
          }
        }
      }
    }
  }
  return errors;
}

function checkOrder() {
  const page = readFileSync(join(root, orderPage), 'utf8');
  const blocks = [...page.matchAll(/^```[^\n]*\n(.*?)^```/gms)].map((match) => match[1]);
  const order = blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => line.trim().split(/\s+/)[0])
    .filter((word) => word.endsWith('.ts'));
  if (order.length === 0) return [`${orderPage}: has no code block with a file a line.`];
  const place = new Map(order.map((file, index) => [file, index]));
  const errors = order
    .filter((file, index) => place.get(file) !== index)
    .map((file) => `${orderPage}: lists ${file} twice.`);
  const files = listFiles(orderedFolder, '.ts').map((file) => file.slice(orderedFolder.length + 1));
  for (const file of order) {
    if (!files.includes(file)) errors.push(`${orderPage}: lists ${file}, which ${orderedFolder} does not have.`);
  }
  for (const file of files) {
    if (!place.has(file)) {
      errors.push(`${orderPage}: does not list ${file}.`);
      continue;
    }
    for (const { name, line } of listImports(`${orderedFolder}/${file}`)) {
      if (!name.startsWith('.')) continue;
      const target = posix.join(dirname(file), name);
      if (place.has(target) && place.get(target) >= place.get(file)) {
        errors.push(`${orderedFolder}/${file}:${line}: imports ${target}, which stands below it in ${orderPage}.`);
      }
    }
  }
  return errors;
}

const errors = checkPackages();
if (existsSync(join(root, orderPage))) errors.push(...checkOrder());
else console.log(`${orderPage} does not exist yet: the order of the files of ${orderedFolder} was not checked.`);
if (errors.length > 0) {
  console.error(errors.join('\n'));
  process.exitCode = 1;
}
