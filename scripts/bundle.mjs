// Makes the JavaScript of a package: one file per entry of its exports map, since each module file that Node loads costs
// about as much as a thousand lines. What one entry takes from another it imports, so that every class exists once;
// other packages stay imports as well.
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as esbuild from 'esbuild';
import { listEntries, root } from './workspace.mjs';

const folders = { esm: 'dist', cjs: 'dist/cjs' };

/** Bundles the entries of `packages/<name>` as ES modules (`esm`) or CommonJS (`cjs`); rejects on warnings too. */
export async function bundlePackage(name, format) {
  const folder = join(root, 'packages', name);
  const entries = listEntries(name);
  const result = await esbuild.build({
    absWorkingDir: folder,
    entryPoints: entries.map((entry) => entry.source),
    bundle: true,
    format,
    platform: 'node',
    target: 'node20',
    // Makes `new RegExp` of /…/u: V8 reads the tables of Unicode when it parses such a literal, used or not.
    // In CommonJS `import()` becomes a late `require`: test runners that give modules a context of their own know no other.
    supported: { 'regexp-sticky-and-unicode-flags': false, 'dynamic-import': format === 'esm' },
    packages: 'external',
    sourcemap: true,
    // The package carries src.
    sourcesContent: false,
    outdir: folders[format],
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [leaveEntriesOut(entries.map((entry) => join(folder, entry.source)))],
  });
  const problems = [
    ...(await esbuild.formatMessages(result.warnings, { kind: 'warning' })),
    ...findTwins(result.metafile).map((twin) => `packages/${name}: ${twin}\n`),
  ];
  if (problems.length > 0) {
    throw Object.assign(new Error(`packages/${name} cannot be bundled`), { output: problems.join('') });
  }
  for (const { path, contents, text } of result.outputFiles) {
    writeChanged(path, path.endsWith('.js') ? Buffer.from(spellInAscii(takeBuiltins(keepClassNames(text)))) : contents);
  }
}

/**
 * esbuild writes a `class X` that mentions itself as `var X = class _X`, which users would read in `X.name` and in what
 * `console.log` shows; its own `keepNames` costs every function a call. This corrects the exported classes. It adds to the
 * ends of lines only, so that the source map holds, and leaves the others alone: what defines a name cannot be dropped from
 * a program that does not use it.
 */
function keepClassNames(text) {
  const exported = new Set(
    [/^export \{\n([^}]*)\}/m, /^__export\(\w+, \{\n([^}]*)\}/m].flatMap((list) => namesIn(list.exec(text)?.[1])),
  );
  return text.replaceAll(/^var (\w+) = class _\1(?: extends [^{\n]+)? \{$/gm, (line, name) =>
    exported.has(name)
      ? `${line} static { Object.defineProperty(this, "name", { value: "${name}", configurable: true }); }`
      : line,
  );
}

const namesIn = (list = '') => list.split('\n').map((line) => /^\s*(\w+)/.exec(line)?.[1]);

/**
 * Takes Node's own modules as they are: an `import` of one reads each of its exports, which loads the parts that Node has
 * left for later (node:util has parsers of arguments and of MIME types), a third of a millisecond each. Nothing at the top
 * level of a source may use such a module before the import statements of that source.
 */
function takeBuiltins(text) {
  return text.replaceAll(
    /^import \{([^}]+)\} from "(node:[\w/]+)";$/gm,
    (_, names, module) => `var {${names.replaceAll(' as ', ': ')}} = process.getBuiltinModule("${module}");`,
  );
}

/**
 * Writes the comments in ASCII; in strings esbuild has done so. One other character in a file makes V8 keep two bytes for each,
 * and read them for half a millisecond longer.
 */
function spellInAscii(text) {
  return text.replaceAll(/^ *(?:\/\/|\/?\*).*$/gm, (comment) => comment.replaceAll(/[^ -~\t]/g, '-'));
}

/** Turns an import of another entry's source into an import of what is made of it. */
function leaveEntriesOut(sources) {
  return {
    name: 'entries',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
        const file = join(resolveDir, path);
        if (kind === 'entry-point' || !sources.includes(file)) return undefined;
        return { path: `./${basename(file, '.ts')}.js`, external: true };
      });
    },
  };
}

/** Source files that landed in two outputs: their classes would exist twice. */
function findTwins({ outputs }) {
  const homes = new Map();
  const twins = [];
  for (const [output, { inputs }] of Object.entries(outputs)) {
    for (const [source, { bytesInOutput }] of Object.entries(inputs)) {
      if (bytesInOutput === 0) continue;
      if (homes.has(source)) {
        twins.push(`${source} is in ${homes.get(source)} and in ${output}; import it from one entry in the other`);
      }
      homes.set(source, output);
    }
  }
  return twins;
}

/** Leaves a file alone that says the same already, so that who reads it meanwhile is not disturbed. */
function writeChanged(path, contents) {
  if (existsSync(path) && readFileSync(path).equals(contents)) {
    const now = new Date();
    utimesSync(path, now, now);
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

/** Ends esbuild's own process; the next bundle starts another. */
export const stopBundler = () => esbuild.stop();
