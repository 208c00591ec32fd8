import { setTimeout } from 'node:timers';
import type { Lease, MemoryRecord } from '@reprise/store/contract';
import { steadyNow } from './bounded.ts';
import type { Counters, Eventual } from './counters.ts';
import type { Flight } from './flight.ts';
import { isThenable } from './one-shot.ts';
import { Permit, Renewal } from './permit.ts';
import type { Sender } from './sender.ts';

/** A run that may be admitted. */
export interface Applicant {
  readonly flight: Flight;
  readonly key: string;
  /** Whether the run of another process is as good. */
  readonly shares: boolean;
  readonly sender: Sender;
  /** What another process may have stored for it meanwhile; `undefined` where that is no answer. */
  look(): Eventual<MemoryRecord | undefined>;
}

const firstPause = 5;
const longestPause = 200;
/** A run that others wait for does not wait for another process without end: that one may be waiting for it. */
const longestNestedWait = 5_000;

/**
 * Admits runs of functions whose entries are shared with other processes: tells each what the counters are, and lets one process at
 * a time run the function of a key where the store grants leases. The others wait for what it stores.
 */
export class Admission {
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /**
   * Before a run begins.
   * @returns what another process has stored, which is the answer; `undefined`: the function is to be run
   */
  admit(applicant: Applicant): Eventual<MemoryRecord | undefined> {
    const { key, shares, sender } = applicant;
    const counters = this.#counters;
    if (shares && counters.grantsLeases) {
      const asked = steadyNow();
      return then(counters.lease(key, sender), (lease) =>
        lease === 'taken' ? this.#wait(applicant) : this.#take(applicant, lease, asked),
      );
    }
    return then(counters.generation(sender), (generation) => this.#permit(applicant, new Permit(generation)));
  }

  /** Whether another process has invalidated the key of a run, or one of these labels, since it began. */
  isOvertaken({ key, permit }: Flight, tags: readonly string[] | undefined, sender: Sender): Eventual<boolean> {
    if (permit?.generation === undefined) return false;
    return then(this.#counters.isCurrent(key as string, permit.generation, tags, sender), (isCurrent) => !isCurrent);
  }

  /** @param asked when the lease was asked for */
  #take(applicant: Applicant, lease: Lease | undefined, asked: number): Eventual<MemoryRecord | undefined> {
    if (lease === undefined) return this.#goWithout(applicant, asked);
    const permit = new Permit(lease.generation, new Renewal(lease, this.#counters, applicant.sender));
    // Whoever had the lease before may have stored something since it was looked for.
    return then(applicant.look(), (record) => {
      if (record === undefined) return this.#permit(applicant, permit);
      permit.end();
      return record;
    });
  }

  /** A store that takes no writes may still be read: the run is judged by its counters, if that takes no longer than one answer may. */
  #goWithout(applicant: Applicant, asked: number): Eventual<undefined> {
    const { sender } = applicant;
    const took = steadyNow() - asked;
    // One that was too slow is not asked once more.
    if (took > sender.limit() / 2) return this.#permit(applicant, new Permit(undefined));
    const generation = this.#counters.generation({ ...sender, limit: () => sender.limit() - took });
    return then(generation, (found) => this.#permit(applicant, new Permit(found)));
  }

  /** The stale entry that may take the place of an error must still be one: what is invalidated from now on, the permit tells. */
  #permit({ flight, key, sender }: Applicant, permit: Permit): Eventual<undefined> {
    flight.permit = permit;
    const { fence, tags } = flight.fallback?.rest ?? {};
    if (fence === undefined) return undefined;
    return then(this.#counters.isCurrent(key, fence, tags, sender), (isCurrent) => {
      if (isCurrent) return undefined;
      flight.fallback = undefined;
      flight.isUncounted = false;
      return undefined;
    });
  }

  /** Another process runs the function: its result is waited for, or its end. */
  async #wait(applicant: Applicant): Promise<MemoryRecord | undefined> {
    const { flight, key, sender } = applicant;
    let waited = 0;
    for (let length = firstPause; ; length = Math.min(2 * length, longestPause)) {
      await pause(length, !flight.isBehind);
      waited += length;
      if (flight.voided || flight.notes?.controller?.signal.aborted) return undefined;
      const record = await applicant.look();
      if (record !== undefined) return record;
      // The other one may be waiting for a run of this process.
      if (flight.isNested && waited >= longestNestedWait) {
        // Without a lease, but judged by the counters of now.
        return this.#permit(applicant, new Permit(await this.#counters.generation(sender)));
      }
      const asked = steadyNow();
      const lease = await this.#counters.lease(key, sender);
      if (lease !== 'taken') return this.#take(applicant, lease, asked);
    }
  }
}

function then<Answer, Result>(answer: Eventual<Answer>, next: (answer: Answer) => Eventual<Result>): Eventual<Result> {
  return isThenable(answer) ? (answer as Promise<Answer>).then(next) : next(answer as Answer);
}

/** @param waited whether a caller waits, for whose sake the process goes on */
function pause(length: number, waited: boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, length);
    if (!waited) timer.unref();
  });
}
