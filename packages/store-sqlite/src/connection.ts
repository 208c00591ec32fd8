import { performance } from 'node:perf_hooks';
import { type Reports, StoreError } from '@reprise/store';
import { moveAside } from './damaged-file.ts';
import { kindOf, type OpenDatabase } from './driver.ts';
import { identityOf, openFile, type Session } from './session.ts';

const { now: realNow } = Date;
/** For how many milliseconds reads trust that the file under the name is still the one that is open. */
const trustedFor = 100;
/** How often in one operation a damaged file is replaced. */
const attempts = 3;

/**
 * The way to the file. It is opened when first needed, and again when another one has taken its place: a deleted or a damaged
 * one is noticed by the next write, and by reads within a tenth of a second. Nothing that leaves here is SQLITE_BUSY.
 */
export class Connection {
  readonly #filename: string;
  readonly #open: OpenDatabase;
  readonly #lockTimeout: number;
  readonly #reports: Reports;
  #session: Session | undefined;
  /** What an operation has found, and the next look at the file will mend. */
  #damage: { readonly identity: string; readonly cause: unknown } | undefined;
  #checkedAt = 0;
  #isClosed = false;

  constructor(filename: string, open: OpenDatabase, lockTimeout: number, reports: Reports) {
    this.#filename = filename;
    this.#open = open;
    this.#lockTimeout = lockTimeout;
    this.#reports = reports;
  }

  refuseWhenClosed(): void {
    if (this.#isClosed) throw this.#reports.closed();
  }

  /**
   * The open file, if there is one that needs no other look: for reads that are tried before {@link read}.
   *
   * @param now by the real clock
   */
  trusted(now: number): Session | undefined {
    const passed = now - this.#checkedAt;
    // The clock may have been put back.
    return passed >= 0 && passed < trustedFor ? this.#session : undefined;
  }

  /** Reads; sees all that was committed, by whomever. `work` may run more than once. */
  read<Result>(what: string, work: (session: Session) => Result): Result {
    this.refuseWhenClosed();
    const session = this.trusted(realNow());
    if (session !== undefined) {
      try {
        return work(session);
      } catch {
        // Once more, as if it were the first time.
      }
    }
    return this.#attempt(what, () => work(this.#verify()));
  }

  /** Does all of `work` or nothing, with nobody else writing meanwhile. `work` may run more than once. */
  write<Result>(what: string, work: (session: Session) => Result): Result {
    this.refuseWhenClosed();
    return this.#attempt(what, () => {
      const session = this.#verify();
      session.statement('BEGIN IMMEDIATE').run();
      try {
        const result = work(session);
        session.statement('COMMIT').run();
        return result;
      } catch (error) {
        try {
          session.database.exec('ROLLBACK');
        } catch {
          // SQLite has done it itself.
        }
        session.forget();
        throw error;
      }
    });
  }

  /** Runs what may not stand in a transaction. */
  maintain(what: string, work: (session: Session) => void): void {
    this.refuseWhenClosed();
    this.#attempt(what, () => work(this.#verify()));
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #verify(): Session {
    this.#checkedAt = realNow();
    const session = this.#session;
    if (session !== undefined) {
      if (identityOf(this.#filename) === session.identity) return session;
      this.#drop();
    }
    const damage = this.#damage;
    this.#damage = undefined;
    if (damage !== undefined) this.#replace(damage.identity, damage.cause);
    for (let attempt = 1; ; attempt++) {
      const opened = openFile(this.#filename, this.#open, (error) => kindOf(error) === 'damaged');
      if ('session' in opened) {
        this.#session = opened.session;
        return opened.session;
      }
      if (attempt === attempts) throw opened.cause ?? new StoreError('it is damaged');
      this.#replace(opened.damaged, opened.cause);
    }
  }

  #drop(): void {
    const session = this.#session;
    this.#session = undefined;
    try {
      session?.close();
    } catch {
      // It is given up in any case.
    }
  }

  #replace(identity: string, cause: unknown): void {
    moveAside(this.#filename, identity, this.#open, this.#lockTimeout);
    this.#reports.failed(
      new StoreError(`The SQLite store's file ${this.#filename} was damaged; it is now at ${this.#filename}-damaged`, {
        cause,
      }),
    );
  }

  #attempt<Result>(what: string, work: () => Result): Result {
    let deadline = 0;
    for (let replaced = 0, busy = 0; ; ) {
      try {
        return work();
      } catch (error) {
        const kind = kindOf(error);
        // SQLite's own waiting doubles its steps: of two that write all the time one would stand still for a tenth of a second.
        if (busy === 0) deadline = performance.now() + this.#lockTimeout;
        if (kind === 'busy' && performance.now() < deadline) pause(Math.min(0.1 * 1.5 ** busy++, 2));
        else if (kind === 'damaged' && replaced++ < attempts && this.#session !== undefined) {
          this.#damage = { identity: this.#session.identity, cause: error };
          this.#drop();
        } else throw this.#failure(what, kind, error);
      }
    }
  }

  #failure(what: string, kind: string, cause: unknown): unknown {
    // Not of SQLite, nor of the operating system: a callback's, or a defect.
    if (typeof (cause as { readonly code?: unknown } | null)?.code !== 'string') return cause;
    const reasons: Readonly<Record<string, string>> = {
      busy: `another process has been writing for longer than lockTimeout (${this.#lockTimeout} ms)`,
      full: 'the disk is full',
    };
    return this.#reports.failure(what, cause, reasons[kind]);
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
