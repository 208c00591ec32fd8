import type { AsyncStore, Entry, Tracker } from '@reprise/store';

/** What is stored: which change of its key it was. */
export interface Version {
  number: number;
}

/** Something that has been sent and not arrived. */
export interface Parcel {
  readonly what: string;
  arrive(): void;
}

/**
 * A far store that several processes share, with all that is under way in the hand of the test: questions arrive, answers arrive and
 * what has changed is told in the order in which each client sent or was sent it, and no faster than the test lets them.
 */
export class FarStore {
  readonly entries = new Map<string, Entry>();
  /** How often each key has changed. */
  readonly versions = new Map<string, number>();
  readonly clients: FarClient[] = [];

  connect(): FarClient {
    const client = new FarClient(this);
    this.clients.push(client);
    return client;
  }

  change(key: string, entry: Entry | undefined): void {
    this.versions.set(key, (this.versions.get(key) ?? 0) + 1);
    if (entry === undefined) this.entries.delete(key);
    else this.entries.set(key, entry);
    for (const client of this.clients) client.news(key);
  }
}

/** One process's connection. */
export class FarClient implements AsyncStore {
  readonly name = 'far';
  readonly sync = false;
  readonly persistent = true;
  readonly capabilities = { tracking: true };
  readonly #far: FarStore;
  #tracker: Tracker | undefined;
  isConnected = false;
  /** Questions on their way there, and answers on their way back. */
  requests: Parcel[] = [];
  replies: Parcel[] = [];
  messages: Parcel[] = [];
  /** Told of each change that has arrived. */
  arrived: (key: string) => void = () => {};

  constructor(far: FarStore) {
    this.#far = far;
  }

  news(key: string): void {
    if (!this.isConnected) return;
    this.messages.push({
      what: `news of ${key}`,
      arrive: () => {
        this.#tracker?.changed(key);
        this.arrived(key);
      },
    });
  }

  /** The connection that tells of changes is lost: what was under way on it never arrives. */
  lose(): void {
    this.isConnected = false;
    this.messages = [];
    this.#tracker?.trusted(false);
  }

  /** It is made anew. */
  connect(): void {
    this.isConnected = true;
    this.messages.push({
      what: 'trust',
      arrive: () => {
        this.#tracker?.trusted(true);
        // How long it takes is not the matter here.
        this.#tracker?.heard(Infinity);
      },
    });
  }

  track(tracker: Tracker): () => void {
    this.#tracker = tracker;
    return () => {
      this.#tracker = undefined;
    };
  }

  #send<Answer>(what: string, act: () => Answer): Promise<Answer> {
    return new Promise((resolve) => {
      this.requests.push({
        what,
        arrive: () => {
          const answer = act();
          this.replies.push({ what: `answer to ${what}`, arrive: () => resolve(answer) });
        },
      });
    });
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#send(`get ${key}`, () => this.#far.entries.get(key));
  }

  set(key: string, entry: Entry): Promise<boolean> {
    return this.#send(`set ${key}`, () => {
      // The value is the writer's own: he knows which version it has become.
      (entry.value as Version).number = (this.#far.versions.get(key) ?? 0) + 1;
      this.#far.change(key, entry);
      return true;
    });
  }

  delete(key: string): Promise<boolean> {
    return this.#send(`delete ${key}`, () => {
      const had = this.#far.entries.has(key);
      this.#far.change(key, undefined);
      return had;
    });
  }

  clear(prefix = ''): Promise<void> {
    return this.#send(`clear ${prefix}`, () => {
      for (const key of [...this.#far.entries.keys()]) if (key.startsWith(prefix)) this.#far.change(key, undefined);
    });
  }

  async close(): Promise<void> {}
}
