import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from '@jest/globals';
import { hasRedisServer, type OwnRedisServer, startRedisServer } from '@reprise/store-testkit';

interface Outcome {
  readonly began?: string;
  readonly results?: readonly string[];
  readonly runs?: number;
}

let server: OwnRedisServer | undefined;
let children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server?.stop();
});

async function startProcesses(prefix: string): Promise<ChildProcess[]> {
  server = await startRedisServer();
  const url = `redis://127.0.0.1:${server.port}`;
  children = Array.from({ length: 4 }, () =>
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
    await startProcesses('once');
    const answers = children.map(answerOf);
    for (const child of children) child.send({ id: 'a', duration: 4_000, calls: 25 });
    const outcomes = await Promise.all(answers);
    expect(outcomes.flatMap(({ results }) => results)).toEqual(Array(100).fill('result of a'));
    expect(outcomes.reduce((sum, { runs = 0 }) => sum + runs, 0)).toBe(1);
  }, 60_000);

  it('where the one that computes is killed, another one takes over', async () => {
    const [first, ...others] = (await startProcesses('taken over')) as [ChildProcess, ...ChildProcess[]];
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
  }, 60_000);
}
