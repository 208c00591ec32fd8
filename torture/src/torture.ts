import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@reprise/store-testkit';
import { fillUp, forbidWrites, type Place, vanish } from './disturbances.ts';
import type { Ground } from './ground.ts';
import { killOneByOne, killTogether } from './kills.ts';
import { mutate } from './mutations.ts';
import type { Kind } from './protocol.ts';
import { Referee } from './referee.ts';
import { lookAtRemains, type Remains } from './remains.ts';

export const kinds: readonly Kind[] = ['disk', 'sqlite'];

interface Part {
  /** @returns where the files are, if not in the ground's folder */
  work(ground: Ground, times: number): Promise<Place | void>;
  /** The most characters of a value. */
  readonly longest?: number;
  /** Whether the store's own reports are expected, as where files are damaged; elsewhere each is a finding. */
  readonly reports: boolean;
}

const parts = {
  alone: { reports: false, work: (ground, times) => killOneByOne(ground, Math.ceil(20 * times)) },
  together: { reports: false, work: (ground, times) => killTogether(ground, Math.ceil(5 * times), 8) },
  mutations: { reports: true, work: (ground, times) => mutate(ground, Math.ceil(300 * times)) },
  vanished: { reports: true, work: (ground, times) => vanish(ground, Math.ceil(20 * times)) },
  full: { reports: true, longest: 90_000, work: (ground, times) => fillUp(ground, Math.ceil(10 * times)) },
  'read-only': { reports: true, work: (ground, times) => forbidWrites(ground, Math.ceil(2 * times)) },
} satisfies Record<string, Part>;

export type PartName = keyof typeof parts;
export const partNames = Object.keys(parts) as PartName[];

export interface Torture {
  readonly kind: Kind;
  readonly part: PartName;
  /** 1: as large as the tests want it. */
  readonly times: number;
  readonly seed: number;
  readonly mistake?: string;
  /** The worker's program, where it is not the built one. */
  readonly program?: string;
  readonly say?: (text: string) => void;
}

export interface Result {
  readonly kind: Kind;
  readonly part: PartName;
  readonly counts: ReadonlyMap<string, number>;
  /** What should never have happened. */
  readonly found: readonly string[];
  readonly remains: Remains | undefined;
  /** Why it was not done. */
  readonly skipped: string | undefined;
}

/** Does one part of the torture to one kind of store, in a folder of its own. */
export async function runTorture(torture: Torture): Promise<Result> {
  const { kind, part, times, seed, mistake, program, say = () => {} } = torture;
  const { work, longest, reports }: Part = parts[part];
  const referee = new Referee(longest);
  const folder = await mkdtemp(join(tmpdir(), `reprise-torture-${kind}-`));
  const undone: (() => Promise<unknown>)[] = [];
  const atEnd: Ground['atEnd'] = (undo) => undone.unshift(undo);
  try {
    const ground: Ground = { kind, folder, referee, random: seededRandom(seed), mistake, program, say, atEnd };
    const place = (await work(ground, times)) ?? { folder };
    const skipped = 'skipped' in place ? place.skipped : undefined;
    const remains = 'folder' in place ? await lookAtRemains(kind, place.folder) : undefined;
    for (const junk of remains?.junk ?? []) referee.find(`junk: ${junk}`);
    if (!reports) {
      for (const [what, count] of referee.counts) if (what.startsWith('report: ')) referee.find(`${what} (${count})`);
    }
    return { kind, part, counts: referee.counts, found: referee.found, remains, skipped };
  } finally {
    for (const undo of undone) await undo();
    await rm(folder, { recursive: true, force: true });
  }
}
