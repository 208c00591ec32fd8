import type { Codec, Entry } from '@reprise/store';

/** What {@link Front} is told, after its check. */
export interface FrontSettings {
  readonly maxAge: number;
  readonly maxSize: number;
}

interface Held {
  readonly entry: Entry;
  /** The value, or the error, as the codec has it: every reader gets one of his own. */
  readonly body: Uint8Array;
  readonly since: number;
}

/** Entries that were read or written a moment ago, in memory. Whether they are void is for who asks to judge. */
export class Front {
  readonly #settings: FrontSettings;
  readonly #codec: Codec;
  /** The least recently used one first. */
  readonly #held = new Map<string, Held>();
  /** The last read of each key that is under way, unless the key has changed since. */
  readonly #reads = new Map<string, object>();

  constructor(settings: FrontSettings, codec: Codec) {
    this.#settings = settings;
    this.#codec = codec;
  }

  /** What is held under a key, without its value. */
  find(indexKey: string, now: number): Entry | undefined {
    const held = this.#held.get(indexKey);
    if (held === undefined) return undefined;
    const age = now - held.since;
    if (age >= 0 && age < this.#settings.maxAge && now < held.entry.staleUntil) return held.entry;
    this.#held.delete(indexKey);
    return undefined;
  }

  /** The entry that {@link find} has found, with a value that is the reader's. */
  open(indexKey: string): Entry {
    const held = this.#held.get(indexKey) as Held;
    this.#held.delete(indexKey);
    this.#held.set(indexKey, held);
    const content = this.#codec.decode(held.body);
    return 'error' in held.entry ? { ...held.entry, error: content } : { ...held.entry, value: content };
  }

  /** @returns what {@link endRead} asks for */
  beginRead(indexKey: string): object {
    const read = {};
    this.#reads.set(indexKey, read);
    return read;
  }

  /** @returns whether what was read is still what this process knows best */
  endRead(indexKey: string, read: object): boolean {
    return this.#reads.get(indexKey) === read && this.#reads.delete(indexKey);
  }

  keep(indexKey: string, entry: Entry, body: Uint8Array, now: number): void {
    this.drop(indexKey);
    // Whether its idle time has passed is known to the file alone.
    if (entry.idle !== undefined) return;
    const bare = 'error' in entry ? { ...entry, error: undefined } : { ...entry, value: undefined };
    this.#held.set(indexKey, { entry: bare, body, since: now });
    if (this.#held.size <= this.#settings.maxSize) return;
    for (const oldest of this.#held.keys()) {
      this.#held.delete(oldest);
      return;
    }
  }

  drop(indexKey: string): void {
    this.#held.delete(indexKey);
    this.#reads.delete(indexKey);
  }
}

/** The same codec; `heard` is given the bytes that stand for the last value in either direction. */
export function overhear(codec: Codec, heard: (body: Uint8Array) => void): Codec {
  const tell = (body: Uint8Array): Uint8Array => {
    heard(body);
    return body;
  };
  return {
    name: codec.name,
    encode: (value) => tell(codec.encode(value)),
    decode: (bytes) => codec.decode(tell(bytes)),
    ...(codec.encodeError !== undefined && {
      encodeError: (error: unknown) => tell(codec.encodeError?.(error) as Uint8Array),
    }),
  };
}
