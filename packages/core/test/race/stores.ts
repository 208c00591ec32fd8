import type { AsyncStore, Entry, SyncStore } from '@reprise/store';

export type Verb = 'get' | 'set' | 'delete' | 'clear' | 'invalidateTags';

/** An operation sent to a {@link DeferredStore} and not answered yet. */
interface Operation {
  readonly verb: Verb;
  readonly apply: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** `undefined` until it was applied. */
  applied: { readonly result: unknown } | undefined;
}

/**
 * An asynchronous store that does nothing by itself: each operation is applied, and answered, when it is told to, in any order. It
 * never lets an entry expire, as one with a slow clock would not.
 */
export class DeferredStore implements AsyncStore {
  readonly sync = false;
  readonly name = 'deferred';
  readonly persistent = false;
  readonly entriesHeld: Map<string, Entry> = new Map();
  readonly outstanding: Operation[] = [];
  readonly invalidateTags?: (tags: readonly string[]) => Promise<void>;
  /** Whether a `set` or a `clear` has failed, so that what is stored may be older than what was answered. */
  failed = false;
  /** Whether anything has failed, or more than one key was cleared, so that what is stored may not be found. */
  faulted = false;

  /** @param knowsTags whether it voids by itself what carries a label */
  constructor(knowsTags: boolean) {
    if (!knowsTags) return;
    this.invalidateTags = (tags) => {
      // A store that is told of what was invalidated before it was there has nothing to lose.
      if (this.entriesHeld.size > 0 || this.outstanding.length > 0) this.faulted = true;
      return this.#send('invalidateTags', () => this.#void(tags)) as Promise<void>;
    };
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#send('get', () => this.entriesHeld.get(key)) as Promise<Entry | undefined>;
  }

  set(key: string, entry: Entry): Promise<void> {
    return this.#send('set', () => {
      this.entriesHeld.set(key, entry);
    }) as Promise<void>;
  }

  delete(key: string): Promise<boolean> {
    return this.#send('delete', () => this.entriesHeld.delete(key)) as Promise<boolean>;
  }

  clear(prefix = ''): Promise<void> {
    this.faulted = true;
    return this.#send('clear', () => {
      for (const key of [...this.entriesHeld.keys()]) if (key.startsWith(prefix)) this.entriesHeld.delete(key);
    }) as Promise<void>;
  }

  async close(): Promise<void> {}

  #void(tags: readonly string[]): void {
    for (const [key, entry] of [...this.entriesHeld]) {
      if (entry.tags?.some((tag) => tags.includes(tag))) this.entriesHeld.delete(key);
    }
  }

  /** Applies an outstanding operation; its answer is still on the way. */
  apply(pick: number): void {
    const operation = this.outstanding[pick % this.outstanding.length];
    if (operation !== undefined) operation.applied ??= { result: operation.apply() };
  }

  /** Answers an outstanding operation: done, refused (not applied, if it was not yet), or done with the answer lost. */
  answer(pick: number, how: 'done' | 'refused' | 'lost'): void {
    const [operation] = this.outstanding.splice(pick % this.outstanding.length, 1);
    if (operation === undefined) return;
    if (how !== 'refused') operation.applied ??= { result: operation.apply() };
    if (how === 'done') {
      operation.resolve(operation.applied?.result);
      return;
    }
    this.faulted = true;
    if (operation.verb !== 'get') this.failed = true;
    operation.reject(new Error(`${operation.verb}: ${how}`));
  }

  answerAll(): void {
    while (this.outstanding.length > 0) this.answer(0, 'done');
  }

  #send(verb: Verb, apply: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.outstanding.push({ verb, apply, resolve, reject, applied: undefined });
    });
  }
}

/** A synchronous store of text keys, some of whose operations throw when it is told so. */
export class TextStore implements SyncStore {
  readonly sync = true;
  readonly name = 'text';
  readonly persistent = false;
  readonly #entries = new Map<string, Entry>();
  readonly #faults: { readonly verb: Verb; readonly late: boolean }[] = [];
  /** Whether an operation that changes something has failed. */
  failed = false;
  /** Whether anything has failed, so that what is stored may not have been found. */
  faulted = false;

  get(key: string): Entry | undefined {
    return this.#do('get', () => this.#entries.get(key));
  }

  set(key: string, entry: Entry): void {
    this.#do('set', () => {
      this.#entries.set(key, entry);
    });
  }

  delete(key: string): boolean {
    return this.#do('delete', () => this.#entries.delete(key));
  }

  clear(prefix = ''): void {
    this.#do('clear', () => {
      for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.#entries.delete(key);
    });
  }

  close(): void {}

  /** The next operation of this kind fails: before it has done anything, or `late`, after it has. */
  fail(verb: Verb, late: boolean): void {
    this.#faults.push({ verb, late });
  }

  heal(): void {
    this.#faults.length = 0;
  }

  #do<Result>(verb: Verb, apply: () => Result): Result {
    const index = this.#faults.findIndex((fault) => fault.verb === verb);
    if (index < 0) return apply();
    const [fault] = this.#faults.splice(index, 1);
    this.faulted = true;
    if (verb !== 'get') this.failed = true;
    if (fault?.late === true) apply();
    throw new Error(`${verb}: failed`);
  }
}
