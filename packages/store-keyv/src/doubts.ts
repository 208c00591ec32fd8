/** So many keys are told apart. */
const most = 100;

/**
 * Keys under which an entry may still arrive: its write has failed, or was given up, and may be on its way all the same. Before the next
 * change of such a key, what may arrive is made void; else it could take the place of something newer, or of nothing.
 */
export class Doubts {
  readonly #keys = new Set<string>();
  /** More of them than are told apart. */
  #isEverywhere = false;
  #last: Promise<void> = Promise.resolve();

  add(key: string): void {
    if (this.#keys.size < most) this.#keys.add(key);
    else this.#isEverywhere = true;
  }

  /**
   * @param voidAll makes void what was written under all keys with a beginning
   * @throws what it throws; the doubt stays then
   */
  async settle(key: string, voidAll: (prefix: string) => Promise<void>): Promise<void> {
    if (!this.#isEverywhere && !this.#keys.has(key)) return;
    // One after the other: two clears at once may void everything.
    const turn = this.#last.then(() => this.#settle(key, voidAll));
    this.#last = turn.catch(() => {});
    await turn;
  }

  async #settle(key: string, voidAll: (prefix: string) => Promise<void>): Promise<void> {
    if (this.#isEverywhere) {
      await voidAll('');
      this.#isEverywhere = false;
      this.#keys.clear();
    } else if (this.#keys.has(key)) {
      await voidAll(key);
      this.#keys.delete(key);
    }
  }
}
