import { ArgumentIndex } from './key/argument-index.ts';
import { capturePath } from './key/index-token.ts';
import type { Counts } from './stats.ts';

/** Where a call's entry is, as text. */
export interface KnownPlace {
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

  find(args: readonly unknown[]): KnownPlace | undefined {
    return args.length === 1 ? this.#index.find1(args[0]) : this.#index.find(args);
  }

  /** @throws KeyError when an argument cannot be read */
  note(args: readonly unknown[], { key, text, counts }: KnownPlace): void {
    if (this.#index.size >= most) this.#index.clear();
    this.#index.put(capturePath(args), { key, text, counts });
  }
}
