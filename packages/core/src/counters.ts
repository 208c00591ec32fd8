import type { Lease, Store } from '@reprise/store/contract';
import { atOnce, bounded, failureOf } from './bounded.ts';
import type { Breaker } from './breaker.ts';
import { isThenable } from './one-shot.ts';
import type { Sender } from './sender.ts';

/** What a store's counters were; `undefined`: it could not tell. */
export type Generation = number | string | undefined;

/** At once, or a promise, as the store is synchronous or not. */
export type Eventual<Result> = Result | Promise<Result>;

/**
 * The counters and leases of a store that several processes share, as the engine asks for them. What the store fails to answer is
 * `undefined`, and reported: no call waits longer for it than for an entry.
 */
export class Counters {
  /** Whether there are any. */
  readonly isKnown: boolean;
  readonly grantsLeases: boolean;
  readonly #store: Store;
  readonly #breaker: Breaker;

  constructor(store: Store, breaker: Breaker) {
    const { capabilities, generation, lease } = store;
    this.isKnown = capabilities?.fences === true && generation !== undefined;
    this.grantsLeases = this.isKnown && capabilities?.leases === true && lease !== undefined;
    this.#store = store;
    this.#breaker = breaker;
  }

  /** What a run that begins now takes along. */
  generation(sender: Sender): Eventual<Generation> {
    return this.#ask('generation', '', sender, true, () => this.#store.generation?.());
  }

  /** The lease of a key; `'taken'` where another process has it. One that comes too late is given back. */
  lease(key: string, sender: Sender): Eventual<Lease | 'taken' | undefined> {
    let isOver = false;
    const answer = this.#ask<Lease | 'taken'>('lease', key, sender, true, () => {
      const lease = this.#store.lease?.(key);
      if (!isThenable(lease)) return lease ?? 'taken';
      return lease.then((granted) => {
        if (isOver && granted !== undefined) this.release(granted, sender);
        return granted ?? 'taken';
      });
    });
    if (!(answer instanceof Promise)) return answer;
    return answer.then((granted) => {
      isOver = true;
      return granted;
    });
  }

  renew(lease: Lease, sender: Sender): Eventual<boolean | undefined> {
    return this.#ask('renew', lease.key, sender, false, () => this.#store.renew?.(lease));
  }

  release(lease: Lease, sender: Sender): void {
    void this.#ask('release', lease.key, sender, false, () => this.#store.release?.(lease));
  }

  /**
   * Whether nothing that covers a key has been invalidated since, by any process. What the store fails to tell is taken for no: whoever
   * waits for a run that it may have overtaken would get its old answer.
   */
  isCurrent(
    key: string,
    generation: number | string,
    tags: readonly string[] | undefined,
    sender: Sender,
  ): Eventual<boolean> {
    if (this.#store.isCurrent === undefined) return true;
    const answer = this.#ask('isCurrent', key, sender, true, () => this.#store.isCurrent?.(key, generation, tags));
    return answer instanceof Promise ? answer.then((current) => current === true) : answer === true;
  }

  /** @param waited whether a caller waits for the answer */
  #ask<Answer>(
    verb: string,
    key: string,
    sender: Sender,
    waited: boolean,
    operation: () => Eventual<Answer | void> | undefined,
  ): Eventual<Answer | undefined> {
    if (this.#breaker.isOpen) return undefined;
    const fail = (error: unknown): undefined => {
      this.#breaker.fail();
      sender.report(failureOf(verb, key, error), key);
      return undefined;
    };
    try {
      if (this.#store.sync) return atOnce(operation() as Answer | undefined);
      const what = key === '' ? verb : `${verb} of ${key}`;
      return bounded(async () => operation(), sender.limit(), what, waited).catch(fail) as Promise<Answer | undefined>;
    } catch (error) {
      return fail(error);
    }
  }
}
