/** For so many keys it is known where their entries lie. Beyond that all is learnt anew. */
const most = 10_000;

/** Stands for the row of a key that was read once. */
export const unknown = 0;

/**
 * The numbers of the rows of keys that are read again and again: to find a row by its number is a fifth faster than by
 * its key. A number may have passed to another key, which the envelope tells.
 */
export class KnownRows {
  readonly #ids = new Map<string, number>();

  /** @returns the number; {@link unknown} for a key that was asked for before, which is worth to be learnt; `undefined` for others */
  get(key: string): number | undefined {
    const id = this.#ids.get(key);
    if (id === undefined) this.set(key, unknown);
    return id;
  }

  set(key: string, id: number = unknown): void {
    if (this.#ids.size >= most && !this.#ids.has(key)) this.#ids.clear();
    this.#ids.set(key, id);
  }

  /** @returns whether it was known */
  forget(key: string): boolean {
    const id = this.#ids.get(key);
    if (id === undefined || id === unknown) return false;
    return this.#ids.delete(key);
  }
}
