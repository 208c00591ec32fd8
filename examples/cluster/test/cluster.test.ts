import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, expect, it, jest } from '@jest/globals';
import { hasRedisServer, startRedisServer } from '@reprise/store-testkit';

// It starts five processes, which take their time on a busy machine.
jest.setTimeout(120_000);

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

const server = hasRedisServer() ? await startRedisServer() : undefined;
afterAll(() => server?.stop());

function run(url: string, ...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const env = { ...process.env, REDIS_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [...program, ...args], { encoding: 'utf8', env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

if (server === undefined) {
  console.warn('not run: the example of a cluster, for want of a redis-server');
  it('is not run for want of a redis-server, which continuous integration must have', () => {
    expect(process.env['CI']).not.toBe('1');
  });
} else {
  it('keeps every claim it makes, leaves nothing in Redis, and ends by itself', async () => {
    const { code, stdout } = await run(`redis://127.0.0.1:${server.port}`, '2');

    expect(stdout).not.toContain('FAILED');
    expect(stdout.match(/^ {2}ok /gm)).toHaveLength(3);
    expect(stdout).toMatch(/│ all +│ \d+/);
    expect(code).toBe(0);
  });
}

it('says what to do where there is no Redis', async () => {
  const { code, stderr } = await run('redis://127.0.0.1:1');

  expect(stderr).toMatch(/There is no Redis at redis:\/\/127\.0\.0\.1:1.*\n.*docker run.*REDIS_URL/);
  expect(code).toBe(1);
});
