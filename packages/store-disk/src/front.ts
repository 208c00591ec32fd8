import type { Codec, CodecContext, Entry } from '@reprise/store';

/** What {@link Front} is told, after its check. */
export interface FrontSettings {
  readonly maxAge: number;
  readonly maxSize: number;
}

/** The value, or the error, as the codec has it: every reader gets one of his own. */
export interface Content {
  readonly body: Uint8Array;
  readonly context: CodecContext | undefined;
}

interface Held {
  readonly entry: Entry;
  readonly content: Content;
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
    const value = this.#codec.decode(held.content.body, held.content.context);
    return 'error' in held.entry ? { ...held.entry, error: value } : { ...held.entry, value };
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

  keep(indexKey: string, entry: Entry, content: Content, now: number): void {
    this.drop(indexKey);
    // Whether its idle time has passed is known to the file alone.
    if (entry.idle !== undefined) return;
    const bare = 'error' in entry ? { ...entry, error: undefined } : { ...entry, value: undefined };
    this.#held.set(indexKey, { entry: bare, content, since: now });
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

/** The same codec; `heard` is told what stands for the last value in either direction. */
export function overhear(codec: Codec, heard: (content: Content) => void): Codec {
  const tell = (body: Uint8Array, context: CodecContext | undefined): Uint8Array => {
    heard({ body, context });
    return body;
  };
  return {
    name: codec.name,
    encode: (value, context) => tell(codec.encode(value, context), context),
    decode: (bytes, context) => codec.decode(tell(bytes, context), context),
    ...(codec.encodeError !== undefined && {
      encodeError: (error: unknown, context?: CodecContext) =>
        tell(codec.encodeError?.(error, context) as Uint8Array, context),
    }),
  };
}
