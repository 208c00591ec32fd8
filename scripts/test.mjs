// Runs Jest with the flags that ES modules need, in one place for `npm test`, `npm run check` and CI. Arguments are
// Jest's: `npm test -- packages/core -t 'one flight'`. REPRISE_TEST_DIST=1 tests the built packages instead of the sources.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
