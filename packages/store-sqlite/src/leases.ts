import { randomBytes } from 'node:crypto';
import type { Lease } from '@reprise/store';
import { writeGeneration } from './fences.ts';
import { type Holder, isDead, makeHolder } from './holder.ts';
import { fromColumn, type KeyColumn, toColumn } from './key-column.ts';
import type { Session } from './session.ts';

/** Leases live by the real clock, which no test can stop. */
const { now } = Date;

/** What one store has been granted, in the table of all leases. Each operation stands in a transaction of the caller's. */
export class Leases {
  readonly #duration: number;
  #holder: Holder | undefined;

  constructor(duration: number) {
    this.#duration = duration;
  }

  /** Whether there may be something to give back. */
  get isUsed(): boolean {
    return this.#holder !== undefined;
  }

  grant(session: Session, key: string, fullKey: string): Lease | undefined {
    this.#holder ??= makeHolder();
    const { store, host, pid, started } = this.#holder;
    const column = toColumn(fullKey);
    const held = session.statement('SELECT host, pid, started, until FROM leases WHERE key = ?').get(column) as
      | (Holder & { readonly until: number })
      | undefined;
    if (held !== undefined && held.until > now() && !isDead(held)) return undefined;
    const token = randomBytes(12).toString('hex');
    session
      .statement(
        'INSERT OR REPLACE INTO leases (key, token, store, host, pid, started, until) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(column, token, store, host, pid, started, now() + this.#duration);
    const generation = writeGeneration(session, session.epoch());
    return { key, token, generation, duration: this.#duration };
  }

  renew(session: Session, fullKey: string, token: string): boolean {
    const { changes } = session
      .statement('UPDATE leases SET until = ? WHERE key = ? AND token = ? AND until > ?')
      .run(now() + this.#duration, toColumn(fullKey), token, now());
    return Number(changes) === 1;
  }

  release(session: Session, fullKey: string, token: string): void {
    session.statement('DELETE FROM leases WHERE key = ? AND token = ?').run(toColumn(fullKey), token);
  }

  /** Gives back all that this store holds. */
  releaseAll(session: Session): void {
    if (this.#holder !== undefined) session.statement('DELETE FROM leases WHERE store = ?').run(this.#holder.store);
  }
}

/** An invalidation ends the lease of its key, whoever holds it. */
export function endLease(session: Session, fullKey: string): void {
  session.statement('DELETE FROM leases WHERE key = ?').run(toColumn(fullKey));
}

export function endLeases(session: Session, fullPrefix: string): void {
  // There are as many as there are runs under way.
  for (const { key } of session.statement('SELECT key FROM leases').all() as { key: KeyColumn }[]) {
    const fullKey = fromColumn(key);
    if (fullKey.startsWith(fullPrefix)) endLease(session, fullKey);
  }
}

/** Removes what was neither released nor renewed. */
export function sweepLeases(session: Session): void {
  session.statement('DELETE FROM leases WHERE until <= ?').run(now());
}
