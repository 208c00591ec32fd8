import { types } from 'node:util';
import { KeyError } from '@reprise/store/contract';
import { cacheKey } from './cache-key.ts';

/** How an argument becomes text. */
export interface TextOptions {
  /**
   * Whether functions, symbols, promises and class instances are told apart by identity. `false` where the text must mean the
   * same to another process: there they are a `KeyError`.
   */
  readonly identity: boolean;
  /** The function whose key is made, for messages: `Users.find`. */
  readonly label?: string | undefined;
}

/** The deepest nesting that is read. Each level takes stack, of which the caller may have left little. */
const maxDepth = 500;

/** The most objects that are read for one argument; one that is shared counts each time that it is met. */
const maxObjects = 1_000_000;

/** Up to here a scan is faster than a `Map`. */
const fewOpen = 16;

/** The most steps of a path that a message shows. */
const longestPath = 20;

const nowhere = Number.POSITIVE_INFINITY;

/**
 * The reading of one argument: where it is, for messages, and which objects are open, for cycles.
 *
 * An open object is written as its place when it is met again, `^0` being the first one. It stays open while it is read and,
 * if something in it refers to an object further out, until that one was read: both are of one cycle, each member of which is
 * read once, however many ways lead through it. What is shared but not cyclic reads as if it were copied.
 */
export class Walk {
  readonly identity: boolean;
  readonly #label: string;
  /** The index of the argument, or what the value is. */
  readonly #subject: string | number;
  readonly #path: PropertyKey[] = [];
  readonly #open: object[] = [];
  /** What `#open` holds at which place, once there are too many to scan. */
  #places: Map<object, number> | undefined;
  /** The outermost place that was referred to since the innermost object was entered, and for each one before that. */
  #outermost: number = nowhere;
  readonly #outermostBefore: number[] = [];
  #objects = 0;
  #refusal: KeyError | undefined;

  constructor(options: TextOptions, subject: string | number) {
    this.identity = options.identity;
    this.#label = options.label === undefined ? '' : `${options.label}: `;
    this.#subject = subject;
  }

  /** Goes on to what stands under `key`; `undefined` for the argument itself. */
  step(key: PropertyKey | undefined): void {
    if (key !== undefined) this.#path.push(key);
    if (this.#path.length > maxDepth) this.refuse(`is nested deeper than ${maxDepth} levels`);
    if (++this.#objects > maxObjects) this.refuse(`unfolds to more than ${maxObjects} objects`);
  }

  back(key: PropertyKey | undefined): void {
    if (key !== undefined) this.#path.pop();
  }

  /** The place of an open object, -1 if it is not open. To ask is to refer to it. */
  refer(value: object): number {
    const place = this.#places === undefined ? this.#open.indexOf(value) : (this.#places.get(value) ?? -1);
    if (place !== -1 && place < this.#outermost) this.#outermost = place;
    return place;
  }

  /** Opens an object. Answers its place, for {@link leave}. */
  enter(value: object): number {
    const place = this.#open.push(value) - 1;
    this.#outermostBefore[place] = this.#outermost;
    this.#outermost = nowhere;
    if (place === fewOpen) this.#places = new Map(this.#open.map((open, index) => [open, index]));
    else this.#places?.set(value, place);
    return place;
  }

  /** The object at this place has been read. Closes it, and those that it kept open, unless it is part of a cycle from further out. */
  leave(place: number): void {
    const before = this.#outermostBefore[place] ?? nowhere;
    if (this.#outermost < place) {
      this.#outermost = Math.min(this.#outermost, before);
    } else {
      this.closeFrom(place);
      this.#outermost = before;
    }
  }

  /** The place that the next object will have. */
  get nextPlace(): number {
    return this.#open.length;
  }

  /** Closes whatever stands at this place and after it: for members in no order, none of which may know of the others. */
  closeFrom(place: number): void {
    while (this.#open.length > place) {
      const closed = this.#open.pop();
      if (closed !== undefined) this.#places?.delete(closed);
    }
  }

  /** Gives up, for a reason that is said of the place that was reached, or of what stands there under `key`. */
  refuse(reason: string, key?: PropertyKey): never {
    if (key !== undefined) this.#path.push(key);
    this.#refusal = new KeyError(`${this.#place()} ${reason}`);
    throw this.#refusal;
  }

  /** What is thrown in place of an error that arose while the argument was read. */
  explain(error: unknown): KeyError {
    if (error !== undefined && error === this.#refusal) return this.#refusal;
    const why = types.isNativeError(error) ? `: ${error.message}` : '';
    return new KeyError(`${this.#place()} could not be read, so the call has no key${why}`, { cause: error });
  }

  #place(): string {
    const subject = typeof this.#subject === 'number' ? `the argument at index ${this.#subject}` : this.#subject;
    return `${this.#label}${subject}${writePath(this.#path)}`;
  }
}

/** `, at .filter.owner[0],`, shortened where it is long; `''` at the argument itself. */
function writePath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const steps = path.slice(0, longestPath).map((key) => {
    if (typeof key === 'string' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `.${key}`;
    if (key === cacheKey) return '[cacheKey]()';
    return `[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`;
  });
  return `, at ${steps.join('')}${path.length > longestPath ? '…' : ''},`;
}
