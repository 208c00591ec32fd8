import { fork } from 'node:child_process';
import type { Job, Reply } from './job.ts';

const worker = new URL('./worker.js', import.meta.url);
const timeLimit = 60_000;

/** Has a new process do `job`; rejects when it fails, dies or takes longer than a minute. */
export function runJob<Result>(job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(worker, {
      // Bytecode of a loop that rests while others are timed must not be thrown away.
      execArgv: ['--expose-gc', '--no-flush-bytecode'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error('took longer than a minute'));
    }, timeLimit);
    child.once('message', (reply: Reply) => {
      if ('error' in reply) reject(new Error(reply.error));
      else resolve(reply.result as Result);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`its process ended: ${signal ?? `exit code ${code}`}`));
    });
    child.send(job);
  });
}
