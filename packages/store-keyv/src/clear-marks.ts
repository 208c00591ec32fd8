import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { decodeEnvelope, defaultCodec, encodeEnvelope, StoreError } from '@reprise/store';
import { ownKey } from './stored-text.ts';

/** Reads and writes texts in Keyv, whole or not at all. */
interface Texts {
  read(key: string): Promise<unknown>;
  write(key: string, text: string): Promise<void>;
}

/**
 * What was cleared in one namespace. Keyv can clear whole namespaces only, and not every adapter can list keys; so an entry carries the count
 * of clears at which it was written, and is void if a clear that covers its key came later.
 */
export interface Marks {
  /** Who wrote this: the same text stands under the mark's key as long as this holds. */
  readonly by: string;
  /** Entries of another root are void. */
  readonly root: string;
  readonly count: number;
  /** Entries of a lower count are void. */
  readonly floor: number;
  /** The count at which each beginning of keys was last cleared. */
  readonly cleared: readonly (readonly [prefix: string, count: number])[];
}

/** How many beginnings are told apart, and how many characters they may have together: a text column of 64 KB holds them. */
const most = { prefixes: 1_000, characters: 30_000 };
const attempts = 10;
/** A clear takes two rounds from its mark to what it has cleared. Who reads takes no answer for a miss; who writes would void everything. */
const looksOf = { reads: 3, writes: 10 };

/** Whether an entry that was written at a mark is void. */
export function isVoid(marks: Marks, key: string, root: string, count: number): boolean {
  if (root !== marks.root || count < marks.floor) return true;
  return marks.cleared.some(([prefix, cleared]) => count < cleared && key.startsWith(prefix));
}

/**
 * The marks of one namespace, kept in Keyv itself, which can read and write one key at a time and nothing more.
 *
 * They stand under two keys: the mark, and what was cleared until it. Whoever clears writes a new mark, then what follows from the clears
 * before, and then looks whether both are his own. What does not agree – two who clear at once, one that died half-way, a key that the
 * server has evicted – voids all entries, and is replaced by a new root. So none of two clears at the same time is lost.
 */
export class ClearMarks {
  /** Where the mark is; whoever reads an entry reads this with it. */
  readonly markKey: string;
  readonly #clearsKey: string;
  readonly #texts: Texts;
  #known: Marks | undefined;
  #establishing: Promise<Marks> | undefined;

  constructor(namespace: string, texts: Texts) {
    this.markKey = ownKey(namespace, 'mark');
    this.#clearsKey = ownKey(namespace, 'clears');
    this.#texts = texts;
  }

  /** The last ones that were found; they may be old. */
  get known(): Marks | undefined {
    return this.#known;
  }

  /**
   * What holds at a mark that was read; `undefined`: all entries are void.
   *
   * @param looks where somebody is just clearing, so often is looked whether he has done
   */
  async at(mark: unknown, looks: number = looksOf.reads): Promise<Marks | undefined> {
    let present = mark;
    for (let look = 1; typeof present === 'string'; look++) {
      if (present === this.#known?.by) return this.#known;
      const found = await this.#readClears();
      if (found?.by === present) {
        this.#known = found;
        return found;
      }
      if (look >= looks) break;
      present = await this.read();
    }
    return undefined;
  }

  /** Where the mark stands now. */
  read(): Promise<unknown> {
    return this.#texts.read(this.markKey);
  }

  /** What holds now; made anew where nothing does. */
  establish(): Promise<Marks> {
    this.#establishing ??= this.#findOrMake().finally(() => {
      this.#establishing = undefined;
    });
    return this.#establishing;
  }

  async #findOrMake(): Promise<Marks> {
    const found = await this.at(await this.read(), looksOf.writes);
    return found ?? this.#put(await this.#announce(), undefined, undefined);
  }

  async clear(prefix: string): Promise<void> {
    // In this order, and again when the new mark stands: whoever has cleared meanwhile shows in one of the three.
    const before = await this.#readClears();
    const mark = await this.read();
    const by = await this.#announce();
    const after = await this.#readClears();
    const isSettled = before !== undefined && before.by === mark && after?.by === mark;
    await this.#put(by, isSettled ? follow(before, prefix) : undefined, before?.root);
  }

  async #announce(): Promise<string> {
    const by = randomBytes(16).toString('base64url');
    await this.#texts.write(this.markKey, by);
    return by;
  }

  /**
   * @param marks without them all entries become void
   * @param oldRoot what others have put in place meanwhile will do as well, if it has another root: nothing older is valid under it
   */
  async #put(by: string, marks: Omit<Marks, 'by'> | undefined, oldRoot: string | undefined): Promise<Marks> {
    let next: Marks = { by, ...(marks ?? anew(by)) };
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await this.#texts.write(this.#clearsKey, encode(this.#clearsKey, next));
      // Of several at the same moment one shall come through: each looks again a few times before the next attempt.
      for (let looks = 1 + Math.floor(Math.random() * attempt); looks > 0; looks--) {
        const mark = await this.read();
        const found = await this.#readClears();
        if (found === undefined || found.by !== mark) continue;
        if (mark !== next.by && found.root === oldRoot) break;
        this.#known = found;
        return found;
      }
      const again = await this.#announce();
      next = { by: again, ...anew(again) };
    }
    throw new StoreError(
      `The Keyv store could not note a clear in ${attempts} attempts: others clear at the same time, or what is written is not there afterwards`,
    );
  }

  async #readClears(): Promise<Marks | undefined> {
    const text = await this.#texts.read(this.#clearsKey);
    return typeof text === 'string' ? decode(this.#clearsKey, text) : undefined;
  }
}

function anew(root: string): Omit<Marks, 'by'> {
  return { root, count: 0, floor: 0, cleared: [] };
}

function follow(marks: Marks, prefix: string): Omit<Marks, 'by'> {
  const { root } = marks;
  const count = marks.count + 1;
  // The newest stand first.
  const cleared = [[prefix, count] as const, ...marks.cleared.filter(([other]) => !other.startsWith(prefix))];
  let { floor } = marks;
  let characters = 0;
  for (const [index, [text, at]] of cleared.entries()) {
    characters += text.length;
    if (text !== '' && index < most.prefixes && characters <= most.characters) continue;
    // For what is let go, all that was written before it is void.
    floor = at;
    cleared.length = index;
    break;
  }
  return { root, count, floor, cleared };
}

function encode(key: string, marks: Marks): string {
  const entry = { value: marks, createdAt: 0, expiresAt: Infinity, staleUntil: Infinity };
  return Buffer.from(encodeEnvelope(key, entry, defaultCodec)).toString('base64');
}

function decode(key: string, text: string): Marks | undefined {
  try {
    return decodeEnvelope(Buffer.from(text, 'base64'), key, defaultCodec).value as Marks;
  } catch {
    // What cannot be read voids what it guards.
    return undefined;
  }
}
