import type { FenceLog } from './fence-log.ts';
import type { Position } from './fence-record.ts';
import { type FenceState, nameOf } from './fence-state.ts';
import { splitIndexKey } from './key-space.ts';
import type { IndexLine } from './layout.ts';

/** Stands before a generation that the store has given to an entry which came without one. */
const ownSign = '~';
/** From how many names on it is worth to read a directory through for letting go of half of them. */
const manyNames = 50_000;

/** What the log of invalidations means for the entries of one namespace. */
export class Fences {
  readonly #log: FenceLog;
  readonly #namespace: string;
  readonly #failed: (error: unknown) => void;

  constructor(log: FenceLog, namespace: string, failed: (error: unknown) => void) {
    this.#log = log;
    this.#namespace = namespace;
    this.#failed = failed;
  }

  /** @throws what the file system throws */
  generation(): string {
    return this.#log.require().generation;
  }

  /** @returns the generation of what takes the place of what was invalidated. @throws what the file system throws */
  noteKey(key: string): string {
    const at = this.#log.append(['key', this.#namespace, nameOf(key)]);
    return ownSign + this.#log.require().format(at);
  }

  /** @throws what the file system throws */
  notePrefix(prefix: string): void {
    this.#log.append(['prefix', this.#namespace, prefix]);
  }

  /** @throws what the file system throws */
  noteTags(tags: readonly string[]): void {
    this.#log.append(['tags', tags]);
  }

  /** Whether an entry may not be answered. What was found before this is asked may be believed if not. */
  isVoid(key: string, tags: readonly string[] | undefined, generation: unknown): boolean {
    return this.#isVoidIn(this.#namespace, key, tags, generation);
  }

  /** The same for an entry of any namespace, by its line; what somebody else has written is for him to judge. */
  isVoidLine({ key, metadata }: IndexLine): boolean {
    const parts = splitIndexKey(key);
    return parts !== undefined && this.#isVoidIn(parts[0], parts[1], metadata?.tags, metadata?.generation);
  }

  /** Whether what was computed may not be stored. */
  refuses(key: string, tags: readonly string[] | undefined, generation: unknown): boolean {
    return this.#look()?.refuses(this.#namespace, key, tags, bare(generation)) ?? true;
  }

  /** What covered a key last; 0: nothing did. */
  lastOf(key: string): Position {
    return this.#look()?.lastOf(this.#namespace, key) ?? 0;
  }

  /** Whether an entry was there for readers when {@link lastOf} answered `last`. */
  stood({ metadata }: IndexLine, last: Position): boolean {
    const state = this.#look();
    const position = state?.positionOf(bare(metadata?.generation));
    if (state === undefined || position === undefined) return false;
    return position >= last && position >= state.lastOfTags(metadata?.tags);
  }

  /** Whether so many names are known that the older ones should be settled. */
  knowsMany(): boolean {
    return (this.#look()?.names ?? 0) > manyNames;
  }

  /** Has the sets be refused that are older than half of what is known. @returns up to where. @throws what the file system throws */
  refuseOlder(): Position {
    const upTo = this.#log.require().middle();
    this.#log.append(['refuse', upTo]);
    return upTo;
  }

  /** Whether what a line stands for was begun before a position, or nobody knows when. */
  isOlder({ metadata }: IndexLine, than: Position): boolean {
    return (this.#look()?.positionOf(bare(metadata?.generation)) ?? 0) < than;
  }

  /** Lets go of the names up to there, when nothing is left that is void by them. @throws what the file system throws */
  forgetUpTo(upTo: Position): void {
    this.#log.append(['settled', upTo]);
  }

  #isVoidIn(namespace: string, key: string, tags: readonly string[] | undefined, generation: unknown): boolean {
    const state = this.#look();
    if (state === undefined) return true;
    const told = bare(generation);
    if (state.isBeyond(told)) this.#distrust();
    return state.isVoid(namespace, key, tags, told);
  }

  /** The log has lost what it had: of what stands in the directory nothing can be judged any more. */
  #distrust(): void {
    try {
      this.#log.distrust();
    } catch (error) {
      this.#failed(error);
    }
  }

  #look(): FenceState | undefined {
    try {
      return this.#log.look();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}

/** A generation without the sign of those that the store has given by itself. */
export function bare(generation: unknown): unknown {
  return typeof generation === 'string' && generation.startsWith(ownSign) ? generation.slice(1) : generation;
}
