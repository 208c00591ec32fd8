import { Fleet } from './fleet.ts';
import { Play, type Rules } from './play.ts';
import type { Kind } from './protocol.ts';
import type { Referee } from './referee.ts';

/** Where, with whom and how a part of the torture is done. */
export interface Ground {
  readonly kind: Kind;
  readonly folder: string;
  readonly referee: Referee;
  readonly random: () => number;
  readonly mistake?: string | undefined;
  /** The worker's program, where it is not the built one. */
  readonly program?: string | undefined;
  /** Says how far it is. */
  readonly say: (text: string) => void;
  /** Has something undone when what is left has been looked at, the last first. */
  readonly atEnd: (undo: () => Promise<unknown>) => void;
}

/** A play whose processes are on a ground, and end with it. */
export function makePlay({ kind, folder, referee, random, mistake, program, atEnd }: Ground, rules: Rules): Play {
  const { leaseDuration } = rules;
  const setting = { kind, folder, leaseDuration, mistake, program };
  const play = new Play((plan) => new Fleet(setting, referee, plan), referee, random, rules);
  atEnd(() => play.fleet.killAll());
  return play;
}
