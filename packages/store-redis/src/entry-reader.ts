import { type Clock, type Codec, CodecError, decodeEnvelope, type Entry } from '@reprise/store';
import type { KeySpace } from './key-space.ts';
import { hasTags, parseRecord } from './record.ts';
import { readScript } from './scripts.ts';
import { type Server, values } from './server.ts';
import { isCleared, parseState, type State, writeGeneration } from './state.ts';

/** For so many milliseconds it is trusted what time it is on the server. */
const timeTrustedFor = 10_000;

type MutableEntry = { -readonly [Name in keyof Entry]: Entry[Name] };

/** What the reader needs of the store. */
export interface ReaderParts {
  readonly server: Server;
  readonly keys: KeySpace;
  readonly codec: Codec;
  /** A clock that was given; `undefined`: the server's counts. */
  clock(): Clock | undefined;
  /** An entry is no answer: it is damaged, foreign, or another key's. */
  damaged(key: string, found: Buffer, reason: CodecError): void;
}

/**
 * Reads entries: the counters that may void them and all of them by one command. That is an `MGET` where it is known which master answers,
 * and what time it is there; else, and where labels have to be looked up, a script, which judges on the server, and tells both.
 */
export class EntryReader {
  readonly #parts: ReaderParts;
  /** From the first entry with tags on, reads go by a script, which looks up the tags in the same round trip. */
  #meetsTags = false;
  #stateBytes: Buffer | undefined;
  #state: State | undefined;
  #lastGeneration: { readonly mark: string; readonly epoch: number; readonly text: string } = {
    mark: '',
    epoch: 0,
    text: '',
  };

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  expectTags(): void {
    this.#meetsTags = true;
  }

  read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const { server } = this.#parts;
    const isTimed = this.#parts.clock() !== undefined || server.time.age <= timeTrustedFor;
    const origin = isTimed && !this.#meetsTags ? server.origin : undefined;
    return origin === undefined ? this.#readChecked(keys) : this.#readPlain(keys, origin);
  }

  async #readPlain(keys: readonly string[], origin: string): Promise<readonly (Entry | undefined)[]> {
    const { server, keys: space } = this.#parts;
    const names: (string | Buffer)[] = [space.stateText];
    for (const key of keys) names.push(space.entryArgument(key));
    const found = values(await server.send('read', 'MGET', names), names.length);
    const state = this.#stateOf(found[0] ?? null);
    if (server.origin !== origin || (state !== undefined && state.origin !== origin)) {
      server.doubt();
      return this.#readChecked(keys);
    }
    const entries = this.#judgeAll(keys, names, 1, found, state);
    const isTagged = (index: number): boolean => entries[index] !== undefined && hasTags(found[index + 1] as Buffer);
    const tagged = keys.flatMap((_, index) => (isTagged(index) ? [index] : []));
    if (tagged.length === 0) return entries;
    this.#meetsTags = true;
    const checked = await this.#readChecked(tagged.map((index) => keys[index] as string));
    for (const [at, index] of tagged.entries()) entries[index] = checked[at];
    return entries;
  }

  async #readChecked(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    const { server, keys: space } = this.#parts;
    const asked = server.ask();
    const names = keys.map((key) => space.entryArgument(key));
    const found = values(await server.run('read', readScript, names, []), keys.length + 3);
    server.learn(asked, String(found[keys.length + 1]), String(found[keys.length + 2]));
    return this.#judgeAll(keys, names, 0, found, this.#stateOf(found[0] ?? null));
  }

  /** Most answers have the same state as the one before. */
  #stateOf(found: Buffer | null): State | undefined {
    if (found === null) return undefined;
    if (!this.#stateBytes?.equals(found)) {
      this.#state = parseState(found);
      // A copy: what a client answers is a part of all that it received at a time.
      this.#stateBytes = Buffer.from(found);
    }
    return this.#state;
  }

  /** The living entries in what was found behind the state; all but their tags is judged. @param first where the names of the keys begin */
  #judgeAll(
    keys: readonly string[],
    names: readonly (string | Buffer)[],
    first: number,
    found: readonly (Buffer | null)[],
    state: State | undefined,
  ): (Entry | undefined)[] {
    const clock = this.#parts.clock();
    // Without a clock that was given, the server's times are put in terms of this process's clock.
    const now = clock?.now() ?? this.#parts.server.time.latest();
    const shift = clock === undefined ? Date.now() - now : 0;
    const entries: (Entry | undefined)[] = [];
    for (let index = 0; index < keys.length; index++) {
      const bytes = found[index + 1] ?? null;
      if (bytes === null) entries.push(undefined);
      else {
        const key = keys[index] as string;
        const name = names[first + index];
        const bound = typeof name === 'string' ? name : this.#parts.keys.envelopeKey(key);
        entries.push(this.#judge(key, bound, bytes, state, now, shift));
      }
    }
    return entries;
  }

  /** @param bound the key that the entry is bound to */
  #judge(
    key: string,
    bound: string,
    bytes: Buffer,
    state: State | undefined,
    now: number,
    shift: number,
  ): Entry | undefined {
    const record = parseRecord(bytes);
    if (record === undefined) {
      const reason = new CodecError(`The entry of ${show(key)} is foreign or damaged`);
      return this.#refuse(key, bytes.subarray(0, 64), reason);
    }
    const { mark, epoch } = record;
    if (state === undefined || mark !== state.mark) return undefined;
    if (isCleared(state, epoch, () => this.#parts.keys.id(key)) || !(record.endsAt > now)) return undefined;
    try {
      const envelope = bytes.subarray(record.headLength);
      const entry: MutableEntry = decodeEnvelope(envelope, bound, this.#parts.codec);
      entry.createdAt = record.createdAt + shift;
      entry.expiresAt = record.expiresAt + shift;
      entry.staleUntil = record.staleUntil + shift;
      entry.generation = this.#generation(mark, epoch);
      return entry;
    } catch (error) {
      const reason =
        error instanceof CodecError ? error : new CodecError(`The entry of ${show(key)} is damaged`, { cause: error });
      return this.#refuse(key, bytes.subarray(0, record.headLength), reason);
    }
  }

  #generation(mark: string, epoch: number): string {
    const last = this.#lastGeneration;
    if (last.mark !== mark || last.epoch !== epoch) {
      this.#lastGeneration = { mark, epoch, text: writeGeneration(mark, epoch) };
    }
    return this.#lastGeneration.text;
  }

  #refuse(key: string, found: Buffer, reason: CodecError): undefined {
    this.#parts.damaged(key, found, reason);
    return undefined;
  }
}

function show(key: string): string {
  return JSON.stringify(key.slice(0, 120));
}
