// Runs the benchmarks, on the built packages as users get them, after building what is out of date. Arguments are
// those of bench/src/main.ts.
import { runProgram } from './program.mjs';

await runProgram('bench', process.argv.slice(2), ['--expose-gc']);
