/** Finds what a job is about, as a fresh copy of the code, so that no two subjects share what V8 learned about it. */
import type { Feature, Features } from './feature.ts';
import { createGrowthLap } from './growth.ts';
import type { Job } from './job.ts';
import { rows } from './rows.ts';
import type { Lap, Timed } from './task.ts';

type Part = 'limit' | 'subject';

/** V8 keeps what it learned, and the code it optimized, per module: another query makes another module of a file. */
async function importFresh<Module>(file: string, copy: number): Promise<Module> {
  return (await import(new URL(`${file}?copy=${copy}`, import.meta.url).href)) as Module;
}

function findFeature(row: string): Feature {
  const found = rows.find(({ name }) => name === row);
  if (!found) throw new Error(`there is no row "${row}"`);
  return found.feature;
}

/** How the limit, Reprise or a peer makes a function remember, for the row of `job`. */
export async function findWrap(
  job: Exclude<Job, { kind: 'import' }>,
  part: Part,
  copy: number,
): Promise<Features[Feature]> {
  const feature = findFeature(job.row);
  if (part === 'limit') {
    return (await importFresh<typeof import('./limits.ts')>('./limits.js', copy)).limits[feature];
  }
  if (job.peer === undefined) {
    const { subjects } = await import('./reprise.ts');
    return subjects[job.row as keyof typeof subjects];
  }
  const { peers } = await import('./peers/index.ts');
  const wrap = peers.find(({ name }) => name === job.peer)?.features[feature];
  if (!wrap) throw new Error(`${job.peer} has no "${feature}"`);
  return wrap;
}

/** The work of the row of `job`, done by one part of it. */
export async function createLap(job: Extract<Job, { kind: 'time' }>, part: Part, copy: number): Promise<Lap> {
  const { row, peer } = job;
  const feature = findFeature(row);
  if (feature === 'redisHit2' || feature === 'redisHit4') {
    return await createGrowthLap(
      { kind: 'hit', row, part, ...(peer !== undefined && { peer }) },
      feature === 'redisHit2' ? 2 : 4,
    );
  }
  const wrap = await findWrap(job, part, copy);
  const { tasks } = await importFresh<typeof import('./task.ts')>('./task.js', copy);
  const loops = await importFresh<typeof import('./loops.ts')>('./loops.js', copy);
  const task = tasks[feature as Timed] as (wrap: unknown, of: typeof loops) => Promise<Lap>;
  return await task(wrap, loops);
}
