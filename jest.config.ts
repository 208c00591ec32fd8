/**
 * @jest-config-loader ts-node
 * @jest-config-loader-options {"transpileOnly":true,"compilerOptions":{"module":"CommonJS","target":"ES2022"}}
 */
import type { Config } from 'jest';

/**
 * With REPRISE_TEST_DIST=1 the same tests run on the built packages: names resolve to `dist` for want of the source
 * condition, and what a test imports from its own `../src` comes from `../dist`, so that there is one instance of it.
 */
const onDist = process.env['REPRISE_TEST_DIST'] === '1';

/** One Jest project per decorator dialect. */
function project(displayName: string, tsconfig: string, testMatch: string[], ignore: string[] = []): Config {
  return {
    displayName,
    testEnvironment: 'node',
    testEnvironmentOptions: {
      customExportConditions: [...(onDist ? [] : ['@reprise/source']), 'node', 'node-addons'],
    },
    moduleNameMapper: onDist ? { '^((?:\\.\\./)+)src/(.*)\\.ts$': '$1dist/$2.js' } : {},
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: `<rootDir>/${tsconfig}` }] },
    testMatch,
    testPathIgnorePatterns: ['/node_modules/', '/dist/', ...ignore],
    modulePathIgnorePatterns: ['<rootDir>/\\.tmp/'],
  };
}

export default {
  projects: [
    project(
      'standard',
      'tsconfig.test.json',
      [
        '<rootDir>/packages/*/test/**/*.test.ts',
        '<rootDir>/examples/*/test/**/*.test.ts',
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
