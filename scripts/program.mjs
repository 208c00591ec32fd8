// Builds one of the workspace's programs (an example, the benchmarks) with the packages it uses and runs its
// dist/main.js, passing the arguments and the exit code through.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root } from './workspace.mjs';

/** Builds and runs `folder`/src/main.ts; the process takes over its exit code. */
export async function runProgram(folder, args, nodeArgs = []) {
  if (!existsSync(join(root, folder, 'src/main.ts'))) {
    console.error(`${folder}/src/main.ts does not exist.`);
    process.exitCode = 1;
    return;
  }
  try {
    await build({ folders: [folder], commonjs: false });
  } catch (error) {
    console.error(`${error.output ?? ''}${error.message}\n${folder} could not be built.`);
    process.exitCode = 1;
    return;
  }
  const { status } = spawnSync(process.execPath, [...nodeArgs, join(root, folder, 'dist/main.js'), ...args], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
