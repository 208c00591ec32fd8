import type { Trace } from '@reprise/store/contract';
import { ArgumentIndex } from './key/argument-index.ts';
import { capturePath } from './key/index-token.ts';
import type { Counts } from './stats.ts';

/** Where a call's entry is, as text. */
export interface KnownPlace extends Trace {
  readonly key: string;
  readonly text: string;
  readonly counts: Counts;
}

/** Beyond so many they are learnt anew. */
const most = 10_000;

/**
 * The places of calls that were answered from this process's memory, found by their arguments: the next such call builds no text. The index
 * has the same equivalence as the text.
 */
export class KnownPlaces {
  readonly #index = new ArgumentIndex<KnownPlace>();

  find(args: ArrayLike<unknown>): KnownPlace | undefined {
    return this.#index.find(args);
  }

  find1(first: unknown): KnownPlace | undefined {
    return this.#index.find1(first);
  }

  /** @throws KeyError when an argument cannot be read */
  note(args: readonly unknown[], { key, text, counts }: Omit<KnownPlace, keyof Trace>): void {
    if (this.#index.size >= most) this.#index.clear();
    this.#index.put(capturePath(args), { key, text, counts, slot: -1, storedKey: undefined });
  }
}
