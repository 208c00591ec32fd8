import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const example = join(import.meta.dirname, '..');
const program =
  process.env['REPRISE_TEST_DIST'] === '1'
    ? [join(example, 'dist/main.js')]
    : [
        '--import',
        join(example, '../../scripts/source-loader.mjs'),
        '--conditions=@reprise/source',
        join(example, 'src/main.ts'),
      ];

it('keeps every claim it makes, leaves no handle open, and ends by itself', async () => {
  const { code, stdout } = await run();

  expect(stdout).not.toContain('FAILED');
  expect(stdout.match(/^ {2}ok /gm)).toHaveLength(14);
  expect(stdout).toMatch(/│ products, cold +│ 100 +│ 1 +│/);
  expect(stdout).toMatch(/│ products, warm +│ 100 +│ 0 +│/);
  expect(stdout).toMatch(/│ prices +│ 90 +│ 3 +│/);
  expect(stdout.trimEnd()).toMatch(/All claims hold\.$/);
  expect(code).toBe(0);
}, 60_000);

interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
}

function run(): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, program, { encoding: 'utf8' }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout });
    });
  });
}
