// Everything that must hold before a change is merged, step by step: shows which step runs and how long it took, and
// stops at the first that fails with its whole output. `npm run check -- types size` runs these steps only, and
// `npm run check -- --list` names them. REPRISE_SOURCE_TESTS_DONE=1 leaves the tests on sources out, for a CI that ran
// `npm test` just before. A step that reads dist is preceded by the build.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, runNode } from './workspace.mjs';

const script = (name, ...args) => runNode(join(root, 'scripts', name), args);
const bin = (name, ...args) => run(join(root, 'node_modules/.bin', name), args);
const totals = '.tmp/totals';
mkdirSync(join(root, totals), { recursive: true });

const steps = [
  {
    name: 'lint',
    what: 'biome: format and lint',
    work: () => bin('biome', 'check', '--error-on-warnings', '--max-diagnostics=200', '.'),
  },
  {
    name: 'unused',
    what: 'knip: unused files, exports, dependencies',
    work: () => bin('knip', '--no-progress'),
  },
  { name: 'layers', what: 'who may import whom', work: () => script('check-layers.mjs') },
  { name: 'types', what: 'types of sources and tests, both dialects', work: () => script('check-types.mjs') },
  {
    name: 'test',
    what: 'tests on sources',
    work: () => script('test.mjs', '--silent', '--json', `--outputFile=${totals}/sources.json`),
    skip: process.env.REPRISE_SOURCE_TESTS_DONE === '1' && 'they ran just before',
  },
  { name: 'build', what: 'ES modules and CommonJS', work: () => script('build.mjs') },
  {
    name: 'test-dist',
    what: 'the tests of public names on dist',
    needsBuild: true,
    work: () =>
      runNode(join(root, 'scripts/test.mjs'), ['--silent', '--json', `--outputFile=${totals}/dist.json`], {
        env: { REPRISE_TEST_DIST: '1' },
      }),
    note: (output) => /^On dist: .*$/m.exec(output)?.[0],
  },
  {
    name: 'types-matrix',
    what: "types in users' compilers",
    needsBuild: true,
    work: () => script('check-types-matrix.mjs'),
  },
  {
    name: 'api',
    what: 'public declarations against etc/api',
    needsBuild: true,
    work: () => script('check-api.mjs'),
  },
  { name: 'size', what: 'size-limit', needsBuild: true, work: () => bin('size-limit') },
  {
    name: 'pack',
    what: 'tarballs: publint, attw, install, load',
    needsBuild: true,
    work: () => script('check-pack.mjs'),
  },
  {
    name: 'consumers',
    what: "tarballs in users' projects, which run their tests",
    needsBuild: true,
    work: () => script('check-consumers.mjs'),
    note: (output) => output.trim(),
  },
];

const wanted = process.argv.slice(2);
if (wanted.includes('--list')) {
  for (const { name, what } of steps) console.log(`${name.padEnd(13)} ${what}`);
  process.exit();
}
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(', ')}; there are ${steps.map((step) => step.name).join(', ')}.`);
  process.exit(1);
}
let chosen = steps.filter((step) => wanted.length === 0 || wanted.includes(step.name));
const build = steps.find((step) => step.name === 'build');
if (!chosen.includes(build) && chosen.some((step) => step.needsBuild)) {
  chosen = [...chosen.filter((step) => !step.needsBuild), build, ...chosen.filter((step) => step.needsBuild)];
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
/** On a terminal a step's result takes the place of its announcement. */
const overwrite = process.stdout.isTTY ? '\r\x1b[K' : '';
const begun = performance.now();
for (const { name, what, work, note, skip } of chosen) {
  if (skip) {
    console.log(`- ${name.padEnd(13)} ${what}: skipped, ${skip}`);
    continue;
  }
  const started = performance.now();
  process.stdout.write(`  ${name.padEnd(13)} ${what} …${overwrite ? '' : '\n'}`);
  try {
    const output = await work();
    console.log(`${overwrite}✓ ${name.padEnd(13)} ${what} (${seconds(started)})`);
    const remark = note?.(output);
    if (remark) console.log(`  ${''.padEnd(13)} ${remark}`);
  } catch (error) {
    console.log(`${overwrite}✗ ${name.padEnd(13)} ${what} (${seconds(started)})\n`);
    console.error(`${error.output ?? ''}\n${error.message}\n`);
    console.error(`The check failed at "${name}"; run it alone with: npm run check -- ${name}`);
    process.exit(1);
  }
}
console.log(`Checked in ${seconds(begun)}.`);
