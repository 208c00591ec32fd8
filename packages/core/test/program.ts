import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const onDist = process.env['REPRISE_TEST_DIST'] === '1';
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program in a process of its own: on the sources, or on what was built where that is tested. @returns what it wrote */
export async function program(code: string): Promise<string> {
  const loader = pathToFileURL(join(root, 'scripts/source-loader.mjs')).href;
  const flags = onDist ? [] : ['-C', '@reprise/source', '--import', loader];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', code], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    timeout: 20_000,
  });
  return stdout.trim();
}
