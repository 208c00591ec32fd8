import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

// Every test starts processes, which take their time on a busy machine.
jest.setTimeout(60_000);

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

let temporary: string;
let nodeModules: string;

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'package-report-'));
  nodeModules = join(temporary, 'node_modules');
  await addPackage('plain', { license: 'MIT' }, { 'index.js': 'export {};\n'.repeat(1_000) });
  await addPackage('plain/node_modules/nested', { license: 'Apache 2.0' }, { 'index.js': 'a;\n' });
  await addPackage('@scope/scoped', { licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] }, {});
  // As pnpm lays packages out: the real one in a slot of its own, links to it wherever it is used.
  const slot = '.pnpm/linked@1.0.0/node_modules/linked';
  await addPackage(slot, { license: 'SEE LICENSE IN TERMS_OF_USE.md' }, { 'lib/index.js': 'b;\n' });
  await symlink(join(nodeModules, slot), join(nodeModules, 'linked'), 'junction');
});

afterEach(async () => {
  await rm(temporary, { recursive: true, force: true });
});

describe('the package report', () => {
  it('measures every package once and lists the largest first', async () => {
    const { code, stdout, stderr } = await run();

    expect(code).toBe(0);
    expect(callsOf('PackageReport.measure', stdout)).toEqual({ calls: 4, hits: 0, loads: 4 });
    expect(stdout).toMatch(/largest 4 packages\n.*\n.*package.*\n.*\n│ plain@1\.0\.0 /);
    expect(stdout).toContain('4 packages: 7 files, ');
    expect(stdout).toContain('Run it again');
    expect(stderr).toContain('measured 4 of 4 packages\n');
  });

  it('measures a package that lies in two places once', async () => {
    const changed = new Date();
    for (const slot of ['twin@1.0.0_a', 'twin@1.0.0_b']) {
      const path = `.pnpm/${slot}/node_modules/twin`;
      await addPackage(path, { license: 'MIT' }, {});
      await utimes(join(nodeModules, path, 'package.json'), changed, changed);
    }

    const { stdout } = await run();

    expect(callsOf('PackageReport.measure', stdout)).toMatchObject({ calls: 6, loads: 5 });
    expect(stdout).toContain('6 packages: ');
  });

  it('names each license as SPDX does', async () => {
    await addPackage('closed', { license: 'UNLICENSED' }, {});
    await addPackage('silent', {}, {});

    const { stdout } = await run();

    const licenses = stdout.split('Licenses: ')[1]?.split('\n')[0]?.split(', ').sort();
    expect(licenses).toEqual([
      '(MIT OR GPL-2.0-only) 1',
      'Apache-2.0 1',
      'LicenseRef-TERMS-OF-USE.md 1',
      'MIT 1',
      'NOASSERTION 1',
      'UNLICENSED 1',
    ]);
  });

  it('gives the integrity that its definition says', async () => {
    await rm(nodeModules, { recursive: true });
    const manifest = await addPackage('lone', {}, { 'a.js': 'a;\n' });

    const { stdout } = await run();

    const hash = createHash('sha512').update(`a.js\0${3}\0a;\n`);
    hash.update(`package.json\0${manifest.length}\0${manifest}`);
    expect(stdout).toContain(`sha512-${hash.digest('base64').slice(0, 7)}…`);
  });

  describe.each(['disk', 'sqlite'])('on %s', (store) => {
    it('answers from disk in a second process', async () => {
      const first = await run('--store', store);
      const second = await run('--store', store);

      expect(second.code).toBe(0);
      expect(callsOf('PackageReport.measure', second.stdout)).toEqual({ calls: 4, hits: 4, loads: 0 });
      expect(callsOf('countSourceLines', second.stdout)).toEqual({ calls: 4, hits: 4, loads: 0 });
      expect(largestOf(second.stdout)).toEqual(largestOf(first.stdout));
      expect(second.stdout).toMatch(/every package answered from disk.* first run/);
    });

    it('measures one package anew after one of its files has changed', async () => {
      await run('--store', store, '--top', '1');
      await appendFile(join(nodeModules, 'plain/node_modules/nested/index.js'), 'c;\n');

      const { stdout } = await run('--store', store, '--top', '1');

      expect(callsOf('PackageReport.measure', stdout)).toEqual({ calls: 4, hits: 3, loads: 1 });
      expect(callsOf('countSourceLines', stdout)).toEqual({ calls: 1, hits: 1, loads: 0 });
      expect(stdout).toContain('1 of 4 packages measured anew');
    });

    it('starts over when told to', async () => {
      await run('--store', store);

      const cleared = await run('--store', store, '--clear');
      expect(callsOf('PackageReport.measure', cleared.stdout)).toEqual({ calls: 4, hits: 0, loads: 4 });
      expect(cleared.stdout).toContain('Run it again');

      const after = await run('--store', store);
      expect(callsOf('PackageReport.measure', after.stdout)).toEqual({ calls: 4, hits: 4, loads: 0 });
    });
  });

  it('keeps results in files unless told otherwise, and apart from those in SQLite', async () => {
    await run();
    expect(existsSync(join(temporary, 'cache'))).toBe(true);
    expect(existsSync(join(temporary, 'cache.sqlite'))).toBe(false);

    const { stdout } = await run('--store', 'sqlite');
    expect(callsOf('PackageReport.measure', stdout)).toMatchObject({ loads: 4 });
    expect(existsSync(join(temporary, 'cache.sqlite'))).toBe(true);

    await run('--store', 'sqlite', '--clear');
    const files = await run();
    expect(callsOf('PackageReport.measure', files.stdout)).toMatchObject({ hits: 4, loads: 0 });
  });

  it('says what to do where there is no driver for SQLite', async () => {
    const bare = join(temporary, 'bare.mjs');
    await writeFile(
      bare,
      `import { Module } from 'node:module';
       const { getBuiltinModule } = process;
       process.getBuiltinModule = (name) => (name === 'node:sqlite' ? undefined : getBuiltinModule(name));
       const resolve = Module._resolveFilename;
       Module._resolveFilename = (name, ...rest) => resolve(name === 'better-sqlite3' ? 'not-installed' : name, ...rest);`,
    );

    const { code, stdout, stderr } = await runWith(['--import', bare], '--store', 'sqlite');

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('npm i better-sqlite3@12, or use a Node that has node:sqlite');
    expect(stderr).toContain('--store disk');
    expect(stderr).not.toContain('    at ');
  });

  it.each([
    [['--fast'], "Unknown option '--fast'"],
    [['--top', 'many'], "--top must be a whole number, not 'many'"],
    [['--store', 'redis'], "--store must be disk or sqlite, not 'redis'"],
    [['--dir', 'nowhere'], 'nowhere is no directory'],
    [['extra'], "Unexpected argument 'extra'"],
  ])('refuses %j with exit code 2 and says why', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
    expect(stderr).not.toContain('    at ');
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('--help');

    expect(code).toBe(0);
    for (const flag of ['--dir', '--top', '--store', '--cache', '--clear', '--help']) expect(stdout).toContain(flag);
  });
});

interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in a process of its own over the made-up packages; `args` come last and so win. */
function run(...args: string[]): Promise<Outcome> {
  return runWith([], ...args);
}

/** The same, with flags for Node itself. */
function runWith(flags: readonly string[], ...args: string[]): Promise<Outcome> {
  const all = [...flags, ...program, '--dir', nodeModules, '--cache', join(temporary, 'cache'), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: temporary, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

/** @returns the text of the `package.json` it wrote */
async function addPackage(path: string, fields: object, files: Record<string, string>): Promise<string> {
  const directory = join(nodeModules, path);
  const name = path.replace(/^.*node_modules\//, '');
  const manifest = JSON.stringify({ name, version: '1.0.0', ...fields });
  for (const [file, text] of Object.entries({ ...files, 'package.json': manifest })) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), text);
  }
  return manifest;
}

/** What the table of functions says of one of them. */
function callsOf(name: string, stdout: string): { calls: number; hits: number; loads: number } | undefined {
  const row = stdout.split('\n').find((line) => line.startsWith(`│ ${name} `));
  const [calls, hits, , loads] = (row?.match(/\d+/g) ?? []).map(Number);
  return calls === undefined || hits === undefined || loads === undefined ? undefined : { calls, hits, loads };
}

/** The table of the largest packages. */
function largestOf(stdout: string): string {
  return stdout.split('\n\n')[0] ?? '';
}
