// Writes the files in packages/store/test/fixtures that are missing, as cases.ts there says: when a format gets a new
// version, or a case is added. What is there was written by a release and is never written again.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

if (!process.execArgv.includes('@reprise/source')) {
  const loader = join(import.meta.dirname, 'source-loader.mjs');
  const nodeArgs = ['-C', '@reprise/source', '--import', loader];
  process.exit(spawnSync(process.execPath, [...nodeArgs, import.meta.filename], { stdio: 'inherit' }).status ?? 1);
}

const folder = join(root, 'packages/store/test/fixtures');
const { cases } = await import(join(folder, 'cases.ts'));
for (const { file, make } of cases) {
  const path = join(folder, file);
  if (existsSync(path)) continue;
  writeFileSync(path, make());
  console.log(`wrote ${file}`);
}
