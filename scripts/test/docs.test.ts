/**
 * The documentation holds: each ```ts block of the pages and each `@example` of the doc comments is a program of its
 * own, which is type-checked with all the others and then run by Node (```ts jest: by Jest, as a test; ```ts no-run:
 * checked only; ```ts redis: with a Redis server of its own, checked only where there is no `redis-server`, unless CI=1); each `npm run` of a ```sh block exists. With REPRISE_TEST_DIST=1 they use the built packages, and the examples of what a package keeps to
 * itself, which is not in there by its own name, are left out.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasRedisServer, type OwnRedisServer, startRedisServer } from '@reprise/store-testkit';
import { type DocBlock, findDocBlocks, findShellBlocks } from './doc-blocks.ts';

const root = process.cwd();
const onDist = process.env['REPRISE_TEST_DIST'] === '1';
const folder = join(root, '.tmp', `docs-${process.pid}`);
const relativeImport = /(\bfrom |\bimport\()'(\.\.?\/[^']+\.ts)'/g;
const blocks = findDocBlocks(root).filter(({ code }) => !onDist || code.search(relativeImport) < 0);
const shellBlocks = findShellBlocks(root);
/** With CI=1 a server has to be there. */
const runsRedis = process.env['CI'] === '1' || hasRedisServer();
const isRun = (block: DocBlock): boolean => block.runs && (runsRedis || !block.redis);
const nameFile = (block: DocBlock): string =>
  `${block.file.replace(/[^a-zA-Z0-9]+/g, '-')}-${block.line}${block.legacy ? '.legacy' : ''}.ts`;

/**
 * A doc comment of a file that its package keeps to itself imports what it shows by a relative path, as its neighbours
 * do (`from './flight.ts'`): here seen from the temporary folder.
 */
function writeCode({ file, code }: DocBlock): string {
  const resolved = code.replaceAll(
    relativeImport,
    (_, before: string, path: string) => `${before}'${join('../..', dirname(file), path).replaceAll('\\', '/')}'`,
  );
  return `${resolved}\nexport {};\n`;
}

/** What went wrong with each block; nothing, if it holds. */
const outcomes = new Map<DocBlock, Promise<string>>();

let redis: OwnRedisServer | undefined;

const run = (args: readonly string[], timeout = 0): Promise<{ failed: boolean; output: string }> =>
  new Promise((resolve) => {
    const env = redis === undefined ? process.env : { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis.port}` };
    execFile(process.execPath, args, { cwd: root, timeout, env }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}${error?.killed ? `\nstill running after ${timeout} ms` : ''}`;
      resolve({ failed: error !== null, output: output.trim() });
    });
  });

/** Runs a block that is a test: with a Jest of its own, as the tests here are run. */
function runJest(block: DocBlock): ReturnType<typeof run> {
  const name = nameFile(block);
  const tsconfig = join(root, block.legacy ? 'tsconfig.test.legacy.json' : 'tsconfig.test.json');
  const config = {
    rootDir: folder,
    testMatch: [`<rootDir>/${name}`],
    testEnvironmentOptions: {
      customExportConditions: [...(onDist ? [] : ['@reprise/source']), 'node', 'node-addons'],
    },
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig }] },
  };
  const file = join(folder, `${name}.jest.json`);
  writeFileSync(file, JSON.stringify(config));
  return run(['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--runInBand', '--config', file], 60_000);
}

/** Type-checks the blocks of one dialect as one program; the errors by file name, those of no file under ''. */
async function checkTypes(dialect: 'standard' | 'legacy', files: readonly string[]): Promise<Map<string, string>> {
  const errors = new Map<string, string>();
  if (files.length === 0) return errors;
  const project = join(folder, `${dialect}.json`);
  const config = {
    extends: '../../tsconfig.test.json',
    compilerOptions: {
      incremental: false,
      tsBuildInfoFile: null,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
      erasableSyntaxOnly: false,
      types: ['node'],
      ...(onDist ? { customConditions: [] } : {}),
      ...(dialect === 'legacy' ? { experimentalDecorators: true, emitDecoratorMetadata: true } : {}),
    },
    files,
    include: [],
    exclude: [],
  };
  writeFileSync(project, JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { failed, output } = await run([tsc, '-p', project, '--pretty', 'false']);
  let current = '';
  for (const line of failed ? output.split('\n') : []) {
    if (!line.startsWith(' ')) current = /([^/\\]+\.ts)\(\d+,\d+\): error/.exec(line)?.[1] ?? '';
    errors.set(current, `${errors.get(current) ?? ''}${line}\n`);
  }
  return errors;
}

/** Lets two programs run at a time. */
function makeTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const lanes: [Promise<unknown>, Promise<unknown>] = [Promise.resolve(), Promise.resolve()];
  let next = 0;
  return (work) => {
    const lane = next++ % 2;
    const turn = (lanes[lane] as Promise<unknown>).then(work);
    lanes[lane] = turn.catch(() => undefined);
    return turn;
  };
}

beforeAll(async () => {
  if (blocks.length === 0) return;
  if (runsRedis && blocks.some((block) => block.redis)) redis = await startRedisServer();
  mkdirSync(folder, { recursive: true });
  for (const block of blocks) writeFileSync(join(folder, nameFile(block)), writeCode(block));
  const checked = (['standard', 'legacy'] as const).map((dialect) =>
    checkTypes(dialect, blocks.filter((block) => block.legacy === (dialect === 'legacy')).map(nameFile)),
  );
  const takeTurn = makeTurns();
  for (const block of blocks) {
    const ran = isRun(block)
      ? takeTurn(() =>
          block.jest
            ? runJest(block)
            : run(
                [
                  ...(onDist ? [] : ['-C', '@reprise/source']),
                  '--enable-source-maps',
                  '--import',
                  './scripts/source-loader.mjs',
                  join(folder, nameFile(block)),
                ],
                60_000,
              ),
        )
      : undefined;
    outcomes.set(
      block,
      Promise.all([ran, ...checked]).then(([result, ...errors]) => {
        const types = errors.map((one) => `${one.get('') ?? ''}${one.get(nameFile(block)) ?? ''}`).join('');
        return `${types}${result?.failed ? `\n${result.output || 'exited without a word'}` : ''}`.trim();
      }),
    );
  }
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await redis?.stop();
});

describe('a block of code in the documentation', () => {
  for (const block of blocks) {
    it(`${block.file}:${block.line} ${isRun(block) ? 'runs' : 'has no type errors'}`, async () => {
      expect(await outcomes.get(block)).toBe('');
    }, 300_000);
  }
  if (blocks.length === 0) it.todo('is there');
});

describe('a block of shell lines in the documentation', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  for (const { file, line, lines } of shellBlocks) {
    it(`${file}:${line} names commands and packages that exist`, () => {
      for (const text of lines) {
        for (const [, script = ''] of text.matchAll(/\bnpm (?:run )?((?<=run )[\w:-]+|test\b)/g)) {
          expect(Object.keys(scripts)).toContain(script);
        }
        for (const [, name = ''] of text.matchAll(/@reprise\/([\w-]+)/g)) {
          expect(existsSync(join(root, 'packages', name, 'package.json'))).toBe(true);
        }
      }
    });
  }
  if (shellBlocks.length === 0) it.todo('is there');
});
