import { OptionError, RepriseError } from '@reprise/store/contract';
import { isThenable } from './one-shot.ts';
import type { CacheEvent, CacheEventType } from './types.ts';

/** Called with each event of the type it was registered for. What it throws is a process warning, never the caller's. */
export type EventListener = (event: CacheEvent) => void;

const types: readonly CacheEventType[] = [
  'hit',
  'miss',
  'stale',
  'coalesced',
  'bypass',
  'load',
  'store',
  'refresh',
  'evict',
  'expire',
  'invalidate',
  'error',
];
const bits: Readonly<Record<string, number>> = Object.fromEntries(types.map((type, index) => [type, 1 << index]));

/** Who listens to what. A type that nobody listens to costs one test of a bit. */
export class Emitter {
  readonly #listeners = new Map<CacheEventType, Set<EventListener>>();
  /** Told when somebody has come or gone. */
  changed: () => void;

  /** A set bit for each type that somebody listens to: see {@link bitOf}. */
  mask = 0;

  constructor(changed: () => void = () => {}) {
    this.changed = changed;
  }

  on(type: CacheEventType, listener: EventListener): () => void {
    if (!types.includes(type)) {
      throw new OptionError(`on: there is no event ${JSON.stringify(type)}; there are ${types.join(', ')}`);
    }
    if (typeof listener !== 'function') throw new OptionError(`on('${type}'): the listener must be a function`);
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    // One registration, one removal: the same function may listen twice.
    const registered: EventListener = (event) => listener(event);
    set.add(registered);
    this.#update(type, set);
    return () => {
      set.delete(registered);
      this.#update(type, set);
    };
  }

  emit(event: CacheEvent): boolean {
    const set = this.#listeners.get(event.type);
    if (set === undefined || set.size === 0) return false;
    for (const listener of [...set]) {
      try {
        const answer: unknown = listener(event);
        if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#contain(event.type, error));
      } catch (error) {
        this.#contain(event.type, error);
      }
    }
    return true;
  }

  #contain(type: CacheEventType, error: unknown): void {
    warnOnce(this, `listener:${type}`, 'E_CALLBACK', `a listener of '${type}' threw: ${textOf(error)}`);
  }

  #update(type: CacheEventType, set: ReadonlySet<EventListener>): void {
    const bit = bitOf(type);
    this.mask = set.size > 0 ? this.mask | bit : this.mask & ~bit;
    this.changed();
  }
}

/** The bit of an event type in {@link Emitter.mask}. */
export function bitOf(type: CacheEventType): number {
  return bits[type] ?? 0;
}

const warned = new WeakMap<object, Set<string>>();

/** A process warning, once for `owner` and `what`. */
export function warnOnce(owner: object, what: string, code: string, message: string): void {
  const known = warned.get(owner) ?? new Set();
  if (known.has(what)) return;
  warned.set(owner, known.add(what));
  process.emitWarning(message, { type: 'RepriseWarning', code });
}

/** The code of a report: a Reprise error's own, else that of a callback that threw. */
export function codeOf(error: unknown): string {
  return error instanceof RepriseError ? error.code : 'E_CALLBACK';
}

/** An error in a few words, whatever was thrown. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'something that has no text';
  }
}
