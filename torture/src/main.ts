/**
 * The torture: `npm run torture -- [options]`. What it does to caches on disk and in SQLite, and what must never come of it, is told at
 * each part in `torture.ts`; the last lines are a table of what was done and what was found. The exit code is 1 if anything was.
 *
 *   --times <n>     how many times the size that the tests run; 10 unless told
 *   --store <kind>  disk or sqlite only
 *   --part <name>   this part only, may be given several times
 *   --seed <n>      for all that is random; what the processes make of it differs from run to run
 */
import { parseArgs } from 'node:util';
import type { Kind } from './protocol.ts';
import { formatTable } from './table.ts';
import { kinds, type PartName, partNames, runTorture } from './torture.ts';

const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    store: { type: 'string', multiple: true, default: [...kinds] },
    part: { type: 'string', multiple: true, default: [...partNames] },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const refuse = (what: string, given: readonly string[], known: readonly string[]): void => {
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`There is no ${what} ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  process.exit(1);
};
refuse('store', options.store, kinds);
refuse('part', options.part, partNames);
const times = Number(options.times);
const seed = Number(options.seed);
if (!(times > 0) || !Number.isInteger(seed)) {
  console.error('--times is a number above 0, --seed a whole number.');
  process.exit(1);
}

console.log(`Seed ${seed}, ${times} times the size of the tests.`);
const results = [];
for (const kind of options.store as Kind[]) {
  for (const part of options.part as PartName[]) {
    const overwrite = process.stdout.isTTY ? '\r\x1b[K' : '';
    const say = (text: string): void => {
      process.stdout.write(`${overwrite}${kind} ${part}: ${text}${overwrite === '' ? '\n' : ''}`);
    };
    const result = await runTorture({ kind, part, times, seed, say });
    if (overwrite !== '') process.stdout.write(overwrite);
    results.push(result);
  }
}
console.log(`\n${formatTable(results)}`);
const found = results.flatMap(({ kind, part, found }) => found.map((what) => `${kind} ${part}: ${what}`));
for (const line of found) console.log(line);
console.log(found.length === 0 ? 'Nothing was found.' : `${found.length} found; seed ${seed}.`);
if (found.length > 0) process.exitCode = 1;
