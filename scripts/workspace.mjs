// What the other scripts need to know of the workspace: where it is, which packages and programs (examples, bench, torture)
// it has, which files they hold, and how to run a tool of it with its output kept for the case that it fails.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The folder of the workspace. */
export const root = join(import.meta.dirname, '..');

/** The compiler; never `.bin/tsc`, which the other versions of the type matrix may take. */
export const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** @param {string} path relative to the workspace */
export const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** Every file below `folder` (relative to the workspace) whose name ends with `ending`, sorted, with `/`. */
export function listFiles(folder, ending = '') {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((file) => !file.slice(folder.length).includes('/node_modules/'))
    .sort();
}

const listFolders = (folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(root, folder, entry.name, 'package.json')))
        .map((entry) => entry.name)
        .sort()
    : [];

/** The published packages, by folder name. */
export const packages = listFolders('packages');

/**
 * What users may import of a package, as its exports map says: `specifier`, its `source` and what is built of it, `types`
 * included, relative to the package.
 */
export function listEntries(name) {
  const { name: published, exports } = readJson(`packages/${name}/package.json`);
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, target]) => ({
      subpath,
      specifier: posix.join(published, subpath),
      source: posix.normalize(target['@reprise/source']),
      output: posix.normalize(target.import.default),
      types: posix.normalize(target.import.types),
    }));
}

/** The private programs, by folder, that have sources yet. */
export const programs = [...listFolders('examples').map((name) => `examples/${name}`), 'bench', 'torture'].filter(
  (folder) => listFiles(`${folder}/src`, '.ts').length > 0,
);

/**
 * Runs `command` in the workspace and resolves to its whole output; rejects with an error whose `output` is that
 * text when it fails.
 */
export function run(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && command !== process.execPath,
    });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => reject(Object.assign(error, { output })));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const line = [command === process.execPath ? 'node' : command, ...args].join(' ').replaceAll(`${root}/`, '');
        reject(Object.assign(new Error(`${line}: ${signal ?? `exit code ${code}`}`), { output }));
      }
    });
  });
}

/** `run` for a JavaScript file, with this Node. */
export const runNode = (file, args = [], options = {}) => run(process.execPath, [file, ...args], options);

/** Does `work` for every item, two at a time, and resolves to the results in order. */
export async function forEachPair(items, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}
