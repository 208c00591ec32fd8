import { IdentityToken, ShapeToken, TextToken } from './index-token.ts';
import { isBare } from './shape-match.ts';

/** Is told which weakly held things matter, and which do no longer. */
export interface Watcher {
  watch(level: Level, token: IdentityToken, child: unknown): void;
  unwatch(token: IdentityToken): void;
}

/**
 * One step of the way from arguments to a leaf. Behind each token stands a child: another level or, at the end of a path, the
 * leaf; how deep a path is tells which. Tokens are told apart by `Map` equality, text, keys or identity, and no two of these
 * are ever confused.
 */
export class Level {
  readonly parent: Level | undefined;
  /** What this level stands behind in its parent; for a root the number of arguments. */
  readonly token: unknown;
  /** What stands behind primitives. The hot path of a function of one primitive reads it directly. */
  readonly children: Map<unknown, unknown> = new Map();
  /** What stands behind everything else; made when first needed. */
  objects: ObjectTokens | undefined = undefined;
  /** For whoever keeps an order of the leaves: those that are to stay. */
  marks: Set<unknown> | undefined = undefined;
  /** Whether this level is to go with something known by identity, so that nobody outside the index may hold it. */
  readonly isPassing: boolean;
  #ref: WeakRef<Level> | undefined = undefined;

  constructor(parent: Level | undefined, token: unknown) {
    this.parent = parent;
    this.token = token;
    this.isPassing = token instanceof IdentityToken || (parent?.isPassing ?? false);
  }

  /** Whether nothing stands here any more. */
  get isEmpty(): boolean {
    return this.children.size === 0 && (this.objects === undefined || this.objects.isEmpty);
  }

  /** To be held in place of a level that {@link isPassing}. */
  get ref(): WeakRef<Level> {
    this.#ref ??= new WeakRef<Level>(this);
    return this.#ref;
  }

  /** What stands behind a token. */
  get(token: unknown): unknown {
    if (!isObjectToken(token)) return this.children.get(token);
    return this.objects?.get(token);
  }

  /** Whether something stands behind a token, be it `undefined`. */
  has(token: unknown): boolean {
    if (!isObjectToken(token)) return this.children.has(token);
    return this.objects?.has(token) ?? false;
  }

  /** Puts a child behind a token; answers whether there was none. */
  set(token: unknown, child: unknown, watcher: Watcher): boolean {
    if (isObjectToken(token)) {
      this.objects ??= new ObjectTokens();
      return this.objects.set(token, child, this, watcher);
    }
    const before = this.children.size;
    this.children.set(token, child);
    return this.children.size > before;
  }

  /** Takes away what stands behind a token; answers whether there was something. */
  delete(token: unknown, watcher: Watcher): boolean {
    if (!isObjectToken(token)) return this.children.delete(token);
    return this.objects?.delete(token, watcher) ?? false;
  }

  clear(): void {
    this.children.clear();
    this.objects = undefined;
    this.marks = undefined;
  }

  /** All tokens that something stands behind, with what does. */
  *entries(): Generator<[token: unknown, child: unknown], void, undefined> {
    yield* this.children;
    if (this.objects !== undefined) yield* this.objects.entries();
  }
}

type ObjectToken = TextToken | ShapeToken | IdentityToken;

function isObjectToken(token: unknown): token is ObjectToken {
  // Primitives, which are most, are told at once.
  if (typeof token !== 'object' || token === null) return false;
  return token instanceof TextToken || token instanceof ShapeToken || token instanceof IdentityToken;
}

/** What stands behind a value known by identity. */
interface Held {
  readonly token: IdentityToken;
  child: unknown;
}

/** The most shapes that are tried one after the other before a snapshot is taken. */
const mostRecent = 4;

/** What a level has behind other things than primitives. */
export class ObjectTokens {
  readonly #texts = new Map<string, unknown>();
  /** The levels behind shapes, by signature. The token of each has the order in which values stand behind it. */
  readonly #shapes = new Map<string, Level>();
  /** Some of them, tried first. */
  #recent: readonly Level[] = [];
  /** Each entry lives as long as its key, and is held by nothing else. */
  readonly #identities = new WeakMap<WeakKey, Held>();
  /** The tokens of `#identities`, which cannot be listed itself. */
  readonly #tokens = new Set<IdentityToken>();
  /** Whether there have ever been any. */
  #hasIdentities = false;

  get isEmpty(): boolean {
    return this.#texts.size === 0 && this.#shapes.size === 0 && this.#tokens.size === 0;
  }

