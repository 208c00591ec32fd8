import { type AsyncStore, type Entry, StoreError } from '@reprise/store/contract';

interface Asked {
  readonly resolve: (entry: Entry | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads of an asynchronous store. Those of one tick make one round trip where the store can answer several keys at once. */
export class JointReads {
  readonly #store: AsyncStore;
  readonly #isAble: boolean;
  /** What was asked for in this tick. */
  #asked: Map<string, Asked> | undefined;

  constructor(store: AsyncStore) {
    this.#store = store;
    this.#isAble = store.capabilities?.batches === true && store.getMany !== undefined;
  }

  /** What the store answers for a key; rejects or throws as it does. */
  get(key: string): Promise<Entry | undefined> {
    if (!this.#isAble) return this.#store.get(key);
    if (this.#asked === undefined) {
      this.#asked = new Map();
      queueMicrotask(() => this.#send());
    }
    const asked = this.#asked;
    // Each reader is to have an entry of his own.
    if (asked.has(key)) return this.#store.get(key);
    return new Promise((resolve, reject) => {
      asked.set(key, { resolve, reject });
    });
  }

  #send(): void {
    const asked = this.#asked as Map<string, Asked>;
    this.#asked = undefined;
    const keys = [...asked.keys()];
    this.#read(keys).then(
      (entries) => {
        for (const [index, key] of keys.entries()) asked.get(key)?.resolve(entries[index]);
      },
      (error: unknown) => {
        for (const { reject } of asked.values()) reject(error);
      },
    );
  }

  async #read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const [only] = keys;
    if (keys.length === 1) return [await this.#store.get(only as string)];
    const entries = await this.#store.getMany?.(keys);
    if (Array.isArray(entries) && entries.length === keys.length) return entries;
    throw new StoreError(`getMany of ${keys.length} keys did not answer an entry, or undefined, for each`);
  }
}
