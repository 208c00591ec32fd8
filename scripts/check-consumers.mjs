// Tests the packed packages in the projects of people who use them: each folder of scripts/consumers is copied out of the
// workspace, gets the tarballs installed beside what its package.json asks for, and runs its `npm test`. Names to run some
// only: node scripts/check-consumers.mjs commonjs-jest
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTarballs, packPackages } from './tarballs.mjs';
import { root, run } from './workspace.mjs';

const consumers = join(root, 'scripts/consumers');
const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(consumers).sort();
const folder = mkdtempSync(join(tmpdir(), 'reprise-consumers-'));

try {
  const tarballs = await packPackages(join(folder, 'tarballs'));
  for (const name of names) {
    const project = join(folder, name);
    cpSync(join(consumers, name), project, { recursive: true });
    await installTarballs(project, tarballs);
    const output = await run('npm', ['test'], { cwd: project });
    console.log(`${name}: ${/^Tests: +(.*)$/m.exec(output)?.[1] ?? 'its tests hold'}`);
  }
} catch (error) {
  console.error(`${error.output ?? ''}${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
