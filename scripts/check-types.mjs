// Checks all types: the packages, examples and benchmarks (which builds their declarations), then the tests in both
// decorator dialects, two compilers at a time.
import { build } from './build.mjs';
import { forEachPair, listFiles, runNode, tsc } from './workspace.mjs';

const isLegacy = (file) => /\.legacy\.(test\.|types\.)?ts$/.test(file);
const tests = ['packages', 'examples', 'scripts'].flatMap((folder) =>
  listFiles(folder, '.ts').filter((file) => file.includes('/test/') && !file.includes('/dist/')),
);
const failures = [];
try {
  await build({ commonjs: false });
} catch (error) {
  failures.push(error);
}
await forEachPair(
  [
    ...(tests.some((file) => !isLegacy(file)) ? ['tsconfig.test.json'] : []),
    ...(tests.some(isLegacy) ? ['tsconfig.test.legacy.json'] : []),
  ],
  async (project) => {
    try {
      await runNode(tsc, ['-p', project, '--pretty', 'false']);
    } catch (error) {
      failures.push(error);
    }
  },
);
for (const { output = '', message } of failures) console.error(`${output}${message}`);
if (failures.length > 0) process.exitCode = 1;
