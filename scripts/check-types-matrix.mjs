// Compiles the type tests (packages/*/test/*.types.ts, and *.legacy.types.ts with the older decorators) against the
// BUILT declarations, as users' compilers would: the oldest TypeScript supported, ours and the newest, under the
// module resolutions in use. Errors inside the declarations of other packages do not count, those in ours do. Type
// tests must import packages by name, never from ../src.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachPair, listEntries, listFiles, packages, readJson, root, run } from './workspace.mjs';

const compilers = [
  { folder: 'typescript-5.4', resolutions: ['node16', 'bundler'] },
  { folder: 'typescript', resolutions: ['nodenext', 'bundler'] },
  { folder: 'typescript-7', resolutions: ['nodenext', 'bundler'] },
];

const typeTests = packages.flatMap((name) => listFiles(`packages/${name}/test`, '.types.ts'));
const dialects = [
  { name: 'standard', files: typeTests.filter((file) => !file.endsWith('.legacy.types.ts')), options: {} },
  {
    name: 'legacy',
    files: typeTests.filter((file) => file.endsWith('.legacy.types.ts')),
    options: { experimentalDecorators: true, emitDecoratorMetadata: true },
  },
];

// Without a type test a package's declarations are still read, through its entries.
const indexes = packages.flatMap((name) => listEntries(name).map(({ types }) => `packages/${name}/${types}`));
const missing = indexes.filter((file) => !existsSync(join(root, file)));
if (missing.length > 0) {
  console.error(`Build first (npm run build): there is no ${missing.join(', ')}.`);
  process.exit(1);
}

const folder = join(root, `.tmp/types-${process.pid}`);
mkdirSync(folder, { recursive: true });
const jobs = compilers.flatMap((compiler) =>
  compiler.resolutions.flatMap((resolution) =>
    dialects
      .filter(({ name, files }) => name === 'standard' || files.length > 0)
      .map((dialect) => ({ compiler: compiler.folder, resolution, dialect })),
  ),
);

let failed = 0;
try {
  await forEachPair(jobs, async ({ compiler, resolution, dialect }) => {
    const { version } = readJson(`node_modules/${compiler}/package.json`);
    const project = join(folder, `${compiler}-${resolution}-${dialect.name}.json`);
    const config = {
      compilerOptions: {
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable', 'esnext.decorators'],
        module: resolution === 'bundler' ? 'esnext' : resolution,
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
        ...dialect.options,
      },
      files: [...dialect.files, ...(dialect.name === 'standard' ? indexes : [])].map((file) => `../../${file}`),
    };
    writeFileSync(project, JSON.stringify(config));
    let output = '';
    try {
      await run(process.execPath, [join(root, `node_modules/${compiler}/bin/tsc`), '-p', project, '--pretty', 'false']);
    } catch (error) {
      output = error.output || error.message;
    }
    // An error's further lines are indented; keep those of errors that are ours.
    const errors = [];
    let isOurs = false;
    for (const line of output.split('\n').filter(Boolean)) {
      if (!line.startsWith(' ')) isOurs = !line.includes('node_modules/');
      if (isOurs) errors.push(line);
    }
    const title = `TypeScript ${version}, ${resolution}, ${dialect.name} decorators`;
    if (errors.length === 0) {
      console.log(`${title}: ${dialect.files.length} files of type tests hold`);
    } else {
      failed++;
      console.error(`${title}:\n${errors.join('\n')}`);
    }
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failed > 0) process.exitCode = 1;
