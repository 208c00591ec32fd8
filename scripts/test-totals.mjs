// Sums up the Jest reports named as arguments and prints "N passed, N failed" as its last line. A test file that could
// not be run counts as one failure; a report that is missing, a failure, or no test at all make the exit code 1.
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
let missing = 0;
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    missing++;
    console.log(`${file}: no report, these tests did not run`);
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || missing > 0 || passed === 0) process.exitCode = 1;