  /** What stands behind a value, if that can be told without a snapshot. What is answered is certain; `undefined` is not. */
  find(value: WeakKey): unknown {
    if (this.#hasIdentities) {
      const held = this.#identities.get(value);
      if (held !== undefined) return held.child;
    }
    if (typeof value !== 'object') return undefined;
    const recent = this.#recent;
    for (let index = 0; index < recent.length; index++) {
      const child = findFlat(recent[index] as Level, value);
      if (child !== undefined) return child;
    }
    return undefined;
  }

  get(token: ObjectToken): unknown {
    if (token instanceof TextToken) return this.#texts.get(token.text);
    if (token instanceof ShapeToken) {
      const level = this.#shapes.get(token.signature);
      if (level !== undefined) this.#noteRecent(level);
      return level;
    }
    const value = token.ref.deref();
    return value === undefined ? undefined : this.#identities.get(value)?.child;
  }

  has(token: ObjectToken): boolean {
    if (token instanceof TextToken) return this.#texts.has(token.text);
    if (token instanceof ShapeToken) return this.#shapes.has(token.signature);
    const value = token.ref.deref();
    return value !== undefined && this.#identities.has(value);
  }

  set(token: ObjectToken, child: unknown, level: Level, watcher: Watcher): boolean {
    if (token instanceof TextToken) return setIn(this.#texts, token.text, child);
    if (token instanceof ShapeToken) {
      this.#noteRecent(child as Level);
      return setIn(this.#shapes, token.signature, child as Level);
    }
    const value = token.ref.deref();
    if (value === undefined) return false;
    const held = this.#identities.get(value);
    if (held !== undefined) {
      held.child = child;
      return false;
    }
    this.#identities.set(value, { token, child });
    this.#tokens.add(token);
    this.#hasIdentities = true;
    watcher.watch(level, token, child);
    return true;
  }

  delete(token: ObjectToken, watcher: Watcher): boolean {
    if (token instanceof TextToken) return this.#texts.delete(token.text);
    if (token instanceof ShapeToken) {
      const level = this.#shapes.get(token.signature);
      this.#recent = this.#recent.filter((other) => other !== level);
      return this.#shapes.delete(token.signature);
    }
    const value = token.ref.deref();
    // The token at hand may have been made for another look at the same value.
    const held = value === undefined ? undefined : this.#identities.get(value);
    if (value === undefined || held === undefined) return false;
    this.#identities.delete(value);
    this.#tokens.delete(held.token);
    watcher.unwatch(held.token);
    return true;
  }

  /** What a token stood for has been collected. Answers whether that is news. */
  forget(token: IdentityToken): boolean {
    return this.#tokens.delete(token);
  }

  *entries(): Generator<[token: ObjectToken, child: unknown], void, undefined> {
    for (const [text, child] of this.#texts) yield [new TextToken(text), child];
    for (const level of this.#shapes.values()) yield [level.token as ShapeToken, level];
    for (const token of this.#tokens) if (this.has(token)) yield [token, this.get(token)];
  }

  #noteRecent(level: Level): void {
    // An own `__proto__` hides what `isBare` asks for.
    if ((level.token as ShapeToken).keys.includes('__proto__')) return;
    if (!this.#recent.includes(level)) this.#recent = [level, ...this.#recent.slice(0, mostRecent - 1)];
  }
}

function setIn<Value>(map: Map<string, Value>, key: string, value: Value): boolean {
  const before = map.size;
  map.set(key, value);
  return map.size > before;
}

/** What stands behind one value of a call, if that can be told without a snapshot. What is answered is certain. */
export function stepInto(level: Level, value: unknown): unknown {
  // An object is not in the map: asking costs less than a branch in front of every primitive.
  const child = level.children.get(value);
  return child === undefined && level.objects !== undefined ? findBehind(level.objects, value) : child;
}

function findBehind(objects: ObjectTokens, value: unknown): unknown {
  switch (typeof value) {
    case 'object':
      return value === null ? undefined : objects.find(value);
    case 'function':
    case 'symbol':
      return objects.find(value as WeakKey);
    default:
      return undefined;
  }
}

/** What stands behind a plain object with just these keys in this order. */
function findFlat(shape: Level, value: object): unknown {
  const { keys } = shape.token as ShapeToken;
  let child: unknown = shape;
  let count = 0;
  try {
    for (const key in value) {
      if (key !== keys[count]) return undefined;
      count++;
      child = stepInto(child as Level, (value as Record<string, unknown>)[key]);
      if (child === undefined) return undefined;
    }
  } catch {
    // A getter threw; the snapshot will say so.
    return undefined;
  }
  return count === keys.length && isBare(value, count) ? child : undefined;
}
