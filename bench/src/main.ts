/**
 * The benchmarks: `npm run bench -- [options]`. Every row compares Reprise, and each peer that can do the same, to a
 * limit. Method: new processes for each row; in each the limit, the limit once more (A/A) and one subject, in copies of the
 * code that calls them, sampled round by round in random order; the median of rounds, then of processes. A row holds if
 * its ratio less the A/A spread is within the budget. `docs/benchmarks.md` says the rest.
 *
 *   --row <name>   this row only, may be given several times; `--row list` names them all
 *   --quick        one process and short samples per row: minutes become seconds, the figures rougher
 *   --no-peers     Reprise only
 *   --crowded      Reprise serves a dozen other functions in the same process first
 *   --update       writes docs/benchmarks.md (all rows, full effort)
 *   --strict       exit code 1 when a budget is missed
 *   --seed <n>     for the random order of the samples
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { hasRedisServer, startRedisServer } from '@reprise/store-testkit';
import { Listr } from 'listr2';
import type { PeerResults, RowResult } from './measure.ts';
import { efforts, measureRow } from './measure.ts';
import { writePage } from './page.ts';
import { redisPort } from './redis.ts';
import { rows } from './rows.ts';
import { nameVerdict, printTables, summarize } from './table.ts';

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    row: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: true },
    crowded: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
});

const unknown = options.row.filter((name) => rows.every((row) => row.name !== name));
if (unknown.length > 0) {
  console.log(`The rows are: ${rows.map(({ name }) => name).join(' ')}`);
  process.exit(unknown.includes('list') ? 0 : 1);
}
if (options.update && (options.row.length > 0 || options.quick || options.crowded || !options.peers)) {
  console.error('--update writes a whole page: leave out --row, --quick, --crowded and --no-peers.');
  process.exit(1);
}

const server = hasRedisServer() ? await startRedisServer() : undefined;
if (server === undefined) console.error('There is no redis-server on this machine: its rows are left out.');
else process.env[redisPort] = String(server.port);

const effort = options.quick ? efforts.quick : efforts.full;
const seed = Number(options.seed);
const chosen = rows.filter(
  ({ name }) =>
    (options.row.length === 0 || options.row.includes(name)) && (server !== undefined || !name.startsWith('redis')),
);
const results: RowResult[] = [];
const known: PeerResults | undefined = options.peers ? new Map() : undefined;
const running = loadavg()[0] ?? 0;
const load = running.toFixed(1);
if (running > availableParallelism() / 2) {
  console.error(`The machine is busy (load ${load}): the figures will be rough.`);
}

// One after the other: two at once would disturb each other.
await new Listr(
  chosen.map((row) => ({
    title: row.name,
    task: async (_, task) => {
      const onStep = (step: string): void => {
        task.output = step;
      };
      const result = await measureRow(row, { effort, seed, crowded: options.crowded, known, onStep });
      results.push(result);
      if (nameVerdict(result) !== 'holds') throw new Error(summarize(result));
      task.title = summarize(result);
    },
  })),
  { concurrent: false, exitOnError: false, rendererOptions: { showErrorMessage: true } },
).run();

console.log(`\n${printTables(results, options.peers)}`);
const missed = results.filter((result) => nameVerdict(result) !== 'holds');
console.log(
  missed.length === 0
    ? `All ${results.length} rows hold.`
    : `${missed.length} of ${results.length} rows are over budget: ${missed.map(({ row }) => row.name).join(', ')}.`,
);
if (options.update) {
  const page = new URL('../../docs/benchmarks.md', import.meta.url);
  mkdirSync(new URL('.', page), { recursive: true });
  writeFileSync(page, writePage(results, { effort, seed, load }));
  console.log('docs/benchmarks.md is up to date.');
}
await server?.stop();
if (options.strict && missed.length > 0) process.exitCode = 1;
