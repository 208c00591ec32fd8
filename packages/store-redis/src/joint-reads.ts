import type { Entry } from '@reprise/store';

/** So many keys are read by one command. */
const mostKeys = 500;

interface Asked {
  readonly key: string;
  readonly answer: (entry: Entry | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** All reads of one tick go to the server together. */
export class JointReads {
  readonly #read: (keys: readonly string[]) => Promise<readonly (Entry | undefined)[]>;
  #asked: Asked[] = [];

  constructor(read: (keys: readonly string[]) => Promise<readonly (Entry | undefined)[]>) {
    this.#read = read;
  }

  get(key: string): Promise<Entry | undefined> {
    return new Promise((answer, fail) => {
      this.#asked.push({ key, answer, fail });
      if (this.#asked.length === 1) process.nextTick(() => this.flush());
    });
  }

  /** Sends what waits: before a change, which they must not see. */
  flush(): void {
    const asked = this.#asked;
    if (asked.length === 0) return;
    this.#asked = [];
    for (let at = 0; at < asked.length; at += mostKeys) this.#send(asked.slice(at, at + mostKeys));
  }

  #send(asked: readonly Asked[]): void {
    this.#read(asked.map(({ key }) => key)).then(
      (entries) => {
        for (const [index, { answer }] of asked.entries()) answer(entries[index]);
      },
      (error: unknown) => {
        for (const { fail } of asked) fail(error);
      },
    );
  }
}
