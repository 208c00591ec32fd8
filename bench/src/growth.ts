/** The same work in several processes at once, each with a connection of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Job } from './job.ts';
import type { Lap } from './task.ts';

const worker = new URL('./worker.js', import.meta.url);
/** The ids that each process reads in a lap. */
export const hitIds: readonly string[] = Array.from({ length: 50 }, (_, index) => `user:${index}`);

/** A lap in which `count` processes make their hits; it is over when the last of them is. */
export async function createGrowthLap(job: Extract<Job, { kind: 'hit' }>, count: number): Promise<Lap> {
  const children = Array.from({ length: count }, () =>
    fork(worker, { execArgv: ['--no-flush-bytecode'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
  );
  await Promise.all(children.map((child) => ask(child, job)));
  const calls = count * hitIds.length;
  return {
    calls,
    async run(laps) {
      const sums = await Promise.all(children.map((child) => ask(child, laps)));
      return sums.reduce((sum, one) => sum + one, 0);
    },
    expect: (laps) => laps * calls,
  };
}

/** @returns what a process answers to a message; rejects when it ends instead */
async function ask(child: ChildProcess, message: Job | number): Promise<number> {
  const answered = once(child, 'message') as Promise<[number | { readonly error: string }]>;
  const ended = once(child, 'exit').then(() => [{ error: 'one of its processes ended' }] as const);
  child.send(message);
  const [answer] = await Promise.race([answered, ended]);
  if (typeof answer === 'number') return answer;
  throw new Error(answer.error);
}
