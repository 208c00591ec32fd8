import type { Emitter } from './events.ts';

/** Writes under way, by whose entries their results are to be among. */
const underWay = new WeakMap<object, Set<WriteWatch>>();

/**
 * What happens to a function's entries while a write is under way whose result is to be put among them.
 *
 * Whatever is invalidated or set meanwhile may be newer than the result: as with the run of a function, the result is then not kept.
 */
export class WriteWatch {
  readonly #keys = new Set<string>();
  readonly #memory: object;
  readonly #unlisten: (() => void) | undefined;
  #isVoid = false;

  /**
   * @param memory what {@link noteOverwriting} tells the function's entries by
   * @param emitter where the function tells of its invalidations, if it does
   */
  constructor(memory: object, emitter: Emitter | undefined) {
    this.#memory = memory;
    const writes = underWay.get(memory) ?? new Set();
    underWay.set(memory, writes.add(this));
    this.#unlisten = emitter?.on('invalidate', ({ key }) => this.note(key));
  }

  /** Notes that the entry under a key has been invalidated or replaced; `undefined`: it may have been any. */
  note(key: string | undefined): void {
    if (key === undefined) this.#isVoid = true;
    else this.#keys.add(key);
  }

  /** The write has come to its end: nothing is noted any more. */
  end(): void {
    this.#unlisten?.();
    const writes = underWay.get(this.#memory);
    writes?.delete(this);
    if (writes?.size === 0) underWay.delete(this.#memory);
  }

  /** Whether the entry under a key was invalidated or replaced while the write was under way. */
  voids(key: string): boolean {
    return this.#isVoid || this.#keys.has(key);
  }
}

/**
 * Tells the writes under way that an entry is being replaced, or, where nobody tells of it otherwise, invalidated.
 *
 * @param key asked only where there is such a write. `undefined`, or a throw: it may be any entry
 */
export function noteOverwriting(memory: object, key: () => string | undefined): void {
  const writes = underWay.get(memory);
  if (writes === undefined) return;
  let text: string | undefined;
  try {
    text = key();
  } catch {
    // The operation itself will say so.
  }
  for (const write of writes) write.note(text);
}
