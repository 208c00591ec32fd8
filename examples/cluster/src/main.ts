import cluster, { type Worker } from 'node:cluster';
import { createServer } from 'node:net';
import Table from 'cli-table3';
import { Redis } from 'ioredis';
import type { Tally } from './catalog.ts';
import { Load } from './load.ts';
import { Source } from './source.ts';
import { type Task, work } from './worker.ts';

const redis = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const seconds = Number(process.argv[2] ?? 5);
const workers = 4;
const readers = 32;
const products = Array.from({ length: 200 }, (_, index) => `p${index}`);

if (cluster.isPrimary) await lead();
else work(JSON.parse(process.env['EXAMPLE_TASK'] as string) as Task);

async function lead(): Promise<void> {
  if (!(seconds > 0)) {
    console.error('Give the number of seconds that the load is to last: node examples/cluster/dist/main.js 5');
    process.exitCode = 1;
    return;
  }
  const client = new Redis(redis, { retryStrategy: null, lazyConnect: true });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    console.error(`There is no Redis at ${redis} (${(error as Error).message}).`);
    console.error('Start one (docker run --rm -p 6379:6379 redis), or say where it is: REDIS_URL=redis://host:6379');
    process.exitCode = 1;
    return;
  }
  const source = new Source(products, 40);
  const port = await freePort();
  const run = `${process.pid}-${Date.now()}`;
  const task: Task = { source: await source.start(), redis, run };
  const team = await hire(task, port);
  const load = new Load(port, products);
  console.log(
    `${workers} workers behind port ${port}, ${readers} readers, ten price changes a second, for ${seconds} s\n`,
  );
  const begun = performance.now();
  const running = load.run(readers, seconds * 1_000);
  for (let second = 1; second <= seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    show(await Promise.all(team.map(ask)), load, source);
  }
  await running;
  const took = (performance.now() - begun) / 1_000;
  const tallies = await Promise.all(team.map(ask));
  await Promise.all(team.map(dismiss));
  source.stop();
  const keys = await client.keys(`{example-${run}}*`);
  if (keys.length > 0) await client.unlink(...keys);
  client.disconnect();
  console.log(table(tallies).toString());
  console.log(
    `${load.reads} reads (${Math.round(load.reads / took)} a second) and ${load.writes} writes; the source was read ${source.reads} times.`,
  );
  const claims: readonly (readonly [claim: string, holds: boolean])[] = [
    ['every read was answered', load.failures === 0],
    ['no read was answered with a price from more than 100 ms before', load.stale === 0],
    ['what one worker had read, the others did not read again', source.reads <= products.length + 2 * load.writes],
  ];
  for (const [claim, holds] of claims) console.log(`  ${holds ? 'ok    ' : 'FAILED'} ${claim}`);
  process.exitCode = claims.every(([, holds]) => holds) ? 0 : 1;
}

async function hire(task: Task, port: number): Promise<Worker[]> {
  const team = Array.from({ length: workers }, () =>
    cluster.fork({ EXAMPLE_TASK: JSON.stringify(task), EXAMPLE_PORT: String(port) }),
  );
  await Promise.all(team.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  return team;
}

function ask(worker: Worker): Promise<Tally> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.send('tally');
  });
}

function dismiss(worker: Worker): Promise<unknown> {
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  worker.send('stop');
  return gone;
}

/** On a terminal the table is drawn over and over; elsewhere a line a second. */
function show(tallies: readonly Tally[], load: Load, source: Source): void {
  if (!process.stdout.isTTY) {
    console.log(
      `${load.reads} reads: ${sum(tallies, 'memory')} from memory, ${sum(tallies, 'redis')} from Redis, ${source.reads} from the source`,
    );
    return;
  }
  const text = table(tallies).toString();
  process.stdout.write(`${text}\n\u001b[${text.split('\n').length}A`);
}

function table(tallies: readonly Tally[]): InstanceType<typeof Table> {
  const drawn = new Table({
    head: ['worker', 'memory', 'Redis', 'computed', 'joined'],
    style: { head: [], border: [] },
  });
  for (const [index, { memory, redis: far, loads, joined }] of tallies.entries()) {
    drawn.push([`${index + 1}`, memory, far, loads, joined]);
  }
  drawn.push(['all', ...(['memory', 'redis', 'loads', 'joined'] as const).map((name) => sum(tallies, name))]);
  return drawn;
}

function sum(tallies: readonly Tally[], name: keyof Tally): number {
  return tallies.reduce((total, tally) => total + tally[name], 0);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
