import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { bundleSources } from '../../../scripts/test/bundle-sources.ts';

const children: Child[] = [];

/** Runs what it is sent, as the body of an asynchronous function, and answers with what that returns. */
const program = `
  import * as fs from 'node:fs';
  import { sqliteStore } from '@reprise/store-sqlite';
  const AsyncFunction = (async () => {}).constructor;
  const state = {};
  const entryOf = (value) => ({ value, createdAt: 0, expiresAt: Infinity, staleUntil: Infinity });
  const endOfTick = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  process.on('message', async ({ id, code }) => {
    try {
      const run = new AsyncFunction('sqliteStore', 'state', 'fs', 'entryOf', 'endOfTick', code);
      process.send({ id, result: await run(sqliteStore, state, fs, entryOf, endOfTick) });
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) });
    }
  });
`;

/** How to run it: as one file with the sources, or on what was built where that is tested. */
const command = [
  process.execPath,
  ...(process.env['REPRISE_TEST_DIST'] === '1'
    ? ['--input-type=module', '-e', program]
    : [await bundleSources('packages/store-sqlite', { text: program })]),
];

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A process of its own, on the sources, or on what was built where that is tested. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  /** @param largestFile how many blocks of 512 bytes a file may have in it: a disk that is full, as SQLite sees it */
  constructor(largestFile?: number) {
    const limit = ['sh', '-c', `trap '' XFSZ; ulimit -f ${largestFile}; exec "$@"`, 'sh'];
    const [file, ...args] = largestFile === undefined ? command : [...limit, ...command];
    this.#process = spawn(file as string, args, {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    children.push(this);
  }

  /** Runs code in it, where `sqliteStore`, `state`, `fs`, `entryOf` and `endOfTick` are known. @returns what that returned */
  async run<Result>(code: string): Promise<Result> {
    const id = ++this.#last;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.send({ id, code });
    const { result, error } = await answer;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`in the child: ${error}`);
    return result as Result;
  }

  /** Has it killed by the operating system, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

afterAll(async () => {
  for (const child of children) await child.kill();
});
