import { performance } from 'node:perf_hooks';

/** So much a clock may be wrong, of the time that has gone by since it was compared. */
const drift = 0.000_2;

/**
 * What time it is on the server, as far as its answers tell: between two bounds, which are as far apart as the fastest answer took.
 * This process's wall clock plays no part in it, and may jump.
 */
export class ServerTime {
  #earliest = 0;
  #latest = 0;
  #learntAt = Number.NEGATIVE_INFINITY;

  get isKnown(): boolean {
    return this.#learntAt !== Number.NEGATIVE_INFINITY;
  }

  /** For how many milliseconds nothing was learnt. */
  get age(): number {
    return performance.now() - this.#learntAt;
  }

  /** Another server tells the time from now on. */
  forget(): void {
    this.#learntAt = Number.NEGATIVE_INFINITY;
  }

  /** @param sentAt when the question was sent, by `performance.now()` */
  learn(serverTime: number, sentAt: number): void {
    const now = performance.now();
    const [earliest, latest] = [serverTime - now, serverTime - sentAt];
    const slack = this.isKnown ? drift * (now - this.#learntAt) : 0;
    this.#earliest -= slack;
    this.#latest += slack;
    const agrees = this.isKnown && earliest <= this.#latest && latest >= this.#earliest;
    this.#earliest = agrees ? Math.max(this.#earliest, earliest) : earliest;
    this.#latest = agrees ? Math.min(this.#latest, latest) : latest;
    this.#learntAt = now;
  }

  /** No later than it is: the age of what is written is not made younger. */
  earliest(): number {
    return performance.now() + this.#earliest;
  }

  /** No earlier than it is: what is read is not taken for younger than it is. */
  latest(): number {
    return performance.now() + this.#latest;
  }
}
