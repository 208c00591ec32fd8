import Table from 'cli-table3';
import type { Absence } from './feature.ts';
import type { PeerResult, RowResult } from './measure.ts';
import { peers } from './peers/index.ts';
import type { Comparison, Scale } from './statistics.ts';

/** Why a cell is empty: a mark for the cell, and what it means. */
const absences: { readonly [Name in Absence]: readonly [mark: string, meaning: string] } = {
  async: ['- a', 'asynchronous only: it answers every call with a promise'],
  bounds: ['- b', 'has no ttl and size limit of its own, or one without the other'],
  wrapper: ['- w', 'a container: wraps no such function'],
  shared: ['- c', 'each function has its own cache: nothing to share'],
  method: ['- m', 'does not remember methods per instance'],
  limit: ['- l', 'is the limit of the row'],
  slow: ['- q', 'searches a list: filling it takes minutes'],
  unbounded: ['- u', 'always bounded'],
  disk: ['- d', 'keeps no files of its own, or cannot do this with them'],
  redis: ['- r', 'keeps nothing on a Redis server by itself, or has no row for when that is down'],
  promises: ['- h', 'measured only where promises alone cost more than the limit'],
  codec: ['- n', 'makes no bytes of values'],
};

const failureMark = 'fails';

/** A figure for a reader: three digits at most, `+` and the unit where it is a difference. */
function formatValue(value: number, scale: Scale): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return scale === 'ratio' ? text : `${value < 0 ? '' : '+'}${text} ms`;
}

export const verdicts = { holds: '✓', missed: '✗', failed: '! failed' } as const;

export function nameVerdict({ reprise }: RowResult): keyof typeof verdicts {
  if ('failure' in reprise) return 'failed';
  return reprise.holds ? 'holds' : 'missed';
}

/** The cells of the first table. */
export const budgetHeads = ['path', 'limit', 'at most', 'Reprise', 'processes', '± A/A', ''] as const;

export function listBudgetCells(result: RowResult): string[] {
  const { row, reprise } = result;
  const { path, limit, budget, scale } = row;
  const cells = [path, limit, formatValue(budget, scale)];
  if ('failure' in reprise) return [...cells, '-', '-', '-', verdicts.failed];
  const { value, spread, low, high } = reprise.comparison;
  const range = row.feature === 'memory' || row.feature === 'importing' ? '' : formatRange(low, high, scale);
  const spreadText = formatValue(spread, scale).replace('+', '');
  return [...cells, formatValue(value, scale), range, spreadText, verdicts[nameVerdict(result)]];
}

function formatRange(low: number, high: number, scale: Scale): string {
  return low === high ? '' : `${formatValue(low, scale)}–${formatValue(high, scale)}`;
}

/** The cells of the second table: Reprise and the peers that were measured. */
export const peerHeads: readonly string[] = ['path', 'Reprise', ...peers.map(({ name }) => name)];

export function listPeerCells({ row, reprise, peers: measured }: RowResult): string[] {
  const own = 'failure' in reprise ? failureMark : formatValue(reprise.comparison.value, row.scale);
  return [row.path, own, ...peers.map(({ name }) => formatPeer(measured.get(name), row.scale))];
}

function formatPeer(result: PeerResult | undefined, scale: Scale): string {
  if (!result) return '';
  if ('absence' in result) return absences[result.absence][0];
  if ('failure' in result) return failureMark;
  const { comparison } = result;
  return formatValue(comparison.value, scale);
}

/** The marks that `results` use, explained, and how Reprise and the peers failed. */
export function listNotes(results: readonly RowResult[]): string[] {
  const cells = results.flatMap(({ peers: measured }) => [...measured.values()]);
  const used = new Set(cells.flatMap((cell) => ('absence' in cell ? [cell.absence] : [])));
  const failures = results.flatMap(({ row, reprise, peers: measured }) =>
    [['Reprise', reprise] as const, ...measured].flatMap(([name, cell]) =>
      'failure' in cell ? [`${name} fails in "${row.path.replaceAll('`', '')}": ${cell.failure}`] : [],
    ),
  );
  const legend = (Object.keys(absences) as Absence[])
    .filter((absence) => used.has(absence))
    .map((absence) => `"${absences[absence][0]}": ${absences[absence][1]}`);
  return [...legend, ...failures];
}

const plain = { head: [], border: [], compact: true };
const withoutTicks = (cells: readonly string[]): string[] => cells.map((cell) => cell.replaceAll('`', ''));

/** Both tables and their notes, for a terminal. */
export function printTables(results: readonly RowResult[], withPeers: boolean): string {
  const aligned = (columns: number, first: number): ('left' | 'right')[] =>
    Array.from({ length: columns }, (_, index) => (index < first ? 'left' : 'right'));
  const budgets = new Table({
    head: [...budgetHeads],
    colAligns: aligned(budgetHeads.length, 2),
    style: plain,
  });
  budgets.push(...results.map((result) => withoutTicks(listBudgetCells(result))));
  const parts = [budgets.toString()];
  if (withPeers) {
    const besides = new Table({
      head: peerHeads.map((name) => name.replace('@type-cacheable/core', 'type-cacheable').replaceAll('-', '-\n')),
      colAligns: aligned(peerHeads.length, 1),
      style: { ...plain, 'padding-left': 1, 'padding-right': 0 },
    });
    besides.push(...results.map((result) => withoutTicks(listPeerCells(result))));
    parts.push(besides.toString());
  }
  parts.push(...listNotes(results));
  return parts.join('\n');
}

/** One line for the progress display. */
export function summarize(result: RowResult): string {
  const { row, reprise } = result;
  if ('failure' in reprise) return `${row.name}: ${reprise.failure}`;
  const { value, spread }: Comparison = reprise.comparison;
  const figures = `${formatValue(value, row.scale)} (± ${formatValue(spread, row.scale).replace('+', '')})`;
  return `${row.name}: ${figures} of at most ${formatValue(row.budget, row.scale)} ${verdicts[nameVerdict(result)]}`;
}
