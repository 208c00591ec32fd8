import { type RepriseError, Reports as StoreReports } from '@reprise/store';

/** What the store says: to its listeners, and in its errors, with the server's refusals in words. */
export class Reports extends StoreReports {
  constructor() {
    super('The Redis store');
  }

  /** Others that are Reprise's are parts of a sentence: what a client or the state is found to be. */
  protected override isTold(cause: unknown): cause is RepriseError {
    return super.isTold(cause) && cause.message.startsWith(this.store);
  }

  protected override reasonOf(cause: unknown): string {
    const reason = super.reasonOf(cause);
    // Before version 7 a script's error only quotes what it comes of.
    if (/(^|-)READONLY /.test(reason)) return `this server is a read-only replica (${reason})`;
    if (/(^|-)OOM /.test(reason)) return `the server's memory is full (${reason})`;
    if (/^NOPERM|can't run this command/.test(reason)) {
      return `the client's user may not do all that the store needs (${reason})`;
    }
    return reason;
  }
}
