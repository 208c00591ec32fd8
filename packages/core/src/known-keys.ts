/** As many keys are remembered one by one; of further ones only how many they are. */
const most = 10_000;

/**
 * The keys of one function that this process has written to a store and not seen leave: what `stats().size` can say at once of a store
 * that answers later. Entries of other processes, and those that went unnoticed, are not part of it.
 */
export class KnownKeys {
  readonly #keys = new Set<string>();
  #more = 0;

  get size(): number {
    return this.#keys.size + this.#more;
  }

  /** Whether it is one of them; of those that are only counted nobody knows. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  countPrefix(prefix: string): number {
    let count = 0;
    for (const key of this.#keys) if (key.startsWith(prefix)) count++;
    return count;
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    if (this.#keys.size < most) this.#keys.add(key);
    else this.#more++;
  }

  delete(key: string): void {
    if (!this.#keys.delete(key) && this.#more > 0 && this.#keys.size === most) this.#more--;
  }

  /** Forgets the keys that begin so; of those that were only counted, all. */
  deletePrefix(prefix: string): void {
    for (const key of this.#keys) if (key.startsWith(prefix)) this.#keys.delete(key);
    this.#more = 0;
  }
}
