import type { Lease } from '@reprise/store';
import { makeId } from './digest.ts';
import type { FenceLog } from './fence-log.ts';
import { type LeaseState, versionOf } from './fence-state.ts';
import { isDead, ownMark } from './process-mark.ts';
import { realTime } from './real-time.ts';

/**
 * The rights to run a function, as the log of invalidations has them: whoever asks notes that he takes the place of what he found, and the
 * first one to do so has it. An invalidation that stands behind it in the log ends it.
 */
export class Leases {
  readonly #log: FenceLog;
  readonly #namespace: string;
  readonly #duration: number;
  /** What this store has been granted, by token. */
  readonly #held = new Map<string, Lease>();

  constructor(log: FenceLog, namespace: string, duration: number) {
    this.#log = log;
    this.#namespace = namespace;
    this.#duration = duration;
  }

  /** @returns `undefined` where somebody else has it. @throws what the file system throws */
  grant(key: string): Lease | undefined {
    const found = this.#find(key);
    if (found !== undefined && !hasEnded(found)) return undefined;
    const token = makeId();
    const grant = { token, until: realTime() + this.#duration, holder: ownMark() };
    this.#log.append(['lease', this.#namespace, key, grant, versionOf(found)]);
    const granted = this.#find(key);
    if (granted?.token !== token) return undefined;
    const generation = this.#log.require().format(granted.at);
    const lease: Lease = { key, token, generation, duration: this.#duration };
    this.#held.set(token, lease);
    return lease;
  }

  renew({ key, token }: Lease): boolean {
    const found = this.#find(key);
    if (found?.token !== token || hasEnded(found)) {
      this.#held.delete(token);
      return false;
    }
    const until = realTime() + this.#duration;
    this.#log.append(['renew', this.#namespace, key, token, until]);
    const renewed = this.#find(key);
    return renewed?.token === token && renewed.until === until;
  }

  release({ key, token }: Lease): void {
    this.#held.delete(token);
    if (this.#find(key)?.token === token) this.#log.append(['release', this.#namespace, key, token]);
  }

  releaseAll(): void {
    for (const lease of [...this.#held.values()]) this.release(lease);
  }

  #find(key: string): LeaseState | undefined {
    return this.#log.look()?.leaseOf(this.#namespace, key);
  }
}

function hasEnded({ until, holder }: LeaseState): boolean {
  return until <= realTime() || isDead(holder);
}
