import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import { hasRedisServer, startRedisServer } from '@reprise/store-testkit';

interface Outcome {
  readonly began?: string;
  readonly results?: readonly string[];
  readonly runs?: number;
}

async function startProcesses(url: string, prefix: string): Promise<ChildProcess[]> {
  const children = Array.from({ length: 4 }, () =>
    fork(new URL('./redis-process.ts', import.meta.url), [url, prefix], {
      execArgv: ['-C', '@reprise/source', '--import', './scripts/source-loader.mjs'],
    }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return children;
}

/** What a process says when its calls are answered. */
async function answerOf(child: ChildProcess): Promise<Outcome> {
  for (;;) {
    const [outcome] = (await once(child, 'message')) as [Outcome];
    if (outcome.results !== undefined) return outcome;
  }
}

if (!hasRedisServer()) {
  it('was not run: redis-server is not on this machine (with CI=1 it has to be)', () => {
    process.stderr.write('cached on Redis: not run, redis-server is not on this machine\n');
    expect(process.env['CI']).not.toBe('1');
  });
} else {
  it('four processes with 25 calls each run the function once, though it takes longer than a lease', async () => {
    const server = await startRedisServer();
    const children = await startProcesses(`redis://127.0.0.1:${server.port}`, 'once');
    const answers = children.map(answerOf);
    for (const child of children) child.send({ id: 'a', duration: 4_000, calls: 25 });
    const outcomes = await Promise.all(answers);
    expect(outcomes.flatMap(({ results }) => results)).toEqual(Array(100).fill('result of a'));
    expect(outcomes.reduce((sum, { runs = 0 }) => sum + runs, 0)).toBe(1);
    for (const child of children) child.kill();
    await server.stop();
  }, 60_000);

  it('where the one that computes is killed, another one takes over', async () => {
    const server = await startRedisServer();
    const children = await startProcesses(`redis://127.0.0.1:${server.port}`, 'taken over');
    const [first, ...others] = children as [ChildProcess, ...ChildProcess[]];
    first.send({ id: 'a', duration: 60_000, calls: 1 });
    await once(first, 'message');
    // It stays at it for a minute, the arguments being part of the key: that it begins is what counts.
    const begins = others.map(async (child) => {
      const [outcome] = (await once(child, 'message')) as [Outcome];
      return outcome.began;
    });
    for (const child of others) child.send({ id: 'a', duration: 60_000, calls: 25 });
    first.kill('SIGKILL');
    expect(await Promise.race(begins)).toBe('a');
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
  }, 60_000);
}
