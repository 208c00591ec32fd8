import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { DiskStoreOptions } from '@reprise/store-disk';
import { bundleSources } from '../../../scripts/test/bundle-sources.ts';

const root = join(import.meta.dirname, '../../..');

/** Does with a store of its own what it is told, and can be stopped between the steps of a write. */
const program = `
  import promises from 'node:fs/promises';
  import { syncBuiltinESMExports } from 'node:module';
  let stopAt;
  for (const name of ['rename', 'unlink', 'writeFile']) {
    const original = promises[name];
    promises[name] = async (...args) => {
      const halt = (moment) => moment === stopAt && new Promise((resolve) => { resume = resolve; process.send({ stopped: moment }); });
      await halt('before ' + name);
      const result = await original(...args);
      await halt('after ' + name);
      return result;
    };
  }
  syncBuiltinESMExports();
  let resume;
  const { diskStore } = await import('@reprise/store-disk');
  let store;
  const failures = [];
  const commands = {
    open: (options) => { store = diskStore(options); store.listen({ failed: (error) => failures.push(String(error)) }); },
    failures: () => failures,
    stopAt: (moment) => { stopAt = moment; },
    resume: (until) => { stopAt = until; resume(); },
    fill: async (prefix, count, generation) => {
      for (let index = 0; index < count; index++) {
        const key = prefix + index % 20;
        await store.set(key, { value: { key, index, text: 'x'.repeat(index % 5_000) }, createdAt: 0, expiresAt: Infinity, staleUntil: Infinity,
          ...(generation && { generation: await store.generation() }) });
        process.send({ wrote: key, index });
      }
    },
    list: async () => { const keys = []; for await (const [key] of store.entries()) keys.push(key); return keys.sort(); },
  };
  process.on('message', async ({ id, method, args }) => {
    try {
      process.send({ id, result: await (commands[method] ?? store[method].bind(store))(...args) });
    } catch (error) {
      process.send({ id, error: String(error) });
    }
  });
  process.send({ id: 0 });
`;

/** How to run it: as one file with the sources, or on what was built where that is tested. */
const command =
  process.env['REPRISE_TEST_DIST'] === '1'
    ? ['--input-type=module', '-e', program]
    : [await bundleSources('packages/store-disk', { text: program })];

/** Between the steps of a write. */
type Moment = `${'before' | 'after'} ${'rename' | 'unlink' | 'writeFile'}`;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly stopped?: string;
  readonly wrote?: string;
  readonly index?: number;
}

const running = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  running.clear();
});

/** A store in a process of its own. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #count = 0;
  #stopped: (() => void) | undefined;
  #wrote: (() => void) | undefined;
  /** The index of the last write of each key that it has said is done. */
  readonly written = new Map<string, number>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      if (answer.stopped !== undefined) this.#stopped?.();
      if (answer.wrote !== undefined) {
        this.written.set(answer.wrote, answer.index as number);
        this.#wrote?.();
      }
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  static async open(options: DiskStoreOptions): Promise<StoreProcess> {
    const child = spawn(process.execPath, command, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    running.add(child);
    const opened = new StoreProcess(child);
    await new Promise<Answer>((resolve) => opened.#waiting.set(0, resolve));
    await opened.call('open', options);
    return opened;
  }

  /** Calls a method of the store. */
  async call<Result = unknown>(method: string, ...args: readonly unknown[]): Promise<Result> {
    const id = ++this.#count;
    const answering = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, method, args });
    const { result, error } = await answering;
    if (error !== undefined) throw new Error(error);
    return result as Result;
  }

  /** Has it stop at the next such step; the promise says when it has. */
  async stopAt(moment: Moment): Promise<{ stopped: Promise<void> }> {
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    await this.call('stopAt', moment);
    return { stopped };
  }

  /** Lets it go on to the next such step. */
  async goOnTo(moment: Moment): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    await this.call('resume', moment);
    await stopped;
  }

  /** When it has written so many keys. */
  async whenWritten(count: number): Promise<void> {
    while (this.written.size < count) {
      await new Promise<void>((resolve) => {
        this.#wrote = resolve;
      });
    }
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await once(this.#child, 'exit');
    running.delete(this.#child);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
