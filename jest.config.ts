/**
 * @jest-config-loader ts-node
 * @jest-config-loader-options {"transpileOnly":true,"compilerOptions":{"module":"CommonJS","target":"ES2022"}}
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Config } from 'jest';
import ts from 'typescript';

/**
 * With REPRISE_TEST_DIST=1 the tests run on the built packages: names resolve to `dist` for want of the source condition.
 * A test that reaches into a package's `src` would test a second instance of it there, so it runs on the sources only.
 */
const onDist = process.env['REPRISE_TEST_DIST'] === '1';
const root = __dirname;

/** Whether `file`, or a file that it imports by a relative path, is a source of a package. */
function reachesSources(file: string, seen: Set<string> = new Set()): boolean {
  if (/^packages\/[^/]+\/src\//.test(relative(root, file).replaceAll('\\', '/'))) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  return ts
    .preProcessFile(readFileSync(file, 'utf8'), true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .some(({ fileName }) => reachesSources(join(dirname(file), fileName), seen));
}

function listTests(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist|src)$/.test(entry.name) ? [] : listTests(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const tests = onDist ? ['packages', 'examples', 'bench', 'scripts'].flatMap((name) => listTests(join(root, name))) : [];
const whiteBox = tests.filter((file) => reachesSources(file));
if (onDist) {
  console.error(
    `On dist: ${tests.length - whiteBox.length} test files; ${whiteBox.length} import sources and are left out.`,
  );
}

/** One Jest project per decorator dialect. */
function project(displayName: string, tsconfig: string, testMatch: string[], ignore: string[] = []): Config {
  return {
    displayName,
    testEnvironment: 'node',
    testEnvironmentOptions: {
      customExportConditions: [...(onDist ? [] : ['@reprise/source']), 'node', 'node-addons'],
    },
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: `<rootDir>/${tsconfig}` }] },
    testMatch,
    testPathIgnorePatterns: [
      '/node_modules/',
      '/dist/',
      ...ignore,
      ...whiteBox.map((file) => `${file.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`),
    ],
    modulePathIgnorePatterns: ['<rootDir>/\\.tmp/'],
  };
}

export default {
  // Jest leaves one core to itself, which needs none: on two cores all files would run one after the other.
  maxWorkers: Math.max(2, availableParallelism()),
  testSequencer: '<rootDir>/scripts/longest-first.mjs',
  // Nothing waits for so long: only a crowded machine takes more than the usual five seconds for a file's first test.
  testTimeout: 120_000,
  projects: [
    project(
      'standard',
      'tsconfig.test.json',
      [
        '<rootDir>/packages/*/test/**/*.test.ts',
        '<rootDir>/examples/*/test/**/*.test.ts',
        '<rootDir>/bench/test/**/*.test.ts',
        // `npm run torture` is what tortures the built packages.
        ...(onDist ? [] : ['<rootDir>/torture/test/**/*.test.ts']),
        '<rootDir>/scripts/test/*.test.ts',
      ],
      ['\\.legacy\\.test\\.ts$'],
    ),
    project('legacy', 'tsconfig.test.legacy.json', [
      '<rootDir>/packages/*/test/**/*.legacy.test.ts',
      '<rootDir>/examples/*/test/**/*.legacy.test.ts',
    ]),
  ],
  collectCoverageFrom: ['<rootDir>/packages/*/src/**/*.ts'],
} satisfies Config;
