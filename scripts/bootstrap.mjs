// Makes a fresh clone ready with nothing but Node and npm: every root command runs this first. It installs what
// pnpm-lock.yaml says (frozen, with a pnpm that npx fetches) when node_modules is missing or was made from another
// lockfile, which a stamp in node_modules tells; otherwise it returns at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const pnpm = 'pnpm@10';
const oldestNode = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
  console.error(`Reprise needs Node ${oldestNode.join('.')} or newer; this is ${process.version}.`);
  process.exit(1);
}

const root = join(import.meta.dirname, '..');
const stampFile = join(root, 'node_modules/.cache/reprise/installed');
const stamp = createHash('sha256')
  .update(readFileSync(join(root, 'pnpm-lock.yaml')))
  .digest('hex');
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  console.error('Installing dependencies as pnpm-lock.yaml says …');
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync('npx', ['-y', pnpm, 'install', '--frozen-lockfile'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, CI: '1' },
  });
  if (status !== 0) {
    console.error(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`);
    console.error(`The installation failed: npx -y ${pnpm} install --frozen-lockfile`);
    process.exit(1);
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
  console.error(`Installed in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}
