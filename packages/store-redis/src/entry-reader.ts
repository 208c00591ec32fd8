import { type Clock, type Codec, CodecError, decodeEnvelope, type Entry } from '@reprise/store';
import type { KeySpace } from './key-space.ts';
import { parseRecord, type Record } from './record.ts';
import { readScript } from './scripts.ts';
import { type Server, values } from './server.ts';
import { isCleared, parseState, type State, writeGeneration } from './state.ts';

/** For so many milliseconds it is trusted what time it is on the server. */
const timeTrustedFor = 10_000;

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
    const reply = await server.send('read', 'MGET', [space.stateText, ...keys.map((key) => space.entryArgument(key))]);
    const [head, ...found] = values(reply, keys.length + 1);
    const state = parseState(head ?? null);
    if (server.origin !== origin || (state !== undefined && state.origin !== origin)) {
      server.doubt();
      return this.#readChecked(keys);
    }
    const entries: (Entry | undefined)[] = [];
    const tagged: number[] = [];
    for (const [index, key] of keys.entries()) {
      const entry = this.#judge(key, found[index] ?? null, state);
      if (entry?.record.isTagged) tagged.push(index);
      entries.push(entry?.entry);
    }
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
    const [head, ...found] = values(await server.run('read', readScript, names, []), keys.length + 3);
    server.learn(asked, String(found[keys.length]), String(found[keys.length + 1]));
    const state = parseState(head ?? null);
    return keys.map((key, index) => this.#judge(key, found[index] ?? null, state)?.entry);
  }

  /** The living entry in what was found; all but its tags is judged. */
  #judge(
    key: string,
    found: Buffer | null,
    state: State | undefined,
  ): { readonly entry: Entry; readonly record: Record } | undefined {
    if (found === null) return undefined;
    const record = parseRecord(found);
    if (record === undefined)
      return this.#refuse(
        key,
        found.subarray(0, 64),
        new CodecError(`The entry of ${show(key)} is foreign or damaged`),
      );
    if (
      state === undefined ||
      record.mark !== state.mark ||
      isCleared(state, record.epoch, () => this.#parts.keys.id(key))
    )
      return undefined;
    const clock = this.#parts.clock();
    const { time } = this.#parts.server;
    // Without a clock that was given, the server's times are put in terms of this process's clock.
    const now = clock?.now() ?? time.latest();
    if (!(record.endsAt > now)) return undefined;
    const shift = clock === undefined ? Date.now() - now : 0;
    try {
      const entry = decodeEnvelope(record.envelope, this.#parts.keys.envelopeKey(key), this.#parts.codec);
      const times = {
        createdAt: record.createdAt + shift,
        expiresAt: record.expiresAt + shift,
        staleUntil: record.staleUntil + shift,
        generation: writeGeneration(record.mark, record.epoch),
      };
      return { entry: Object.assign(entry, times), record };
    } catch (error) {
      const reason =
        error instanceof CodecError ? error : new CodecError(`The entry of ${show(key)} is damaged`, { cause: error });
      return this.#refuse(key, record.head, reason);
    }
  }

  #refuse(key: string, found: Buffer, reason: CodecError): undefined {
    this.#parts.damaged(key, found, reason);
    return undefined;
  }
}

function show(key: string): string {
  return JSON.stringify(key.slice(0, 120));
}
