import { type Codec, type Entry, encodeEnvelope, type Reports } from '@reprise/store';
import type { BoundKeeper } from './bound-keeper.ts';
import { makeId } from './digest.ts';
import type { EntryFiles } from './entry-files.ts';
import type { Fences } from './fences.ts';
import { isAbsence } from './file-errors.ts';
import { type Content, type Front, overhear } from './front.ts';
import type { LineDetails } from './layout.ts';

/** What writing takes of the store. */
export interface WriterMeans {
  readonly codec: Codec;
  readonly files: EntryFiles;
  readonly fences: Fences;
  readonly front: Front | undefined;
  readonly reports: Reports;
  keeper(): BoundKeeper;
}

/** An entry on its way: nothing in it is the caller's any more. */
export interface EncodedEntry {
  readonly key: string;
  readonly indexKey: string;
  /** Without its value. */
  readonly entry: Entry;
  readonly bytes: Uint8Array;
  /** For the front. */
  readonly content: Content | undefined;
}

/** Writes entries that no invalidation covers. */
export class EntryWriter {
  readonly #means: WriterMeans;

  constructor(means: WriterMeans) {
    this.#means = means;
  }

  /** @throws CodecError when the codec refuses the value */
  encode(key: string, indexKey: string, entry: Entry): EncodedEntry {
    const { codec, front } = this.#means;
    let content: Content | undefined;
    const heard = overhear(codec, (last) => {
      content = last;
    });
    const bytes = encodeEnvelope(indexKey, entry, front === undefined ? codec : heard, { id: makeId() });
    const bare = 'error' in entry ? { error: undefined } : { value: undefined };
    const tags = entry.tags !== undefined && { tags: [...entry.tags] };
    return { key, indexKey, entry: { ...entry, ...bare, ...tags }, bytes, content };
  }

  /** @returns whether it was kept. @throws StoreError; nothing is under the key then */
  async write({ key, indexKey, entry, bytes, content }: EncodedEntry, now: number): Promise<boolean> {
    const { files, fences, front, reports } = this.#means;
    const { tags, generation, createdAt } = entry;
    const mayStand = (): boolean => !fences.refuses(key, tags, generation);
    front?.drop(indexKey);
    let line: Awaited<ReturnType<EntryFiles['write']>>;
    try {
      line = await files.write({ key: indexKey, bytes, details: detailsOf(entry), time: now, createdAt, mayStand });
    } catch (error) {
      // Whoever settles the log takes away the drafts of what is refused from then on.
      if (isAbsence(error) && !mayStand()) return false;
      // The older entry must not be answered either; where nothing can be written, removing may still work.
      await files.remove(indexKey).then(
        () => this.#means.keeper().drop(indexKey),
        () => undefined,
      );
      throw reports.failure('write', error);
    }
    if (line === 'withdrawn') this.#means.keeper().drop(indexKey);
    if (typeof line === 'string') return false;
    this.#means.keeper().add(indexKey, line);
    if (content !== undefined) front?.keep(indexKey, entry, content, now);
    return true;
  }
}

function detailsOf({ staleUntil, generation, tags, idle }: Entry): LineDetails {
  return {
    staleUntil: staleUntil === Infinity ? null : staleUntil,
    ...(generation !== undefined && { generation: String(generation) }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
    ...(idle !== undefined && { idle }),
  };
}
