// Runs the torture, on the built packages as users get them, after building what is out of date. Arguments are those
// of torture/src/main.ts.
import { runProgram } from './program.mjs';

await runProgram('torture', process.argv.slice(2));
