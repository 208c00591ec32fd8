import { codecFeatures } from './codec.ts';
import type { Absence, Feature, Features, Peer } from './feature.ts';
import { limits } from './limits.ts';
import { peers } from './peers/index.ts';
import { runJob } from './process.ts';
import { createRandom, shuffle } from './random.ts';
import type { Row } from './rows.ts';
import type { Comparison, Round } from './statistics.ts';
import { compareRounds, isWithinBudget } from './statistics.ts';

/** How much is measured. */
export interface Effort {
  /** Processes per row, and per peer in a row. */
  readonly processes: number;
  readonly peerProcesses: number;
  /** Rounds in each process. */
  readonly rounds: number;
  readonly sampleTime: number;
  readonly warmUpTime: number;
  readonly memoryRounds: number;
  readonly importRounds: number;
  readonly peerImportRounds: number;
}

export const efforts: { readonly full: Effort; readonly quick: Effort } = {
  full: {
    processes: 5,
    peerProcesses: 1,
    rounds: 21,
    sampleTime: 10,
    warmUpTime: 200,
    memoryRounds: 5,
    importRounds: 21,
    peerImportRounds: 15,
  },
  quick: {
    processes: 1,
    peerProcesses: 1,
    rounds: 15,
    sampleTime: 4,
    warmUpTime: 80,
    memoryRounds: 3,
    importRounds: 15,
    peerImportRounds: 5,
  },
};

/** What a peer's cell says: how it compares, why it cannot, or how it failed. */
export type PeerResult =
  | { readonly comparison: Comparison }
  | { readonly absence: Absence }
  | { readonly failure: string };

export interface RowResult {
  readonly row: Row;
  readonly reprise: { readonly comparison: Comparison; readonly holds: boolean } | { readonly failure: string };
  readonly peers: ReadonlyMap<string, PeerResult>;
}

export interface MeasureOptions {
  readonly effort: Effort;
  readonly seed: number;
  /** Reprise serves other functions in the same process first. */
  readonly crowded: boolean;
  /** Peers that were measured already, filled on the way; undefined: none are wanted. */
  readonly known: PeerResults | undefined;
  /** Told what is being measured. */
  readonly onStep: (step: string) => void;
}

/** What the peers did, by feature: rows that differ in Reprise's part only share it. */
export type PeerResults = Map<Feature, ReadonlyMap<string, PeerResult>>;

/** Measures Reprise in `row`, then each peer that can do it. Never rejects because of a peer or of Reprise. */
export async function measureRow(row: Row, options: MeasureOptions): Promise<RowResult> {
  const { effort, seed, crowded, known, onStep } = options;
  onStep('Reprise');
  const own = await attempt(() => compare(row, undefined, effort, seed, crowded));
  const measured = known && (known.get(row.feature) ?? (await measurePeers(row, options)));
  if (measured) known.set(row.feature, measured);
  return {
    row,
    reprise: 'failure' in own ? own : { ...own, holds: isWithinBudget(own.comparison, row.budget) },
    peers: measured ?? new Map(),
  };
}

async function measurePeers(row: Row, { effort, seed, onStep }: MeasureOptions): Promise<Map<string, PeerResult>> {
  const results = new Map<string, PeerResult>();
  for (const peer of peers) {
    const absence = findAbsence(peer, row);
    if (absence) {
      results.set(peer.name, { absence });
      continue;
    }
    onStep(peer.name);
    results.set(peer.name, await attempt(() => compare(row, peer, effort, seed)));
  }
  return results;
}

function findAbsence(peer: Peer, row: Row): Absence | undefined {
  if (peer.features[row.feature] !== undefined) return undefined;
  if (/^(disk|sqlite)/.test(row.feature)) return 'disk';
  if (/^(redis|tiered)/.test(row.feature)) return 'redis';
  if (codecFeatures.some((name) => name === row.feature)) return 'codec';
  return peer.absent[row.feature] ?? peer.absent.other ?? 'wrapper';
}

async function attempt(measure: () => Promise<Comparison>): Promise<{ comparison: Comparison } | { failure: string }> {
  try {
    return { comparison: await measure() };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

async function compare(
  row: Row,
  peer: Peer | undefined,
  effort: Effort,
  seed: number,
  crowded = false,
): Promise<Comparison> {
  const importRounds = peer ? effort.peerImportRounds : effort.importRounds;
  const of = peer ? { row: row.name, peer: peer.name } : { row: row.name };
  if (row.feature === 'memory') {
    const measure = (subject: 'limit' | 'subject') => runJob<number>({ kind: 'memory', ...of, subject });
    return compareRounds(
      [
        await pairProcesses(
          effort.memoryRounds,
          seed,
          () => measure('limit'),
          () => measure('subject'),
        ),
      ],
      row.scale,
    );
  }
  if (row.feature === 'importing') {
    const measure = (name: Features['importing']) => runJob<number>({ kind: 'import', name });
    const name = peer?.features.importing ?? '@reprise/core';
    const limit = () => measure(limits.importing);
    return compareRounds([await pairProcesses(importRounds, seed, limit, () => measure(name))], row.scale);
  }
  const perProcess: Round[][] = [];
  // A full `Map` makes itself anew from time to time: the sample must be long enough to hold its share of that.
  const sampleTime = row.feature === 'evicting' ? Math.max(40, effort.sampleTime) : effort.sampleTime;
  for (let number = 0; number < (peer ? effort.peerProcesses : effort.processes); number++) {
    perProcess.push(
      await runJob<Round[]>({ kind: 'time', ...of, crowded, options: { ...effort, sampleTime, seed: seed + number } }),
    );
  }
  // Nanoseconds; where it is a difference, people want milliseconds.
  return compareRounds(row.scale === 'ratio' ? perProcess : perProcess.map(inMilliseconds), row.scale);
}

function inMilliseconds(rounds: readonly Round[]): Round[] {
  return rounds.map(({ limit, again, subject }) => ({
    limit: limit / 1e6,
    again: again / 1e6,
    subject: subject / 1e6,
  }));
}

/** Rounds in which each sample is a process of its own, in random order. */
async function pairProcesses(
  count: number,
  seed: number,
  limit: () => Promise<number>,
  subject: () => Promise<number>,
): Promise<Round[]> {
  const random = createRandom(seed);
  const measures = { limit, again: limit, subject };
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    const taken = { limit: 0, again: 0, subject: 0 };
    for (const name of shuffle(['limit', 'again', 'subject'] as const, random)) {
      taken[name] = await measures[name]();
    }
    rounds.push(taken);
  }
  return rounds;
}
