// Runs the example that shows what Reprise does for a user: examples/package-report. Builds it and the packages it
// uses first, quietly and only where they are out of date. Arguments are the example's: `npm run demo -- --clear`.
import { runProgram } from './program.mjs';

await runProgram('examples/package-report', process.argv.slice(2));
