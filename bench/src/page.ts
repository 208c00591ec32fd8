import { cpus } from 'node:os';
import type { Effort, RowResult } from './measure.ts';
import { budgetHeads, listBudgetCells, listNotes, listPeerCells, nameVerdict, peerHeads, verdicts } from './table.ts';

function writeTable(heads: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = heads.map((_, index) => (index < left ? '---' : '--:'));
  return [line(heads), line(rule), ...rows.map(line)].join('\n');
}

const growing = ['redisHit', 'redisHit2', 'redisHit4'] as const;

/** How many hits a second several processes make together, beside what one does by itself. */
function writeGrowth(results: readonly RowResult[]): string {
  const steps = growing.map((feature) => results.find(({ row }) => row.feature === feature));
  const grow = (name: string, timeOf: (result: RowResult) => number | undefined): string[] => {
    const times = steps.map((result) => result && timeOf(result));
    const [alone] = times;
    return [name, ...times.map((time) => (time && alone ? (alone / time).toFixed(2) : '-'))];
  };
  const [first] = steps;
  if (first === undefined) return '';
  const own = ({ reprise }: RowResult) => ('comparison' in reprise ? reprise.comparison.times : undefined);
  const lines = [
    grow('`ioredis`', (result) => own(result)?.limit),
    grow('Reprise', (result) => own(result)?.subject),
    ...[...first.peers.keys()].map((name) =>
      grow(name, ({ peers }) => {
        const result = peers.get(name);
        return result && 'comparison' in result ? result.comparison.times.subject : undefined;
      }),
    ),
  ].filter(([, alone]) => alone !== '-');
  return `## Growth

Hits a second on one Redis server, of all processes together, times those of one process of the same library. The server has a processor
to itself at best, and the machine has ${cpus().length}.

${writeTable(['library', '1 process', '2', '4'], lines, 1)}

`;
}

/** What the page says of the run. */
export interface PageFacts {
  readonly effort: Effort;
  readonly seed: number;
  /** What was running, on average, in the minute before. */
  readonly load: string;
}

/** The text of `docs/benchmarks.md`. */
export function writePage(results: readonly RowResult[], { effort, seed, load }: PageFacts): string {
  const held = results.filter((result) => nameVerdict(result) === 'holds').length;
  const processors = cpus();
  const day = new Date().toISOString().slice(0, 10);
  return `# Benchmarks

Written by \`npm run bench -- --update\`; do not edit. ${day}, Node ${process.version}, ${process.platform} ${process.arch},
${processors.length} processors, load ${load} when it began${processors[0]?.model ? ` (${processors[0].model.trim()})` : ''}, seed ${seed}.

Every figure is a ratio to a stated limit that ran in the same process; absolute times say more about the machine than
about the library. The limit is what nobody can beat with the same tools: the function that a person would write by hand for
this one case, a \`Map.get\` and the branch for a miss. No bounds, no time, no errors, no keys but its own.

## Reprise within its budgets

${held} of ${results.length} rows hold.

${writeTable(
  budgetHeads.map((head) => head || 'holds'),
  results.map(listBudgetCells),
  2,
)}

*Reprise*: times the limit (for \`import\`: milliseconds more), the median over processes; *processes*: the lowest and the
highest of them; *± A/A*: how far the limit typically is from itself. A row holds (${verdicts.holds}) if *Reprise* less *± A/A* is at
most the budget.

## Beside the peers

Times the same limit; lower is better.

${writeTable(peerHeads, results.map(listPeerCells), 1)}

${listNotes(results)
  .map((note) => `- ${note}`)
  .join('\n')}
- \`memoize\` with several arguments or an object and \`memoizee\` with an object: keys by \`JSON.stringify\`, as their manuals
  say; \`nano-memoize\` with an object: \`isDeepStrictEqual\`. \`moize\` keeps one entry by default: it is given room for all.
  \`@type-cacheable/core\` keeps its entries in a \`Map\` or an \`LRUCache\` behind the least client possible, \`cache-manager\` its bounded ones in cacheable's memory store.
- *by hand* is no library: the least that keeps what Reprise promises of a run. A function knows on whose behalf it runs (an
  \`AsyncLocalStorage\` is entered for it), and whoever joins a run has a promise of his own, since a result that can be read only once
  is not for him. On Node 20 and 22 the first makes every promise of the process dearer; Node 24 has mended that.
- A figure does not say what a call is protected from: see what each of them does with errors, invalidations and falsy
  results before comparing.

${writeGrowth(results)}## Method

- **Processes.** Each row runs in ${effort.processes} new processes, one after the other, and each peer in ${effort.peerProcesses} of its own, so that no subject
  spoils what V8 learned about another. In each process run the limit, the limit once more, and one subject.
- **Copies.** The three get copies of the code that calls them (the same module under another query), since a loop that
  calls three functions inlines none. The two limits are copies as well.
- **Rounds.** ${effort.rounds} rounds in each process after a warm-up in turns. In a round each of the three is sampled once, in random order,
  for at least ${effort.sampleTime} ms (misses: 40 ms), after a minor collection. A round's figure is the subject's time
  over the mean of both limits', a process's the median of its rounds, a row's the median of its processes.
- **A/A.** The limit against itself goes through the same statistic: each process's median of its rounds. The spread is the
  median distance of these from 1, so it holds what the order, the copies and the place in memory alone can make.
- **Work.** A hit row calls 1,000 remembered keys in turn from an array made before, by the strings it was filled with;
  objects are other ones than those it was filled with, made before. No argument: sixteen functions in turn. Method: ten
  instances with 100 keys each. A miss row uses a new key for every call, with the cache full. The concurrent row makes
  10,000 calls at once and awaits them all; its ratio is that of the whole time, the function's own included.
- **Checks.** Every loop adds up the answers and the sum is compared, so nothing can be optimized away and nobody is fast by
  answering wrongly; miss and concurrent rows count the runs of the function too.
- **Codec.** Lists of records, of nested containers, of long texts, of whole and broken numbers, of which the JSON text has 1 KB or 64 KB; eight
  equal values in turn. The limit does what everybody writes by hand, and does not look at what it loses. The bytes are at most one more
  than those of the JSON text, or the row fails.
- **Memory.** 100,000 entries with new strings as keys and small objects as values, which are part of the figure; the heap
  and the array buffers after collecting, each sample in a process of its own, median of ${effort.memoryRounds} rounds.
- **Import.** The time of the first \`import\` in a new process, median of ${effort.importRounds} rounds, limit and subject in random order.
`;
}
