import { fromColumn, type KeyColumn, numberOf, toColumn } from './key-column.ts';
import type { Session } from './session.ts';

/** Beyond so many fences of a kind the older half is given up, and with it all that was given before. */
const most = { fences: 100_000, prefix_fences: 1_000 } as const;
/** So many may be added before they are counted. */
const countedEach = 1_000;

/** What a write is judged by. */
export interface Judged {
  /** With its namespace in front. */
  readonly fullKey: string;
  readonly tags: readonly string[] | undefined;
}

/** What was given before is void: what would be needed to judge it has been given up. */
function readFloor(session: Session): number {
  return session.value('SELECT floor AS value FROM state') as number;
}

/** The counter as an answer to `generation()`: no other file has ever given the same text. */
export function writeGeneration(session: Session, epoch: number): string {
  return `${session.mark}:${epoch}`;
}

/** The epoch in a text that this file may have given; `undefined` for any other. */
export function readGeneration(session: Session, generation: unknown): number | undefined {
  if (typeof generation !== 'string') return undefined;
  const { mark } = session;
  if (generation.length > mark.length + 17 || !generation.startsWith(mark)) return undefined;
  const found = Number(generation.slice(mark.length + 1));
  return Number.isSafeInteger(found) && found >= 0 && `${mark}:${found}` === generation ? found : undefined;
}

/**
 * Whether anything that covers a write has been invalidated since its run began.
 *
 * @param epoch what the counter was then; one that was never reached is void as well
 * @param now what the counter is
 */
export function isVoid(session: Session, write: Judged, epoch: number, now: number): boolean {
  if (epoch === now) return false;
  if (epoch > now || epoch < readFloor(session)) return true;
  if (isNewer(session, numberOf('key', write.fullKey), epoch)) return true;
  for (const tag of write.tags ?? []) if (isNewer(session, numberOf('tag', tag), epoch)) return true;
  const prefixes = session.statement('SELECT prefix FROM prefix_fences WHERE epoch > ?').all(epoch);
  return (prefixes as { prefix: KeyColumn }[]).some(({ prefix }) => write.fullKey.startsWith(fromColumn(prefix)));
}

function isNewer(session: Session, number: number, epoch: number): boolean {
  const fence = session.value('SELECT epoch AS value FROM fences WHERE number = ?', number) as number | undefined;
  return fence !== undefined && fence > epoch;
}

export function fenceKey(session: Session, fullKey: string): void {
  setFence(session, numberOf('key', fullKey), raise(session));
}

export function fenceTags(session: Session, tags: readonly string[]): void {
  const epoch = raise(session);
  for (const tag of tags) setFence(session, numberOf('tag', tag), epoch);
}

/** @param fullPrefix with the namespace in front, and so never empty */
export function fencePrefix(session: Session, fullPrefix: string): void {
  session
    .statement(
      'INSERT INTO prefix_fences (prefix, epoch) VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch',
    )
    .run(toColumn(fullPrefix), raise(session));
  limit(session);
}

function setFence(session: Session, number: number, epoch: number): void {
  session
    .statement('INSERT INTO fences (number, epoch) VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch')
    .run(number, epoch);
  limit(session);
}

/** How often this process has invalidated something, in whatever file. */
let raised = 0;

export function countRaised(): number {
  return raised;
}

function raise(session: Session): number {
  raised++;
  session.statement('UPDATE state SET epoch = epoch + 1').run();
  return session.epoch();
}

function limit(session: Session): void {
  if (++session.fencesSet < countedEach) return;
  session.fencesSet = 0;
  limitFences(session);
}

/** Gives up the older half of the fences where there are too many. A counter that is missing voids what it guards. */
export function limitFences(session: Session): void {
  for (const table of ['fences', 'prefix_fences'] as const) {
    const count = session.value(`SELECT count(*) AS value FROM ${table}`) as number;
    if (count <= most[table]) continue;
    const middle = Math.floor(count / 2);
    const epoch = session.value(
      `SELECT epoch AS value FROM ${table} ORDER BY epoch LIMIT 1 OFFSET ?`,
      middle,
    ) as number;
    session.statement(`DELETE FROM ${table} WHERE epoch <= ?`).run(epoch);
    session.statement('UPDATE state SET floor = max(floor, ?)').run(epoch);
  }
}
